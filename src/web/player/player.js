// The player's screen: the picture, what lies over it, and the wiring between playback, controls, keys and gestures.
import { request } from '../api.js';
import { element } from '../dom.js';
import { icon } from '../icons.js';
import { fullTitle } from '../library/names.js';
import { Menu } from '../menu.js';
import { describeTurn } from '../messages.js';
import { NextEpisode } from '../next-episode/next-episode.js';
import { measureCapabilities } from '../playback/capabilities.js';
import { Playback } from '../playback/playback.js';
import { publishPlayer } from '../playback/player-state.js';
import { namedChapters } from '../seek-bar/chapters.js';
import { SubtitleStyle } from '../subtitles/style.js';
import { keepPosition } from './address.js';
import { Controls, control, SPEEDS, setControl } from './controls.js';
import { helpPanel } from './help-panel.js';
import { bindKeys } from './keyboard.js';
import { toggleFullscreen, togglePictureInPicture } from './screen-modes.js';
import { SkipButton } from './skip-button.js';
import { StatsPanel } from './stats-panel.js';
import { bindGestures } from './touch-gestures.js';
import { subtitleItems } from './track-menus.js';
import { Volume } from './volume.js';

const HIDE_CONTROLS_MS = 3_000;
const SPINNER_AFTER_MS = 350;
const PREPARE_AFTER_MS = 4_000;

/**
 * @param {HTMLElement} root
 * @param {{ mediaId: string, startMs: number | null, clickedAtMs: number, leave: () => void, navigate: (path: string, options?: { replace?: boolean }) => void }} options
 * @returns {() => void} closes the player
 */
export function showPlayer(root, options) {
  const player = new Player(root, options);
  return () => player.close();
}

class Player {
  #closed = new AbortController();
  #leave;
  #video = element('video', { playsinline: true, preload: 'auto', class: 'picture', tabIndex: -1 });
  #still = element('canvas', { class: 'picture still', hidden: true, 'aria-hidden': 'true' });
  #title = element('h1', { class: 'player-title' });
  #notice = element('div', { class: 'notice', role: 'status', hidden: true });
  #spinner = element('div', { class: 'spinner', hidden: true, role: 'img', 'aria-label': 'Loading' });
  #failure = element('div', { class: 'failure', role: 'alert', hidden: true });
  #failureText = element('p');
  #flash = element('div', { class: 'flash', 'aria-hidden': 'true' });
  #unmute;
  #bigPlay;
  #help;
  #next;
  /** One player follows another: the screen stays full. */
  #goesOn = false;
  #nextButton;
  #surface = element('div', { class: 'surface' });
  #stage;
  #playback;
  #volume = new Volume(this.#video);
  #controls;
  #skip;
  /** The file whose parts are known, or asked for. @type {string | null} */
  #skippedOf = null;
  #subtitleStyle;
  /** What C brings back. @type {number} */
  #lastSubtitles = 1;
  #stats;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hideTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #spinnerTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #flashTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #prepareTimer;

