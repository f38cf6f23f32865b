// Shows: their lists, and one with its seasons and episodes and the caller's progress.
import Type from 'typebox';
import { mayWatch } from '#domain/access/limits.ts';
import type { Descriptions } from '#domain/catalogue/description.ts';
import { itemProgress } from '#domain/catalogue/item-progress.ts';
import { FerriteError } from '#domain/errors.ts';
import { parseFacetId, parseShowId } from '#domain/ids.ts';
import type { Caller } from '#domain/media.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { Item } from '#library/items/items.ts';
import { SHOW_SORTS, type Show } from '#library/items/shows.ts';
import { artworkUrl, BriefFields, briefly, FullFields, fully, recordsOfShow } from './description-answers.ts';
import { describeExtras, describeId, MediaItem } from './item-answers.ts';
import { encodeListCursor, parseListCursor } from './list-cursor.ts';
import { type CatalogueParts, watchableBy } from './parts.ts';
import { subjectsOf } from './selections.ts';

const OptionalText = Type.Union([Type.String(), Type.Null()]);
const OptionalWhole = Type.Union([Type.Integer(), Type.Null()]);

export const ShowItem = Type.Object({
  id: Type.String(),
  libraryId: Type.String(),
  title: Type.String(),
  year: OptionalWhole,
  posterUrl: OptionalText,
  ...BriefFields,
  /** Of its newest episode. */
  addedAtMs: Type.Integer(),
  episodeCount: Type.Integer(),
  seasonCount: Type.Integer(),
});

const Season = Type.Object({
  /** 0: specials; null: of its files that say nothing of a season. */
  season: OptionalWhole,
  posterUrl: OptionalText,
  episodeCount: Type.Integer(),
  watchedCount: Type.Integer(),
  episodes: Type.Array(MediaItem),
});

export const ShowDetails = Type.Intersect([
  ShowItem,
  Type.Object({
    ...FullFields,
    seasons: Type.Array(Season),
    /** The caller's: of all seasons but the specials. */
    progress: Type.Object({ watchedCount: Type.Integer(), episodeCount: Type.Integer(), updatedAtMs: OptionalWhole }),
    extras: Type.Array(MediaItem),
  }),
]);

const ListQuery = Type.Object({
  query: Type.Optional(Type.String({ maxLength: 200 })),
  libraryId: Type.Optional(Type.String()),
  year: Type.Optional(Type.Integer({ minimum: 1800, maximum: 3000 })),
  genre: Type.Optional(Type.String({ maxLength: 100 })),
  personId: Type.Optional(Type.String({ maxLength: 40 })),
  collectionId: Type.Optional(Type.String({ maxLength: 40 })),
  sort: Type.Optional(Type.Union(SHOW_SORTS.map(sort => Type.Literal(sort)))),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
});

export const showRoutes = (parts: CatalogueParts): Route[] => [listShows(parts), getShow(parts)];

/** @throws SHOW_NOT_FOUND, also where the caller may not watch it */
export function requireShow({ index, viewerOf }: Pick<CatalogueParts, 'index' | 'viewerOf'>, caller: Caller, showId: string): Show {
  const show = index.showOf(parseShowId(showId));
  if (show === undefined || !mayWatch(viewerOf(caller), show)) throw new FerriteError('SHOW_NOT_FOUND', 'there is no such show');
  return show;
}

function listShows(parts: CatalogueParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/shows',
    auth: 'user',
    summary: 'Shows',
    query: ListQuery,
    responses: { 200: Type.Object({ items: Type.Array(ShowItem), nextCursor: Type.Union([Type.String(), Type.Null()]) }) },
    handler: request => {
      const caller = requireCaller(request);
      const { query, libraryId, year, genre, personId, collectionId, sort = 'title', limit, cursor } = request.query;
      const { shows, next } = parts.index.findShows({
        text: query ?? null,
        ...watchableBy(parts, caller, { libraryId }),
        year: year ?? null,
        among: subjectsOf(parts.index.facets, {
          genre,
          person: personId === undefined ? undefined : parseFacetId(personId),
          collection: collectionId === undefined ? undefined : parseFacetId(collectionId),
        }),
        sort,
        after: cursor === undefined ? null : parseListCursor(cursor, sort),
        limit,
      });
      const items = shows.map(show => describeShow(show, parts));
      return { status: 200, json: { items, nextCursor: next === null ? null : encodeListCursor(sort, next) } };
    },
  });
}

function getShow(parts: CatalogueParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/shows/:showId',
    auth: 'user',
    summary: "One show: its seasons and episodes in the order in which they are watched, with the caller's progress",
    responses: { 200: ShowDetails, 404: 'SHOW_NOT_FOUND' },
    handler: request => {
      const caller = requireCaller(request);
      return { status: 200, json: describeShowFully(requireShow(parts, caller, request.params.showId), caller, parts) };
    },
  });
}

export function describeShowFully(show: Show, caller: Caller, parts: CatalogueParts) {
  const viewer = parts.viewerOf(caller);
  const episodes = parts.index.episodesOf(show.id).filter(item => mayWatch(viewer, item));
  const saved = new Map(episodes.map(item => [item, savedOf(item, caller, parts)]));
  const watchedOf = (items: readonly Item[]): number => items.filter(item => saved.get(item)?.watched).length;
  const regular = episodes.filter(({ place }) => place.season !== 0);
  const times = [...saved.values()].flatMap(progress => progress?.updatedAtMs ?? []);
  const told = recordsOfShow(show.id, parts);
  const seasons = [...Map.groupBy(episodes, ({ place }) => place.season)].map(([season, items]) => ({
    season,
    posterUrl: seasonPoster(season, told.records, parts),
    episodeCount: items.length,
    watchedCount: watchedOf(items),
    episodes: items.flatMap(({ id }) => describeId(id, caller, parts)),
  }));
  return {
    ...describeShow(show, parts),
    ...fully(told, parts),
    seasons,
    progress: {
      watchedCount: watchedOf(regular),
      episodeCount: regular.length,
      updatedAtMs: times.length === 0 ? null : Math.max(...times),
    },
    extras: describeExtras(parts.index.extrasOfShow(show.id), caller, parts),
  };
}

export function describeShow(show: Show, parts: CatalogueParts) {
  const { id, libraryId, title, year, addedAtMs, episodeCount, seasonCount, firstId } = show;
  const told = recordsOfShow(id, parts);
  const first = parts.media.get(firstId);
  const posterUrl = artworkUrl('poster', told.records, parts) ?? (first === undefined ? null : parts.links.urlOf(first));
  return { id, libraryId, title, year, posterUrl, ...briefly(told), addedAtMs, episodeCount, seasonCount };
}

function seasonPoster(season: number | null, records: readonly Descriptions[], { links }: CatalogueParts): string | null {
  const version = season === null ? undefined : records.map(({ seasons }) => seasons[season]?.version ?? null).find(one => one !== null);
  return version === undefined || version === null ? null : links.artworkUrl(version);
}

const savedOf = (item: Item, { userId }: Caller, { progress }: CatalogueParts) =>
  itemProgress(item.versions, id => progress.get(userId, id))?.progress;
