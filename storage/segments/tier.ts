// One tier of the segment cache: its segments in the order of use, and the next one to evict. Pinned segments, which a session is about to need, are evicted last.
import { type UseEntry, UseOrder } from './use-order.ts';

/** At most this part of a tier stays pinned: beyond it the segments pinned the longest ago count as unpinned. */
const MAX_PINNED_PART = 0.5;

export class CacheTier<T extends { readonly byteLength: number }> {
  readonly maxBytes: number;
  readonly #free = new UseOrder<T>();
  readonly #pinned = new UseOrder<T>();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get byteLength(): number {
    return this.#free.byteLength + this.#pinned.byteLength;
  }

  get pinnedBytes(): number {
    return this.#pinned.byteLength;
  }

  /** The next segment to evict. */
  get victim(): T | undefined {
    return this.#free.oldest ?? this.#pinned.oldest;
  }

  isPinned(entry: UseEntry<T>): boolean {
    return entry.order === this.#pinned;
  }

  add(item: T, isPinned: boolean): UseEntry<T> {
    const entry = (isPinned ? this.#pinned : this.#free).add(item);
    if (isPinned) this.#limitPins();
    return entry;
  }

  use(entry: UseEntry<T>): void {
    entry.order.use(entry);
  }

  remove(entry: UseEntry<T>): void {
    entry.order.remove(entry);
  }

  pin(entry: UseEntry<T>): void {
    if (this.isPinned(entry)) return;
    this.#pinned.take(entry);
    this.#limitPins();
  }

  unpin(entry: UseEntry<T>): void {
    if (this.isPinned(entry)) this.#free.take(entry);
  }

  #limitPins(): void {
    while (this.#pinned.byteLength > this.maxBytes * MAX_PINNED_PART) {
      const oldest = this.#pinned.oldestEntry;
      if (!oldest) return;
      this.#free.take(oldest);
    }
  }
}
