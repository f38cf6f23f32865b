// Inspection of real files: whole, odd and broken.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { FerriteError } from '#domain/errors.ts';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import { HOSTILE_FILES, writeHostileFile } from '../../support/hostile/hostile-files.ts';
import { makeFilm, runTool, temporaryFolder } from '../../support/run-tool.ts';

let folder = '';
const cleanups: (() => Promise<void>)[] = [];
const at = (name: string) => join(folder, name);
const withoutIndex = { runTool, openRemuxSource: async () => null };

before(async () => {
  folder = await temporaryFolder({ after: clean => cleanups.push(clean) });
  await makeFilm(at('film.mp4'));
});
after(async () => {
  for (const clean of cleanups) await clean();
});

async function refusal(path: string): Promise<FerriteError> {
  const error = await inspectMedia(path, withoutIndex).then(
    () => assert.fail('the file was accepted'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof FerriteError);
  assert.equal(error.code, 'MEDIA_UNREADABLE');
  assert.ok(!error.message.includes(folder) && !error.message.includes('\n'), error.message);
  return error;
}

test('inspect: a film tells its streams, duration and keyframes', async () => {
  const inspection = await inspectMedia(at('film.mp4'), withoutIndex);
  const [video] = inspection.streams.video;
  const [audio] = inspection.streams.audio;
  assert.equal(inspection.container, 'mp4');
  assert.equal(inspection.durationMs, 3000);
  assert.deepEqual([video?.codec, video?.width, video?.height, video?.rotation, video?.hdr], ['h264', 128, 72, 0, null]);
  assert.deepEqual(video?.frameRate, { num: 10, den: 1 });
  assert.equal(video?.isVariableFrameRate, false);
  assert.match(video?.codecString ?? '', /^avc1\.42[ce]0[0-9a-f]{2}$/);
  assert.deepEqual([audio?.codec, audio?.channels, audio?.sampleRate, audio?.codecString], ['aac', 2, 48_000, 'mp4a.40.2']);
  const { video: timeline, copyMethod } = inspection.keyframes;
  assert.equal(copyMethod, 'ffmpeg');
  assert.deepEqual(
    timeline.keyframes.map(pts => pts / timeline.timescale),
    [0, 1, 2],
  );
  assert.equal(timeline.endPts / timeline.timescale, 3);
  assert.equal(timeline.hasLeadingPictures, false);
  assert.ok(timeline.peakBitrateBps > 0);
});

for (const extension of ['mkv', 'ts', 'avi', 'flv', 'mov']) {
  test(`inspect: the same film as ${extension} has the same keyframes and whole audio frames`, async () => {
    const path = at(`same.${extension}`);
    await execa('ffmpeg', ['-v', 'error', '-y', '-i', at('film.mp4'), '-c', 'copy', path]);
    const { keyframes, durationMs, streams } = await inspectMedia(path, withoutIndex);
    const [first = 0] = keyframes.video.keyframes;
    const keyframesS = keyframes.video.keyframes.map(pts => (pts - first) / keyframes.video.timescale);
    assert.equal(keyframesS.length, 3);
    // AVI has no presentation times: half a frame is what it can be wrong by.
    for (const [index, second] of keyframesS.entries())
      assert.ok(Math.abs(second - index) <= (extension === 'avi' ? 0.051 : 0), String(second));
    assert.deepEqual(streams.video[0]?.frameRate, { num: 10, den: 1 });
    assert.ok(Math.abs(durationMs - 3000) <= 50, String(durationMs));
    const [audio] = keyframes.audio;
    assert.equal(audio?.frameDuration, 1024);
    assert.equal(audio?.index, streams.audio[0]?.index);
    assert.equal(((audio?.endPts ?? 0) - (audio?.firstPts ?? 0)) % 1024, 0);
  });
}

test('inspect: the index of the container is preferred, its source closed, and tracks it leaves out are never copied', async () => {
  const closed: string[] = [];
  const video = {
    timescale: 10,
    originPts: 0,
    keyframes: [0, 20],
    firstShownPts: 0,
    endPts: 30,
    hasLeadingPictures: false,
    peakBitrateBps: 1,
  };
  const source: RemuxSource = {
    copyMethod: 'mp4',
    videoIndex: 0,
    video,
    closestFps: null,
    rotation: null,
    crop: null,
    pixelAspect: null,
    audio: [],
    codecString: index => (index === 0 ? 'avc1.from-the-record' : null),
    initSegment: () => assert.fail('not asked for'),
    segment: () => assert.fail('not asked for'),
    keyframe: () => assert.fail('not asked for'),
    locate: () => assert.fail('not asked for'),
    sizes: () => assert.fail('not asked for'),
    indexByteLength: 0,
    close: async () => void closed.push('closed'),
  };
  const calls: (readonly string[])[] = [];
  const counting: RunTool = (tool, args, options) => {
    calls.push(args);
    return runTool(tool, args, options);
  };
  const { keyframes, streams } = await inspectMedia(at('film.mp4'), { runTool: counting, openRemuxSource: async () => source });
  assert.deepEqual(keyframes.video, video);
  assert.equal(keyframes.copyMethod, 'mp4');
  assert.equal(keyframes.audio[0]?.frameDuration, null);
  assert.ok(Math.abs((keyframes.audio[0]?.endPts ?? 0) - 3 * 48_000) < 3000);
  assert.equal(streams.video[0]?.codecString, 'avc1.from-the-record');
  assert.equal(calls.length, 1);
  assert.deepEqual(closed, ['closed']);
});

test('inspect: an index our reader refuses falls back to packets, a bug in it does not hide', async () => {
  const refusing = async () => {
    throw new FerriteError('MEDIA_UNREADABLE', 'odd box');
  };
  assert.equal((await inspectMedia(at('film.mp4'), { runTool, openRemuxSource: refusing })).keyframes.copyMethod, 'ffmpeg');
  const buggy = async () => {
    throw new RangeError('a bug');
  };
  await assert.rejects(inspectMedia(at('film.mp4'), { runTool, openRemuxSource: buggy }), RangeError);
});

test('inspect: a file beyond the budget of our reader is not given to ffprobe', async () => {
  const [hostile] = HOSTILE_FILES.filter(({ name }) => name === 'manyClaimedSamples');
  assert.ok(hostile);
  const path = await writeHostileFile(folder, hostile);
  const programs: string[] = [];
  const noting: RunTool = (tool, ...rest) => {
    programs.push(tool);
    return runTool(tool, ...rest);
  };
  await assert.rejects(inspectMedia(path, { runTool: noting, openRemuxSource }), { code: 'MEDIA_UNREADABLE', message: /too many samples/ });
  assert.deepEqual(programs, []);
});

test('inspect: a truncated mp4 says that its index is missing', async () => {
  await copyFile(at('film.mp4'), at('truncated.mp4'));
  await truncate(at('truncated.mp4'), 20_000);
  assert.match((await refusal(at('truncated.mp4'))).message, /moov/);
});

test('inspect: an empty file, a folder, text, noise, a picture, a playlist and sound alone are refused with their reason', async () => {
  await writeFile(at('empty.mkv'), '');
  await mkdir(at('folder.mkv'));
  await writeFile(at('text.mkv'), 'Dear diary,\n'.repeat(500));
  await writeFile(at('noise.mp4'), createHash('shake256', { outputLength: 50_000 }).update('noise').digest());
  await writeFile(at('playlist.mkv'), `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:${at('film.mp4')}\n#EXT-X-ENDLIST\n`);
  await execa('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'color=red:size=16x16', '-frames:v', '1', '-f', 'image2', at('picture.mkv')]);
  await execa('ffmpeg', ['-v', 'error', '-i', at('film.mp4'), '-vn', '-c', 'copy', at('sound.mp4')]);
  assert.equal((await refusal(at('empty.mkv'))).message, 'the file is empty');
  assert.equal((await refusal(at('folder.mkv'))).message, 'not a regular file');
  assert.equal((await refusal(at('gone.mkv'))).message, 'the file is gone');
  assert.match((await refusal(at('text.mkv'))).message, /not a (supported kind of )?media file/);
  assert.match((await refusal(at('noise.mp4'))).message, /not a (supported kind of )?media file/);
  assert.match((await refusal(at('playlist.mkv'))).message, /not a supported kind of media file/);
  assert.match((await refusal(at('picture.mkv'))).message, /not a (supported kind of )?media file/);
  assert.equal((await refusal(at('sound.mp4'))).message, 'no video stream');
});

const STRANGE_NAMES = [
  `it's "quoted".mp4`,
  'two\nlines.mp4',
  '-i -dash.mp4',
  'naïve 映画 🎬.mp4',
  '100%d %s.mp4',
  'a,b:c;d$(x)|&.mp4',
  'http:__x.mp4',
  'concat:a|b.mp4',
];
for (const name of STRANGE_NAMES) {
  test(`inspect: reads a file named ${JSON.stringify(name)}`, async () => {
    await copyFile(at('film.mp4'), at(name));
    assert.equal((await inspectMedia(at(name), withoutIndex)).durationMs, 3000);
  });
}

test('inspect: cover art is no video stream, and the real one is found behind it', async () => {
  await execa('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'color=red:size=64x64', '-frames:v', '1', at('cover.jpg')]);
  await execa('ffmpeg', [
    '-v',
    'error',
    '-i',
    at('cover.jpg'),
    '-i',
    at('film.mp4'),
    '-map',
    '0',
    '-map',
    '1',
    '-c',
    'copy',
    '-disposition:v:0',
    'attached_pic',
    at('covered.mp4'),
  ]);
  const { streams } = await inspectMedia(at('covered.mp4'), withoutIndex);
  assert.deepEqual(
    streams.video.map(({ codec, width }) => [codec, width]),
    [['h264', 128]],
  );
  await execa('ffmpeg', [
    '-v',
    'error',
    '-i',
    at('cover.jpg'),
    '-i',
    at('film.mp4'),
    '-map',
    '0',
    '-map',
    '1:a',
    '-c',
    'copy',
    '-disposition:v:0',
    'attached_pic',
    at('album.mp4'),
  ]);
  assert.equal((await refusal(at('album.mp4'))).message, 'no video stream');
});

test('inspect: a picture to be turned says by how much, clockwise', async () => {
  await execa('ffmpeg', ['-v', 'error', '-i', at('film.mp4'), '-c', 'copy', '-metadata:s:v:0', 'rotate=90', at('turned.mp4')]);
  // ffmpeg's `rotate` counts against the clock.
  assert.equal((await inspectMedia(at('turned.mp4'), withoutIndex)).streams.video[0]?.rotation, 270);
});

test('inspect: HDR, bit depth, language, subtitles, chapters and title are told', async () => {
  await writeFile(at('a.srt'), '1\n00:00:00,500 --> 00:00:01,000\nHello\n');
  await writeFile(
    at('meta.txt'),
    ';FFMETADATA1\ntitle=The Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\n',
  );
  const hdr = [
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p10le',
    '-color_trc',
    'smpte2084',
    '-color_primaries',
    'bt2020',
    '-colorspace',
    'bt2020nc',
  ];
  const inputs = ['-i', at('film.mp4'), '-i', at('a.srt'), '-i', at('meta.txt')];
  const tags = [
    '-map',
    '0',
    '-map',
    '1',
    '-map_metadata',
    '2',
    '-c:a',
    'copy',
    '-c:s',
    'srt',
    '-metadata:s:a:0',
    'language=deu',
    '-disposition:s:0',
    'forced',
  ];
  await execa('ffmpeg', ['-v', 'error', ...inputs, ...hdr, ...tags, at('rich.mkv')]);
  const { streams, chapters, tags: told, container } = await inspectMedia(at('rich.mkv'), withoutIndex);
  assert.deepEqual([streams.video[0]?.hdr, streams.video[0]?.bitDepth, streams.video[0]?.profile], ['hdr10', 10, 'High 10']);
  assert.equal(streams.audio[0]?.language, 'deu');
  assert.deepEqual(
    streams.subtitles.map(({ kind, isForced, codec }) => [kind, isForced, codec]),
    [['text', true, 'subrip']],
  );
  assert.deepEqual(chapters, [
    { startMs: 0, endMs: 1500, title: 'One' },
    { startMs: 1500, endMs: 3000, title: null },
  ]);
  assert.equal(told?.title, 'The Film');
  assert.equal(container, 'matroska');
});

test('inspect: WebM is told from Matroska, with codec strings for VP9 and Opus', async () => {
  await execa('ffmpeg', [
    '-v',
    'error',
    '-i',
    at('film.mp4'),
    '-c:v',
    'libvpx-vp9',
    '-deadline',
    'realtime',
    '-cpu-used',
    '8',
    '-c:a',
    'libopus',
    at('film.webm'),
  ]);
  const { container, streams, keyframes } = await inspectMedia(at('film.webm'), withoutIndex);
  assert.equal(container, 'webm');
  assert.deepEqual([streams.video[0]?.codecString, streams.audio[0]?.codecString], ['vp09.00.10.08', 'Opus']);
  assert.equal(keyframes.audio[0]?.frameDuration, 960);
});

test('inspect: a gap in the sound makes the track one that is not copied', async () => {
  await execa('ffmpeg', ['-v', 'error', '-i', at('film.mp4'), '-c', 'copy', '-bsf:a', "noise=drop='between(n,20,40)'", at('gap.mkv')]);
  assert.equal((await inspectMedia(at('gap.mkv'), withoutIndex)).keyframes.audio[0]?.frameDuration, null);
});

test('inspect: the version follows the bytes and the time, not the name', async () => {
  await copyFile(at('film.mp4'), at('copy.mp4'));
  const when = new Date(1_700_000_000_000);
  await utimes(at('film.mp4'), when, when);
  await utimes(at('copy.mp4'), when, when);
  await symlink(at('film.mp4'), at('link.mp4'));
  const versionOf = async (name: string) => (await inspectMedia(at(name), withoutIndex)).version;
  const version = await versionOf('film.mp4');
  assert.match(version, /^[0-9a-f]{32}$/);
  assert.equal(await versionOf('copy.mp4'), version);
  assert.equal(await versionOf('link.mp4'), version);
  const bytes = await readFile(at('copy.mp4'));
  await writeFile(at('copy.mp4'), Buffer.concat([bytes, Buffer.from([0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65])]));
  await utimes(at('copy.mp4'), when, when);
  assert.notEqual(await versionOf('copy.mp4'), version);
});

test('inspect: a file that grows meanwhile is refused', async () => {
  await copyFile(at('film.mp4'), at('growing.mp4'));
  const growing: RunTool = async (tool, args, options) => {
    const result = await runTool(tool, args, options);
    await writeFile(at('growing.mp4'), 'more', { flag: 'a' });
    return result;
  };
  await assert.rejects(inspectMedia(at('growing.mp4'), { runTool: growing, openRemuxSource: async () => null }), /still being written/);
});

test('inspect: an aborted inspection is a cancelled one', async () => {
  const abort = new AbortController();
  abort.abort();
  await assert.rejects(inspectMedia(at('film.mp4'), { ...withoutIndex, signal: abort.signal }), { code: 'CANCELLED' });
});

test('inspect: a file at which ffprobe dies harmed it; one that it was too slow for did not', async () => {
  const dead: RunTool = async () => ({ stdout: Buffer.alloc(0), stderrTail: '', exitCode: null });
  const slow: RunTool = () => Promise.reject(new FerriteError('INSPECTION_DEFERRED', 'too long'));
  for (const [tool, code] of [
    [dead, 'INSPECTOR_LOST'],
    [slow, 'INSPECTION_DEFERRED'],
  ] as const)
    await assert.rejects(inspectMedia(at('film.mp4'), { ...withoutIndex, runTool: tool }), { code });
});
