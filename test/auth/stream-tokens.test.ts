import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSessionId, type SessionId, type UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import { DAY, MINUTE, makeWorldWithAdmin, settle, type World } from './support.ts';

function admin({ database }: World): User {
  const user = database.users.findByUsername('root');
  assert.ok(user);
  return user;
}

test('stream tokens: an issued one is decided at once, without a promise', async t => {
  const world = await makeWorldWithAdmin(t);
  const [sessionId, user] = [newSessionId(), admin(world)];
  const { token, expiresAtMs } = await world.auth.streamTokens.issue(sessionId, user, 10 * MINUTE);
  assert.ok(expiresAtMs - world.clock.nowMs >= 10 * MINUTE && expiresAtMs - world.clock.nowMs < 10 * MINUTE + 1000);
  assert.deepEqual(world.auth.streamTokens.decide(token, world.clock.nowMs), { sessionId, userId: user.id, expiresAtMs, generation: 0 });
  assert.match(token, /^[\w.-]+$/, 'fits into a path');
});

test('stream tokens: after a restart the stored decision answers at once, and without one the signature does', async t => {
  const world = await makeWorldWithAdmin(t);
  const sessionId = newSessionId();
  const { token } = await world.auth.streamTokens.issue(sessionId, admin(world), DAY);
  const again = await world.restart();
  const decision = again.auth.streamTokens.decide(token, world.clock.nowMs);
  assert.equal(decision instanceof Promise ? 'later' : decision.sessionId, sessionId);
  await again.database.authDecisions.purge(world.clock.nowMs + 2 * DAY);
  const third = await again.restart();
  const first = [third.auth.streamTokens.decide(token, world.clock.nowMs), third.auth.streamTokens.decide(token, world.clock.nowMs)];
  assert.ok(first.every(answer => answer instanceof Promise));
  for (const answer of await Promise.all(first)) assert.equal(answer.sessionId, sessionId);
  assert.ok(!(third.auth.streamTokens.decide(token, world.clock.nowMs) instanceof Promise));
});

test('stream tokens: expire, known, stored or neither', async t => {
  const world = await makeWorldWithAdmin(t);
  const { token, expiresAtMs } = await world.auth.streamTokens.issue(newSessionId(), admin(world), MINUTE);
  await world.auth.streamTokens.decide(token, expiresAtMs - 1);
  world.clock.nowMs = expiresAtMs;
  await assert.rejects(
    settle(() => world.auth.streamTokens.decide(token, expiresAtMs)),
    { code: 'TOKEN_EXPIRED' },
  );
  const stored = await world.restart();
  await assert.rejects(
    settle(() => stored.auth.streamTokens.decide(token, expiresAtMs)),
    { code: 'TOKEN_EXPIRED' },
  );
  await stored.auth.upkeep();
  const neither = await stored.restart();
  await assert.rejects(
    settle(() => neither.auth.streamTokens.decide(token, expiresAtMs)),
    { code: 'TOKEN_EXPIRED' },
  );
});

test('stream tokens: a revoked session is refused at once, after a restart and without a stored decision; others go on', async t => {
  const world = await makeWorldWithAdmin(t);
  const { streamTokens } = world.auth;
  const ended = newSessionId();
  const tokens = await Promise.all([MINUTE, 2 * MINUTE].map(ttl => streamTokens.issue(ended, admin(world), ttl)));
  const other = await streamTokens.issue(newSessionId(), admin(world), MINUTE);
  const revoking = streamTokens.revokeSession(ended);
  for (const { token } of tokens) assert.throws(() => streamTokens.decide(token, world.clock.nowMs), { code: 'TOKEN_REVOKED' });
  await revoking;
  const after = await world.restart();
  for (const { token } of tokens)
    await assert.rejects(
      settle(() => after.auth.streamTokens.decide(token, world.clock.nowMs)),
      { code: 'TOKEN_REVOKED' },
    );
  await settle(() => after.auth.streamTokens.decide(other.token, world.clock.nowMs));
  const late = await after.auth.streamTokens.issue(ended, admin(after), MINUTE);
  assert.throws(() => after.auth.streamTokens.decide(late.token, world.clock.nowMs), { code: 'TOKEN_REVOKED' });
});

test('stream tokens: a revoked token that nobody remembers is refused by its signature and the record', async t => {
  const world = await makeWorldWithAdmin(t);
  const sessionId = newSessionId();
  const user = admin(world);
  const token = await world.auth.keys.sign('ferrite:stream', {
    sub: user.id,
    sid: sessionId,
    gen: user.tokenGeneration,
    exp: Math.floor((world.clock.nowMs + DAY) / 1000),
  });
  await world.auth.streamTokens.revokeSession(sessionId);
  await assert.rejects(
    settle(() => world.auth.streamTokens.decide(token, world.clock.nowMs)),
    { code: 'TOKEN_REVOKED' },
  );
  assert.throws(() => world.auth.streamTokens.decide(token, world.clock.nowMs), { code: 'TOKEN_REVOKED' }, 'and remembered as such');
});

test('stream tokens: signing out everywhere refuses the URLs given out before, also after a restart, and none given out after', async t => {
  const world = await makeWorldWithAdmin(t);
  const before = await world.auth.streamTokens.issue(newSessionId(), admin(world), DAY);
  await world.auth.users.signOutEverywhere(admin(world).id);
  const after = await world.auth.streamTokens.issue(newSessionId(), admin(world), DAY);
  const tells = async ({ auth, clock }: World): Promise<void> => {
    await assert.rejects(
      settle(() => auth.streamTokens.decide(before.token, clock.nowMs)),
      { code: 'TOKEN_REVOKED' },
    );
    await settle(() => auth.streamTokens.decide(after.token, clock.nowMs));
  };
  await tells(world);
  await tells(await world.restart());
});

