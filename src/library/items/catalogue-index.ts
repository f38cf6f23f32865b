// The catalogue in memory: films, shows and their episodes, for sorted lists and searches. Derived from the records, and updated with them.

import { type AgeLimit, isOfAge, type Rated } from '#domain/access/limits.ts';
import type { Correction } from '#domain/catalogue/correction.ts';
import type { Description } from '#domain/catalogue/description.ts';
import { searchable, sortable } from '#domain/catalogue/title-text.ts';
import type { LibraryId, MediaId, ShowId } from '#domain/ids.ts';
import type { EmbeddedTags, Media } from '#domain/media.ts';
import { type Entry, entryOf, type Told } from './entry.ts';
import { Extras } from './extras.ts';
import { Facets, type Subject } from './facets.ts';
import { ItemLists, type MediaSort, positionOf, type Row, type Rows, rowsOf, rowsOfAll, sortedRows } from './item-lists.ts';
import { type Item, type ItemKind, Items } from './items.ts';
import { type Letter, lettersOf } from './letters.ts';
import { comparePlaces } from './place.ts';
import { positionOfShow, type Show, type ShowSort, Shows } from './shows.ts';
import { compare, type Position } from './sorted-list.ts';

export type CatalogueSources = {
  readonly media: { all(): Iterable<Media> };
  readonly corrections: { get(subject: Subject): Correction | undefined };
  readonly descriptions: { get(subject: Subject, tags?: EmbeddedTags): Description | undefined };
};

export type IndexQuery = {
  /** Null: every title. */
  readonly text: string | null;
  /** Null: every library. */
  readonly libraryIds: ReadonlySet<LibraryId> | null;
  /** Of viewers who are limited by age; null or absent: any title. */
  readonly ages?: AgeLimit | null;
  readonly kind?: ItemKind | null;
  readonly year?: number | null;
  /** Files and shows of which an item must be one; null: any. */
  readonly among?: ReadonlySet<Subject> | null;
  readonly sort: MediaSort;
  /** The position of the last entry of the page before. */
  readonly after: Position | null;
  /** Instead of `after`: how many to pass over, where the list is one of libraries and kinds alone. */
  readonly offset?: number | null;
  readonly limit: number;
  /** One row an item, or one a file. */
  readonly rows: Rows;
};

type ScopeQuery = Pick<IndexQuery, 'libraryIds' | 'ages' | 'kind' | 'rows'>;

export type ShowQuery = Pick<IndexQuery, 'text' | 'libraryIds' | 'ages' | 'after' | 'limit'> & {
  readonly year: number | null;
  readonly among: ReadonlySet<Subject> | null;
  readonly sort: ShowSort;
};
export type ShowPage = { readonly shows: readonly Show[]; readonly next: Position | null };

/** What a change may have made, altered or taken away. */
export type ChangedSubject = { readonly kind: ItemKind | 'show' | 'person' | 'collection'; readonly id: string };

export type IndexPage = {
  readonly ids: readonly MediaId[];
  readonly next: Position | null;
  /** Of all pages; null where that can only be told by going through them. */
  readonly total: number | null;
};

