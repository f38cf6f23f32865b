import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { SigningKeys } from '#src/auth/keys.ts';
import { DAY, MINUTE, makeFolder } from './support.ts';

const expiringAt = (ms: number) => ({ sub: 'somebody', exp: Math.floor(ms / 1000) });

test('keys: the first start makes one, in a file and a folder for the owner only', async t => {
  const folder = join(await makeFolder(t), 'keys');
  await SigningKeys.open(folder, Date.now);
  const [name = '', ...others] = readdirSync(folder);
  assert.equal(others.length, 0);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
});

test('keys: a restart keeps the key, so tokens stay good', async t => {
  const folder = await makeFolder(t);
  const token = await (await SigningKeys.open(folder, Date.now)).sign('ferrite:api', expiringAt(Date.now() + MINUTE));
  const again = await SigningKeys.open(folder, Date.now);
  assert.equal((await again.verify(token, 'ferrite:api')).sub, 'somebody');
  assert.equal(readdirSync(folder).length, 1);
});

test('keys: after thirty days a new one signs, and the old one verifies until its last token has expired', async t => {
  const folder = await makeFolder(t);
  const clock = { nowMs: Date.now() };
  const keys = await SigningKeys.open(folder, () => clock.nowMs);
  clock.nowMs += 30 * DAY - MINUTE;
  await keys.rotateIfDue();
  assert.equal(keys.jwks().keys.length, 1);
  const old = await keys.sign('ferrite:api', expiringAt(clock.nowMs + DAY));
  clock.nowMs += MINUTE;
  await Promise.all([keys.rotateIfDue(), keys.rotateIfDue()]);
  const fresh = await keys.sign('ferrite:api', expiringAt(clock.nowMs + DAY));
  assert.notEqual(decodeProtectedHeader(old).kid, decodeProtectedHeader(fresh).kid);
  assert.equal(keys.jwks().keys.length, 2);
  await keys.verify(old, 'ferrite:api');
  const reopened = await SigningKeys.open(folder, () => clock.nowMs);
  await reopened.verify(old, 'ferrite:api');
  clock.nowMs += DAY;
  await reopened.rotateIfDue();
  assert.deepEqual(
    reopened.jwks().keys.map(key => key.kid),
    [decodeProtectedHeader(fresh).kid],
  );
  assert.equal(readdirSync(folder).length, 1);
});

test('keys: the private half of a retired key leaves the disk', async t => {
  const folder = await makeFolder(t);
  const clock = { nowMs: Date.now() };
  const keys = await SigningKeys.open(folder, () => clock.nowMs);
  clock.nowMs += 31 * DAY;
  await keys.rotateIfDue();
  const files = readdirSync(folder).map(name => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  assert.equal(files.length, 2);
  assert.equal(files.filter(file => 'd' in file).length, 1);
});

test('keys: a rotation cut short, with two private keys on disk, is finished by the next start', async t => {
  const folder = await makeFolder(t);
  const clock = { nowMs: Date.now() };
  await SigningKeys.open(folder, () => clock.nowMs);
  const [name = ''] = readdirSync(folder);
  const whole = readFileSync(join(folder, name));
  clock.nowMs += 30 * DAY;
  await SigningKeys.open(folder, () => clock.nowMs);
  writeFileSync(join(folder, name), whole);
  writeFileSync(join(folder, 'half.json.tmp'), '{');
  const keys = await SigningKeys.open(folder, () => clock.nowMs);
  const files = readdirSync(folder).map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')));
  assert.equal(files.filter(file => 'd' in file).length, 1);
  assert.equal(keys.jwks().keys.length, 2);
});

test('keys: what is published verifies our tokens and holds nothing private', async t => {
  const keys = await SigningKeys.open(await makeFolder(t), Date.now);
  const token = await keys.sign('ferrite:api', expiringAt(Date.now() + MINUTE));
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys.jwks()), { issuer: 'ferrite', audience: 'ferrite:api' });
  assert.equal(payload.sub, 'somebody');
  for (const key of keys.jwks().keys) assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x']);
});

test('keys: a token that would outlive its key is not signed', async t => {
  const keys = await SigningKeys.open(await makeFolder(t), Date.now);
  await assert.rejects(keys.sign('ferrite:stream', expiringAt(Date.now() + DAY + MINUTE)), RangeError);
});

test('keys: a damaged key file stops the start and names the file', async t => {
  const folder = await makeFolder(t);
  for (const text of ['{', 'null', '{"kty":"OKP"}']) {
    writeFileSync(join(folder, 'broken.json'), text);
    await assert.rejects(SigningKeys.open(folder, Date.now), { code: 'STORAGE_FAILED', message: /broken\.json/ });
  }
});
