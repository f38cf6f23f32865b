// The accounts, for administrators.
import Type from 'typebox';
import { type GroupId, parseUserId } from '#domain/ids.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { PublicUser, UserChanges } from '#src/auth/accounts/user-administration.ts';
import type { AuthService } from '#src/auth/auth.ts';
import { PASSWORD_RULE, USERNAME_RULE } from '#src/auth/credentials.ts';
import { LimitsSchema, OwnLimitsSchema } from './limit-schemas.ts';
import { type RequestAudit, userSubject } from './request-audit.ts';

const NO_STORE = { 'Cache-Control': 'no-store' };

const Role = Type.Union([Type.Literal('admin'), Type.Literal('viewer')]);
const GroupIdOrNone = Type.Union([Type.Unsafe<GroupId>(Type.String({ maxLength: 40 })), Type.Null()]);

const userFields = {
  id: Type.String(),
  username: Type.String(),
  role: Role,
  enabled: Type.Boolean(),
  createdAtMs: Type.Integer(),
  groupId: Type.Union([Type.String(), Type.Null()]),
  limits: OwnLimitsSchema,
  hasPassword: Type.Boolean(),
};
export const PublicUserSchema = Type.Object(userFields);
/** With the limits that hold: the user's own, and the group's for the rest. */
export const UserAnswer = Type.Object({ ...userFields, effectiveLimits: LimitsSchema });

const NewUser = Type.Object({
  username: Type.String(USERNAME_RULE),
  password: Type.Optional(Type.String({ ...PASSWORD_RULE, description: 'Absent: the user can only sign in through another issuer' })),
  role: Type.Union(Role.anyOf, { default: 'viewer' }),
  enabled: Type.Boolean({ default: true }),
  groupId: Type.Optional(GroupIdOrNone),
  limits: Type.Optional(OwnLimitsSchema),
});
const Changes = Type.Object({
  username: Type.Optional(Type.String(USERNAME_RULE)),
  password: Type.Optional(Type.String(PASSWORD_RULE)),
  role: Type.Optional(Role),
  enabled: Type.Optional(Type.Boolean()),
  groupId: Type.Optional(GroupIdOrNone),
  limits: Type.Optional(OwnLimitsSchema),
});
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
});
const UserPage = Type.Object({ items: Type.Array(UserAnswer), nextCursor: Type.Union([Type.String(), Type.Null()]) });

export const userRoutes = (auth: AuthService, audit: RequestAudit): Route[] => [
  listUsers(auth),
  postUser(auth, audit),
  getUser(auth),
  patchUser(auth, audit),
  deleteUser(auth, audit),
];

export const describeUser = ({ viewers }: AuthService, user: PublicUser) => ({ ...user, effectiveLimits: viewers.limitsOf(user) });

const listUsers = (auth: AuthService): Route =>
  route({
    method: 'GET',
    path: '/api/v1/users',
    auth: 'admin',
    summary: 'The users, by name',
    query: ListQuery,
    responses: { 200: UserPage },
    handler: ({ query }) => {
      const { items, nextCursor } = auth.users.list({ limit: query.limit, cursor: query.cursor ?? null });
      return { status: 200, headers: NO_STORE, json: { items: items.map(user => describeUser(auth, user)), nextCursor } };
    },
  });

const postUser = (auth: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'POST',
    path: '/api/v1/users',
    auth: 'admin',
    summary: 'Make a user',
    body: NewUser,
    responses: { 201: UserAnswer, 409: 'The name is taken' },
    handler: async request => {
      const user = await auth.users.create(request.body);
      await audit.note(request, 'user-added', { subject: userSubject(user), detail: `role ${user.role}` });
      return { status: 201, headers: NO_STORE, json: describeUser(auth, user) };
    },
  });

const getUser = (auth: AuthService): Route =>
  route({
    method: 'GET',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary: 'One user',
    responses: { 200: UserAnswer },
    handler: ({ params }) => ({ status: 200, headers: NO_STORE, json: describeUser(auth, auth.users.get(parseUserId(params.userId))) }),
  });

const patchUser = (auth: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'PATCH',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary:
      'Change a user. Another role or password, or a disabled account, ends every login and stream URL of the user at once; other limits end the sessions of titles that the user may not watch any more',
    body: Changes,
    responses: { 200: UserAnswer, 409: 'The name is taken, or this is the last enabled administrator' },
    handler: async request => {
      const before = auth.users.get(parseUserId(request.params.userId));
      const after = await auth.users.update(before.id, request.body);
      await noteChanges(request.body, { before, after }, (event, detail) =>
        audit.note(request, event, { subject: userSubject(after), ...(detail === '' ? {} : { detail }) }),
      );
      return { status: 200, headers: NO_STORE, json: describeUser(auth, after) };
    },
  });

const deleteUser = (auth: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'DELETE',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary: 'Remove a user with everything saved for them',
    responses: { 204: 'Removed', 409: 'This is the last enabled administrator' },
    handler: async request => {
      const user = auth.users.get(parseUserId(request.params.userId));
      await auth.users.remove(user.id);
      await audit.note(request, 'user-removed', { subject: userSubject(user) });
      return { status: 204, empty: true };
    },
  });

type Change = { readonly before: PublicUser; readonly after: PublicUser };

/** Each kind of change is an event of its own; what is sent and was so before is none. */
async function noteChanges(
  sent: UserChanges,
  { before, after }: Change,
  note: (event: 'user-changed' | 'password-changed' | 'limits-changed', detail: string) => Promise<void>,
): Promise<void> {
  const changed = (['username', 'role', 'enabled'] as const).filter(field => before[field] !== after[field]);
  if (changed.length > 0)
    await note('user-changed', changed.map(field => `${field}: ${String(before[field])} → ${String(after[field])}`).join(', '));
  if (sent.password !== undefined) await note('password-changed', 'by an administrator');
  const limits = [
    ...(before.groupId === after.groupId ? [] : ['groupId']),
    ...Object.keys({ ...before.limits, ...after.limits }).filter(name => isOther(before.limits, after.limits, name)),
  ];
  if (limits.length > 0) await note('limits-changed', limits.join(', '));
}

const isOther = (one: object, other: object, name: string): boolean =>
  JSON.stringify(Reflect.get(one, name)) !== JSON.stringify(Reflect.get(other, name));
