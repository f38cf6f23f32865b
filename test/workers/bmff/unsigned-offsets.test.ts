// Segments whose pictures are decoded no later than they are shown: the same frames at the same times, nothing moved.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { box, type Sample, u32, writeMovieFragment } from '#workers/bmff/boxes.ts';
import { FragmentReader, type FragmentSample } from '#workers/bmff/fragments.ts';
import { withUnsignedOffsets } from '#workers/bmff/unsigned-offsets.ts';

const FRAME = 512;

/** A segment whose pictures are shown at these numbers of frames, in decoding order, each decoded a frame after the one before. */
function segmentOf(shown: readonly number[], { decodeTime = 0, frame = FRAME }: { decodeTime?: number; frame?: number } = {}): Buffer {
  const samples: Sample[] = shown.map((at, index) => ({
    byteLength: index + 1,
    duration: frame,
    compositionOffset: (at - index) * frame,
    isSync: index === 0,
  }));
  const { bytes, dataStart } = writeMovieFragment(7, decodeTime, samples);
  bytes.fill(0xa5, dataStart);
  return bytes;
}

function samplesOf(segment: Buffer): FragmentSample[] {
  const samples: FragmentSample[] = [];
  const reader = new FragmentReader({ onHeader: () => {}, onSample: sample => samples.push(sample) });
  reader.push(segment);
  reader.end();
  return samples;
}

const shownTimes = (samples: readonly FragmentSample[]): number[] =>
  samples.map(({ decodeTime, compositionOffset }) => decodeTime + compositionOffset);
const endOf = (samples: readonly FragmentSample[]): number =>
  samples.reduce((end, { decodeTime, duration }) => Math.max(end, decodeTime + duration), 0);

const ORDERS: readonly (readonly [name: string, shown: readonly number[], options: { decodeTime?: number; frame?: number }])[] = [
  ['one B-frame', [0, 2, 1, 4, 3], {}],
  ['a pyramid', [0, 4, 2, 1, 3, 8, 6, 5, 7], { decodeTime: 90_000 }],
  ['an open group', [3, 0, 1, 2, 6, 4, 5], { decodeTime: 48_000 }],
  ['a delay of eight pictures', [0, 9, 8, 7, 6, 5, 4, 3, 2, 1], {}],
  ['pictures a tick long', [0, 3, 2, 1, 6, 5, 4], { frame: 1 }],
  ['a time beyond 32 bits', [0, 2, 1], { decodeTime: 2 ** 40 }],
];

for (const [name, shown, options] of ORDERS) {
  test(`unsigned offsets: ${name} is shown as before, with nothing decoded after it is shown`, () => {
    const usual = segmentOf(shown, options);
    const unsigned = withUnsignedOffsets(usual);
    const [before, after] = [samplesOf(usual), samplesOf(unsigned)];
    assert.notEqual(unsigned, usual);
    assert.equal(unsigned.byteLength, usual.byteLength);
    assert.deepEqual(shownTimes(after), shownTimes(before));
    assert.deepEqual(
      after.map(({ isSync, bytes }) => [isSync, bytes.toString('hex')]),
      before.map(({ isSync, bytes }) => [isSync, bytes.toString('hex')]),
    );
    assert.ok(after.every(({ compositionOffset, duration }) => compositionOffset >= 0 && duration >= 0));
    assert.equal(after[0]?.decodeTime, options.decodeTime ?? 0, 'the first is decoded when the earliest is shown');
    assert.equal(endOf(after), endOf(before), 'the next segment follows without a gap');
  });
}

test('unsigned offsets: pictures long enough for it are each decoded at a time of their own', () => {
  const durations = samplesOf(withUnsignedOffsets(segmentOf([0, 4, 2, 1, 3, 8, 6, 5, 7]))).map(({ duration }) => duration);
  assert.ok(
    durations.every(duration => duration > 0),
    durations.join(),
  );
});

test('unsigned offsets: each fragment of a segment is changed by itself', () => {
  const parts = [segmentOf([0, 2, 1]), segmentOf([0, 1, 2], { decodeTime: 3 * FRAME }), segmentOf([0, 2, 1], { decodeTime: 6 * FRAME })];
  assert.deepEqual(withUnsignedOffsets(Buffer.concat(parts)), Buffer.concat(parts.map(withUnsignedOffsets)));
});

test('unsigned offsets: what has no negative offset goes as it is, and so does what is no fragment', () => {
  const inOrder = segmentOf([0, 1, 2]);
  const late = segmentOf([1, 3, 2]);
  const others = [inOrder, late, Buffer.alloc(0), box('moof', box('traf', u32(0))), box('moof'), Buffer.from('no boxes at all')];
  for (const bytes of others) assert.equal(withUnsignedOffsets(bytes), bytes);
});
