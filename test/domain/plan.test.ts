import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AudioTimeline, Rational } from '#domain/media.ts';
import {
  AAC_FRAME,
  buildPlan,
  encodeTimescale,
  firstChunkEnd,
  frameTicks,
  type Grid,
  longestSegmentS,
  type Plan,
  segmentCount,
  segmentDurationS,
  segmentIndexAt,
  segmentStartS,
} from '#domain/plan.ts';
import { aMap, anAudioTimeline, everyS, seededRandom } from '../support/titles.ts';

const FPS_24: Rational = { num: 24, den: 1 };
const secondsOf = (grid: Grid | null): number[] => (grid?.boundaries ?? []).map(ticks => ticks / (grid?.timescale ?? 1));
const gridsOf = (plan: Plan): Grid[] =>
  [plan.videoCopy, plan.videoEncode, ...plan.audioCopy, ...plan.audioEncode].filter(grid => grid !== null);

function assertAscending(grid: Grid, what: string): void {
  assert.ok(segmentCount(grid) >= 1, `${what}: at least one segment`);
  for (let at = 1; at < grid.boundaries.length; at++) {
    const [before = 0, here = 0] = [grid.boundaries[at - 1], grid.boundaries[at]];
    assert.ok(here > before && Number.isSafeInteger(here), `${what}: ${before} then ${here}`);
  }
}

for (const { what, keyframesS, endS, copyS, encodeS } of [
  { what: 'keyframes at the target', keyframesS: [0, 2, 4], endS: 6, copyS: [0, 2, 4, 6], encodeS: [0, 2, 4, 6] },
  {
    what: 'close keyframes are grouped',
    keyframesS: [0, 0.5, 1, 1.5, 2.5, 3, 4.5],
    endS: 6,
    copyS: [0, 2.5, 4.5, 6],
    encodeS: [0, 1.25, 2.5, 4.5, 6],
  },
  { what: 'far keyframes are kept, and refined', keyframesS: [0, 5], endS: 8, copyS: [0, 5, 8], encodeS: [0, 40 / 24, 80 / 24, 5, 6.5, 8] },
  { what: 'a sliver at the end joins its neighbour', keyframesS: [0, 2, 4], endS: 4.5, copyS: [0, 2, 4.5], encodeS: [0, 2, 3.25, 4.5] },
  { what: 'half a target at the end is no sliver', keyframesS: [0, 2, 4], endS: 5, copyS: [0, 2, 4, 5], encodeS: [0, 2, 4, 5] },
  { what: 'one keyframe', keyframesS: [0], endS: 1, copyS: [0, 1], encodeS: [0, 1] },
] as const) {
  test(`plan: ${what}`, () => {
    for (const originPts of [0, -7_508, 495_000]) {
      const plan = buildPlan(aMap(keyframesS, endS, { originPts }), FPS_24, 2_000);
      assert.deepEqual(secondsOf(plan.videoCopy), copyS);
      assert.deepEqual(secondsOf(plan.videoEncode), encodeS);
    }
  });
}

test('plan: the longest copy that is bearable is 15 s; beyond, there is no copy grid', () => {
  assert.notEqual(buildPlan(aMap([0, 15], 20), FPS_24, 2_000).videoCopy, null);
  assert.equal(buildPlan(aMap([0, 15.1], 20), FPS_24, 2_000).videoCopy, null);
});

for (const rate of [
  { num: 24_000, den: 1001 },
  { num: 30_000, den: 1001 },
  { num: 60, den: 1 },
  { num: 25, den: 1 },
  // The mean rate of a film of variable rate.
  { num: 1_234_567, den: 54_321 },
]) {
  test(`plan: at ${rate.num}/${rate.den} every boundary lies on a frame and every copy boundary is one of them`, () => {
    const frameS = rate.den / rate.num;
    const keyframesS = [0, 61, 122, 240, 250, 400].map(frame => frame * frameS);
    const plan = buildPlan(aMap(keyframesS, 500 * frameS), rate, 2_000);
    const { timescale } = plan.videoEncode;
    const ticks = frameTicks(timescale, rate);
    assert.ok(Number.isInteger(ticks) && timescale >= 10_000);
    assert.ok(plan.videoEncode.boundaries.every(boundary => boundary % ticks === 0));
    if (rate.num < 100_000) assert.equal(plan.videoCopy?.timescale, timescale, 'one clock for all pictures');
    else assert.equal(plan.videoCopy?.timescale, 90_000, 'no clock that players take is fine enough for both');
    assert.ok(longestSegmentS(plan.videoEncode) <= 2.000001);
    const encodeS = secondsOf(plan.videoEncode);
    for (const second of secondsOf(plan.videoCopy)) {
      assert.ok(
        encodeS.some(other => Math.abs(other - second) <= frameS / 2),
        `${second} s is an encode boundary`,
      );
    }
  });
}

