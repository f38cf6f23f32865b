// HLS through hls.js: starts on the session's first rung, rides out a server restart, and tells a lost session from a lost connection.
import { parseJson, toApiError } from '../api.js';
import { formatLanguage } from '../format.js';
import { RetryPolicy } from './retry-policy.js';

/** @typedef {import('./delivery.js').Level} Level */

/** hls.js is started again after it gave up, until so long has passed without a segment. */
const GIVE_UP_MS = 300_000;
/** In place of a part of hls.js that is left out; its types know no such thing. @type {any} */
const NONE = undefined;
const MEDIA_ERROR_WINDOW_MS = 30_000;
/** The group of sounds as full as this browser takes them. */
const FULL_SOUND = 'audio-full';
const ENDED_STATUSES = [401, 403, 404, 410];

export class HlsDelivery {
  #video;
  #session;
  #listener;
  /** @type {import('hls.js').default | null} */
  #hls = null;
  /** @type {typeof import('hls.js').default | null} */
  #library = null;
  #retries = new RetryPolicy();
  #detached = false;
  #over = new AbortController();
  #checking = false;
  #troubleSinceMs = 0;
  #lastMediaErrorMs = -MEDIA_ERROR_WINDOW_MS;
  #refusals = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resumeTimer;
  /** @type {string | null} */
  preferredRung = null;
  isReloading = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {import('./session.js').PlaybackSession} session
   * @param {import('./delivery.js').DeliveryListener} listener
   */
  constructor(video, session, listener) {
    this.#video = video;
    this.#session = session;
    this.#listener = listener;
  }

