import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { issuerMistake } from '#src/auth/external-issuers.ts';
import { makeWorld, settle } from './support.ts';

const ISSUER = 'https://id.example.org';
const AUDIENCE = 'films';

/** An issuer with one key, whose key set a real server publishes. */
async function startIssuer(t: TestContext) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] });
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    response.setHeader('Content-Type', 'application/json').end(keySet);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const sign = (claims: { sub?: string }, { issuer = ISSUER, audience = AUDIENCE, expires = '5m', key = privateKey } = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(key);
  return { settings: { issuer: ISSUER, jwksUrl: `http://127.0.0.1:${port}/keys`, audience: AUDIENCE }, sign, requests };
}

test('external issuers: a subject becomes a viewer on first sight and stays the same user', async t => {
  const issuer = await startIssuer(t);
  const world = await makeWorld(t, [issuer.settings]);
  const tokens = await Promise.all([issuer.sign({ sub: 'alice' }), issuer.sign({ sub: 'alice' }, { expires: '6m' })]);
  const callers = await Promise.all(tokens.map(token => world.auth.authenticate(token)));
  assert.deepEqual(callers[0], { userId: callers[0]?.userId, username: 'id.example.org:alice', role: 'viewer' });
  assert.deepEqual(callers[1], callers[0]);
  assert.equal(world.auth.authenticate(tokens[0] ?? '') instanceof Promise, false, 'known at once the second time');
  assert.equal(issuer.requests.length, 1);
  const again = await world.restart();
  assert.deepEqual(await again.auth.authenticate(tokens[0] ?? ''), callers[0]);
});

test('external issuers: subjects that differ in case, or are no user names, are different users', async t => {
  const issuer = await startIssuer(t);
  const { auth } = await makeWorld(t, [issuer.settings]);
  const names = new Set<string>();
  for (const sub of ['Bob', 'bob', 'auth0|bob', 'x'.repeat(300)]) names.add((await auth.authenticate(await issuer.sign({ sub }))).username);
  assert.equal(names.size, 4);
  for (const name of names) assert.match(name, /^id\.example\.org:[\w]{1,45}$/);
});

test('external issuers: nobody gets into a local account that has the name', async t => {
  const issuer = await startIssuer(t);
  const { auth } = await makeWorld(t, [issuer.settings]);
  const local = await auth.setup({ username: 'id.example.org:alice', password: 'long enough' });
  const caller = await auth.authenticate(await issuer.sign({ sub: 'alice' }));
  assert.notEqual(caller.userId, local.id);
  assert.equal(caller.role, 'viewer');
});

test('external issuers: a disabled user is refused at once, and a new role counts at once', async t => {
  const issuer = await startIssuer(t);
  const { auth } = await makeWorld(t, [issuer.settings]);
  await auth.setup({ username: 'root', password: 'long enough' });
  const token = await issuer.sign({ sub: 'alice' });
  const { userId } = await auth.authenticate(token);
  await auth.users.update(userId, { role: 'admin' });
  assert.equal((await auth.authenticate(token)).role, 'admin');
  await auth.users.update(userId, { enabled: false });
  assert.throws(() => auth.authenticate(token), { code: 'TOKEN_REVOKED' });
});

test('external issuers: expired, forged and foreign tokens are refused and make no user', async t => {
  const issuer = await startIssuer(t);
  const { auth, clock } = await makeWorld(t, [issuer.settings]);
  const { privateKey } = await generateKeyPair('ES256');
  const refused: Record<string, [token: string, code: string]> = {
    expired: [await issuer.sign({ sub: 'eve' }, { expires: '-1m' }), 'TOKEN_EXPIRED'],
    'another key': [await issuer.sign({ sub: 'eve' }, { key: privateKey }), 'UNAUTHENTICATED'],
    'another audience': [await issuer.sign({ sub: 'eve' }, { audience: 'books' }), 'UNAUTHENTICATED'],
    'an unknown issuer': [await issuer.sign({ sub: 'eve' }, { issuer: 'https://evil.example' }), 'UNAUTHENTICATED'],
    'our own name': [await issuer.sign({ sub: 'eve' }, { issuer: 'ferrite' }), 'UNAUTHENTICATED'],
    'no subject': [await issuer.sign({}), 'UNAUTHENTICATED'],
    garbage: ['a.b.c', 'UNAUTHENTICATED'],
  };
  for (const [name, [token, code]] of Object.entries(refused))
    await assert.rejects(
      settle(() => auth.authenticate(token)),
      { code },
      name,
    );
  assert.equal(auth.isSetupRequired(), true);
  const good = await issuer.sign({ sub: 'eve' });
  await auth.authenticate(good);
  clock.nowMs += 6 * 60_000;
  assert.throws(() => auth.authenticate(good), { code: 'TOKEN_EXPIRED' });
});

