// Pictures that are turned, odd, stretched or cut: every rendition shows what the file shows, in the same shape.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { findBox } from '#workers/bmff/boxes.ts';
import { cleanApertureBox } from '#workers/remux/codecs/clean-aperture.ts';
import { Client, type MediaItem, type Started } from '../support/client.ts';
import { addBoxes } from '../support/colour-films.ts';
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

const SIZE = { width: 320, height: 180 };
const PART = { x: 60, y: 4, width: 240, height: 160 };
/** Shape, and the part of the picture as ffmpeg turns it. */
const CROPPED: Readonly<Record<string, readonly [aspect: number, filter: string]>> = {
  'cropped-a.mp4': [240 / 160, 'crop=240:160:60:4'],
  'cropped-b.mkv': [240 / 160, 'crop=240:160:60:4'],
  'cropped-and-turned.mp4': [160 / 240, 'crop=160:240:4:20'],
  'cropped-fields.mov': [240 / 160, 'crop=240:160:60:4'],
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
  await addBoxes(upright, film('cropped-a.mp4'), [cleanApertureBox(PART, SIZE)], 'avc1');
  await addBoxes(film('turned-90.mp4'), film('cropped-and-turned.mp4'), [cleanApertureBox(PART, SIZE)], 'avc1');
  await writeFile(film('cropped-b.mkv'), await rewriteMatroska(flat, { crop: { ...PART, of: SIZE } }));
  const fields = join(scratch, 'fields.mov');
  await ffmpeg(...picture('320x180'), ...X264, '-flags', '+ildct', '-x264opts', 'tff=1', fields);
  await addBoxes(fields, film('cropped-fields.mov'), [cleanApertureBox(PART, SIZE)], 'avc1');
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

  for (const [name, [aspect, part]] of Object.entries(CROPPED)) {
    const title = name.replace(/\.[^.]+$/, '');
    await t.test(`${title}: an encode shows the part that its file says is to be shown`, async () => {
      const film: MediaItem = films.find(one => one.title.toLowerCase().replaceAll(' ', '-') === title) ?? assert.fail(title);
      near(film.width / film.height, aspect, 0.01);
      const session = await client.start(film.id, { delivery: 'transcode', startPositionMs: 0 });
      const main = (await client.bytes(session.streamUrl)).toString();
      for (const [, width, height] of main.matchAll(/RESOLUTION=(\d+)x(\d+)/g)) near(Number(width) / Number(height), aspect, 0.02 * aspect);
      const shown = await lookAt(await served(session, 'video/240p'));
      const wanted = await lookAt(join(library, name), part);
      near(shown.aspect, aspect, 0.015 * aspect);
      near(difference(shown.pixels, wanted.pixels), 0, 6);
      await client.stop(session.sessionId);
    });
  }

  await t.test(
    'a cropped picture is copied for players that crop it themselves, with the part that is to be shown, and for no other',
    async () => {
      for (const title of ['cropped-a', 'cropped-b']) {
        const { id } = films.find(one => one.title.toLowerCase().replaceAll(' ', '-') === title) ?? assert.fail(title);
        const about = { mediaId: id, delivery: 'remux' };
        const problem = await client.problem('POST', '/api/v1/sessions', { ...about, client: { profile: 'web-chrome' } });
        assert.match(problem.detail, /picture-cropped/);
        const session = await client.start(id, { ...about, client: { profile: 'tvos' } });
        const init = await client.init(session, 'video/original');
        const clap = findBox(init, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd']) ?? assert.fail();
        assert.ok(init.includes(cleanApertureBox(PART, SIZE), clap.start));
        assert.match((await client.bytes(session.streamUrl)).toString(), /RESOLUTION=240x160/);
        await client.stop(session.sessionId);
      }
    },
  );
});

const near = (value: number, wanted: number, tolerance: number): void =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value} is not ${wanted}`);

const difference = (one: Uint8Array, other: Uint8Array): number =>
  one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? 0)), 0) / one.byteLength;

/** A picture of the second second as a player shows it: turned, and with square pixels. */
async function lookAt(file: string, part = 'null'): Promise<{ aspect: number; pixels: Uint8Array }> {
  const filters = `select=gte(t\\,1),${part},showinfo,scale=96:96:flags=area`;
  const { stdout, stderr } = await execa(
    'ffmpeg',
    ['-hide_banner', '-nostdin', '-i', file, '-vf', filters, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
    { encoding: 'buffer' },
  );
  const [, num, den, width, height] = /sar:(\d+)\/(\d+) s:(\d+)x(\d+)/.exec(Buffer.from(stderr).toString()) ?? [];
  const pixelAspect = Number(num) === 0 ? 1 : Number(num) / Number(den);
  return { aspect: (Number(width) * pixelAspect) / Number(height), pixels: stdout };
}
