import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stereoAac } from '#domain/delivery/ladder.ts';
import { segmentCount } from '#domain/plan.ts';
import { fedArguments } from '#workers/encode/fed-arguments.ts';
import { ffmpegArguments } from '#workers/encode/file-arguments.ts';
import { aJob, aMap, anAudioStream, aRung, everyS } from '../../support/titles.ts';
import { readSegment } from '../../support/track-check.ts';
import { cut, Film, type Kind, record } from '../support.ts';

const KINDS: readonly Kind[] = ['video-encode', 'audio-encode', 'video-copy', 'audio-copy'];
/** What Linux takes in one argument. */
const MAX_ARGUMENT_BYTES = 128 * 1024;

function valueAfter(args: readonly string[], option: string): string {
  const at = args.indexOf(option);
  assert.notEqual(at, -1, `${option} is not there`);
  return args[at + 1] ?? '';
}

test('ffmpeg arguments: the file is named so that it can be neither an option nor another protocol', () => {
  for (const path of ['-i.mp4', 'concat:/etc/passwd', 'http://example.org/a.mp4', '/films/%d.mp4']) {
    const args = ffmpegArguments({ ...aJob(0, 1), media: { path, byteLength: 1, mtimeMs: 1 } });
    assert.equal(valueAfter(args, '-i'), `file:${path}`);
    assert.equal(valueAfter(args, '-protocol_whitelist'), 'file');
    assert.ok(!/concat|hls|image2|dash/.test(valueAfter(args, '-format_whitelist')));
    assert.ok(args.indexOf('-protocol_whitelist') < args.indexOf('-i'), 'an input option stands before its input');
    assert.equal(args.filter(arg => arg.includes(path)).length, 1, 'the name is nowhere else, in no filter above all');
  }
});

test('ffmpeg arguments: output goes to the pipe, nothing is read from it, and nothing asks', () => {
  for (const args of [ffmpegArguments(aJob(0, 1))]) {
    assert.equal(args.at(-1), 'pipe:1');
    assert.ok(args.includes('-nostdin'));
  }
});

test('ffmpeg arguments: a keyframe is forced at each boundary of the stretch and where its first chunk ends, and nowhere else', () => {
  for (const [first, last] of [
    [0, 0],
    [0, 9],
    [7, 99],
  ] as const) {
    const args = ffmpegArguments({ ...aJob(first, last), isFollowOn: true });
    const times = valueAfter(args, '-force_key_frames').split(',').map(Number);
    const boundaries = Array.from({ length: last - first + 2 }, (_, at) => 2 * (first + at));
    const expected = boundaries.toSpliced(1, 0, 2 * first + 0.5);
    assert.equal(times.length, expected.length);
    const frameS = 1 / 24;
    for (const [at, seconds] of times.entries()) {
      const boundaryS = expected[at] ?? 0;
      assert.ok(seconds <= boundaryS && seconds > boundaryS - frameS && seconds >= 0, `${seconds} forces the frame at ${boundaryS}`);
    }
    assert.equal(valueAfter(args, '-sc_threshold'), '0');
    assert.equal(valueAfter(args, '-frames:v'), String(48 * (last - first + 1)));
  }
});

test('ffmpeg arguments: a run of 1800 segments at the end of eight hours still fits', () => {
  const args = ffmpegArguments(aJob(14_400 - 1_800, 14_399));
  for (const arg of args) assert.ok(Buffer.byteLength(arg) <= MAX_ARGUMENT_BYTES);
  assert.ok(args.length < 150);
});

test('ffmpeg arguments: the same job starts the same process', () => {
  assert.deepEqual(ffmpegArguments(aJob(3, 9)), ffmpegArguments(structuredClone(aJob(3, 9))));
});

test('ffmpeg arguments: the level and the rate are those that the playlist names', () => {
  const args = ffmpegArguments(aJob(0, 1, aRung('1080p', { codecs: 'avc1.640028', maxBitrateBps: 5_000_000 })));
  assert.deepEqual(
    [valueAfter(args, '-level:v'), valueAfter(args, '-profile:v'), valueAfter(args, '-maxrate')],
    ['4.0', 'high', '5000000'],
  );
});

