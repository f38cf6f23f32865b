import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { newSessionId, newUserId } from '#domain/ids.ts';
import { openDatabase, storePath } from '#storage/database.ts';
import { Environment } from '#storage/environment.ts';
import { AuthDecisionRepository } from '#storage/records/auth-decisions.ts';
import { makeDataDir, openStore } from '../support.ts';

const FACTS = { generation: 4, createdAtMs: 1, expiresAtMs: 1000 };

test('refresh tokens: each is used once, and using one again revokes its family', async t => {
  const { database } = await openStore(t);
  const key = { userId: newUserId(), familyId: 'family' };

  const rotate = (token: string, replacement: string) =>
    database.refreshTokens.rotate({ key, token, replacement, nowMs: 10, expiresAtMs: 1000 });
  await database.refreshTokens.begin(key, 'one', FACTS);
  assert.deepEqual(await rotate('one', 'two'), { outcome: 'rotated', generation: 4 });
  assert.deepEqual(await rotate('two', 'three'), { outcome: 'rotated', generation: 4 });
  assert.deepEqual(await rotate('one', 'x'), { outcome: 'reused' });
  assert.equal(database.refreshTokens.hasFamily(key), false);
  assert.deepEqual(await rotate('three', 'x'), { outcome: 'unknown' });
});

test('refresh tokens: of many users of one token at once exactly one gets the replacement', async t => {
  const { database } = await openStore(t);
  const key = { userId: newUserId(), familyId: 'family' };
  await database.refreshTokens.begin(key, 'one', FACTS);
  const outcomes = await Promise.all(
    ['a', 'b', 'c'].map(replacement => database.refreshTokens.rotate({ key, token: 'one', replacement, nowMs: 10, expiresAtMs: 1000 })),
  );
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ['rotated', 'reused', 'unknown'],
  );
});

test('refresh tokens: expire, are purged, and the oldest logins of a user give way', async t => {
  const { database } = await openStore(t);
  const [userId, other] = [newUserId(), newUserId()];
  for (let index = 0; index < 101; index++) {
    await database.refreshTokens.begin({ userId, familyId: `f${index}` }, 'token', {
      generation: 0,
      createdAtMs: index,
      expiresAtMs: 1000 + index,
    });
  }
  await database.refreshTokens.begin({ userId: other, familyId: 'f0' }, 'token', FACTS);
  assert.equal(database.refreshTokens.hasFamily({ userId, familyId: 'f0' }), false);
  assert.equal(database.refreshTokens.hasFamily({ userId, familyId: 'f1' }), true);
  const expired = { key: { userId, familyId: 'f1' }, token: 'token', replacement: 'x', nowMs: 1001, expiresAtMs: 9999 };
  assert.deepEqual(await database.refreshTokens.rotate(expired), { outcome: 'expired' });
  assert.equal(await database.refreshTokens.purge(1001), 2);
  await database.refreshTokens.revokeUser(userId);
  assert.equal(database.refreshTokens.hasFamily({ userId, familyId: 'f100' }), false);
});

test('refresh tokens and stream tokens: neither is ever written to disk', async t => {
  const dataDir = await makeDataDir(t);
  const database = await openDatabase(dataDir);
  await database.refreshTokens.begin({ userId: newUserId(), familyId: 'family' }, 'the-refresh-secret', FACTS);
  await database.authDecisions.put('the-stream-secret', { sessionId: newSessionId(), userId: newUserId(), expiresAtMs: 5, generation: 0 });
  await database.close();
  const bytes = readFileSync(storePath(dataDir));
  assert.ok(bytes.includes('family'));
  assert.equal(bytes.includes('the-refresh-secret'), false);
  assert.equal(bytes.includes('the-stream-secret'), false);
});

test('auth decisions: come back, and are purged when time has overtaken them', async t => {
  const { database } = await openStore(t);
  const decision = { sessionId: newSessionId(), userId: newUserId(), expiresAtMs: 100, generation: 3 };
  await database.authDecisions.put('token', decision);
  await database.authDecisions.put('later', { ...decision, expiresAtMs: 200 });
  await database.authDecisions.revokeSession(decision.sessionId, 150);
  assert.deepEqual(database.authDecisions.get('token'), decision);
  assert.equal(database.authDecisions.isRevoked(decision.sessionId), true);
  assert.equal(await database.authDecisions.purge(150), 2);
  assert.equal(database.authDecisions.get('token'), undefined);
  assert.equal(database.authDecisions.isRevoked(decision.sessionId), false);
  assert.equal(database.authDecisions.get('later')?.expiresAtMs, 200);
});

test('auth decisions: are bounded, the ones nearest their end giving way, also after reopening', async t => {
  const dataDir = await makeDataDir(t);
  await (await openDatabase(dataDir)).close();
  const decision = { sessionId: newSessionId(), userId: newUserId(), generation: 0 };
  const fill = async (from: number, to: number) => {
    const environment = new Environment(storePath(dataDir), 'read-write');
    const decisions = new AuthDecisionRepository(environment, 3);
    await Promise.all(
      Array.from({ length: to - from }, (_, index) => decisions.put(`t${from + index}`, { ...decision, expiresAtMs: 100 + from + index })),
    );
    const present = Array.from({ length: to }, (_, index) => index).filter(index => decisions.get(`t${index}`) !== undefined);
    await environment.close();
    return present;
  };
  assert.deepEqual(await fill(0, 5), [2, 3, 4]);
  assert.deepEqual(await fill(5, 7), [4, 5, 6]);
});
