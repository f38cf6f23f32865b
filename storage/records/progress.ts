// How far each user has come in each title. Two users can't collide: the user is part of the key. Single writer: the main thread.
import type { MediaId, UserId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';
import { type Page, type PageRequest, parseCursor, takePage } from './page.ts';

const BY_TIME = 'progress.by-time';

export const PROGRESS: Family = { name: 'progress', encoding: 'msgpack', format: 1, upgrades: [], indexes: [BY_TIME] };

export type ProgressEntry = { readonly mediaId: MediaId; readonly progress: Progress };

/** The time is negative so that the newest comes first. */
type TimeKey = [userId: UserId, negativeUpdatedAtMs: number, mediaId: MediaId];

export class ProgressRepository {
  readonly #environment: Environment;
  readonly #progress: Table<[userId: UserId, mediaId: MediaId], Progress>;
  readonly #byTime: Table<TimeKey, null>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#progress = environment.table(PROGRESS.name);
    this.#byTime = environment.table(BY_TIME);
  }

  get(userId: UserId, mediaId: MediaId): Progress | undefined {
    return this.#progress.get([userId, mediaId]);
  }

  /** Newest first; leaves out what `matches` refuses. */
  list(userId: UserId, { limit, cursor }: PageRequest, matches: (entry: ProgressEntry) => boolean): Page<ProgressEntry> {
    return takePage(this.#newestFirst(userId, cursor, matches), limit);
  }

  /** An older `updatedAtMs` never overwrites a newer one. Returns the progress that stands. */
  async put(userId: UserId, mediaId: MediaId, progress: Progress): Promise<Progress> {
    return await this.#environment.write(tx => {
      const before = this.get(userId, mediaId);
      if (before !== undefined && before.updatedAtMs > progress.updatedAtMs) return before;
      if (before !== undefined) tx.remove(this.#byTime, [userId, -before.updatedAtMs, mediaId]);
      tx.put(this.#progress, [userId, mediaId], progress);
      tx.put(this.#byTime, [userId, -progress.updatedAtMs, mediaId], null);
      return progress;
    });
  }

  async remove(userId: UserId, mediaId: MediaId): Promise<void> {
    await this.#environment.write(tx => {
      const before = this.get(userId, mediaId);
      if (before === undefined) return;
      tx.remove(this.#byTime, [userId, -before.updatedAtMs, mediaId]);
      tx.remove(this.#progress, [userId, mediaId]);
    });
  }

  async removeUser(userId: UserId): Promise<void> {
    await this.#environment.write(tx => {
      for (const { key } of [...this.#progress.entriesUnder([userId])]) tx.remove(this.#progress, key);
      for (const { key } of [...this.#byTime.entriesUnder([userId])]) tx.remove(this.#byTime, key);
    });
  }

  *#newestFirst(
    userId: UserId,
    cursor: string | null,
    matches: (entry: ProgressEntry) => boolean,
  ): Generator<{ key: TimeKey; item: ProgressEntry }> {
    const after = cursor === null ? {} : { after: parseTimeCursor(cursor, userId) };
    for (const { key } of this.#byTime.entriesUnder([userId], after)) {
      const mediaId = key[2];
      const progress = this.get(userId, mediaId);
      if (progress === undefined) continue;
      const item = { mediaId, progress };
      if (matches(item)) yield { key, item };
    }
  }
}

function parseTimeCursor(cursor: string, userId: UserId): TimeKey {
  const [, time, mediaId] = parseCursor(cursor, [userId], 3);
  return [userId, Number(time), String(mediaId) as MediaId];
}
