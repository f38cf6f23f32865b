import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { parseApart } from '#workers/subtitles/parsing.ts';
import { ReadingTurns } from '#workers/subtitles/sources/reading-turns.ts';

const RATE = { num: 24, den: 1 };
const long = Buffer.from(
  Array.from(
    { length: 3_000 },
    (_, at) =>
      `${at + 1}\n00:${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')},000 --> 00:59:59,000\nline ${at}\n`,
  ).join('\n'),
);

test('of many long subtitle files that are parsed at once, two have a thread and a bounded number wait', { timeout: 60_000 }, async () => {
  const { signal } = new AbortController();
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => parseApart(long, RATE, signal)));
  const refused = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
  assert.deepEqual(refused, ['SUBTITLES_PENDING', 'SUBTITLES_PENDING']);
  assert.ok(outcomes.every(outcome => outcome.status === 'rejected' || outcome.value.length === 3_000));
  assert.equal((await parseApart(long, RATE, signal)).length, 3_000, 'there is room again');
});

test('who goes away while it waits for its turn leaves it to the next', async () => {
  const turns = new ReadingTurns({ atOnce: 1, maxWaiting: 2, refusal: () => new FerriteError('SUBTITLES_PENDING', 'full') });
  const first = Promise.withResolvers<string>();
  const leaving = new AbortController();
  const order: string[] = [];
  const running = turns.take(() => first.promise);
  const left = assert.rejects(
    turns.take(async () => order.push('left'), leaving.signal),
    { code: 'CANCELLED' },
  );
  const last = turns.take(async () => order.push('last'));
  await assert.rejects(
    turns.take(async () => undefined),
    { code: 'SUBTITLES_PENDING' },
  );
  leaving.abort();
  await left;
  first.resolve('done');
  await Promise.all([running, last]);
  assert.deepEqual(order, ['last']);
});
