// A stream that the video element reads by itself: one file (direct play), or HLS by the browser's own player.

/**
 * The events that a delivery reports to its owner. `onTrouble`: waiting for the server, trying again by itself. `onLost`: the session is gone.
 * @typedef {{ onTrouble(code: string): void, onRecovered(): void, onLost(): void, onFailure(code: string): void, onChange(): void }} DeliveryListener
 */
/** @typedef {{ id: number, label: string }} Choice */
/** @typedef {{ id: number, rung: string, height: number, bandwidthBps: number }} Level */

/** Reloads without a second of playback between them before the file counts as unplayable. */
const MAX_RELOADS = 3;
/** Playback stands still: after the first time the server is asked, after the second the file is loaded again though it answers. */
const STALL_ASK_MS = 4_000;
const STALL_RELOAD_MS = 12_000;
/** After this long without the server, a person has to press Retry. */
const GIVE_UP_MS = 300_000;

export class FileDelivery {
  #video;
  #session;
  #listener;
  #detached = new AbortController();
  #positionMs = 0;
  #reloads = 0;
  #reloading = false;
  #recovering = false;
  #stalledSinceMs = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watchdog;
  /** @type {readonly Level[]} */
  levels = [];
  level = -1;
  isAutoLevel = true;
  bandwidthBps = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {import('./session.js').PlaybackSession} session
   * @param {DeliveryListener} listener
   */
  constructor(video, session, listener) {
    this.#video = video;
    this.#session = session;
    this.#listener = listener;
  }

  /** @param {number} positionMs */
  async attach(positionMs) {
    const { signal } = this.#detached;
    this.#positionMs = positionMs;
    const video = this.#video;
    video.addEventListener('error', () => void this.#recover(), { signal });
    video.addEventListener('loadedmetadata', () => this.#restorePosition(), { signal });
    video.addEventListener('timeupdate', () => this.#notePosition(), { signal });
    video.addEventListener('seeking', () => this.#notePosition(), { signal });
    for (const list of [video.textTracks, Reflect.get(video, 'audioTracks')]) {
      list?.addEventListener('addtrack', () => this.#listener.onChange(), { signal });
    }
    this.#watchdog = setInterval(() => this.#watch(), 2_000);
    this.#load();
  }

  detach() {
    this.#detached.abort();
    clearInterval(this.#watchdog);
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  /** True while the element stands at 0 only because its source is being loaded again. */
  get isReloading() {
    return this.#reloading;
  }

  selectLevel() {}

  /** Without effect here: the element decides by itself what it loads of its file. */
  pauseLoading() {}

  resumeLoading() {}

  /** @returns {readonly Choice[]} */
  get audioTracks() {
    return this.#browserAudio().map((track, id) => ({ id, label: track.label || track.language || `Track ${id + 1}` }));
  }

  get audioTrack() {
    return this.#browserAudio().findIndex(track => track.enabled);
  }

  set audioTrack(id) {
    this.#browserAudio().forEach((track, index) => {
      track.enabled = index === id;
    });
  }

  /** Safari only. @returns {any[]} */
  #browserAudio() {
    return Array.from(Reflect.get(this.#video, 'audioTracks') ?? []);
  }

  #load() {
    this.#reloading = true;
    this.#stalledSinceMs = 0;
    const isWanted = !this.#video.paused;
    this.#video.src = this.#session.streamUrl;
    // Before the metadata is there this is where the element will start, so the beginning is not loaded for nothing.
    this.#video.currentTime = this.#positionMs / 1000;
    if (isWanted) this.#video.play().catch(() => undefined);
  }

  #restorePosition() {
    this.#reloading = false;
    const seconds = this.#positionMs / 1000;
    if (Math.abs(this.#video.currentTime - seconds) > 0.5) this.#video.currentTime = seconds;
    this.#listener.onChange();
  }

  #notePosition() {
    if (this.#reloading) return;
    const positionMs = this.#video.currentTime * 1000;
    if (this.#reloads > 0 && positionMs > this.#positionMs + 1_000) this.#reloads = 0;
    if (positionMs !== this.#positionMs) this.#stalledSinceMs = 0;
    if (this.#reloads === 0 || this.#video.seeking) this.#positionMs = positionMs;
  }

  #watch() {
    const video = this.#video;
    if (video.paused || video.ended || video.error !== null || video.readyState > HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.#stalledSinceMs = 0;
      return;
    }
    this.#stalledSinceMs ||= performance.now();
    const stalledMs = performance.now() - this.#stalledSinceMs;
    if (stalledMs > STALL_ASK_MS && !this.#recovering) void this.#askWhileStalled(stalledMs);
  }

  /** @param {number} stalledMs */
  async #askWhileStalled(stalledMs) {
    if (stalledMs < STALL_RELOAD_MS && (await this.#session.check()) !== 'unreachable') return;
    this.#stalledSinceMs = 0;
    await this.#recover();
  }

  /** A media element does not say why loading failed: the session does. */
  async #recover() {
    if (this.#recovering) return;
    this.#recovering = true;
    await this.#reloadWhenPossible();
    this.#recovering = false;
  }

  async #reloadWhenPossible() {
    const { signal } = this.#detached;
    const mediaError = this.#video.error;
    if (mediaError?.code === MediaError.MEDIA_ERR_DECODE) return this.#listener.onFailure('DECODE');
    const startedMs = performance.now();
    for (let attempt = 0; !signal.aborted; attempt++) {
      const verdict = await this.#session.check();
      if (signal.aborted) return;
      if (verdict === 'lost') return this.#listener.onLost();
      if (verdict === 'alive') break;
      if (performance.now() - startedMs > GIVE_UP_MS) return this.#listener.onFailure('NETWORK');
      this.#listener.onTrouble('NETWORK');
      await new Promise(resolve => setTimeout(resolve, Math.min(500 * 2 ** attempt, 5_000)));
    }
    if (signal.aborted) return;
    if (this.#reloads++ >= MAX_RELOADS) return this.#listener.onFailure('DECODE');
    this.#listener.onRecovered();
    this.#load();
  }
}
