// What each user has watched, and when: entries are added, never changed, and the oldest go where there are too many. Single writer: the main thread.
import type { EpisodeFacts } from '#domain/catalogue/name-facts.ts';
import type { MediaId, UserId } from '#domain/ids.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';
import { type Page, type PageRequest, parseCursor, takePage } from './page.ts';

const COUNTS = 'history.counts';

export const HISTORY: Family = { name: 'history', encoding: 'msgpack', format: 1, upgrades: [], indexes: [COUNTS] };

/** Of one user. Some 1.5 MB on disk. */
export const MAX_HISTORY = 10_000;

export type HistoryEntry = {
  readonly mediaId: MediaId;
  readonly atMs: number;
  /** `watched`: to the end, or marked so; `played`: a part of it. */
  readonly kind: 'watched' | 'played';
  readonly positionMs: number;
  readonly durationMs: number;
  /** As it was called then: the file may be gone. */
  readonly title: string;
  readonly year: number | null;
  readonly episode: Pick<EpisodeFacts, 'season' | 'episodes' | 'title'> | null;
};

/** The time is negative so that the newest comes first. */
type HistoryKey = [userId: UserId, negativeAtMs: number, mediaId: MediaId];
type StoredEntry = Omit<HistoryEntry, 'mediaId' | 'atMs'>;

export class HistoryRepository {
  readonly #environment: Environment;
  readonly #entries: Table<HistoryKey, StoredEntry>;
  readonly #counts: Table<[userId: UserId], number>;
  readonly #max: number;

  constructor(environment: Environment, max = MAX_HISTORY) {
    this.#environment = environment;
    this.#entries = environment.table(HISTORY.name);
    this.#counts = environment.table(COUNTS);
    this.#max = max;
  }

  /** Newest first; leaves out what `matches` refuses. */
  list(userId: UserId, { limit, cursor }: PageRequest, matches: (entry: HistoryEntry) => boolean): Page<HistoryEntry> {
    return takePage(this.#newestFirst(userId, cursor, matches), limit);
  }

  /** Everything of a user, newest first, read as it is asked for. */
  *ofUser(userId: UserId): Generator<HistoryEntry> {
    for (const { item } of this.#newestFirst(userId, null, () => true)) yield item;
  }

  /** Within a transaction. The same entry twice is one; says whether it is new. */
  addIn(tx: Transaction, userId: UserId, { mediaId, atMs, ...entry }: HistoryEntry): boolean {
    const key: HistoryKey = [userId, 0 - atMs, mediaId];
    if (this.#entries.has(key)) return false;
    tx.put(this.#entries, key, entry);
    let count = (this.#counts.get([userId]) ?? 0) + 1;
    for (; count > this.#max; count--) {
      const oldest = this.#entries.lastUnder([userId]);
      if (oldest === undefined) break;
      tx.remove(this.#entries, oldest.key);
    }
    tx.put(this.#counts, [userId], count);
    return true;
  }

  async removeUser(userId: UserId): Promise<void> {
    await this.#environment.write(tx => {
      for (const { key } of [...this.#entries.entriesUnder([userId])]) tx.remove(this.#entries, key);
      tx.remove(this.#counts, [userId]);
    });
  }

  *#newestFirst(
    userId: UserId,
    cursor: string | null,
    matches: (entry: HistoryEntry) => boolean,
  ): Generator<{ key: HistoryKey; item: HistoryEntry }> {
    const after = cursor === null ? {} : { after: parseHistoryCursor(cursor, userId) };
    for (const { key, value } of this.#entries.entriesUnder([userId], after)) {
      const item = { mediaId: key[2], atMs: 0 - key[1], ...value };
      if (matches(item)) yield { key, item };
    }
  }
}

function parseHistoryCursor(cursor: string, userId: UserId): HistoryKey {
  const [, time, mediaId] = parseCursor(cursor, [userId], 3);
  return [userId, Number(time), String(mediaId) as MediaId];
}
