// Questions that follow each other: only the last one is answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Latest } from '../../../src/web/search/latest.js';

const fail = (error: unknown) => assert.fail(String(error));

test('an answer that comes late is never shown over a newer one, and what failed late is not told', async () => {
  const latest = new Latest(0, new AbortController().signal);
  const shown: string[] = [];
  const first = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<AbortSignal>();
  const one = latest.run(
    signal => {
      asked.resolve(signal);
      return first.promise;
    },
    answer => shown.push(answer),
    fail,
  );
  const signal = await asked.promise;
  await latest.run(
    () => Promise.resolve('newer'),
    answer => shown.push(answer),
    fail,
  );
  assert.ok(signal.aborted, 'its request is given up');
  first.resolve('older');
  await one;
  assert.deepEqual(shown, ['newer']);
});

test('while one types nothing is asked', async () => {
  const latest = new Latest(1, new AbortController().signal);
  const asked: string[] = [];
  const ask = (text: string) =>
    latest.run(
      () => {
        asked.push(text);
        return Promise.resolve(text);
      },
      () => undefined,
      fail,
    );
  await Promise.all(['m', 'ma', 'mat'].map(ask));
  assert.deepEqual(asked, ['mat']);
});
