// What the caller may go on with: begun films and episodes, and the next episodes of shows.
import Type from 'typebox';
import { mayWatch } from '#domain/access/limits.ts';
import { parseMediaId } from '#domain/ids.ts';
import type { Caller } from '#domain/media.ts';
import { describeId, describeMedia, MediaItem, ProgressAnswer } from '#http/catalogue/item-answers.ts';
import { mayWatchMedia } from '#http/catalogue/parts.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { ItemEntry } from '#src/progress/saved-progress.ts';
import { upNext } from '#src/progress/up-next.ts';
import type { ViewingParts } from './parts.ts';

const Page = {
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
};
const ListQuery = Type.Object({
  all: Type.Boolean({ default: false, description: 'Also what is finished, hidden, or hardly begun' }),
  ...Page,
});

const { title, year, posterUrl, kind, show, season, episodes } = MediaItem.properties;
const ProgressItem = Type.Intersect([
  ProgressAnswer,
  Type.Object({ mediaId: Type.String(), title, year, posterUrl, kind, show, season, episodes }),
]);

export const continueRoutes = (parts: ViewingParts): Route[] => [listProgress(parts), hideEntry(parts), listUpNext(parts)];

function listProgress(parts: ViewingParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/me/progress',
    auth: 'user',
    summary: 'What the caller has begun and not finished, newest first, one entry a film; with `all`, everything that was watched',
    query: ListQuery,
    responses: { 200: Type.Object({ items: Type.Array(ProgressItem), nextCursor: Type.Union([Type.String(), Type.Null()]) }) },
    handler: request => {
      const caller = requireCaller(request);
      const { all, limit, cursor } = request.query;
      const page = parts.progress.list(caller.userId, { limit, cursor: cursor ?? null }, { all, isShown: mayWatchMedia(parts, caller) });
      return { status: 200, json: { items: page.items.map(entry => itemOf(entry, caller, parts)), nextCursor: page.nextCursor } };
    },
  });
}

function itemOf({ media, mediaId, progress }: ItemEntry, caller: Caller, parts: ViewingParts) {
  const described = describeMedia(media, caller, parts);
  const item = { title: described.title, year: described.year, posterUrl: described.posterUrl, kind: described.kind };
  return { mediaId, ...item, show: described.show, season: described.season, episodes: described.episodes, ...progress };
}

function hideEntry({ progress }: ViewingParts): Route {
  return route({
    method: 'DELETE',
    path: '/api/v1/me/continue/:mediaId',
    auth: 'user',
    summary: 'Takes a title off what is to be continued, until it is watched again; how far the caller is stays',
    responses: { 204: 'hidden' },
    handler: async request => {
      await progress.hide(requireCaller(request).userId, parseMediaId(request.params.mediaId));
      return { status: 204, empty: true };
    },
  });
}

function listUpNext(parts: ViewingParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/me/up-next',
    auth: 'user',
    summary: 'The episode after the last watched one of each show that the caller watches, that of the last watched show first',
    query: Type.Object({ limit: Page.limit }),
    responses: {
      200: Type.Object({
        items: Type.Array(Type.Intersect([MediaItem, Type.Object({ lastWatchedAtMs: Type.Integer() })])),
        nextCursor: Type.Null(),
      }),
    },
    handler: request => {
      const caller = requireCaller(request);
      const { progress, index } = parts;
      const viewer = parts.viewerOf(caller);
      const next = upNext(
        {
          recent: progress.recent(caller.userId),
          showOf: id => index.itemOf(id)?.showId ?? null,
          episodesOf: id => index.episodesOf(id).filter(item => mayWatch(viewer, item)),
          progressOf: id => progress.get(caller.userId, id),
        },
        request.query.limit,
      );
      const items = next.flatMap(({ episode, lastWatchedAtMs }) =>
        describeId(episode.id, caller, parts).map(item => ({ ...item, lastWatchedAtMs })),
      );
      return { status: 200, json: { items, nextCursor: null } };
    },
  });
}
