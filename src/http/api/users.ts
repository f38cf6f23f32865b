// The accounts, for administrators.
import Type from 'typebox';
import { parseUserId } from '#domain/ids.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { AuthService } from '#src/auth/auth.ts';
import { PASSWORD_RULE, USERNAME_RULE } from '#src/auth/credentials.ts';

const NO_STORE = { 'Cache-Control': 'no-store' };

const Role = Type.Union([Type.Literal('admin'), Type.Literal('viewer')]);

export const PublicUserSchema = Type.Object({
  id: Type.String(),
  username: Type.String(),
  role: Role,
  enabled: Type.Boolean(),
  createdAtMs: Type.Integer(),
});

const NewUser = Type.Object({
  username: Type.String(USERNAME_RULE),
  password: Type.Optional(Type.String({ ...PASSWORD_RULE, description: 'Absent: the user can only sign in through another issuer' })),
  role: Type.Union(Role.anyOf, { default: 'viewer' }),
  enabled: Type.Boolean({ default: true }),
});
const UserChanges = Type.Object({
  username: Type.Optional(Type.String(USERNAME_RULE)),
  password: Type.Optional(Type.String(PASSWORD_RULE)),
  role: Type.Optional(Role),
  enabled: Type.Optional(Type.Boolean()),
});
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 2000 })),
});
const UserPage = Type.Object({ items: Type.Array(PublicUserSchema), nextCursor: Type.Union([Type.String(), Type.Null()]) });

export const userRoutes = (auth: AuthService): Route[] => [
  listUsers(auth),
  postUser(auth),
  getUser(auth),
  patchUser(auth),
  deleteUser(auth),
];

const listUsers = ({ users }: AuthService): Route =>
  route({
    method: 'GET',
    path: '/api/v1/users',
    auth: 'admin',
    summary: 'The users, by name',
    query: ListQuery,
    responses: { 200: UserPage },
    handler: ({ query }) => ({ status: 200, headers: NO_STORE, json: users.list({ limit: query.limit, cursor: query.cursor ?? null }) }),
  });

const postUser = ({ users }: AuthService): Route =>
  route({
    method: 'POST',
    path: '/api/v1/users',
    auth: 'admin',
    summary: 'Make a user',
    body: NewUser,
    responses: { 201: PublicUserSchema, 409: 'The name is taken' },
    handler: async ({ body }) => ({ status: 201, headers: NO_STORE, json: await users.create(body) }),
  });

const getUser = ({ users }: AuthService): Route =>
  route({
    method: 'GET',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary: 'One user',
    responses: { 200: PublicUserSchema },
    handler: ({ params }) => ({ status: 200, headers: NO_STORE, json: users.get(parseUserId(params.userId)) }),
  });

const patchUser = ({ users }: AuthService): Route =>
  route({
    method: 'PATCH',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary: 'Change a user. Another role or password, or a disabled account, ends every login and stream URL of the user at once',
    body: UserChanges,
    responses: { 200: PublicUserSchema, 409: 'The name is taken, or this is the last enabled administrator' },
    handler: async ({ params, body }) => ({ status: 200, headers: NO_STORE, json: await users.update(parseUserId(params.userId), body) }),
  });

const deleteUser = ({ users }: AuthService): Route =>
  route({
    method: 'DELETE',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary: 'Remove a user with everything saved for them',
    responses: { 204: 'Removed', 409: 'This is the last enabled administrator' },
    handler: async ({ params }) => {
      await users.remove(parseUserId(params.userId));
      return { status: 204, empty: true };
    },
  });
