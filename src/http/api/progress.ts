// How far the caller has come in each title. Only ever the caller's own.
import Type, { type Static } from 'typebox';
import { parseMediaId } from '#domain/ids.ts';
import type { Media, Progress } from '#domain/media.ts';
import { ProgressAnswer } from '#http/catalogue/item-answers.ts';
import { mayWatchMedia, requireMedia, type Watching } from '#http/catalogue/parts.ts';
import type { PosterLinks } from '#http/catalogue/posters.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { ProgressEntry, ProgressRepository } from '#storage/records/progress.ts';

export type ProgressRouteOptions = Watching & { readonly progress: ProgressRepository; readonly links: PosterLinks };

/** The part of a film after which a viewer is in the credits. */
const WATCHED_FROM = 0.92;
const PATH = '/api/v1/media/:mediaId/progress';

const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const ProgressUpdate = Type.Object({
  positionMs: Time,
  durationMs: Type.Optional(Time),
  watched: Type.Optional(Type.Boolean()),
  updatedAtMs: Type.Optional(Time),
});
const ListQuery = Type.Object({
  all: Type.Boolean({ default: false, description: 'Also what is finished' }),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
});
const ProgressItem = Type.Intersect([
  ProgressAnswer,
  Type.Object({
    mediaId: Type.String(),
    title: Type.String(),
    year: Type.Union([Type.Integer(), Type.Null()]),
    posterUrl: Type.Union([Type.String(), Type.Null()]),
  }),
]);

export const progressRoutes = (options: ProgressRouteOptions): Route[] => [
  getProgress(options),
  putProgress(options),
  deleteProgress(options),
  listProgress(options),
];

/** The record for a position that was reached at `nowMs`, or at an earlier time that the client names. */
export function progressAt(media: Media, update: Static<typeof ProgressUpdate>, nowMs: number): Progress {
  const durationMs = update.durationMs || media.durationMs;
  const positionMs = Math.min(update.positionMs, durationMs);
  return {
    positionMs,
    durationMs,
    watched: update.watched ?? positionMs >= durationMs * WATCHED_FROM,
    // A client whose clock runs ahead would lock out every later update.
    updatedAtMs: Math.min(update.updatedAtMs ?? nowMs, nowMs),
  };
}

function getProgress({ progress, ...parts }: ProgressRouteOptions): Route {
  return route({
    method: 'GET',
    path: PATH,
    auth: 'user',
    summary: "The caller's progress; all zero before the first time",
    responses: { 200: ProgressAnswer, 404: 'MEDIA_NOT_FOUND' },
    handler: request => {
      const caller = requireCaller(request);
      const found = requireMedia(parts, caller, request.params.mediaId);
      const none: Progress = { positionMs: 0, durationMs: found.durationMs, watched: false, updatedAtMs: 0 };
      return { status: 200, json: progress.get(caller.userId, found.id) ?? none };
    },
  });
}

function putProgress({ progress, ...parts }: ProgressRouteOptions): Route {
  return route({
    method: 'PUT',
    path: PATH,
    auth: 'user',
    summary: 'Saves how far the caller is; answers what stands, which is the newer one',
    body: ProgressUpdate,
    responses: { 200: ProgressAnswer, 400: 'INVALID_REQUEST', 404: 'MEDIA_NOT_FOUND' },
    handler: async request => {
      const caller = requireCaller(request);
      const found = requireMedia(parts, caller, request.params.mediaId);
      return { status: 200, json: await progress.put(caller.userId, found.id, progressAt(found, request.body, Date.now())) };
    },
  });
}

function deleteProgress({ progress }: ProgressRouteOptions): Route {
  return route({
    method: 'DELETE',
    path: PATH,
    auth: 'user',
    summary: 'Forgets how far the caller is; also for a title that is gone',
    responses: { 204: 'forgotten' },
    handler: async request => {
      await progress.remove(requireCaller(request).userId, parseMediaId(request.params.mediaId));
      return { status: 204, empty: true };
    },
  });
}

function listProgress({ progress, links, ...parts }: ProgressRouteOptions): Route {
  return route({
    method: 'GET',
    path: '/api/v1/me/progress',
    auth: 'user',
    summary: 'What the caller has begun and not finished, newest first; with `all`, also what is finished',
    query: ListQuery,
    responses: { 200: Type.Object({ items: Type.Array(ProgressItem), nextCursor: Type.Union([Type.String(), Type.Null()]) }) },
    handler: request => {
      const { all, limit, cursor } = request.query;
      const caller = requireCaller(request);
      const mayWatch = mayWatchMedia(parts, caller);
      const isWanted = (entry: ProgressEntry) => {
        const media = all || isUnfinished(entry) ? parts.media.get(entry.mediaId) : undefined;
        return media !== undefined && mayWatch(media);
      };
      const page = progress.list(caller.userId, { limit, cursor: cursor ?? null }, isWanted);
      const items = page.items.map(({ mediaId, progress: saved }) => ({
        mediaId,
        ...titleOf(requireMedia(parts, caller, mediaId), links),
        ...saved,
      }));
      return { status: 200, json: { items, nextCursor: page.nextCursor } };
    },
  });
}

const isUnfinished = ({ progress }: ProgressEntry): boolean => !progress.watched && progress.positionMs > 0;
const titleOf = (found: Media, links: PosterLinks) => ({ title: found.title, year: found.year, posterUrl: links.urlOf(found) });
