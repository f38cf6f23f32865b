// What a client would be given of a title, per track and with the reasons: the decision of a session start, without a session.
import Type from 'typebox';
import { CapabilityFields, ProfileSchema } from '#http/api/session-schemas.ts';
import { hintsOf } from '#http/api/sessions.ts';
import { requireMedia, type Watching } from '#http/catalogue/parts.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { PlaybackSessions } from '#src/playback/session/sessions.ts';

const Reasons = Type.Array(Type.String());
const Rendition = Type.Object({
  path: Type.String(),
  action: Type.String(),
  codecs: Type.String(),
  bandwidthBps: Type.Integer(),
  width: Type.Optional(Type.Integer()),
  height: Type.Optional(Type.Integer()),
  channels: Type.Optional(Type.Integer()),
});

const DecisionAnswer = Type.Object({
  delivery: Type.String(),
  reasons: Reasons,
  client: Type.Object({
    profile: Type.String(),
    capabilities: Type.Record(Type.String(), Type.Unknown()),
    /** Of each capability: `said` in the query, or by the row of a profile that was named or recognised. */
    sources: Type.Record(Type.String(), Type.String()),
  }),
  tracks: Type.Array(
    Type.Object({
      kind: Type.String(),
      track: Type.Integer(),
      isSelected: Type.Boolean(),
      codec: Type.String(),
      action: Type.String(),
      reasons: Reasons,
      renditions: Type.Array(Rendition),
    }),
  ),
});

const DecisionQuery = Type.Object({
  profile: Type.Optional(ProfileSchema),
  ...CapabilityFields,
  delivery: Type.Optional(Type.Unsafe<'auto' | 'direct' | 'remux' | 'transcode'>(Type.Enum(['auto', 'direct', 'remux', 'transcode']))),
  audioTrack: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
});

export function decisionRoute({ sessions, watching }: { readonly sessions: PlaybackSessions; readonly watching: Watching }): Route {
  return route({
    method: 'GET',
    path: '/api/v1/media/:mediaId/decision',
    auth: 'user',
    summary:
      'What would be delivered to this client, per track, with reasons; takes the capabilities of a session start, lists as repeated names',
    query: DecisionQuery,
    responses: { 200: DecisionAnswer, 404: 'no such media', 422: 'it can not be delivered that way' },
    handler: request => {
      const { profile = null, delivery = 'auto', audioTrack = null, ...capabilities } = request.query;
      const caller = requireCaller(request);
      const { id: mediaId } = requireMedia(watching, caller, request.params.mediaId);
      const { maxBitrateBps } = watching.viewerOf(caller).limits;
      const decision = sessions.decide({ mediaId, maxBitrateBps, profile, delivery, audioTrack, capabilities, hints: hintsOf(request) });
      const { offer, tracks, client } = decision;
      return { status: 200, json: { delivery: offer.delivery, reasons: offer.reasons, client, tracks } };
    },
  });
}
