// Posters of real films: size, shape and brightness.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { FerriteError } from '#domain/errors.ts';
import { cutPoster } from '#workers/inspect/poster.ts';
import { PLAIN_STILL } from '#workers/inspect/still-filters.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { makeFilm, runTool, temporaryFolder } from '../../support/run-tool.ts';

/** Width and height from the frame header (ITU-T T.81, B.2.2). */
function sizeOf(jpeg: Buffer): readonly [number, number] {
  assert.equal(jpeg.readUInt16BE(0), 0xffd8);
  for (let at = 2; at < jpeg.byteLength; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const marker = jpeg.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffc2) return [jpeg.readUInt16BE(at + 7), jpeg.readUInt16BE(at + 5)];
  }
  return assert.fail('no frame header');
}

test('poster: is a JPEG no wider than asked for and never enlarged', async t => {
  const path = join(await temporaryFolder(t), "it's -1 100%.mp4");
  await makeFilm(path);
  assert.deepEqual(sizeOf(await cutPoster(path, { runTool, atMs: [1000], width: 64 })), [64, 36]);
  assert.deepEqual(sizeOf(await cutPoster(path, { runTool, atMs: [1000], width: 400 })), [128, 72]);
});

test('poster: is turned and has square pixels as the film is shown', async t => {
  const folder = await temporaryFolder(t);
  await makeFilm(join(folder, 'film.mp4'));
  await execa('ffmpeg', [
    '-v',
    'error',
    '-i',
    join(folder, 'film.mp4'),
    '-c',
    'copy',
    '-metadata:s:v:0',
    'rotate=90',
    join(folder, 'turned.mp4'),
  ]);
  assert.deepEqual(sizeOf(await cutPoster(join(folder, 'turned.mp4'), { runTool, atMs: [0], width: 400 })), [72, 128]);
  await makeFilm(join(folder, 'wide.mp4'), { output: ['-vf', 'setsar=2'] });
  assert.deepEqual(sizeOf(await cutPoster(join(folder, 'wide.mp4'), { runTool, atMs: [0], width: 400 })), [256, 72]);
  const part = { crop: { x: 8, y: 2, width: 96, height: 60 }, pixelAspect: { num: 1, den: 1 } };
  const still = { ...PLAIN_STILL, part };
  assert.deepEqual(sizeOf(await cutPoster(join(folder, 'film.mp4'), { runTool, atMs: [0], width: 400, still })), [96, 60]);
});

test('poster: passes over a dark frame for a bright one', async t => {
  const path = join(await temporaryFolder(t), 'dark.mp4');
  await makeFilm(path, { seconds: 4, output: ['-vf', "drawbox=color=black:t=fill:enable='lt(t,2.5)'"] });
  const bright = await cutPoster(path, { runTool, atMs: [1000, 3000], width: 128 });
  const black = await cutPoster(path, { runTool, atMs: [0], width: 128 });
  assert.ok(bright.byteLength > 2 * black.byteLength, `${bright.byteLength} against ${black.byteLength}`);
  // Where all are dark, one of them is still a poster.
  assert.equal((await cutPoster(path, { runTool, atMs: [1000, 2000], width: 128 })).byteLength, black.byteLength);
});

test('poster: decodes the keyframe it is told and nothing else, within limits and behind everybody else', async t => {
  const path = join(await temporaryFolder(t), 'film.mp4');
  await makeFilm(path, { seconds: 12, output: ['-g', '100'] });
  const calls: Parameters<RunTool>[] = [];
  const noting: RunTool = (...call) => {
    calls.push(call);
    return runTool(...call);
  };
  await cutPoster(path, { runTool: noting, atMs: [10_001], width: 400 });
  assert.equal(calls.length, 1);
  const [call] = calls;
  assert.ok(call);
  const [, args, { limits }] = call;
  assert.ok(limits?.addressSpaceBytes && limits.cpuSeconds && limits.priority === 'background', JSON.stringify(limits));
  // The same command as it tells what it decodes.
  const { stderr } = await execa('ffmpeg', ['-stats', '-debug_ts', ...args.filter(arg => arg !== '-nostats')], { encoding: 'buffer' });
  const decoded =
    Buffer.from(stderr)
      .toString('latin1')
      .match(/^decoder -> .*type:video/gm) ?? [];
  assert.equal(decoded.length, 1);
});

test('poster: a time past the end still gives a picture', async t => {
  const path = join(await temporaryFolder(t), 'short.mp4');
  await makeFilm(path, { seconds: 1 });
  assert.deepEqual(sizeOf(await cutPoster(path, { runTool, atMs: [60_000], width: 400 })), [128, 72]);
});

test('poster: of what is no film is refused', async t => {
  const path = join(await temporaryFolder(t), 'text.mkv');
  await writeFile(path, 'text');
  await assert.rejects(cutPoster(path, { runTool, atMs: [0], width: 400 }), { code: 'MEDIA_UNREADABLE' });
});

test('poster: a candidate that takes too long does not cost the others', async t => {
  const path = join(await temporaryFolder(t), 'film.mp4');
  await makeFilm(path);
  let calls = 0;
  const tooLong = () => Promise.reject(new FerriteError('INSPECTION_DEFERRED', 'too long'));
  const slowAtFirst: RunTool = (tool, args, options) => (++calls === 1 ? tooLong() : runTool(tool, args, options));
  assert.deepEqual(sizeOf(await cutPoster(path, { runTool: slowAtFirst, atMs: [1000], width: 400 })), [128, 72]);
});

test('poster: of a film that was only too slow to decode is put off; the loss of who starts programs is told', async t => {
  const path = join(await temporaryFolder(t), 'film.mp4');
  for (const code of ['INSPECTION_DEFERRED', 'WORKER_LOST'] as const) {
    const failing: RunTool = () => Promise.reject(new FerriteError(code, 'not now'));
    await assert.rejects(cutPoster(path, { runTool: failing, atMs: [0], width: 400 }), { code });
  }
});
