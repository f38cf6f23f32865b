// Items in the order of their last use, with the sum of their bytes. Every operation takes constant time.
type Sized = { readonly byteLength: number };

/** An item's entry in an order of use. The item itself holds its entry, so that a use needs no search. */
export class UseEntry<T extends Sized> {
  readonly item: T;
  order: UseOrder<T>;
  older: UseEntry<T> | null = null;
  newer: UseEntry<T> | null = null;

  constructor(item: T, order: UseOrder<T>) {
    this.item = item;
    this.order = order;
  }
}

export class UseOrder<T extends Sized> {
  #oldest: UseEntry<T> | null = null;
  #newest: UseEntry<T> | null = null;
  #byteLength = 0;

  get oldest(): T | undefined {
    return this.#oldest?.item;
  }

  get oldestEntry(): UseEntry<T> | null {
    return this.#oldest;
  }

  get isEmpty(): boolean {
    return this.#oldest === null;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds the item as the one used last. */
  add(item: T): UseEntry<T> {
    const entry = new UseEntry(item, this);
    this.#append(entry);
    this.#byteLength += item.byteLength;
    return entry;
  }

  use(entry: UseEntry<T>): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  remove(entry: UseEntry<T>): void {
    this.#unlink(entry);
    this.#byteLength -= entry.item.byteLength;
  }

  /** Takes over an entry of another order, as the one used last. */
  take(entry: UseEntry<T>): void {
    entry.order.remove(entry);
    entry.order = this;
    this.#append(entry);
    this.#byteLength += entry.item.byteLength;
  }

  #append(entry: UseEntry<T>): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #unlink(entry: UseEntry<T>): void {
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    entry.older = null;
    entry.newer = null;
  }
}
