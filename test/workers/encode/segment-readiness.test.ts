import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { boundaryAt, segmentCount } from '#domain/plan.ts';
import { boxes } from '#workers/bmff/boxes.ts';
import { readSegment, type SegmentTimes, timescaleOf } from '../../support/track-check.ts';
import { type Cut, cut, Film, type Kind, record } from '../support.ts';

const ENCODES: readonly Kind[] = ['video-encode', 'audio-encode'];
const KINDS: readonly Kind[] = [...ENCODES, 'video-copy', 'audio-copy'];

let film: Film;
const outputs = new Map<Kind, Buffer>();
const outputOf = (kind: Kind): Buffer => outputs.get(kind) ?? assert.fail(`no output of ${kind}`);
const only = ({ segments }: Cut, index: number): Buffer => segments.get(index) ?? assert.fail(`segment ${index} was not published`);
const fragmentsIn = (output: Buffer): number => [...boxes(output)].filter(({ type }) => type === 'moof').length;
/** What a player hears: one channel of 16 bits. */
async function samplesOf(...parts: readonly Buffer[]): Promise<Int16Array> {
  const { stdout } = await execa('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-ac', '1', '-f', 's16le', 'pipe:1'], {
    input: Buffer.concat(parts),
    encoding: 'buffer',
  });
  return new Int16Array(Uint8Array.from(stdout).buffer);
}

const timesOf = ({ segments }: Cut): SegmentTimes[] => [...segments.values()].map(readSegment);

const cleanUps: (() => Promise<void>)[] = [];
before(async () => {
  film = await Film.make({ after: clean => cleanUps.push(clean) });
  for (const kind of KINDS) outputs.set(kind, await record(film.job(kind)));
});
after(async () => {
  for (const clean of cleanUps) await clean();
});

for (const kind of KINDS) {
  test(`segment readiness: a ${kind} gives the segments of the plan, on its grid, seamlessly`, () => {
    const job = film.job(kind);
    const { init, segments } = cut(job, outputOf(kind));
    const count = segmentCount(job.grid);
    assert.deepEqual(
      [...segments.keys()],
      Array.from({ length: count }, (_, index) => index),
    );
    assert.equal(timescaleOf(init ?? Buffer.alloc(0)), job.grid.timescale);
    let end: number | null = null;
    for (const [index, bytes] of segments) {
      const times = readSegment(bytes);
      assert.ok(times.startsWithSync, `segment ${index} starts with a keyframe`);
      assert.equal(times.firstPts, boundaryAt(job.grid, index), `segment ${index} starts on its boundary`);
      assert.equal(times.decodeTime, times.firstPts, `segment ${index} is anchored on its earliest picture`);
      if (end !== null) assert.equal(times.decodeTime, end, `no gap before segment ${index}`);
      end = times.decodeTime + times.duration;
    }
  });

  test(`segment readiness: a ${kind} is the same however its output is cut into pieces`, () => {
    const job = film.job(kind);
    const whole = cut(job, outputOf(kind));
    for (const chunkBytes of [1, 7, 1000, 65_536]) {
      const pieces = cut(job, outputOf(kind), { chunkBytes });
      assert.deepEqual(pieces.init, whole.init);
      assert.deepEqual([...pieces.segments], [...whole.segments], `${chunkBytes} bytes at a time`);
    }
  });
}

for (const kind of ENCODES) {
  test(`segment readiness: a ${kind} that starts in the middle joins the one from the start without a tick between`, async () => {
    const fromStart = cut(film.job(kind), outputOf(kind));
    const middle = film.job(kind, 2);
    const fromMiddle = cut(middle, await record(middle));
    assert.deepEqual(fromMiddle.init, fromStart.init, 'both have the same init segment');
    assert.deepEqual([...fromMiddle.segments.keys()], [...fromStart.segments.keys()].slice(2));
    const before = readSegment(only(fromStart, 1));
    const after = readSegment(only(fromMiddle, 2));
    assert.equal(before.decodeTime + before.duration, after.decodeTime);
    assert.equal(before.endPts, after.firstPts);
    assert.deepEqual(timesOf(fromMiddle), timesOf(fromStart).slice(2), 'every time of every segment is the same');
  });

  test(`segment readiness: a ${kind} of one stretch ends with it`, async () => {
    const job = film.job(kind, 1, 1);
    assert.deepEqual([...cut(job, await record(job)).segments.keys()], [1]);
  });

  test(`segment readiness: a segment of a ${kind} is published with its own last byte, not with the next segment's first`, () => {
    const job = film.job(kind);
    const output = outputOf(kind);
    const published = (byteLength: number): number => cut(job, output.subarray(0, byteLength), { isWhole: false }).segments.size;
    assert.equal(published(output.byteLength), segmentCount(job.grid), 'nothing is left for the end');
    let needed = 64;
    while (published(needed) === 0) needed += 64;
    while (published(needed - 1) > 0) needed--;
    const frames = readSegment(only(cut(job, output), 0)).sampleCount;
    const priming = kind === 'audio-encode' ? 1 : 0;
    assert.equal(fragmentsIn(output.subarray(0, needed)), frames + priming, `${frames} frames are in segment 0`);
  });
}

