import assert from 'node:assert/strict';
import { test } from 'node:test';
import { presentationMs, withOrigin } from '#domain/presentation.ts';
import { aMap, anAudioTimeline, everyS } from '../support/titles.ts';

const FPS_24 = { num: 24, den: 1 };
const { video } = aMap(everyS(2, 5), 10, { originPts: 90_000 });

for (const { what, soundAtS, framesBefore } of [
  { what: 'begins with the picture when the sound does', soundAtS: 1, framesBefore: 0 },
  { what: 'begins with the picture when the sound is later', soundAtS: 1.5, framesBefore: 0 },
  { what: 'begins with sound that is sooner by whole frames', soundAtS: 0.5, framesBefore: 12 },
  { what: 'begins up to a frame after sound that lies between two', soundAtS: 0.53, framesBefore: 11 },
  { what: 'does not begin sooner for less than a frame of sound', soundAtS: 0.97, framesBefore: 0 },
  { what: 'begins with sound that was rounded to a millisecond', soundAtS: 0.501, framesBefore: 12 },
  { what: 'does not count priming as sound', soundAtS: -0.021, framesBefore: 24 },
]) {
  test(`presentation: ${what}`, () => {
    const sound = anAudioTimeline({ firstPts: Math.round(soundAtS * 48_000) });
    assert.equal((video.firstShownPts - withOrigin(video, [sound], FPS_24).originPts) / (90_000 / 24), framesBefore);
  });
}

test('presentation: sound of another clock moves nothing', () => {
  const late = aMap([18_000, 18_002], 18_004).video;
  assert.equal(withOrigin(late, [anAudioTimeline({ firstPts: 0 })], FPS_24).originPts, late.firstShownPts);
});

test('presentation: lasts from media time 0 to the end of what lasts longest', () => {
  assert.equal(presentationMs(video, []), 10_000);
  assert.equal(presentationMs(video, [anAudioTimeline({ firstPts: 48_000, endPts: 48_000 * 12 })]), 11_000);
});
