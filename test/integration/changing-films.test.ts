// Broadcasts change in the middle: stereo becomes mono, 5.1 becomes stereo, the picture gets another size. Sound and picture go on, on time.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { Client, type MediaItem } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const CHANGE_S = 8;
const END_S = 16;
const RATE = 48_000;
const BEFORE = { hertz: 440, colour: 'red' };
const AFTER = { hertz: 880, colour: 'blue' };

type Part = typeof BEFORE & { readonly size: string; readonly sound: readonly string[]; readonly picture: readonly string[] };
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p'];
const MPEG2_FIELDS = ['-c:v', 'mpeg2video', '-flags', '+ildct+ilme', '-b:v', '1M'];

async function makeBroadcast(path: string, scratch: string, parts: readonly Part[]): Promise<void> {
  const files: string[] = [];
  for (const [at, { hertz, colour, size, sound, picture }] of parts.entries()) {
    const file = join(scratch, `part-${at}.ts`);
    const inputs = [
      '-f',
      'lavfi',
      '-i',
      `color=${colour}:s=${size}:r=25:d=${CHANGE_S}`,
      '-f',
      'lavfi',
      '-i',
      `sine=f=${hertz}:r=${RATE}:d=${CHANGE_S}`,
    ];
    await ffmpeg(...inputs, '-af', 'volume=6', ...picture, ...sound, '-output_ts_offset', String(at * CHANGE_S), file);
    files.push(file);
  }
  await writeFile(path, Buffer.concat(await Promise.all(files.map(file => readFile(file)))));
}

const BROADCASTS: Readonly<Record<string, readonly Part[]>> = {
  'stereo-to-mono': [
    { ...BEFORE, size: '320x180', picture: H264, sound: ['-c:a', 'aac', '-ac', '2'] },
    { ...AFTER, size: '640x360', picture: H264, sound: ['-c:a', 'aac', '-ac', '1'] },
  ],
  'surround-to-stereo': [
    { ...BEFORE, size: '640x360', picture: MPEG2_FIELDS, sound: ['-c:a', 'ac3', '-ac', '6'] },
    { ...AFTER, size: '320x180', picture: MPEG2_FIELDS, sound: ['-c:a', 'ac3', '-ac', '2'] },
  ],
};

test('broadcasts that change in the middle', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  // A copy for each run: what one has made, another would find in the cache.
  const runs = { 'from-the-start': 0, 'just-before': CHANGE_S - 1, 'at-the-change': CHANGE_S, 'after-it': CHANGE_S + 3 };
  for (const [name, parts] of Object.entries(BROADCASTS)) {
    const film = join(scratch, `${name}.ts`);
    await makeBroadcast(film, scratch, parts);
    for (const run of Object.keys(runs)) await copyFile(film, join(library, `${name}-${run}.ts`));
  }
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const film = (title: string): MediaItem =>
    films.find(one => one.title.toLowerCase().replaceAll(' ', '-') === title) ?? assert.fail(title);

  for (const name of Object.keys(BROADCASTS)) {
    for (const [run, startS] of Object.entries(runs)) {
      await t.test(`${name}, a run ${run}: what is seen and heard is what the film has at that time`, async () => {
        const session = await client.start(film(`${name}-${run}`).id, { delivery: 'transcode', startPositionMs: startS * 1000 });
        const renditions = await client.renditions(session);
        for (const path of ['audio/0', 'video/240p']) {
          const { durationsS } = renditions.find(one => one.path === path) ?? assert.fail(path);
          const startsS = durationsS.map((_, index) => durationsS.slice(0, index).reduce((sum, one) => sum + one, 0));
          const first = Math.max(
            0,
            startsS.findLastIndex(second => second <= startS + 0.05),
          );
          const parts = [await client.init(session, path)];
          for (let index = first; index < durationsS.length; index++) parts.push(await client.segment(session, path, index));
          const file = join(scratch, `${path.replace('/', '-')}.mp4`);
          await writeFile(file, Buffer.concat(parts));
          const fromS = startsS[first] ?? 0;
          if (path === 'audio/0') await checkSound(file, fromS);
          else await checkPicture(file, fromS);
        }
        await client.stop(session.sessionId);
      });
    }
  }
});

const WINDOW_S = 0.2;
/** Near the change a window holds some of each, and at the end the two parts of a film differ by a frame. */
const isTelling = (second: number): boolean => Math.abs(second + WINDOW_S / 2 - CHANGE_S) > 0.25 && second < END_S - 0.5;

async function checkSound(file: string, fromS: number): Promise<void> {
  const times = (await packets(file, 'a')).map(pts => pts / RATE);
  for (const [at, time] of times.slice(1).entries()) assert.ok(Math.abs(time - (times[at] ?? 0) - 1024 / RATE) < 1e-6, `a hole at ${time}`);
  const { stdout } = await execa('ffmpeg', ['-v', 'error', '-i', file, '-ac', '1', '-f', 'f32le', '-'], {
    encoding: 'buffer',
    maxBuffer: 2 ** 28,
  });
  const samples = new Float32Array(stdout.buffer, stdout.byteOffset, stdout.byteLength >> 2);
  for (let second = fromS + 0.3; second < END_S; second += WINDOW_S) {
    if (!isTelling(second)) continue;
    const start = Math.round((second - (times[0] ?? 0)) * RATE);
    const window = samples.subarray(start, start + WINDOW_S * RATE);
    const [low, high] = [strength(window, BEFORE.hertz), strength(window, AFTER.hertz)];
    const [wanted, other] = second < CHANGE_S ? [low, high] : [high, low];
    assert.ok(wanted > 0.05 && other < wanted / 10, `at ${second.toFixed(2)}: ${low.toFixed(3)} of 440 Hz, ${high.toFixed(3)} of 880 Hz`);
  }
}

async function checkPicture(file: string, fromS: number): Promise<void> {
  const frames = (await packets(file, 'v')).length;
  assert.ok(Math.abs(frames - (END_S - fromS) * 25) <= 3, `${frames} frames from ${fromS}`);
  const { stdout } = await execa(
    'ffmpeg',
    ['-v', 'error', '-i', file, '-vf', 'scale=1:1', '-fps_mode', 'passthrough', '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-'],
    { encoding: 'buffer' },
  );
  for (let frame = 0; frame < stdout.byteLength / 3; frame++) {
    const second = fromS + frame / 25;
    if (!isTelling(second)) continue;
    const [red = 0, , blue = 0] = stdout.subarray(frame * 3, frame * 3 + 3);
    assert.equal(red > blue ? 'red' : 'blue', second < CHANGE_S ? 'red' : 'blue', `at ${second}`);
  }
}

async function packets(file: string, kind: 'a' | 'v'): Promise<number[]> {
  const { stdout } = await execa('ffprobe', [
    '-v',
    'error',
    '-select_streams',
    kind,
    '-show_entries',
    'packet=pts',
    '-of',
    'csv=p=0',
    file,
  ]);
  return stdout.split('\n').map(line => Number.parseInt(line, 10));
}

/** How much of one tone is in it: half its amplitude. */
function strength(samples: Float32Array, hertz: number): number {
  let [sine, cosine] = [0, 0];
  for (const [at, sample] of samples.entries()) {
    sine += sample * Math.sin((2 * Math.PI * hertz * at) / RATE);
    cosine += sample * Math.cos((2 * Math.PI * hertz * at) / RATE);
  }
  return Math.hypot(sine, cosine) / samples.length;
}
