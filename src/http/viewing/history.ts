// What the caller has watched, and when.
import Type from 'typebox';
import { mayWatchMedia } from '#http/catalogue/parts.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { HistoryEntry } from '#storage/records/history.ts';
import type { ViewingParts } from './parts.ts';

const PATH = '/api/v1/me/history';

const OptionalText = Type.Union([Type.String(), Type.Null()]);
const OptionalWhole = Type.Union([Type.Integer(), Type.Null()]);

const Entry = Type.Object({
  mediaId: Type.String(),
  atMs: Type.Integer(),
  /** `watched`: to the end, or marked so; `played`: a part of it. */
  kind: Type.Union([Type.Literal('watched'), Type.Literal('played')]),
  positionMs: Type.Integer(),
  durationMs: Type.Integer(),
  /** As it was called then; of an episode its show's. */
  title: Type.String(),
  year: OptionalWhole,
  episode: Type.Union([Type.Object({ season: OptionalWhole, episodes: Type.Array(Type.Integer()), title: OptionalText }), Type.Null()]),
  /** False: the file is gone. */
  isThere: Type.Boolean(),
  posterUrl: OptionalText,
});

export const historyRoutes = (parts: ViewingParts): Route[] => [listHistory(parts), deleteHistory(parts)];

function listHistory(parts: ViewingParts): Route {
  return route({
    method: 'GET',
    path: PATH,
    auth: 'user',
    summary: 'What the caller has watched, newest first; the last ten thousand times are kept',
    query: Type.Object({
      limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
      cursor: Type.Optional(Type.String({ maxLength: 2000 })),
    }),
    responses: { 200: Type.Object({ items: Type.Array(Entry), nextCursor: OptionalText }) },
    handler: request => {
      const { limit, cursor } = request.query;
      const caller = requireCaller(request);
      const mayWatch = mayWatchMedia(parts, caller);
      const isShown = ({ mediaId }: HistoryEntry): boolean => {
        const media = parts.media.get(mediaId);
        return media === undefined || mayWatch(media);
      };
      const page = parts.progress.history(caller.userId, { limit, cursor: cursor ?? null }, isShown);
      return { status: 200, json: { items: page.items.map(entry => describe(entry, parts)), nextCursor: page.nextCursor } };
    },
  });
}

function describe(entry: HistoryEntry, { media, links }: ViewingParts) {
  const found = media.get(entry.mediaId);
  return { ...entry, isThere: found !== undefined, posterUrl: found === undefined ? null : links.urlOf(found) };
}

function deleteHistory({ progress }: ViewingParts): Route {
  return route({
    method: 'DELETE',
    path: PATH,
    auth: 'user',
    summary: 'Forgets what the caller has watched; how far the caller is in what stays',
    responses: { 204: 'forgotten' },
    handler: async request => {
      await progress.forgetHistory(requireCaller(request).userId);
      return { status: 204, empty: true };
    },
  });
}
