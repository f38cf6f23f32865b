// Pictures that are turned, odd, stretched or cut: every rendition shows what the file shows, in the same shape.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { Client, type MediaItem, type Started } from '../support/client.ts';
import { rewriteMatroska } from '../support/matroska-writer.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p'];
const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '50', '-pix_fmt', 'yuv420p'];
const picture = (size: string): string[] => ['-f', 'lavfi', '-i', `testsrc=s=${size}:r=25:d=3`];
const turned = (degrees: number): string[] => ['-c', 'copy', '-metadata:s:v:0', `rotate=${degrees}`];

/** Width to height, as a viewer sees it. */
const SHAPES: Readonly<Record<string, number>> = {
  'turned-90.mp4': 180 / 320,
  'turned-180.mp4': 320 / 180,
  'turned-270.mov': 180 / 320,
  'rolled-90.mkv': 180 / 320,
  'rolled-180.mkv': 320 / 180,
  'odd-size.webm': 321 / 181,
  'odd-size-mp4.mp4': 321 / 181,
  'odd-portrait.avi': 181 / 321,
  'stretched-and-turned.mp4': (180 * 45) / (320 * 64),
};

async function makeFilms(library: string, scratch: string): Promise<void> {
  const film = (name: string): string => join(library, name);
  const upright = join(scratch, 'upright.mp4');
  await ffmpeg(...picture('320x180'), ...X264, upright);
  await ffmpeg('-i', upright, ...turned(90), film('turned-90.mp4'));
  await ffmpeg('-i', upright, ...turned(180), film('turned-180.mp4'));
  await ffmpeg('-i', upright, ...turned(270), film('turned-270.mov'));
  for (const degrees of [90, 180]) await ffmpeg('-i', upright, ...turned(degrees), join(scratch, `turned-${degrees}.mp4`));
  const flat = join(scratch, 'flat.mkv');
  await ffmpeg('-i', upright, '-c', 'copy', flat);
  await writeFile(film('rolled-90.mkv'), await rewriteMatroska(flat, { roll: 90 }));
  await writeFile(film('rolled-180.mkv'), await rewriteMatroska(flat, { roll: 180 }));
  await ffmpeg(...picture('321x181'), ...VP9, film('odd-size.webm'));
  await ffmpeg('-i', film('odd-size.webm'), '-c', 'copy', film('odd-size-mp4.mp4'));
  await ffmpeg(...picture('181x321'), '-c:v', 'mpeg4', '-q:v', '2', '-g', '50', film('odd-portrait.avi'));
  const stretched = join(scratch, 'stretched.mp4');
  await ffmpeg(...picture('320x180'), '-vf', 'setsar=64/45', ...X264, stretched);
  await ffmpeg('-i', stretched, ...turned(90), film('stretched-and-turned.mp4'));
}

test('films of every shape', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await makeFilms(library, scratch);
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const films = await client.media();

  async function served(session: Started, path: string): Promise<string> {
    const file = join(scratch, `${session.sessionId}-${path.replace('/', '-')}.mp4`);
    await writeFile(file, Buffer.concat([await client.init(session, path), await client.segment(session, path, 0)]));
    return file;
  }

  for (const [name, aspect] of Object.entries(SHAPES)) {
    const title = name.replace(/\.[^.]+$/, '');
    await t.test(`${title}: ${aspect.toFixed(3)} in every rendition, and the right way up`, async () => {
      const film: MediaItem = films.find(one => one.title.toLowerCase().replaceAll(' ', '-') === title) ?? assert.fail(title);
      const canCopy = !name.endsWith('.avi');
      const session = await client.start(film.id, { delivery: canCopy ? 'remux' : 'transcode', startPositionMs: 0 });
      const main = (await client.bytes(session.streamUrl)).toString();
      const sizes = [...main.matchAll(/RESOLUTION=(\d+)x(\d+)/g)].map(([, width, height]) => Number(width) / Number(height));
      assert.ok(sizes.length > 0);
      for (const size of sizes) near(size, aspect, 0.015 * aspect);
      // Older versions of ffmpeg do not turn what Matroska says is turned.
      const [, turn] = /^rolled-(\d+)/.exec(name) ?? [];
      const wanted = await lookAt(turn === undefined ? join(library, name) : join(scratch, `turned-${turn}.mp4`));
      near(wanted.aspect, aspect, 0.01 * aspect);
      for (const path of [...(canCopy ? ['video/original'] : []), 'video/240p']) {
        const shown = await lookAt(await served(session, path));
        near(shown.aspect, aspect, 0.015 * aspect);
        near(difference(shown.pixels, wanted.pixels), 0, 6);
      }
      await client.stop(session.sessionId);
    });
  }
});

const near = (value: number, wanted: number, tolerance: number): void =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value} is not ${wanted}`);

const difference = (one: Uint8Array, other: Uint8Array): number =>
  one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? 0)), 0) / one.byteLength;

/** A picture of the second second as a player shows it: turned, and with square pixels. */
async function lookAt(file: string): Promise<{ aspect: number; pixels: Uint8Array }> {
  const filters = 'select=gte(t\\,1),showinfo,scale=96:96:flags=area';
  const { stdout, stderr } = await execa(
    'ffmpeg',
    ['-hide_banner', '-nostdin', '-i', file, '-vf', filters, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
    { encoding: 'buffer' },
  );
  const [, num, den, width, height] = /sar:(\d+)\/(\d+) s:(\d+)x(\d+)/.exec(Buffer.from(stderr).toString()) ?? [];
  const pixelAspect = Number(num) === 0 ? 1 : Number(num) / Number(den);
  return { aspect: (Number(width) * pixelAspect) / Number(height), pixels: stdout };
}
