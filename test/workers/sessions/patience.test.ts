import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, whenPatienceEnds } from '#workers/sessions/patience.ts';

test('patience: its end is told once, not before it, and not at all after it was stopped', t => {
  let nowMs = 0;
  let told = 0;
  t.mock.method(performance, 'now', () => nowMs);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  whenPatienceEnds(0, () => told++);
  nowMs = PATIENCE_MS - 0.5;
  t.mock.timers.tick(PATIENCE_MS);
  assert.equal(told, 0, 'the timer was early');
  nowMs = PATIENCE_MS;
  t.mock.timers.tick(1);
  t.mock.timers.tick(10 * PATIENCE_MS);
  assert.equal(told, 1);
  whenPatienceEnds(nowMs, () => told++)();
  nowMs += PATIENCE_MS;
  t.mock.timers.tick(PATIENCE_MS);
  assert.equal(told, 1);
});
