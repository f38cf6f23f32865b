// Chromium's own HLS player, without a line of ours between it and the server: the picture is that of its clock.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchBrowser, signIn } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { lookAtFrame, makeFrameFilm } from '../support/frame-film.ts';
import { makeForms } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const SECONDS = 40;
const FRAME_RATE = 24;
const DEADLINE_MS = 30_000;
const POSITIONS_S = [0, 21.3, 7.02, 33.5, 12.76];

const FILMS = [
  { name: 'frames-copied.mkv', delivery: 'remux', args: ['-c:a', 'ac3'] },
  {
    name: 'frames-transcode.mkv',
    delivery: 'transcode',
    args: ['-c:v', 'mpeg4', '-q:v', '4', '-g', '48', '-bf', '0', '-c:a', 'libmp3lame'],
  },
] as const;

test("the browser's own HLS player", async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const original = join(scratch, 'original.mp4');
  await makeFrameFilm(original, { seconds: SECONDS });
  await makeForms(original, library, FILMS);
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const page = await signIn(await launchBrowser(t), server.url);

  for (const { name, delivery } of FILMS) {
    await t.test(`${name}: shows the frame of its clock, from the start and after every seek`, async () => {
      const film = films.find(one => one.title.toLowerCase().replaceAll(' ', '-') === name.slice(0, -4));
      assert.ok(film);
      const session = await client.start(film.id, { delivery, client: { profile: 'generic' } });
      await page.goto('/');
      await page.evaluate(
        `new Promise((resolve, reject) => {
          const video = document.createElement('video');
          document.body.replaceChildren(video);
          setTimeout(() => reject(new Error('nothing was loaded')), ${DEADLINE_MS});
          video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true });
          video.addEventListener('loadeddata', resolve, { once: true });
          video.src = ${JSON.stringify(session.streamUrl)};
        })`,
      );
      for (const positionS of POSITIONS_S) {
        await page.evaluate(
          `new Promise((resolve, reject) => {
            const video = document.querySelector('video');
            setTimeout(() => reject(new Error('no seek to ${positionS}')), ${DEADLINE_MS});
            video.addEventListener('seeked', () => requestAnimationFrame(() => requestAnimationFrame(resolve)), { once: true });
            video.currentTime = ${positionS};
          })`,
        );
        const view = await lookAtFrame(page);
        assert.ok(
          Math.abs(view.frame - Math.floor(view.currentTime * FRAME_RATE)) <= 1,
          `at ${view.currentTime} s it shows frame ${view.frame}`,
        );
      }
      await client.stop(session.sessionId);
    });
  }
});
