// The bar of buttons under the picture: shows what the playback is doing and turns presses into its orders.
import { element, fill } from '../dom.js';
import { formatTime } from '../format.js';
import { icon } from '../icons.js';
import { Menu } from '../menu.js';
import { chapterAt } from '../seek-bar/chapters.js';
import { SeekBar } from '../seek-bar/seek-bar.js';
import { audioItems, qualityItems, qualityLabel, subtitleItems } from './track-menus.js';

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

/** @typedef {import('./keyboard.js').PlayerCommands & { nextSubtitleSize(): void, nextSubtitleBackground(): void, togglePictureInPicture(): void, setSpeed(speed: number): void, setVolume(volume: number): void }} ControlCommands */

export class Controls {
  #playback;
  #video;
  #commands;
  #playButton;
  #muteButton;
  #fullscreenButton;
  #volume;
  #time = element('div', { class: 'time' });
  #speed;
  #quality;
  #audio;
  #subtitles;
  #chapterMenu;
  /** @type {import('../seek-bar/chapters.js').Chapter[]} */
  #chapters = [];
  #seekBar;
  root;

  /**
   * @param {import('../playback/playback.js').Playback} playback
   * @param {HTMLVideoElement} video
   * @param {ControlCommands} commands
   */
  constructor(playback, video, commands) {
    this.#playback = playback;
    this.#video = video;
    this.#commands = commands;
    this.#playButton = control('Play', 'play', () => commands.togglePlay());
    this.#muteButton = control('Mute', 'volume', () => commands.toggleMute());
    this.#fullscreenButton = control('Full screen', 'fullscreen', () => commands.toggleFullscreen());
    this.#volume = element('input', { type: 'range', class: 'volume', min: 0, max: 1, step: 0.02, 'aria-label': 'Volume' });
    this.#volume.addEventListener('input', () => commands.setVolume(Number(this.#volume.value)));
    this.#speed = new Menu('Speed', null, () => SPEEDS.map(speed => this.#speedItem(speed)));
    this.#quality = new Menu('Quality', 'quality', () => qualityItems(playback));
    this.#audio = new Menu('Audio', 'audio', () => audioItems(playback));
    this.#subtitles = new Menu('Subtitles', 'subtitles', () => subtitleItems(playback));
    this.#chapterMenu = new Menu('Chapters', 'chapters', () => this.#chapterItems());
    this.#seekBar = new SeekBar({
      onSeek: (positionMs, isPrecise) => playback.seekTo(positionMs, isPrecise ? 'precise' : playback.seekMode),
      onScrub: positionMs => playback.scrubTo(positionMs),
      onCancel: () => playback.endScrub(),
      onStep: deltaMs => playback.seekBy(deltaMs),
    });
    this.root = element('div', { class: 'controls' }, this.#seekBar.root, this.#buttonRow());
    this.update();
  }

  /** @param {import('../seek-bar/chapters.js').Chapter[]} chapters */
  set chapters(chapters) {
    this.#chapters = chapters;
    this.#seekBar.chapters = chapters;
    this.update();
  }

  /** The film plays: what a person may want to see next is got ready. */
  prepare() {
    this.#seekBar.prepare();
  }

  close() {
    this.#seekBar.close();
  }

  get isBusy() {
    return this.#seekBar.isPointedAt || Menu.isOpen;
  }

  /** Everything but the time: called when something changed. */
  update() {
    const playback = this.#playback;
    const isAtEnd = this.#video.ended;
    setControl(
      this.#playButton,
      playback.isPlaying ? 'pause' : isAtEnd ? 'replay' : 'play',
      playback.isPlaying ? 'Pause' : isAtEnd ? 'Play again' : 'Play',
    );
    const volume = this.#video.muted ? 0 : this.#video.volume;
    setControl(this.#muteButton, volume === 0 ? 'muted' : volume < 0.5 ? 'volumeLow' : 'volume', volume === 0 ? 'Unmute' : 'Mute');
    this.#volume.value = String(volume);
    this.#volume.style.setProperty('--fill', `${volume * 100}%`);
    const isFullscreen = document.fullscreenElement !== null;
    setControl(this.#fullscreenButton, isFullscreen ? 'exitFullscreen' : 'fullscreen', isFullscreen ? 'Leave full screen' : 'Full screen');
    this.#speed.setLabel(`${this.#video.playbackRate}×`);
    this.#quality.setLabel(qualityLabel(playback));
    this.#quality.show(qualityItems(playback).length > 1);
    this.#audio.show(audioItems(playback).length > 1);
    this.#subtitles.show(subtitleItems(playback).length > 1);
    this.#chapterMenu.show(this.#chapters.length > 0);
    this.#seekBar.previews = playback.info?.previews ?? null;
    this.updateTime();
  }

  updateTime() {
    const { positionMs, durationMs } = this.#playback;
    this.#seekBar.update({ positionMs, durationMs, buffered: this.#video.buffered });
    const text = `${formatTime(positionMs)} / ${formatTime(durationMs)}`;
    if (this.#time.textContent !== text) this.#time.textContent = text;
  }

  #buttonRow() {
    const commands = this.#commands;
    const canFloat = document.pictureInPictureEnabled === true;
    const pip = canFloat ? control('Picture in picture', 'pip', () => commands.togglePictureInPicture(), 'wide-only') : null;
    const more = new Menu('More', 'more', () => [
      // Where there is no room for their buttons.
      ...[this.#speed, this.#chapterMenu].flatMap(menu => (menu.isTuckedAway ? [{ label: menu.title, act: () => menu.open() }] : [])),
      ...(canFloat ? [{ label: 'Picture in picture', act: () => commands.togglePictureInPicture() }] : []),
      { label: 'Precise seeking', note: 'P', isChosen: this.#playback.seekMode === 'precise', act: () => commands.togglePrecision() },
      { label: 'Subtitle size', act: () => commands.nextSubtitleSize() },
      { label: 'Subtitle background', act: () => commands.nextSubtitleBackground() },
      { label: 'Statistics', note: 'I', act: () => commands.toggleStats() },
      { label: 'Keyboard keys', note: '?', act: () => commands.toggleHelp() },
    ]);
    for (const menu of [this.#speed, this.#chapterMenu]) menu.root.classList.add('is-minor');
    return element(
      'div',
      { class: 'control-row' },
      this.#playButton,
      control('Back 10 seconds', 'back10', () => commands.seekBy(-10_000), 'wide-only'),
      control('Forward 10 seconds', 'forward10', () => commands.seekBy(10_000), 'wide-only'),
      element('div', { class: 'volume-group' }, this.#muteButton, this.#volume),
      this.#time,
      element('div', { class: 'spacer' }),
      this.#chapterMenu.root,
      this.#audio.root,
      this.#subtitles.root,
      this.#speed.root,
      this.#quality.root,
      pip,
      more.root,
      this.#fullscreenButton,
    );
  }

  /** @returns {import('../menu.js').MenuItem[]} */
  #chapterItems() {
    const present = chapterAt(this.#chapters, this.#playback.positionMs);
    return this.#chapters.map(chapter => ({
      label: chapter.title,
      note: formatTime(chapter.startMs),
      isChosen: chapter === present,
      act: () => this.#playback.seekTo(chapter.startMs),
    }));
  }

  /** @param {number} speed @returns {import('../menu.js').MenuItem} */
  #speedItem(speed) {
    return {
      label: speed === 1 ? 'Normal' : `${speed}×`,
      isChosen: this.#video.playbackRate === speed,
      act: () => this.#commands.setSpeed(speed),
    };
  }
}

/**
 * @param {string} label
 * @param {import('../icons.js').IconName} name
 * @param {() => void} act
 * @param {string} [extraClass]
 */
export function control(label, name, act, extraClass = '') {
  return element(
    'button',
    { class: `control ${extraClass}`.trim(), type: 'button', 'aria-label': label, title: label, 'data-icon': name, onclick: act },
    icon(name),
  );
}

/**
 * @param {HTMLButtonElement} button
 * @param {import('../icons.js').IconName} name
 * @param {string} label
 */
export function setControl(button, name, label) {
  if (button.dataset.icon === name && button.title === label) return;
  button.dataset.icon = name;
  button.title = label;
  button.setAttribute('aria-label', label);
  fill(button, icon(name));
}
