// Collections, genres and people: by name, and what belongs to each.
import Type from 'typebox';
import { isOfAge } from '#domain/access/limits.ts';
import { FerriteError } from '#domain/errors.ts';
import { type MediaId, parseFacetId, type ShowId } from '#domain/ids.ts';
import type { Caller } from '#domain/media.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import { type Facet, type FacetKind, facetPosition } from '#library/items/facets.ts';
import { describeId, MediaItem } from './item-answers.ts';
import { encodeListCursor, parseListCursor } from './list-cursor.ts';
import { type CatalogueParts, watchableBy } from './parts.ts';
import { describeShow, ShowItem } from './shows.ts';

const FacetItem = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** Films, episodes and shows. */
  count: Type.Integer(),
});
const FacetDetails = Type.Object({ id: Type.String(), name: Type.String(), items: Type.Array(MediaItem), shows: Type.Array(ShowItem) });

const ListQuery = Type.Object({
  libraryId: Type.Optional(Type.String()),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
});

const NAMES = {
  collection: {
    path: 'collections',
    summary: 'Collections of films that belong together',
    one: 'A collection, its films in the order of their years',
  },
  genre: { path: 'genres', summary: 'Genres', one: 'A genre, and its first films and shows; `GET /api/v1/media?genre=` pages through all' },
  person: { path: 'people', summary: 'Actors, directors and writers', one: 'A person, and what they had a part in' },
} as const satisfies Record<FacetKind, { path: string; summary: string; one: string }>;

const SORT = 'name';
const MAX_OF_ONE = 200;

export const facetRoutes = (parts: CatalogueParts): Route[] =>
  (['collection', 'genre', 'person'] as const).flatMap(kind => [listFacets(kind, parts), getFacet(kind, parts)]);

function listFacets(kind: FacetKind, parts: CatalogueParts): Route {
  const { path, summary } = NAMES[kind];
  return route({
    method: 'GET',
    path: `/api/v1/${path}`,
    auth: 'user',
    summary,
    query: ListQuery,
    responses: { 200: Type.Object({ items: Type.Array(FacetItem), nextCursor: Type.Union([Type.String(), Type.Null()]) }) },
    handler: request => {
      const caller = requireCaller(request);
      const { libraryId, limit, cursor } = request.query;
      const watchable = watchableBy(parts, caller, { libraryId });
      const after = cursor === undefined ? null : parseListCursor(cursor, SORT);
      const page: { readonly facet: Facet; readonly count: number }[] = [];
      for (const facet of parts.index.facets.list(kind).from(after)) {
        const count = countOf(facet, watchable, parts);
        if (count === 0) continue;
        if (page.length === limit) return { status: 200, json: answerOf(page, true) };
        page.push({ facet, count });
      }
      return { status: 200, json: answerOf(page, false) };
    },
  });
}

function answerOf(page: readonly { readonly facet: Facet; readonly count: number }[], isMore: boolean) {
  const last = page.at(-1);
  return {
    items: page.map(({ facet: { id, name }, count }) => ({ id, name, count })),
    nextCursor: isMore && last !== undefined ? encodeListCursor(SORT, facetPosition(last.facet)) : null,
  };
}

function getFacet(kind: FacetKind, parts: CatalogueParts): Route {
  return route({
    method: 'GET',
    path: `/api/v1/${NAMES[kind].path}/:id`,
    auth: 'user',
    summary: NAMES[kind].one,
    responses: { 200: FacetDetails, 404: 'NOT_FOUND' },
    handler: request => {
      const facet = parts.index.facets.get(kind, parseFacetId(request.params.id));
      const described = facet && describe(facet, requireCaller(request), parts);
      // What is only in titles that the caller may not watch is not there either.
      if (described === undefined || described.items.length + described.shows.length === 0)
        throw new FerriteError('NOT_FOUND', `there is no such ${kind}`);
      return { status: 200, json: described };
    },
  });
}

function describe({ id, name, subjects }: Facet, caller: Caller, parts: CatalogueParts) {
  const { index } = parts;
  const watchable = watchableBy(parts, caller);
  const { ids } = index.find({
    text: null,
    ...watchable,
    among: subjects,
    sort: 'year',
    after: null,
    limit: MAX_OF_ONE,
    rows: 'items',
  });
  const { shows } = index.findShows({
    text: null,
    ...watchable,
    year: null,
    among: subjects,
    sort: 'year',
    after: null,
    limit: MAX_OF_ONE,
  });
  return {
    id,
    name,
    items: ids.flatMap(itemId => describeId(itemId, caller, parts)),
    shows: shows.map(show => describeShow(show, parts)),
  };
}

function countOf({ subjects }: Facet, { libraryIds, ages }: ReturnType<typeof watchableBy>, { index }: CatalogueParts): number {
  if (libraryIds === null && ages === null) return subjects.size;
  let count = 0;
  for (const subject of subjects) {
    const owner = index.itemOf(subject as MediaId) ?? index.showOf(subject as ShowId);
    if (owner !== undefined && libraryIds?.has(owner.libraryId) !== false && isOfAge(ages, owner)) count++;
  }
  return count;
}
