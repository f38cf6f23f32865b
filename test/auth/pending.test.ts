import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pending } from '#src/auth/pending.ts';

test('pending: what was begun is answered once, in time, and under its own name alone', () => {
  const clock = { nowMs: 0 };
  const pending = new Pending<string>(1_000, () => clock.nowMs);
  const [one, two, three] = ['a', 'b', 'c'].map(value => pending.begin(value, '192.0.2.1')) as [string, string, string];
  assert.equal(pending.take('something else'), undefined);
  assert.equal(pending.take(one), 'a');
  assert.equal(pending.take(one), undefined);
  clock.nowMs = 999;
  assert.equal(pending.take(two), 'b');
  clock.nowMs = 1_000;
  assert.equal(pending.take(three), undefined);
});

test('pending: a storm from one address pushes out its own and nobody else’s', () => {
  const pending = new Pending<number>(1_000, () => 0);
  const mine = pending.begin(-1, '192.0.2.1');
  const storm = Array.from({ length: 20_000 }, (_, at) => pending.begin(at, '198.51.100.7'));
  assert.equal(storm.filter(name => pending.take(name) !== undefined).length, 50);
  assert.equal(pending.take(mine), -1);
});
