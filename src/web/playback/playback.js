// One film being watched: owns the session and its delivery, opens another when one is lost or other settings are chosen, and keeps the position.
import { ApiError, request } from '../api.js';
import { explain } from '../messages.js';
import { Scrubbing } from '../player/scrubbing.js';
import { readSeekMode, saveSeekMode } from '../player/seek-mode.js';
import { createDelivery } from './delivery-choice.js';
import { HlsDelivery } from './hls-delivery.js';
import { landingOf } from './landing.js';
import { Measurements } from './measurements.js';
import { startBody, startSession } from './session-start.js';

/** @typedef {import('./session.js').SessionInfo} SessionInfo */
/** @typedef {import('./session.js').PlaybackSession} PlaybackSession */
/** @typedef {import('./session-start.js').Wanted} Wanted */
/** @typedef {import('../player/seek-mode.js').SeekMode} SeekMode */
/**
 * `waiting`: something is being tried again by itself; `failed`: a person has to press Retry.
 * @typedef {{ name: 'starting' } | { name: 'ready' } | { name: 'waiting', message: string } | { name: 'failed', message: string } | { name: 'closed' }} Status
 */

/** More new sessions than this in a minute means that something is wrong that a further one won't cure. */
const MAX_RESTARTS_PER_MINUTE = 4;
const SEEK_GATHER_MS = 220;
/** A seek beyond the end stops this far before it, where there still is a picture. */
const END_MARGIN_MS = 50;

