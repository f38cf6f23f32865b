// Which small pictures a film has: how many, how far apart, how large, and which keyframes they show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildPlan, segmentCount } from '#domain/plan.ts';
import { iframePts } from '#domain/trick-play/iframes.ts';
import { previewFrames, previewGrid, previewPlan } from '#domain/trick-play/previews.ts';
import { aMap, aTitle, aVideoStream } from '../../support/titles.ts';

const filmOf = (durationMs: number, video = {}) =>
  aTitle({ durationMs, streams: { video: [aVideoStream(video)], audio: [], subtitles: [] } });

for (const [what, durationMs, intervalMs, count] of [
  ['ten seconds', 10_000, 1_000, 10],
  ['less than one', 400, 1_000, 1],
  ['twelve minutes', 720_000, 1_000, 720],
  ['two hours and a few frames', 7_200_091, 10_000, 721],
  ['a day', 86_400_000, 120_000, 720],
] as const) {
  test(`previews: a film of ${what} has ${count} pictures, ${intervalMs} ms apart`, () => {
    const plan = previewPlan(filmOf(durationMs));
    assert.ok(plan);
    assert.deepEqual([plan.intervalMs, plan.count], [intervalMs, count]);
    assert.equal(plan.tileCount, Math.ceil(count / 20));
    assert.equal(segmentCount(previewGrid(plan)), count);
    assert.equal(previewGrid(plan).boundaries.at(-1), durationMs, 'they last as long as the film');
  });
}

test('previews: a picture has the shape of the film as it is shown, and is never enlarged', () => {
  const size = (video: object) => {
    const plan = previewPlan(filmOf(10_000, video));
    return plan && [plan.width, plan.height];
  };
  assert.deepEqual(size({ width: 1920, height: 1080 }), [320, 180]);
  assert.deepEqual(size({ width: 1920, height: 1080, rotation: 90 }), [180, 320]);
  assert.deepEqual(size({ width: 720, height: 576, pixelAspect: { num: 64, den: 45 } }), [320, 180]);
  assert.deepEqual(size({ width: 1920, height: 800 }), [320, 134]);
  assert.deepEqual(size({ width: 160, height: 120 }), [160, 120]);
  assert.equal(previewPlan({ ...filmOf(10_000), durationMs: 0 }), null);
});

test('previews: a picture shows the keyframe nearest to its time, and each keyframe is read once', () => {
  const plan = previewPlan(filmOf(10_000));
  assert.ok(plan);
  const map = aMap([0, 4.2, 8.9], 10);
  const { timescale, originPts } = map.video;
  const shown = previewFrames(map, plan).map(({ pts, atMs }) => [(pts - originPts) / timescale, atMs]);
  assert.deepEqual(shown, [
    [0, 0],
    [4.2, 3_000],
    [8.9, 7_000],
  ]);
});

test('trick play: a copy has its keyframes at least a second apart, from the first to the end of the film', () => {
  const map = aMap([0, 0.4, 0.8, 1.2, 4, 4.5, 6], 9);
  const { iframes } = buildPlan(map, { num: 24, den: 1 }, 2_000);
  assert.ok(iframes);
  assert.deepEqual(
    iframes.boundaries.map(ticks => ticks / iframes.timescale),
    [0, 1.2, 4, 6, 9],
  );
  const { timescale, originPts } = map.video;
  assert.deepEqual(
    [0, 1, 2, 3].map(index => (iframePts(map.video, iframes, index) - originPts) / timescale),
    [0, 1.2, 4, 6],
  );
  assert.equal(buildPlan(aMap([0, 20], 40), { num: 24, den: 1 }, 2_000).iframes, null, 'what is not copied has none');
});