  /**
   * @param {HTMLElement} root
   * @param {{ mediaId: string, startMs: number | null, clickedAtMs: number, leave: () => void, navigate: (path: string, options?: { replace?: boolean }) => void }} options
   */
  constructor(root, { mediaId, startMs, clickedAtMs, leave, navigate }) {
    this.#leave = leave;
    const commands = this.#commands();
    this.#playback = new Playback(this.#video, mediaId, { capabilities: measureCapabilities(), clickedAtMs });
    this.#controls = new Controls(this.#playback, this.#video, commands);
    this.#stats = new StatsPanel(this.#playback, this.#video);
    this.#skip = new SkipButton(positionMs => this.#playback.seekTo(positionMs));
    this.#unmute = element(
      'button',
      { class: 'button unmute', type: 'button', hidden: true, onclick: () => commands.toggleMute() },
      icon('muted'),
      'Tap for sound',
    );
    this.#bigPlay = control('Play', 'play', () => commands.togglePlay(), 'big-play');
    this.#help = helpPanel(() => commands.toggleHelp());
    this.#nextButton = control('Next episode', 'next', () => this.#next.play(), 'next-button');
    this.#nextButton.hidden = true;
    this.#stage = this.#build(commands);
    this.#next = new NextEpisode(this.#video, {
      stage: this.#stage,
      positionMs: () => this.#playback.positionMs,
      mediaId: () => this.#playback.mediaId,
      go: path => {
        this.#goesOn = true;
        navigate(path, { replace: true });
      },
      signal: this.#closed.signal,
    });
    this.#next.addEventListener('known', () => {
      this.#nextButton.hidden = false;
    });
    this.#stage.append(this.#next.root);
    this.#subtitleStyle = new SubtitleStyle(this.#stage);
    root.append(this.#stage);
    this.#listen(commands);
    publishPlayer(this.#playback);
    this.#playback.start(startMs);
    void this.#showTitle(mediaId);
  }

  close() {
    this.#playback.close();
    this.#stats.close();
    this.#controls.close();
    this.#closed.abort();
    for (const timer of [this.#hideTimer, this.#spinnerTimer, this.#flashTimer, this.#prepareTimer]) clearTimeout(timer);
    publishPlayer(null);
    if (document.fullscreenElement !== null && !this.#goesOn) document.exitFullscreen().catch(() => undefined);
    this.#stage.remove();
  }

  /** @param {import('./controls.js').ControlCommands} commands */
  #build(commands) {
    const retry = element('button', { class: 'button primary', type: 'button', onclick: () => this.#playback.retry() }, 'Retry');
    const back = element('button', { class: 'button', type: 'button', onclick: () => this.#leave() }, 'Back to the film');
    this.#failure.append(this.#failureText, element('div', { class: 'row' }, retry, back));
    const centre = element(
      'div',
      { class: 'centre touch-only' },
      control('Back 10 seconds', 'back10', () => commands.seekBy(-10_000)),
      this.#bigPlay,
      control('Forward 10 seconds', 'forward10', () => commands.seekBy(10_000)),
    );
    const top = element(
      'div',
      { class: 'player-top' },
      control('Back', 'back', () => this.#leave()),
      this.#title,
      this.#nextButton,
    );
    return element(
      'div',
      { class: 'player', 'aria-label': 'Video player', role: 'region' },
      this.#video,
      this.#still,
      this.#surface,
      this.#flash,
      this.#spinner,
      centre,
      top,
      this.#notice,
      this.#unmute,
      this.#skip.root,
      this.#controls.root,
      this.#stats.root,
      this.#help,
      this.#failure,
    );
  }

  /** @param {import('./controls.js').ControlCommands} commands */
  #listen(commands) {
    const { signal } = this.#closed;
    const video = this.#video;
    const stage = this.#stage;
    this.#playback.addEventListener('change', () => this.#render(), { signal });
    this.#playback.addEventListener('swap', () => this.#keepPicture(), { signal });
    this.#playback.addEventListener('sound-refused', () => this.#render(), { signal });
    for (const event of ['timeupdate', 'progress', 'durationchange'])
      video.addEventListener(event, () => this.#controls.updateTime(), { signal });
    for (const event of ['timeupdate', 'seeking'])
      video.addEventListener(event, () => this.#skip.update(this.#playback.positionMs), { signal });
    for (const event of ['waiting', 'stalled', 'volumechange', 'ratechange', 'ended', 'loadeddata'])
      video.addEventListener(event, () => this.#render(), { signal });
    addEventListener('keydown', () => this.#wake(), { signal });
    for (const event of ['pointermove', 'pointerdown', 'focusin'])
      stage.addEventListener(event, noticed => this.#onActivity(noticed), { signal });
    stage.addEventListener('click', event => this.#afterClick(event), { signal });
    document.addEventListener('fullscreenchange', () => this.#render(), { signal });
    addEventListener('pagehide', event => (event.persisted ? this.#playback.suspend() : this.#playback.close()), { signal });
    video.addEventListener('playing', () => this.#prepareSoon(), { signal, once: true });
    keepPosition(video, () => this.#playback.positionMs, signal);
    bindKeys(commands, signal);
    bindGestures(this.#surface, this.#gestures(commands), signal);
    this.#wake();
  }

  /** @returns {import('./controls.js').ControlCommands} */
  #commands() {
    const video = this.#video;
    return {
      togglePlay: () => this.#playback.togglePlay(),
      seekBy: (ms, mode = this.#playback.seekMode) => {
        this.#playback.seekBy(ms, mode);
        this.#announce(ms < 0 ? '−10 s' : '+10 s', ms < 0 ? 'left' : 'right');
      },
      skip: () => this.#skip.skip(),
      seekToShare: share => this.#playback.seekTo(share * this.#playback.durationMs),
      togglePrecision: () => {
        this.#playback.seekMode = this.#playback.seekMode === 'precise' ? 'keyframe' : 'precise';
        this.#announce(this.#playback.seekMode === 'precise' ? 'Precise seeking' : 'Quick seeking', 'middle');
      },
      setVolume: volume => this.#volume.set(volume),
      changeVolume: by => {
        this.#volume.change(by);
        this.#announce(`Volume ${Math.round(video.volume * 100)} %`, 'middle');
      },
      toggleMute: () => this.#volume.toggleMute(),
      toggleFullscreen: () =>
        this.#orAnnounce(toggleFullscreen(this.#stage.closest('#app') ?? this.#stage, video), 'Full screen is not allowed here'),
      toggleSubtitles: () => this.#toggleSubtitles(),
      nextSubtitleSize: () => {
        this.#subtitleStyle.nextSize();
        this.#announce(`Subtitles: ${this.#subtitleStyle.size}`, 'middle');
      },
      nextSubtitleBackground: () => {
        this.#subtitleStyle.nextBackground();
        this.#announce(`Subtitles: ${this.#subtitleStyle.background}`, 'middle');
      },
      toggleStats: () => {
        this.#help.hidden = true;
        this.#stats.toggle();
      },
      setSpeed: speed => this.#setSpeed(speed),
      changeSpeed: steps => {
        const index = Math.max(0, SPEEDS.indexOf(video.playbackRate)) + steps;
        this.#setSpeed(SPEEDS[Math.min(Math.max(index, 0), SPEEDS.length - 1)] ?? 1);
        this.#announce(`Speed ${video.playbackRate}×`, 'middle');
      },
      togglePictureInPicture: () => this.#orAnnounce(togglePictureInPicture(video), 'Picture in picture is not available'),
      toggleHelp: () => {
        if (this.#help.hidden && !this.#stats.root.hidden) this.#stats.toggle();
        this.#help.hidden = !this.#help.hidden;
      },
      nextEpisode: () => this.#next.play(),
      leave: () => this.#escape(),
    };
  }

  /** Not while the film begins. */
  #prepareSoon() {
    this.#prepareTimer = setTimeout(() => this.#controls.prepare(), PREPARE_AFTER_MS);
  }

  /** @param {import('./controls.js').ControlCommands} commands @returns {import('./touch-gestures.js').GestureListener} */
  #gestures(commands) {
    return {
      tap: () => (this.#stage.classList.contains('is-idle') ? this.#wake() : this.#sleep()),
      click: () => (Menu.isOpen ? Menu.closeOpen() : commands.togglePlay()),
      doubleClick: () => commands.toggleFullscreen(),
      skip: direction => commands.seekBy(direction * 10_000),
    };
  }

  #render() {
    const { status, isPlaying, turn } = this.#playback;
    this.#controls.update();
    setControl(this.#bigPlay, isPlaying ? 'pause' : this.#video.ended ? 'replay' : 'play', isPlaying ? 'Pause' : 'Play');
    this.#failure.hidden = status.name !== 'failed';
    if (status.name === 'failed') this.#failureText.textContent = status.message;
    const notice = status.name === 'waiting' ? status.message : turn === null ? '' : describeTurn(turn);
    if (this.#notice.textContent !== notice) this.#notice.textContent = notice;
    this.#notice.hidden = notice === '';
    this.#unmute.hidden = !(this.#video.muted && isPlaying && !this.#volume.isMutedByPerson);
    if (this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && status.name === 'ready') this.#still.hidden = true;
    void this.#findSkipped();
    this.#renderSpinner(this.#playback.isBuffering && status.name !== 'failed');
    this.#stage.classList.toggle('is-paused', !isPlaying);
    if (!isPlaying) this.#wake();
  }

  /** @param {boolean} isNeeded */
  #renderSpinner(isNeeded) {
    if (!isNeeded) {
      clearTimeout(this.#spinnerTimer);
      this.#spinnerTimer = undefined;
      this.#spinner.hidden = true;
      return;
    }
    this.#spinnerTimer ??= setTimeout(() => {
      this.#spinner.hidden = false;
    }, SPINNER_AFTER_MS);
  }

  /** While one source replaces another the video element is black: a copy of its last picture covers it. */
  #keepPicture() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (videoWidth === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#still.width = videoWidth;
    this.#still.height = videoHeight;
    this.#still.getContext('2d')?.drawImage(this.#video, 0, 0);
    this.#still.hidden = false;
  }

  /** A finger on the picture is a gesture, which decides for itself. @param {Event} event */
  #onActivity(event) {
    const isGesture = event instanceof PointerEvent && event.pointerType !== 'mouse' && event.target === this.#surface;
    if (!isGesture) this.#wake();
  }

  #wake() {
    clearTimeout(this.#hideTimer);
    this.#stage.classList.remove('is-idle');
    this.#hideTimer = setTimeout(() => this.#sleep(), HIDE_CONTROLS_MS);
  }

  #sleep() {
    const hasKeyboardFocus = this.#stage.querySelector('.controls :focus-visible') !== null;
    if (!this.#playback.isPlaying || this.#controls.isBusy || this.#playback.status.name === 'failed' || hasKeyboardFocus) return;
    this.#stage.classList.add('is-idle');
  }

  /** A button pressed by mouse must not keep the focus: Space would press it again. @param {MouseEvent} event */
  #afterClick(event) {
    const { target } = event;
    if (!(target instanceof Element)) return;
    if (target.closest('.menu-anchor') === null) Menu.closeOpen();
    const button = target.closest('button');
    if (event.detail > 0 && button !== null && button.closest('.menu-anchor') === null) button.blur();
  }

  #escape() {
    if (Menu.isOpen) Menu.closeOpen();
    else if (this.#next.isShown) this.#next.cancel();
    else if (!this.#help.hidden) this.#help.hidden = true;
    else if (!this.#stats.root.hidden) this.#stats.toggle();
    else this.#leave();
  }

  /** @param {string} text @param {'left' | 'middle' | 'right'} side */
  #announce(text, side) {
    clearTimeout(this.#flashTimer);
    this.#flash.textContent = text;
    this.#flash.className = `flash is-shown at-${side}`;
    this.#flashTimer = setTimeout(() => this.#flash.classList.remove('is-shown'), 600);
  }

  /** @param {number} speed */
  #setSpeed(speed) {
    // A new source would go back to the default rate.
    this.#video.defaultPlaybackRate = speed;
    this.#video.playbackRate = speed;
  }

  #toggleSubtitles() {
    const items = subtitleItems(this.#playback);
    if (items.length < 2) return;
    const chosen = items.findIndex(item => item.isChosen === true);
    if (chosen > 0) this.#lastSubtitles = chosen;
    const next = items[chosen > 0 ? 0 : this.#lastSubtitles] ?? items[1];
    next?.act();
    this.#announce(chosen > 0 ? 'Subtitles off' : `Subtitles: ${next?.label}`, 'middle');
  }

  /** @param {Promise<void>} change @param {string} refusal */
  #orAnnounce(change, refusal) {
    change.catch(() => this.#announce(refusal, 'middle'));
  }

  /** Of the file that is played, which may be another version than the one that was asked for. */
  async #findSkipped() {
    const mediaId = this.#playback.info?.mediaId;
    if (mediaId === undefined || mediaId === this.#skippedOf) return;
    this.#skippedOf = mediaId;
    // Without it the film plays all the same.
    const answer = await request('GET', `/api/v1/media/${encodeURIComponent(mediaId)}/segments`, { signal: this.#closed.signal }).catch(
      () => null,
    );
    if (this.#skippedOf !== mediaId) return;
    this.#skip.parts = answer?.items ?? [];
    this.#skip.update(this.#playback.positionMs);
  }

  /** @param {string} mediaId */
  async #showTitle(mediaId) {
    const { signal } = this.#closed;
    // Without a title the film plays all the same, and a failure shows in the playback itself.
    const media = await request('GET', `/api/v1/media/${encodeURIComponent(mediaId)}`, { signal }).catch(() => null);
    if (media === null || signal.aborted) return;
    this.#title.textContent = fullTitle(media);
    void this.#next.find(media, signal);
    this.#controls.chapters = namedChapters(media.chapters);
    document.title = `${fullTitle(media)} · Ferrite`;
    if ('mediaSession' in navigator)
      navigator.mediaSession.metadata = new MediaMetadata({ title: media.title, artist: media.show?.title ?? '' });
  }
}
