import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyframeMap } from '#domain/media.ts';
import { posterTimes } from '#library/poster-times.ts';

const map = (keyframesS: readonly number[], endS: number, startTimeUs = 0): KeyframeMap => ({
  version: '',
  copyMethod: 'mp4',
  startTimeUs,
  video: {
    timescale: 90_000,
    originPts: 0,
    firstShownPts: 0,
    keyframes: keyframesS.map(second => second * 90_000),
    endPts: endS * 90_000,
    hasLeadingPictures: false,
    peakBitrateBps: 1,
  },
  audio: [],
});

test('poster times: the keyframes nearest to parts of the film, each once, its start last, just behind where they lie', () => {
  assert.deepEqual(posterTimes(map([0, 9, 14, 31, 44, 62, 90], 100)), [31_001, 44_001, 14_001, 62_001, 1]);
  assert.deepEqual(posterTimes(map([0], 100)), [1]);
});

test('poster times: count from where the file begins, as ffmpeg does', () => {
  assert.deepEqual(posterTimes(map([100, 130], 200, 99_500_000)), [30_501, 501]);
});
