// The films and episodes of the catalogue, each with its versions: derived from the files, and changed with them.
import { searchable, sortableTitle } from '#domain/catalogue/title-text.ts';
import type { LibraryId, MediaId, ShowId } from '#domain/ids.ts';
import { type Entry, strictestOf } from './entry.ts';
import { NO_PLACE, type Place, placeKey, placeText } from './place.ts';
import type { Show } from './shows.ts';
import { type Version, versionGroups } from './versions.ts';

export const ITEM_KINDS = ['movie', 'episode'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

export type Item = {
  /** Of its sharpest version. */
  readonly id: MediaId;
  readonly kind: ItemKind;
  readonly libraryId: LibraryId;
  /** Of an episode its own. */
  readonly title: string;
  readonly words: string;
  readonly sortTitle: string;
  readonly year: number | null;
  /** When its first file was. */
  readonly addedAtMs: number;
  readonly showId: ShowId | null;
  readonly place: Place;
  /** The strictest of its versions, else its show's; null: nobody has said. */
  readonly ageRating: number | null;
  /** The sharpest first. */
  readonly versions: readonly Version[];
};

/** The files that say the same of what they are. */
type Bucket = { readonly key: string; entries: Entry[]; items: readonly Item[] };

export type ItemsOptions = {
  readonly showIdOf: (episode: Entry) => ShowId;
  readonly showOf: (id: ShowId) => Show | undefined;
  /** Told when the items are settled. */
  readonly onGone: (item: Item) => void;
  readonly onCome: (item: Item) => void;
};

export class Items {
  readonly #options: ItemsOptions;
  readonly #buckets = new Map<string, Bucket>();
  readonly #bucketOf = new Map<MediaId, Bucket>();
  readonly #itemOf = new Map<MediaId, Item>();
  readonly #changed = new Set<Bucket>();

  constructor(options: ItemsOptions) {
    this.#options = options;
  }

  add(entry: Entry): void {
    const key = this.#keyOf(entry);
    const bucket = this.#buckets.get(key) ?? { key, entries: [], items: [] };
    this.#buckets.set(key, bucket);
    // Seldom more than two: no table is worth its memory.
    bucket.entries.push(entry);
    this.#bucketOf.set(entry.id, bucket);
    this.#changed.add(bucket);
  }

  remove(id: MediaId): void {
    const bucket = this.#bucketOf.get(id);
    if (bucket === undefined) return;
    bucket.entries = bucket.entries.filter(entry => entry.id !== id);
    this.#bucketOf.delete(id);
    this.#changed.add(bucket);
  }

  /** Its show is another one, or is called something else. */
  refresh(entry: Entry): void {
    this.remove(entry.id);
    this.add(entry);
  }

  get(id: MediaId): Item | undefined {
    this.settle();
    return this.#itemOf.get(id);
  }

  /** What a file is a version of, as it can be said of another one: `Correction.item`. */
  keyOf(id: MediaId): string | undefined {
    return this.#bucketOf.get(id)?.key;
  }

  *all(): Generator<Item> {
    this.settle();
    for (const bucket of this.#buckets.values()) yield* bucket.items;
  }

  /** Many changes cost one grouping of what they touched. */
  settle(): void {
    for (const bucket of this.#changed) {
      for (const item of bucket.items) {
        this.#options.onGone(item);
        for (const { id } of item.versions.flat()) if (this.#itemOf.get(id) === item) this.#itemOf.delete(id);
      }
      bucket.items = bucket.entries.length === 0 ? [] : versionGroups(bucket.entries).map(versions => this.#itemFrom(versions));
      for (const item of bucket.items) {
        this.#options.onCome(item);
        for (const version of item.versions) for (const { id } of version) this.#itemOf.set(id, item);
      }
      if (bucket.entries.length === 0 && this.#buckets.get(bucket.key) === bucket) this.#buckets.delete(bucket.key);
    }
    this.#changed.clear();
  }

  #keyOf(entry: Entry): string {
    const { id, item, libraryId, words, keyYear, isEpisode, place } = entry;
    if (item !== null) return item;
    if (!isEpisode) return `${libraryId}\0${words}\0${keyYear ?? ''}`;
    // What says nothing of its place is the same only where it is called the same.
    return `${this.#options.showIdOf(entry)}\0${placeKey(place) ?? (entry.title === '' ? id : searchable(entry.title))}`;
  }

  #itemFrom(versions: readonly Version[]): Item {
    const lead = leadOf(versions);
    const entries = versions.flat();
    const titled = best(entries, ({ rank }) => rank) ?? lead;
    const dated = best(entries, ({ yearRank, year }) => (year === null ? Number.MAX_SAFE_INTEGER : yearRank)) ?? lead;
    const shared = {
      id: lead.id,
      libraryId: lead.libraryId,
      addedAtMs: entries.reduce((oldest, { addedAtMs }) => Math.min(oldest, addedAtMs), lead.addedAtMs),
      ageRating: strictestOf(entries),
      versions,
    };
    if (lead.isEpisode) return { ...shared, ...this.#episode(lead, titled.title, { year: dated.year, ageRating: shared.ageRating }) };
    const sortTitle = entries.find(entry => entry.sortTitle !== null)?.sortTitle ?? titled.title;
    return {
      ...shared,
      kind: 'movie',
      title: titled.title,
      words: searchable(titled.title),
      sortTitle: sortableTitle(sortTitle, lead.language === null ? [] : [lead.language]),
      year: dated.year,
      showId: null,
      place: NO_PLACE,
    };
  }

  #episode(lead: Entry, own: string, { year, ageRating }: Pick<Entry, 'year' | 'ageRating'>) {
    const showId = this.#options.showIdOf(lead);
    const show = this.#options.showOf(showId);
    const { place } = lead;
    const title = own === '' ? untitled(place, show?.title ?? lead.named) : own;
    return {
      kind: 'episode',
      title,
      words: `${show === undefined ? lead.words : searchable(show.title)} ${searchable(title)}`,
      sortTitle: `${show?.sortTitle ?? lead.words} ${placeText(place)}`,
      year: year ?? (place.airDate === null ? (show?.year ?? null) : Number(place.airDate.slice(0, 4))),
      ageRating: ageRating ?? show?.ageRating ?? null,
      showId,
      place,
    } as const;
  }
}

/** Never empty: a group has a version, and a version a file. */
function leadOf(versions: readonly Version[]): Entry {
  const [first] = versions;
  if (first === undefined) throw new Error('an item without a version');
  return first[0];
}

function untitled({ episodes, airDate }: Place, show: string): string {
  if (episodes.length > 0) return `Episode ${episodes.join('–')}`;
  return airDate ?? show;
}

function best(entries: readonly Entry[], costOf: (entry: Entry) => number): Entry | undefined {
  return entries.reduce<Entry | undefined>(
    (found, entry) => (found === undefined || costOf(entry) < costOf(found) ? entry : found),
    undefined,
  );
}
