// Things in the order of their last use, with the sum of their bytes. Every step costs the same, however many there are.
type Sized = { readonly byteLength: number };

/** Where one thing stands in an order. Held by the thing itself, so that a use costs no search. */
export class Place<T extends Sized> {
  readonly item: T;
  order: UseOrder<T>;
  older: Place<T> | null = null;
  newer: Place<T> | null = null;

  constructor(item: T, order: UseOrder<T>) {
    this.item = item;
    this.order = order;
  }
}

export class UseOrder<T extends Sized> {
  #oldest: Place<T> | null = null;
  #newest: Place<T> | null = null;
  #byteLength = 0;

  get oldest(): T | undefined {
    return this.#oldest?.item;
  }

  get oldestPlace(): Place<T> | null {
    return this.#oldest;
  }

  get isEmpty(): boolean {
    return this.#oldest === null;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** As the one used last. */
  add(item: T): Place<T> {
    const place = new Place(item, this);
    this.#append(place);
    this.#byteLength += item.byteLength;
    return place;
  }

  use(place: Place<T>): void {
    if (place === this.#newest) return;
    this.#unlink(place);
    this.#append(place);
  }

  remove(place: Place<T>): void {
    this.#unlink(place);
    this.#byteLength -= place.item.byteLength;
  }

  /** Takes over a place of another order, as the one used last. */
  take(place: Place<T>): void {
    place.order.remove(place);
    place.order = this;
    this.#append(place);
    this.#byteLength += place.item.byteLength;
  }

  #append(place: Place<T>): void {
    place.older = this.#newest;
    place.newer = null;
    if (this.#newest) this.#newest.newer = place;
    else this.#oldest = place;
    this.#newest = place;
  }

  #unlink(place: Place<T>): void {
    if (place.older) place.older.newer = place.newer;
    else this.#oldest = place.newer;
    if (place.newer) place.newer.older = place.older;
    else this.#newest = place.older;
    place.older = null;
    place.newer = null;
  }
}
