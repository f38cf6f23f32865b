// What the index keeps in memory of one file: what it is called, what it may be a version of, and how good it is.
import type { Correction } from '#domain/catalogue/correction.ts';
import type { Description } from '#domain/catalogue/description.ts';
import type { EpisodeFacts } from '#domain/catalogue/name-facts.ts';
import { detached, searchable } from '#domain/catalogue/title-text.ts';
import type { LibraryId, MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { NO_PLACE, type Place, placeOf } from './place.ts';

/** What others than the name say of a file, or of a show. */
export type Told = { readonly correction: Correction | undefined; readonly description: Description | undefined };
export const UNTOLD: Told = { correction: undefined, description: undefined };

/** The smaller, the more it counts. */
export const RANKS = { corrected: 0, described: 1, tagged: 2, named: 3 } as const;

export type Titles = {
  readonly title: string;
  /** Who says so. */
  readonly rank: number;
  readonly year: number | null;
  readonly yearRank: number;
  readonly sortTitle: string | null;
};

export type Entry = Titles & {
  readonly id: MediaId;
  readonly libraryId: LibraryId;
  readonly path: string;
  /** How many names lead to it from its library's folder. */
  readonly depth: number;
  /** As it is compared: of a film or a show what its name says of the title, or its correction. */
  readonly words: string;
  /** The same for the year. */
  readonly keyYear: number | null;
  /** Fixed by a person: the one item that it is a version of. */
  readonly item: string | null;
  readonly isEpisode: boolean;
  /** Of an episode its show's title as it is written. */
  readonly named: string;
  readonly place: Place;
  readonly edition: string | null;
  readonly part: number | null;
  /** Of a file that is a part: what all parts of the version are called. */
  readonly whole: string | null;
  readonly addedAtMs: number;
  readonly durationMs: number;
  readonly bitrateBps: number;
  /** Pixels of a picture. */
  readonly size: number;
  /** Of its first sound, for articles in front of titles. */
  readonly language: string | null;
  /** From how many years on it is for; null: nobody has said. */
  readonly ageRating: number | null;
};

const PART_WORD = /[\s._([-]*\b(?:cd|dvd|dis[ck]|part|pt)[\s._-]*(?:\d{1,2}|[a-d]|i{1,3})\b[)\]]?/gi;

/** Null: of none anybody has said it. */
export function strictestOf(entries: readonly Pick<Entry, 'ageRating'>[]): number | null {
  const ages = entries.flatMap(({ ageRating }) => ageRating ?? []);
  return ages.length === 0 ? null : ages.reduce((strictest, age) => Math.max(strictest, age), 0);
}

export function entryOf(media: Media, told: Told): Entry {
  const { correction } = told;
  const { addedAtMs, durationMs, bitrateBps, streams, episode, part } = media;
  const [video] = streams.video;
  const isEpisode = episode !== null;
  // The show of an episode is corrected for all of its episodes.
  const title = detached(media.title);
  const named = isEpisode ? title : (correction?.title ?? title);
  return {
    id: detached(media.id) as MediaId,
    libraryId: shared(media.libraryId),
    path: detached(media.path),
    depth: media.name.split('/').length,
    words: searchable(named),
    keyYear: isEpisode ? media.year : (correction?.year ?? media.year),
    item: correction?.item === undefined ? null : detached(correction.item),
    isEpisode,
    named: title,
    place: episode === null ? NO_PLACE : placeOf(corrected(episode, correction)),
    edition: orNull(correction?.edition ?? media.edition),
    part,
    whole: part === null ? null : media.name.replaceAll(PART_WORD, '').toLowerCase(),
    addedAtMs,
    durationMs,
    bitrateBps,
    size: (video?.width ?? 0) * (video?.height ?? 0),
    language: languageOf(media),
    ageRating: told.description?.ageRating?.age ?? null,
    ...titlesOf(media, told),
  };
}

function languageOf({ streams: { audio } }: Media): string | null {
  const language = audio.find(({ isDefault }) => isDefault)?.language ?? audio[0]?.language ?? null;
  return language === null ? null : shared(language);
}

/** Of the few libraries and languages there is one text each. */
const SHARED = new Map<string, string>();
const MAX_SHARED = 10_000;

function shared<T extends string>(text: T): T {
  const known = SHARED.get(text);
  if (known !== undefined) return known as T;
  const own = detached(text) as T;
  if (SHARED.size < MAX_SHARED) SHARED.set(own, own);
  return own;
}

const orNull = (text: string | null): string | null => (text === null ? null : detached(text));

const corrected = (episode: EpisodeFacts, correction: Correction | undefined): EpisodeFacts => ({
  ...episode,
  season: correction?.season ?? episode.season,
  ...(correction?.episodes === undefined ? {} : { episodes: correction.episodes, absolute: [] }),
});

/** Of an episode its own. */
function titlesOf(media: Media, { correction, description }: Told): Titles {
  const { title, rank } = titleOf(media, { correction, description });
  const year = correction?.year ?? description?.year ?? null;
  const ownYear = media.episode === null ? media.year : null;
  return {
    title: detached(title),
    rank,
    year: year ?? ownYear,
    yearRank: correction?.year !== undefined ? RANKS.corrected : year !== null ? RANKS.described : RANKS.named,
    sortTitle: orNull(correction?.sortTitle ?? description?.sortTitle ?? null),
  };
}

function titleOf(media: Media, { correction, description }: Told): Pick<Titles, 'title' | 'rank'> {
  if (correction?.title !== undefined) return { title: correction.title, rank: RANKS.corrected };
  if (description !== undefined && description.title !== null) return { title: description.title, rank: RANKS.described };
  const named = media.episode === null ? media.title : (media.episode.title ?? '');
  const tagged = media.tags?.title ?? null;
  if (tagged !== null && saysNothing(named) && !isNoTitle(tagged)) return { title: tagged, rank: RANKS.tagged };
  return { title: named, rank: RANKS.named };
}

const NOTHING =
  /^(?:(?:movie|film|video|title|clip|output|untitled|unknown|index|main|feature|stream|bdmv|new|test|mvi|img|dsc|vts|vid|gopr|track|disc|dvd)\W*)*[\d\W_]*$/i;
const HASHED = /^[0-9a-f]{12,}$/i;
/** "1917" and "2012" are films. */
const saysNothing = (name: string): boolean => name === '' || HASHED.test(name) || (NOTHING.test(name) && !/^\d{1,4}$/.test(name.trim()));
/** What tools and groups leave where a title should be. */
const isNoTitle = (tag: string): boolean =>
  saysNothing(tag) || /https?:|www\.|\.(?:com|net|org|to)\b|\b(?:encoded|ripped|uploaded) by\b|\.(?:mkv|mp4|avi)$/i.test(tag);
