// Which episodes make a show: those of one library whose names call it the same. Files that do not tell its year belong to the only one that has a year.
import { searchable, sortableTitle } from '#domain/catalogue/title-text.ts';
import { type LibraryId, type MediaId, type ShowId, showIdFor } from '#domain/ids.ts';
import { type Entry, strictestOf, type Told, UNTOLD } from './entry.ts';
import { comparePlaces, placeKey } from './place.ts';
import { type Position, SortedList } from './sorted-list.ts';

export const SHOW_SORTS = ['title', 'addedAt', '-addedAt', 'year', '-year'] as const;
export type ShowSort = (typeof SHOW_SORTS)[number];

export type Show = {
  readonly id: ShowId;
  readonly libraryId: LibraryId;
  readonly title: string;
  readonly words: string;
  readonly sortTitle: string;
  readonly year: number | null;
  /** Of its newest episode. */
  readonly addedAtMs: number;
  /** Else that of its strictest episode; null: nobody has said. */
  readonly ageRating: number | null;
  readonly episodeCount: number;
  readonly seasonCount: number;
  /** A file of its first episode. */
  readonly firstId: MediaId;
};

/** The episodes that name one title and one year, or none. */
type Group = { readonly id: ShowId; readonly year: number | null; readonly namesakes: Namesakes; readonly entries: Map<string, Entry> };
/** The shows of one title. */
type Namesakes = {
  readonly key: string;
  readonly libraryId: LibraryId;
  readonly words: string;
  readonly groups: Map<number | null, Group>;
};

/** Behind every year in both directions. */
const NO_YEAR = 100_000;

export class Shows {
  readonly #toldOf: (id: ShowId) => Told;
  readonly #namesakes = new Map<string, Namesakes>();
  readonly #groups = new Map<ShowId, Group>();
  /** As they were listed last. */
  readonly #shows = new Map<ShowId, Show>();
  readonly #changed = new Set<ShowId>();
  readonly #lists = new Map<ShowSort, SortedList<Show>>();

  constructor(toldOf: (id: ShowId) => Told) {
    this.#toldOf = toldOf;
  }

  /** Says which other episodes are those of another show by it. */
  add(entry: Entry): Entry[] {
    const namesakes = this.#namesakesOf(entry);
    const before = heirOf(namesakes);
    const group = namesakes.groups.get(entry.keyYear) ?? this.#newGroup(namesakes, entry.keyYear);
    group.entries.set(entry.id, entry);
    this.#changed.add(this.#showOf(group).id);
    return this.#moved(namesakes, before);
  }

  /** As `add`. */
  remove(entry: Entry): Entry[] {
    const namesakes = this.#namesakesOf(entry);
    const group = namesakes.groups.get(entry.keyYear);
    if (group === undefined) return [];
    const before = heirOf(namesakes);
    this.#changed.add(this.#showOf(group).id);
    group.entries.delete(entry.id);
    if (group.entries.size === 0) {
      namesakes.groups.delete(entry.keyYear);
      this.#groups.delete(group.id);
      if (namesakes.groups.size === 0) this.#namesakes.delete(namesakes.key);
    }
    return this.#moved(namesakes, before);
  }

  /** Of an episode that was added. */
  idOf(entry: Entry): ShowId {
    const namesakes = this.#namesakesOf(entry);
    const group = namesakes.groups.get(entry.keyYear);
    return group === undefined ? showIdFor(entry.libraryId, entry.words, entry.keyYear) : this.#showOf(group).id;
  }

  /** Also by the id that it had before a year was known. */
  get(id: ShowId): Show | undefined {
    const group = this.#groups.get(id);
    if (group === undefined) return undefined;
    this.#settle();
    return this.#shows.get(this.#showOf(group).id);
  }

