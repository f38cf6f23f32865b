// Playback sessions over HTTP: start, list, look, heartbeat, seek, stop.

import Type, { type Static } from 'typebox';
import type { ClientHints } from '#domain/delivery/client-profile.ts';
import { acceptedLanguages } from '#domain/delivery/usual-audio-track.ts';
import { FerriteError } from '#domain/errors.ts';
import { parseMediaId, parseSessionId } from '#domain/ids.ts';
import { requireMedia, type Watching } from '#http/catalogue/parts.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Reply, type Route, route } from '#http/contract/route.ts';
import type { AuthService } from '#src/auth/auth.ts';
import type { LiveSession } from '#src/playback/session/live-session.ts';
import type { StartedSession, StartRequest } from '#src/playback/session/session-starts.ts';
import type { PlaybackSessions } from '#src/playback/session/sessions.ts';
import type { UserRepository } from '#storage/records/users.ts';
import { describe, describeOwn, heartbeatAnswer, queuedAnswer, startAnswer } from './session-answers.ts';
import {
  HeartbeatAnswer,
  HeartbeatFields,
  Position,
  QueuedAnswer,
  SeekAnswer,
  SeekModeSchema,
  SessionAnswer,
  StartAnswer,
  StartBody,
} from './session-schemas.ts';
import { stopByBeacon } from './session-stop.ts';

export type SessionRouteOptions = {
  readonly sessions: PlaybackSessions;
  readonly auth: AuthService;
  readonly users: UserRepository;
  readonly watching: Watching;
  /** Takes in a player's measurements. */
  readonly stats: (session: LiveSession, stats: Record<string, unknown>) => void;
};

export function sessionRoutes({ sessions, auth, users, watching, stats }: SessionRouteOptions): Route[] {
  const theirs = (id: string, request: Parameters<typeof requireCaller>[0]): LiveSession => {
    const caller = requireCaller(request);
    return sessions.ofUser(parseSessionId(id), caller.userId, caller.role === 'admin');
  };
  return [
    startRoute({ sessions, users, watching }),
    route({
      method: 'GET',
      path: '/api/v1/sessions',
      auth: 'user',
      summary: "The caller's open sessions; for administrators, everybody's",
      responses: { 200: Type.Object({ items: Type.Array(SessionAnswer), nextCursor: Type.Null() }) },
      handler: request => {
        const { userId, role } = requireCaller(request);
        const open = sessions.list(({ record }) => role === 'admin' || record.userId === userId);
        return { status: 200, json: { items: open.map(session => describe(session, sessions.standing(session))), nextCursor: null } };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/sessions/:sessionId',
      auth: 'user',
      summary: 'One open session',
      responses: { 200: SessionAnswer },
      handler: request => {
        const session = theirs(request.params.sessionId, request);
        const standing = sessions.standing(session);
        const isOwner = session.record.userId === requireCaller(request).userId;
        // A client that polls its position in the queue by HTTP has no other sign of life.
        if (isOwner && standing) session.seen(performance.now());
        return { status: 200, json: isOwner ? describeOwn(session, standing) : describe(session, standing) };
      },
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
        const { positionMs, state, updatedAtMs, sentAtMs } = request.body;
        if (request.body.stats) stats(session, request.body.stats);
        const kept = await sessions.heartbeat(session, { positionMs, state, updatedAtMs, sentAtMs });
        return { status: 200, json: heartbeatAnswer(session, kept) };
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

function startRoute({ sessions, users, watching }: Pick<SessionRouteOptions, 'sessions' | 'users' | 'watching'>): Route {
  return route({
    method: 'POST',
    path: '/api/v1/sessions',
    auth: 'user',
    summary:
      'Starts a playback session; waits in the admission queue when every transcoder is busy, or with `Prefer: respond-async` is answered at once',
    body: StartBody,
    responses: {
      201: StartAnswer,
      202: QueuedAnswer,
      404: 'no such media',
      422: 'it can not be delivered that way',
      429: 'the account has too many open sessions',
      503: 'the queue was too long',
    },
    handler: async request => {
      const { body, signal } = request;
      const caller = requireCaller(request);
      const owner = users.get(caller.userId);
      if (!owner) throw new FerriteError('UNAUTHENTICATED', 'the account is gone');
      const isAnsweredAtOnce = prefersAsync(request.header('prefer'));
      requireMedia(watching, caller, body.mediaId);
      const { maxSessions, maxBitrateBps } = watching.viewerOf(caller).limits;
      const start = { ...toStartRequest(body, { hints: hintsOf(request), isAnsweredAtOnce }), maxBitrateBps };
      return startReply(sessions, await sessions.start({ ...owner, maxSessions }, start, signal));
    },
  });
}

export const hintsOf = ({ header }: { readonly header: (name: string) => string }): ClientHints => ({
  userAgent: header('user-agent'),
  brands: header('sec-ch-ua'),
  languages: acceptedLanguages(header('accept-language')),
});

function toStartRequest(
  body: Static<typeof StartBody>,
  { hints, isAnsweredAtOnce }: { hints: ClientHints; isAnsweredAtOnce: boolean },
): StartRequest {
  return {
    mediaId: parseMediaId(body.mediaId),
    // Tracks are counted in one file.
    isExact: body.exact ?? (body.audioTrack !== undefined || body.subtitleTrack !== undefined),
    profile: body.client?.profile ?? null,
    hints,
    // Absent fields stay absent: they must not override the profile.
    capabilities: body.client?.capabilities ?? {},
    startPositionMs: body.startPositionMs ?? null,
    delivery: body.delivery ?? 'auto',
    seekMode: body.seekMode ?? 'keyframe',
    audioTrack: body.audioTrack ?? null,
    subtitleTrack: body.subtitleTrack ?? null,
    burnSubtitles: body.burnSubtitles ?? false,
    priority: body.priority ?? 'interactive',
    isAnsweredAtOnce,
  };
}

function startReply(sessions: PlaybackSessions, started: StartedSession): Reply {
  const { session } = started;
  const headers = { Location: `/api/v1/sessions/${session.record.id}` };
  if (!session.isQueued) return { status: 201, headers, json: startAnswer(started) };
  const json = queuedAnswer(started, sessions.standing(session));
  return { status: 202, headers: { ...headers, 'Preference-Applied': 'respond-async' }, json };
}

/** RFC 7240: a list of preferences, each with parameters that do not matter here. */
const prefersAsync = (header: string): boolean =>
  header.split(',').some(preference => preference.split(/[;=]/)[0]?.trim().toLowerCase() === 'respond-async');
