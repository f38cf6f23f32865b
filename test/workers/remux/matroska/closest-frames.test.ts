import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closestFps } from '#workers/remux/matroska/closest-frames.ts';

const rounded = (count: number, timeOf: (frame: number) => number): number[] =>
  Array.from({ length: count }, (_, at) => Math.round(timeOf(at)));

for (const rate of [24_000 / 1001, 24, 30_000 / 1001, 30, 60]) {
  test(`closest frames: times rounded to a millisecond tell ${rate.toFixed(3)} pictures a second, with or without holes`, () => {
    const steady = rounded(96, at => (at * 1000) / rate);
    assert.equal(closestFps([steady], 1000), rate);
    const sparse = rounded(60, at => ((Math.floor(at / 2) * 3 + (at % 2)) * 1000) / rate);
    assert.equal(closestFps([rounded(20, at => at * 100).toReversed(), sparse], 1000), rate);
  });
}

test('closest frames: two pictures that happen to stand together make no rate', () => {
  assert.equal(closestFps([[...rounded(96, at => at * 40), 5]], 1000), 25);
  assert.equal(closestFps([[0, 1, 2]], 1000), null);
});
