// What sessions save of their viewers' positions, and where the next one begins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSessions } from './world.ts';

const NEVER = new AbortController().signal;

test('sessions: a player that was left paused does not undo what was watched elsewhere', async t => {
  const { sessions, database, owner, media, request } = await startSessions(t);
  const [television, telephone] = [await sessions.start(owner, request(), NEVER), await sessions.start(owner, request(), NEVER)];
  const saved = () => database.progress.get(owner.id, media.id)?.positionMs;
  await sessions.heartbeat(television.session, { positionMs: 20_000, state: 'playing' });
  await sessions.heartbeat(television.session, { positionMs: 21_000, state: 'paused' });
  assert.equal(saved(), 21_000);
  await sessions.heartbeat(telephone.session, { positionMs: 50_000, state: 'playing' });
  await sessions.heartbeat(television.session, { positionMs: 21_000, state: 'paused' });
  assert.equal(saved(), 50_000);
  await sessions.heartbeat(television.session, { positionMs: 21_000, state: 'playing' });
  assert.equal(saved(), 21_000, 'it plays on');
});

test('sessions: of two players of one viewer the later position counts, by the time that they tell', async t => {
  const { sessions, database, owner, media, request } = await startSessions(t);
  const { session } = await sessions.start(owner, request(), NEVER);
  const now = Date.now();
  await sessions.heartbeat(session, { positionMs: 30_000, state: 'playing', updatedAtMs: now });
  await sessions.heartbeat(session, { positionMs: 10_000, state: 'playing', updatedAtMs: now - 60_000 });
  assert.equal(database.progress.get(owner.id, media.id)?.positionMs, 30_000);
});

test('sessions: the next one begins where the viewer was, but not at the very beginning or end', async t => {
  const { sessions, owner, media, request } = await startSessions(t);
  const begins = async (positionMs: number) => {
    const { session } = await sessions.start(owner, request(), NEVER);
    await sessions.heartbeat(session, { positionMs, state: 'playing' });
    await sessions.end(session.record.id, 'stopped');
    const next = await sessions.start(owner, request({ startPositionMs: null, seekMode: 'precise' }), NEVER);
    await sessions.end(next.session.record.id, 'stopped');
    return next.session.record.startPositionMs;
  };
  assert.equal(media.durationMs, 60_000);
  assert.deepEqual([await begins(29_000), await begins(40_000), await begins(56_000), await begins(58_000)], [0, 40_000, 56_000, 0]);
});

test('sessions: a viewing that ends before the film does is history, one that never moved is not', async t => {
  const { sessions, database, owner, request } = await startSessions(t);
  const history = () => [...database.history.ofUser(owner.id)].map(({ kind, positionMs }) => `${kind} ${positionMs}`);
  const { session: looked } = await sessions.start(owner, request({ startPositionMs: 40_000 }), NEVER);
  await sessions.end(looked.record.id, 'stopped');
  assert.deepEqual(history(), []);
  const { session: watched } = await sessions.start(owner, request(), NEVER);
  await sessions.heartbeat(watched, { positionMs: 45_000, state: 'playing' });
  await sessions.end(watched.record.id, 'expired');
  assert.deepEqual(history(), ['played 45000']);
});
