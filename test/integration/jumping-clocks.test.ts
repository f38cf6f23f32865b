// Films whose clock jumps, begins again or runs over: they play whole, on one clock, and picture and sound stay together.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Started } from '../support/client.ts';
import { makeFrameFilm } from '../support/frame-film.ts';
import { ffmpeg } from '../support/media.ts';
import { frameAt, shownFrames, soundStarts } from '../support/shown-frames.ts';
import { servedFile, startWorld } from '../support/world.ts';

const FRAME_RATE = 24;
const SECONDS = 8;
const JOINT_S = 4;
const FRAME_S = 1 / FRAME_RATE;

async function makeFilms(library: string, scratch: string): Promise<void> {
  const whole = join(scratch, 'whole.mp4');
  // A tone at each whole second.
  const sound = `aevalsrc='sin(2*PI*440*t)*lt(mod(t\\,1)\\,0.1)':s=48000:d=${SECONDS}`;
  await makeFrameFilm(whole, { seconds: SECONDS, sound });
  const parts = async (name: string, first: readonly string[], second: readonly string[], format = 'mpegts'): Promise<void> => {
    const [one, two] = [join(scratch, `${name}-1`), join(scratch, `${name}-2`)];
    await ffmpeg('-t', String(JOINT_S), '-i', whole, '-c', 'copy', ...first, '-f', format, one);
    await ffmpeg('-ss', String(JOINT_S), '-i', whole, '-c', 'copy', ...second, '-f', format, two);
    await writeFile(join(library, name), Buffer.concat([await readFile(one), await readFile(two)]));
  };
  const mpeg2 = ['-c:v', 'mpeg2video', '-q:v', '3', '-g', '24', '-bf', '2', '-c:a', 'ac3'];
  await parts('joined.ts', [], []);
  const disc = ['-mpegts_m2ts_mode', '1'];
  await parts('back.m2ts', [...disc, '-output_ts_offset', '5000'], [...disc, '-output_ts_offset', '200']);
  await parts('joined-program.vob', mpeg2, mpeg2, 'vob');
  await ffmpeg('-i', whole, '-c', 'copy', '-output_ts_offset', '95438', join(library, 'wrap.ts'));
  const far = ['-bsf:a', 'setts=ts=TS+3000/TB', '-max_interleave_delta', '1'];
  await parts('sound-jumps.ts', [], far);
}

test('films whose clock jumps', async t => {
  const world = await startWorld(t, makeFilms);
  const { client, film } = world;
  const served = (session: Started, path: string, first = 0): Promise<string> => servedFile(world, session, path, first);

  for (const [title, path, delivery] of [
    ['joined', 'video/240p', 'transcode'],
    ['joined', 'video/original', 'remux'],
    ['back', 'video/240p', 'transcode'],
    ['wrap', 'video/original', 'remux'],
    ['sound-jumps', 'video/240p', 'transcode'],
    ['joined-program', 'video/240p', 'transcode'],
  ] as const) {
    await t.test(`${title}: ${path} lasts as long as the film, shows the picture of the time, and the sound is heard with it`, async () => {
      assert.ok(Math.abs(film(title).durationMs - SECONDS * 1000) < 150, `${film(title).durationMs}`);
      // From the end first: a run that begins behind the jump is on the same clock as one that comes from before it.
      const session = await client.start(film(title).id, { delivery, startPositionMs: 0 });
      const { durationsS } = (await client.renditions(session)).find(one => one.path === path) ?? assert.fail(path);
      const tail = await served(session, path, durationsS.length - 1);
      const whole = await served(session, path);
      const heard = await served(session, 'audio/0');
      await client.stop(session.sessionId);
      const frames = await shownFrames(whole);
      for (const second of [0.02, 2.3, 3.9]) assert.equal(frameAt(frames, second), Math.floor(second * FRAME_RATE), `at ${second}`);
      // The second part begins when the sound of the first ends, as ffmpeg's own tools join them.
      const lateFrames = Math.floor(6.01 * FRAME_RATE) - (frameAt(frames, 6.01) ?? 0);
      assert.ok(lateFrames >= -1 && lateFrames <= 3, `the second part is ${lateFrames} frames late`);
      const last = await shownFrames(tail);
      assert.equal(last.at(-1)?.frame, frames.at(-1)?.frame);
      const starts = await soundStarts(heard);
      for (let second = 1; second < SECONDS; second++) {
        const wanted = second + (second > JOINT_S ? lateFrames / FRAME_RATE : 0);
        assert.ok(
          starts.some(start => Math.abs(start - wanted) < FRAME_S + 0.02),
          `no sound begins at ${wanted}: ${starts}`,
        );
      }
    });
  }
});
