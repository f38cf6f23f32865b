// Waiting for what is being made.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { WaitingRoom, within } from '#domain/waiting.ts';

const late = () => new FerriteError('ENCODE_STALLED', 'late');
const codeOf = (error: unknown): string => (error instanceof FerriteError ? error.code : String(error));

test('waiting: what arrives answers everybody who waits for it, and nobody else', async () => {
  const room = new WaitingRoom<string>();
  const [first, second, other] = [room.enter('a', undefined), room.enter('a', undefined), room.enter('b', undefined)];
  room.arrived('a', 'made');
  assert.deepEqual(await Promise.all([first.promise, second.promise]), ['made', 'made']);
  assert.deepEqual([first.isOver, other.isOver, room.isAwaited('a'), room.isAwaited('b'), room.size], [true, false, false, true, 1]);
  room.failed('b', late());
  await assert.rejects(other.promise, error => codeOf(error) === 'ENCODE_STALLED');
  assert.equal(room.size, 0);
});

test('waiting: a signal ends one wait in the same turn and disturbs no other', async () => {
  const room = new WaitingRoom<string>();
  const gone = new AbortController();
  const [leaving, staying] = [room.enter('a', undefined, { signal: gone.signal }), room.enter('a', undefined)];
  gone.abort();
  assert.deepEqual([leaving.isOver, room.isAwaited('a')], [true, true]);
  room.arrived('a', 'made');
  await assert.rejects(leaving.promise, error => codeOf(error) === 'CANCELLED');
  assert.equal(await staying.promise, 'made');
});

test('waiting: a signal that has aborted already, and a deadline that passes, leave nothing behind', async () => {
  const room = new WaitingRoom<string>();
  const gone = room.enter('a', undefined, { signal: AbortSignal.abort() });
  await assert.rejects(gone.promise, error => codeOf(error) === 'CANCELLED');
  const slow = room.enter('a', undefined, { deadline: { ms: 1, error: late } });
  await assert.rejects(slow.promise, error => codeOf(error) === 'ENCODE_STALLED');
  assert.equal(room.size, 0);
});

test('waiting: whoever leaves is not answered, and what came first stays', async () => {
  const room = new WaitingRoom<string, number>();
  const wait = room.enter('a', 7);
  assert.deepEqual(
    room.all().map(({ note }) => note),
    [7],
  );
  assert.deepEqual([wait.leave(), wait.leave()], [true, false]);
  room.arrived('a', 'made');
  const again = room.enter('a', 8);
  again.resolve('first');
  again.reject(late());
  assert.equal(await again.promise, 'first');
});

test('waiting: within tells the outcome, or nothing when the deadline comes first', async () => {
  assert.equal(await within(60_000, Promise.resolve('made')), 'made');
  assert.equal(await within(1, new Promise(() => undefined)), undefined);
  await assert.rejects(within(60_000, Promise.reject(late())));
});
