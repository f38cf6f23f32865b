// One film being watched: sends the playback machine what happens at the video element and in the session, and carries out its orders.
import * as xstate from '/vendor/xstate.js';
import { request } from '../api.js';
import { Scrubbing } from '../player/scrubbing.js';
import { readSeekMode, saveSeekMode } from '../player/seek-mode.js';
import { Subtitles } from '../subtitles/subtitles.js';
import { landingOf } from './landing.js';
import { Measurements } from './measurements.js';
import { createPlaybackMachine } from './playback-machine.js';
import { positionOf, statusOf, wantsPlay } from './playback-state.js';
import { decisionUrl, startBody, startSession } from './session-start.js';
import { Stream } from './stream.js';

/** @typedef {import('./playback-state.js').Seek} Seek */
/** @typedef {import('./session.js').SessionInfo} SessionInfo */
/** @typedef {import('./session-start.js').Wanted} Wanted */
/** @typedef {import('../player/seek-mode.js').SeekMode} SeekMode */

/** A seek beyond the end stops this far before it, where there still is a picture. */
const END_MARGIN_MS = 50;

const machine = createPlaybackMachine(xstate);

/** Fires `change` whenever something a person sees may have changed, `swap` before one stream replaces another, `sound-refused` when the browser only plays muted. */
export class Playback extends EventTarget {
  #video;
  #mediaId;
  #capabilities;
  #measurements;
  #actor;
  #stream;
  #closed = new AbortController();
  #seekMode = readSeekMode();
  #scrubbing;
  #subtitles;

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
    this.#stream = new Stream(video, capabilities.hls, {
      tell: report => this.#tell(report),
      onSwap: () => this.dispatchEvent(new Event('swap')),
      onChange: () => this.#changed(),
    });
    this.#actor = xstate.createActor(this.#machine());
    this.#subtitles = new Subtitles(video, { onChange: () => this.#changed(), signal: this.#closed.signal });
    this.#measurements = new Measurements(video, clickedAtMs, () => {
      this.#stream.session?.sendStats();
      this.#changed();
    });
    this.#scrubbing = new Scrubbing(video, positionMs => void this.#stream.session?.hintSeek(positionMs, this.#seekMode));
    this.#actor.subscribe(() => this.#changed());
    this.#actor.start();
    this.#listen();
  }

  /** @param {number | null} positionMs null: where the person stopped last time */
  start(positionMs) {
    this.#tell({ type: 'playback.start', positionMs });
  }

  close() {
    this.#tell({ type: 'playback.close' });
  }

  /** For a page that goes away but may come back: the session ends now, the next Play opens another. */
  suspend() {
    this.#tell({ type: 'playback.suspend' });
  }

  get status() {
    return statusOf(this.#actor.getSnapshot());
  }

  /** @returns {SessionInfo | null} */
  get info() {
    return this.#stream.session?.info ?? null;
  }

  get delivery() {
    return this.#stream.delivery;
  }

  get subtitles() {
    return this.#subtitles;
  }

  /** Where the server tells what this browser is given, and why. */
  /** The file that is played. */
  get mediaId() {
    return this.#mediaId;
  }

  get decisionUrl() {
    return decisionUrl(this.#mediaId, this.#capabilities, this.wanted);
  }

  get wanted() {
    return this.#context.wanted;
  }

  /** The position in the queue of a session that waits for a transcoder. */
  get turn() {
    return this.#context.turn;
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
    return this.#context.sessionCount;
  }

  /** True when the file itself can be played here, so that "Original" is a choice. */
  get canPlayOriginal() {
    return this.#context.canPlayOriginal;
  }

  get isPlaying() {
    return wantsPlay(this.#actor.getSnapshot()) && !this.#video.ended;
  }

  get isBuffering() {
    const { name } = this.status;
    const isWaitingForData = this.isPlaying && this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    return name === 'starting' || name === 'waiting' || this.#measurements.isBuffering || isWaitingForData;
  }

  get positionMs() {
    return positionOf(this.#context, this.#shownMs);
  }

  /** The media time of the picture on screen. */
  get #shownMs() {
    return Math.max(0, this.#video.currentTime * 1000);
  }

  get #context() {
    return this.#actor.getSnapshot().context;
  }

  get durationMs() {
    const ms = this.#stream.session?.info.durationMs ?? 0;
    return ms > 0 ? ms : Number.isFinite(this.#video.duration) ? this.#video.duration * 1000 : 0;
  }

  get rung() {
    const { delivery } = this;
    if (delivery === null) return null;
    return delivery.levels.find(level => level.id === delivery.level)?.rung ?? (this.info?.delivery === 'direct' ? 'original' : null);
  }

  get stats() {
    const { ttffMs, seekLatencyMs, ...rest } = this.#measurements.read();
    return { ttffMs, seekLatencyMs, ...rest, rung: this.rung, bandwidthBps: this.#stream.delivery?.bandwidthBps ?? null };
  }

  togglePlay() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  pause() {
    this.#tell({ type: 'playback.pause' });
  }

  play() {
    this.#tell({ type: 'playback.play' });
  }

  retry() {
    this.#tell({ type: 'playback.retry' });
  }

  /** @param {number} positionMs @param {SeekMode} [mode] */
  seekTo(positionMs, mode = this.#seekMode) {
    this.#tell({ type: 'seek.to', targetMs: this.#withinFilm(positionMs), mode });
  }

  /** @param {number} deltaMs @param {SeekMode} [mode] */
  seekBy(deltaMs, mode = this.#seekMode) {
    this.#tell({ type: 'seek.step', targetMs: this.#withinFilm(this.positionMs + deltaMs), mode });
  }

  /** The knob is being dragged: playback goes on with what is loaded, and the server is told the knob's position. @param {number} positionMs */
  scrubTo(positionMs) {
    // Direct play: the server makes nothing for a position in a file.
    if (this.info === null || this.info.delivery === 'direct') return;
    this.#stream.delivery?.pauseLoading();
    this.#scrubbing.moveTo(positionMs);
  }

  /** The knob went back to where playback is. */
  endScrub() {
    this.#scrubbing.end();
    this.#stream.delivery?.resumeLoading();
  }

  /** A new session at the same position with other settings. @param {Partial<Wanted>} changes */
  choose(changes) {
    this.#tell({ type: 'settings.choose', changes });
  }

  /** @param {number} positionMs */
  #withinFilm(positionMs) {
    const lastMs = this.durationMs > 0 ? Math.max(0, this.durationMs - END_MARGIN_MS) : Number.MAX_SAFE_INTEGER;
    return Math.min(Math.max(positionMs, 0), lastMs);
  }

  /** Sends an event with the facts that only the page knows. @param {import('./playback-state.js').Report} report */
  #tell(report) {
    const facts = { shownMs: this.#shownMs, nowMs: performance.now(), isEnded: this.#video.ended };
    this.#actor.send({ ...report, ...facts });
  }

  #listen() {
    const video = this.#video;
    const { signal } = this.#closed;
    for (const event of ['playing', 'seeked', 'canplay']) video.addEventListener(event, () => this.#pictureShown(), { signal });
    video.addEventListener(
      'pause',
      () => this.#tell({ type: 'picture.paused', isReloading: this.#stream.delivery?.isReloading === true }),
      {
        signal,
      },
    );
    video.addEventListener('play', () => this.#stream.session?.beatNow(), { signal });
    video.addEventListener('ended', () => this.#stream.session?.beatNow(), { signal });
  }

  /** The video element may show the held position: from then on the position is the element's. */
  #pictureShown() {
    const hasPicture = !this.#stream.delivery?.isReloading && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    this.#tell({ type: 'picture.shown', hasPicture });
  }

  #machine() {
    return machine.provide({
      actors: {
        opening: xstate.fromCallback(({ input: { wanted, startMs } }) =>
          this.#stream.open(options =>
            startSession({
              body: startBody(this.#mediaId, this.#capabilities, wanted, startMs),
              snapshot: () => this.#snapshot(),
              ...options,
            }),
          ),
        ),
        landing: xstate.fromPromise(({ input }) => this.#landing(input)),
      },
      actions: {
        takeSession: () => {
          // A film in parts goes on in the part that shows the position.
          this.#mediaId = this.#stream.session?.info.mediaId ?? this.#mediaId;
          this.#stream.take(this.wanted.rung);
          this.#attachSubtitles();
          this.#measurements.restarted();
        },
        attachDelivery: (_, { positionMs }) => void this.#stream.attach(positionMs ?? 0),
        endSession: () => this.#stream.session?.stop(),
        abandonDelivery: () => this.#stream.abandon(),
        playVideo: () => this.#playVideo(),
        pauseVideo: () => this.#video.pause(),
        startSeekClock: () => this.#measurements.seekStarted(),
        jump: (_, { positionMs }) => this.#stream.jump(positionMs),
        hintSeek: (_, { targetMs }) => this.#scrubbing.moveTo(targetMs),
        endHints: () => this.#scrubbing.end(),
        tellPause: () => this.#tellPause(),
        release: () => this.#release(),
      },
    });
  }

  /** @param {Seek} seek @returns {Promise<number>} */
  async #landing({ targetMs, mode }) {
    const session = this.#stream.session;
    if (session === null || this.#stream.delivery === null) return targetMs;
    return landingOf({ video: this.#video, session }, { fromMs: this.#shownMs, targetMs, mode });
  }

  #attachSubtitles() {
    const session = this.#stream.session;
    if (session === null) return;
    const { audio } = session.info.tracks;
    const first = this.wanted.audioTrack ?? 0;
    this.#subtitles.attach(session, {
      spoken: () => audio[first]?.language ?? null,
    });
  }

  #release() {
    this.#scrubbing.end();
    this.#stream.end();
    this.#measurements.close();
    this.#closed.abort();
  }

  #playVideo() {
    if (this.#stream.delivery === null) return;
    this.#video.play().catch(error => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#soundRefused();
    });
  }

  /** Browsers refuse sound on a page nobody has touched yet. */
  #soundRefused() {
    if (this.#video.muted) return this.#tell({ type: 'sound.refused' });
    this.#video.muted = true;
    this.dispatchEvent(new Event('sound-refused'));
    this.#video.play().catch(() => this.#tell({ type: 'sound.refused' }));
  }

  /** The heartbeat carries the position too; the request is for a pause just before the tab is gone. */
  #tellPause() {
    this.#stream.session?.beatNow();
    const body = { positionMs: Math.round(this.positionMs), durationMs: Math.round(this.durationMs) };
    request('PUT', `/api/v1/media/${encodeURIComponent(this.#mediaId)}/progress`, { body, keepalive: true }).catch(() => undefined);
  }

  /** @returns {import('./session.js').Snapshot} */
  #snapshot() {
    const state = !this.isPlaying ? 'paused' : this.isBuffering ? 'buffering' : 'playing';
    const stats = Object.fromEntries(Object.entries(this.stats).filter(([, value]) => value !== null));
    return { positionMs: this.positionMs, state, playbackRate: this.#video.playbackRate, stats };
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
