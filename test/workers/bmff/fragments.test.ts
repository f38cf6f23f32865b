import assert from 'node:assert/strict';
import { test } from 'node:test';
import { box, fullBox, initSegment, u32, u64, writeMovieFragment } from '#workers/bmff/boxes.ts';
import { FragmentReader, type FragmentSample } from '#workers/bmff/fragments.ts';
import { seededRandom } from '../../support/titles.ts';

const SAMPLE_ENTRY = box('avc1', Buffer.alloc(78));
const HEADER = initSegment({ kind: 'video', timescale: 12_800, sampleEntry: SAMPLE_ENTRY, width: 2, height: 2, language: 'und' });

function fragment(decodeTime: number, payloads: readonly string[]): Buffer {
  const samples = payloads.map((payload, at) => ({
    byteLength: payload.length,
    duration: 512,
    compositionOffset: at === 0 ? 1024 : -512,
    isSync: at === 0,
  }));
  const { bytes, dataStart } = writeMovieFragment(1, decodeTime, samples);
  bytes.write(payloads.join(''), dataStart, 'latin1');
  return bytes;
}

function read(...chunks: readonly Buffer[]) {
  const timescales: number[] = [];
  const entries: Buffer[] = [];
  const samples: FragmentSample[] = [];
  const reader = new FragmentReader({
    onHeader: ({ timescale, sampleEntry }) => {
      timescales.push(timescale);
      entries.push(sampleEntry);
    },
    onSample: sample => samples.push(sample),
  });
  for (const chunk of chunks) reader.push(chunk);
  return { reader, timescales, entries, samples };
}

const FILM = Buffer.concat([HEADER, fragment(0, ['one', 'two']), box('free', Buffer.alloc(9)), fragment(2 ** 33, ['three'])]);

test('fragments: the header and every sample come out with their times', () => {
  const { timescales, entries, samples } = read(FILM);
  assert.deepEqual(timescales, [12_800]);
  assert.deepEqual(entries, [SAMPLE_ENTRY]);
  assert.deepEqual(
    samples.map(({ bytes, ...times }) => ({ ...times, text: bytes.toString() })),
    [
      { decodeTime: 0, compositionOffset: 1024, duration: 512, isSync: true, text: 'one' },
      { decodeTime: 512, compositionOffset: -512, duration: 512, isSync: false, text: 'two' },
      { decodeTime: 2 ** 33, compositionOffset: 1024, duration: 512, isSync: true, text: 'three' },
    ],
  );
});

test('fragments: the bytes may be cut anywhere', () => {
  const whole = read(FILM).samples;
  for (let at = 1; at < FILM.byteLength; at++)
    assert.deepEqual(read(FILM.subarray(0, at), FILM.subarray(at)).samples, whole, `cut at ${at}`);
});

test('fragments: a sample comes out with its last byte', () => {
  assert.equal(read(FILM.subarray(0, -1)).samples.length, 2);
  assert.equal(read(FILM).samples.length, 3);
});

test('fragments: times and sizes may stand in the defaults of the fragment, and the first flags in the run', () => {
  const tfhd = fullBox('tfhd', 0, 0x020038, u32(1, 100, 3, 0x0001_0000));
  const traf = box('traf', tfhd, fullBox('tfdt', 0, 0, u32(7)), fullBox('trun', 0, 0x5, u32(2, 0, 0x0200_0000)));
  const { samples } = read(HEADER, box('moof', traf), box('mdat', Buffer.from('onetwo')));
  assert.deepEqual(
    samples.map(({ decodeTime, duration, isSync, bytes }) => [decodeTime, duration, isSync, bytes.toString()]),
    [
      [7, 100, true, 'one'],
      [107, 100, false, 'two'],
    ],
  );
});

const moof = (...boxes: Buffer[]): Buffer => box('moof', box('traf', ...boxes));
const TFHD = fullBox('tfhd', 0, 0x020000, u32(1));

for (const [what, bytes] of [
  ['text', Buffer.from('ffmpeg: something went wrong\n')],
  ['zeros', Buffer.alloc(64)],
  ['a box of 4 GB', Buffer.concat([u32(0xffffffff), Buffer.from('mdat')])],
  ['a box of 64 bits', Buffer.concat([u32(1), Buffer.from('mdat'), u64(2 ** 40)])],
  ['a header without a track', box('moov', box('trak'))],
  ['an empty header', box('moov')],
  [
    'a media header that is cut off',
    box('moov', box('trak', box('mdia', box('minf', box('stbl', box('stsd', u32(0, 1)))), box('mdhd', u32(0))))),
  ],
  [
    'a fragment shorter than it says',
    Buffer.concat([HEADER, fragment(0, ['one', 'two']).subarray(0, -14), box('mdat', Buffer.from('onet'))]),
  ],
  ['a run that is cut off', Buffer.concat([HEADER, moof(TFHD, fullBox('trun', 0, 0xf01, u32(9, 0, 1)))])],
  ['a run without its count', Buffer.concat([HEADER, moof(TFHD, box('trun', u32(0)))])],
  ['a run of 4 billion samples without fields', Buffer.concat([HEADER, moof(TFHD, fullBox('trun', 0, 0, u32(0xffffffff)))])],
  ['a time that is cut off', Buffer.concat([HEADER, moof(TFHD, box('tfdt', u32(0x01000000, 1)))])],
  ['a fragment header that is cut off', Buffer.concat([HEADER, moof(fullBox('trun', 0, 0, u32(1)), box('tfhd', u32(0x38)))])],
] as const) {
  test(`fragments: ${what} is ENCODE_FAILED`, () => {
    assert.throws(() => read(bytes), { name: 'FerriteError', code: 'ENCODE_FAILED' });
  });
}

test('fragments: output that ends in the middle of a box is ENCODE_FAILED, at a box’s end it is the end', () => {
  for (const length of [FILM.byteLength - 1, HEADER.byteLength + 3, 5]) {
    assert.throws(() => read(FILM.subarray(0, length)).reader.end(), { code: 'ENCODE_FAILED' });
  }
  read(FILM).reader.end();
  read().reader.end();
});

test('fragments: no damage to the output is anything else than ENCODE_FAILED', () => {
  const random = seededRandom(3);
  for (let round = 0; round < 3_000; round++) {
    const damaged = Buffer.from(FILM);
    for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--)
      damaged[Math.floor(random() * damaged.byteLength)] = Math.floor(random() * 256);
    try {
      read(damaged).reader.end();
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'ENCODE_FAILED', `round ${round}: ${error}`);
    }
  }
});

test('fragments: a long film read in small pieces is not read again and again', () => {
  const big = fragment(0, ['x'.repeat(4_000_000)]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < big.byteLength; at += 1000) pieces.push(big.subarray(at, at + 1000));
  const before = process.cpuUsage();
  assert.equal(read(HEADER, ...pieces).samples.length, 1);
  assert.ok(process.cpuUsage(before).user < 1_000_000);
});
