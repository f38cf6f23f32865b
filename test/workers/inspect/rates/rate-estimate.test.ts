// Predictions from a few places of films whose every bit is known, and those of a film that is really encoded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BT709 } from '#domain/colour/encode-colour.ts';
import { averageBps, type MeasuredSegment, peakBps } from '#domain/delivery/film-rates.ts';
import { segmentCount } from '#domain/plan.ts';
import { estimateBitDemand, type Sample } from '#workers/inspect/rates/rate-estimate.ts';
import { choosePlaces } from '#workers/inspect/rates/rate-places.ts';
import { measureRates } from '#workers/inspect/rates/rates.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import { spanOf } from '#workers/remux/segment-span.ts';
import { runTool } from '../../../support/run-tool.ts';
import { seededRandom } from '../../../support/titles.ts';
import { cut, Film, record } from '../../support.ts';

const HD = 1920 * 1080 * 24;

type Scene = { readonly source: number; readonly encoded: number };

/** The prediction for a film of these segments of two seconds, and what is true of it. */
function predict(scenes: readonly Scene[]) {
  const source = scenes.map(scene => ({ bits: scene.source, seconds: 2 }));
  const encoded: MeasuredSegment[] = scenes.map(scene => ({ bits: scene.encoded, seconds: 2 }));
  const samples = choosePlaces(source, HD).map((place): Sample => {
    const bits = encoded[place.index]?.bits ?? 0;
    return { place, keyframeBits: bits / 3, bits: new Map([['360p', bits], ...(place.isFull ? [['720p', bits * 3] as const] : [])]) };
  });
  const demand = estimateBitDemand(source, samples, '360p');
  assert.ok(demand);
  const average = (rungId: string): number => demand.rungs.find(rung => rung.rungId === rungId)?.averageBps ?? 0;
  return {
    average: average('360p') / averageBps(encoded),
    peak: (average('360p') * (demand.peaks[1] ?? 0)) / peakBps(encoded, 2),
    ratio: average('720p') / average('360p'),
  };
}

const random = seededRandom(3);
const KINDS: Readonly<Record<string, readonly Scene[]>> = {
  'of one scene': Array.from({ length: 600 }, () => ({ source: 1000, encoded: 400 })),
  'whose source tells how busy it is': Array.from({ length: 3600 }, () => {
    const source = 200 + 3000 * random() ** 2;
    return { source, encoded: source * (0.35 + 0.1 * random()) };
  }),
  'half of it still': [
    ...Array.from({ length: 300 }, () => ({ source: 20, encoded: 150 })),
    ...Array.from({ length: 300 }, () => ({ source: 3000, encoded: 1200 })),
  ],
  'broadcast at a constant rate': Array.from({ length: 1200 }, () => ({ source: 1000, encoded: 350 + 100 * random() })),
  'of two segments': [
    { source: 10, encoded: 30 },
    { source: 50, encoded: 90 },
  ],
};
for (const [what, scenes] of Object.entries(KINDS)) {
  test(`rate estimate: the average of a film ${what} is within a tenth, and its peak within a third`, () => {
    const { average, peak, ratio } = predict(scenes);
    assert.ok(Math.abs(average - 1) < 0.1, `average ${average}`);
    assert.ok(Math.abs(peak - 1) < 0.34, `peak ${peak}`);
    assert.ok(Math.abs(ratio - 3) < 0.01, `rungs ${ratio}`);
  });
}

test('rate places: few, fewer of large pictures, each once, the busiest among them', () => {
  const source = Array.from({ length: 500 }, (_, index) => ({ bits: index === 123 ? 9_000 : 100, seconds: 2 }));
  const places = choosePlaces(source, HD);
  assert.ok(places.length <= 11 && places.some(({ index }) => index === 123));
  assert.equal(places.filter(({ isFull }) => isFull).length, 4);
  assert.ok(choosePlaces(source, 4 * HD).length <= 5);
  assert.equal(choosePlaces(source.slice(0, 1), HD).length, 1);
});

test('rates: copies are measured to the byte, and an encode of the whole takes what some places of it tell', async t => {
  const film = await Film.make(t, { seconds: 16, output: ['-vf', 'scale=320:180', '-g', '20'] });
  const { streams, keyframes } = film.facts;
  const tools = { runTool, openRemuxSource };
  const { rates, cpuSeconds } = await measureRates(
    { path: film.path, streams, keyframes, targetMs: 2_000, colour: { from: BT709, to: BT709 } },
    tools,
  );
  assert.ok(cpuSeconds > 0 && rates.demand);

  const source = await openRemuxSource(film.path);
  assert.ok(source);
  t.after(() => source.close());
  for (const [kind, rate] of [
    ['video-copy', rates.videoCopy],
    ['audio-copy', rates.audioCopy[0]],
  ] as const) {
    const { rendition, grid } = film.job(kind);
    let bytes = 0;
    for (let index = 0; index < segmentCount(grid); index++)
      bytes += (await source.segment(rendition.streamIndex, spanOf(keyframes, grid, rendition, index))).byteLength;
    assert.equal(rate?.averageBps, Math.round((8 * bytes) / ((grid.boundaries.at(-1) ?? 0) / grid.timescale)), kind);
  }

  const job = film.job('video-encode');
  const bytes = [...cut(job, await record(job)).segments.values()].reduce((sum, segment) => sum + segment.byteLength, 0);
  const predicted = rates.demand.rungs[0]?.averageBps ?? 0;
  assert.ok(Math.abs(predicted / ((8 * bytes) / 16) - 1) < 0.12, `${predicted} predicted, ${bytes / 2} taken`);
});
