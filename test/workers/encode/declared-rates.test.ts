// Counts of bits alone: what is declared of an encode before a bit of it is made holds for all that is made.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { segmentDurationS } from '#domain/plan.ts';
import type { VideoEncode } from '#domain/rendition.ts';
import { cut, Film, record } from '../support.ts';

// Grain: far more than any rung may spend.
const NOISE = ['-vf', 'scale=426:240:flags=neighbor,noise=alls=60:allf=t', '-crf', '1', '-t', '12'];

test('declared rates: no segment of an encode has more than BANDWIDTH, and the whole no more than AVERAGE-BANDWIDTH', async t => {
  const film = await Film.make(t, { seconds: 12, output: NOISE });
  const job = film.job('video-encode');
  const rung = job.rendition as VideoEncode;
  const { segments } = cut(job, await record(job));
  const bits = [...segments].map(([index, bytes]) => ({ bits: 8 * bytes.byteLength, seconds: segmentDurationS(job.grid, index) }));
  for (const [index, { bits: made, seconds }] of bits.entries()) {
    assert.ok(made / seconds <= rung.bandwidthBps, `segment ${index}: ${made / seconds} of ${rung.bandwidthBps}`);
  }
  const sum = (of: (part: (typeof bits)[number]) => number): number => bits.reduce((total, part) => total + of(part), 0);
  const average = sum(part => part.bits) / sum(({ seconds }) => seconds);
  assert.ok(average > 0.8 * rung.maxBitrateBps, `the bound is what holds it: ${average}`);
  // A rate buffer that is full at the start is spent once.
  assert.ok(average <= rung.maxBitrateBps * 1.1, `${average} of ${rung.maxBitrateBps}`);
});
