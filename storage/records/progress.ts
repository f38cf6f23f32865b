// How far each user has come in each title. Two users can't collide: the user is part of the key. Single writer: the main thread.
import { isLater } from '#domain/catalogue/progress-rules.ts';
import type { MediaId, UserId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';
import { type Page, type PageRequest, parseCursor, takePage } from './page.ts';

const BY_TIME = 'progress.by-time';
const BEGUN = 'progress.begun';

/** Format 2 lists apart what is begun and not watched: the list of a user who has seen thousands of films is read without them. */
export const PROGRESS: Family = {
  name: 'progress',
  encoding: 'msgpack',
  format: 2,
  upgrades: [record => record],
  indexes: [BY_TIME, BEGUN],
  derived: ({ key, value }) => {
    const [userId, mediaId] = key as ProgressKey;
    const progress = value as StoredProgress;
    return isListed(progress) ? [{ index: BEGUN, key: timeKey(userId, mediaId, progress), value: null }] : [];
  },
};

/** `isHidden`: off the list of what is begun, until the next position. */
type StoredProgress = Progress & { readonly isHidden?: true };

export type ProgressEntry = { readonly mediaId: MediaId; readonly progress: Progress };

/** `begun`: neither watched nor hidden. */
export type ProgressList = 'all' | 'begun';

type ProgressKey = [userId: UserId, mediaId: MediaId];
/** The time is negative so that the newest comes first. */
type TimeKey = [userId: UserId, negativeUpdatedAtMs: number, mediaId: MediaId];

export class ProgressRepository {
  readonly #environment: Environment;
  readonly #progress: Table<ProgressKey, StoredProgress>;
  readonly #byTime: Table<TimeKey, null>;
  readonly #begun: Table<TimeKey, null>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#progress = environment.table(PROGRESS.name);
    this.#byTime = environment.table(BY_TIME);
    this.#begun = environment.table(BEGUN);
  }

  get(userId: UserId, mediaId: MediaId): Progress | undefined {
    const stored = this.#progress.get([userId, mediaId]);
    return stored?.isHidden === true ? shown(stored) : stored;
  }

  /** Newest first; leaves out what `matches` refuses. */
  list(
    userId: UserId,
    { limit, cursor }: PageRequest,
    matches: (entry: ProgressEntry) => boolean,
    list: ProgressList = 'all',
  ): Page<ProgressEntry> {
    return takePage(this.#newestFirst(userId, cursor, matches, list), limit);
  }

  /** Everything of a user, newest first, read as it is asked for. */
  *ofUser(userId: UserId): Generator<ProgressEntry & { readonly isHidden: boolean }> {
    for (const { item } of this.#newestFirst(userId, null, () => true, 'all')) {
      yield { ...item, isHidden: this.#progress.get([userId, item.mediaId])?.isHidden === true };
    }
  }

  /** The files that a user has watched any of, newest first, read as they are asked for; their records are not. */
  *filesOfUser(userId: UserId): Generator<MediaId> {
    for (const { key } of this.#byTime.entriesUnder([userId])) yield key[2];
  }

  /** An older `updatedAtMs` never overwrites a newer one. Returns the progress that stands. */
  async put(userId: UserId, mediaId: MediaId, progress: Progress): Promise<Progress> {
    return await this.#environment.write(tx => this.putIn(tx, userId, { mediaId, progress }, Date.now()).stands);
  }

  /** Several changes as one, in their order. Resolves once every thread can see them. */
  async change<T>(action: (tx: Transaction) => T): Promise<T> {
    return await this.#environment.write(action);
  }

  /** Within a transaction. `before`: what stood until then. */
  putIn(
    tx: Transaction,
    userId: UserId,
    { mediaId, progress }: ProgressEntry,
    nowMs: number,
  ): { stands: Progress; before: Progress | undefined } {
    const before = this.#progress.get([userId, mediaId]);
    if (before !== undefined && isLater(before.updatedAtMs, progress.updatedAtMs, nowMs)) return { stands: shown(before), before };
    this.#replace(tx, userId, { mediaId, before, after: progress });
    return { stands: progress, before };
  }

  /** Within a transaction. */
  removeIn(tx: Transaction, userId: UserId, mediaId: MediaId): void {
    const before = this.#progress.get([userId, mediaId]);
    if (before !== undefined) this.#replace(tx, userId, { mediaId, before, after: undefined });
  }

  /** Within a transaction: off the list of what is begun, until the next position. */
  hideIn(tx: Transaction, userId: UserId, mediaId: MediaId): void {
    const before = this.#progress.get([userId, mediaId]);
    if (before !== undefined) this.#replace(tx, userId, { mediaId, before, after: { ...before, isHidden: true } });
  }

  async remove(userId: UserId, mediaId: MediaId): Promise<void> {
    await this.#environment.write(tx => this.removeIn(tx, userId, mediaId));
  }

  async removeUser(userId: UserId): Promise<void> {
    await this.#environment.write(tx => {
      for (const { key } of [...this.#progress.entriesUnder([userId])]) tx.remove(this.#progress, key);
      for (const table of [this.#byTime, this.#begun]) {
        for (const { key } of [...table.entriesUnder([userId])]) tx.remove(table, key);
      }
    });
  }

  #replace(
    tx: Transaction,
    userId: UserId,
    { mediaId, before, after }: { mediaId: MediaId; before: StoredProgress | undefined; after: StoredProgress | undefined },
  ): void {
    if (before !== undefined) {
      const key = timeKey(userId, mediaId, before);
      tx.remove(this.#byTime, key);
      tx.remove(this.#begun, key);
    }
    if (after === undefined) {
      tx.remove(this.#progress, [userId, mediaId]);
      return;
    }
    const key = timeKey(userId, mediaId, after);
    tx.put(this.#progress, [userId, mediaId], after);
    tx.put(this.#byTime, key, null);
    if (isListed(after)) tx.put(this.#begun, key, null);
  }

  *#newestFirst(
    userId: UserId,
    cursor: string | null,
    matches: (entry: ProgressEntry) => boolean,
    list: ProgressList,
  ): Generator<{ key: TimeKey; item: ProgressEntry }> {
    const after = cursor === null ? {} : { after: parseTimeCursor(cursor, userId) };
    const index = list === 'all' ? this.#byTime : this.#begun;
    for (const { key } of index.entriesUnder([userId], after)) {
      const mediaId = key[2];
      const progress = this.get(userId, mediaId);
      if (progress === undefined) continue;
      const item = { mediaId, progress };
      if (matches(item)) yield { key, item };
    }
  }
}

const shown = ({ isHidden: _, ...progress }: StoredProgress): Progress => progress;

/** Not the negative number: of 0 that is another number to the store. */
const timeKey = (userId: UserId, mediaId: MediaId, { updatedAtMs }: Progress): TimeKey => [userId, 0 - updatedAtMs, mediaId];

const isListed = ({ watched, positionMs, isHidden }: StoredProgress): boolean => !watched && positionMs > 0 && isHidden !== true;

function parseTimeCursor(cursor: string, userId: UserId): TimeKey {
  const [, time, mediaId] = parseCursor(cursor, [userId], 3);
  return [userId, Number(time), String(mediaId) as MediaId];
}
