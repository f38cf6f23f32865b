// So many at once and no more: the others wait for their turn, up to a bound.
import { FerriteError } from '#domain/errors.ts';

export type TurnsOptions = {
  readonly atOnce: number;
  readonly maxWaiting: number;
  /** For whoever would be one too many. */
  readonly refusal: () => FerriteError;
};

export class ReadingTurns {
  readonly #options: TurnsOptions;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** @throws the refusal; CANCELLED for one who goes away while it waits */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      // Whoever ends hands its turn on.
      if (next) {
        this.#waiting.delete(next);
        next();
      } else this.#taken--;
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw cancelled();
    if (this.#taken < this.#options.atOnce) {
      this.#taken++;
      return;
    }
    if (this.#waiting.size >= this.#options.maxWaiting) throw this.#options.refusal();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const onAbort = (): void => {
      // Where the turn has come already, it is taken, and handed on by what it was taken for.
      if (this.#waiting.delete(resolve)) reject(cancelled());
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

const cancelled = (): FerriteError => new FerriteError('CANCELLED', 'nobody waits for the subtitles any more');