test('segment readiness: the first chunk of a run is published with its own last byte, begins its segment, and only there', async () => {
  const whole = cut(film.job('video-encode'), outputOf('video-encode'));
  const middle = film.job('video-encode', 2);
  for (const [{ firstChunks, segments }, index] of [
    [whole, 0],
    [cut(middle, await record(middle)), 2],
  ] as const) {
    assert.deepEqual([...firstChunks.keys()], [index]);
    const chunk = firstChunks.get(index) ?? assert.fail();
    const segment = segments.get(index) ?? assert.fail();
    assert.deepEqual(segment.subarray(0, chunk.byteLength), chunk);
    const [first, rest] = [readSegment(chunk), readSegment(segment.subarray(chunk.byteLength))];
    assert.equal(first.duration, film.job('video-encode').grid.timescale / 2);
    assert.ok(rest.startsWithSync, 'what follows needs nothing before it');
  }
  const output = outputOf('video-encode');
  const begun = (byteLength: number): number =>
    cut(film.job('video-encode'), output.subarray(0, byteLength), { isWhole: false }).firstChunks.size;
  let needed = 64;
  while (begun(needed) === 0) needed += 64;
  while (begun(needed - 1) > 0) needed--;
  assert.equal(fragmentsIn(output.subarray(0, needed)), 5, 'half of ten frames a second');
  assert.equal(cut(film.job('audio-encode'), outputOf('audio-encode')).firstChunks.size, 0);
});

test('segment readiness: what an audio encoder says before the first wanted boundary is dropped', async () => {
  const job = film.job('audio-encode', 2, 2);
  const output = await record(job);
  const { segments } = cut(job, output);
  const times = readSegment(segments.get(2) ?? Buffer.alloc(0));
  assert.ok(fragmentsIn(output) > times.sampleCount, 'there was something to drop');
  assert.equal(times.firstPts, boundaryAt(job.grid, 2));
});

test('segment readiness: a copy that lands before its first boundary publishes nothing of what lies before', async () => {
  const middle = film.job('video-copy', 2);
  const fromMiddle = cut(middle, await record(middle));
  const fromStart = cut(film.job('video-copy'), outputOf('video-copy'));
  // What belongs to time before segment 2 would make it longer, or come as a segment of its own.
  assert.deepEqual([...fromMiddle.segments], [...fromStart.segments].slice(2));
  const whole = cut(middle, outputOf('video-copy'));
  assert.deepEqual([...whole.segments], [...fromStart.segments].slice(2), 'even when the whole film goes by');
});

test('segment readiness: what comes after the last wanted segment is not published', () => {
  const { segments } = cut(film.job('video-encode', 0, 1), outputOf('video-encode'));
  assert.deepEqual([...segments.keys()], [0, 1]);
});

test('segment readiness: output that ends in the middle of a frame is a failure, and the segments before it stand', () => {
  for (const kind of KINDS) {
    const job = film.job(kind);
    const output = outputOf(kind);
    const whole = cut(job, output);
    const part = output.subarray(0, output.byteLength - Math.floor(output.byteLength / 3));
    const { segments, readiness } = cut(job, part.subarray(0, part.byteLength - 3), { isWhole: false });
    const complete = [...whole.segments].slice(0, segments.size);
    assert.deepEqual([...segments], complete);
    assert.throws(() => readiness.end(), { code: 'ENCODE_FAILED' }, kind);
    assert.equal(segments.size, complete.length, 'nothing was published at the end');
  }
});

test('segment readiness: a copy whose very last frame is cut off has no last segment', () => {
  const job = film.job('video-copy');
  const output = outputOf('video-copy');
  const end = [...boxes(output)].filter(({ type }) => type === 'mdat').at(-1)?.end ?? 0;
  const { segments, readiness } = cut(job, output.subarray(0, end - 3), { isWhole: false });
  assert.throws(() => readiness.end(), { code: 'ENCODE_FAILED' });
  assert.equal(segments.size, segmentCount(job.grid) - 1);
});

test('segment readiness: sound sounds the same across the join of two encodes', async () => {
  const job = film.job('audio-encode');
  const fromStart = cut(job, outputOf('audio-encode'));
  const middle = film.job('audio-encode', 2);
  const fromMiddle = cut(middle, await record(middle));
  const init = fromStart.init ?? Buffer.alloc(0);
  const whole = await samplesOf(init, only(fromStart, 0), only(fromStart, 1), only(fromStart, 2));
  const joined = await samplesOf(init, only(fromStart, 0), only(fromStart, 1), only(fromMiddle, 2));
  assert.equal(joined.length, whole.length);
  const loudest = whole.reduce((most, sample) => Math.max(most, sample), 0);
  const difference = joined.reduce((most, sample, at) => Math.max(most, Math.abs(sample - (whole[at] ?? 0))), 0);
  assert.ok(loudest > 1_000, 'there is a tone');
  assert.ok(difference < loudest / 10, `they differ by ${difference} of ${loudest}`);
});

test('segment readiness: an encoder that puts no keyframe on a boundary is a failure', () => {
  const job = film.job('video-encode');
  // The same output, judged by a plan with a boundary half a second later.
  const shifted = {
    ...job,
    grid: { ...job.grid, boundaries: job.grid.boundaries.map((ticks, index) => (index === 1 ? ticks + job.grid.timescale / 2 : ticks)) },
  };
  assert.throws(() => cut(shifted, outputOf('video-encode')), { code: 'ENCODE_FAILED' });
});
