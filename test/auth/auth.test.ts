import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from 'jose';
import { mediaIdFor, newLibraryId, newSessionId } from '#domain/ids.ts';
import { ADDRESS, ADMIN, DAY, MINUTE, makeFolder, makeWorld, makeWorldWithAdmin, settle, type World } from './support.ts';

const VIEWER = { username: 'viewer', password: 'popcorn time', role: 'viewer', enabled: true } as const;

test('auth: of many first administrators at once exactly one comes to be, and never a second', async t => {
  const { auth } = await makeWorld(t);
  assert.equal(auth.isSetupRequired(), true);
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map(username => auth.setup({ username, password: 'long enough' })));
  assert.equal(outcomes.filter(outcome => outcome.status === 'fulfilled').length, 1);
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'SETUP_DONE');
  assert.equal(auth.isSetupRequired(), false);
  await assert.rejects(auth.setup({ username: 'd', password: 'long enough' }), { code: 'SETUP_DONE' });
  assert.equal(auth.users.list({ limit: 10, cursor: null }).items.length, 1);
});

test('auth: a sign-in works in any case of the name and gives tokens that are known at once from the second call on', async t => {
  const { auth, login } = await makeWorldWithAdmin(t);
  const { accessToken, user, tokenType, expiresInMs } = await login('ROOT', ADMIN.password);
  assert.deepEqual(
    { tokenType, expiresInMs, username: user.username, role: user.role },
    { tokenType: 'Bearer', expiresInMs: 15 * MINUTE, username: 'Root', role: 'admin' },
  );
  const caller = await auth.authenticate(accessToken);
  assert.deepEqual(caller, { userId: user.id, username: 'Root', role: 'admin' });
  assert.deepEqual(auth.authenticate(accessToken), caller, 'no promise the second time');
});

test('auth: a wrong password, an unknown name and a disabled account give the same answer', async t => {
  const { auth, login } = await makeWorldWithAdmin(t);
  await auth.users.create({ ...VIEWER, enabled: false });
  await auth.users.create({ username: 'nopassword', role: 'viewer', enabled: true });
  const answers: string[] = [];
  for (const [name, password] of [
    [ADMIN.username, 'wrong'],
    ['nobody', 'wrong'],
    [VIEWER.username, VIEWER.password],
    ['nopassword', ''],
  ] as const) {
    await assert.rejects(login(name, password), (error: Error & { code?: string }) => {
      answers.push(`${error.code} ${error.message}`);
      return true;
    });
  }
  assert.equal(new Set(answers).size, 1);
  assert.match(answers[0] ?? '', /^INVALID_CREDENTIALS/);
});

test('auth: guessing makes the name wait where it is done, also with the right password; whoever is signed in, or elsewhere, is let in', async t => {
  const { auth, admin, clock, login } = await makeWorldWithAdmin(t);
  for (let round = 0; round < 5; round++)
    await assert.rejects(login(round % 2 ? 'root' : 'ROOT', 'wrong'), { code: 'INVALID_CREDENTIALS' });
  await assert.rejects(login(ADMIN.username, ADMIN.password), { code: 'TOO_MANY_REQUESTS', retryAfterMs: 1_000 });
  await auth.login(ADMIN, '198.51.100.7');
  await auth.login(ADMIN, ADDRESS, admin.accessToken);
  await auth.users.create(VIEWER);
  const viewer = await login(VIEWER.username, VIEWER.password);
  await assert.rejects(auth.login(ADMIN, ADDRESS, viewer.accessToken), { code: 'TOO_MANY_REQUESTS' }, "somebody else's token");
  clock.nowMs += 1_000;
  for (let round = 0; round < 12; round++) await login(ADMIN.username, ADMIN.password);
  for (let round = 0; round < 5; round++)
    await assert.rejects(login(ADMIN.username, 'wrong'), { code: 'INVALID_CREDENTIALS' }, 'and while strangers make the name wait');
  await assert.rejects(login(ADMIN.username, ADMIN.password), { code: 'TOO_MANY_REQUESTS' });
  const changed = await auth.changePassword(admin.user.id, { currentPassword: ADMIN.password, password: 'another long one' });
  assert.equal(changed.user.id, admin.user.id);
});

