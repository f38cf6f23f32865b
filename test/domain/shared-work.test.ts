// One run for each name, shared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { SharedWork } from '#domain/shared-work.ts';

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
