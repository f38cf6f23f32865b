// The log of security events, for administrators.
import Type from 'typebox';
import { AUDIT_EVENTS, type AuditEvent } from '#domain/access/audit.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { AuditTrail } from '#src/auth/accounts/audit-trail.ts';

const EventName = Type.Union(AUDIT_EVENTS.map(event => Type.Literal(event)));
const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const OrNull = <T extends ReturnType<typeof Type.String>>(schema: T) => Type.Union([schema, Type.Null()]);

const EventAnswer = Type.Object({
  atMs: Type.Integer(),
  event: EventName,
  /** Null: nobody who was signed in, or the server itself. */
  actor: Type.Union([Type.Object({ id: Type.String(), username: Type.String() }), Type.Null()]),
  subject: Type.Union([Type.Object({ kind: Type.String(), id: Type.String(), name: Type.String() }), Type.Null()]),
  address: OrNull(Type.String()),
  detail: OrNull(Type.String()),
});

const ListQuery = Type.Object({
  event: Type.Optional(EventName),
  userId: Type.Optional(Type.String({ maxLength: 40, description: 'Who did it, or to whom it was done' })),
  fromMs: Type.Optional(Time),
  toMs: Type.Optional(Time),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
});

export const auditRoute = (trail: AuditTrail): Route =>
  route({
    method: 'GET',
    path: '/api/v1/audit',
    auth: 'admin',
    summary: 'Security events, newest first. A page of a filter may have fewer than `limit`: the list ends where `nextCursor` is null',
    query: ListQuery,
    responses: { 200: Type.Object({ items: Type.Array(EventAnswer), nextCursor: OrNull(Type.String()) }) },
    handler: ({ query: { event, userId, fromMs, toMs, limit, cursor } }) => {
      const matches = (one: AuditEvent): boolean =>
        (event === undefined || one.event === event) &&
        (userId === undefined || one.actor?.id === userId || (one.subject?.kind === 'user' && one.subject.id === userId)) &&
        one.atMs >= (fromMs ?? 0) &&
        one.atMs <= (toMs ?? Number.MAX_SAFE_INTEGER);
      return { status: 200, headers: { 'Cache-Control': 'no-store' }, json: trail.list({ limit, cursor: cursor ?? null }, matches) };
    },
  });
