// What openMp4 makes of files other than a plain whole film: rewritten, cut off, damaged, replaced while open, or no film at all.
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { execa } from 'execa';
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from 'mediabunny';
import { FerriteError } from '#domain/errors.ts';
import { box, boxes, findBox, fullBox, u32, u64 } from '#workers/bmff/boxes.ts';
import { FileBudget } from '#workers/remux/file-budget.ts';
import { FragmentSamples } from '#workers/remux/mp4/moofs.ts';
import { openMp4 } from '#workers/remux/mp4/mp4.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import { type CopiedTrack, copyTrack, packetsOf, parseFragment } from '../../../support/copied-packets.ts';

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=24:duration=6'];
const TONE = ['-f', 'lavfi', '-i', 'sine=duration=6:sample_rate=48000'];
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '24', '-bf', '2', '-b_strategy', '0'];
const FILM = [...PICTURE, ...TONE, ...X264, '-c:a', 'aac', '-ac', '2'];

let folder: string;
let film: string;
let faststart: string;
let fragmented: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferrite-mp4-'));
  film = await make('film.mp4', FILM);
  faststart = await make('faststart.mp4', ['-i', film, '-c', 'copy', '-movflags', '+faststart']);
  fragmented = await make('fragmented.mp4', ['-i', film, '-c', 'copy', '-movflags', '+frag_keyframe+empty_moov+default_base_moof']);
});
after(() => rm(folder, { recursive: true, force: true }));

const opened: RemuxSource[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(source => source.close()));
});

async function make(name: string, args: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await execa('ffmpeg', ['-v', 'error', '-y', ...args, path]);
  return path;
}

async function write(name: string, bytes: Buffer | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function open(path: string): Promise<RemuxSource> {
  const source = await openMp4(path);
  assert.ok(source, 'the file is indexed');
  opened.push(source);
  return source;
}

const contentOf = ({ init, segments }: CopiedTrack): Buffer => Buffer.concat([init, ...segments]);

const failsWith = (code: string) => (error: unknown) =>
  error instanceof FerriteError && error.code === code && !error.message.includes(folder);

/** The file with its `stco` boxes rewritten as `co64`; `moov` must be its last box, so that nothing it points at moves. */
function withLongOffsets(bytes: Buffer): Buffer {
  const rewrite = (start: number, end: number): Buffer[] =>
    [...boxes(bytes, start, end)].map(child => {
      const payload = bytes.subarray(child.start, child.end);
      if (['moov', 'trak', 'mdia', 'minf', 'stbl'].includes(child.type)) return box(child.type, ...rewrite(child.start, child.end));
      if (child.type !== 'stco') return bytes.subarray(child.headerStart, child.end);
      const offsets = Array.from({ length: payload.readUInt32BE(4) }, (_, row) => payload.readUInt32BE(8 + row * 4));
      return fullBox('co64', 0, 0, u32(offsets.length), ...offsets.map(u64));
    });
  return Buffer.concat(rewrite(0, bytes.byteLength));
}

/** The file with a 64-bit size on its `mdat`, in the place of the `free` box that ffmpeg keeps before it for that. */
function withLongDataBox(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const data = findBox(copy, ['mdat']);
  const spare = findBox(copy, ['free']);
  assert.ok(data && spare && spare.headerStart + 8 === data.headerStart);
  Buffer.concat([u32(1), Buffer.from('mdat'), u64(data.end - spare.headerStart)]).copy(copy, spare.headerStart);
  return copy;
}

/** A copy in which `change` was made at the payload of the box at `path`. */
function patched(bytes: Buffer, path: readonly string[], change: (payload: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  const found = findBox(copy, path);
  assert.ok(found);
  change(copy.subarray(found.start, found.end));
  return copy;
}

const TABLE = ['moov', 'trak', 'mdia', 'minf', 'stbl'];

test('mp4: 64-bit chunk offsets and a 64-bit box size give the same segments as 32-bit ones', async () => {
  const plain = contentOf(await copyTrack(await open(film), 0));
  const long = await write('long.mp4', withLongDataBox(withLongOffsets(await readFile(film))));
  assert.ok(plain.equals(contentOf(await copyTrack(await open(long), 0))));
});

test('mp4: where the index lies in the file does not change a byte of a segment', async () => {
  const [atEnd, atStart] = [await open(film), await open(faststart)];
  for (const stream of [0, 1]) {
    const [expected, actual] = [await copyTrack(atEnd, stream), await copyTrack(atStart, stream)];
    assert.deepEqual(actual.segments, expected.segments);
  }
  assert.deepEqual(atStart.video, atEnd.video);
});

test('mp4: an independent reader finds the same packets in the copy as in the source', async () => {
  const packets = async (bytes: Buffer, kind: 'video' | 'audio') => {
    const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(bytes) });
    const track = kind === 'video' ? await input.getPrimaryVideoTrack() : await input.getPrimaryAudioTrack();
    assert.ok(track);
    const found = [];
    for await (const { data, timestamp, type } of new EncodedPacketSink(track).packets()) found.push({ data, timestamp, type });
    return found;
  };
  const source = await open(film);
  for (const [stream, kind] of [
    [0, 'video'],
    [1, 'audio'],
  ] as const) {
    const expected = await packets(await readFile(film), kind);
    const actual = await packets(contentOf(await copyTrack(source, stream)), kind);
    assert.equal(actual.length, expected.length);
    const offset = (actual[0]?.timestamp ?? 0) - (expected[0]?.timestamp ?? 0);
    for (const [index, packet] of actual.entries()) {
      assert.deepEqual([packet.data, packet.type], [expected[index]?.data, expected[index]?.type]);
      assert.ok(Math.abs(packet.timestamp - offset - (expected[index]?.timestamp ?? 0)) < 1e-6);
    }
  }
});

