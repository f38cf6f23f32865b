// The catalogue as a caller sees it: lists, searches and one title with its streams.
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { type MediaId, parseLibraryId, parseMediaId, type UserId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { type ReadableText, subtitleTracks } from '#domain/subtitles/tracks.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import { type CatalogueIndex, MEDIA_SORTS } from '#library/catalogue-index.ts';
import type { LibraryRepository } from '#storage/records/libraries.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import type { ProgressRepository } from '#storage/records/progress.ts';
import { encodeMediaCursor, parseMediaCursor } from './media-cursor.ts';
import type { PosterLinks } from './posters.ts';

export type MediaRouteOptions = {
  readonly libraries: LibraryRepository;
  readonly media: MediaRepository;
  readonly progress: ProgressRepository;
  readonly index: CatalogueIndex;
  readonly links: PosterLinks;
  /** Which subtitles this server's ffmpeg reads. */
  readonly readable: () => ReadableText;
};

export const ProgressAnswer = Type.Object({
  positionMs: Type.Integer(),
  durationMs: Type.Integer(),
  watched: Type.Boolean(),
  updatedAtMs: Type.Integer(),
});

const MediaItem = Type.Object({
  id: Type.String(),
  libraryId: Type.String(),
  title: Type.String(),
  year: Type.Union([Type.Integer(), Type.Null()]),
  durationMs: Type.Integer(),
  container: Type.String(),
  width: Type.Integer(),
  height: Type.Integer(),
  videoCodec: Type.Union([Type.String(), Type.Null()]),
  audioCodecs: Type.Array(Type.String()),
  posterUrl: Type.Union([Type.String(), Type.Null()]),
  /** It has none yet: ask again in a while. */
  isPosterPending: Type.Boolean(),
  addedAtMs: Type.Integer(),
  progress: Type.Union([ProgressAnswer, Type.Null()]),
  /** Every file of the film, this one among them, the sharpest first. */
  versions: Type.Array(
    Type.Object({
      mediaId: Type.String(),
      container: Type.String(),
      width: Type.Integer(),
      height: Type.Integer(),
      bitrateBps: Type.Integer(),
      progress: Type.Union([ProgressAnswer, Type.Null()]),
    }),
  ),
});

const MediaDetails = Type.Intersect([
  MediaItem,
  Type.Object({
    byteLength: Type.Integer(),
    bitrateBps: Type.Integer(),
    streams: Type.Object({ video: Type.Array(Type.Unknown()), audio: Type.Array(Type.Unknown()), subtitles: Type.Array(Type.Unknown()) }),
    chapters: Type.Array(Type.Object({ startMs: Type.Integer(), endMs: Type.Integer(), title: Type.Union([Type.String(), Type.Null()]) })),
    keyframes: Type.Union([Type.Object({ count: Type.Integer(), longestGapMs: Type.Integer(), copyMethod: Type.String() }), Type.Null()]),
  }),
]);

const ListQuery = Type.Object({
  query: Type.Optional(Type.String({ maxLength: 200 })),
  kind: Type.Optional(Type.Union([Type.Literal('movies'), Type.Literal('shows')])),
  libraryId: Type.Optional(Type.String()),
  sort: Type.Optional(Type.Union(MEDIA_SORTS.map(sort => Type.Literal(sort)))),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
  /** `together`: one entry for all versions of a film, that of the sharpest. */
  versions: Type.Optional(Type.Union([Type.Literal('together'), Type.Literal('apart')])),
});

export const mediaRoutes = (options: MediaRouteOptions): Route[] => [listMedia(options), getMedia(options)];

/** The media, or MEDIA_NOT_FOUND. */
export function requireMedia(media: MediaRepository, mediaId: string): Media {
  const found = media.get(parseMediaId(mediaId));
  if (found === undefined) throw new FerriteError('MEDIA_NOT_FOUND', 'there is no such media');
  return found;
}

function listMedia(options: MediaRouteOptions): Route {
  return route({
    method: 'GET',
    path: '/api/v1/media',
    auth: 'user',
    summary: "Titles with the caller's progress; with `query`, the best matches first",
    query: ListQuery,
    responses: { 200: Type.Object({ items: Type.Array(MediaItem), nextCursor: Type.Union([Type.String(), Type.Null()]) }) },
    handler: request => {
      const { userId } = requireCaller(request);
      const { query, kind, libraryId, limit, cursor } = request.query;
      const sort = request.query.sort ?? (query === undefined ? 'title' : 'relevance');
      const { ids, next } = options.index.find({
        text: query ?? null,
        libraryIds: selectLibraries(options.libraries, kind, libraryId),
        sort,
        after: cursor === undefined ? null : parseMediaCursor(cursor, sort),
        limit,
        isByFilm: request.query.versions === 'together',
      });
      const items = ids.flatMap(id => itemOf(id, userId, options));
      return { status: 200, json: { items, nextCursor: next === null ? null : encodeMediaCursor(sort, next) } };
    },
  });
}

function getMedia(options: MediaRouteOptions): Route {
  return route({
    method: 'GET',
    path: '/api/v1/media/:mediaId',
    auth: 'user',
    summary: "One title: streams, chapters, facts of its keyframe index and the caller's progress",
    responses: { 200: MediaDetails, 404: 'MEDIA_NOT_FOUND' },
    handler: request => {
      const { userId } = requireCaller(request);
      const media = requireMedia(options.media, request.params.mediaId);
      const { byteLength, bitrateBps, chapters, keyframes } = media;
      const streams = { ...media.streams, subtitles: subtitleTracks(media, options.readable()) };
      return { status: 200, json: { ...describe(media, userId, options), byteLength, bitrateBps, streams, chapters, keyframes } };
    },
  });
}

/** Null: all of them. */
function selectLibraries(libraries: LibraryRepository, kind: string | undefined, libraryId: string | undefined) {
  if (kind === undefined && libraryId === undefined) return null;
  const wanted = libraryId === undefined ? null : parseLibraryId(libraryId);
  const selected = libraries
    .list()
    .filter(library => (wanted === null || library.id === wanted) && (kind === undefined || library.kind === kind));
  return new Set(selected.map(({ id }) => id));
}

/** Nothing when the record went away since the index was asked. */
function itemOf(id: MediaId, userId: UserId, options: MediaRouteOptions) {
  const media = options.media.get(id);
  return media === undefined ? [] : [describe(media, userId, options)];
}

function describe(media: Media, userId: UserId, options: MediaRouteOptions) {
  const { id, libraryId, title, year, durationMs, streams, addedAtMs } = media;
  const others = options.index.versionsOf(id).flatMap(version => (version === id ? media : (options.media.get(version) ?? [])));
  const versions = (others.length === 0 ? [media] : others).map(version => versionOf(version, userId, options));
  return {
    id,
    libraryId,
    title,
    year,
    durationMs,
    ...pictureOf(media),
    videoCodec: streams.video[0]?.codec ?? null,
    audioCodecs: streams.audio.map(({ codec }) => codec),
    posterUrl: options.links.urlOf(media),
    isPosterPending: media.hasPoster === null,
    addedAtMs,
    progress: options.progress.get(userId, id) ?? null,
    versions,
  };
}

function versionOf(media: Media, userId: UserId, { progress }: MediaRouteOptions) {
  return { mediaId: media.id, ...pictureOf(media), bitrateBps: media.bitrateBps, progress: progress.get(userId, media.id) ?? null };
}

/** As it is shown. */
function pictureOf({ container, streams }: Media) {
  const [video] = streams.video;
  const isTurned = video !== undefined && video.rotation % 180 !== 0;
  const { width, height } = video?.crop ?? video ?? { width: 0, height: 0 };
  return { container, width: isTurned ? height : width, height: isTurned ? width : height };
}
