// Films with a damaged place, and sound that covers a part of its film: everything that is asked for comes.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { makeFrameFilm } from '../support/frame-film.ts';
import { ffmpeg } from '../support/media.ts';
import { frameAt, shownFrames, soundStarts } from '../support/shown-frames.ts';
import { servedFile, startWorld } from '../support/world.ts';

const SECONDS = 60;
const PICTURE = [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=s=320x180:r=25:d=${SECONDS}`,
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-g',
  '25',
  '-pix_fmt',
  'yuv420p',
];
const sound = (seconds: number): string[] => ['-f', 'lavfi', '-i', `sine=d=${seconds}`];
const CODECS = ['-c:v', 'copy', '-c:a', 'libmp3lame'];
/** Of a second each. The reader of an index looks at the last ones itself. */
const DAMAGED_CLUSTER = 30;
const CLUSTER = Buffer.from('1f43b675', 'hex');

const COPIED_SECONDS = 60;
/** What of its bytes can not be read, by film: where a cluster begins, what lies in the middle of one, and two whole ones. */
const DAMAGES: Readonly<Record<string, (from: number, next: number, end: number) => { at: number; length: number }>> = {
  'lost-cluster': (from, next) => ({ at: from, length: Math.min(600, next - from) }),
  'lost-middle': (from, next) => ({ at: from + Math.floor((next - from) / 3), length: Math.floor((next - from) / 3) }),
  'lost-clusters': (from, _, end) => ({ at: from, length: end - from }),
};
/** The reader of an index looks at the first and the last ones itself. */
const FIRST_DAMAGED = 14;
/** Of the copied films a group of pictures lasts so long: what a damaged one leaves is shown up to the next. */
const GROUP_S = 2;

function clustersOf(bytes: Buffer): number[] {
  const clusters: number[] = [];
  for (let at = bytes.indexOf(CLUSTER); at !== -1; at = bytes.indexOf(CLUSTER, at + 4)) clusters.push(at);
  return clusters;
}

/** Which times of a film lie in its damaged clusters. */
async function damagedTimesS(path: string): Promise<{ fromS: number; toS: number }> {
  const [from = 0, , end = 0] = clustersOf(await readFile(path)).slice(FIRST_DAMAGED);
  const { stdout } = await execa('ffprobe', ['-v', 'error', '-show_entries', 'packet=pts_time,pos', '-of', 'csv=p=0', path]);
  const packets = stdout.split('\n').map(row => row.split(',').map(Number));
  const timesS = packets.flatMap(([timeS = 0, position = 0]) => (position >= from && position < end ? [timeS] : []));
  // Sound and picture of one time lie a little apart.
  return { fromS: Math.min(...timesS) - 0.3, toS: Math.max(...timesS) + GROUP_S + 0.3 };
}

async function makeCopiedFilms(library: string, scratch: string): Promise<void> {
  const whole = join(scratch, 'whole.mkv');
  const sound = `aevalsrc='sin(2*PI*440*t)*lt(mod(t\\,1)\\,0.1)':s=48000:d=${COPIED_SECONDS}`;
  await makeFrameFilm(whole, { seconds: COPIED_SECONDS, sound, args: ['-cluster_time_limit', '2000'] });
  for (const [name, damage] of Object.entries(DAMAGES)) {
    const bytes = await readFile(whole);
    const [from = 0, next = 0, end = 0] = clustersOf(bytes).slice(FIRST_DAMAGED);
    const { at, length } = damage(from, next, end);
    bytes.fill(0xff, at, at + length);
    assert.ok(clustersOf(bytes).length > FIRST_DAMAGED + 2, 'the film goes on behind the damage');
    await writeFile(join(library, `${name}.mkv`), bytes);
  }
}

async function makeFilms(library: string, scratch: string): Promise<void> {
  const film = (name: string): string => join(library, name);
  const picture = join(scratch, 'picture.mp4');
  await ffmpeg(...PICTURE, picture);
  await ffmpeg('-i', picture, ...sound(SECONDS), ...CODECS, '-cluster_time_limit', '2000', film('damaged.mkv'));
  const bytes = await readFile(film('damaged.mkv'));
  const damaged = clustersOf(bytes)[DAMAGED_CLUSTER] ?? 0;
  bytes.fill(0xff, damaged, damaged + 600);
  await writeFile(film('damaged.mkv'), bytes);
  await ffmpeg('-i', picture, ...sound(4), ...CODECS, film('short-sound.mkv'));
  await ffmpeg('-i', picture, '-itsoffset', '20', ...sound(3), ...CODECS, film('late-sound.ts'));
}

test('films of which a part is missing', async t => {
  const { client, film } = await startWorld(t, makeFilms);

  for (const [title, order] of [
    ['damaged', 'forward'],
    ['short-sound', 'backward'],
    ['late-sound', 'backward'],
  ] as const) {
    await t.test(`${title}: every segment comes, asked for ${order}`, async () => {
      const session = await client.start(film(title).id, { delivery: 'transcode', startPositionMs: 0 });
      assert.ok(Math.abs(session.durationMs - SECONDS * 1000) < 200, `${session.durationMs}`);
      for (const { path, durationsS } of await client.renditions(session)) {
        if (path !== 'video/240p' && path !== 'audio/0') continue;
        const count = durationsS.length;
        const indexes = order === 'forward' ? [8, 12, 13, 14, 15, 16, 17, count - 1] : [count - 1, Math.floor(count / 2), 0];
        for (const index of indexes) await client.segment(session, path, index);
      }
      await client.stop(session.sessionId);
    });
  }
});

test('films with a damaged place are copied around it', async t => {
  const world = await startWorld(t, makeCopiedFilms);
  const { client, film } = world;
  for (const title of Object.keys(DAMAGES)) {
    await t.test(`${title}: every segment comes, and all else is seen and heard at its time`, async () => {
      const session = await client.start(film(title).id, { delivery: 'remux', startPositionMs: 0 });
      assert.equal(session.delivery, 'remux');
      const { fromS, toS } = await damagedTimesS(join(world.scratch, 'whole.mkv'));
      const frames = await shownFrames(await servedFile(world, session, 'video/original'));
      const starts = await soundStarts(await servedFile(world, session, 'audio/0'), { leastHoleS: 0.02 });
      await client.stop(session.sessionId);
      for (let timeS = 0.02; timeS < COPIED_SECONDS - 0.1; timeS += 0.5) {
        const [shown, wanted] = [frameAt(frames, timeS) ?? -1, Math.floor(timeS * 24)];
        const isTouched = timeS > fromS && timeS < toS;
        const isStanding = shown <= wanted && shown >= (fromS - GROUP_S) * 24;
        assert.ok(isTouched ? isStanding : shown === wanted, `at ${timeS} picture ${shown}; touched ${fromS} to ${toS}`);
      }
      for (let second = 1; second < COPIED_SECONDS; second++) {
        if (second > fromS && second < toS) continue;
        assert.ok(
          starts.some(start => Math.abs(start - second) < 0.05),
          `no sound begins at ${second}: ${starts}`,
        );
      }
    });
  }
});
