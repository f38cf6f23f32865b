// What of a film may be passed over: its intro, its recap, its credits.
import Type from 'typebox';
import { chapterMarkers } from '#domain/markers/chapter-markers.ts';
import { MARKER_KINDS, type Marker, mergedMarkers } from '#domain/markers/marker.ts';
import type { Media } from '#domain/media.ts';
import { requireMedia, type Watching } from '#http/catalogue/parts.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { MarkerRepository } from '#storage/records/derived/markers.ts';

const MarkerAnswer = Type.Object({
  kind: Type.Union(MARKER_KINDS.map(kind => Type.Literal(kind))),
  startMs: Type.Integer(),
  endMs: Type.Integer(),
  source: Type.Union([Type.Literal('chapters'), Type.Literal('fingerprint')]),
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
});

export function markerRoute(watching: Watching, markers: Pick<MarkerRepository, 'get'>): Route {
  return route({
    method: 'GET',
    path: '/api/v1/media/:mediaId/segments',
    auth: 'user',
    summary: 'Intro, recap and credits of one file, where they are known: to be skipped',
    responses: { 200: Type.Object({ items: Type.Array(MarkerAnswer) }), 404: 'MEDIA_NOT_FOUND' },
    handler: request => {
      const media = requireMedia(watching, requireCaller(request), request.params.mediaId);
      return { status: 200, json: { items: markersOf(media, markers) } };
    },
  });
}

/** What was heard in an earlier version of the file says nothing of this one. */
function markersOf({ id, version, chapters, durationMs }: Media, markers: Pick<MarkerRepository, 'get'>): Marker[] {
  const heard = markers.get(id);
  return mergedMarkers(chapterMarkers(chapters, durationMs), heard?.version === version ? heard.markers : []);
}
