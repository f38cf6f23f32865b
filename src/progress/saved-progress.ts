// How far users have come, as the rest of the server saves and reads it. Whatever a promise of it has resolved for outlives the process.
import { type ItemProgress, itemProgress, type PlayedVersions } from '#domain/catalogue/item-progress.ts';
import { type ClientTime, isBegun, isWatchedAt, type ProgressRules, resumeMs, timeOf } from '#domain/catalogue/progress-rules.ts';
import type { MediaId, UserId } from '#domain/ids.ts';
import type { Media, Progress } from '#domain/media.ts';
import type { Transaction } from '#storage/environment.ts';
import type { HistoryEntry, HistoryRepository } from '#storage/records/history.ts';
import type { Page, PageRequest } from '#storage/records/page.ts';
import type { ProgressRepository } from '#storage/records/progress.ts';
import { ChangeQueue } from './change-queue.ts';

export type SavedProgressOptions = {
  readonly progress: ProgressRepository;
  readonly history: HistoryRepository;
  readonly media: { get(id: MediaId): Media | undefined };
  /** Of the film or episode that a file is one of; empty for what has no versions, such as a trailer. */
  readonly versionsOf: (id: MediaId) => PlayedVersions;
  readonly rules: ProgressRules;
  readonly now?: () => number;
};

/** A position that a client tells, and whether it has seen the end. */
export type ProgressUpdate = ClientTime & {
  readonly positionMs?: number | undefined;
  readonly durationMs?: number | undefined;
  /** Undefined: told by the position. */
  readonly watched?: boolean | undefined;
};

/** One film or episode, with the file that was watched last. */
export type ItemEntry = ItemProgress & { readonly media: Media };

export class SavedProgress {
  readonly rules: ProgressRules;
  readonly #options: SavedProgressOptions;
  readonly #queue: ChangeQueue;
  readonly #now: () => number;

  constructor(options: SavedProgressOptions) {
    this.#options = options;
    this.rules = options.rules;
    this.#now = options.now ?? Date.now;
    this.#queue = new ChangeQueue(action => options.progress.change(action));
  }

  /** Of that file alone. */
  get(userId: UserId, mediaId: MediaId): Progress | undefined {
    return this.#options.progress.get(userId, mediaId);
  }

  /** Of whichever version was watched last; null: none was. */
  ofItem(userId: UserId, media: Pick<Media, 'id' | 'durationMs'>): ItemProgress | null {
    return itemProgress(this.#versionsOf(media), id => this.get(userId, id));
  }

  /** Where a start without a position begins. */
  resumeMs(progress: Progress): number {
    return resumeMs(this.rules, progress);
  }

  /** A sign of life of a player. Of several that wait for the store only the newest is written. */
  async beat(userId: UserId, media: Media, { positionMs, ...time }: ClientTime & { readonly positionMs: number }): Promise<void> {
    const progress = this.#progressAt(media, { positionMs, ...time });
    // One that tells of the end is not replaced by one that does not: history has it.
    const kind = progress.watched ? 'beat at the end' : 'beat';
    await this.#queue.add(userId, { mediaId: media.id, kind }, tx => this.#put(tx, userId, media, progress));
  }

  /** Resolves with what stands for the film, which is the newer one. */
  async save(userId: UserId, media: Media, update: ProgressUpdate): Promise<Progress> {
    const progress = this.#progressAt(media, update);
    const stands = await this.#queue.add(userId, null, tx => this.#put(tx, userId, media, progress));
    return this.ofItem(userId, media)?.progress ?? stands;
  }

  /** Marks all of them at once, as seen to the end or as not begun. Resolves with how many had another mark. */
  async mark(userId: UserId, all: readonly Media[], { watched, ...time }: ClientTime & { readonly watched: boolean }): Promise<number> {
    // As it is asked for, not as its turn comes.
    const updatedAtMs = timeOf(time, this.#now());
    return await this.#queue.add(userId, null, tx => {
      let changed = 0;
      for (const media of all) {
        const saved = this.ofItem(userId, media)?.progress;
        if (saved === undefined ? !watched : saved.watched === watched && (watched || saved.positionMs === 0)) continue;
        const last = this.#lastPartOf(media);
        const progress = this.#progressAt(last, { updatedAtMs, watched });
        if (this.#put(tx, userId, last, progress) === progress) changed++;
      }
      return changed;
    });
  }

  /** Forgets all versions of the film. */
  async forget(userId: UserId, mediaId: MediaId): Promise<void> {
    await this.#queue.add(userId, null, tx => {
      for (const id of this.#filesOf(mediaId)) this.#options.progress.removeIn(tx, userId, id);
    });
  }

