// Films that begin elsewhere than their first sample: every delivery shows the same pictures at the same times.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { Client, type MediaItem, type Started } from '../support/client.ts';
import { makeFrameFilm } from '../support/frame-film.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { readSegment, timescaleOf } from '../support/track-check.ts';

const FRAME_RATE = 24;
const BITS = 12;
const SIDE = 40;
const WIDTH = 640;

test('films that begin elsewhere than their first sample', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const whole = join(scratch, 'whole.mp4');
  await makeFrameFilm(whole, { seconds: 14 });
  // A lossless cut in the middle of a group of pictures: the pictures before the in-point are in the file, and hidden by its edit list.
  await ffmpeg('-ss', '3.25', '-t', '8', '-i', whole, '-c', 'copy', join(library, 'trimmed.mp4'));
  await ffmpeg(
    '-itsoffset',
    '0.5',
    '-i',
    whole,
    '-i',
    whole,
    '-map',
    '0:v',
    '-map',
    '1:a',
    '-c',
    'copy',
    join(library, 'late-picture.mkv'),
  );
  await ffmpeg('-itsoffset', '18000', '-i', whole, '-c', 'copy', '-copyts', join(library, 'late-clock.mkv'));
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const film = (title: string): MediaItem =>
    films.find(one => one.title.toLowerCase().replaceAll(' ', '-') === title) ?? assert.fail(title);

  /** Which picture is on screen at each of these seconds of the rendition's timeline. */
  async function picturesAt(session: Started, path: string, seconds: readonly number[]): Promise<{ frames: number[]; endS: number }> {
    const rendition = (await client.renditions(session)).find(one => one.path === path) ?? assert.fail(path);
    const init = await client.init(session, path);
    const segments: Buffer[] = [];
    for (const index of rendition.durationsS.keys()) segments.push(await client.segment(session, path, index));
    const times = segments.map(readSegment);
    for (const [index, { decodeTime, firstPts }] of times.entries()) {
      assert.equal(decodeTime, firstPts, `segment ${index} begins with its earliest picture`);
      if (index > 0) assert.equal(decodeTime, (times[index - 1]?.decodeTime ?? 0) + (times[index - 1]?.duration ?? 0));
    }
    assert.equal(times[0]?.decodeTime, 0);
    const file = join(scratch, `${session.sessionId}.mp4`);
    await writeFile(file, Buffer.concat([init, ...segments]));
    const frames: number[] = [];
    for (const second of seconds) frames.push(await frameShownAt(file, second));
    const last = times.at(-1);
    return { frames, endS: ((last?.decodeTime ?? 0) + (last?.duration ?? 0)) / timescaleOf(init) };
  }

  for (const { title, durationMs, firstFrame, shownFromS } of [
    { title: 'trimmed', durationMs: 8_167, firstFrame: 78, shownFromS: 0 },
    { title: 'late-picture', durationMs: 14_500, firstFrame: 0, shownFromS: 0.5 },
    { title: 'late-clock', durationMs: 14_000, firstFrame: 0, shownFromS: 0 },
  ]) {
    // None on the edge of a frame: ffmpeg takes the start of a file off its times, rounded.
    const seconds = [0.02, 0.6, 1.9, 4.27, 7.51];
    const expected = seconds.map(second => firstFrame + Math.max(0, Math.floor((second - shownFromS) * FRAME_RATE + 1e-6)));

    await t.test(`${title}: lasts as long as what is shown`, () => {
      assert.ok(Math.abs(film(title).durationMs - durationMs) <= 60, `${film(title).durationMs}`);
    });

    for (const [path, delivery] of [
      ['video/original', 'remux'],
      ['video/240p', 'transcode'],
    ] as const) {
      await t.test(`${title}: ${path} shows the picture of the time`, async () => {
        const session = await client.start(film(title).id, { delivery, startPositionMs: 0 });
        const { frames, endS } = await picturesAt(session, path, seconds);
        assert.deepEqual(frames, expected);
        assert.ok(Math.abs(endS - durationMs / 1000) < 0.1, `ends at ${endS}`);
        await client.stop(session.sessionId);
      });
    }
  }
});

/** The number in the last picture whose time is not after `second`. */
async function frameShownAt(file: string, second: number): Promise<number> {
  const { stdout } = await execa(
    'ffmpeg',
    [
      '-v',
      'error',
      '-i',
      file,
      '-vf',
      `select=lte(t\\,${second}),scale=${WIDTH}:-2,crop=${WIDTH}:${SIDE}:0:0`,
      '-fps_mode',
      'passthrough',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'gray',
      '-',
    ],
    { encoding: 'buffer', maxBuffer: 1024 ** 3 },
  );
  const last = stdout.subarray(stdout.byteLength - WIDTH * SIDE);
  let frame = 0;
  for (let bit = 0; bit < BITS; bit++) if ((last[(SIDE / 2) * WIDTH + bit * SIDE + SIDE / 2] ?? 0) > 128) frame += 2 ** bit;
  return frame;
}
