// One named table of the environment: synchronous reads, awaited writes, every failure of LMDB as STORAGE_FAILED.
import type { Database } from 'lmdb';
import { FerriteError } from '#domain/errors.ts';

export type Key = string | (string | number)[];
export type Encoding = 'msgpack' | 'binary';

/** Sorts after every string and number that can follow in a composite key. */
const LAST = new Uint8Array([0xff]);

/** `after` is the key to go on behind, exclusive. */
export type RangeOptions<K> = { readonly after?: K; readonly limit?: number };
export type Entry<K, V> = { readonly key: K; readonly value: V };

export const storageFailure = (what: string, cause: unknown): FerriteError =>
  new FerriteError('STORAGE_FAILED', `${what}: ${cause instanceof Error ? cause.message : 'unknown cause'}`, { cause });

export class Table<K extends Key, V> {
  readonly #db: Database<V, K>;
  readonly #track: <T>(start: () => Promise<T>) => Promise<T>;

  constructor(db: Database<V, K>, track: <T>(start: () => Promise<T>) => Promise<T>) {
    this.#db = db;
    this.#track = track;
  }

  get(key: K): V | undefined {
    return reading(() => this.#db.get(key));
  }

  has(key: K): boolean {
    return reading(() => this.#db.doesExist(key));
  }

  count(): number {
    return reading(() => this.#db.getCount({}));
  }

  /**
   * Every entry in key order, read as it is asked for. Not a Generator by its type: one that is stepped by hand and left would hold its
   * snapshot for good, and LMDB reuses no page that was freed after it.
   */
  entries(options: RangeOptions<K> = {}): Iterable<Entry<K, V>> {
    return this.#range({}, options);
  }

  /** The entries whose composite key begins with `prefix`, in key order, read as they are asked for. */
  entriesUnder(prefix: (string | number)[], options: RangeOptions<K> = {}): Iterable<Entry<K, V>> {
    return this.#range({ start: prefix, end: [...prefix, LAST] }, options);
  }

  /** The entry that comes last in key order. */
  last(): Entry<K, V> | undefined {
    return reading(() => [...this.#db.getRange({ reverse: true, limit: 1 })][0]);
  }

  /** The last entry whose composite key begins with `prefix`. */
  lastUnder(prefix: (string | number)[]): Entry<K, V> | undefined {
    const bounds = { start: [...prefix, LAST], end: prefix, reverse: true, limit: 1 };
    const [last] = reading(() => [...this.#db.getRange(bounds)]);
    return last;
  }

  async put(key: K, value: V): Promise<void> {
    await writing(() => this.#track(() => this.#db.put(key, value)));
  }

  async remove(key: K): Promise<void> {
    await writing(() => this.#track(() => this.#db.remove(key)));
  }

  /** Called by a transaction of the environment. */
  putInTransaction(key: K, value: V): void {
    try {
      this.#db.putSync(key, value);
    } catch (error) {
      throw storageFailure('a record was not written', error);
    }
  }

  /** Called by a transaction of the environment. */
  removeInTransaction(key: K): void {
    try {
      this.#db.removeSync(key);
    } catch (error) {
      throw storageFailure('a record was not removed', error);
    }
  }

  *#range(
    bounds: { start?: (string | number)[]; end?: (string | number | Uint8Array)[] },
    { after, limit }: RangeOptions<K>,
  ): Generator<Entry<K, V>> {
    const from = after === undefined ? {} : { start: after, exclusiveStart: true };
    const options = { ...bounds, ...from, ...(limit === undefined ? {} : { limit }) };
    // LMDB begins to read at the first step, not when the range is made.
    const entries = reading(() => this.#db.getRange(options)[Symbol.iterator]());
    try {
      for (let step = reading(() => entries.next()); step.done !== true; step = reading(() => entries.next())) yield step.value;
    } finally {
      entries.return?.();
    }
  }
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw storageFailure('the store can not be read', error);
  }
}

async function writing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw error instanceof FerriteError ? error : storageFailure('a record was not written', error);
  }
}
