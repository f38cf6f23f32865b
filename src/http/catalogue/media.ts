// The catalogue as a caller sees it: lists, searches and one title with its streams.
import Type, { type Static } from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { parseFacetId } from '#domain/ids.ts';
import type { Caller, Media } from '#domain/media.ts';
import { subtitleTracks } from '#domain/subtitles/tracks.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { IndexQuery } from '#library/items/catalogue-index.ts';
import { MEDIA_SORTS, type MediaSort } from '#library/items/item-lists.ts';
import { ITEM_KINDS } from '#library/items/items.ts';
import { FullFields, fully, recordsOfItem } from './description-answers.ts';
import { describeExtras, describeId, describeMedia, MediaItem } from './item-answers.ts';
import { encodeListCursor, parseListCursor } from './list-cursor.ts';
import { findByText } from './media-search.ts';
import { type CatalogueParts, requireMedia, type SearchParts, watchableBy } from './parts.ts';
import { subjectsOf } from './selections.ts';

export const MediaDetails = Type.Intersect([
  MediaItem,
  Type.Object({
    byteLength: Type.Integer(),
    bitrateBps: Type.Integer(),
    streams: Type.Object({ video: Type.Array(Type.Unknown()), audio: Type.Array(Type.Unknown()), subtitles: Type.Array(Type.Unknown()) }),
    chapters: Type.Array(Type.Object({ startMs: Type.Integer(), endMs: Type.Integer(), title: Type.Union([Type.String(), Type.Null()]) })),
    keyframes: Type.Union([Type.Object({ count: Type.Integer(), longestGapMs: Type.Integer(), copyMethod: Type.String() }), Type.Null()]),
    ...FullFields,
    /** Trailers, scenes and interviews. */
    extras: Type.Array(MediaItem),
  }),
]);

const KINDS = ['movies', 'shows', ...ITEM_KINDS] as const;

const ListQuery = Type.Object({
  query: Type.Optional(Type.String({ maxLength: 200 })),
  /** Of its library (`movies`, `shows`), or its own (`movie`, `episode`). */
  kind: Type.Optional(Type.Union(KINDS.map(kind => Type.Literal(kind)))),
  libraryId: Type.Optional(Type.String()),
  year: Type.Optional(Type.Integer({ minimum: 1800, maximum: 3000 })),
  /** By name or id. */
  genre: Type.Optional(Type.String({ maxLength: 100 })),
  personId: Type.Optional(Type.String({ maxLength: 40 })),
  collectionId: Type.Optional(Type.String({ maxLength: 40 })),
  sort: Type.Optional(Type.Union(MEDIA_SORTS.map(sort => Type.Literal(sort)))),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
  /** Instead of a cursor: how many to pass over. Lists that are filtered by more than library and kind have cursors alone. */
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
  /** In a list by title, instead of an offset: begins with the titles that begin so. */
  from: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  /** In a list by title: also where each letter begins. */
  letters: Type.Optional(Type.Boolean()),
  /** `together`: one entry for all versions of a film; `apart`: one for each file. */
  versions: Type.Optional(Type.Union([Type.Literal('together'), Type.Literal('apart')])),
});

export const mediaRoutes = (parts: SearchParts): Route[] => [listMedia(parts), getMedia(parts)];

function listMedia(parts: SearchParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/media',
    auth: 'user',
    summary: "Films and episodes with the caller's progress; with `query`, the best matches first",
    query: ListQuery,
    responses: {
      200: Type.Object({
        items: Type.Array(MediaItem),
        nextCursor: Type.Union([Type.String(), Type.Null()]),
        /** Of all pages, where that is known. */
        total: Type.Union([Type.Integer(), Type.Null()]),
        /** Of the first entry, where `offset` or `from` asked for one. */
        offset: Type.Optional(Type.Integer()),
        letters: Type.Optional(Type.Array(Type.Object({ letter: Type.String(), offset: Type.Integer() }))),
      }),
    },
    handler: async request => {
      const caller = requireCaller(request);
      const { query, kind, libraryId, year, genre, personId, collectionId, limit, cursor, versions } = request.query;
      const sort = request.query.sort ?? (query === undefined ? 'title' : 'relevance');
      const scope = {
        ...watchableBy(parts, caller, { kind: kind === 'movies' || kind === 'shows' ? kind : undefined, libraryId }),
        kind: kind === 'movie' || kind === 'episode' ? kind : null,
        rows: versions === 'apart' ? ('files' as const) : ('items' as const),
      };
      checkPlace(request.query, sort);
      const { from, letters } = request.query;
      const offset = from === undefined ? request.query.offset : parts.index.offsetOf(from, scope);
      const wanted: Omit<IndexQuery, 'text'> = {
        ...scope,
        year: year ?? null,
        among: subjectsOf(parts.index.facets, {
          genre,
          person: personId === undefined ? undefined : parseFacetId(personId),
          collection: collectionId === undefined ? undefined : parseFacetId(collectionId),
        }),
        sort,
        after: cursor === undefined ? null : parseListCursor(cursor, sort),
        offset: offset ?? null,
        limit,
      };
      const page =
        query === undefined || query.trim() === ''
          ? parts.index.find({ ...wanted, text: null })
          : findByText({ ...wanted, text: query }, parts);
      const { ids, next, total } = await page;
      const items = ids.flatMap(id => describeId(id, caller, parts));
      return {
        status: 200,
        json: {
          items,
          nextCursor: next === null ? null : encodeListCursor(sort, next),
          total,
          ...(offset === undefined ? {} : { offset }),
          ...(letters ? { letters: parts.index.letters(scope) } : {}),
        },
      };
    },
  });
}

/** @throws INVALID_REQUEST where a list has no such place: a wrong answer would look like a right one */
function checkPlace(query: Static<typeof ListQuery>, sort: MediaSort): void {
  const { cursor, offset, from, letters } = query;
  const isFiltered = [query.query, query.year, query.genre, query.personId, query.collectionId].some(filter => filter !== undefined);
  if ([cursor, offset, from].filter(place => place !== undefined).length > 1) throw misplaced('cursor, offset and from exclude each other');
  if (isFiltered && (offset !== undefined || from !== undefined || letters)) throw misplaced('this list is told by cursors alone');
  if (sort !== 'title' && (from !== undefined || letters)) throw misplaced('letters are those of a list by title');
}

const misplaced = (message: string): FerriteError =>
  new FerriteError('INVALID_REQUEST', message, { fields: [{ path: '/offset', message }] });

function getMedia(parts: CatalogueParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/media/:mediaId',
    auth: 'user',
    summary: "One title: streams, chapters, facts of its keyframe index and the caller's progress",
    responses: { 200: MediaDetails, 404: 'MEDIA_NOT_FOUND' },
    handler: request => {
      const caller = requireCaller(request);
      return { status: 200, json: describeFully(requireMedia(parts, caller, request.params.mediaId), caller, parts) };
    },
  });
}

export function describeFully(media: Media, caller: Caller, parts: CatalogueParts) {
  const { byteLength, bitrateBps, chapters, keyframes } = media;
  const streams = { ...media.streams, subtitles: subtitleTracks(media, parts.readable()) };
  const item = parts.index.itemOf(media.id);
  const extras = describeExtras(item === undefined ? [] : parts.index.extrasOf(item), caller, parts);
  const told = fully(recordsOfItem(media, item, parts), parts);
  return { ...describeMedia(media, caller, parts), ...told, byteLength, bitrateBps, streams, chapters, keyframes, extras };
}
