// Films of awkward kinds: what is served of each shows and sounds as the file does, or is refused before a player has begun.
import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { Started } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { servedFile, startWorld } from '../support/world.ts';

const picture = (size = '320x180', rate = 25, seconds = 6): string[] => ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${seconds}`];
const sound = (seconds = 6, rate = 44_100): string[] => ['-f', 'lavfi', '-i', `sine=d=${seconds}:r=${rate}`];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p'];
const AAC = ['-c:a', 'aac'];
const KEY = ['-encryption_key', '76a6c65c5ea762046bd749a2e632ccbb', '-encryption_kid', 'a7e61c373e219033c21091fa607bf3b8'];
const FIELDS = ['-vf', 'interlace', '-flags', '+ildct+ilme'];
const SIDES = ['-af', `pan=5.1(side)|${Array.from({ length: 6 }, (_, at) => `c${at}=c0`).join('|')}`];

async function makeFilms(library: string, scratch: string): Promise<void> {
  const film = (name: string): string => join(library, name);
  const make = (name: string, ...args: string[]): Promise<void> => ffmpeg(...args, film(name));
  await make('anamorphic.mp4', ...picture('720x576'), '-vf', 'setsar=64/45', ...H264);
  await make('narrow.mkv', ...picture('640x360'), '-vf', 'setsar=1/2', ...H264);
  await make('fields.mp4', ...picture('320x180', 50), ...FIELDS, ...H264, '-x264opts', 'tff=1');
  await make('fields-broadcast.ts', ...picture('320x180', 50), ...FIELDS, '-c:v', 'mpeg2video', '-b:v', '2M');
  await make('listed-channels.mkv', ...picture(), ...sound(), ...SIDES, ...H264, ...AAC);
  await make('encrypted.mp4', ...picture(), ...H264, '-encryption_scheme', 'cenc-aes-ctr', ...KEY);
  await make('full-colour.mp4', ...picture(), '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv444p');
  await make('vp8.webm', ...picture(), '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8');
  await make('still.mp4', ...picture('320x180', 25, 0.04), ...sound(20), ...H264, ...AAC);
  await make('fast.mp4', ...picture('320x180', 240, 4), ...H264);
  await make('variable.mp4', ...picture('320x180', 30), '-vf', "select='mod(n,3)+lt(n,60)'", '-fps_mode', 'vfr', ...H264);
  await make('variable-matroska.mkv', '-i', film('variable.mp4'), '-c', 'copy');
  await make('disordered.avi', ...picture(), '-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-g', '50');
  const cover = join(scratch, 'cover.mjpeg');
  await ffmpeg('-f', 'lavfi', '-i', 'color=red:s=320x180', '-frames:v', '1', cover);
  const covered = ['-f', 'mjpeg', '-i', cover, ...picture(), ...sound(), '-map', '0:v', '-map', '1:v', '-map', '2:a', '-c:v:0', 'copy'];
  for (const container of ['mp4', 'mkv'])
    await make(`covered-${container}.${container}`, ...covered, '-c:v:1', 'libx264', '-preset', 'ultrafast', '-g', '50', ...AAC);
  const surround = join(scratch, 'surround.mkv');
  await ffmpeg(...picture(), ...sound(6, 48_000), ...H264, ...AAC, '-ac', '6', surround);
  await make('rounded-times.mp4', '-i', surround, '-c', 'copy');
  await ffmpeg(...picture(), ...sound(), ...H264, ...AAC, join(scratch, 'tape.mp4'));
  await rename(join(scratch, 'tape.mp4'), film('tape.3g2'));
}

test('films of awkward kinds', async t => {
  const world = await startWorld(t, makeFilms);
  const { client, film } = world;
  const served = (session: Started, path: string): Promise<string> => servedFile(world, session, path);

  async function withSession<T>(title: string, delivery: string, work: (session: Started) => Promise<T>): Promise<T> {
    const session = await client.start(film(title).id, { delivery, startPositionMs: 0 });
    try {
      return await work(session);
    } finally {
      await client.stop(session.sessionId);
    }
  }

  const refusal = async (title: string, delivery: string) =>
    (await client.problem('POST', '/api/v1/sessions', { mediaId: film(title).id, delivery, client: { profile: 'web-chrome' } })).code;

  for (const [title, aspect] of [
    ['anamorphic', (720 * 64) / (576 * 45)],
    ['narrow', 640 / 2 / 360],
  ] as const) {
    await t.test(`${title}: every rendition has the shape of the picture`, async () => {
      await withSession(title, 'remux', async session => {
        const main = (await client.bytes(session.streamUrl)).toString();
        for (const [, width, height] of main.matchAll(/RESOLUTION=(\d+)x(\d+)/g)) near(Number(width) / Number(height), aspect, 0.02);
        for (const path of ['video/original', 'video/240p']) near(await shownAspect(await served(session, path)), aspect, 0.02);
      });
    });
  }

  for (const title of ['fields', 'fields-broadcast']) {
    await t.test(`${title}: pictures of two fields become whole pictures, and are not copied`, async () => {
      assert.equal(await refusal(title, 'remux'), 'MEDIA_UNSUPPORTED');
      const file = await withSession(title, 'transcode', session => served(session, 'video/240p'));
      const { stderr } = await execa('ffmpeg', ['-hide_banner', '-nostdin', '-i', file, '-vf', 'idet', '-f', 'null', '-']);
      const found = /Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)/.exec(stderr) ?? assert.fail(stderr);
      const [top, bottom, whole] = found.slice(1).map(Number);
      assert.deepEqual([top, bottom], [0, 0]);
      assert.ok((whole ?? 0) > 100, `${whole} of 150`);
    });
  }

  await t.test('listed-channels: the sound is one that players take', async () => {
    await withSession('listed-channels', 'remux', async session => {
      const file = await served(session, 'audio/0');
      assert.ok((await probed(file, 'stream=channels')).startsWith('2'));
      assert.ok((await loudness(file)) > -30);
    });
  });

  await t.test('encrypted: a film that nobody can show is not listed', async () => {
    assert.ok(!(await client.media()).some(({ title }) => title.toLowerCase() === 'encrypted'));
  });

  await t.test('still: a run that begins after the only picture shows it too', async () => {
    await withSession('still', 'transcode', async session => {
      await client.segment(session, 'video/240p', 7);
    });
  });

  for (const title of ['full-colour', 'vp8', 'still', 'disordered']) {
    await t.test(`${title}: what can not be copied is refused before the answer, and encoded whole`, async () => {
      assert.equal(await refusal(title, 'remux'), 'MEDIA_UNSUPPORTED');
      const file = await withSession(title, 'transcode', session => served(session, 'video/240p'));
      const expected = title === 'still' ? 500 : 150;
      near(Number(await probed(file, 'stream=nb_read_frames', '-count_frames')), expected, 1);
    });
  }

  await t.test('fast: a copy says its own rate, an encode the one that it has', async () => {
    const main = await withSession('fast', 'remux', async session => (await client.bytes(session.streamUrl)).toString());
    const rates = [...main.matchAll(/FRAME-RATE=([\d.]+)/g)].map(([, rate]) => Number(rate));
    assert.deepEqual([rates[0], ...new Set(rates.slice(1))], [240, 60]);
  });

  for (const title of ['variable', 'variable-matroska']) {
    await t.test(`${title}: encoded at the rate of its shortest pictures`, async () => {
      const file = await withSession(title, 'transcode', session => served(session, 'video/240p'));
      assert.equal(await probed(file, 'stream=r_frame_rate'), '30/1');
    });
  }

  for (const title of ['covered-mp4', 'covered-mkv']) {
    await t.test(`${title}: the film is played, not the cover that stands before it`, async () => {
      await withSession(title, 'remux', async session => {
        for (const path of ['video/original', 'video/240p'])
          near(Number(await probed(await served(session, path), 'stream=nb_read_frames', '-count_frames')), 150, 1);
      });
    });
  }

  await t.test('rounded-times: surround sound is copied, on the grid of its frames', async () => {
    await withSession('rounded-times', 'remux', async session => {
      const file = await served(session, 'audio/0-full');
      assert.equal(await probed(file, 'stream=channels'), '6');
      const times = (await probed(file, 'packet=pts')).split('\n').map(line => Number.parseInt(line, 10));
      assert.deepEqual(new Set(times.slice(1).map((time, at) => time - (times[at] ?? 0))), new Set([1024]));
    });
  });

  await t.test('names of files: what people call their films by is found', () => {
    assert.equal(film('tape').durationMs > 5_900, true);
  });
});

const near = (value: number, wanted: number, tolerance: number): void =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value} is not ${wanted}`);

/** Width to height as a player draws it. */
async function shownAspect(file: string): Promise<number> {
  const [width = 0, height = 0, num = 1, den = 1] = (await probed(file, 'stream=width,height,sample_aspect_ratio'))
    .replaceAll(/[\n,:]/g, ' ')
    .split(' ')
    .map(Number);
  return (width * num) / (height * den);
}

async function probed(file: string, entries: string, ...options: string[]): Promise<string> {
  const { stdout } = await execa('ffprobe', ['-v', 'error', ...options, '-show_entries', entries, '-of', 'csv=p=0', file]);
  return stdout.trim().replace(/,$/, '');
}

async function loudness(file: string): Promise<number> {
  const { stderr } = await execa('ffmpeg', ['-hide_banner', '-nostdin', '-i', file, '-af', 'volumedetect', '-f', 'null', '-']);
  return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1] ?? Number.NEGATIVE_INFINITY);
}
