import assert from 'node:assert/strict';
import { test } from 'node:test';
import HLS from 'hls-parser';
import { directoryOf } from '#domain/addresses.ts';
import { encodeWork } from '#domain/delivery/encode-work.ts';
import { buildPlan, segmentCount } from '#domain/plan.ts';
import { renditionKey, type VideoCopy } from '#domain/rendition.ts';
import { LayoutCache, type SessionLayout, StreamLayout } from '#src/playback/offer/layout.ts';
import { aMap, anAudioTimeline, anOffer, aRung, aTitle, everyS } from '../../support/titles.ts';

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
const FPS_24 = { num: 24, den: 1 };
const PLANNED = { media: MEDIA, keyframes: MAP, plan: buildPlan(MAP, FPS_24, 2_000) };
const OFFER = anOffer(
  [ORIGINAL, aRung('720p'), aRung('480p')],
  [{ kind: 'audio-copy', track: 0, streamIndex: 1, channels: 2, bandwidthBps: 150_000, codecs: 'mp4a.40.2' }],
);

test('layout: every track of the offer has a directory', () => {
  const { tracks } = new StreamLayout(PLANNED, OFFER);
  assert.deepEqual([...tracks.keys()], ['video/original', 'video/720p', 'video/480p', 'audio/0', 'iframes/original']);
  for (const [directory, { track, grid, segmentCount: count, key, rendition }] of tracks) {
    assert.equal(directoryOf(track), directory);
    assert.equal(count, segmentCount(grid));
    assert.equal(key, renditionKey(MEDIA.version, OFFER.targetMs, rendition));
  }
  assert.equal(new Set([...tracks.values()].map(({ key }) => key)).size, 5, 'no two tracks share an address');
});

test('layout: encoding a picture takes work by what is made and what it is made from; nothing else does', () => {
  const { tracks } = new StreamLayout(PLANNED, OFFER);
  const work = (directory: string): number => tracks.get(directory)?.work ?? Number.NaN;
  const rung = aRung('720p');
  const [source] = MEDIA.streams.video;
  assert.equal(work('video/720p'), encodeWork(rung, source ?? rung));
  assert.equal(work('video/original'), 0);
  assert.equal(work('audio/0'), 0);
});

test('layout: what ffmpeg makes is worth keeping, what is cut here is not', () => {
  const kept = (copyMethod: 'mp4' | 'ffmpeg'): boolean[] =>
    [...new StreamLayout({ ...PLANNED, keyframes: { ...MAP, copyMethod } }, OFFER).tracks.values()].map(({ isEncoded }) => isEncoded);
  assert.deepEqual(kept('mp4'), [false, true, true, false, false]);
  assert.deepEqual(kept('ffmpeg'), [true, true, true, true]);
});

test('layout: every address that a playlist names is there', () => {
  const layout = new StreamLayout(PLANNED, OFFER);
  const main = HLS.parse(layout.playlist('main.m3u8')?.plain.bytes.toString() ?? '');
  assert.ok(main.isMasterPlaylist);
  const paths = [
    ...main.variants.filter(({ isIFrameOnly }) => !isIFrameOnly).map(({ uri }) => uri),
    ...(main.variants[0]?.audio ?? []).map(({ uri }) => uri ?? ''),
  ];
  assert.equal(paths.length, 4);
  for (const path of paths) {
    const media = HLS.parse(layout.playlist(path)?.plain.bytes.toString() ?? '');
    assert.ok(!media.isMasterPlaylist);
    assert.equal(media.segments.length, layout.tracks.get(path.replace('/index.m3u8', ''))?.segmentCount);
  }
});

test('layout: who takes a number to mean one time in every rung is told of the rungs that are cut alike', () => {
  const rungsOf = (everySeconds: number, video = OFFER.video): string[] => {
    const keyframes = aMap(everyS(everySeconds, 60 / everySeconds), 60, { audio: [anAudioTimeline()] });
    const planned = { media: MEDIA, keyframes, plan: buildPlan(keyframes, FPS_24, 2_000) };
    const text = new StreamLayout(planned, { ...OFFER, video }).playlist('aligned.m3u8')?.plain.bytes.toString() ?? '';
    return [...text.matchAll(/^video\/([^/]+)/gm)].map(([, rung = '']) => rung);
  };
  assert.deepEqual(rungsOf(2), ['original', '720p', '480p']);
  assert.deepEqual(rungsOf(5), ['original'], 'encodes are cut finer than the copy');
  assert.deepEqual(rungsOf(5, [aRung('720p'), ORIGINAL, aRung('480p')]), ['720p', '480p']);
  assert.deepEqual(rungsOf(2, [aRung('720p'), ORIGINAL]), ['720p'], 'a segment of an encode may be listed as two chunks');
});

test('layout: anything else is not there', () => {
  const layout = new StreamLayout(PLANNED, OFFER);
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
  const layout = new StreamLayout(PLANNED, OFFER);
  const first = layout.playlist('video/720p/index.m3u8');
  assert.equal(layout.playlist('video/720p/index.m3u8'), first);
  assert.match(first?.plain.etag ?? '', /^"[\w-]{22}"$/);
  assert.equal(
    new StreamLayout(PLANNED, OFFER).playlist('video/720p/index.m3u8')?.plain.etag,
    first?.plain.etag,
    'the same after a restart',
  );
  assert.notEqual(layout.playlist('main.m3u8')?.plain.etag, first?.plain.etag);
});

test('layout: sessions of equal offers share one; another version of the file, offer or selected track has its own', () => {
  const layouts = new LayoutCache();
  const one = layouts.for(PLANNED, OFFER, null);
  assert.equal(layouts.for(structuredClone(PLANNED), { ...OFFER, delivery: 'remux', reasons: ['requested-by-client'] }, null), one);
  assert.notEqual(layouts.for({ ...PLANNED, media: { ...MEDIA, version: 'v2' } }, OFFER, null), one);
  assert.notEqual(layouts.for(PLANNED, { ...OFFER, targetMs: 6_000 }, null), one);
  assert.notEqual(layouts.for(PLANNED, { ...OFFER, video: OFFER.video.toReversed() }, null), one);
});

test('layout: a session that begins with a segment of its own has it split in the playlist of every encode, and shares the rest', () => {
  const layouts = new LayoutCache();
  const [whole, split] = [layouts.for(PLANNED, OFFER, null), layouts.for(PLANNED, OFFER, { splitIndex: 7, startS: null })];
  assert.deepEqual([whole.splitIndex, split.splitIndex], [null, 7]);
  assert.equal(split.tracks, whole.tracks);
  const textOf = (layout: SessionLayout, path: string): string => layout.playlist(path)?.plain.bytes.toString() ?? assert.fail(path);
  for (const path of ['main.m3u8', 'video/original/index.m3u8', 'audio/0/index.m3u8'])
    assert.equal(split.playlist(path), whole.playlist(path), path);
  for (const path of ['video/720p/index.m3u8', 'video/480p/index.m3u8']) {
    const entry = textOf(whole, path).match(/#EXTINF:2[.0]*,\n7\.m4s\n/)?.[0] ?? assert.fail('no such entry');
    assert.equal(textOf(split, path), textOf(whole, path).replace(entry, '#EXTINF:0.5,\n7.0.m4s\n#EXTINF:1.5,\n7.1.m4s\n'));
    assert.equal(split.knownPlaylist(path), split.playlist(path), 'it is made once');
  }
  assert.equal(split.playlist('video/144p/index.m3u8'), undefined);
});