test('auth: an access token is refused after fifteen minutes, known or not', async t => {
  const { auth, admin, clock, login } = await makeWorldWithAdmin(t);
  const unseen = await login(ADMIN.username, ADMIN.password);
  await auth.authenticate(admin.accessToken);
  clock.nowMs += 14 * MINUTE;
  await auth.authenticate(admin.accessToken);
  clock.nowMs += MINUTE;
  for (const { accessToken } of [admin, unseen])
    await assert.rejects(
      settle(() => auth.authenticate(accessToken)),
      { code: 'TOKEN_EXPIRED' },
    );
});

test('auth: what we did not sign for the API is not a token', async t => {
  const { auth, admin } = await makeWorldWithAdmin(t);
  const { keys } = auth.keys.jwks();
  const kid = keys[0]?.kid ?? '';
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const claims = { sub: admin.user.id, username: 'Root', role: 'admin', gen: 0, login: 'x' };
  const signed = (payload: object, issuer: string, audience: string, header = { alg: 'EdDSA', kid }) =>
    new SignJWT({ ...payload }).setProtectedHeader(header).setIssuer(issuer).setAudience(audience).setExpirationTime('5m').sign(privateKey);
  const exp = Math.floor(Date.now() / 1000) + 60;
  const [head = '', body = '', signature = ''] = admin.accessToken.split('.');
  const changed = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), role: 'admin', gen: 1 }));
  const hmac = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid })
    .setIssuer('ferrite')
    .setAudience('ferrite:api')
    .setExpirationTime('5m')
    .sign(Buffer.from(keys[0]?.x ?? '', 'base64url'));
  const forged: Record<string, string> = {
    'another key under our kid': await signed(claims, 'ferrite', 'ferrite:api'),
    'an unknown kid': await signed(claims, 'ferrite', 'ferrite:api', { alg: 'EdDSA', kid: 'nobody' }),
    'no algorithm': new UnsecuredJWT(claims).setIssuer('ferrite').setAudience('ferrite:api').setExpirationTime('5m').encode(),
    'the public key as a shared secret': hmac,
    'changed claims': [head, changed.toString('base64url'), signature].join('.'),
    'no signature': [head, body, ''].join('.'),
    'a stream audience': await auth.keys.sign('ferrite:stream', { ...claims, exp }),
    'claims of another shape': await auth.keys.sign('ferrite:api', { sub: admin.user.id, exp }),
    garbage: 'garbage',
    nothing: '',
    'a very long text': 'a'.repeat(100_000),
  };
  for (const [name, token] of Object.entries(forged)) {
    await assert.rejects(
      settle(() => auth.authenticate(token)),
      { code: 'UNAUTHENTICATED' },
      name,
    );
  }
  await auth.authenticate(admin.accessToken);
});

test("auth: a token signed with our key in another issuer's name is foreign", async t => {
  const { auth, admin, dataDir } = await makeWorldWithAdmin(t);
  const [name = ''] = readdirSync(`${dataDir}/keys`);
  const jwk = JSON.parse(readFileSync(`${dataDir}/keys/${name}`, 'utf8'));
  const sign = async (issuer: string, audience: string) =>
    new SignJWT({ sub: admin.user.id, gen: 0, login: 'x' })
      .setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('5m')
      .sign(await importJWK({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d }, 'EdDSA'));
  await assert.rejects(
    settle(async () => auth.authenticate(await sign('other', 'ferrite:api'))),
    { code: 'UNAUTHENTICATED' },
  );
  await assert.rejects(
    settle(async () => auth.authenticate(await sign('ferrite', 'other'))),
    { code: 'UNAUTHENTICATED' },
  );
  await assert.rejects(
    settle(async () => auth.authenticate(await sign('ferrite', 'ferrite:api'))),
    { code: 'TOKEN_REVOKED' },
    'a login that never was',
  );
});

test('auth: a refresh token prolongs the login once; used again, it ends the login and what came of it', async t => {
  const { auth, admin } = await makeWorldWithAdmin(t);
  const second = await auth.refresh(admin.refreshToken);
  const third = await auth.refresh(second.refreshToken);
  await auth.authenticate(third.accessToken);
  await assert.rejects(auth.refresh(admin.refreshToken), { code: 'TOKEN_REVOKED' });
  await assert.rejects(auth.refresh(third.refreshToken), { code: 'TOKEN_REVOKED' });
  await assert.rejects(
    settle(() => auth.authenticate(third.accessToken)),
    { code: 'TOKEN_REVOKED' },
  );
});

test('auth: of two refreshes with one token at once exactly one wins', async t => {
  const { auth, admin } = await makeWorldWithAdmin(t);
  const outcomes = await Promise.allSettled([auth.refresh(admin.refreshToken), auth.refresh(admin.refreshToken)]);
  assert.deepEqual(
    outcomes.map(outcome => outcome.status),
    ['fulfilled', 'rejected'],
  );
});

