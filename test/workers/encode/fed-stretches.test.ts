import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EncodeJob } from '#actors/effects.ts';
import { buildPlan } from '#domain/plan.ts';
import { fedStretches } from '#workers/encode/fed-stretches.ts';
import { aMap, aRung, everyS } from '../../support/titles.ts';

const FPS_24 = { num: 24, den: 1 };

/** Seconds at which the stretches of segments 1 and 2 begin. */
function startsS(hasLeadingPictures: boolean): number[] {
  const map = aMap(everyS(2, 6), 12);
  const keyframes = { ...map, video: { ...map.video, hasLeadingPictures } };
  const grid = buildPlan(keyframes, FPS_24, 2_000).videoEncode;
  const job = { rendition: aRung('720p', { frameRate: FPS_24 }), keyframes, grid, firstIndex: 1, lastIndex: 2 } as unknown as EncodeJob;
  return [...(fedStretches(job)?.stretches ?? [])].map(({ fromPts }) => fromPts / 90_000);
}

test('fed stretches: a run is fed from the keyframe of its first picture to the last of its pictures', () => {
  assert.deepEqual(startsS(false), [2, 4]);
});

test('fed stretches: of open groups the next one is fed too, for its first pictures are shown before its keyframe', () => {
  assert.deepEqual(startsS(true), [2, 4, 6]);
});
