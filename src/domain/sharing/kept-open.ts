// What is costly to open, kept open between its uses: so many at a time, each closed when its last user is done and nobody has used it for a
// while. A file that was deleted frees its space then, and its disk can be unmounted.
import { LRUCache } from 'lru-cache';
import { FerriteError } from '../errors.ts';

export type KeptOpenOptions<T> = {
  /** Each may hold a descriptor. */
  readonly maxOpen: number;
  readonly maxBytes?: { readonly total: number; readonly of: (opened: T) => number };
  readonly idleMs?: number;
  readonly close: (opened: T) => Promise<void>;
};

type Entry<T> = { readonly opened: T; users: number; isDropped: boolean; usedAtMs: number };

const IDLE_MS = 60_000;

export class KeptOpen<T> {
  readonly #close: (opened: T) => Promise<void>;
  readonly #idleMs: number;
  readonly #entries: LRUCache<string, Entry<T>>;
  readonly #opening = new Map<string, Promise<Entry<T>>>();
  #sweeper: NodeJS.Timeout | null = null;

  constructor({ maxOpen, maxBytes, idleMs = IDLE_MS, close }: KeptOpenOptions<T>) {
    this.#close = close;
    this.#idleMs = idleMs;
    this.#entries = new LRUCache({
      max: maxOpen,
      ...(maxBytes ? { maxSize: maxBytes.total, sizeCalculation: ({ opened }) => Math.max(1, maxBytes.of(opened)) } : {}),
      dispose: entry => this.#dropped(entry),
    });
  }

  /** Opens it where it is not open. Work that fails with MEDIA_CHANGED closes it: it is not what it was. */
  async use<R>(name: string, open: () => Promise<T>, work: (opened: T) => Promise<R>): Promise<R> {
    const entry = this.#entries.get(name) ?? (await this.#open(name, open));
    entry.users++;
    try {
      return await work(entry.opened);
    } catch (error) {
      if (error instanceof FerriteError && error.code === 'MEDIA_CHANGED' && this.#entries.peek(name) === entry) this.#entries.delete(name);
      throw error;
    } finally {
      entry.users--;
      entry.usedAtMs = performance.now();
      this.#closeIfDone(entry);
    }
  }

  close(): void {
    this.#entries.clear();
    this.#rest();
  }

  #open(name: string, open: () => Promise<T>): Promise<Entry<T>> {
    const running = this.#opening.get(name);
    if (running) return running;
    const opening = this.#opened(name, open).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
  }

  async #opened(name: string, open: () => Promise<T>): Promise<Entry<T>> {
    const entry: Entry<T> = { opened: await open(), users: 0, isDropped: false, usedAtMs: performance.now() };
    this.#entries.set(name, entry);
    // Larger than all that may be kept: closed by its last user.
    if (!this.#entries.has(name)) entry.isDropped = true;
    else this.#sweeper ??= setInterval(() => this.#sweep(), this.#idleMs / 2).unref();
    return entry;
  }

  #sweep(): void {
    const oldestMs = performance.now() - this.#idleMs;
    for (const [name, { users, usedAtMs }] of [...this.#entries.entries()]) {
      if (users === 0 && usedAtMs <= oldestMs) this.#entries.delete(name);
    }
    if (this.#entries.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#sweeper) clearInterval(this.#sweeper);
    this.#sweeper = null;
  }

  #dropped(entry: Entry<T>): void {
    entry.isDropped = true;
    this.#closeIfDone(entry);
  }

  #closeIfDone({ opened, users, isDropped }: Entry<T>): void {
    // What can't be closed is no failure of what was read from it.
    if (isDropped && users === 0) this.#close(opened).catch(() => undefined);
  }
}