test('stream tokens: one issued for a user revoked meanwhile is refused', async t => {
  const world = await makeWorldWithAdmin(t);
  const stale = admin(world);
  const [issued] = await Promise.all([
    world.auth.streamTokens.issue(newSessionId(), stale, DAY),
    world.auth.users.signOutEverywhere(stale.id),
  ]);
  await assert.rejects(
    settle(() => world.auth.streamTokens.decide(issued.token, world.clock.nowMs)),
    { code: 'TOKEN_REVOKED' },
  );
});

test('stream tokens: an access token, a changed one and garbage are none', async t => {
  const world = await makeWorldWithAdmin(t);
  const { token } = await world.auth.streamTokens.issue(newSessionId(), admin(world), DAY);
  const [head = '', body = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, sid: newSessionId() })).toString('base64url');
  for (const bad of [world.admin.accessToken, [head, changed, signature].join('.'), 'x', '', 'a'.repeat(50_000)]) {
    await assert.rejects(
      settle(() => world.auth.streamTokens.decide(bad, world.clock.nowMs)),
      { code: 'UNAUTHENTICATED' },
    );
  }
});

test('stream tokens: an issued one is good before its decision is stored, and a stop of the server stores it', async t => {
  const world = await makeWorldWithAdmin(t);
  const sessionIds = Array.from({ length: 200 }, () => newSessionId());
  const issued = await Promise.all(sessionIds.map(id => world.auth.streamTokens.issue(id, admin(world), DAY)));
  for (const { token } of issued) assert.ok(world.auth.streamTokens.grantedAtOnce(token, world.clock.nowMs));
  const again = await world.restart();
  for (const { token } of issued) assert.ok(again.database.authDecisions.get(token));
});

test('stream tokens: after a restart no signature is checked again, and after another none that was checked once', async t => {
  const world = await makeWorldWithAdmin(t);
  const issued = await Promise.all([1, 2, 3].map(() => world.auth.streamTokens.issue(newSessionId(), admin(world), DAY)));
  const again = await world.restart();
  for (const { token } of issued) {
    assert.equal(again.auth.streamTokens.grantedAtOnce(token, world.clock.nowMs), null, 'not in memory yet');
    assert.ok(!(again.auth.streamTokens.decide(token, world.clock.nowMs) instanceof Promise));
    assert.ok(again.auth.streamTokens.grantedAtOnce(token, world.clock.nowMs));
  }
  assert.equal(again.auth.streamTokens.verifications, 0);
  await again.database.authDecisions.purge(world.clock.nowMs + 2 * DAY);
  const third = await again.restart();
  for (const { token } of issued) await settle(() => third.auth.streamTokens.decide(token, world.clock.nowMs));
  assert.equal(third.auth.streamTokens.verifications, issued.length);
  const fourth = await third.restart();
  for (const { token } of issued) await settle(() => fourth.auth.streamTokens.decide(token, world.clock.nowMs));
  assert.equal(fourth.auth.streamTokens.verifications, 0);
});

const REVOCATIONS: [string, (world: World, sessionId: SessionId, userId: UserId) => Promise<unknown>][] = [
  ['the end of the session', ({ auth }, sessionId) => auth.streamTokens.revokeSession(sessionId)],
  ['signing out everywhere', ({ auth }, _, userId) => auth.users.signOutEverywhere(userId)],
  ['disabling the user', ({ auth }, _, userId) => auth.users.update(userId, { enabled: false })],
  ['another role', ({ auth }, _, userId) => auth.users.update(userId, { role: 'admin' })],
  ['another password', ({ auth }, _, userId) => auth.users.update(userId, { password: 'another horse battery' })],
  ['removing the user', ({ auth }, _, userId) => auth.users.remove(userId)],
];

for (const [name, revoke] of REVOCATIONS) {
  test(`stream tokens: ${name} refuses them in the same turn as it is stored, and a restart brings none back`, async t => {
    const world = await makeWorldWithAdmin(t);
    const user = { id: (await world.auth.users.create({ username: 'vera', password: 'correct horse', role: 'viewer', enabled: true })).id };
    const sessionId = newSessionId();
    const { token } = await world.auth.streamTokens.issue(sessionId, { ...user, tokenGeneration: 0 }, DAY);
    const told: UserId[] = [];
    world.auth.onRevoked(userId => told.push(userId));
    assert.ok(world.auth.streamTokens.grantedAtOnce(token, world.clock.nowMs));
    await revoke(world, sessionId, user.id);
    assert.equal(world.auth.streamTokens.grantedAtOnce(token, world.clock.nowMs), null);
    assert.throws(() => world.auth.streamTokens.decide(token, world.clock.nowMs), { code: 'TOKEN_REVOKED' });
    assert.deepEqual(told, name === 'the end of the session' ? [] : [user.id]);
    const again = await world.restart();
    assert.throws(() => again.auth.streamTokens.decide(token, world.clock.nowMs), { code: 'TOKEN_REVOKED' });
    assert.equal(again.auth.streamTokens.verifications, 0, 'the stored decision told');
    await again.database.authDecisions.purge(world.clock.nowMs + MINUTE);
    assert.equal(again.auth.streamTokens.grantedAtOnce(token, world.clock.nowMs), null);
  });
}
