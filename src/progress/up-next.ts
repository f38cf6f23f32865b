// The next episode of each show that a user watches.
import { itemProgress, type PlayedVersions } from '#domain/catalogue/item-progress.ts';
import type { MediaId, ShowId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';

export type Episode = {
  readonly id: MediaId;
  readonly place: { readonly season: number | null };
  readonly versions: PlayedVersions;
};

export type ShowsOfUser<E extends Episode> = {
  /** The files that the user has watched any of, newest first. */
  readonly recent: Iterable<MediaId>;
  readonly showOf: (id: MediaId) => ShowId | null;
  /** In the order in which they are watched. */
  readonly episodesOf: (id: ShowId) => readonly E[];
  readonly progressOf: (id: MediaId) => Progress | undefined;
};

export type UpNext<E extends Episode> = { readonly showId: ShowId; readonly episode: E; readonly lastWatchedAtMs: number };

const SPECIALS = 0;
/** Whoever has watched more than that since a show has left it. */
const MAX_FILES = 5_000;
const MAX_SHOWS = 100;

/** The show that was watched last comes first. */
export function upNext<E extends Episode>({ recent, showOf, episodesOf, progressOf }: ShowsOfUser<E>, limit: number): UpNext<E>[] {
  const seen = new Set<ShowId>();
  const found: UpNext<E>[] = [];
  let files = 0;
  for (const mediaId of recent) {
    if (found.length === limit || files++ === MAX_FILES) break;
    const showId = showOf(mediaId);
    if (showId === null || seen.has(showId)) continue;
    if (seen.size === MAX_SHOWS) break;
    seen.add(showId);
    const next = nextEpisode(episodesOf(showId), progressOf);
    if (next !== null) found.push({ showId, ...next });
  }
  return found;
}

/** The first after the last watched one that is not watched; specials are no part of the order. Null: none was watched, or none is left. */
export function nextEpisode<E extends Episode>(
  episodes: readonly E[],
  progressOf: (id: MediaId) => Progress | undefined,
): { readonly episode: E; readonly lastWatchedAtMs: number } | null {
  const regular = episodes.filter(({ place }) => place.season !== SPECIALS);
  const saved = regular.map(({ versions }) => itemProgress(versions, progressOf)?.progress);
  let last = -1;
  for (const [at, progress] of saved.entries()) {
    // Of those that were marked at once the last one in order counts.
    if (progress?.watched && progress.updatedAtMs >= (saved[last]?.updatedAtMs ?? 0)) last = at;
  }
  const lastWatchedAtMs = saved[last]?.updatedAtMs;
  if (lastWatchedAtMs === undefined) return null;
  const episode = regular.find((_, at) => at > last && saved[at]?.watched !== true);
  return episode === undefined ? null : { episode, lastWatchedAtMs };
}
