// How far the caller has come in one title. Only ever the caller's own.
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { parseMediaId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';
import { ProgressAnswer } from '#http/catalogue/item-answers.ts';
import { requireMedia } from '#http/catalogue/parts.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { ViewingParts } from './parts.ts';

const PATH = '/api/v1/media/:mediaId/progress';

const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const ClientTimeFields = {
  updatedAtMs: Type.Optional(
    Type.Integer({ ...Time, description: "When it was so, by the client's clock; absent: now. Never later than now" }),
  ),
  sentAtMs: Type.Optional(
    Type.Integer({ ...Time, description: 'What that clock says as this is sent: the difference is taken off `updatedAtMs`' }),
  ),
};

const ProgressUpdate = Type.Object({
  positionMs: Type.Optional(Time),
  durationMs: Type.Optional(Time),
  watched: Type.Optional(Type.Boolean()),
  ...ClientTimeFields,
});

export const progressRoutes = (parts: ViewingParts): Route[] => [getProgress(parts), putProgress(parts), deleteProgress(parts)];

function getProgress(parts: ViewingParts): Route {
  return route({
    method: 'GET',
    path: PATH,
    auth: 'user',
    summary: "The caller's progress, in whichever version was watched last; all zero before the first time",
    responses: { 200: ProgressAnswer, 404: 'MEDIA_NOT_FOUND' },
    handler: request => {
      const caller = requireCaller(request);
      const found = requireMedia(parts, caller, request.params.mediaId);
      const none: Progress = { positionMs: 0, durationMs: found.durationMs, watched: false, updatedAtMs: 0 };
      return { status: 200, json: parts.progress.ofItem(caller.userId, found)?.progress ?? none };
    },
  });
}

function putProgress(parts: ViewingParts): Route {
  return route({
    method: 'PUT',
    path: PATH,
    auth: 'user',
    summary: 'Saves how far the caller is, or with `watched` alone marks the title; answers what stands, which is the newer one',
    body: ProgressUpdate,
    responses: { 200: ProgressAnswer, 400: 'INVALID_REQUEST', 404: 'MEDIA_NOT_FOUND' },
    handler: async request => {
      const caller = requireCaller(request);
      const found = requireMedia(parts, caller, request.params.mediaId);
      const { positionMs, watched } = request.body;
      if (positionMs === undefined && watched === undefined)
        throw new FerriteError('INVALID_REQUEST', 'a position or a mark is needed', {
          fields: [{ path: '/positionMs', message: 'is required where `watched` is not told' }],
        });
      return { status: 200, json: await parts.progress.save(caller.userId, found, request.body) };
    },
  });
}

function deleteProgress({ progress }: ViewingParts): Route {
  return route({
    method: 'DELETE',
    path: PATH,
    auth: 'user',
    summary: 'Forgets how far the caller is, in all versions; also for a title that is gone',
    responses: { 204: 'forgotten' },
    handler: async request => {
      await progress.forget(requireCaller(request).userId, parseMediaId(request.params.mediaId));
      return { status: 204, empty: true };
    },
  });
}