  /** Of all its files. */
  *entriesOf(id: ShowId): Generator<Entry> {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    const show = this.#showOf(group);
    yield* show.entries.values();
    const untold = show.namesakes.groups.get(null);
    if (untold !== undefined && untold !== show && this.#showOf(untold) === show) yield* untold.entries.values();
  }

  /** It is called something else, or has other episodes. */
  touch(id: ShowId): void {
    const group = this.#groups.get(id);
    if (group !== undefined) this.#changed.add(this.#showOf(group).id);
  }

  list(sort: ShowSort): SortedList<Show> {
    this.#settle();
    const list = this.#lists.get(sort) ?? new SortedList<Show>(show => positionOfShow(show, sort), this.#shows.values());
    this.#lists.set(sort, list);
    return list;
  }

  #settle(): void {
    for (const id of this.#changed) {
      const before = this.#shows.get(id);
      const group = this.#groups.get(id);
      const now = group === undefined || this.#showOf(group) !== group ? undefined : this.#summary(group);
      for (const list of this.#lists.values()) {
        if (before !== undefined) list.remove(before);
        if (now !== undefined) list.add(now);
      }
      if (now === undefined) this.#shows.delete(id);
      else this.#shows.set(id, now);
    }
    this.#changed.clear();
  }

  #summary(group: Group): Show | undefined {
    const { id, namesakes, year } = group;
    const { correction, description } = this.#toldOfGroup(group);
    const entries = [...this.entriesOf(id)];
    const first = entries.reduce<Entry | undefined>((a, b) => (a !== undefined && isBefore(a, b) ? a : b), undefined);
    if (first === undefined) return undefined;
    const title = correction?.title ?? description?.title ?? first.named;
    const sortTitle = correction?.sortTitle ?? description?.sortTitle ?? title;
    return {
      id,
      libraryId: namesakes.libraryId,
      title,
      words: searchable(title),
      sortTitle: sortableTitle(sortTitle, first.language === null ? [] : [first.language]),
      year: correction?.year ?? description?.year ?? year,
      addedAtMs: entries.reduce((newest, { addedAtMs }) => Math.max(newest, addedAtMs), 0),
      ageRating: description?.ageRating?.age ?? strictestOf(entries),
      episodeCount: new Set(entries.map(entry => placeKey(entry.place) ?? entry.id)).size,
      seasonCount: new Set(entries.map(({ place }) => place.season)).size,
      firstId: first.id,
    };
  }

  /** What was said of it before its year was known counts too. */
  #toldOfGroup({ id, namesakes }: Group): Told {
    const told = this.#toldOf(id);
    const untold = namesakes.groups.get(null);
    const earlier = untold === undefined || untold.id === id || this.#showOf(untold).id !== id ? UNTOLD : this.#toldOf(untold.id);
    return { correction: told.correction ?? earlier.correction, description: told.description ?? earlier.description };
  }

  #showOf(group: Group): Group {
    return group.year === null ? (heirOf(group.namesakes) ?? group) : group;
  }

  #moved(namesakes: Namesakes, before: Group | null): Entry[] {
    const untold = namesakes.groups.get(null);
    const now = heirOf(namesakes);
    if (untold === undefined || now === before) return [];
    for (const group of [untold, now, before]) if (group) this.#changed.add(group.id);
    return [...untold.entries.values()];
  }

  #namesakesOf({ libraryId, words }: Entry): Namesakes {
    const key = `${libraryId}\0${words}`;
    const known = this.#namesakes.get(key) ?? { key, libraryId, words, groups: new Map() };
    this.#namesakes.set(key, known);
    return known;
  }

  #newGroup(namesakes: Namesakes, year: number | null): Group {
    const group = { id: showIdFor(namesakes.libraryId, namesakes.words, year), year, namesakes, entries: new Map() };
    namesakes.groups.set(year, group);
    this.#groups.set(group.id, group);
    return group;
  }
}

/** Whose the episodes are that do not tell a year; null: they are a show of their own. */
function heirOf({ groups }: Namesakes): Group | null {
  const dated = [...groups.values()].filter(({ year }) => year !== null);
  return dated.length === 1 ? (dated[0] ?? null) : null;
}

const isBefore = (a: Entry, b: Entry): boolean => (comparePlaces(a.place, b.place) || (a.id < b.id ? -1 : 1)) < 0;

export function positionOfShow(show: Show, sort: ShowSort): Position {
  return [primaryOf(show, sort), show.sortTitle, show.id];
}

function primaryOf({ addedAtMs, year }: Show, sort: ShowSort): number {
  switch (sort) {
    case 'title':
      return 0;
    case 'addedAt':
      return addedAtMs;
    case '-addedAt':
      return -addedAtMs;
    case 'year':
      return year ?? NO_YEAR;
    case '-year':
      return year === null ? NO_YEAR : -year;
  }
}
