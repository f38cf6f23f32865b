import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_LIMITS } from '#domain/access/limits.ts';
import { ADMIN, said, startDoor, startWithUsers } from './support.ts';

test('setup: tells whether it is required, makes the administrator once, then answers 409', async t => {
  const { call } = await startDoor(t);
  assert.deepEqual((await call('GET', '/api/v1/setup')).body, { required: true, codeRequired: false });
  const made = await call('POST', '/api/v1/setup', { body: ADMIN });
  assert.equal(made.status, 201);
  const user = { id: '', username: 'Root', role: 'admin', enabled: true, createdAtMs: 0, groupId: null, limits: {}, hasPassword: true };
  assert.deepEqual({ ...made.body, id: '', createdAtMs: 0 }, user);
  assert.deepEqual((await call('GET', '/api/v1/setup')).body, { required: false, codeRequired: false });
  const second = await call('POST', '/api/v1/setup', { body: { ...ADMIN, username: 'other' } });
  assert.deepEqual([second.status, second.body.code], [409, 'SETUP_DONE']);
});

test('setup: a bad name and a bad password are both named', async t => {
  const { call } = await startDoor(t);
  const { status, body } = await call('POST', '/api/v1/setup', { body: { username: 'a b', password: 'short' } });
  assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST']);
  assert.ok(Array.isArray(body.errors));
  assert.deepEqual(body.errors.map(error => error.path).sort(), ['/password', '/username']);
});

test('login: answers the tokens of api.md, for nobody to cache', async t => {
  const { call } = await startDoor(t);
  await call('POST', '/api/v1/setup', { body: { username: 'Zoë', password: 'correct horse' } });
  const { status, headers, body } = await call('POST', '/api/v1/auth/login', { body: { username: 'ZOË', password: 'correct horse' } });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body).sort(), ['accessToken', 'expiresInMs', 'refreshToken', 'tokenType', 'user']);
  assert.deepEqual([body.tokenType, body.expiresInMs], ['Bearer', 900_000]);
  assert.equal(headers.get('cache-control'), 'no-store');
  const me = await call('GET', '/api/v1/me', { token: String(body.accessToken) });
  const { effectiveLimits, ...user } = me.body;
  assert.deepEqual([user, effectiveLimits], [body.user, NO_LIMITS]);
});

test('login: the same refusal for every mistake, then 429 with the wait', async t => {
  const { call } = await startDoor(t);
  await call('POST', '/api/v1/setup', { body: ADMIN });
  const wrong = { ...ADMIN, password: 'wrong' };
  const first = await call('POST', '/api/v1/auth/login', { body: wrong });
  const unknown = await call('POST', '/api/v1/auth/login', { body: { username: 'nobody', password: 'x' } });
  assert.deepEqual([first.status, first.body.code], [401, 'INVALID_CREDENTIALS']);
  assert.deepEqual(unknown.body, first.body);
  for (let round = 0; round < 9; round++) await call('POST', '/api/v1/auth/login', { body: wrong });
  const stopped = await call('POST', '/api/v1/auth/login', { body: ADMIN });
  assert.deepEqual([stopped.status, stopped.body.code], [429, 'TOO_MANY_REQUESTS']);
  assert.ok(Number(stopped.headers.get('retry-after')) >= 1);
});

test('refresh: gives the same answer as a login, once', async t => {
  const { call, admin } = await startWithUsers(t);
  const again = await call('POST', '/api/v1/auth/refresh', { body: { refreshToken: admin.refreshToken } });
  assert.equal(again.status, 200);
  assert.deepEqual(Object.keys(again.body).sort(), ['accessToken', 'expiresInMs', 'refreshToken', 'tokenType', 'user']);
  const reused = await call('POST', '/api/v1/auth/refresh', { body: { refreshToken: admin.refreshToken } });
  assert.deepEqual([reused.status, reused.body.code], [401, 'TOKEN_REVOKED']);
});

test('logout: without a body ends this login; with everywhere all of them', async t => {
  const { call, admin } = await startWithUsers(t);
  const logins = await Promise.all([1, 2].map(() => call('POST', '/api/v1/auth/login', { body: ADMIN })));
  const [one = '', two = ''] = logins.map(login => String(login.body.accessToken));
  assert.equal((await call('POST', '/api/v1/auth/logout', { token: admin.token })).status, 204);
  assert.equal((await call('GET', '/api/v1/me', { token: admin.token })).body.code, 'TOKEN_REVOKED');
  assert.equal((await call('GET', '/api/v1/me', { token: one })).status, 200);
  assert.equal((await call('POST', '/api/v1/auth/logout', { token: one, body: { everywhere: true } })).status, 204);
  assert.equal((await call('GET', '/api/v1/me', { token: two })).body.code, 'TOKEN_REVOKED');
  assert.equal((await call('POST', '/api/v1/auth/logout')).status, 401);
});

