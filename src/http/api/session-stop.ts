// Ending a session from a page that is going away: it can send no headers.
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { parseSessionId, type SessionId } from '#domain/ids.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { AuthService } from '#src/auth/auth.ts';
import type { LiveSession } from '#src/playback/session/live-session.ts';
import type { PlaybackSessions } from '#src/playback/session/sessions.ts';
import { Position } from './session-schemas.ts';

/** The session's own token stands in the query. */
export function stopByBeacon(sessions: PlaybackSessions, auth: AuthService): Route {
  return route({
    method: 'POST',
    path: '/api/v1/sessions/:sessionId/stop',
    auth: 'none',
    takesBeacon: true,
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
        await sessions.saveProgress(session);
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