test('auth: a refresh token expires when it is not used for thirty days, and use prolongs it', async t => {
  const { auth, admin, clock } = await makeWorldWithAdmin(t);
  clock.nowMs += 29 * DAY;
  const second = await auth.refresh(admin.refreshToken);
  clock.nowMs += 29 * DAY;
  const third = await auth.refresh(second.refreshToken);
  clock.nowMs += 30 * DAY;
  await assert.rejects(auth.refresh(third.refreshToken), { code: 'TOKEN_EXPIRED' });
  for (const bad of ['', 'x', `${third.refreshToken}x`, third.accessToken])
    await assert.rejects(auth.refresh(bad), { code: 'UNAUTHENTICATED' });
});

test('auth: signing out ends this login at once and no other', async t => {
  const { auth, admin, login } = await makeWorldWithAdmin(t);
  const other = await login(ADMIN.username, ADMIN.password);
  await auth.logout(admin.accessToken, 'this-login');
  await assert.rejects(
    settle(() => auth.authenticate(admin.accessToken)),
    { code: 'TOKEN_REVOKED' },
  );
  await assert.rejects(auth.refresh(admin.refreshToken), { code: 'TOKEN_REVOKED' });
  await auth.authenticate(other.accessToken);
  await auth.refresh(other.refreshToken);
});

test('auth: signing out everywhere ends every login and says so, also after a restart', async t => {
  const world = await makeWorldWithAdmin(t);
  const other = await world.login(ADMIN.username, ADMIN.password);
  const revoked: string[] = [];
  const unsubscribe = world.auth.onRevoked(userId => revoked.push(userId));
  await world.auth.logout(world.admin.accessToken, 'everywhere');
  unsubscribe();
  assert.deepEqual(revoked, [world.admin.user.id]);
  const refusesAll = async ({ auth }: World): Promise<void> => {
    for (const tokens of [world.admin, other]) {
      await assert.rejects(
        settle(() => auth.authenticate(tokens.accessToken)),
        { code: 'TOKEN_REVOKED' },
      );
      await assert.rejects(auth.refresh(tokens.refreshToken), { code: 'TOKEN_REVOKED' });
    }
  };
  await refusesAll(world);
  await refusesAll(await world.restart());
});

test('auth: a login begun while everything is revoked does not survive it', async t => {
  const { auth, admin, login } = await makeWorldWithAdmin(t);
  const [tokens] = await Promise.all([login(ADMIN.username, ADMIN.password), auth.users.signOutEverywhere(admin.user.id)]);
  await assert.rejects(
    settle(() => auth.authenticate(tokens.accessToken)),
    { code: 'TOKEN_REVOKED' },
  );
  await assert.rejects(auth.refresh(tokens.refreshToken), { code: 'TOKEN_REVOKED' });
});

const ENDING_CHANGES = {
  'a disabled account': { enabled: false },
  'another role': { role: 'admin' },
  'another password': { password: 'changed by the admin' },
} as const;

for (const [name, change] of Object.entries(ENDING_CHANGES)) {
  test(`auth: ${name} ends every token of the user at once, stream URLs included`, async t => {
    const { auth, clock, database, login } = await makeWorldWithAdmin(t);
    const { id } = await auth.users.create(VIEWER);
    const tokens = await login(VIEWER.username, VIEWER.password);
    await auth.authenticate(tokens.accessToken);
    const user = database.users.get(id);
    assert.ok(user);
    const { token } = await auth.streamTokens.issue(newSessionId(), user, DAY);
    await auth.streamTokens.decide(token, clock.nowMs);
    await auth.users.update(id, change);
    await assert.rejects(
      settle(() => auth.authenticate(tokens.accessToken)),
      { code: 'TOKEN_REVOKED' },
    );
    await assert.rejects(
      settle(() => auth.streamTokens.decide(token, clock.nowMs)),
      { code: 'TOKEN_REVOKED' },
    );
    await assert.rejects(auth.refresh(tokens.refreshToken), { code: 'TOKEN_REVOKED' });
  });
}

test('auth: another name ends nothing and is what the user is called from then on', async t => {
  const { auth, login } = await makeWorldWithAdmin(t);
  const { id } = await auth.users.create(VIEWER);
  const tokens = await login(VIEWER.username, VIEWER.password);
  await auth.users.update(id, { username: 'renamed' });
  assert.equal((await auth.authenticate(tokens.accessToken)).username, 'renamed');
});

