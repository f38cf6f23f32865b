// The one LMDB environment of a data folder as one thread sees it: tables, atomic writes, and a close that waits for what is queued.
import { open, type RootDatabase } from 'lmdb';
import { FerriteError } from '#domain/errors.ts';
import { type Encoding, type Key, storageFailure, Table } from './table.ts';

/** LMDB's own limit is 12 tables; unused slots cost a few bytes. */
const MAX_TABLES = 96;

/** Of the store and of LMDB's own lock file; the library's types do not know the option. */
const FILE_MODE = { permissionsMode: 0o600 };

export type EnvironmentMode = 'read-write' | 'read-only';

/** What may change data. Exists only inside `write`, so that a check and the write it guards are one atomic step. */
export type Transaction = {
  put<K extends Key, V>(table: Table<K, V>, key: K, value: V): void;
  remove<K extends Key, V>(table: Table<K, V>, key: K): void;
};

const transaction: Transaction = {
  put: (table, key, value) => table.putInTransaction(key, value),
  remove: (table, key) => table.removeInTransaction(key),
};

export class Environment {
  readonly mode: EnvironmentMode;
  readonly #root: RootDatabase<unknown, string>;
  readonly #queued = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  constructor(path: string, mode: EnvironmentMode) {
    this.mode = mode;
    try {
      this.#root = open({ path, maxDbs: MAX_TABLES, noSubdir: true, readOnly: mode === 'read-only', ...FILE_MODE });
    } catch (error) {
      throw storageFailure('the store can not be opened', error);
    }
  }

  /** Makes the table where it is missing, in read-write mode. */
  table<K extends Key, V>(name: string, encoding: Encoding = 'msgpack'): Table<K, V> {
    const db = this.#root.openDB<V, K>({ name, encoding });
    // A read-only opener gets nothing for a table that was never made.
    if (db === undefined) throw new FerriteError('STORAGE_FAILED', `the store has no table "${name}": open it read-write once`);
    return new Table(db, pending => this.#track(pending));
  }

  /**
   * Runs `action` inside a write transaction: it reads what is committed and nobody writes in between.
   * What it wrote before throwing is undone. Resolves once every thread can see what was written.
   */
  async write<T>(action: (tx: Transaction) => T): Promise<T> {
    const failures: unknown[] = [];
    const guarded = () => {
      try {
        return action(transaction);
      } catch (error) {
        failures.push(error);
        throw error;
      }
    };
    try {
      return await this.#track(() => this.#root.childTransaction(guarded));
    } catch (error) {
      throw failures.includes(error) || error instanceof FerriteError ? error : storageFailure('a transaction was not written', error);
    }
  }

  /** As `write`, but blocks the thread and undoes everything when `action` throws: for migrations, before anybody is served. */
  writeNow<T>(action: (tx: Transaction) => T): T {
    return this.#root.transactionSync(() => action(transaction));
  }

  /** Lets this thread see what another one has written. Needed before a read that follows another thread's message. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  /** How many transactions were ever written. */
  get writeCount(): number {
    return (this.#root.getStats() as { lastTxnId: number }).lastTxnId;
  }

  /** Copies the store as it stands to a new file while it is in use. */
  async backup(path: string): Promise<void> {
    try {
      await this.#track(() => this.#root.backup(path, true));
    } catch (error) {
      throw error instanceof FerriteError ? error : storageFailure('the store was not copied', error);
    }
  }

  /** Refuses new writes, awaits those queued, then closes: LMDB ends the process when it finds a write queued after its close. */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  async #drain(): Promise<void> {
    while (this.#queued.size > 0) await Promise.allSettled(this.#queued);
    await this.#root.close();
  }

  async #track<T>(start: () => Promise<T>): Promise<T> {
    if (this.#closed !== null) throw new FerriteError('STORAGE_FAILED', 'the store is closing');
    const pending = start();
    this.#queued.add(pending);
    try {
      return await pending;
    } finally {
      this.#queued.delete(pending);
    }
  }
}
