// The load test's player chooses rungs as hls.js does: down at once, up with a margin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throughput } from '../../../loadtest/viewers/throughput.ts';

const RATES = [400_000, 1_400_000, 5_000_000];

test('without a sample it takes what half a megabit carries', () => {
  assert.equal(new Throughput().choose(RATES, null), 400_000);
});

test('it climbs only with a margin, and stays without one', () => {
  const throughput = new Throughput();
  for (let segment = 0; segment < 20; segment++) throughput.sample(200_000, 1_000);
  assert.equal(throughput.choose(RATES, 400_000), 400_000);
  assert.equal(throughput.choose(RATES, 1_400_000), 1_400_000);
});

test('a line that breaks down is believed within a few segments', () => {
  const throughput = new Throughput();
  for (let segment = 0; segment < 20; segment++) throughput.sample(2_000_000, 1_000);
  assert.equal(throughput.choose(RATES, 1_400_000), 5_000_000);
  for (let segment = 0; segment < 4; segment++) throughput.sample(100_000, 2_000);
  assert.equal(throughput.choose(RATES, 5_000_000), 1_400_000);
});
