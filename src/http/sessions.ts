// Playback sessions over HTTP: start, list, look, heartbeat, seek, stop.
import Type from 'typebox';
import type { Capabilities } from '#domain/client-profile.ts';
import { FerriteError } from '#domain/errors.ts';
import { parseMediaId, parseSessionId, type SessionId } from '#domain/ids.ts';
import type { AuthService } from '#src/auth/auth.ts';
import { HEARTBEAT_INTERVAL_MS, type LiveSession } from '#src/playback/live-session.ts';
import type { PlaybackSessions, StartedSession } from '#src/playback/sessions.ts';
import type { UserRepository } from '#storage/users.ts';
import { requireCaller } from './caller.ts';
import { type Route, route } from './route.ts';
import { directFileName } from './streams.ts';

const Position = Type.Integer({ minimum: 0, maximum: 1_000 * 3_600_000 });
const Names = Type.Array(Type.String({ maxLength: 32 }), { maxItems: 64 });
const Pixels = Type.Integer({ minimum: 0, maximum: 65_535 });
const OneOf = <const T extends string>(...choices: T[]) => Type.Unsafe<T>(Type.Enum(choices));

export const PlaybackStateSchema = OneOf('playing', 'paused', 'buffering');
export const SeekModeSchema = OneOf('keyframe', 'precise');

const CapabilitiesSchema = Type.Object({
  containers: Type.Optional(Names),
  videoCodecs: Type.Optional(Names),
  audioCodecs: Type.Optional(Names),
  maxWidth: Type.Optional(Pixels),
  maxHeight: Type.Optional(Pixels),
  maxBandwidthBps: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000_000 })),
  hdr: Type.Optional(Names),
  hls: Type.Optional(OneOf('native', 'mse', 'none')),
});

const StartBody = Type.Object({
  mediaId: Type.String({ maxLength: 40 }),
  client: Type.Optional(
    Type.Object({
      profile: Type.Optional(OneOf('web-chrome', 'web-firefox', 'safari-macos', 'safari-ios', 'android', 'tvos', 'roku', 'generic')),
      capabilities: Type.Optional(CapabilitiesSchema),
    }),
  ),
  startPositionMs: Type.Optional(Position),
  delivery: Type.Optional(OneOf('auto', 'direct', 'remux', 'transcode')),
  seekMode: Type.Optional(SeekModeSchema),
  audioTrack: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
  subtitleTrack: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
  burnSubtitles: Type.Optional(Type.Boolean()),
  priority: Type.Optional(OneOf('interactive', 'background')),
});

/** A hundred days in milliseconds, ten gigabits: more than any player can mean. */
const MAX_STAT = 10_000_000_000;

/** Numbers a player measured since the session began; counts only grow. */
export const StatsSchema = Type.Object({
  ttffMs: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: MAX_STAT }), Type.Null()])),
  seekLatencyMs: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: MAX_STAT }), Type.Null()])),
  rebufferCount: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_STAT })),
  rebufferMs: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_STAT })),
  droppedFrames: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_STAT })),
  totalFrames: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_STAT })),
  bufferMs: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_STAT })),
  rung: Type.Optional(Type.Union([Type.String({ maxLength: 40 }), Type.Null()])),
  bandwidthBps: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: MAX_STAT }), Type.Null()])),
});

export const HeartbeatFields = {
  positionMs: Position,
  state: PlaybackStateSchema,
  playbackRate: Type.Optional(Type.Number({ minimum: 0, maximum: 16 })),
  stats: Type.Optional(StatsSchema),
};

const HeartbeatAnswer = Type.Object({ expiresAtMs: Type.Integer(), streamUrl: Type.Optional(Type.String()) });
const SeekAnswer = Type.Object({ positionMs: Type.Integer(), segment: Type.Integer() });
const SessionAnswer = Type.Object({
  sessionId: Type.String(),
  mediaId: Type.String(),
  userId: Type.String(),
  state: Type.String(),
  delivery: Type.String(),
  reasons: Type.Array(Type.String()),
  rung: Type.Union([Type.String(), Type.Null()]),
  positionMs: Type.Integer(),
  createdAtMs: Type.Integer(),
  expiresAtMs: Type.Integer(),
  encodes: Type.Array(Type.Unknown()),
});
const StartAnswer = Type.Object({
  sessionId: Type.String(),
  state: Type.String(),
  delivery: Type.String(),
  reasons: Type.Array(Type.String()),
  streamUrl: Type.String(),
  controlUrl: Type.String(),
  startPositionMs: Type.Integer(),
  durationMs: Type.Integer(),
  expiresAtMs: Type.Integer(),
  heartbeatIntervalMs: Type.Integer(),
  queueWaitMs: Type.Integer(),
  tracks: Type.Object({ video: Type.Array(Type.Unknown()), audio: Type.Array(Type.Unknown()), subtitles: Type.Array(Type.Unknown()) }),
  ladder: Type.Array(Type.Unknown()),
});