test('plan: EXTINF adds up to the film at a fractional rate, and never says 2 for 2.002', () => {
  const rate = { num: 24_000, den: 1001 };
  const frameS = 1001 / 24_000;
  const keyframesS = everyS(48 * frameS, 3_600);
  const plan = buildPlan(aMap(keyframesS, 3_600 * 48 * frameS), rate, 6_000);
  const sum = Array.from({ length: segmentCount(plan.videoEncode) }, (_, index) => segmentDurationS(plan.videoEncode, index)).reduce(
    (total, seconds) => total + seconds,
    0,
  );
  assert.ok(Math.abs(sum - 3_600 * 48 * frameS) < 0.001);
  assert.notEqual(segmentDurationS(plan.videoEncode, 0), Math.round(segmentDurationS(plan.videoEncode, 0)));
});

test('plan: any keyframe map gives ascending grids, the encode grid within the target', () => {
  const random = seededRandom(20_261_122);
  const rates = [FPS_24, { num: 24_000, den: 1001 }, { num: 60, den: 1 }, { num: 10, den: 1 }, { num: 1, den: 2 }];
  for (let round = 0; round < 400; round++) {
    const rate = rates[round % rates.length] ?? FPS_24;
    const keyframesS = [0];
    for (let count = Math.ceil(random() * 40); count > 0; count--) keyframesS.push((keyframesS.at(-1) ?? 0) + 0.02 + random() ** 3 * 14);
    const endS = (keyframesS.at(-1) ?? 0) + 0.02 + random() * 5;
    const audio = Array.from({ length: 3 }, (_, index): AudioTimeline => {
      const timescale = [44_100, 48_000, 8_000][index] ?? 48_000;
      const firstPts = Math.round((random() * 6 - 3) * timescale);
      return {
        index: index + 1,
        timescale,
        firstPts,
        frameDuration: [1024, 1536, 960][index] ?? 1024,
        endPts: firstPts + 1 + Math.round(random() * 1.2 * endS * timescale),
      };
    });
    const targetMs = round % 2 === 0 ? 2_000 : 6_000;
    const plan = buildPlan(aMap(keyframesS, endS, { audio, originPts: Math.round((random() - 0.5) * 90_000) }), rate, targetMs);
    for (const grid of gridsOf(plan)) assertAscending(grid, `round ${round}`);
    const frameS = rate.den / rate.num;
    assert.ok(longestSegmentS(plan.videoEncode) <= Math.max(targetMs / 1000, frameS) + 1e-9, `round ${round}: within the target`);
    assert.equal(plan.videoEncode.boundaries[0], 0);
    for (const grid of gridsOf(plan)) {
      for (let index = 0; index < segmentCount(grid); index++) {
        assert.equal(
          segmentIndexAt(grid, segmentStartS(grid, index) * 1000),
          index,
          `round ${round}: the start of ${index} is in ${index}`,
        );
        assert.equal(segmentIndexAt(grid, Math.ceil(segmentStartS(grid, index) * 1000)), index, 'in whole milliseconds too');
      }
    }
  }
});

const audioPlan = (track: Partial<AudioTimeline>, endS = 10) =>
  buildPlan(aMap(everyS(2, endS / 2), endS, { audio: [anAudioTimeline({ endPts: 48_000 * endS, ...track })] }), FPS_24, 2_000);

test('plan: sound is cut at whole frames nearest to the picture', () => {
  const plan = audioPlan({});
  for (const grid of [plan.audioCopy[0], plan.audioEncode[0]]) {
    assert.ok(grid);
    assert.ok(grid.boundaries.slice(0, -1).every(samples => samples % AAC_FRAME === 0));
    assert.equal(segmentCount(grid), 5);
    for (const [index, second] of [0, 2, 4, 6, 8].entries())
      assert.ok(Math.abs(segmentStartS(grid, index) - second) <= AAC_FRAME / 48_000 / 2);
  }
});

test('plan: priming is dropped', () => {
  const [grid] = audioPlan({ firstPts: -1024, endPts: 48_000 * 10 }).audioCopy;
  assert.equal(grid?.boundaries[0], 0);
  const [twoFrames] = audioPlan({ firstPts: -2112 }).audioCopy;
  assert.equal(twoFrames?.boundaries[0], 960, 'the first whole frame at or after time 0 is the first that is heard');
});

test('plan: sound that starts after the first segment is not copied but encoded from the start', () => {
  const soon = audioPlan({ firstPts: 24_000 });
  assert.equal(soon.audioCopy[0]?.boundaries[0], 24_000);
  assert.equal(segmentStartS(soon.audioCopy[0] ?? soon.videoEncode, 0), 0);
  const late = audioPlan({ firstPts: 96_000 });
  assert.equal(late.audioCopy[0], null);
  assert.equal(late.audioEncode[0]?.boundaries[0], 0);
});