test('mp4: the timelines tell keyframes, ends, priming and leading pictures', async () => {
  const source = await open(film);
  const { timescale, keyframes, endPts, hasLeadingPictures, peakBitrateBps } = source.video;
  const packets = await packetsOf(film, 0);
  assert.deepEqual(
    keyframes,
    packets.filter(({ isKey }) => isKey).map(({ pts }) => pts),
  );
  assert.equal(endPts, 6 * timescale);
  assert.equal(hasLeadingPictures, false);
  const bytes = packets.reduce((sum, { size }) => sum + size, 0);
  assert.ok(peakBitrateBps >= (bytes * 8) / 6 && peakBitrateBps <= bytes * 8);
  // The last frame is a short one: the sound ends with the film, not on a whole frame.
  const endOfSound = 6 * 48_000;
  assert.deepEqual(source.audio, [{ index: 1, timescale: 48_000, firstPts: -1024, frameDuration: 1024, endPts: endOfSound }]);
  assert.equal(source.codecString(1), 'mp4a.40.2');
  assert.equal(source.codecString(2), null);
  assert.match(source.codecString(0) ?? '', /^avc1\.[0-9a-f]{6}$/);
  const openGop = await make('open-gop.mp4', [
    ...PICTURE,
    ...X264,
    '-x264-params',
    'open-gop=1:bframes=3:b-adapt=0:keyint=24:min-keyint=24',
  ]);
  assert.equal((await open(openGop)).video.hasLeadingPictures, true);
});

test('mp4: fragments with negative composition offsets keep the picture on its time', async () => {
  const path = await make('negative.mp4', [
    '-i',
    film,
    '-map',
    '0:v',
    '-c',
    'copy',
    '-movflags',
    '+frag_keyframe+empty_moov+negative_cts_offsets',
  ]);
  const source = await open(path);
  const copy = await copyTrack(source, 0);
  const [expected, actual] = [await packetsOf(path, 0), await packetsOf(await write('copy.mp4', contentOf(copy)), 0)];
  // ffmpeg adds the greatest negative offset to the PTS of fragments: all of them, so they differ by a constant.
  const offset = (expected[0]?.dts ?? 0) - (actual[0]?.dts ?? 0);
  assert.deepEqual(
    actual.map(packet => ({ ...packet, pts: packet.pts + offset, dts: packet.dts + offset })),
    expected,
  );
  assert.equal(source.video.keyframes[0], 0);
});

test('mp4: HEVC is written as hvc1 and named so, also where the source says hev1', async () => {
  const path = await make('hevc.mp4', [
    ...PICTURE,
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-x265-params',
    'log-level=none',
    '-tag:v',
    'hev1',
  ]);
  const source = await open(path);
  assert.ok(source.initSegment(0, 1).includes('hvc1'));
  assert.match(source.codecString(0) ?? '', /^hvc1\.1\.6\.L\d+\.\w+/);
});

test('mp4: languages and the turn of the picture are taken over, and init segments are equal each time', async () => {
  const args = [
    '-i',
    film,
    '-map',
    '0:v',
    '-map',
    '0:a',
    '-map',
    '0:a',
    '-c',
    'copy',
    '-metadata:s:a:0',
    'language=eng',
    '-metadata:s:a:1',
    'language=fra',
  ];
  const twoLanguages = await make('languages.mp4', args);
  const source = await open(twoLanguages);
  const init = await write('init.mp4', contentOf(await copyTrack(source, 2)));
  const { stdout } = await execa('ffprobe', ['-v', 'error', '-show_entries', 'stream_tags=language', '-of', 'csv=p=0', init]);
  assert.equal(stdout, 'fra');
  assert.ok(source.initSegment(2, 1).equals((await open(twoLanguages)).initSegment(2, 1)));
  const matrix = u32(0, 0x10000, 0, 0xffff0000, 0, 0, 0, 0, 0x40000000);
  const rotated = await write(
    'rotated.mp4',
    patched(await readFile(film), ['moov', 'trak', 'tkhd'], payload => matrix.copy(payload, 40)),
  );
  assert.ok((await open(rotated)).initSegment(0, 1).includes(matrix));
});