  /** Takes the film off the list of what is to be continued, until it is watched again. */
  async hide(userId: UserId, mediaId: MediaId): Promise<void> {
    await this.#queue.add(userId, null, tx => {
      for (const id of this.#filesOf(mediaId)) this.#options.progress.hideIn(tx, userId, id);
    });
  }

  /** A viewing has ended at that position: what was not seen to the end is history too. */
  async ended(userId: UserId, media: Media, positionMs: number): Promise<void> {
    if (positionMs < this.rules.resumeFromMs || isWatchedAt(this.rules, positionMs, media.durationMs)) return;
    const atMs = this.#now();
    await this.#queue.add(userId, null, tx => {
      this.#options.history.addIn(tx, userId, historyEntry(media, { atMs, kind: 'played', positionMs, durationMs: media.durationMs }));
    });
  }

  /** One entry a film, newest first. `all`: also what is watched, hidden, or hardly begun. */
  list(
    userId: UserId,
    request: PageRequest,
    { all, isShown }: { readonly all: boolean; readonly isShown: (media: Media) => boolean },
  ): Page<ItemEntry> {
    const found = new Map<MediaId, ItemEntry>();
    const { items, nextCursor } = this.#options.progress.list(
      userId,
      request,
      ({ mediaId }) => {
        const entry = this.#listed(userId, mediaId, all);
        if (entry === null || !isShown(entry.media)) return false;
        found.set(mediaId, entry);
        return true;
      },
      all ? 'all' : 'begun',
    );
    return { items: items.flatMap(({ mediaId }) => found.get(mediaId) ?? []), nextCursor };
  }

  /** Every file that the user has watched any of, newest first, read as it is asked for. */
  recent(userId: UserId): Iterable<MediaId> {
    return this.#options.progress.filesOfUser(userId);
  }

  /** Newest first; leaves out what is not to be shown. */
  history(userId: UserId, request: PageRequest, isShown: (entry: HistoryEntry) => boolean = () => true): Page<HistoryEntry> {
    return this.#options.history.list(userId, request, isShown);
  }

  async forgetHistory(userId: UserId): Promise<void> {
    await this.#options.history.removeUser(userId);
  }

  /** What everything is in, for what goes through a whole account. */
  get records(): Pick<SavedProgressOptions, 'progress' | 'history'> {
    return this.#options;
  }

  /** Changes of the caller's own, in order with all others. */
  async change<T>(userId: UserId, action: (tx: Transaction) => T): Promise<T> {
    return await this.#queue.add(userId, null, action);
  }

  /** Resolves when all that was to be saved is in the store. */
  async close(): Promise<void> {
    await this.#queue.settled();
  }

  #listed(userId: UserId, mediaId: MediaId, all: boolean): ItemEntry | null {
    const media = this.#options.media.get(mediaId);
    if (media === undefined) return null;
    const newest = this.ofItem(userId, media);
    // The entry of another version tells of the film.
    if (newest?.mediaId !== mediaId) return null;
    if (!all && (media.extra !== null || !isBegun(this.rules, newest.progress))) return null;
    return { ...newest, media };
  }

  #put(tx: Transaction, userId: UserId, media: Media, progress: Progress): Progress {
    const { stands, before } = this.#options.progress.putIn(tx, userId, { mediaId: media.id, progress }, this.#now());
    if (stands === progress && progress.watched && before?.watched !== true) {
      const { positionMs, durationMs, updatedAtMs } = progress;
      this.#options.history.addIn(tx, userId, historyEntry(media, { atMs: updatedAtMs, kind: 'watched', positionMs, durationMs }));
    }
    return stands;
  }

  #progressAt(media: Media, update: ProgressUpdate): Progress {
    return progressAt(media, update, { rules: this.rules, nowMs: this.#now() });
  }

  #versionsOf(media: Pick<Media, 'id' | 'durationMs'>): PlayedVersions {
    const versions = this.#options.versionsOf(media.id);
    return versions.length === 0 ? [[media]] : versions;
  }

  /** Who has seen that one has seen the film. */
  #lastPartOf(media: Media): Media {
    const version = this.#versionsOf(media).find(parts => parts.some(({ id }) => id === media.id));
    const last = version?.at(-1);
    return last === undefined || last.id === media.id ? media : (this.#options.media.get(last.id) ?? media);
  }

  #filesOf(mediaId: MediaId): readonly MediaId[] {
    const versions = this.#options.versionsOf(mediaId);
    return versions.length === 0 ? [mediaId] : versions.flat().map(({ id }) => id);
  }
}

/** The record for a position that was reached now, or at an earlier time that the client names. */
export function progressAt(
  media: Pick<Media, 'durationMs'>,
  { positionMs = 0, watched, ...told }: ProgressUpdate,
  { rules, nowMs }: { readonly rules: ProgressRules; readonly nowMs: number },
): Progress {
  const durationMs = told.durationMs || media.durationMs;
  const shownMs = Math.min(positionMs, durationMs);
  return {
    positionMs: shownMs,
    durationMs,
    watched: watched ?? isWatchedAt(rules, shownMs, durationMs),
    updatedAtMs: timeOf(told, nowMs),
  };
}

const historyEntry = (
  { id, title, year, episode }: Media,
  entry: Pick<HistoryEntry, 'atMs' | 'kind' | 'positionMs' | 'durationMs'>,
): HistoryEntry => ({
  mediaId: id,
  title,
  year,
  episode: episode && { season: episode.season, episodes: episode.episodes, title: episode.title },
  ...entry,
});