export class CatalogueIndex {
  readonly #sources: CatalogueSources;
  readonly #entries = new Map<MediaId, Entry>();
  readonly #shows: Shows;
  readonly #items: Items;
  readonly #lists = new ItemLists();
  readonly #extras = new Extras();
  readonly #counts = new Map<string, number>();
  readonly facets = new Facets(facet => this.#changed(facet));
  /** Null: nobody follows. */
  #follower: { readonly onTouched: () => void; readonly changes: Map<string, ChangedSubject> } | null = null;

  /** Reads every record once. */
  constructor(sources: CatalogueSources) {
    this.#sources = sources;
    this.#shows = new Shows(id => this.#toldOf(id));
    this.#items = new Items({
      showIdOf: entry => this.#shows.idOf(entry),
      showOf: id => this.#shows.get(id),
      onGone: item => this.#count(item, -1),
      onCome: item => this.#count(item, 1),
    });
    for (const one of sources.media.all()) this.put(one);
    this.#items.settle();
  }

  /** Also when what is said of it has changed. */
  put(media: Media): void {
    this.remove(media.id);
    this.#follower?.onTouched();
    const told = this.#toldOf(media.id, media.tags);
    const entry = entryOf(media, told);
    this.#entries.set(entry.id, entry);
    this.facets.put(entry.id, told.description);
    if (media.extra !== null) {
      this.#extras.add(entry);
      return;
    }
    this.#extras.addFilm(entry);
    if (entry.isEpisode) this.#moved(this.#shows.add(entry), entry);
    this.#items.add(entry);
  }

  remove(id: MediaId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#follower?.onTouched();
    this.#entries.delete(id);
    this.facets.put(id, undefined);
    this.#extras.remove(id);
    this.#extras.removeFilm(entry);
    this.#items.remove(id);
    if (entry.isEpisode) this.#moved(this.#shows.remove(entry), entry);
  }

  /** What is said of a show has changed. */
  putShow(id: ShowId): void {
    this.#follower?.onTouched();
    this.facets.put(id, this.#toldOf(id).description);
    this.#shows.touch(id);
    this.#changed({ kind: 'show', id });
    for (const entry of this.#shows.entriesOf(id)) this.#items.refresh(entry);
  }

  /** From now on `take` tells what has changed since it was asked last. `onTouched`: there may be something. One can follow. */
  follow(onTouched: () => void): { readonly take: () => readonly ChangedSubject[] } {
    const changes = new Map<string, ChangedSubject>();
    this.#follower = { onTouched, changes };
    return {
      take: () => {
        this.#items.settle();
        const taken = [...changes.values()];
        changes.clear();
        return taken;
      },
    };
  }

  /** Everything that can be looked for. */
  *subjects(): Generator<ChangedSubject> {
    for (const { kind, id } of this.#items.all()) yield { kind, id };
    for (const { id } of this.#shows.list('title').from(null)) yield { kind: 'show', id };
    for (const kind of ['collection', 'person'] as const) for (const { id } of this.facets.list(kind).from(null)) yield { kind, id };
  }

  descriptionOf(subject: Subject, tags?: EmbeddedTags): Description | undefined {
    return this.#toldOf(subject, tags).description;
  }

  /** What a file is a version of; undefined for extras and what there is not. */
  itemOf(id: MediaId): Item | undefined {
    return this.#items.get(id);
  }

  /** What is said of the age that a file is for: of a film or an episode by whoever says it of one of its versions. */
  ratedOf({ id, libraryId }: Pick<Media, 'id' | 'libraryId'>): Rated {
    return this.#items.get(id) ?? { libraryId, ageRating: this.#entries.get(id)?.ageRating ?? null };
  }

  /** What a file is a version of, to be said of others: `Correction.item`. */
  itemKeyOf(id: MediaId): string | undefined {
    return this.#items.keyOf(id);
  }

  showOf(id: ShowId): Show | undefined {
    return this.#shows.get(id);
  }

  findShows({ text, libraryIds, ages = null, year, among, sort, after, limit }: ShowQuery): ShowPage {
    const words = text === null ? '' : searchable(text);
    const shows: Show[] = [];
    for (const show of this.#shows.list(sort).from(after)) {
      if ((libraryIds !== null && !libraryIds.has(show.libraryId)) || (year !== null && show.year !== year)) continue;
      if ((among !== null && !among.has(show.id)) || rankOf(show.words, words) === null || !isOfAge(ages, show)) continue;
      if (shows.length === limit) return { shows, next: lastOf(shows, sort) };
      shows.push(show);
    }
    return { shows, next: null };
  }

  /** In the order in which they are watched; specials come last. */
  episodesOf(id: ShowId): readonly Item[] {
    const items = new Set<Item>();
    for (const { id: mediaId } of this.#shows.entriesOf(id)) {
      const item = this.#items.get(mediaId);
      if (item !== undefined) items.add(item);
    }
    return [...items].sort((a, b) => comparePlaces(a.place, b.place) || compare([0, a.sortTitle, a.id], [0, b.sortTitle, b.id]));
  }

  /** Every file of a library, extras too. */
  *filesOf(libraryId: LibraryId): Generator<MediaId> {
    for (const entry of this.#entries.values()) if (entry.libraryId === libraryId) yield entry.id;
  }

  /** No other film lies in the folder of this one. */
  isAlone(id: MediaId): boolean {
    const entry = this.#entries.get(id);
    const item = this.#items.get(id);
    return entry !== undefined && item !== undefined && this.#extras.areAlone(entry, new Set(item.versions.flat().map(file => file.id)));
  }

  /** Trailers and scenes of a film or an episode. */
  extrasOf(item: Item): readonly MediaId[] {
    return this.#extras.of(item.versions.flat());
  }

  extrasOfShow(id: ShowId): readonly MediaId[] {
    return this.#extras.of(this.#shows.entriesOf(id));
  }

  /** In a list by title: how many titles stand before each letter. */
  letters({ libraryIds, ages = null, kind = null, rows }: ScopeQuery): readonly Letter[] {
    this.#items.settle();
    return lettersOf(this.#lists.get('title', rows, { libraryIds, ages, kind }, () => this.#items.all()));
  }

  /** In a list by title: how many titles stand before those that begin so, or before where they would stand. */
  offsetOf(text: string, { libraryIds, ages = null, kind = null, rows }: ScopeQuery): number {
    this.#items.settle();
    return this.#lists.get('title', rows, { libraryIds, ages, kind }, () => this.#items.all()).countUpTo([0, sortable(text), '']);
  }

  find(query: IndexQuery): IndexPage {
    const { sort, after, limit, rows } = query;
    const words = query.text === null ? '' : searchable(query.text);
    const page: Row[] = [];
    for (const row of this.#inOrder(query, words)) {
      if (!isWanted(row.item, query)) continue;
      if (page.length === limit) return { ids: idsOf(page), next: this.#positionOf(page.at(-1), sort, words), total: this.#total(query) };
      page.push(row);
    }
    return { ids: idsOf(page), next: null, total: after === null && !query.offset ? page.length : this.#total({ ...query, rows }) };
  }

  #positionOf(row: Row | undefined, sort: MediaSort, words: string): Position | null {
    return row === undefined ? null : positionOf(row, sort, rankOf(row.item.words, words) ?? 0);
  }

  #inOrder(
    { sort, after, offset = null, rows, libraryIds, ages = null, kind = null, year = null, among = null }: IndexQuery,
    words: string,
  ): Iterable<Row> {
    this.#items.settle();
    if (words !== '') return behind(this.#matches(words, rows, sort), sort, after, words);
    const sorted = this.#lists.get(sort, rows, { libraryIds, ages, kind }, () => this.#items.all());
    if (offset !== null && year === null && among === null) return sorted.fromNumber(offset);
    // Of few the sorting costs less than the way to them through the whole list.
    if (among === null || among.size * among.size > sorted.size) return sorted.from(after);
    const items = new Set([...among].flatMap(id => this.#items.get(id as MediaId) ?? []));
    return behind(
      sortedRows(rowsOfAll(items, rows), sort, () => 0),
      sort,
      after,
      words,
    );
  }

  #matches(words: string, rows: Rows, sort: MediaSort): readonly Row[] {
    const found: Row[] = [];
    for (const item of this.#items.all()) if (rankOf(item.words, words) !== null) found.push(...rowsOf(item, rows));
    return sortedRows(found, sort, row => rankOf(row.item.words, words) ?? 0);
  }

  #total({ text, libraryIds, ages = null, kind = null, year = null, among = null, rows }: IndexQuery): number | null {
    if (text !== null || year !== null || among !== null || rows === 'files') return null;
    if (ages !== null) return this.#lists.get('title', rows, { libraryIds, ages, kind }, () => this.#items.all()).size;
    let total = 0;
    for (const [key, count] of this.#counts) {
      const [libraryId, itemKind] = key.split(' ');
      if ((libraryIds === null || libraryIds.has(libraryId as LibraryId)) && (kind === null || kind === itemKind)) total += count;
    }
    return total;
  }

  #count(item: Item, change: 1 | -1): void {
    const key = `${item.libraryId} ${item.kind}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + change);
    if (change === 1) this.#lists.come(item);
    else this.#lists.gone(item);
    this.#changed(item);
    if (item.showId !== null) this.#changed({ kind: 'show', id: item.showId });
  }

  #changed({ kind, id }: { readonly kind: ChangedSubject['kind'] | 'genre'; readonly id: string }): void {
    if (kind !== 'genre') this.#follower?.changes.set(`${kind} ${id}`, { kind, id });
  }

  /** Episodes that are of another show now, because one came or went that tells the show's year. */
  #moved(entries: readonly Entry[], but: Entry): void {
    for (const entry of entries) if (entry.id !== but.id) this.#items.refresh(entry);
  }

  #toldOf(subject: Subject, tags?: EmbeddedTags): Told {
    return { correction: this.#sources.corrections.get(subject), description: this.#sources.descriptions.get(subject, tags) };
  }
}

function isWanted(item: Item, { libraryIds, ages = null, kind = null, year = null, among = null }: IndexQuery): boolean {
  if ((libraryIds !== null && !libraryIds.has(item.libraryId)) || !isOfAge(ages, item)) return false;
  if ((kind !== null && item.kind !== kind) || (year !== null && item.year !== year)) return false;
  return among === null || item.versions.some(version => version.some(({ id }) => among.has(id)));
}

function* behind(rows: readonly Row[], sort: MediaSort, after: Position | null, words: string): Generator<Row> {
  for (const row of rows) {
    if (after === null || compare(positionOf(row, sort, rankOf(row.item.words, words) ?? 0), after) > 0) yield row;
  }
}

/** 0 the title itself, 1 it begins so, 2 every word begins a word of it, 3 every word is somewhere in it; null: no match. */
function rankOf(title: string, text: string): number | null {
  if (title === text) return 0;
  if (title.startsWith(text)) return 1;
  const [spaced, wanted] = [` ${title}`, text.split(' ')];
  if (wanted.every(word => spaced.includes(` ${word}`))) return 2;
  return wanted.every(word => title.includes(word)) ? 3 : null;
}

const lastOf = (shows: readonly Show[], sort: ShowSort): Position | null => {
  const last = shows.at(-1);
  return last === undefined ? null : positionOfShow(last, sort);
};
const idsOf = (page: readonly Row[]): readonly MediaId[] => page.map(({ id }) => id);
