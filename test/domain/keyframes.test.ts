import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyframeFactsOf, MAX_KEYFRAMES, thinKeyframes } from '#domain/keyframes.ts';
import { aKeyframeMap } from '../storage/support.ts';

const every = (ticks: number, count: number): Float64Array => Float64Array.from({ length: count }, (_, index) => index * ticks);

test('keyframes: as many as a map may hold are kept as they are', () => {
  const keyframes = every(1, MAX_KEYFRAMES);
  assert.deepEqual(thinKeyframes(keyframes, 24), [...keyframes]);
});

test('keyframes: of more only some are kept, the first among them and none nearer than a quarter of a second', () => {
  const hours = 10;
  const keyframes = every(1, hours * 3600 * 24);
  const thin = thinKeyframes(keyframes, 24);
  assert.deepEqual(thin.slice(0, 3), [0, 6, 12]);
  assert.equal(thin.length, hours * 3600 * 4);
  const all = new Set(keyframes);
  assert.ok(thin.every(pts => all.has(pts)));
});

test('keyframes: however many there are, and however far apart, a map has room for what is kept', () => {
  for (const [ticks, timescale] of [
    [1, 1],
    [1, 60],
    [90_000, 1],
    [0.5, 1],
  ] as const) {
    const thin = thinKeyframes(every(ticks, MAX_KEYFRAMES * 3), timescale);
    assert.ok(thin.length <= MAX_KEYFRAMES && thin.length > MAX_KEYFRAMES / 8, `${thin.length} of ${ticks}/${timescale}`);
  }
});

test('keyframes: the facts of a map are its count, its longest gap and who copies it', () => {
  const map = aKeyframeMap([0, 90_000, 270_000, 8_910_000]);
  assert.deepEqual(keyframeFactsOf(map), { count: 4, longestGapMs: 96_000, copyMethod: 'mp4' });
});
