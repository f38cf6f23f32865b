// Who may transcode: so many sessions at once, the others wait in line, interactive before background, until their time is up.
import { FerriteError } from '#domain/errors.ts';
import type { Priority } from '#domain/session.ts';

export type AdmissionOptions = { readonly capacity: number; readonly timeoutMs: number };

/** A place that was granted. Releasing it twice is no error. */
export type Place = { readonly waitMs: number; release(): void };

type Waiting = { readonly priority: Priority; readonly sinceMs: number; readonly grant: () => void };

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #waiting: Waiting[] = [];
  #taken = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get depth(): number {
    return this.#waiting.length;
  }

  /** Rejects with OVERLOADED when the queue's timeout passes, CANCELLED when the client goes away. */
  async enter(priority: Priority, signal: AbortSignal): Promise<Place> {
    // It may be gone already: then nobody would say so again.
    if (signal.aborted) throw new FerriteError('CANCELLED', 'the client went away');
    const sinceMs = performance.now();
    if (this.#taken < this.#options.capacity) this.#taken++;
    else await this.#wait(priority, sinceMs, signal);
    let isReleased = false;
    return {
      waitMs: Math.round(performance.now() - sinceMs),
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#next();
      },
    };
  }

  #wait(priority: Priority, sinceMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { priority, sinceMs, grant: resolve };
    const leave = (reason: () => FerriteError): void => {
      const at = this.#waiting.indexOf(waiting);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      reject(reason());
    };
    const deadline = setTimeout(() => leave(() => this.#overloaded(sinceMs)), this.#options.timeoutMs);
    const onAbort = (): void => leave(() => new FerriteError('CANCELLED', 'the client went away'));
    signal.addEventListener('abort', onAbort, { once: true });
    const firstBehind = priority === 'interactive' ? this.#waiting.findIndex(other => other.priority === 'background') : -1;
    this.#waiting.splice(firstBehind === -1 ? this.#waiting.length : firstBehind, 0, waiting);
    return promise.finally(() => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    });
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next) next.grant();
    else this.#taken--;
  }

  #overloaded(sinceMs: number): FerriteError {
    const queueDepth = this.#waiting.length;
    const queueWaitMs = Math.round(performance.now() - sinceMs);
    return new FerriteError('OVERLOADED', `no transcoder became free in ${this.#options.timeoutMs} ms; ${queueDepth} others wait`, {
      details: { queueDepth, queueWaitMs },
    });
  }
}
