// The knob being dragged: hints to the server on the way, so that the picture is being made when the knob is let go.
import { isBuffered } from '../playback/landing.js';

/** The server ignores hints that come more often. */
const HINT_INTERVAL_MS = 120;

export class Scrubbing {
  #video;
  #hint;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {number | null} */
  #nextMs = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {(positionMs: number) => void} hint
   */
  constructor(video, hint) {
    this.#video = video;
    this.#hint = hint;
  }

  /** @param {number} positionMs */
  moveTo(positionMs) {
    if (isBuffered(this.#video, positionMs)) {
      this.#nextMs = null;
      return;
    }
    this.#nextMs = positionMs;
    if (this.#timer === undefined) this.#send();
  }

  end() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#nextMs = null;
  }

  #send() {
    const positionMs = this.#nextMs;
    this.#timer = undefined;
    if (positionMs === null) return;
    this.#nextMs = null;
    this.#hint(positionMs);
    this.#timer = setTimeout(() => this.#send(), HINT_INTERVAL_MS);
  }
}
