// Limits of users and groups, and the log of what was done to accounts, through a real front door.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, startDoor, startWithUsers } from './support.ts';

type Audit = {
  readonly event: string;
  readonly actor: { username: string } | null;
  readonly subject: { name: string } | null;
  address: string;
  detail: string;
};

test('limits: a user has the limits of the group but for own ones, and is told them', async t => {
  const { call, admin, viewer } = await startWithUsers(t);
  const { token } = admin;
  const group = await call('POST', '/api/v1/groups', { token, body: { name: 'Children', limits: { maxAgeRating: 12, maxSessions: 2 } } });
  assert.equal(group.status, 201);
  const groupId = String(group.body.id);
  const path = `/api/v1/users/${viewer.id}`;
  const changed = await call('PATCH', path, { token, body: { groupId, limits: { maxSessions: null, maxBitrateBps: 8_000_000 } } });
  assert.deepEqual([changed.status, changed.body.groupId], [200, groupId]);
  const expected = { maxSessions: null, maxBitrateBps: 8_000_000, libraryIds: null, maxAgeRating: 12, allowsUnrated: false };
  assert.deepEqual((await call('GET', '/api/v1/me', { token: viewer.token })).body.effectiveLimits, expected);
  await call('PATCH', `/api/v1/groups/${groupId}`, { token, body: { limits: { maxAgeRating: 16 } } });
  const { items } = (await call('GET', '/api/v1/users', { token })).body as { items: { id: string; effectiveLimits: object }[] };
  assert.deepEqual(items.find(({ id }) => id === viewer.id)?.effectiveLimits, { ...expected, maxAgeRating: 16 });
  const kept = await call('DELETE', `/api/v1/groups/${groupId}`, { token });
  assert.deepEqual([kept.status, kept.body.code], [409, 'CONFLICT'], 'its members would lose their limits');
  await call('PATCH', path, { token, body: { groupId: null, limits: {} } });
  assert.equal((await call('DELETE', `/api/v1/groups/${groupId}`, { token })).status, 204);
  assert.equal((await call('GET', `/api/v1/groups/${groupId}`, { token })).body.code, 'GROUP_NOT_FOUND');
});

test('limits: what makes no sense is refused, and changes nothing', async t => {
  const { call, admin, viewer } = await startWithUsers(t);
  const { token } = admin;
  const patch = (body: object) => call('PATCH', `/api/v1/users/${viewer.id}`, { token, body });
  for (const body of [
    { limits: { maxSessions: -1 } },
    { limits: { maxAgeRating: 1.5 } },
    { limits: { libraryIds: 'all' } },
    { limits: { libraryIds: ['../x'] } },
    { groupId: 'no-such-group' },
    { role: 'viewer', groupId: 7 },
  ]) {
    const { status, body: problem } = await patch(body);
    assert.deepEqual([status, problem.code], [400, 'INVALID_REQUEST'], JSON.stringify(body));
  }
  assert.deepEqual((await call('GET', `/api/v1/users/${viewer.id}`, { token })).body.limits, {});
  await call('POST', '/api/v1/groups', { token, body: { name: 'Kids' } });
  assert.equal((await call('POST', '/api/v1/groups', { token, body: { name: 'KIDS' } })).status, 409);
  assert.equal((await call('POST', '/api/v1/groups', { token, body: { name: '  ' } })).status, 400);
});

test('audit: says who did what to whom and from where, and holds no secret', async t => {
  const { call, admin, viewer } = await startWithUsers(t);
  const { token } = admin;
  const secret = 'popcorn-tim3-secret';
  await call('POST', '/api/v1/auth/login', { body: { username: 'Root', password: secret } });
  await call('POST', '/api/v1/auth/login', { body: { username: secret, password: 'x' } });
  const changed = await call('POST', '/api/v1/me/password', {
    token: viewer.token,
    body: { currentPassword: 'popcorn time', password: secret },
  });
  assert.equal(changed.status, 200);
  await call('PATCH', `/api/v1/users/${viewer.id}`, { token, body: { role: 'viewer', limits: { maxAgeRating: 6 } } });
  await call('PATCH', `/api/v1/users/${viewer.id}`, { token, body: { role: 'admin', password: `${secret}2` } });
  await call('POST', '/api/v1/auth/refresh', { body: { refreshToken: admin.refreshToken } });
  await call('POST', '/api/v1/auth/refresh', { body: { refreshToken: admin.refreshToken } });
  const again = String((await call('POST', '/api/v1/auth/login', { body: ADMIN })).body.accessToken);
  await call('DELETE', `/api/v1/users/${viewer.id}`, { token: again });
  const answer = await call('GET', '/api/v1/audit?limit=200', { token: again });
  const items = answer.body.items as Audit[];
  assert.deepEqual(items.map(({ event, actor, subject }) => [event, actor?.username ?? '-', subject?.name ?? '-'].join(' ')).reverse(), [
    'set-up - Root',
    'sign-in Root -',
    'user-added Root viewer',
    'sign-in viewer -',
    'sign-in-failed - Root',
    'sign-in-failed - -',
    'password-changed viewer viewer',
    'limits-changed Root viewer',
    'user-changed Root viewer',
    'password-changed Root viewer',
    'token-reused - Root',
    'sign-in Root -',
    'user-removed Root viewer',
  ]);
  assert.ok(items.every(({ address }) => address === '127.0.0.1'));
  assert.ok(!JSON.stringify(answer.body).includes(secret));
  const filtered = await call('GET', `/api/v1/audit?event=sign-in&userId=${viewer.id}`, { token: again });
  assert.equal((filtered.body.items as Audit[]).length, 1);
});

test('password: the old one is checked, the new one works, and every other login ends', async t => {
  const { call } = await startDoor(t);
  await call('POST', '/api/v1/setup', { body: ADMIN });
  const [one, two] = await Promise.all(
    [1, 2].map(async () => String((await call('POST', '/api/v1/auth/login', { body: ADMIN })).body.accessToken)),
  );
  const change = (currentPassword: string) =>
    call('POST', '/api/v1/me/password', { token: String(one), body: { currentPassword, password: 'another horse' } });
  assert.deepEqual((await change('wrong horse')).body.code, 'INVALID_CREDENTIALS');
  assert.equal((await call('GET', '/api/v1/me', { token: String(two) })).status, 200);
  const changed = await change(ADMIN.password);
  assert.equal(changed.status, 200);
  for (const token of [one, two]) assert.equal((await call('GET', '/api/v1/me', { token: String(token) })).body.code, 'TOKEN_REVOKED');
  assert.equal((await call('GET', '/api/v1/me', { token: String(changed.body.accessToken) })).status, 200);
  assert.equal((await call('POST', '/api/v1/auth/login', { body: ADMIN })).status, 401);
  assert.equal((await call('POST', '/api/v1/auth/login', { body: { ...ADMIN, password: 'another horse' } })).status, 200);
});