test('mp4: uncompressed sound is on the timeline but is not copied', async () => {
  const path = await make('pcm.mov', ['-i', film, '-c:v', 'copy', '-c:a', 'pcm_s16le']);
  const source = await open(path);
  const [sound] = source.audio;
  assert.deepEqual([sound?.index, sound?.timescale, sound?.frameDuration], [1, 48_000, null]);
  assert.ok(Math.abs((sound?.endPts ?? 0) - 6 * 48_000) < 2048);
  assert.throws(() => source.initSegment(1, 1), failsWith('MEDIA_UNSUPPORTED'));
});

test('mp4: a segment where there is no keyframe or no frame is not found', async () => {
  const source = await open(film);
  const span = { index: 0, toPts: 10 ** 9, originPts: 0, factor: 1, anchor: 'decode' as const };
  await assert.rejects(source.segment(0, { ...span, fromPts: 1 }), failsWith('SEGMENT_NOT_FOUND'));
  await assert.rejects(source.segment(1, { ...span, fromPts: 10 ** 8 }), failsWith('SEGMENT_NOT_FOUND'));
  await assert.rejects(source.segment(7, { ...span, fromPts: 0 }), failsWith('MEDIA_UNSUPPORTED'));
});

test('mp4: what is no MP4 is left to others', async () => {
  assert.equal(await openMp4(await write('empty.mp4', '')), null);
  assert.equal(await openMp4(await write('text.mp4', 'This is a text file and no film at all.')), null);
  assert.equal(await openMp4(await make('sound.m4a', [...TONE, '-c:a', 'aac'])), null);
  assert.equal(await openRemuxSource(await make('film.ts', ['-i', film, '-c', 'copy'])), null);
  await assert.rejects(openMp4(join(folder, 'missing.mp4')), failsWith('MEDIA_UNREADABLE'));
});

test('mp4: the first bytes say which reader takes a file, whatever its name', async () => {
  const matroska = await make('film.mkv', ['-i', film, '-c', 'copy']);
  for (const [path, method] of [
    [film, 'mp4'],
    [await write('film.avi', await readFile(film)), 'mp4'],
    [matroska, 'matroska'],
  ] as const) {
    const source = await openRemuxSource(path);
    assert.ok(source);
    opened.push(source);
    assert.equal(source.copyMethod, method);
  }
});

test('mp4: samples that use a second sample entry are left to ffmpeg', async () => {
  const path = await write(
    'entries.mp4',
    patched(await readFile(film), [...TABLE, 'stsc'], payload => payload.writeUInt32BE(2, 16)),
  );
  assert.equal(await openMp4(path), null);
});

test('mp4: a file cut off before its index is unreadable', async () => {
  const bytes = await readFile(film);
  for (const part of [0.001, 0.5, 0.98]) {
    const path = await write('cut.mp4', bytes.subarray(0, Math.max(40, Math.round(bytes.byteLength * part))));
    await assert.rejects(openMp4(path), failsWith('MEDIA_UNREADABLE'));
  }
});

test('mp4: a file cut off behind its index plays up to where it was cut', async () => {
  for (const whole of [faststart, fragmented]) {
    const bytes = await readFile(whole);
    const full = (await open(whole)).video;
    const source = await open(await write('cut.mp4', bytes.subarray(0, Math.round(bytes.byteLength * 0.6))));
    assert.ok(source.video.endPts < full.endPts && source.video.endPts > full.endPts * 0.3);
    assert.ok(source.video.keyframes.length < full.keyframes.length && source.video.keyframes.length > 1);
    const { segments } = await copyTrack(source, 0);
    assert.ok(segments.length > 0);
    const last = segments.at(-1);
    assert.ok(last && parseFragment(last).durations.length > 0);
  }
  const head = (await readFile(faststart)).subarray(0, 16 * 1024);
  await assert.rejects(openMp4(await write('cut.mp4', head)), failsWith('MEDIA_UNREADABLE'));
});

