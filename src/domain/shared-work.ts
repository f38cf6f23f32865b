// One run for each name: whoever asks while it runs shares it, and it is aborted when the last of them has left.
import { FerriteError } from './errors.ts';

type Run<T> = { readonly outcome: Promise<T>; readonly abort: AbortController; sharers: number };

export class SharedWork<T> {
  readonly #runs = new Map<string, Run<T>>();

  /** Rejects with CANCELLED when `signal` aborts; the others are not disturbed. */
  share(name: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const run = this.#runFor(name, work);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    run.sharers++;
    const onAbort = (): void => {
      if (--run.sharers === 0) run.abort.abort();
      reject(new FerriteError('CANCELLED', 'the client went away'));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    run.outcome.then(
      value => {
        settled();
        resolve(value);
      },
      error => {
        settled();
        reject(error);
      },
    );
    return promise;
  }

  /** Has it begun where it is not running yet, for whoever comes: a hint keeps no run going that others have left. Resolves when it has ended, however. */
  async hint(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<void> {
    await this.#runFor(name, work).outcome.catch(() => undefined);
  }

  #runFor(name: string, work: (signal: AbortSignal) => Promise<T>): Run<T> {
    const running = this.#runs.get(name);
    if (running && !running.abort.signal.aborted) return running;
    const abort = new AbortController();
    const outcome = work(abort.signal).finally(() => {
      if (this.#runs.get(name) === run) this.#runs.delete(name);
    });
    const run: Run<T> = { outcome, abort, sharers: 0 };
    // Where all have left by then, nobody is missing anything.
    outcome.catch(() => undefined);
    this.#runs.set(name, run);
    return run;
  }
}
