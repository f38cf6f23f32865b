import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Media } from '#domain/media.ts';
import { MediaPlans } from '#src/playback/offer/media-plans.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import { aMap, aTitle, everyS } from '../../support/titles.ts';

const TITLE = aTitle();
/** As the store gives it: equal, and never the same object. */
const read = (title = TITLE.title): Media => ({ ...structuredClone(TITLE), title });

function plans(): { plans: MediaPlans; reads: () => number } {
  let reads = 0;
  const get: KeyframeMapRepository['get'] = () => {
    reads++;
    return aMap(everyS(2, 30), 60);
  };
  // The narrow part of the store that is used here.
  return { plans: new MediaPlans({ keyframeMaps: { get } as KeyframeMapRepository }), reads: () => reads };
}

test('media plans: equal records of a film come out as one, with one plan', () => {
  const { plans: known, reads } = plans();
  const first = known.for(read(), 2_000);
  assert.equal(known.for(read(), 2_000), first);
  assert.notEqual(known.for(read(), 6_000).plan, first.plan);
  assert.equal(reads(), 2);
});

test('media plans: what changed of a film beside its file is seen at once, and its plan stays', () => {
  const { plans: known, reads } = plans();
  const first = known.for(read('Before'), 2_000);
  const second = known.for(read('After'), 2_000);
  assert.deepEqual([first.media.title, second.media.title], ['Before', 'After']);
  assert.equal(second.plan, first.plan);
  assert.equal(known.for(read('After'), 2_000), second);
  assert.equal(reads(), 1);
});
