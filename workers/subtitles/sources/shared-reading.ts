// Work that several wait for and nobody does twice: it ends when nobody waits any more, and is not tried again at once where it failed.
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';

/** What can not be read is not tried again for every request. */
const FAILED_MS = 30_000;
const MAX_FAILURES = 1_000;

export type SharedReadingOptions = {
  /** Who asks waits so long, and is then told to come back. */
  readonly maxWaitMs: number;
  /** Work goes on for so long without anybody who waits: whoever was told to come back finds it further on. */
  readonly graceMs: number;
};

type Work<T> = { readonly done: Promise<T>; readonly over: AbortController; waiting: number; grace: NodeJS.Timeout | undefined };

export class SharedReading<T> {
  readonly #options: SharedReadingOptions;
  readonly #works = new Map<string, Work<T>>();
  readonly #failures = new LRUCache<string, FerriteError>({ max: MAX_FAILURES, ttl: FAILED_MS });
  #isClosed = false;

  constructor(options: SharedReadingOptions) {
    this.#options = options;
  }

  /** @throws SUBTITLES_PENDING after the longest wait, CANCELLED with `signal`. */
  async get(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const failed = this.#failures.get(key);
    if (failed) throw failed;
    const running = this.#works.get(key) ?? this.#begin(key, work);
    const over = Promise.withResolvers<never>();
    const { maxWaitMs } = this.#options;
    const deadline = Number.isFinite(maxWaitMs) ? setTimeout(() => over.reject(pending()), maxWaitMs) : undefined;
    const onAbort = (): void => over.reject(new FerriteError('CANCELLED', 'nobody waits for the subtitles any more'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    running.waiting++;
    clearTimeout(running.grace);
    try {
      return await Promise.race([running.done, over.promise]);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
      const isRunning = this.#works.get(key) === running;
      if (--running.waiting === 0 && isRunning) running.grace = setTimeout(() => running.over.abort(), this.#options.graceMs).unref();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { over } of this.#works.values()) over.abort();
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Work<T> {
    const over = new AbortController();
    if (this.#isClosed) over.abort();
    const done = work(over.signal)
      .catch((error: unknown) => {
        const failure =
          error instanceof FerriteError ? error : new FerriteError('MEDIA_UNREADABLE', 'the subtitles can not be read', { cause: error });
        // What was given up says nothing of the film.
        if (!over.signal.aborted && failure.code !== 'SUBTITLES_PENDING') this.#failures.set(key, failure);
        throw failure;
      })
      .finally(() => {
        if (this.#works.get(key)?.done === done) this.#works.delete(key);
        clearTimeout(running.grace);
      });
    const running: Work<T> = { done, over, waiting: 0, grace: undefined };
    this.#works.set(key, running);
    // Work that is given up is nobody's to wait for: the next who asks begins anew.
    over.signal.addEventListener('abort', () => this.#works.get(key) === running && this.#works.delete(key), { once: true });
    // Who asked may have gone.
    done.catch(() => undefined);
    return running;
  }
}

export const pending = (message = 'the film is still being read for its subtitles'): FerriteError =>
  new FerriteError('SUBTITLES_PENDING', message);
