// Waiting for something that is being made: everybody who waits for the same name is answered at once, and each may leave, by a signal or
// at a deadline; work that several want is done once.
import { FerriteError } from '../errors.ts';

export type WaitLimits = {
  /** Ends the wait with CANCELLED. */
  readonly signal?: AbortSignal;
  /** Ends the wait with `error()` when it has lasted so long. */
  readonly deadline?: { readonly ms: number; readonly error: () => FerriteError };
};

/** One who waits. It ends once, and everything it held is let go in the same turn. */
export class Wait<Value, Note = undefined> {
  readonly name: string;
  /** What whoever decides about waits needs to know of this one. */
  readonly note: Note;
  readonly promise: Promise<Value>;
  readonly #settled = Promise.withResolvers<Value>();
  readonly #onEnd: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor({ name, note, onEnd }: { name: string; note: Note; onEnd: (wait: Wait<Value, Note>) => void }, limits: WaitLimits) {
    this.name = name;
    this.note = note;
    this.promise = this.#settled.promise;
    // Whoever waits hears of it; where nobody looks any more, nobody is missing anything.
    this.promise.catch(() => undefined);
    this.#onEnd = () => onEnd(this);
    this.#signal = limits.signal;
    const { deadline } = limits;
    this.#timer = deadline && setTimeout(() => this.reject(deadline.error()), deadline.ms);
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#onAbort();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  resolve(value: Value): void {
    if (this.leave()) this.#settled.resolve(value);
  }

  reject(error: unknown): void {
    if (this.leave()) this.#settled.reject(error);
  }

  /** Waits no more; the promise stays open. False when it was over already. */
  leave(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#onEnd();
    return true;
  }

  readonly #onAbort = (): void => this.reject(new FerriteError('CANCELLED', 'nobody waits for it any more'));
}

export class WaitingRoom<Value, Note = undefined> {
  readonly #waits = new Map<string, Set<Wait<Value, Note>>>();

  enter(name: string, note: Note, limits: WaitLimits = {}): Wait<Value, Note> {
    const waits = this.#waits.get(name) ?? new Set();
    const wait = new Wait<Value, Note>({ name, note, onEnd: ended => this.#left(waits, ended) }, limits);
    if (wait.isOver) return wait;
    this.#waits.set(name, waits.add(wait));
    return wait;
  }

  /** It is there: everybody who waits for it has it in the same turn. */
  arrived(name: string, value: Value): void {
    for (const wait of [...(this.#waits.get(name) ?? [])]) wait.resolve(value);
  }

  /** It will not come. */
  failed(name: string, error: unknown): void {
    for (const wait of [...(this.#waits.get(name) ?? [])]) wait.reject(error);
  }

  isAwaited(name: string): boolean {
    return this.#waits.has(name);
  }

  /** As it is now: who leaves while the list is gone through stays in it. */
  all(): Wait<Value, Note>[] {
    return [...this.#waits.values()].flatMap(waits => [...waits]);
  }

  /** How many names are waited for. */
  get size(): number {
    return this.#waits.size;
  }

  #left(waits: Set<Wait<Value, Note>>, wait: Wait<Value, Note>): void {
    waits.delete(wait);
    if (waits.size === 0 && this.#waits.get(wait.name) === waits) this.#waits.delete(wait.name);
  }
}

type Run<T> = { readonly outcome: Promise<T>; readonly abort: AbortController; sharers: number };

/** One run for each name: whoever asks while it runs shares it, and it is aborted when the last of them has left. */
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

/** What the work comes to; undefined when the deadline comes first. The work goes on: its owner hears of its end. */
export async function within<T>(deadlineMs: number, work: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), deadlineMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
