// Which version of a film the page plays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestVersion, latestProgress, partAfter, versionName } from '../../../src/web/library/versions.js';

const version = (mediaId: string, height: number, changes: { positionMs?: number; watched?: boolean; updatedAtMs?: number } = {}) => ({
  mediaId,
  container: 'mp4',
  width: (height * 16) / 9,
  height,
  bitrateBps: height * 4_000,
  progress: 'updatedAtMs' in changes ? { positionMs: 0, durationMs: 1, watched: false, updatedAtMs: 0, ...changes } : null,
});

test('versions: the one that is taken most directly is played, the sharpest of those; one that was begun goes on', () => {
  const [small, hd, ultra] = [version('small', 480), version('hd', 1080), version('ultra', 2160)];
  assert.equal(bestVersion([ultra, hd, small], ['transcode', 'direct', 'direct'])?.mediaId, 'hd');
  assert.equal(bestVersion([ultra, hd, small], ['remux', 'transcode', 'transcode'])?.mediaId, 'ultra');
  assert.equal(bestVersion([ultra, hd, small], [null, null, null])?.mediaId, 'ultra', 'where nothing is known of any');
  const begun = version('begun', 480, { positionMs: 5_000, updatedAtMs: 2 });
  const before = version('before', 2160, { positionMs: 9_000, updatedAtMs: 1 });
  const seen = version('seen', 1080, { positionMs: 9_000, watched: true, updatedAtMs: 3 });
  assert.equal(bestVersion([before, seen, begun], ['direct', 'direct', 'transcode'])?.mediaId, 'begun');
  assert.equal(bestVersion([], []), undefined);
});

test('versions: a card shows the newest progress, and a menu tells versions apart', () => {
  const [old, recent] = [
    version('a', 480, { positionMs: 5_000, updatedAtMs: 1 }),
    version('b', 1080, { positionMs: 7_000, updatedAtMs: 2 }),
  ];
  assert.equal(latestProgress([old, recent])?.positionMs, 7_000);
  assert.equal(latestProgress([version('c', 480)]), null);
  assert.equal(versionName(recent), '1080p · 4.3 Mbit/s');
});

test('versions: after a part the next one of the same version follows, and after the last one none', () => {
  const version = (...ids: string[]) => ({
    ...{ mediaId: ids[0] ?? '', container: 'avi', width: 1, height: 1, bitrateBps: 1, progress: null },
    parts: ids.map(mediaId => ({ mediaId, durationMs: 1 })),
  });
  const versions = [version('whole'), version('cd1', 'cd2')];
  assert.deepEqual(
    ['whole', 'cd1', 'cd2', 'other'].map(id => partAfter(versions, id)),
    [null, 'cd2', null, null],
  );
});
