// What a viewer experiences: time to first frame, seek times, rebuffers and dropped frames, measured at the video element.

/**
 * @typedef {{ ttffMs: number | null, seekLatencyMs: number | null, rebufferCount: number, rebufferMs: number,
 *   droppedFrames: number, totalFrames: number, bufferMs: number }} Measured
 */

export class Measurements {
  #video;
  #onMeasured;
  #ended = new AbortController();
  /** @type {number | null} */
  #ttffMs = null;
  /** @type {number | null} */
  #seekLatencyMs = null;
  /** @type {number | null} */
  #seekStartedMs = null;
  #seekCount = 0;
  #rebufferCount = 0;
  #rebufferMs = 0;
  /** @type {number | null} */
  #waitingSinceMs = null;
  #isRestarting = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {number} clickedAtMs on the clock of performance.now()
   * @param {() => void} onMeasured called when a figure became known
   */
  constructor(video, clickedAtMs, onMeasured) {
    this.#video = video;
    this.#onMeasured = onMeasured;
    const { signal } = this.#ended;
    video.addEventListener('waiting', () => this.#waiting(), { signal });
    video.addEventListener('playing', () => this.#playing(), { signal });
    video.addEventListener('pause', () => this.#resumed(), { signal });
    this.#onNextFrame('playing', () => {
      this.#ttffMs = performance.now() - clickedAtMs;
      onMeasured();
    });
  }

  close() {
    this.#ended.abort();
  }

  seekStarted() {
    this.#resumed();
    const seek = ++this.#seekCount;
    const startedMs = performance.now();
    this.#seekStartedMs = startedMs;
    const { signal } = this.#ended;
    this.#video.addEventListener('seeked', () => this.#onNextFrame('timeupdate', () => this.#seekEnded(seek, startedMs)), {
      once: true,
      signal,
    });
  }

  /** A new session is being opened: the wait until it plays is no rebuffer. */
  restarted() {
    this.#resumed();
    this.#isRestarting = true;
  }

  get isBuffering() {
    return this.#waitingSinceMs !== null || this.#seekStartedMs !== null;
  }

  get hasStarted() {
    return this.#ttffMs !== null;
  }

  /** @returns {Measured} */
  read() {
    const quality = this.#video.getVideoPlaybackQuality?.();
    const runningMs = this.#waitingSinceMs === null ? 0 : performance.now() - this.#waitingSinceMs;
    return {
      ttffMs: this.#ttffMs === null ? null : Math.round(this.#ttffMs),
      seekLatencyMs: this.#seekLatencyMs === null ? null : Math.round(this.#seekLatencyMs),
      rebufferCount: this.#rebufferCount,
      rebufferMs: Math.round(this.#rebufferMs + runningMs),
      droppedFrames: quality?.droppedVideoFrames ?? 0,
      totalFrames: quality?.totalVideoFrames ?? 0,
      bufferMs: Math.round(bufferAheadS(this.#video) * 1000),
    };
  }

  /** @param {number} seek @param {number} startedMs */
  #seekEnded(seek, startedMs) {
    if (seek !== this.#seekCount) return;
    this.#seekStartedMs = null;
    this.#seekLatencyMs = performance.now() - startedMs;
    this.#onMeasured();
  }

  #waiting() {
    if (
      this.#isRestarting ||
      !this.hasStarted ||
      this.#seekStartedMs !== null ||
      this.#video.seeking ||
      this.#video.paused ||
      this.#video.ended
    )
      return;
    if (this.#waitingSinceMs !== null) return;
    this.#waitingSinceMs = performance.now();
    this.#rebufferCount++;
  }

  #playing() {
    this.#isRestarting = false;
    this.#resumed();
  }

  #resumed() {
    if (this.#waitingSinceMs === null) return;
    this.#rebufferMs += performance.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = null;
    this.#onMeasured();
  }

  /**
   * @param {'playing' | 'timeupdate'} otherwise the event to go by where frames can't be watched, or are not drawn because the tab is hidden
   * @param {() => void} callback
   */
  #onNextFrame(otherwise, callback) {
    const { signal } = this.#ended;
    const once = new AbortController();
    const run = () => {
      if (once.signal.aborted || signal.aborted) return;
      once.abort();
      callback();
    };
    const canWatchFrames = 'requestVideoFrameCallback' in this.#video;
    if (canWatchFrames) this.#video.requestVideoFrameCallback(run);
    this.#video.addEventListener(
      otherwise,
      () => {
        if (!canWatchFrames || document.hidden) run();
      },
      { signal: AbortSignal.any([signal, once.signal]) },
    );
  }
}

/** @param {HTMLVideoElement} video */
export function bufferAheadS(video) {
  const { buffered, currentTime } = video;
  for (let index = 0; index < buffered.length; index++) {
    if (buffered.start(index) <= currentTime + 0.1 && currentTime < buffered.end(index)) return buffered.end(index) - currentTime;
  }
  return 0;
}
