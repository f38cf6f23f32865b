import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, percentile, slope, summarize } from '../../../loadtest/machine/statistics.ts';

test('statistics: percentiles are values that were seen, the median lies between the middle two', () => {
  const samples = [5, 1, 4, 2, 3];
  assert.deepEqual([percentile(samples, 0.5), percentile(samples, 0.95), percentile(samples, 0.2)], [3, 5, 1]);
  assert.deepEqual([median(samples), median([1, 2, 3, 10])], [3, 2.5]);
  assert.deepEqual(summarize(samples), { count: 5, median: 3, min: 1, max: 5, p95: 5 });
  assert.ok(Number.isNaN(median([])));
});

test('statistics: the slope is what a value grows by for each step', () => {
  const grows = [0, 1, 2, 3].map(x => ({ x, y: 7 + 2.5 * x }));
  assert.equal(slope(grows), 2.5);
  assert.equal(slope(grows.map(({ x }) => ({ x, y: 4 }))), 0);
});
