// The search without its index: a walk through the catalogue in memory. Slower, and it knows titles as they are typed alone.
import { searchable } from '#domain/catalogue/title-text.ts';
import type { LibraryId } from '#domain/ids.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import type { FacetKind } from '#library/items/facets.ts';
import type { GroupQuery, Hit, HitGroup, SearchKind } from './search-document.ts';
import { segmentsOf } from './text/marked-text.ts';
import { termsOf } from './text/query-terms.ts';

export function walkGroups(query: GroupQuery, index: CatalogueIndex): HitGroup[] {
  if (searchable(query.text) === '') return [];
  return query.kinds.map(kind => ({ kind, hits: found(kind, query, index).map(({ id, title }) => hitOf(kind, id, title, query.text)) }));
}

function found(kind: SearchKind, { text, libraryIds, genre, year, maxAgeRating, allowsUnrated, limit }: GroupQuery, index: CatalogueIndex) {
  const wanted = libraryIds === null ? null : new Set(libraryIds as LibraryId[]);
  const genres =
    genre === null
      ? null
      : new Set([...index.facets.list('genre').from(null)].find(({ name }) => searchable(name) === searchable(genre))?.subjects);
  const ages = maxAgeRating === null ? null : { most: maxAgeRating, allowsUnrated };
  const shared = { text, ages, libraryIds: wanted, year, among: genres, after: null, limit };
  switch (kind) {
    case 'movie':
    case 'episode':
      return index.find({ ...shared, kind, sort: 'relevance', rows: 'items' }).ids.flatMap(id => index.itemOf(id) ?? []);
    case 'show':
      return index.findShows({ ...shared, sort: 'title' }).shows;
    case 'person':
    case 'collection':
      return genre === null && year === null ? named(kind, text, wanted, index).slice(0, limit) : [];
  }
}

function named(kind: FacetKind, text: string, libraryIds: ReadonlySet<LibraryId> | null, index: CatalogueIndex) {
  const words = searchable(text).split(' ');
  const isVisible = (subjects: Iterable<unknown>): boolean =>
    libraryIds === null ||
    [...subjects].some(subject =>
      libraryIds.has((index.itemOf(subject as never) ?? index.showOf(subject as never))?.libraryId as LibraryId),
    );
  return [...index.facets.list(kind).from(null)]
    .filter(({ name, subjects }) => words.every(word => searchable(name).includes(word)) && isVisible(subjects))
    .map(({ id, name }) => ({ id, title: name }));
}

const hitOf = (kind: SearchKind, id: string, title: string, text: string): Hit => ({
  kind,
  id,
  by: 'title',
  title: segmentsOf(title, termsOf(text)),
  match: null,
});
