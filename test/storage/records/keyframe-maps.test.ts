import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_KEYFRAMES } from '#domain/keyframes.ts';
import { packKeyframeMap, unpackKeyframeMap } from '#storage/records/keyframe-packing.ts';
import { aKeyframeMap, aMedia, openStore } from '../support.ts';

const TABLES: Record<string, readonly number[]> = {
  'one keyframe': [0],
  'a negative first one': [-3003, 0, 270_270],
  'times beyond 32 bits': [2 ** 40, 2 ** 40 + 1, 2 ** 44],
  'a descending pair': [10, 5, 90_000],
};

for (const [name, keyframes] of Object.entries(TABLES)) {
  test(`keyframe maps: ${name} comes back exactly`, () => {
    const map = aKeyframeMap(keyframes);
    assert.deepEqual(unpackKeyframeMap(packKeyframeMap(map)), map);
  });
}

test('keyframe maps: two hours of keyframes take three bytes each at most', () => {
  const keyframes = Array.from({ length: 3600 }, (_, index) => index * 180_180);
  const overhead = packKeyframeMap(aKeyframeMap([])).length;
  assert.ok(packKeyframeMap(aKeyframeMap(keyframes)).length - overhead <= 3600 * 3 + 2);
});

test('keyframe maps: damaged or foreign bytes are no map', () => {
  const packed = packKeyframeMap(aKeyframeMap([0, 90_000, 180_000]));
  for (const length of [0, 1, 2, 40, packed.length - 1])
    assert.equal(unpackKeyframeMap(packed.subarray(0, length)), undefined, `${length} bytes`);
  assert.equal(unpackKeyframeMap(Buffer.concat([Buffer.from([99]), packed.subarray(1)])), undefined);
});

test('keyframe maps: the map of another version of the file is treated as absent', async t => {
  const { database } = await openStore(t);
  const media = aMedia('film');
  const map = aKeyframeMap([0, 90_000]);
  await database.keyframeMaps.put(media.id, map);
  assert.deepEqual(database.keyframeMaps.get(media), map);
  assert.equal(database.keyframeMaps.get({ ...media, version: 'v2' }), undefined);
  await database.keyframeMaps.remove(media.id);
  assert.equal(database.keyframeMaps.get(media), undefined);
});

test('keyframe-maps: a map of more keyframes than any film has, or of days, is refused', async t => {
  const { database } = await openStore(t);
  const media = aMedia('Metropolis');
  const plain = aKeyframeMap([0, 90_000]);
  const [sound] = plain.audio;
  assert.ok(sound);
  const refused = [
    aKeyframeMap([]),
    aKeyframeMap(Array.from({ length: MAX_KEYFRAMES + 1 }, (_, index) => index)),
    { ...plain, video: { ...plain.video, endPts: 2 ** 60 } },
    { ...plain, video: { ...plain.video, endPts: Number.NaN } },
    { ...plain, video: { ...plain.video, timescale: 0 } },
    { ...plain, audio: [sound, { ...sound, endPts: 2 ** 62 }] },
    { ...plain, audio: [{ ...sound, frameDuration: 0 }] },
  ];
  for (const map of refused) await assert.rejects(database.keyframeMaps.put(media.id, map), { code: 'MEDIA_UNREADABLE' });
  assert.equal(database.keyframeMaps.has(media), false);
  await database.keyframeMaps.put(media.id, plain);
  assert.deepEqual([database.keyframeMaps.has(media), database.keyframeMaps.has({ ...media, version: 'v2' })], [true, false]);
});

test('keyframe-maps: a stored map that claims more keyframes than it may have is made again', () => {
  const packed = packKeyframeMap(aKeyframeMap(Array.from({ length: MAX_KEYFRAMES + 1 }, (_, index) => index)));
  assert.equal(unpackKeyframeMap(packed), undefined);
});
