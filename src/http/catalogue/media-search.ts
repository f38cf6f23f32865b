// Films and episodes that match a text: as the search index ranks them, by page; or, in another order, those that it finds.
import { isOfAge } from '#domain/access/limits.ts';
import type { MediaId } from '#domain/ids.ts';
import type { CatalogueIndex, IndexPage, IndexQuery } from '#library/items/catalogue-index.ts';
import { rowsOf } from '#library/items/item-lists.ts';
import type { Position } from '#library/items/sorted-list.ts';
import type { LibrarySearch } from '#library/search/library-search.ts';
import type { SearchFilter } from '#library/search/search-document.ts';

export type TextQuery = IndexQuery & { readonly text: string };
type Parts = { readonly index: CatalogueIndex; readonly search: LibrarySearch };

/** In another order than that of the matches a list of more is walked through. */
const MOST_SORTED = 5_000;

/** Where there is no index, or a page was begun without it, the catalogue is walked through. */
export async function findByText(query: TextQuery, { index, search }: Parts): Promise<IndexPage> {
  const found = query.sort === 'relevance' ? await ranked(query, { index, search }) : await sorted(query, { index, search });
  return found ?? index.find(query);
}

/** Positions of the index are counted, as negative numbers: ranks of a walk begin at 0. */
const isRanked = (position: Position | null): boolean => position === null || position[0] < 0;

async function ranked(query: TextQuery, { index, search }: Parts): Promise<IndexPage | null> {
  const { after, limit, rows, among = null, ages = null, libraryIds } = query;
  if (!isRanked(after)) return null;
  const ids: MediaId[] = [];
  let offset = after === null ? 0 : -after[0];
  let last = after?.[1] ?? '';
  let next: Position | null = after;
  const behind = after === null ? [] : filesBehind(index, last as MediaId, after[2] as MediaId, rows);
  for (const id of behind) {
    if (ids.length === limit) return { ids, next, total: null };
    ids.push(id);
    next = [-offset, last, id];
  }
  for (;;) {
    const place = offset === 0 ? null : { id: last, offset };
    const page = await search.findIds({ ...filterOf(query), text: query.text, after: place, limit: limit + 1 });
    // Begun with the index, and it is gone: what was shown already may come again, for nothing is left out.
    if (page === null) return index.find({ ...query, after: null });
    for (const { id: itemId } of page.ids) {
      const item = index.itemOf(itemId as MediaId);
      offset++;
      last = itemId;
      // The index may be a moment behind: what is not to be seen any more is not.
      if (item === undefined || !isOfAge(ages, item) || (libraryIds !== null && !libraryIds.has(item.libraryId))) continue;
      if (among !== null && !item.versions.some(version => version.some(({ id }) => among.has(id)))) continue;
      for (const { id } of rowsOf(item, rows)) {
        if (ids.length === limit) return { ids, next, total: null };
        ids.push(id);
        next = [-offset, itemId, id];
      }
    }
    if (page.isLast) return { ids, next: null, total: after === null ? ids.length : null };
  }
}

/** The files of an item that were not on the page before. */
function filesBehind(index: CatalogueIndex, itemId: MediaId, fileId: MediaId, rows: IndexQuery['rows']): MediaId[] {
  const item = index.itemOf(itemId);
  const ids = item === undefined ? [] : [...rowsOf(item, rows)].map(({ id }) => id);
  return ids.slice(ids.indexOf(fileId) + 1 || ids.length);
}

async function sorted(query: TextQuery, { index, search }: Parts): Promise<IndexPage | null> {
  const found = await search.findIds({ ...filterOf(query), text: query.text, after: null, limit: MOST_SORTED });
  if (found === null || !found.isLast) return null;
  const matching = new Set(found.ids.map(({ id }) => id as MediaId));
  const { among = null } = query;
  const wanted = among === null ? matching : new Set([...matching].filter(id => isAmong(index, id, among)));
  return index.find({ ...query, text: null, among: wanted });
}

const isAmong = (index: CatalogueIndex, id: MediaId, among: ReadonlySet<unknown>): boolean =>
  index.itemOf(id)?.versions.some(version => version.some(file => among.has(file.id))) ?? false;

const filterOf = ({ libraryIds, kind = null, year = null, ages = null }: TextQuery): SearchFilter => ({
  kinds: kind === null ? ['movie', 'episode'] : [kind],
  libraryIds: libraryIds === null ? null : [...libraryIds],
  genre: null,
  year,
  maxAgeRating: ages?.most ?? null,
  allowsUnrated: ages?.allowsUnrated ?? true,
});