test('mp4: fragments that give no base offset lie one track behind the other', async () => {
  const run = (count: number) => fullBox('trun', 0, 0x200, u32(count), ...Array.from({ length: count }, (_, row) => u32(10 + row)));
  const track = (id: number, ...parts: Buffer[]) => box('traf', fullBox('tfhd', 0, 0, u32(id)), fullBox('tfdt', 1, 0, u64(500)), ...parts);
  const defaults = { descriptionIndex: 1, duration: 100, byteLength: 7, flags: 0 };
  const samples = new FragmentSamples(
    new Map([
      [1, defaults],
      [2, defaults],
    ]),
    new FileBudget(10_000),
  );
  await samples.add(Buffer.concat([track(1, run(2), run(1)), track(2, run(2))]), 4000);
  const columns = async (id: number) => {
    const table = (await samples.samplesOf(id))?.table;
    return [table?.fileOffsets, table?.byteLengths, table?.dts].map(column => [...(column ?? [])]);
  };
  assert.deepEqual(await columns(1), [
    [4000, 4010, 4021],
    [10, 11, 10],
    [500, 600, 700],
  ]);
  assert.deepEqual(await columns(2), [
    [4031, 4041],
    [10, 11],
    [500, 600],
  ]);
});

test('mp4: a fragmented file without fragments is unreadable', async () => {
  const bytes = await readFile(fragmented);
  const moov = findBox(bytes, ['moov']);
  await assert.rejects(openMp4(await write('bare.mp4', bytes.subarray(0, moov?.end))), failsWith('MEDIA_UNREADABLE'));
});

test('mp4: absurd counts and sizes are refused without allocating for them', async () => {
  const bytes = await readFile(faststart);
  const moov = findBox(bytes, ['moov']);
  assert.ok(moov);
  const hugeMoov = Buffer.from(bytes);
  hugeMoov.writeUInt32BE(0xffff_ffff, moov.headerStart);
  const absurd = [
    hugeMoov,
    patched(bytes, [...TABLE, 'stsz'], payload => payload.writeUInt32BE(0xffff_ffff, 8)),
    patched(bytes, [...TABLE, 'stsz'], payload => u32(1, 0xffff_ffff).copy(payload, 4)),
    patched(bytes, [...TABLE, 'stsz'], payload => payload.writeUInt32BE(0x7f_ffff, 8)),
    patched(bytes, [...TABLE, 'stsc'], payload => payload.writeUInt32BE(0, 12)),
    patched(bytes, [...TABLE, 'stts'], payload => payload.writeUInt32BE(0, 4)),
    patched(bytes, ['moov', 'trak', 'mdia', 'mdhd'], payload => payload.writeUInt32BE(0, 12)),
  ];
  for (const content of absurd) await assert.rejects(openMp4(await write('absurd.mp4', content)), failsWith('MEDIA_UNREADABLE'));
});

test('mp4: damage anywhere in the index is answered by MEDIA_UNREADABLE or survived, never by another failure', async () => {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (const whole of [faststart, fragmented]) {
    const bytes = await readFile(whole);
    const indexEnd = whole === faststart ? (findBox(bytes, ['moov'])?.end ?? 0) : bytes.byteLength;
    for (let round = 0; round < 150; round++) {
      const damaged = Buffer.from(bytes);
      for (let hit = 0; hit < 4; hit++) damaged.writeUInt8(random(256), random(indexEnd));
      const path = await write('damaged.mp4', damaged);
      const source = await openMp4(path).catch((error: unknown) => {
        assert.ok(failsWith('MEDIA_UNREADABLE')(error), String(error));
        return null;
      });
      if (!source) continue;
      opened.push(source);
      const [fromPts, toPts] = source.video.keyframes;
      assert.ok(fromPts !== undefined);
      const span = {
        index: 0,
        fromPts,
        toPts: toPts ?? source.video.endPts,
        originPts: -(source.video.timescale * 10),
        factor: 1,
        anchor: 'decode' as const,
      };
      await source.segment(0, span).catch((error: unknown) => assert.ok(error instanceof FerriteError, String(error)));
    }
  }
});

test('mp4: a file that grew, shrank or was written to while open is reported as changed', async () => {
  const changes = [
    (path: string) => appendFile(path, 'x'),
    (path: string) => truncate(path, 5000),
    async (path: string) => writeFile(path, await readFile(film)),
  ];
  for (const change of changes) {
    const path = await write('changing.mp4', await readFile(film));
    const source = await open(path);
    const [fromPts, toPts] = source.video.keyframes;
    assert.ok(fromPts !== undefined && toPts !== undefined);
    const span = { index: 0, fromPts, toPts, originPts: -source.video.timescale, factor: 1, anchor: 'decode' as const };
    await source.segment(0, span);
    await change(path);
    await assert.rejects(source.segment(0, span), failsWith('MEDIA_CHANGED'));
  }
});
