// Which file of a film a session plays, and from where.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';
import type { Offer } from '#domain/session.ts';
import { chooseVersion, type Wanted } from '#src/playback/session/version-choice.ts';

const file = (id: string, durationMs = 7_200) => ({ id: id as MediaId, durationMs });
const SHARP_FIRST = [[file('uhd')], [file('hd')], [file('sd')]];
const PARTS = [[file('one', 100), file('two', 50)], [file('whole', 150)]];

type World = {
  readonly versions?: typeof SHARP_FIRST;
  readonly deliveries?: Record<string, Offer['delivery']>;
  readonly saved?: Record<string, Partial<Progress>>;
};

function choose(mediaId: string, { versions = SHARP_FIRST, deliveries = {}, saved = {} }: World, wanted: Partial<Wanted> = {}) {
  const progressOf = (id: MediaId): Progress | undefined =>
    saved[id] && { positionMs: 0, durationMs: 100, watched: false, updatedAtMs: 1, ...saved[id] };
  const deliveryOf = (id: MediaId): Offer['delivery'] => {
    const delivery = deliveries[id];
    if (delivery === undefined) throw new FerriteError('MEDIA_UNSUPPORTED', id);
    return delivery;
  };
  const choice = chooseVersion(
    { mediaId: mediaId as MediaId, isExact: false, startPositionMs: null, ...wanted },
    { versions, progressOf, resumeMs: ({ positionMs, watched }) => (watched ? 0 : positionMs), deliveryOf },
  );
  return `${choice.mediaId} ${choice.positionMs}`;
}

test('versions: the one that is taken most directly is played, of equals the sharpest', () => {
  assert.equal(choose('uhd', { deliveries: { uhd: 'transcode', hd: 'direct', sd: 'direct' } }), 'hd 0');
  assert.equal(choose('sd', { deliveries: { uhd: 'remux', hd: 'remux', sd: 'transcode' } }), 'uhd 0');
  assert.equal(choose('uhd', { deliveries: { sd: 'transcode' } }), 'sd 0');
  assert.throws(() => choose('uhd', {}), { code: 'MEDIA_UNSUPPORTED' });
});

test('versions: a file that is asked for by itself is played, and a film of one file without a question', () => {
  assert.equal(choose('sd', { deliveries: { uhd: 'direct' } }, { isExact: true }), 'sd 0');
  assert.equal(choose('only', { versions: [[file('only')]] }), 'only 0');
  assert.equal(choose('extra', { versions: [] }), 'extra 0');
});

test('versions: a session begins where the viewer was, whichever version that was in', () => {
  const saved = { sd: { positionMs: 500, updatedAtMs: 2 }, uhd: { positionMs: 900 } };
  assert.equal(choose('uhd', { deliveries: { hd: 'direct' }, saved }), 'hd 500');
  assert.equal(choose('uhd', { saved }, { isExact: true }), 'uhd 500');
  assert.equal(choose('uhd', { saved: { hd: { positionMs: 700, watched: true } } }, { isExact: true }), 'uhd 0');
  assert.equal(choose('uhd', { deliveries: { hd: 'direct' }, saved }, { startPositionMs: 40 }), 'hd 40');
});

test('versions: the parts of a film follow each other, and other versions have the same place', () => {
  const world = { versions: PARTS, deliveries: { one: 'direct', two: 'direct', whole: 'transcode' } as const };
  assert.equal(choose('one', { ...world, saved: { one: { watched: true, positionMs: 95 } } }), 'two 0');
  assert.equal(choose('whole', { ...world, saved: { whole: { positionMs: 120 } } }), 'two 20');
  assert.equal(choose('one', { ...world, deliveries: { whole: 'direct', one: 'remux' }, saved: { two: { positionMs: 20 } } }), 'whole 120');
  assert.equal(choose('one', { ...world, saved: { two: { positionMs: 20 } } }, { isExact: true }), 'one 0');
  assert.equal(choose('two', { ...world, saved: { two: { positionMs: 20 } } }, { isExact: true }), 'two 20');
  assert.equal(choose('two', { ...world }, { startPositionMs: 5 }), 'two 5');
  assert.equal(choose('one', world, { isExact: true, startPositionMs: 120 }), 'two 20', 'a place in the whole of it');
  assert.equal(choose('two', world, { isExact: true, startPositionMs: 20 }), 'two 20');
});