test('auth: the last enabled administrator can not be removed, disabled or demoted, not even by two calls at once', async t => {
  const { auth, admin } = await makeWorldWithAdmin(t);
  const { id } = admin.user;
  await assert.rejects(auth.users.remove(id), { code: 'CONFLICT' });
  await assert.rejects(auth.users.update(id, { enabled: false }), { code: 'CONFLICT' });
  await assert.rejects(auth.users.update(id, { role: 'viewer' }), { code: 'CONFLICT' });
  await auth.authenticate(admin.accessToken);
  const second = await auth.users.create({ ...VIEWER, username: 'second', role: 'admin' });
  const outcomes = await Promise.allSettled([auth.users.remove(id), auth.users.update(second.id, { role: 'viewer' })]);
  assert.deepEqual(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'rejected']);
});

test('auth: a removed user is gone with tokens and progress', async t => {
  const { auth, database, login } = await makeWorldWithAdmin(t);
  const { id } = await auth.users.create(VIEWER);
  const tokens = await login(VIEWER.username, VIEWER.password);
  await database.progress.put(id, mediaIdFor(newLibraryId(), 'film'), { positionMs: 1, durationMs: 2, watched: false, updatedAtMs: 3 });
  await auth.users.remove(id);
  await assert.rejects(
    settle(() => auth.authenticate(tokens.accessToken)),
    { code: 'TOKEN_REVOKED' },
  );
  await assert.rejects(auth.refresh(tokens.refreshToken), { code: 'TOKEN_REVOKED' });
  await assert.rejects(login(VIEWER.username, VIEWER.password), { code: 'INVALID_CREDENTIALS' });
  assert.equal(database.progress.list(id, { limit: 9, cursor: null }, () => true).items.length, 0);
});

test('auth: changing the own password needs the old one, ends every login and begins one', async t => {
  const { auth, admin, login } = await makeWorldWithAdmin(t);
  const change = (currentPassword: string) => auth.changePassword(admin.user.id, { currentPassword, password: 'a new password' });
  await assert.rejects(change('wrong'), { code: 'INVALID_CREDENTIALS' });
  const fresh = await change(ADMIN.password);
  await auth.authenticate(fresh.accessToken);
  await auth.refresh(fresh.refreshToken);
  await assert.rejects(
    settle(() => auth.authenticate(admin.accessToken)),
    { code: 'TOKEN_REVOKED' },
  );
  await assert.rejects(login(ADMIN.username, ADMIN.password), { code: 'INVALID_CREDENTIALS' });
  await login(ADMIN.username, 'a new password');
});

test('auth: upkeep rotates the key and forgets what has expired', async t => {
  const { auth, admin, clock, database } = await makeWorldWithAdmin(t);
  clock.nowMs += 31 * DAY;
  await auth.upkeep();
  assert.equal(auth.keys.jwks().keys.length, 2);
  await assert.rejects(auth.refresh(admin.refreshToken), { code: 'TOKEN_REVOKED' });
  assert.equal(await database.refreshTokens.purge(clock.nowMs), 0);
});

test('auth: an open service keeps no process alive', { timeout: 300_000 }, async t => {
  const dataDir = await makeFolder(t);
  const script = `import { AuthService } from '#src/auth/auth.ts'; import { openDatabase } from '#storage/database.ts';
    const database = await openDatabase(${JSON.stringify(dataDir)});
    await AuthService.open({ database, dataDir: ${JSON.stringify(dataDir)}, externalIssuers: [], now: Date.now, onUpkeepFailed: () => {} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('auth: a name that grows beyond all bounds when it is folded is no name, and makes nobody an administrator', async t => {
  const { auth, admin, login } = await makeWorldWithAdmin(t);
  for (const length of [8, 32, 64]) {
    const username = '\ufdfa'.repeat(length);
    await assert
      .rejects(auth.users.create({ username, password: 'long enough', role: 'admin', enabled: true }), (error: { code: string }) =>
        ['INVALID_REQUEST'].includes(error.code),
      )
      .catch(error => assert.ok(length === 8, error));
    await assert.rejects(login(username.repeat(3), 'wrong'), { code: 'INVALID_CREDENTIALS' });
  }
  const { items } = auth.users.list({ limit: 100, cursor: null });
  for (const { id } of items) if (id !== admin.user.id) await auth.users.remove(id);
  await assert.rejects(auth.users.update(admin.user.id, { enabled: false }), { code: 'CONFLICT' });
});
