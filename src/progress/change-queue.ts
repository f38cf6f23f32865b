// Changes on their way to the store. What arrives while a transaction is written goes into the next one, all of it at once and in its order.
import type { MediaId, UserId } from '#domain/ids.ts';
import type { Transaction } from '#storage/environment.ts';

/** A change that the next one of the same kind makes needless, where nothing else was done in between. */
export type Replaceable = { readonly mediaId: MediaId; readonly kind: string };

type Waiting = {
  change: (tx: Transaction) => unknown;
  readonly kind: string | null;
  readonly promise: Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
};

export class ChangeQueue {
  readonly #write: (action: (tx: Transaction) => void) => Promise<void>;
  /** In the order of arrival. One for each film that somebody watches, and one for each request under way: that bounds it. */
  #waiting: Waiting[] = [];
  /** Those that may be replaced. */
  #last = new Map<UserId, Map<MediaId, Waiting>>();
  #writing: Promise<void> | null = null;

  constructor(write: (action: (tx: Transaction) => void) => Promise<void>) {
    this.#write = write;
  }

  /** Resolves when the change is in the store; one that was replaced with what the later one did. */
  add<T>(userId: UserId, replaceable: Replaceable | null, change: (tx: Transaction) => T): Promise<T> {
    const earlier = replaceable && this.#last.get(userId)?.get(replaceable.mediaId);
    if (earlier && earlier.kind === replaceable.kind) {
      earlier.change = change;
      return earlier.promise as Promise<T>;
    }
    const waiting: Waiting = { ...Promise.withResolvers<unknown>(), kind: replaceable?.kind ?? null, change };
    this.#waiting.push(waiting);
    this.#remember(userId, replaceable, waiting);
    this.#writing ??= this.#writeAll();
    return waiting.promise as Promise<T>;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves when everything that was added until then is in the store, or has failed. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #remember(userId: UserId, replaceable: Replaceable | null, waiting: Waiting): void {
    if (replaceable === null) this.#last.delete(userId);
    else this.#last.set(userId, (this.#last.get(userId) ?? new Map()).set(replaceable.mediaId, waiting));
  }

  async #writeAll(): Promise<void> {
    // What arrives in the same turn goes together.
    await null;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#last = new Map();
      const results: unknown[] = [];
      try {
        await this.#write(tx => {
          for (const { change } of batch) results.push(change(tx));
        });
        for (const [at, { resolve }] of batch.entries()) resolve(results[at]);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = null;
  }
}
