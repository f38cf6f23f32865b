// Waiting for what is being made.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { SharedWork, WaitingRoom, within } from '#domain/sharing/waiting.ts';

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

function world() {
  const runs: { signal: AbortSignal; resolve(value: string): void; reject(error: unknown): void }[] = [];
  const work = (signal: AbortSignal): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    runs.push({ signal, resolve, reject });
    return promise;
  };
  return { shared: new SharedWork<string>(), work, runs };
}

const NEVER = new AbortController().signal;
const isCancelled = (error: unknown): boolean => error instanceof FerriteError && error.code === 'CANCELLED';

test('shared work: all who ask while it runs have the outcome of one run; the next one runs anew', async () => {
  const { shared, work, runs } = world();
  const asked = [shared.share('a', work, NEVER), shared.share('a', work, NEVER), shared.share('b', work, NEVER)];
  assert.equal(runs.length, 2);
  runs[0]?.resolve('made');
  runs[1]?.reject(new FerriteError('ENCODE_FAILED', 'broken'));
  assert.deepEqual(await Promise.all(asked.slice(0, 2)), ['made', 'made']);
  await assert.rejects(asked[2] ?? assert.fail());
  const again = shared.share('a', work, NEVER);
  runs[2]?.resolve('again');
  assert.equal(await again, 'again');
});

test('shared work: it is aborted when the last has left, and whoever comes then has a run of their own', async () => {
  const { shared, work, runs } = world();
  const [first, second] = [new AbortController(), new AbortController()];
  const left = [shared.share('a', work, first.signal), shared.share('a', work, second.signal)];
  first.abort();
  assert.equal(runs[0]?.signal.aborted, false);
  second.abort();
  assert.equal(runs[0]?.signal.aborted, true);
  for (const each of left) await assert.rejects(each, isCancelled);
  const next = shared.share('a', work, NEVER);
  runs[0]?.reject(new FerriteError('CANCELLED', 'aborted'));
  runs[1]?.resolve('made');
  assert.equal(await next, 'made');
});

test('shared work: a hint begins it, and whoever asks meanwhile shares that run', async () => {
  const { shared, work, runs } = world();
  const hinted = shared.hint('a', work);
  const asked = shared.share('a', work, NEVER);
  assert.equal(runs.length, 1);
  runs[0]?.reject(new FerriteError('ENCODE_FAILED', 'broken'));
  await hinted;
  await assert.rejects(asked, error => error instanceof FerriteError && error.code === 'ENCODE_FAILED');
});
