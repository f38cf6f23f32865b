// The control connection of a session: heartbeats, seek hints and statistics in; state, progress and revocation out.
import Type, { type Static } from 'typebox';
import { FerriteError, toErrorRecord } from '#domain/errors.ts';
import { parseSessionId } from '#domain/ids.ts';
import { type Socket, type SocketRoute, socketRoute } from '#http/contract/route.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { Standing } from '#src/playback/admission/admission.ts';
import type { LiveSession, SessionListener } from '#src/playback/session/live-session.ts';
import type { PlaybackSessions } from '#src/playback/session/sessions.ts';
import { OpenSockets } from './open-sockets.ts';
import { arrivedStream, heartbeatAnswer, ladderOf } from './session-answers.ts';
import { HeartbeatFields, SeekModeSchema, StatsSchema } from './session-schemas.ts';

const id = Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Integer()]));

const Message = Type.Union([
  Type.Object({ type: Type.Literal('heartbeat'), id, ...HeartbeatFields }),
  Type.Object({ type: Type.Literal('seek'), id, positionMs: HeartbeatFields.positionMs, mode: Type.Optional(SeekModeSchema) }),
  Type.Object({ type: Type.Literal('stop'), id }),
  Type.Object({ type: Type.Literal('stats'), id, ...StatsSchema.properties }),
  Type.Object({ type: Type.Literal('selectRung'), id, rung: Type.String({ maxLength: 40 }) }),
  Type.Object({ type: Type.Literal('ping'), id }),
]);
type Message = Static<typeof Message>;

const NORMAL_CLOSURE = 1000;

export type ControlOptions = {
  readonly sessions: PlaybackSessions;
  readonly tokens: StreamTokens;
  /** Of one user, over all sessions. */
  readonly maxPerUser: number;
  readonly stats: (session: LiveSession, stats: Record<string, unknown>) => void;
};

export function controlSocket({ sessions, tokens, stats, maxPerUser }: ControlOptions): SocketRoute {
  const open = new OpenSockets(maxPerUser);
  return socketRoute({
    path: '/api/v1/sessions/:sessionId/control',
    summary: 'Control of one session; `?token=` as in controlUrl',
    message: Message,
    authorize: async ({ params, query }) => {
      const decision = await tokens.decide(query('token'), Date.now());
      const sessionId = parseSessionId(params.sessionId ?? '');
      if (decision.sessionId !== sessionId) throw new FerriteError('UNAUTHENTICATED', 'the token is for another session');
      const session = sessions.ofUser(sessionId, decision.userId, false);
      open.refuseTooMany(session.record.userId);
      return session;
    },
    open: (socket, session: LiveSession) => {
      const listener = {
        send: (message: { readonly type: string }): void => void socket.send({ ...message, ...moreOf(message.type, session) }),
        close: (reason: string): void => socket.close(NORMAL_CLOSURE, reason),
      };
      const leave = open.enter(session.record, socket);
      session.attach(listener, performance.now());
      listener.send({ type: 'ladder' });
      tellTurn(listener, session, sessions.standing(session));
      return {
        message: message => void respond({ sessions, stats }, session, { socket, message }),
        close: () => {
          leave();
          session.detach(listener);
        },
      };
    },
  });
}

/** What the sessions' messages leave to this side: addresses, and how clients see a ladder. */
function moreOf(type: string, session: LiveSession): Record<string, unknown> {
  switch (type) {
    case 'state':
      return arrivedStream(session);
    case 'ladder':
      return ladderMessage(session);
    default:
      return {};
  }
}

/** `maxRung`: its player had better not go above it for now, for that reason; null: any rung. */
const ladderMessage = (session: LiveSession) => ({
  rungs: ladderOf(session),
  maxRung: session.ladderLimit?.rung ?? null,
  reason: session.ladderLimit?.reason ?? null,
});

/** The messages that a client missed before it connected. */
function tellTurn(listener: SessionListener, session: LiveSession, standing: Standing | null): void {
  if (standing) listener.send({ type: 'queue', ...standing });
  if (session.isQueued || session.arrivedToken !== null) listener.send({ type: 'state', state: session.shownState });
}

async function respond(
  { sessions, stats }: Pick<ControlOptions, 'sessions' | 'stats'>,
  session: LiveSession,
  { socket, message }: { socket: Socket; message: Message },
): Promise<void> {
  const echo = message.id === undefined ? {} : { id: message.id };
  try {
    const answer = await handle({ sessions, stats }, session, message);
    if (answer) socket.send({ ...answer, ...echo });
  } catch (error) {
    socket.send({ type: 'error', ...toErrorRecord(error), ...echo });
  }
}

async function handle(
  { sessions, stats }: Pick<ControlOptions, 'sessions' | 'stats'>,
  session: LiveSession,
  message: Message,
): Promise<({ type: string } & Record<string, unknown>) | null> {
  switch (message.type) {
    case 'heartbeat': {
      if (message.stats) stats(session, message.stats);
      const { positionMs, state, updatedAtMs, sentAtMs } = message;
      const kept = await sessions.heartbeat(session, { positionMs, state, updatedAtMs, sentAtMs });
      return { type: 'progress', positionMs, ...heartbeatAnswer(session, kept) };
    }
    case 'seek':
      return { type: 'segment', ...sessions.seek(session, message.positionMs, message.mode ?? session.record.seekMode) };
    case 'stop':
      await sessions.end(session.record.id, 'stopped');
      return null;
    case 'stats':
      stats(session, message);
      return null;
    case 'selectRung':
      sessions.selectRung(session, message.rung);
      return { type: 'ladder', ...ladderMessage(session), selected: message.rung };
    case 'ping':
      return { type: 'pong' };
  }
}
