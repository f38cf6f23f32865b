// Films with a damaged place, and sound that covers a part of its film: everything that is asked for comes.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ffmpeg } from '../support/media.ts';
import { startWorld } from '../support/world.ts';

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

async function makeFilms(library: string, scratch: string): Promise<void> {
  const film = (name: string): string => join(library, name);
  const picture = join(scratch, 'picture.mp4');
  await ffmpeg(...PICTURE, picture);
  await ffmpeg('-i', picture, ...sound(SECONDS), ...CODECS, '-cluster_time_limit', '2000', film('damaged.mkv'));
  const bytes = await readFile(film('damaged.mkv'));
  const clusters: number[] = [];
  for (let at = bytes.indexOf(CLUSTER); at !== -1; at = bytes.indexOf(CLUSTER, at + 4)) clusters.push(at);
  const damaged = clusters[DAMAGED_CLUSTER] ?? 0;
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
