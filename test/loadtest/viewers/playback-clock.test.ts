// The screen of the load test's player: what counts as played, as a stall, and as a seek.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaybackClock } from '../../../loadtest/viewers/playback-clock.ts';

const start = (): PlaybackClock => new PlaybackClock({ positionS: 0, endS: 100, nowMs: 0 });

test('waiting for the first segment is no stall', () => {
  const clock = start();
  clock.buffered(4, 3_000);
  clock.advance(5_000);
  assert.deepEqual(clock.facts, { playedMs: 2_000, stalls: 0, settledStalls: 0, stalledMs: 0 });
});

test('an empty buffer is one stall, for as long as it is empty', () => {
  const clock = start();
  clock.buffered(4, 0);
  clock.advance(5_000);
  clock.advance(5_500);
  clock.buffered(6, 6_000);
  clock.advance(7_000);
  assert.deepEqual(clock.facts, { playedMs: 5_000, stalls: 1, settledStalls: 1, stalledMs: 2_000 });
});

test('who has hardly played since a start or a seek was never settled', () => {
  const clock = start();
  clock.buffered(3, 0);
  clock.advance(4_000);
  assert.deepEqual([clock.facts.stalls, clock.facts.settledStalls], [1, 0]);
  clock.buffered(5, 4_000);
  clock.advance(7_000);
  assert.deepEqual([clock.facts.stalls, clock.facts.settledStalls], [2, 1], 'the stall did not begin it anew');
  clock.seek(50, 7_000);
  clock.buffered(52, 7_000);
  clock.advance(10_000);
  assert.deepEqual([clock.facts.stalls, clock.facts.settledStalls], [3, 1]);
});

test('nothing runs out while it is paused', () => {
  const clock = start();
  clock.buffered(4, 0);
  clock.pause(1_000);
  clock.resume(60_000);
  clock.advance(61_000);
  assert.deepEqual(clock.facts, { playedMs: 2_000, stalls: 0, settledStalls: 0, stalledMs: 0 });
});

test('a seek within the buffer plays on, one beyond it waits without a stall', () => {
  const clock = start();
  clock.buffered(10, 0);
  assert.equal(clock.seek(8, 1_000), true);
  assert.equal(clock.seek(50, 2_000), false);
  clock.buffered(54, 9_000);
  clock.advance(10_000);
  assert.deepEqual(clock.facts, { playedMs: 3_000, stalls: 0, settledStalls: 0, stalledMs: 0 });
  assert.equal(clock.positionS, 51);
});

test('the end of the film is no stall', () => {
  const clock = start();
  clock.buffered(100, 0);
  clock.advance(150_000);
  assert.equal(clock.state, 'ended');
  assert.equal(clock.facts.stalls, 0);
});
