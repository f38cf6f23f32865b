// The titles of the catalogue in memory, for sorted lists and searches. Derived from the media records, and updated with them.
import type { LibraryId, MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import { titleKey, type VersionFacts, versionGroups } from './versions.ts';

export const MEDIA_SORTS = ['relevance', 'title', 'addedAt', '-addedAt', 'year', '-year'] as const;
export type MediaSort = (typeof MEDIA_SORTS)[number];

/** Where an entry stands in a sorted list. It does not move while others come and go, so a page can begin behind it. */
export type Position = readonly [primary: number, sortTitle: string, id: string];

export type IndexQuery = {
  /** Null: every title. */
  readonly text: string | null;
  /** Null: every library. */
  readonly libraryIds: ReadonlySet<LibraryId> | null;
  readonly sort: MediaSort;
  /** The position of the last entry of the page before. */
  readonly after: Position | null;
  readonly limit: number;
  /** One entry for all versions of a film: that of the sharpest. */
  readonly isByFilm?: boolean;
};

export type IndexPage = { readonly ids: readonly MediaId[]; readonly next: Position | null };

type Entry = VersionFacts & {
  /** As `words`, with numbers that sort by value. */
  readonly sortTitle: string;
  readonly addedAtMs: number;
};
type Positioned = { readonly entry: Entry; readonly position: Position };

/** Behind every year in both directions. */
const NO_YEAR = 100_000;

export class CatalogueIndex {
  readonly #entries = new Map<MediaId, Entry>();
  /** By what may make them versions of each other. */
  readonly #sameTitle = new Map<string, Set<Entry>>();
  /** The films of a title, by version; dropped by a change of that title. A long list asks for each of them. */
  readonly #films = new Map<string, ReadonlyMap<MediaId, readonly VersionFacts[]>>();
  /** Whole lists by sort, dropped by any change. */
  readonly #sorted = new Map<MediaSort, readonly Positioned[]>();

  /** Reads every record once. */
  constructor(media: Pick<MediaRepository, 'all'>) {
    for (const one of media.all()) this.#add(entryOf(one));
  }

  put(media: Media): void {
    this.#drop(media.id);
    this.#add(entryOf(media));
    this.#sorted.clear();
  }

  remove(id: MediaId): void {
    this.#drop(id);
    this.#sorted.clear();
  }

  /** All versions of the film that a media is one of, itself among them, the sharpest first. */
  versionsOf(id: MediaId): readonly MediaId[] {
    const entry = this.#entries.get(id);
    return entry === undefined ? [] : this.#groupOf(entry).map(version => version.id);
  }

  #groupOf(entry: Entry): readonly VersionFacts[] {
    const key = titleKey(entry);
    const sameTitle = this.#sameTitle.get(key);
    if (sameTitle === undefined || sameTitle.size === 1) return [entry];
    const films =
      this.#films.get(key) ?? new Map(versionGroups([...sameTitle]).flatMap(group => group.map(({ id }) => [id, group] as const)));
    this.#films.set(key, films);
    return films.get(entry.id) ?? [entry];
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.id, entry);
    const key = titleKey(entry);
    const sameTitle = this.#sameTitle.get(key) ?? new Set();
    this.#sameTitle.set(key, sameTitle.add(entry));
    this.#films.delete(key);
  }

  #drop(id: MediaId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    const key = titleKey(entry);
    const sameTitle = this.#sameTitle.get(key);
    sameTitle?.delete(entry);
    this.#films.delete(key);
    if (sameTitle?.size === 0) this.#sameTitle.delete(key);
  }

  find({ text, libraryIds, sort, after, limit, isByFilm = false }: IndexQuery): IndexPage {
    const words = text === null ? '' : searchable(text);
    const inOrder = words === '' ? this.#inOrder(sort) : this.#matches(words, sort);
    const page: Positioned[] = [];
    for (let at = after === null ? 0 : firstBehind(inOrder, after); at < inOrder.length; at++) {
      const positioned = inOrder[at];
      if (positioned === undefined || (libraryIds !== null && !libraryIds.has(positioned.entry.libraryId))) continue;
      if (isByFilm && this.#groupOf(positioned.entry)[0]?.id !== positioned.entry.id) continue;
      if (page.length === limit) return { ids: idsOf(page), next: page.at(-1)?.position ?? null };
      page.push(positioned);
    }
    return { ids: idsOf(page), next: null };
  }

  #inOrder(sort: MediaSort): readonly Positioned[] {
    const sorted = this.#sorted.get(sort) ?? sortedBy(this.#entries.values(), entry => primaryOf(entry, sort, 0));
    this.#sorted.set(sort, sorted);
    return sorted;
  }

  #matches(words: string, sort: MediaSort): readonly Positioned[] {
    const ranks = new Map<Entry, number>();
    const wanted = words.split(' ');
    for (const entry of this.#entries.values()) {
      const rank = rankOf(entry.words, words, wanted);
      if (rank !== null) ranks.set(entry, rank);
    }
    return sortedBy(ranks.keys(), entry => primaryOf(entry, sort, ranks.get(entry) ?? 0));
  }
}

/** Without case, accents and punctuation; a title of signs alone is found by those signs. */
function searchable(text: string): string {
  const words = text
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^\p{Letter}\p{Number}]+/gu, ' ')
    .trim();
  return words === '' ? text.trim().toLowerCase() : words;
}

/** 0 the title itself, 1 it begins so, 2 every word begins a word of it, 3 every word is somewhere in it; null: no match. */
function rankOf(title: string, text: string, wanted: readonly string[]): number | null {
  if (title === text) return 0;
  if (title.startsWith(text)) return 1;
  const spaced = ` ${title}`;
  if (wanted.every(word => spaced.includes(` ${word}`))) return 2;
  return wanted.every(word => title.includes(word)) ? 3 : null;
}

function entryOf({ id, libraryId, title, year, addedAtMs, durationMs, bitrateBps, streams }: Media): Entry {
  const words = searchable(title);
  const sortTitle = words.replaceAll(/\d+/g, digits => digits.padStart(10, '0'));
  const [video] = streams.video;
  const size = (video?.width ?? 0) * (video?.height ?? 0);
  return { id, libraryId, words, sortTitle, year, addedAtMs, durationMs, bitrateBps, size };
}

function primaryOf(entry: Entry, sort: MediaSort, rank: number): number {
  switch (sort) {
    case 'relevance':
      return rank;
    case 'title':
      return 0;
    case 'addedAt':
      return entry.addedAtMs;
    case '-addedAt':
      return -entry.addedAtMs;
    case 'year':
      return entry.year ?? NO_YEAR;
    case '-year':
      return entry.year === null ? NO_YEAR : -entry.year;
  }
}

function sortedBy(entries: Iterable<Entry>, primary: (entry: Entry) => number): readonly Positioned[] {
  const inOrder = Array.from(entries, (entry): Positioned => ({ entry, position: [primary(entry), entry.sortTitle, entry.id] }));
  return inOrder.sort((a, b) => compare(a.position, b.position));
}

function firstBehind(inOrder: readonly Positioned[], position: Position): number {
  let [low, high] = [0, inOrder.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = inOrder[middle]?.position;
    if (there !== undefined && compare(there, position) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(a: Position, b: Position): number {
  return a[0] - b[0] || order(a[1], b[1]) || order(a[2], b[2]);
}

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const idsOf = (page: readonly Positioned[]): readonly MediaId[] => page.map(({ entry }) => entry.id);
