// Chromium plays each delivery for real: picture, sound, seeks, resume, a killed server, a closed tab.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { launchBrowser, look, signIn, watchUntil } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { makeClockFilm, makeForms } from '../support/media.ts';
import { freePort, startServer, TestServer, temporaryFolder } from '../support/server.ts';
import { until } from '../support/until.ts';

const SECONDS = 60;
/** File → how Chromium gets it. */
const FILMS = [
  { name: 'clock-direct.mp4', title: 'clock direct', delivery: 'direct', args: [] },
  // Chromium plays plain Matroska by itself, but no AC-3: the picture is copied in-process, the sound encoded.
  { name: 'clock-copied.mkv', title: 'clock copied', delivery: 'remux', args: ['-c:a', 'ac3'] },
  { name: 'clock-transport.ts', title: 'clock transport', delivery: 'remux', args: [] },
  {
    name: 'clock-transcode.avi',
    title: 'clock transcode',
    delivery: 'transcode',
    args: ['-c:v', 'mpeg4', '-q:v', '4', '-g', '48', '-c:a', 'libmp3lame'],
  },
] as const;

const seekTo = (page: Page, seconds: number): Promise<void> => page.evaluate(`document.querySelector('video').currentTime = ${seconds}`);

test('the web player', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const original = join(scratch, 'original.mp4');
  await makeClockFilm(original, { seconds: SECONDS });
  await makeForms(original, library, FILMS);
  const dataDir = join(scratch, 'data');
  const server = await startServer(t, { library, dataDir, port: await freePort() });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const browser = await launchBrowser(t);
  const page = await signIn(browser, server.url);

  for (const { name, title, delivery } of FILMS) {
    await t.test(`${delivery} of ${name}: plays picture and sound, and ten rapid seeks end at the right picture`, async () => {
      const film = films.find(one => one.title.toLowerCase().replaceAll('-', ' ') === title);
      assert.ok(film, `no ${title} among ${films.map(one => one.title).join(', ')}`);
      await page.goto(`/watch/${film.id}`);
      await page.waitForSelector('video');
      const playing = await watchUntil(
        page,
        'two seconds of picture and sound',
        view => view.currentTime > 2 && view.frames > 24 && view.audioBytes > 0,
      );
      assert.equal(playing.delivery, delivery);
      for (const target of [50, 10, 40, 5, 55, 20, 30, 12, 44]) await seekTo(page, target);
      await seekTo(page, 33.5);
      const landed = await watchUntil(
        page,
        'the picture of 33 s',
        // A browser short of cores drops frames: the picture that agrees with the time comes a moment later.
        view =>
          !view.seeking &&
          view.pictureSecond >= 33 &&
          view.pictureSecond <= 36 &&
          Math.abs(view.currentTime - 0.5 - view.pictureSecond) <= 1,
      );
      await watchUntil(page, 'playback goes on', view => view.currentTime > landed.currentTime + 1 && view.pictureSecond > 33);
      await seekTo(page, 2.5);
      await watchUntil(page, 'the picture of 2 s', view => !view.seeking && view.pictureSecond >= 2 && view.pictureSecond <= 4);
    });
  }

  await t.test('resumes where it was after a reload, in a session of its own', async () => {
    const before = await look(page);
    await seekTo(page, 25.5);
    await watchUntil(page, 'playing at 26 s', view => view.currentTime > 26.5 && view.pictureSecond >= 26);
    await page.reload();
    const resumed = await watchUntil(page, 'playing again', view => view.currentTime > 20 && view.frames > 10);
    assert.ok(resumed.currentTime < 40, `resumed at ${resumed.currentTime}`);
    assert.notEqual(resumed.sessionId, before.sessionId);
  });

  await t.test('goes on by itself when the server is killed and started again', async t => {
    const before = await look(page);
    await server.stop('SIGKILL');
    const again = new TestServer({ library, dataDir, port: Number(new URL(server.url).port) });
    t.after(() => again.stop());
    await again.ready();
    await seekTo(page, 5.5);
    const after = await watchUntil(
      page,
      'playing at 7 s from the new server',
      view => view.currentTime > 7 && view.pictureSecond >= 6 && view.pictureSecond < 20,
      60_000,
    );
    assert.equal(after.sessionId, before.sessionId, 'the same session goes on');

    const watcher = await Client.signIn(again.url);
    const open = async (): Promise<string[]> =>
      (await watcher.call<{ items: { sessionId: string }[] }>('GET', '/api/v1/sessions')).items.map(one => one.sessionId);
    assert.ok((await open()).includes(after.sessionId));
    await page.close({ runBeforeUnload: false });
    // Sooner than a session would end by itself.
    await until(async () => !(await open()).includes(after.sessionId), 'the session is gone after the tab closed', 20_000);
  });
});
