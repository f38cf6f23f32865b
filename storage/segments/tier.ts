// One tier of the segment cache: what is in it in the order of use, and what goes next. What somebody is about to need goes last.
import { type Place, UseOrder } from './use-order.ts';

/** More than this much of a tier is never held back: what was pinned the longest ago is then as good as unpinned. */
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

  /** What has to go when something has to. */
  get victim(): T | undefined {
    return this.#free.oldest ?? this.#pinned.oldest;
  }

  isPinned(place: Place<T>): boolean {
    return place.order === this.#pinned;
  }

  add(item: T, isPinned: boolean): Place<T> {
    const place = (isPinned ? this.#pinned : this.#free).add(item);
    if (isPinned) this.#limitPins();
    return place;
  }

  use(place: Place<T>): void {
    place.order.use(place);
  }

  remove(place: Place<T>): void {
    place.order.remove(place);
  }

  pin(place: Place<T>): void {
    if (this.isPinned(place)) return;
    this.#pinned.take(place);
    this.#limitPins();
  }

  unpin(place: Place<T>): void {
    if (this.isPinned(place)) this.#free.take(place);
  }

  #limitPins(): void {
    while (this.#pinned.byteLength > this.maxBytes * MAX_PINNED_PART) {
      const oldest = this.#pinned.oldestPlace;
      if (!oldest) return;
      this.#free.take(oldest);
    }
  }
}