export type SessionRouteOptions = {
  readonly sessions: PlaybackSessions;
  readonly auth: AuthService;
  readonly users: UserRepository;
  /** Takes in what a player measured. */
  readonly stats: (session: LiveSession, stats: Record<string, unknown>) => void;
};

export function sessionRoutes({ sessions, auth, users, stats }: SessionRouteOptions): Route[] {
  const theirs = (id: string, request: Parameters<typeof requireCaller>[0]): LiveSession => {
    const caller = requireCaller(request);
    return sessions.ofUser(parseSessionId(id), caller.userId, caller.role === 'admin');
  };
  return [
    route({
      method: 'POST',
      path: '/api/v1/sessions',
      auth: 'user',
      summary: 'Starts a playback session; waits in the admission queue when every transcoder is busy',
      body: StartBody,
      responses: { 201: StartAnswer, 404: 'no such media', 422: 'it can not be delivered that way', 503: 'the queue was too long' },
      handler: async request => {
        const { body } = request;
        const userAgent = request.header('user-agent');
        const { signal } = request;
        const { userId } = requireCaller(request);
        requireNoSubtitles(body);
        const owner = users.get(userId);
        if (!owner) throw new FerriteError('UNAUTHENTICATED', 'the account is gone');
        const started = await sessions.start(
          owner,
          {
            mediaId: parseMediaId(body.mediaId),
            profile: body.client?.profile ?? null,
            userAgent,
            // Absent fields stay absent: they must not override the profile.
            capabilities: (body.client?.capabilities ?? {}) as Partial<Capabilities>,
            startPositionMs: body.startPositionMs ?? null,
            delivery: body.delivery ?? 'auto',
            seekMode: body.seekMode ?? 'keyframe',
            audioTrack: body.audioTrack ?? 0,
            priority: body.priority ?? 'interactive',
          },
          signal,
        );
        return { status: 201, headers: { Location: `/api/v1/sessions/${started.session.record.id}` }, json: startAnswer(started) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/sessions',
      auth: 'user',
      summary: "The caller's open sessions; for administrators, everybody's",
      responses: { 200: Type.Object({ items: Type.Array(SessionAnswer), nextCursor: Type.Null() }) },
      handler: request => {
        const { userId, role } = requireCaller(request);
        const open = sessions.list(({ record }) => role === 'admin' || record.userId === userId);
        return { status: 200, json: { items: open.map(describe), nextCursor: null } };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/sessions/:sessionId',
      auth: 'user',
      summary: 'One open session',
      responses: { 200: SessionAnswer },
      handler: request => ({ status: 200, json: describe(theirs(request.params.sessionId, request)) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/sessions/:sessionId/heartbeat',
      auth: 'user',
      summary: 'Keeps the session and saves the position',
      body: Type.Object(HeartbeatFields),
      responses: { 200: HeartbeatAnswer },
      handler: async request => {
        const session = theirs(request.params.sessionId, request);
        const { positionMs, state } = request.body;
        if (request.body.stats) stats(session, request.body.stats);
        return { status: 200, json: heartbeatAnswer(session, await sessions.heartbeat(session, { positionMs, state })) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/sessions/:sessionId/seek',
      auth: 'user',
      summary: 'A hint: the wanted segment is made before it is asked for',
      body: Type.Object({ positionMs: Position, mode: Type.Optional(SeekModeSchema) }),
      responses: { 200: SeekAnswer },
      handler: request => {
        const session = theirs(request.params.sessionId, request);
        const { positionMs, mode } = request.body;
        return { status: 200, json: sessions.seek(session, positionMs, mode ?? session.record.seekMode) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/sessions/:sessionId',
      auth: 'user',
      summary: 'Stops the session; stopping it again is no error',
      responses: { 204: 'stopped' },
      handler: async request => {
        const { userId, role } = requireCaller(request);
        const id = parseSessionId(request.params.sessionId);
        const session = sessions.find(id);
        if (session && (session.record.userId === userId || role === 'admin')) await sessions.end(id, 'stopped');
        return { status: 204, empty: true };
      },
    }),
    stopByBeacon(sessions, auth),
  ];
}

/** A page that is going away can send no headers: the session's own token stands in the query. */
function stopByBeacon(sessions: PlaybackSessions, auth: AuthService): Route {
  return route({
    method: 'POST',
    path: '/api/v1/sessions/:sessionId/stop',
    auth: 'none',
    summary: 'Stops the session; takes a beacon, with `?token=` in place of headers',
    query: Type.Object({ token: Type.Optional(Type.String({ maxLength: 4_096 })) }),
    body: Type.Optional(Type.Object({ positionMs: Type.Optional(Position) })),
    responses: { 204: 'stopped' },
    handler: async request => {
      const id = parseSessionId(request.params.sessionId);
      const bearer = request.header('authorization').replace(/^Bearer /i, '');
      const session = await authorized(sessions, auth, { id, token: request.query.token, bearer });
      if (!session) return { status: 204, empty: true };
      const positionMs = request.body?.positionMs;
      if (positionMs !== undefined) {
        session.positionMs = positionMs;
        await sessions.saveProgress(session, Date.now());
      }
      await sessions.end(id, 'stopped');
      return { status: 204, empty: true };
    },
  });
}

async function authorized(
  sessions: PlaybackSessions,
  auth: AuthService,
  { id, token, bearer }: { id: SessionId; token: string | undefined; bearer: string },
): Promise<LiveSession | undefined> {
  const session = sessions.find(id);
  if (token === undefined) {
    if (bearer === '') throw new FerriteError('UNAUTHENTICATED', 'send the session token as ?token= or a Bearer token');
    const caller = await auth.authenticate(bearer);
    return session && (session.record.userId === caller.userId || caller.role === 'admin') ? session : undefined;
  }
  // Stopped already: its token was refused from then on, and there is nothing left to protect.
  if (!session) return undefined;
  const decision = await auth.streamTokens.decide(token, Date.now());
  if (decision.sessionId !== id) throw new FerriteError('UNAUTHENTICATED', 'the token is for another session');
  return session;
}

function requireNoSubtitles({ subtitleTrack, burnSubtitles }: { subtitleTrack?: number; burnSubtitles?: boolean }): void {
  const fields = [
    ...(subtitleTrack === undefined ? [] : [{ path: '/subtitleTrack', message: 'subtitles can not be delivered yet' }]),
    ...(burnSubtitles === true ? [{ path: '/burnSubtitles', message: 'subtitles can not be burned in yet' }] : []),
  ];
  if (fields.length > 0) throw new FerriteError('INVALID_REQUEST', 'subtitles can not be delivered yet', { fields });
}

function startAnswer({ session, token, queueWaitMs }: StartedSession): Record<string, unknown> {
  const { record, media } = session;
  const { offer } = record;
  return {
    sessionId: record.id,
    state: 'ready',
    delivery: offer.delivery,
    reasons: offer.reasons,
    streamUrl: streamUrl(session, token),
    controlUrl: `/api/v1/sessions/${record.id}/control?token=${token}`,
    startPositionMs: record.startPositionMs,
    durationMs: media.durationMs,
    expiresAtMs: session.expiresAtMs,
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    queueWaitMs,
    tracks: media.streams,
    ladder: ladderOf(session),
  };
}

/** A stream URL that runs out is followed by another. */
export function heartbeatAnswer(session: LiveSession, { expiresAtMs, streamToken }: { expiresAtMs: number; streamToken?: string }) {
  return { expiresAtMs, ...(streamToken === undefined ? {} : { streamUrl: streamUrl(session, streamToken) }) };
}

const streamUrl = (session: LiveSession, token: string): string =>
  `/stream/${session.record.id}/${token}/${session.record.offer.delivery === 'direct' ? directFileName(session) : 'main.m3u8'}`;

export const ladderOf = ({ record }: LiveSession): Record<string, unknown>[] =>
  record.offer.video.map(({ rungId, width, height, bandwidthBps, codecs }) => ({ rung: rungId, width, height, bandwidthBps, codecs }));

function describe(session: LiveSession): Record<string, unknown> {
  const { record, status } = session;
  return {
    sessionId: record.id,
    mediaId: record.mediaId,
    userId: record.userId,
    state: status?.state ?? 'ready',
    delivery: record.offer.delivery,
    reasons: record.offer.reasons,
    rung: session.video?.rung ?? null,
    positionMs: session.positionMs,
    createdAtMs: record.createdAtMs,
    expiresAtMs: session.expiresAtMs,
    encodes: status?.encodes ?? [],
  };
}
