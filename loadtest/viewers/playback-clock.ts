// A player's position over time: it moves while the buffer holds film, and stands still while the buffer is empty. No I/O: the caller says what time it is.

export type PlaybackFacts = {
  readonly playedMs: number;
  readonly stalls: number;
  /** The stalls of a viewer who had been playing for a while: before that the buffer has never been filled. */
  readonly settledStalls: number;
  readonly stalledMs: number;
};

/** Played since a start or an unbuffered seek. */
const SETTLED_AFTER_MS = 4_000;

type ScreenState = 'waiting' | 'playing' | 'stalled' | 'ended';

export class PlaybackClock {
  readonly #endS: number;
  #positionS: number;
  #bufferedFromS: number;
  #bufferedToS: number;
  #state: ScreenState = 'waiting';
  #isPaused = false;
  #atMs: number;
  #playedMs = 0;
  #playedSinceWaitMs = 0;
  #stalls = 0;
  #settledStalls = 0;
  #stalledMs = 0;

  /** @param endS where the film ends */
  constructor({ positionS, endS, nowMs }: { positionS: number; endS: number; nowMs: number }) {
    this.#positionS = positionS;
    this.#bufferedFromS = positionS;
    this.#bufferedToS = positionS;
    this.#endS = endS;
    this.#atMs = nowMs;
  }

  get positionS(): number {
    return this.#positionS;
  }

  get bufferedToS(): number {
    return this.#bufferedToS;
  }

  get bufferedAheadS(): number {
    return Math.max(0, this.#bufferedToS - this.#positionS);
  }

  get state(): ScreenState | 'paused' {
    return this.#isPaused ? 'paused' : this.#state;
  }

  get facts(): PlaybackFacts {
    return { playedMs: this.#playedMs, stalls: this.#stalls, settledStalls: this.#settledStalls, stalledMs: this.#stalledMs };
  }

  /** Lets the time pass until `nowMs`: played, stood still, or neither. */
  advance(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = Math.max(nowMs, this.#atMs);
    if (this.#isPaused) return;
    if (this.#state === 'stalled') this.#stalledMs += elapsedMs;
    if (this.#state !== 'playing') return;
    const playedMs = Math.min(elapsedMs, this.bufferedAheadS * 1000);
    this.#playedMs += playedMs;
    this.#playedSinceWaitMs += playedMs;
    this.#positionS += playedMs / 1000;
    if (this.#positionS >= this.#endS - 0.001) {
      this.#state = 'ended';
    } else if (playedMs < elapsedMs) {
      this.#state = 'stalled';
      this.#stalls++;
      if (this.#playedSinceWaitMs >= SETTLED_AFTER_MS) this.#settledStalls++;
      this.#stalledMs += elapsedMs - playedMs;
    }
  }

  /** More was buffered: enough for the picture to move on. */
  buffered(toS: number, nowMs: number): void {
    this.advance(nowMs);
    this.#bufferedToS = Math.max(this.#bufferedToS, Math.min(toS, this.#endS));
    if (this.bufferedAheadS > 0 && (this.#state === 'waiting' || this.#state === 'stalled')) this.#state = 'playing';
  }

  pause(nowMs: number): void {
    this.advance(nowMs);
    this.#isPaused = true;
  }

  resume(nowMs: number): void {
    this.advance(nowMs);
    this.#isPaused = false;
  }

  /** True when the buffer holds the target already; else the buffer is empty now, and the wait counts as the seek's, not as a stall. */
  seek(positionS: number, nowMs: number): boolean {
    this.advance(nowMs);
    const isBuffered = positionS >= this.#bufferedFromS && positionS < this.#bufferedToS;
    this.#positionS = positionS;
    if (isBuffered) {
      this.#state = 'playing';
      return true;
    }
    this.#bufferedFromS = positionS;
    this.#bufferedToS = positionS;
    this.#state = 'waiting';
    this.#playedSinceWaitMs = 0;
    return false;
  }
}