test('plan: frames of unequal length are not copied', () => {
  assert.equal(audioPlan({ frameDuration: null }).audioCopy[0], null);
});

test('plan: sound that ends before the picture begins is not copied', () => {
  const plan = audioPlan({ firstPts: -96_000, endPts: -48_000 });
  assert.equal(plan.audioCopy[0], null);
  assert.equal(segmentCount(plan.audioEncode[0] ?? plan.videoEncode), 5);
});

test('plan: sound that is longer than the picture goes on to its end', () => {
  const plan = audioPlan({ endPts: 48_000 * 17 });
  for (const grid of [plan.audioCopy[0], plan.audioEncode[0]]) {
    assert.ok(grid);
    const endS = (grid.boundaries.at(-1) ?? 0) / grid.timescale;
    assert.ok(endS >= 17 && endS < 17.03, `ends at ${endS}`);
    assert.ok(longestSegmentS(grid) < 4, 'no segment is twice the target');
  }
});

test('plan: sound that is shorter than the picture ends where it ends, and an encode fills it with silence', () => {
  const plan = audioPlan({ endPts: 48_000 * 5 + 100 });
  assert.equal(plan.audioCopy[0]?.boundaries.at(-1), 48_000 * 5 + 100, 'the last frame is a short one');
  const encodeEndS = (plan.audioEncode[0]?.boundaries.at(-1) ?? 0) / 48_000;
  assert.ok(Math.abs(encodeEndS - 10) < 0.03);
});

test('plan: an origin that is not 0 moves the sound with the picture', () => {
  const originPts = 450_000;
  const track = anAudioTimeline({ firstPts: 48_000 * 5, endPts: 48_000 * 15 });
  const moved = buildPlan(aMap(everyS(2, 5), 10, { originPts, audio: [track] }), FPS_24, 2_000);
  assert.deepEqual(moved.audioCopy, audioPlan({}).audioCopy);
  assert.deepEqual(moved.audioEncode, audioPlan({}).audioEncode);
});

test('plan: a position before the start is in the first segment, one past the end in the last', () => {
  const { videoEncode } = buildPlan(aMap(everyS(2, 5), 10), FPS_24, 2_000);
  for (const [positionMs, index] of [
    [-5, 0],
    [0, 0],
    [1_999, 0],
    [2_000, 1],
    [9_999, 4],
    [10_000, 4],
    [1e12, 4],
  ] as const)
    assert.equal(segmentIndexAt(videoEncode, positionMs), index, `${positionMs} ms`);
});

test('plan: a film of eight hours is planned in well under a second of the processor, exactly', () => {
  const rate = { num: 24_000, den: 1001 };
  const keyframesS = everyS((48 * 1001) / 24_000, 14_386);
  const endS = 14_386 * ((48 * 1001) / 24_000);
  const before = process.cpuUsage();
  const plan = buildPlan(
    aMap(keyframesS, endS, { audio: [anAudioTimeline({ firstPts: -1024, endPts: Math.round(endS * 48_000) })] }),
    rate,
    2_000,
  );
  assert.ok(process.cpuUsage(before).user < 1_000_000);
  for (const grid of gridsOf(plan)) {
    assertAscending(grid, 'eight hours');
    assert.equal(segmentCount(grid) % 14_386, 0);
    const middle = segmentCount(grid) / 2;
    assert.ok(Math.abs(segmentStartS(grid, middle) - endS / 2) < 0.011, 'no drift: the middle is in the middle');
  }
  assert.ok(Math.abs((plan.videoEncode.boundaries.at(-1) ?? 0) / plan.videoEncode.timescale - endS) < 0.03);
});

test('plan: the same map gives the same plan', () => {
  const map = aMap([0, 1.3, 4.4, 9.1], 12, { audio: [anAudioTimeline()] });
  assert.deepEqual(buildPlan(map, FPS_24, 2_000), buildPlan(structuredClone(map), FPS_24, 2_000));
});

test('plan: the first chunk of a segment is half a second of whole frames, where the rest is no shorter', () => {
  const seconds = (boundaries: readonly number[], rate: Rational): number | null => {
    const timescale = encodeTimescale(rate);
    const grid = { timescale, boundaries: boundaries.map(at => at * timescale) };
    const end = firstChunkEnd(grid, 1, rate);
    return end === null ? null : end / timescale;
  };
  const film = { num: 24, den: 1 };
  assert.equal(seconds([0, 2, 4], film), 2.5);
  assert.equal(seconds([0, 2, 3], film), 2.5);
  assert.equal(seconds([0, 2, 2 + 23 / 24], film), null);
  assert.equal(seconds([0, 2, 8], { num: 25, den: 1 }), 2.52, 'half a second is no whole number of frames');
  assert.equal(seconds([0, 2, 4], { num: 1, den: 1 }), 3, 'at least one frame');
});