/** Fires `change` whenever something a person sees may have changed, `sound-refused` when the browser only plays muted. */
export class Playback extends EventTarget {
  #video;
  #mediaId;
  #capabilities;
  #measurements;
  /** @type {PlaybackSession | null} */
  #session = null;
  /** @type {ReturnType<typeof createDelivery> | null} */
  #delivery = null;
  /** @type {Status} */
  #status = { name: 'starting' };
  /** @type {Wanted} */
  #wanted = { delivery: 'auto', rung: null, audioTrack: null, subtitleTrack: null, burnSubtitles: false };
  #opening = new AbortController();
  #closed = new AbortController();
  /** Where to be, while the video element isn't there yet. @type {number | null} */
  #heldPositionMs = null;
  /** @type {number | null} */
  #gatheredSeekMs = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #gatherTimer;
  #wantsPlay = true;
  #isStale = false;
  #canPlayOriginal = false;
  #sessionCount = 0;
  /** @type {number[]} */
  #restartsMs = [];
  /** @type {import('./session.js').Turn | null} */
  #turn = null;
  #seekMode = readSeekMode();
  #scrubbing;
  /** Where the newest seek wants to be, while it is asked where it lands. @type {number | null} */
  #aimedMs = null;
  #aims = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {string} mediaId
   * @param {{ capabilities: import('./capabilities.js').Capabilities, clickedAtMs: number }} options
   */
  constructor(video, mediaId, { capabilities, clickedAtMs }) {
    super();
    this.#video = video;
    this.#mediaId = mediaId;
    this.#capabilities = capabilities;
    this.#measurements = new Measurements(video, clickedAtMs, () => {
      this.#session?.sendStats();
      this.#changed();
    });
    this.#scrubbing = new Scrubbing(video, positionMs => void this.#session?.hintSeek(positionMs, this.#seekMode));
    const { signal } = this.#closed;
    for (const event of ['playing', 'seeked', 'canplay']) video.addEventListener(event, () => this.#arrived(), { signal });
    video.addEventListener('pause', () => this.#paused(), { signal });
    video.addEventListener('play', () => this.#session?.beatNow(), { signal });
    video.addEventListener('ended', () => this.#session?.beatNow(), { signal });
  }

  /** @param {number | null} positionMs null: where the person stopped last time */
  start(positionMs) {
    void this.#open(positionMs);
  }

  close() {
    if (this.#status.name === 'closed') return;
    this.#status = { name: 'closed' };
    clearTimeout(this.#gatherTimer);
    this.#scrubbing.end();
    this.#opening.abort();
    this.#session?.stop();
    this.#delivery?.detach();
    this.#measurements.close();
    this.#closed.abort();
  }

  /** For a page that goes away but may come back: the session ends now, the next Play opens another. */
  suspend() {
    this.#heldPositionMs = this.positionMs;
    this.#session?.stop();
    this.#isStale = true;
    this.#video.pause();
  }

  get status() {
    return this.#status;
  }

  /** @returns {SessionInfo | null} */
  get info() {
    return this.#session?.info ?? null;
  }

  get delivery() {
    return this.#delivery;
  }

  get wanted() {
    return this.#wanted;
  }

  /** The place in the queue of a session that waits for a transcoder. */
  get turn() {
    return this.#turn;
  }

  /** @returns {SeekMode} */
  get seekMode() {
    return this.#seekMode;
  }

  set seekMode(mode) {
    this.#seekMode = mode;
    saveSeekMode(mode);
    this.#changed();
  }

  get sessionCount() {
    return this.#sessionCount;
  }

  /** True when the file itself can be played here, so that "Original" is a choice. */
  get canPlayOriginal() {
    return this.#canPlayOriginal;
  }

  get isPlaying() {
    return this.#wantsPlay && !this.#video.ended;
  }

  get isBuffering() {
    const isWaitingForData = this.isPlaying && this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    return this.#status.name === 'starting' || this.#status.name === 'waiting' || this.#measurements.isBuffering || isWaitingForData;
  }

  get positionMs() {
    return this.#gatheredSeekMs ?? this.#aimedMs ?? this.#heldPositionMs ?? this.#shownMs;
  }

  /** The media time of what is on screen. */
  get #shownMs() {
    return Math.max(0, this.#video.currentTime * 1000 - (this.#delivery?.offsetMs ?? 0));
  }

  get durationMs() {
    const ms = this.#session?.info.durationMs ?? 0;
    return ms > 0 ? ms : Number.isFinite(this.#video.duration) ? this.#video.duration * 1000 : 0;
  }

  get rung() {
    const { delivery } = this;
    if (delivery === null) return null;
    return delivery.levels.find(level => level.id === delivery.level)?.rung ?? (this.info?.delivery === 'direct' ? 'original' : null);
  }

  get stats() {
    const { ttffMs, seekLatencyMs, ...rest } = this.#measurements.read();
    return { ttffMs, seekLatencyMs, ...rest, rung: this.rung, bandwidthBps: this.#delivery?.bandwidthBps ?? null };
  }

  togglePlay() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  pause() {
    this.#wantsPlay = false;
    this.#video.pause();
    this.#changed();
  }

  play() {
    this.#wantsPlay = true;
    if (this.#status.name === 'failed') this.retry();
    else if (this.#video.ended) this.seekTo(0);
    else if (this.#isStale) void this.#open(this.positionMs);
    else this.#playVideo();
    this.#changed();
  }

  retry() {
    this.#restartsMs = [];
    void this.#open(this.#heldPositionMs ?? (this.#sessionCount === 0 ? null : this.positionMs));
  }

  /** @param {number} positionMs @param {SeekMode} [mode] */
  seekTo(positionMs, mode = this.#seekMode) {
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    this.#gatheredSeekMs = null;
    this.#scrubbing.end();
    const lastMs = Math.max(0, this.durationMs - END_MARGIN_MS);
    const targetMs = this.durationMs > 0 ? Math.min(Math.max(positionMs, 0), lastMs) : Math.max(positionMs, 0);
    if (this.#status.name === 'failed' || this.#isStale || this.#delivery === null) return this.#seekLater(targetMs);
    if (this.#heldPositionMs !== null) this.#heldPositionMs = targetMs;
    if (this.#video.ended) this.#wantsPlay = true;
    this.#measurements.seekStarted();
    void this.#aim(targetMs, mode);
    this.#changed();
  }

  /** A run of key presses becomes one seek: every seek may start an encode. @param {number} deltaMs @param {SeekMode} [mode] */
  seekBy(deltaMs, mode = this.#seekMode) {
    const targetMs = Math.min(Math.max(this.positionMs + deltaMs, 0), this.durationMs || Number.MAX_SAFE_INTEGER);
    const isFirst = this.#gatherTimer === undefined;
    clearTimeout(this.#gatherTimer);
    if (isFirst) this.seekTo(targetMs, mode);
    else {
      this.#gatheredSeekMs = targetMs;
      this.#scrubbing.moveTo(targetMs);
    }
    this.#gatherTimer = setTimeout(() => {
      const gatheredMs = this.#gatheredSeekMs;
      if (gatheredMs !== null) this.seekTo(gatheredMs, mode);
      this.#gatherTimer = undefined;
    }, SEEK_GATHER_MS);
    this.#changed();
  }

  /** The knob is on its way: what plays goes on from what is loaded. @param {number} positionMs */
  scrubTo(positionMs) {
    // A file needs nothing made for it.
    if (this.info === null || this.info.delivery === 'direct') return;
    this.#delivery?.pauseLoading();
    this.#scrubbing.moveTo(positionMs);
  }

  /** The knob went back to where playback is. */
  endScrub() {
    this.#scrubbing.end();
    this.#delivery?.resumeLoading();
  }

  /** @param {number} targetMs @param {SeekMode} mode */
  async #aim(targetMs, mode) {
    const session = this.#session;
    const delivery = this.#delivery;
    if (session === null || delivery === null) return;
    const fromMs = this.#shownMs;
    const aim = ++this.#aims;
    this.#aimedMs = targetMs;
    const landsAtMs = await landingOf({ video: this.#video, delivery, session }, { fromMs, targetMs, mode });
    if (aim !== this.#aims) return;
    this.#aimedMs = null;
    if (this.#delivery === null) return this.#seekLater(landsAtMs);
    this.#video.currentTime = (landsAtMs + this.#delivery.offsetMs) / 1000;
    this.#delivery.resumeLoading();
    if (this.#wantsPlay) this.#playVideo();
    this.#changed();
  }

  /** A new session at the same position with other settings. @param {Partial<Wanted>} changes */
  choose(changes) {
    this.#wanted = { ...this.#wanted, ...changes };
    void this.#open(this.positionMs);
  }

  /** @param {number} targetMs */
  #seekLater(targetMs) {
    this.#heldPositionMs = targetMs;
    if (this.#isStale || this.#status.name === 'failed') void this.#open(targetMs);
    this.#changed();
  }

  /** @param {number | null} positionMs */
  async #open(positionMs) {
    if (this.#status.name === 'closed') return;
    this.#opening.abort();
    const opening = new AbortController();
    this.#opening = opening;
    this.#isStale = false;
    if (this.#session === null || this.#status.name !== 'ready') this.#setStatus({ name: 'starting' });
    if (this.#delivery === null) this.#heldPositionMs ??= positionMs;
    try {
      const session = await startSession({
        body: startBody(this.#mediaId, this.#capabilities, this.#wanted, positionMs),
        snapshot: () => this.#snapshot(),
        signal: opening.signal,
        onWait: message => this.#setStatus({ name: 'waiting', message }),
      });
      if (opening.signal.aborted) session.stop();
      else await this.#swap(session);
    } catch (error) {
      if (opening.signal.aborted) return;
      this.#fail(error instanceof ApiError ? error.message : explain('INTERNAL', ''));
    }
  }

  /** What plays goes on until the new session is there; its last picture stays until the new one has a picture. @param {PlaybackSession} session */
  async #swap(session) {
    const positionMs = this.#sessionCount === 0 ? (this.#heldPositionMs ?? session.info.startPositionMs) : this.positionMs;
    this.#heldPositionMs = positionMs;
    this.dispatchEvent(new Event('swap'));
    this.#delivery?.detach();
    this.#session?.stop();
    this.#session = session;
    this.#sessionCount++;
    if (this.#wanted.delivery === 'auto' && this.#wanted.audioTrack === null) this.#canPlayOriginal = session.info.delivery === 'direct';
    this.#measurements.restarted();
    this.#follow(session);
    const delivery = createDelivery(this.#video, session, this.#capabilities.hls, this.#listenerFor(session));
    if (delivery instanceof HlsDelivery) delivery.preferredRung = this.#wanted.rung;
    this.#delivery = delivery;
    this.#setStatus({ name: 'ready' });
    session.begin();
    if (this.#wantsPlay) this.#playVideo();
    await delivery.attach(positionMs);
    if (this.#wantsPlay && this.#delivery === delivery) this.#playVideo();
  }

  /** @param {PlaybackSession} session */
  #follow(session) {
    session.addEventListener('lost', () => this.#sessionLost(session));
    session.addEventListener('revoked', () => {
      if (session === this.#session) this.#fail(explain('REVOKED', ''));
    });
    session.addEventListener('queue', event => {
      this.#turn = event instanceof CustomEvent ? event.detail : null;
      this.#changed();
    });
  }

  /** @param {PlaybackSession} session @returns {import('./delivery.js').DeliveryListener} */
  #listenerFor(session) {
    /** @param {() => void} act */
    const ifCurrent = act => {
      if (session === this.#session && this.#status.name !== 'closed') act();
    };
    return {
      onTrouble: code => ifCurrent(() => this.#setStatus({ name: 'waiting', message: `${explain(code, '')} Trying again…` })),
      onRecovered: () => ifCurrent(() => this.#setStatus({ name: 'ready' })),
      onLost: () => ifCurrent(() => this.#sessionLost(session)),
      onFailure: code => ifCurrent(() => this.#deliveryFailed(code)),
      onChange: () => ifCurrent(() => this.#changed()),
    };
  }

  /** @param {PlaybackSession} session */
  #sessionLost(session) {
    if (session !== this.#session || this.#isStale || this.#status.name === 'closed' || this.#status.name === 'failed') return;
    this.#isStale = true;
    // A paused film may wait: its session is opened again when somebody watches.
    if (this.#wantsPlay && !this.#video.ended) this.#restart('SESSION_NOT_FOUND');
  }

  /** @param {string} code */
  #deliveryFailed(code) {
    if (code === 'DECODE' && this.#wanted.delivery === 'auto' && this.info?.delivery !== 'transcode') {
      this.#canPlayOriginal = false;
      this.#wanted = { ...this.#wanted, delivery: 'transcode' };
      return this.#restart(code);
    }
    this.#fail(explain(code, ''));
  }

  /** @param {string} code */
  #restart(code) {
    const nowMs = performance.now();
    this.#restartsMs = [...this.#restartsMs.filter(atMs => nowMs - atMs < 60_000), nowMs];
    this.#heldPositionMs = this.positionMs;
    if (this.#restartsMs.length > MAX_RESTARTS_PER_MINUTE) this.#fail(explain(code, ''));
    else void this.#open(this.positionMs);
  }

  /** @param {string} message */
  #fail(message) {
    this.#heldPositionMs ??= this.#sessionCount === 0 ? null : this.positionMs;
    this.dispatchEvent(new Event('swap'));
    this.#session?.stop();
    this.#delivery?.detach();
    this.#delivery = null;
    this.#setStatus({ name: 'failed', message });
  }

  #playVideo() {
    if (this.#delivery === null) return;
    this.#video.play().catch(error => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#soundRefused();
    });
  }

  /** Browsers refuse sound on a page nobody has touched yet. */
  #soundRefused() {
    if (this.#video.muted) {
      this.#wantsPlay = false;
      return this.#changed();
    }
    this.#video.muted = true;
    this.dispatchEvent(new Event('sound-refused'));
    this.#video.play().catch(() => {
      this.#wantsPlay = false;
      this.#changed();
    });
  }

  /** The video element shows the held position: from here on it is the one to ask. */
  #arrived() {
    const isThere = !this.#isStale && !this.#delivery?.isReloading && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    if (isThere) this.#heldPositionMs = null;
    this.#changed();
  }

  /** A pause nobody asked the player for comes from the system: a headset, another app, a media key. */
  #paused() {
    const isOurs = this.#delivery === null || this.#delivery.isReloading || this.#status.name !== 'ready' || this.#heldPositionMs !== null;
    if (isOurs || this.#video.ended) return this.#changed();
    this.#wantsPlay = false;
    this.#session?.beatNow();
    this.#saveProgress();
    this.#changed();
  }

  /** The heartbeat carries the position too; this is for a pause just before the tab is gone. */
  #saveProgress() {
    const body = { positionMs: Math.round(this.positionMs), durationMs: Math.round(this.durationMs) };
    request('PUT', `/api/v1/media/${encodeURIComponent(this.#mediaId)}/progress`, { body, keepalive: true }).catch(() => undefined);
  }

  /** @returns {import('./session.js').Snapshot} */
  #snapshot() {
    const state = !this.isPlaying ? 'paused' : this.isBuffering ? 'buffering' : 'playing';
    const stats = Object.fromEntries(Object.entries(this.stats).filter(([, value]) => value !== null));
    return { positionMs: this.positionMs, state, playbackRate: this.#video.playbackRate, stats };
  }

  /** @param {Status} status */
  #setStatus(status) {
    if (this.#status.name === 'closed') return;
    this.#status = status;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
