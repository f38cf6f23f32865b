// The bandwidth that a player believes in: two moving averages, one quick and one slow, the lower counts, as in hls.js.

const FAST_HALF_LIFE_S = 3;
const SLOW_HALF_LIFE_S = 9;
const MIN_DURATION_S = 0.05;
const FIRST_ESTIMATE_BPS = 500_000;
/** Of the estimate, so much is used to stay, and so much to go up. */
const STAY_PART = 0.95;
const CLIMB_PART = 0.7;

export class Throughput {
  readonly #fast = new MovingAverage(FAST_HALF_LIFE_S);
  readonly #slow = new MovingAverage(SLOW_HALF_LIFE_S);

  sample(bytes: number, durationMs: number): void {
    const seconds = Math.max(durationMs / 1000, MIN_DURATION_S);
    const bps = (bytes * 8) / seconds;
    this.#fast.add(seconds, bps);
    this.#slow.add(seconds, bps);
  }

  get bps(): number {
    return this.#fast.isEmpty ? FIRST_ESTIMATE_BPS : Math.min(this.#fast.value, this.#slow.value);
  }

  /** The highest rate that fits, the lowest where none does. @param rates in bits per second */
  choose(rates: readonly number[], current: number | null): number {
    const fitting = rates.filter(rate => rate <= this.bps * (current !== null && rate > current ? CLIMB_PART : STAY_PART));
    return fitting.length > 0 ? Math.max(...fitting) : Math.min(...rates);
  }
}

class MovingAverage {
  readonly #halfLifeS: number;
  #estimate = 0;
  #weightS = 0;

  constructor(halfLifeS: number) {
    this.#halfLifeS = halfLifeS;
  }

  get isEmpty(): boolean {
    return this.#weightS === 0;
  }

  add(weightS: number, value: number): void {
    const kept = 0.5 ** (weightS / this.#halfLifeS);
    this.#estimate = value * (1 - kept) + kept * this.#estimate;
    this.#weightS += weightS;
  }

  /** The first samples count in full: the average did not begin at nothing. */
  get value(): number {
    return this.#estimate / (1 - 0.5 ** (this.#weightS / this.#halfLifeS));
  }
}
