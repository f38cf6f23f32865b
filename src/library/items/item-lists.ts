// The sorted lists of items and of their files: each is made when it is first asked for, and follows every change from then on.
import { type AgeLimit, isOfAge } from '#domain/access/limits.ts';
import type { LibraryId, MediaId } from '#domain/ids.ts';
import type { Item, ItemKind } from './items.ts';
import { compare, type Position, SortedList } from './sorted-list.ts';

export const MEDIA_SORTS = ['relevance', 'title', 'addedAt', '-addedAt', 'year', '-year'] as const;
export type MediaSort = (typeof MEDIA_SORTS)[number];

/** An item, or one of its files. */
export type Row = { readonly item: Item; readonly id: MediaId; readonly addedAtMs: number };
export type Rows = 'items' | 'files';

/** What a list is of; null: everything. */
export type Scope = { readonly libraryIds: ReadonlySet<LibraryId> | null; readonly ages: AgeLimit | null; readonly kind: ItemKind | null };

type List = { readonly rows: Rows; readonly scope: Scope; readonly sorted: SortedList<Row> };

/** Of those that were asked for last: each takes part in every change. */
const MAX_LISTS = 32;

/** Behind every year in both directions. */
const NO_YEAR = 100_000;

export class ItemLists {
  readonly #lists = new Map<string, List>();

  come(item: Item): void {
    for (const { rows, scope, sorted } of this.#lists.values())
      if (isIn(item, scope)) for (const row of rowsOf(item, rows)) sorted.add(row);
  }

  gone(item: Item): void {
    for (const { rows, scope, sorted } of this.#lists.values())
      if (isIn(item, scope)) for (const row of rowsOf(item, rows)) sorted.remove(row);
  }

  get(sort: MediaSort, rows: Rows, scope: Scope, items: () => Iterable<Item>): SortedList<Row> {
    const { libraryIds, ages, kind } = scope;
    const age = ages === null ? '' : `${ages.most}${ages.allowsUnrated ? '?' : ''}`;
    const key = [sort, rows, kind, age, ...(libraryIds === null ? [] : ['in', ...[...libraryIds].sort()])].join(' ');
    const known = this.#lists.get(key);
    const list = known ?? { rows, scope, sorted: new SortedList<Row>(row => positionOf(row, sort, 0), rowsIn(scope, rows, items())) };
    this.#lists.delete(key);
    this.#lists.set(key, list);
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > MAX_LISTS && oldest !== undefined) this.#lists.delete(oldest);
    return list.sorted;
  }
}

function* rowsIn(scope: Scope, rows: Rows, items: Iterable<Item>): Generator<Row> {
  for (const item of items) if (isIn(item, scope)) yield* rowsOf(item, rows);
}

const isIn = (item: Item, { libraryIds, ages, kind }: Scope): boolean =>
  (libraryIds === null || libraryIds.has(item.libraryId)) && isOfAge(ages, item) && (kind === null || kind === item.kind);

export const positionOf = (row: Row, sort: MediaSort, rank: number): Position => [primaryOf(row, sort, rank), row.item.sortTitle, row.id];

/** Of few items among many, sooner than a walk through all. */
export function sortedRows(rows: Iterable<Row>, sort: MediaSort, rankOf: (row: Row) => number): readonly Row[] {
  const positioned = Array.from(rows, row => ({ row, position: positionOf(row, sort, rankOf(row)) }));
  return positioned.sort((a, b) => compare(a.position, b.position)).map(({ row }) => row);
}

export function* rowsOf(item: Item, rows: Rows): Generator<Row> {
  if (rows === 'items') yield { item, id: item.id, addedAtMs: item.addedAtMs };
  else for (const version of item.versions) for (const { id, addedAtMs } of version) yield { item, id, addedAtMs };
}

export function* rowsOfAll(items: Iterable<Item>, rows: Rows): Generator<Row> {
  for (const item of items) yield* rowsOf(item, rows);
}

function primaryOf({ item, addedAtMs }: Row, sort: MediaSort, rank: number): number {
  switch (sort) {
    case 'relevance':
      return rank;
    case 'title':
      return 0;
    case 'addedAt':
      return addedAtMs;
    case '-addedAt':
      return -addedAtMs;
    case 'year':
      return item.year ?? NO_YEAR;
    case '-year':
      return item.year === null ? NO_YEAR : -item.year;
  }
}