test("external issuers: one that can not be asked is our failure, not the caller's", async t => {
  const issuer = await startIssuer(t);
  const { auth } = await makeWorld(t, [{ ...issuer.settings, jwksUrl: 'http://127.0.0.1:1/keys' }]);
  await assert.rejects(
    settle(async () => auth.authenticate(await issuer.sign({ sub: 'alice' }))),
    { code: 'INTERNAL' },
  );
});

test('external issuers: keys come over https, or from this machine', async t => {
  const settings = { issuer: ISSUER, audience: AUDIENCE };
  for (const jwksUrl of ['https://id.example.org/keys', 'http://localhost:1/keys', 'http://[::1]:1/keys'])
    assert.equal(issuerMistake({ ...settings, jwksUrl }), null);
  for (const jwksUrl of ['http://id.example.org/keys', 'ftp://id.example.org/keys', 'nothing'])
    assert.notEqual(issuerMistake({ ...settings, jwksUrl }), null);
  assert.notEqual(issuerMistake({ issuer: 'nothing', audience: 'x', jwksUrl: 'https://x/' }), null);
  assert.notEqual(issuerMistake({ issuer: ISSUER, audience: '', jwksUrl: 'https://x/' }), null);
  await assert.rejects(makeWorld(t, [{ ...settings, jwksUrl: 'http://id.example.org/keys' }]), { code: 'INVALID_REQUEST' });
});

test('external issuers: a subject is a text of bounded length, whatever else was signed', async t => {
  const issuer = await startIssuer(t);
  const { auth } = await makeWorld(t, [issuer.settings]);
  for (const sub of [['alice'], { name: 'alice' }, 7, true, null, '', 'x'.repeat(1_001), 'ﷺ'.repeat(400), '\ud800']) {
    const token = await issuer.sign({ sub: sub as string });
    await assert.rejects(
      settle(() => auth.authenticate(token)),
      { code: 'UNAUTHENTICATED' },
      JSON.stringify(sub).slice(0, 30),
    );
  }
  assert.equal(auth.users.list({ limit: 10, cursor: null }).items.length, 0);
});

test('external issuers: what was signed out everywhere, or disabled and enabled again, stays signed out; a new token is good', async t => {
  const issuer = await startIssuer(t);
  const { auth, clock } = await makeWorld(t, [issuer.settings]);
  const signAt = (offsetMs: number) => issuer.sign({ sub: 'carol', iat: Math.floor((clock.nowMs + offsetMs) / 1000) } as { sub: string });
  let token = await signAt(-5_000);
  const { userId } = await auth.authenticate(token);
  const unseen = await signAt(-4_000);
  for (const revoke of [
    () => auth.logout(token, 'everywhere'),
    async () => {
      await auth.users.update(userId, { enabled: false });
      await auth.users.update(userId, { enabled: true });
    },
  ]) {
    await revoke();
    for (const old of [token, unseen])
      await assert.rejects(
        settle(() => auth.authenticate(old)),
        { code: 'TOKEN_REVOKED' },
      );
    clock.nowMs += 2_000;
    token = await signAt(0);
    assert.equal((await auth.authenticate(token)).userId, userId);
  }
});

test('external issuers: a removed user comes back when an administrator makes the name again, not before', async t => {
  const issuer = await startIssuer(t);
  const world = await makeWorld(t, [issuer.settings]);
  const token = await issuer.sign({ sub: 'dave' });
  const { userId, username } = await world.auth.authenticate(token);
  await world.auth.users.remove(userId);
  const { auth } = await world.restart();
  for (const stale of [token, await issuer.sign({ sub: 'dave' }, { expires: '9m' })])
    await assert.rejects(
      settle(() => auth.authenticate(stale)),
      { code: 'TOKEN_REVOKED' },
    );
  assert.equal(auth.users.list({ limit: 10, cursor: null }).items.length, 0);
  const again = await auth.users.create({ username, role: 'viewer', enabled: true });
  assert.equal((await auth.authenticate(token)).userId, again.id);
});

test('external issuers: one that comes before the first administrator does not close the setup', async t => {
  const issuer = await startIssuer(t);
  const { auth } = await makeWorld(t, [issuer.settings]);
  await auth.authenticate(await issuer.sign({ sub: 'early' }));
  assert.equal(auth.isSetupRequired(), true);
  assert.equal((await auth.setup({ username: 'root', password: 'long enough' })).role, 'admin');
  await assert.rejects(auth.setup({ username: 'next', password: 'long enough' }), { code: 'SETUP_DONE' });
});