for (const { what, keyframesS, first, copyMethod, startTimeUs, originPts, expected } of [
  { what: 'at the start nothing is sought', first: 0, expected: null },
  { what: 'past the keyframe, for on it lands on the one before', first: 4, expected: 8.25 },
  { what: 'halfway where keyframes lie close', keyframesS: everyS(0.1, 500), first: 4, expected: 8.05 },
  { what: 'the keyframe before a boundary that is none', keyframesS: [0, 7, 30], first: 4, expected: 7.25 },
  { what: 'the last keyframe when none follows', keyframesS: [0, 3], first: 4, expected: 3.25 },
  { what: 'counted from the start time of the file', first: 4, startTimeUs: 1_500_000, originPts: 135_000, expected: 8.25 },
  { what: 'before the keyframe in a file without an index', first: 4, copyMethod: 'ffmpeg', expected: 7 },
] as const satisfies {
  what: string;
  keyframesS?: readonly number[];
  first: number;
  copyMethod?: 'ffmpeg';
  startTimeUs?: number;
  originPts?: number;
  expected: number | null;
}[]) {
  test(`ffmpeg arguments: the seek aims ${what}`, () => {
    const keyframes = aMap(keyframesS ?? everyS(2, 25), 50, {
      copyMethod: copyMethod ?? 'mp4',
      startTimeUs: startTimeUs ?? 0,
      originPts: originPts ?? 0,
    });
    const args = ffmpegArguments({ ...aJob(first, 20), keyframes });
    assert.equal(args.includes('-ss') ? Number(valueAfter(args, '-ss')) : null, expected);
    assert.ok(args.indexOf('-ss') < args.indexOf('-i'));
  });
}

test('ffmpeg arguments: HEVC is tagged as every player takes it', () => {
  const copy = (codecs: string) =>
    ffmpegArguments(aJob(0, 1, { kind: 'video-copy', rungId: 'original', streamIndex: 0, width: 2, height: 2, bandwidthBps: 1, codecs }));
  assert.equal(valueAfter(copy('hev1.1.6.L93.B0'), '-tag:v'), 'hvc1');
  assert.ok(!copy('avc1.640028').includes('-tag:v'));
});

test('ffmpeg arguments: a film of any name encodes and copies', async t => {
  const film = await Film.make(t, { name: `-i;$(x)"'%d .mp4`, seconds: 2 });
  for (const kind of KINDS) {
    const job = film.job(kind);
    const { segments } = cut(job, await record(job));
    assert.equal(segments.size, segmentCount(job.grid), kind);
    assert.ok([...segments.values()].every(bytes => readSegment(bytes).sampleCount > 0));
  }
});

test('ffmpeg arguments: a transport stream without an index joins like any other', async t => {
  const film = await Film.make(t, { name: 'film.ts', output: ['-bf', '2'] });
  assert.equal(film.facts.keyframes.copyMethod, 'ffmpeg');
  for (const kind of KINDS) {
    const whole = film.job(kind);
    const fromStart = cut(whole, await record(whole));
    const middle = film.job(kind, 2);
    const fromMiddle = cut(middle, await record(middle));
    // ffmpeg writes the bit rate it has seen so far into the header of copied sound: the first one published stays.
    if (kind !== 'audio-copy') assert.deepEqual(fromMiddle.init, fromStart.init, kind);
    const before = readSegment(fromStart.segments.get(1) ?? Buffer.alloc(0));
    const after = readSegment(fromMiddle.segments.get(2) ?? Buffer.alloc(0));
    assert.equal(before.decodeTime + before.duration, after.decodeTime, `${kind}: no tick between`);
  }
});

test('ffmpeg arguments: nothing that is built anew where the sound changes begins at the start of the run again', () => {
  const sound = stereoAac(0, anAudioStream());
  for (const args of [ffmpegArguments(aJob(1, 2, sound)), fedArguments(sound)]) {
    const filters = valueAfter(args, '-af').split(',');
    const resampled = filters.findIndex(filter => filter.startsWith('aresample=48000:'));
    // In samples of our rate: what is before the run's start is cut off.
    assert.ok(resampled >= 0 && resampled < filters.findIndex(filter => filter.startsWith('atrim=start_pts=')));
    assert.ok(!filters.some(filter => filter.includes('first_pts')));
  }
});

test('ffmpeg arguments: an encoder that is fed is told neither a film nor a position', () => {
  const args = fedArguments(aRung());
  assert.equal(valueAfter(args, '-i'), 'pipe:0');
  assert.equal(valueAfter(args, '-protocol_whitelist'), 'pipe');
  assert.equal(valueAfter(args, '-force_key_frames'), 'chapters');
});
