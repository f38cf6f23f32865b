// A list that stays in order: chunks of a few hundred, so that a change moves few entries however long it is.

const MAX_CHUNK = 512;

/** Where an entry stands in a sorted list. It does not move while others come and go, so a page can begin behind it. */
export type Position = readonly [primary: number, sortTitle: string, id: string];

export class SortedList<T> {
  readonly #positionOf: (entry: T) => Position;
  #chunks: T[][] = [];
  #size = 0;

  constructor(positionOf: (entry: T) => Position, entries: Iterable<T>) {
    this.#positionOf = positionOf;
    const positioned = Array.from(entries, entry => ({ entry, position: positionOf(entry) }));
    positioned.sort((a, b) => compare(a.position, b.position));
    this.#size = positioned.length;
    for (let at = 0; at < positioned.length; at += MAX_CHUNK / 2)
      this.#chunks.push(positioned.slice(at, at + MAX_CHUNK / 2).map(({ entry }) => entry));
  }

  get size(): number {
    return this.#size;
  }

  add(entry: T): void {
    const position = this.#positionOf(entry);
    const at = Math.max(0, this.#chunkOf(position));
    const chunk = this.#chunks[at];
    this.#size++;
    if (chunk === undefined) {
      this.#chunks.push([entry]);
      return;
    }
    chunk.splice(this.#firstBehind(chunk, position), 0, entry);
    if (chunk.length > MAX_CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(MAX_CHUNK / 2));
  }

  /** Whatever stands where this entry would. */
  remove(entry: T): void {
    const position = this.#positionOf(entry);
    const at = this.#chunkOf(position);
    const chunk = this.#chunks[at];
    const place = chunk === undefined ? -1 : this.#firstBehind(chunk, position) - 1;
    const there = chunk?.[place];
    if (chunk === undefined || there === undefined || compare(this.#positionOf(there), position) !== 0) return;
    chunk.splice(place, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Those behind a position, or all of them. */
  *from(after: Position | null): Generator<T> {
    let at = after === null ? 0 : Math.max(0, this.#chunkOf(after));
    let place = after === null ? 0 : this.#firstBehind(this.#chunks[at] ?? [], after);
    for (; at < this.#chunks.length; at++, place = 0) {
      const chunk = this.#chunks[at] ?? [];
      for (; place < chunk.length; place++) {
        const entry = chunk[place];
        if (entry !== undefined) yield entry;
      }
    }
  }

  /** Those from a number on; the first has the number 0. */
  *fromNumber(number: number): Generator<T> {
    let left = number;
    for (const chunk of this.#chunks) {
      for (let place = left; place < chunk.length; place++) {
        const entry = chunk[place];
        if (entry !== undefined) yield entry;
      }
      left = Math.max(0, left - chunk.length);
    }
  }

  /** How many stand at a position or before it. */
  countUpTo(position: Position): number {
    const at = this.#chunkOf(position);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return 0;
    let count = this.#firstBehind(chunk, position);
    for (let before = 0; before < at; before++) count += this.#chunks[before]?.length ?? 0;
    return count;
  }

  /** The last chunk that begins at the position or before it; -1: none. */
  #chunkOf(position: Position): number {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#chunks[middle]?.[0];
      if (first !== undefined && compare(this.#positionOf(first), position) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #firstBehind(chunk: readonly T[], position: Position): number {
    let [low, high] = [0, chunk.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = chunk[middle];
      if (there !== undefined && compare(this.#positionOf(there), position) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function compare(a: Position, b: Position): number {
  return a[0] - b[0] || order(a[1], b[1]) || order(a[2], b[2]);
}

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
