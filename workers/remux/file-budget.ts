// What reading one file may cost: how much of each kind is looked at or kept, and how long the thread's other work waits meanwhile.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FerriteError } from '#domain/errors.ts';

type Limit = {
  readonly noun: string;
  /** Of any file, however large. */
  readonly most: number;
  /** Of any file, however small. */
  readonly least: number;
  /** Between the two: bytes of the file that each of them takes at the very least in a real film. */
  readonly bytesEach: number;
};

const Ki = 1024;
const Mi = Ki * Ki;

// decision 0019 tells which films these are measured by.
const LIMITS = {
  /** Boxes and elements that describe tracks, and the rows of their short lists: a film has some thousand. */
  descriptions: { noun: 'boxes or elements that describe it', most: 40_000, least: 40_000, bytesEach: 1 },
  /** Boxes and elements between the pictures: ten hours of one-frame fragments have 31 million. */
  elements: { noun: 'boxes or elements', most: 64 * Mi, least: 256 * Ki, bytesEach: 12 },
  /** Rows of an MP4's tables that are kept: ten hours at 60 pictures a second with eight tracks of sound have 15.8 million. */
  samples: { noun: 'samples', most: 16 * Mi, least: 64 * Ki, bytesEach: 12 },
  /** Frames of Matroska blocks that are looked at, laced ones each for itself. */
  frames: { noun: 'frames', most: 64 * Mi, least: 256 * Ki, bytesEach: 8 },
  /** Ten hours at 60 pictures a second, each of them a keyframe, have 2.2 million. */
  keyframes: { noun: 'keyframes', most: 2_500_000, least: 64 * Ki, bytesEach: 12 },
} as const satisfies Record<string, Limit>;

export type Countable = keyof typeof LIMITS;

const limitOf = ({ most, least, bytesEach }: Limit, fileByteLength: number): number =>
  Math.min(most, least + Math.floor(fileByteLength / bytesEach));

/** A thread that also serves sessions is given back after so long. */
const TURN_MS = 8;
/** Steps between two looks at the clock: a fraction of a millisecond of any loop over samples. */
const STRETCH = 16 * Ki;

/** More than any film has. ffmpeg would pay no less for such a file, so that it is not asked instead. */
export class OverBudget extends FerriteError {
  constructor(what: Countable) {
    super('MEDIA_UNREADABLE', `the file has too many ${LIMITS[what].noun}`);
  }
}

/** One for each time a file is opened, and one for each segment that is built from it. */
export class FileBudget {
  readonly #left: Record<Countable, number>;
  readonly #signal: AbortSignal | undefined;
  #turnStartMs = performance.now();

  constructor(fileByteLength: number, signal?: AbortSignal) {
    const left = (what: Countable) => limitOf(LIMITS[what], fileByteLength);
    this.#left = {
      descriptions: left('descriptions'),
      elements: left('elements'),
      samples: left('samples'),
      frames: left('frames'),
      keyframes: left('keyframes'),
    };
    this.#signal = signal;
  }

  /** @throws MEDIA_UNREADABLE when the file has more of them than any film. Ask before room is made for them. */
  take(what: Countable, count = 1): void {
    this.#left[what] -= count;
    // Not `< 0`: a count that is no number is refused as well.
    if (!(this.#left[what] >= 0)) throw new OverBudget(what);
  }

  /** Code that works for long without reading the file has to `pause` when this says so. */
  get isTurnOver(): boolean {
    return performance.now() - this.#turnStartMs > TURN_MS;
  }

  /** Lets the thread do its other work, when it has waited long enough. @throws CANCELLED when the result is wanted no more. */
  async pause(): Promise<void> {
    if (this.#signal?.aborted) throw new FerriteError('CANCELLED', 'the file is not wanted any more');
    if (!this.isTurnOver) return;
    await nextTurn();
    this.#turnStartMs = performance.now();
  }

  /** [0, count) in pieces, with a pause between them. */
  async *stretches(count: number): AsyncGenerator<{ readonly from: number; readonly to: number }> {
    for (let from = 0; from < count; from += STRETCH) {
      await this.pause();
      yield { from, to: Math.min(from + STRETCH, count) };
    }
  }
}
