// A season or a whole show marked as watched, or as not begun.
import Type from 'typebox';
import { mayWatch } from '#domain/access/limits.ts';
import { FerriteError } from '#domain/errors.ts';
import { requireShow } from '#http/catalogue/shows.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { Item } from '#library/items/items.ts';
import type { ViewingParts } from './parts.ts';
import { ClientTimeFields } from './progress.ts';

const Mark = Type.Object({ watched: Type.Boolean(), ...ClientTimeFields });
const Marked = Type.Object({ episodes: Type.Integer(), changed: Type.Integer() });
const SPECIALS = 0;
const MAX_SEASON = 100_000;

export const markRoutes = (parts: ViewingParts): Route[] => [markShow(parts), markSeason(parts)];

function markShow(parts: ViewingParts): Route {
  return route({
    method: 'PUT',
    path: '/api/v1/shows/:showId/watched',
    auth: 'user',
    summary: 'Marks all episodes of a show but its specials as watched; or, with them, as not begun',
    body: Mark,
    responses: { 200: Marked, 404: 'SHOW_NOT_FOUND' },
    handler: async request => {
      const show = requireShow(parts, requireCaller(request), request.params.showId);
      const { watched } = request.body;
      const episodes = parts.index.episodesOf(show.id).filter(({ place }) => !watched || place.season !== SPECIALS);
      return { status: 200, json: await mark(parts, request, episodes) };
    },
  });
}

function markSeason(parts: ViewingParts): Route {
  return route({
    method: 'PUT',
    path: '/api/v1/shows/:showId/seasons/:season/watched',
    auth: 'user',
    summary: 'Marks all episodes of a season as watched, or as not begun; season 0: the specials',
    body: Mark,
    responses: { 200: Marked, 400: 'INVALID_REQUEST', 404: 'SHOW_NOT_FOUND, SEASON_NOT_FOUND' },
    handler: async request => {
      const show = requireShow(parts, requireCaller(request), request.params.showId);
      const season = parseSeason(request.params.season);
      const episodes = parts.index.episodesOf(show.id).filter(({ place }) => place.season === season);
      if (episodes.length === 0) throw new FerriteError('SEASON_NOT_FOUND', 'the show has no such season');
      return { status: 200, json: await mark(parts, request, episodes) };
    },
  });
}

type MarkRequest = Parameters<typeof requireCaller>[0] & {
  readonly body: { readonly watched: boolean; readonly updatedAtMs?: number; readonly sentAtMs?: number };
};

async function mark({ media, progress, viewerOf }: ViewingParts, request: MarkRequest, episodes: readonly Item[]) {
  const caller = requireCaller(request);
  const viewer = viewerOf(caller);
  const files = episodes.filter(item => mayWatch(viewer, item)).flatMap(({ id }) => media.get(id) ?? []);
  return { episodes: files.length, changed: await progress.mark(caller.userId, files, request.body) };
}

function parseSeason(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) > MAX_SEASON) throw new FerriteError('INVALID_REQUEST', 'a season is a whole number');
  return Number(text);
}
