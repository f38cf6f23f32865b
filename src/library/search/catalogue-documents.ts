// What the search is fed of the catalogue: a document for each film, episode, show, person and collection, as the index in memory has them.
import { type Description, firstTold } from '#domain/catalogue/description.ts';
import { type MediaId, parseFacetId, parseMediaId, parseShowId } from '#domain/ids.ts';
import type { EmbeddedTags } from '#domain/media.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import type { Facet } from '#library/items/facets.ts';
import type { Item } from '#library/items/items.ts';
import type { Show } from '#library/items/shows.ts';
import type { SearchDocument } from './search-document.ts';
import type { FeedSource, Subject } from './search-feed.ts';

const MAX_PEOPLE = 40;
const MAX_OVERVIEW = 4_000;
const MAX_NAME = 500;
/** More episodes than a season has. */
const SEASON_SIZE = 10_000;
const LAST_SEASON = 9_999;

/** What a file says of itself: read where nobody else says it. */
export type TagsOf = (id: MediaId) => EmbeddedTags | undefined;

export function catalogueDocuments(index: CatalogueIndex, tagsOf: TagsOf, onTouched: () => void): FeedSource {
  const changes = index.follow(onTouched);
  return {
    subjects: () => [...index.subjects()],
    takeChanges: () => changes.take(),
    documentOf: subject => documentOf(index, tagsOf, subject),
  };
}

function documentOf(index: CatalogueIndex, tagsOf: TagsOf, { kind, id }: Subject): SearchDocument | undefined {
  switch (kind) {
    case 'movie':
    case 'episode': {
      const item = index.itemOf(parseMediaId(id));
      return item?.id === id && item.kind === kind ? ofItem(index, tagsOf, item) : undefined;
    }
    case 'show': {
      const show = index.showOf(parseShowId(id));
      return show?.id === id ? ofShow(index, show) : undefined;
    }
    case 'person':
    case 'collection': {
      const facet = index.facets.get(kind, parseFacetId(id));
      return facet === undefined ? undefined : ofFacet(index, facet, kind);
    }
  }
}

function ofItem(
  index: CatalogueIndex,
  tagsOf: TagsOf,
  { kind, id, libraryId, title, year, ageRating, showId, place, versions }: Item,
): SearchDocument {
  const files = versions.flat();
  const told = toldOf(
    files.map(file => file.id),
    index,
    tagsOf,
  );
  const show = showId === null ? undefined : index.showOf(showId);
  const ofShow = show === undefined ? undefined : index.descriptionOf(show.id);
  const named = kind === 'movie' ? files.map(file => file.named) : [];
  const numbers = place.episodes.flatMap(episode => (place.season === null ? [] : numbersOf(place.season, episode)));
  return {
    ...described(told),
    kind,
    id,
    libraryIds: [libraryId],
    title: title.slice(0, MAX_NAME),
    showTitle: show?.title ?? null,
    aliases: [...new Set(named)].filter(name => name !== title).concat(numbers, place.airDate ?? []),
    year,
    genres: told?.genres ?? ofShow?.genres ?? [],
    ageRating,
    order:
      kind === 'movie'
        ? 0
        : (place.season === null || place.season === 0 ? LAST_SEASON : place.season) * SEASON_SIZE + (place.episodes[0] ?? 0),
  };
}

function ofShow(index: CatalogueIndex, { id, libraryId, title, year, ageRating }: Show): SearchDocument {
  const told = index.descriptionOf(id);
  return { ...described(told), kind: 'show', id, libraryIds: [libraryId], title: title.slice(0, MAX_NAME), year, ageRating };
}

/** Seen by whoever sees one of its films. */
function ofFacet(index: CatalogueIndex, { id, name, subjects }: Facet, kind: 'person' | 'collection'): SearchDocument {
  const libraryIds = new Set<string>();
  for (const subject of subjects) {
    const { libraryId } = index.itemOf(parseMediaId(subject)) ?? index.showOf(parseShowId(subject)) ?? {};
    if (libraryId !== undefined) libraryIds.add(libraryId);
  }
  return { ...described(undefined), kind, id, libraryIds: [...libraryIds].sort(), title: name.slice(0, MAX_NAME) };
}

function toldOf(ids: readonly MediaId[], index: CatalogueIndex, tagsOf: TagsOf): Description | undefined {
  const told = ids.flatMap(id => index.descriptionOf(id) ?? []);
  const isWhole = told.some(({ overview }) => overview !== null) && told.some(({ genres }) => genres.length > 0);
  const all = isWhole ? told : ids.flatMap(id => index.descriptionOf(id, tagsOf(id)) ?? []);
  return all.length === 0 ? undefined : firstTold(all);
}

function described(told: Description | undefined) {
  const people = new Set((told?.people ?? []).map(({ name }) => name));
  return {
    originalTitle: told?.originalTitle ?? null,
    showTitle: null,
    aliases: [],
    people: [...people].slice(0, MAX_PEOPLE),
    genres: told?.genres ?? [],
    overview: told?.overview?.slice(0, MAX_OVERVIEW) ?? null,
    year: told?.year ?? null,
    ageRating: null,
    order: 0,
  };
}

const numbersOf = (season: number, episode: number): string[] => [
  `s${String(season).padStart(2, '0')}e${String(episode).padStart(2, '0')}`,
  `${season}x${String(episode).padStart(2, '0')}`,
];