  /** @param {number} positionMs */
  async attach(positionMs) {
    const library = await loadHls();
    if (this.#detached) return;
    if (library === null) return this.#listener.onFailure('PLAYER');
    this.#library = library;
    const hls = new library(this.#config(positionMs / 1000));
    this.#hls = hls;
    this.#listen(hls, library.Events, positionMs / 1000);
    hls.loadSource(new URL(this.#session.streamUrl, location.href).href);
    hls.attachMedia(this.#video);
  }

  detach() {
    this.#detached = true;
    this.#over.abort();
    clearTimeout(this.#resumeTimer);
    this.#hls?.destroy();
    this.#hls = null;
  }

  /** Stops requests: while the knob is dragged, the server is to encode for the position where a person lets it go. */
  pauseLoading() {
    this.#hls?.pauseBuffering();
  }

  resumeLoading() {
    this.#hls?.resumeBuffering();
  }

  /** @returns {readonly Level[]} */
  get levels() {
    const levels = (this.#hls?.levels ?? []).map((level, id) => {
      const rung = rungOf(level.url[0] ?? '') ?? level.name ?? `${level.height}p`;
      return { id, rung, height: level.height, bandwidthBps: level.bitrate, sound: level.attrs.AUDIO };
    });
    // Each rung is listed once for each group of sounds; hls.js has left out what this browser does not play.
    const sound = levels.some(level => level.sound === FULL_SOUND) ? FULL_SOUND : levels[0]?.sound;
    return levels.filter(level => level.sound === sound);
  }

  /** The level on screen, or -1. */
  get level() {
    return this.#hls?.currentLevel ?? -1;
  }

  get isAutoLevel() {
    return this.#hls?.autoLevelEnabled ?? true;
  }

  get bandwidthBps() {
    const estimate = this.#hls?.bandwidthEstimate ?? Number.NaN;
    return Number.isFinite(estimate) ? Math.round(estimate) : null;
  }

  /** @param {number} id -1: chosen by bandwidth */
  selectLevel(id) {
    if (this.#hls === null) return;
    this.#hls.nextLevel = id;
    this.#listener.onChange();
  }

  get audioTracks() {
    return (this.#hls?.audioTracks ?? []).map((track, id) => ({ id, label: trackLabel(track, id) }));
  }

  get audioTrack() {
    return this.#hls?.audioTrack ?? -1;
  }

  set audioTrack(id) {
    if (this.#hls !== null) this.#hls.audioTrack = id;
  }

  /** @param {number} startS @returns {Partial<import('hls.js').HlsConfig>} */
  #config(startS) {
    return {
      autoStartLoad: false,
      startPosition: startS,
      maxBufferLength: 30,
      // hls.js would otherwise load as much as fits into 60 MB, and the server encode it.
      maxMaxBufferLength: 30,
      backBufferLength: 60,
      capLevelToPlayerSize: false,
      progressive: false,
      lowLatencyMode: false,
      enableInterstitialPlayback: false,
      enableWorker: false,
      testBandwidth: false,
      // The page shows subtitles by itself: hls.js counts an error of theirs against the film.
      subtitleStreamController: NONE,
      subtitleTrackController: NONE,
      timelineController: NONE,
      manifestLoadPolicy: this.#retries.loadPolicy,
      playlistLoadPolicy: this.#retries.loadPolicy,
      fragLoadPolicy: this.#retries.loadPolicy,
      xhrSetup: (xhr, url) => {
        this.#retries.watch(xhr);
        xhr.open('GET', this.#session.renewUrl(url), true);
      },
    };
  }

  /**
   * @param {import('hls.js').default} hls
   * @param {typeof import('hls.js').Events} events
   * @param {number} startS
   */
  #listen(hls, events, startS) {
    const changed = () => this.#listener.onChange();
    const limit = () => this.#limitLevels(hls);
    this.#session.addEventListener('limited', limit, { signal: this.#over.signal });
    hls.on(events.MANIFEST_PARSED, () => {
      limit();
      this.#chooseStartLevel(hls);
      hls.startLoad(startS);
      changed();
    });
    hls.on(events.FRAG_BUFFERED, () => this.#recovered());
    for (const event of [events.LEVEL_SWITCHED, events.AUDIO_TRACKS_UPDATED, events.AUDIO_TRACK_SWITCHED]) hls.on(event, changed);
    hls.on(events.ERROR, (_event, data) => this.#onError(data));
  }

  /** Starts on the rung that the server lists first, which it has ready; hls.js sorts the levels. @param {import('hls.js').default} hls */
  #chooseStartLevel(hls) {
    const { levels } = this;
    const preferred = levels.find(level => level.rung === this.preferredRung);
    const first = levels.find(level => level.rung === this.#session.info.ladder[0]?.rung);
    const start = preferred ?? first;
    if (start !== undefined) hls.startLevel = start.id;
    if (preferred !== undefined) hls.loadLevel = preferred.id;
  }

  /** What a person chose stays. @param {import('hls.js').default} hls */
  #limitLevels(hls) {
    const { maxRung } = this.#session;
    // Each rung is listed once for each group of sounds: the highest of them is the limit. -1: none.
    hls.autoLevelCapping = maxRung === null ? -1 : hls.levels.findLastIndex(level => rungOf(level.url[0] ?? '') === maxRung);
  }

  #recovered() {
    this.#refusals = 0;
    if (this.#troubleSinceMs === 0) return;
    this.#troubleSinceMs = 0;
    this.#listener.onRecovered();
  }

  /** @param {import('hls.js').ErrorData} data */
  #onError(data) {
    if (this.#detached || this.#library === null) return;
    const { ErrorTypes } = this.#library;
    if (data.type === ErrorTypes.NETWORK_ERROR) this.#onNetworkError(data);
    else if (data.fatal && data.type === ErrorTypes.MEDIA_ERROR) this.#onMediaError();
    else if (data.fatal) this.#listener.onFailure('PLAYER');
  }

  /** @param {import('hls.js').ErrorData} data */
  #onNetworkError(data) {
    const status = data.response?.code ?? 0;
    if (ENDED_STATUSES.includes(status)) {
      void this.#askSession(codeOf(data));
      return;
    }
    // hls.js counts a playlist that makes no sense as a network error.
    if (data.details.includes('ParsingError')) {
      if (data.fatal) this.#listener.onFailure('DECODE');
      return;
    }
    this.#troubleSinceMs ||= performance.now();
    this.#listener.onTrouble(status >= 400 ? codeOf(data) : 'NETWORK');
    if (data.fatal) void this.#askSession(codeOf(data));
  }

  /** A refused request or a lost connection: is the session gone, the token renewed, or the server away? @param {string} code */
  async #askSession(code) {
    if (this.#checking) return;
    this.#checking = true;
    const verdict = await this.#session.check();
    this.#checking = false;
    if (this.#detached) return;
    if (verdict === 'lost') return this.#listener.onLost();
    this.#troubleSinceMs ||= performance.now();
    if (verdict === 'alive' && ++this.#refusals > 4) return this.#listener.onFailure(code);
    if (performance.now() - this.#troubleSinceMs > GIVE_UP_MS) return this.#listener.onFailure('NETWORK');
    this.#listener.onTrouble(verdict === 'alive' ? code : 'NETWORK');
    clearTimeout(this.#resumeTimer);
    this.#resumeTimer = setTimeout(() => this.#resume(), verdict === 'alive' ? 500 * this.#refusals : 3_000);
  }

  #resume() {
    const hls = this.#hls;
    if (hls === null) return;
    // Without a multivariant playlist there is nothing to go on with yet.
    if (hls.levels.length === 0) hls.loadSource(new URL(this.#session.streamUrl, location.href).href);
    else hls.startLoad(this.#video.currentTime);
  }

  #onMediaError() {
    const nowMs = performance.now();
    const isRepeated = nowMs - this.#lastMediaErrorMs < MEDIA_ERROR_WINDOW_MS;
    this.#lastMediaErrorMs = nowMs;
    if (isRepeated) return this.#listener.onFailure('DECODE');
    this.#hls?.recoverMediaError();
  }
}

/** @type {Promise<typeof import('hls.js').default | null> | null} */
let loading = null;

/** Loads hls.js once. The film's page calls this early, so that Play does not wait for the library. */
export function loadHls() {
  loading ??= import('/vendor/hls.js').then(
    module => module.default,
    () => {
      loading = null;
      return null;
    },
  );
  return loading;
}

/** @param {string} url `…/video/<rung>/index.m3u8` */
const rungOf = url => /\/video\/([^/]+)\//.exec(url)?.[1] ?? null;

/** @param {{ name?: string, lang?: string, channels?: string }} track @param {number} id */
function trackLabel(track, id) {
  return track.name || formatLanguage(track.lang) || `Track ${id + 1}`;
}

/** @param {import('hls.js').ErrorData} data */
function codeOf(data) {
  const status = data.response?.code ?? 0;
  const details = data.networkDetails;
  if (status < 400) return data.details.includes('Timeout') ? 'TIMEOUT' : 'NETWORK';
  return toApiError(status, details instanceof XMLHttpRequest ? parseJson(bodyText(details)) : null, null).code;
}

/** @param {XMLHttpRequest} xhr */
function bodyText(xhr) {
  if (xhr.responseType === 'arraybuffer') return xhr.response instanceof ArrayBuffer ? new TextDecoder().decode(xhr.response) : '';
  return xhr.responseType === '' || xhr.responseType === 'text' ? xhr.responseText : '';
}