test('keys: are published without a token', async t => {
  const { call } = await startDoor(t);
  const { status, body } = await call('GET', '/.well-known/jwks.json');
  assert.equal(status, 200);
  assert.ok(Array.isArray(body.keys) && body.keys.length === 1 && !('d' in body.keys[0]));
});

test('users: an administrator makes, lists, reads, changes and removes them', async t => {
  const { call, admin, viewer } = await startWithUsers(t);
  const { token } = admin;
  const list = await call('GET', '/api/v1/users?limit=1', { token });
  assert.ok(Array.isArray(list.body.items));
  assert.deepEqual(
    list.body.items.map(user => user.username),
    ['Root'],
  );
  const rest = await call('GET', `/api/v1/users?limit=1&cursor=${list.body.nextCursor}`, { token });
  assert.ok(Array.isArray(rest.body.items));
  assert.deepEqual([rest.body.items[0]?.username, rest.body.nextCursor], ['viewer', null]);
  const path = `/api/v1/users/${viewer.id}`;
  assert.deepEqual((await call('GET', path, { token })).body, rest.body.items[0]);
  assert.equal((await call('PATCH', path, { token, body: { enabled: false } })).body.enabled, false);
  assert.equal((await call('GET', '/api/v1/me', { token: viewer.token })).body.code, 'TOKEN_REVOKED');
  assert.equal((await call('DELETE', path, { token })).status, 204);
  assert.equal((await call('GET', path, { token })).body.code, 'USER_NOT_FOUND');
});

test('users: a taken name is 409, a bad one 400, and so is the last administrator', async t => {
  const { call, world, admin } = await startWithUsers(t);
  const { token } = admin;
  assert.equal((await call('POST', '/api/v1/users', { token, body: { username: 'VIEWER', password: 'popcorn time' } })).status, 409);
  assert.equal((await call('POST', '/api/v1/users', { token, body: { username: 'x y' } })).status, 400);
  assert.equal((await call('POST', '/api/v1/users', { token, body: { username: 'x', role: 'owner' } })).status, 400);
  const root = world.database.users.findByUsername('root');
  assert.equal((await call('DELETE', `/api/v1/users/${root?.id}`, { token })).body.code, 'CONFLICT');
  assert.equal((await call('PATCH', `/api/v1/users/${root?.id}`, { token, body: { role: 'viewer' } })).body.code, 'CONFLICT');
});

test('users: are no business of a viewer, nor of somebody unknown', async t => {
  const { call, viewer } = await startWithUsers(t);
  for (const [method, path] of [
    ['GET', '/api/v1/users'],
    ['POST', '/api/v1/users'],
    ['GET', `/api/v1/users/${viewer.id}`],
    ['PATCH', `/api/v1/users/${viewer.id}`],
    ['DELETE', `/api/v1/users/${viewer.id}`],
  ] as const) {
    const body = method === 'POST' || method === 'PATCH' ? { body: { username: 'evil', role: 'admin' } } : {};
    assert.equal((await call(method, path, { ...body, token: viewer.token })).status, 403, `${method} as a viewer`);
    assert.equal((await call(method, path, body)).status, 401, `${method} as nobody`);
  }
});

test('me: the own password can be changed with the old one', async t => {
  const { call, viewer } = await startWithUsers(t);
  const change = (currentPassword: string) =>
    call('PUT', '/api/v1/me/password', { token: viewer.token, body: { currentPassword, password: 'another time' } });
  assert.equal((await change('wrong')).body.code, 'INVALID_CREDENTIALS');
  const changed = await change('popcorn time');
  assert.equal(changed.status, 200);
  assert.equal((await call('GET', '/api/v1/me', { token: String(changed.body.accessToken) })).status, 200);
  assert.equal((await call('GET', '/api/v1/me', { token: viewer.token })).status, 401);
});

test('secrets: no hash, password or token in an answer that is not a login, or in the log', async t => {
  said.length = 0;
  const { call, world, admin, viewer } = await startWithUsers(t);
  const answers = [
    await call('GET', '/api/v1/users', { token: admin.token }),
    await call('GET', `/api/v1/users/${viewer.id}`, { token: admin.token }),
    await call('PATCH', `/api/v1/users/${viewer.id}`, { token: admin.token, body: { password: 'popcorn time' } }),
    await call('GET', '/api/v1/me', { token: admin.token }),
    await call('GET', '/api/v1/me', { token: `${admin.token}x` }),
    await call('POST', '/api/v1/auth/login', { body: { ...ADMIN, password: 'popcorn time' } }),
    await call('POST', '/api/v1/auth/login', { body: { username: 7, password: 'popcorn time' } }),
    await call('POST', '/api/v1/auth/refresh', { body: { refreshToken: `${admin.refreshToken}x` } }),
  ];
  const shown = JSON.stringify(answers.map(answer => answer.body)) + said.join();
  const hash = world.database.users.findByUsername('root')?.passwordHash ?? 'none';
  for (const secret of [hash, '$argon2', ADMIN.password, 'popcorn time', admin.token, admin.refreshToken])
    assert.equal(shown.includes(secret), false, secret);
});
