// Subtitles over the picture, however the film itself is delivered: drawn as they were authored, or text of the server as cues of one text track. What fails here stops no film.

import { forcedTrack, isSameLanguage, preferredTrack, readPreference, savePreference } from './choice.js';
import { applySettings, parseCues, startsOf } from './cue-text.js';
import { draw, isDrawn } from './drawing.js';

/** @typedef {import('./choice.js').SubtitleTrack} SubtitleTrack */
/** @typedef {import('../playback/session.js').PlaybackSession} PlaybackSession */

/** So far ahead of the picture text is loaded. */
const AHEAD_S = 20;
const RETRY_MS = 3_000;
/** In a row: the track is given up until it is chosen again. */
const MAX_FAILURES = 10;

export class Subtitles {
  #video;
  #onChange;
  /** Made with the first choice: an element can not be rid of a text track. @type {TextTrack | null} */
  #text = null;
  /** @type {PlaybackSession | null} */
  #session = null;
  #spoken = () => /** @type {string | null} */ (null);
  /** Chosen by the person; forced ones show without a choice. @type {SubtitleTrack | null} */
  #chosen = null;
  /** @type {SubtitleTrack | null} */
  #shown = null;
  #isFailed = false;
  /** Shown as cues, not drawn. */
  #isText = false;
  /** Ends the loading of the track that was shown before. */
  #loading = new AbortController();
  /** @type {readonly number[]} */
  #starts = [];
  /** @type {Set<number>} */
  #loaded = new Set();
  /** Cues that cross a boundary come with both segments. @type {Set<string>} */
  #known = new Set();
  #isBusy = false;

  /** @param {HTMLVideoElement} video @param {{ onChange: () => void, signal: AbortSignal }} options */
  constructor(video, { onChange, signal }) {
    this.#video = video;
    this.#onChange = onChange;
    for (const event of ['timeupdate', 'seeking', 'playing']) video.addEventListener(event, () => void this.#load(), { signal });
    signal.addEventListener('abort', () => this.#loading.abort());
  }

  /** Another session of the film. @param {PlaybackSession} session @param {{ spoken: () => string | null }} facts */
  attach(session, { spoken }) {
    const isFirst = this.#session === null;
    this.#session = session;
    this.#spoken = spoken;
    const number = this.#chosen?.track;
    this.#chosen = isFirst ? preferredTrack(this.tracks, readPreference()) : (this.tracks.find(({ track }) => track === number) ?? null);
    this.#show();
  }

  /** @returns {readonly SubtitleTrack[]} */
  get tracks() {
    return this.#session?.info.tracks.subtitles ?? [];
  }

  /** What a person can choose: forced ones only where there is nothing else of their language. */
  get choices() {
    return this.tracks.filter(
      track => !track.isForced || !this.tracks.some(other => !other.isForced && isSameLanguage(other.language, track.language)),
    );
  }

  get chosen() {
    return this.#chosen;
  }

  get shown() {
    return this.#shown;
  }

  /** The shown track could not be loaded. */
  get isFailed() {
    return this.#isFailed;
  }

  /** @param {SubtitleTrack | null} track null: off */
  choose(track) {
    this.#chosen = track;
    savePreference(track);
    this.#show();
  }

  /** Another language may be spoken now. */
  refresh() {
    const shown = this.#wanted();
    if (shown?.track !== this.#shown?.track) this.#show();
  }

  #wanted() {
    return this.#chosen ?? forcedTrack(this.tracks, this.#spoken());
  }

  #show() {
    this.#loading.abort();
    this.#loading = new AbortController();
    this.#shown = this.#wanted();
    this.#isFailed = false;
    this.#isBusy = false;
    this.#starts = [];
    this.#loaded = new Set();
    this.#known = new Set();
    this.#clear();
    this.#isText = false;
    if (this.#text !== null) this.#text.mode = 'disabled';
    if (this.#shown !== null && isDrawn(this.#shown)) this.#draw(this.#shown);
    else if (this.#shown !== null) this.#showText();
    this.#onChange();
  }

  #showText() {
    this.#isText = true;
    this.#text ??= this.#video.addTextTrack('subtitles', 'Subtitles');
    this.#text.mode = 'showing';
    void this.#load();
  }

  /** What can not be drawn is shown as text, where it is text. @param {SubtitleTrack} track */
  #draw(track) {
    const base = this.#base();
    if (base === null) return;
    void draw(this.#video, {
      track,
      sourceUrl: new URL(track.sourceUrl, base),
      fontsUrl: track.fontsUrl === null ? null : new URL(track.fontsUrl, base),
      signal: this.#loading.signal,
      onFailed: () => {
        if (track.kind === 'text') return this.#showText();
        this.#isFailed = true;
        this.#onChange();
      },
    });
  }

  #clear() {
    const text = this.#text;
    if (text === null) return;
    // Cues of a disabled track can not be reached.
    text.mode = 'hidden';
    for (const cue of Array.from(text.cues ?? [])) text.removeCue(cue);
  }

  /** One segment after the other, the one of the picture first. */
  async #load() {
    const { signal } = this.#loading;
    if (this.#shown === null || !this.#isText || this.#isBusy || this.#isFailed || signal.aborted) return;
    this.#isBusy = true;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.#starts.length === 0) this.#starts = startsOf(await this.#fetch('index.m3u8', signal));
        const index = this.#next();
        if (index === null) break;
        this.#add(await this.#fetch(`${index}.vtt`, signal));
        this.#loaded.add(index);
        failures = 0;
      } catch {
        if (signal.aborted) return;
        if (++failures === MAX_FAILURES) {
          this.#isFailed = true;
          this.#onChange();
          break;
        }
        await new Promise(resolve => setTimeout(resolve, RETRY_MS));
      }
    }
    if (!signal.aborted) this.#isBusy = false;
  }

  /** @returns {number | null} */
  #next() {
    const nowS = this.#video.currentTime;
    const count = this.#starts.length - 1;
    const first = Math.max(
      0,
      this.#starts.findLastIndex(start => start <= nowS),
    );
    for (let index = first; index < count && (this.#starts[index] ?? 0) < nowS + AHEAD_S; index++) {
      if (!this.#loaded.has(index)) return index;
    }
    return null;
  }

  /** @param {string} vtt */
  #add(vtt) {
    for (const { startS, endS, settings, text } of parseCues(vtt)) {
      const name = `${startS} ${endS} ${text}`;
      if (this.#known.has(name)) continue;
      this.#known.add(name);
      const cue = new VTTCue(startS, endS, text);
      applySettings(cue, settings);
      this.#text?.addCue(cue);
    }
  }

  /** @param {string} file @param {AbortSignal} signal */
  async #fetch(file, signal) {
    const base = this.#base();
    if (base === null || this.#shown === null) throw new Error('no session');
    const response = await fetch(new URL(`subtitles/${this.#shown.track}/${file}`, base), { signal });
    if (!response.ok) throw new Error(String(response.status));
    return response.text();
  }

  /** Of the session's addresses. */
  #base() {
    const session = this.#session;
    return session === null ? null : new URL('.', new URL(session.streamUrl, location.href));
  }
}
