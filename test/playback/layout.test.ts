import assert from 'node:assert/strict';
import { test } from 'node:test';
import HLS from 'hls-parser';
import { segmentCount } from '#domain/plan.ts';
import { renditionKey, type VideoCopy } from '#domain/rendition.ts';
import { directoryOf, LayoutCache, StreamLayout } from '#src/playback/layout.ts';
import { aMap, anAudioTimeline, anOffer, aRung, aTitle, everyS } from '../support/titles.ts';

const MEDIA = aTitle();
const MAP = aMap(everyS(2, 30), 60, { audio: [anAudioTimeline()] });
const ORIGINAL: VideoCopy = {
  kind: 'video-copy',
  rungId: 'original',
  streamIndex: 0,
  width: 1920,
  height: 1080,
  bandwidthBps: 6e6,
  codecs: 'avc1.640028',
};
const OFFER = anOffer(
  [ORIGINAL, aRung('720p'), aRung('480p')],
  [{ kind: 'audio-copy', track: 0, streamIndex: 1, channels: 2, bandwidthBps: 150_000, codecs: 'mp4a.40.2' }],
);

test('layout: every track of the offer has a directory', () => {
  const { tracks } = new StreamLayout(MEDIA, MAP, OFFER);
  assert.deepEqual([...tracks.keys()], ['video/original', 'video/720p', 'video/480p', 'audio/0']);
  for (const [directory, { track, grid, segmentCount: count, key, rendition }] of tracks) {
    assert.equal(directoryOf(track), directory);
    assert.equal(count, segmentCount(grid));
    assert.equal(key, renditionKey(MEDIA.version, OFFER.targetMs, rendition));
  }
  assert.equal(new Set([...tracks.values()].map(({ key }) => key)).size, 4, 'no two tracks share an address');
});

test('layout: what ffmpeg makes is worth keeping, what is cut here is not', () => {
  const kept = (copyMethod: 'mp4' | 'ffmpeg'): boolean[] =>
    [...new StreamLayout(MEDIA, { ...MAP, copyMethod }, OFFER).tracks.values()].map(({ isEncoded }) => isEncoded);
  assert.deepEqual(kept('mp4'), [false, true, true, false]);
  assert.deepEqual(kept('ffmpeg'), [true, true, true, true]);
});

test('layout: every address that a playlist names is there', () => {
  const layout = new StreamLayout(MEDIA, MAP, OFFER);
  const main = HLS.parse(layout.playlist('main.m3u8')?.bytes.toString() ?? '');
  assert.ok(main.isMasterPlaylist);
  const paths = [...main.variants.map(({ uri }) => uri), ...(main.variants[0]?.audio ?? []).map(({ uri }) => uri ?? '')];
  assert.equal(paths.length, 4);
  for (const path of paths) {
    const media = HLS.parse(layout.playlist(path)?.bytes.toString() ?? '');
    assert.ok(!media.isMasterPlaylist);
    assert.equal(media.segments.length, layout.tracks.get(path.replace('/index.m3u8', ''))?.segmentCount);
  }
});

test('layout: anything else is not there', () => {
  const layout = new StreamLayout(MEDIA, MAP, OFFER);
  for (const path of [
    '',
    'index.m3u8',
    '/index.m3u8',
    'video/360p/index.m3u8',
    'video/720p/main.m3u8',
    'video/720p',
    'audio/1/index.m3u8',
    '__proto__/index.m3u8',
    'main.m3u8/',
  ])
    assert.equal(layout.playlist(path), undefined, path);
});

test('layout: a playlist is made once, and its tag tells it from any other', () => {
  const layout = new StreamLayout(MEDIA, MAP, OFFER);
  const first = layout.playlist('video/720p/index.m3u8');
  assert.equal(layout.playlist('video/720p/index.m3u8'), first);
  assert.match(first?.etag ?? '', /^"[\w-]{22}"$/);
  assert.equal(new StreamLayout(MEDIA, MAP, OFFER).playlist('video/720p/index.m3u8')?.etag, first?.etag, 'the same after a restart');
  assert.notEqual(layout.playlist('main.m3u8')?.etag, first?.etag);
});

test('layout: sessions of equal offers share one; another version of the file, offer or selected track has its own', () => {
  const layouts = new LayoutCache();
  const one = layouts.for(MEDIA, MAP, OFFER);
  assert.equal(layouts.for(structuredClone(MEDIA), MAP, { ...OFFER, delivery: 'remux', reasons: ['requested-by-client'] }), one);
  assert.notEqual(layouts.for({ ...MEDIA, version: 'v2' }, MAP, OFFER), one);
  assert.notEqual(layouts.for(MEDIA, MAP, { ...OFFER, targetMs: 6_000 }), one);
  assert.notEqual(layouts.for(MEDIA, MAP, { ...OFFER, video: OFFER.video.toReversed() }), one);
});
