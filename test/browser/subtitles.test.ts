// Chromium shows subtitles over each delivery: at their time after a seek, chosen by menu and by key, forced ones by themselves; and a broken one stops no film.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { launchBrowser, signIn, watchUntil } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { ffmpeg, makeClockFilm } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { until } from '../support/until.ts';

const SECONDS = 60;
/** One a second: it says which, from a tenth after it to a tenth before the next. */
const COUNTING = Array.from(
  { length: SECONDS },
  (_, second) => `${second + 1}\n${clock(second)},100 --> ${clock(second)},900\n<i>second ${second}</i>\n`,
).join('\n');

function clock(second: number): string {
  return `00:00:${String(second).padStart(2, '0')}`;
}

/** What stands over the picture, and when. */
const shown = (page: Page): Promise<{ texts: string[]; currentTime: number }> =>
  page.evaluate(`(() => {
    const video = document.querySelector('video');
    const texts = [...video.textTracks].filter(({ mode }) => mode === 'showing').flatMap(({ activeCues }) => [...(activeCues ?? [])].map(({ text }) => text));
    return { texts, currentTime: video.currentTime };
  })()`);

async function choose(page: Page, label: string): Promise<void> {
  await page.mouse.move(400, 300);
  await page.click('button[aria-label="Subtitles"]');
  await page.click(`.menu-item:has-text("${label}")`);
}

/** Paused where a cue is in its middle, so that nothing depends on how fast the machine is. */
async function pausedAt(page: Page, seconds: number): Promise<void> {
  await page.evaluate(`(() => { const video = document.querySelector('video'); video.pause(); video.currentTime = ${seconds}; })()`);
}

test('subtitles in the web player', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const text = join(scratch, 'text.srt');
  await writeFile(text, COUNTING);
  await makeClockFilm(join(library, 'Direct.mp4'), { seconds: SECONDS });
  await writeFile(join(library, 'Direct.en.srt'), COUNTING);
  await writeFile(join(library, 'Direct.de.srt'), COUNTING.replaceAll('second', 'Sekunde'));
  await ffmpeg(
    ...['-i', join(library, 'Direct.mp4'), '-i', text, '-map', '0', '-map', '1', '-c', 'copy', '-c:a', 'ac3', '-c:s', 'srt'],
    ...['-metadata:s:s:0', 'language=eng', join(library, 'Remux.mkv')],
  );
  await ffmpeg('-i', join(library, 'Direct.mp4'), '-c', 'copy', join(library, 'Forced.mp4'));
  await writeFile(join(library, 'Forced.en.forced.srt'), COUNTING);
  const server = await startServer(t, { library });
  const films = await (await Client.signIn(server.url)).media();
  const page = await signIn(await launchBrowser(t), server.url);
  const watch = async (title: string): Promise<void> => {
    const film = films.find(one => one.title === title);
    assert.ok(film, `no ${title}`);
    await page.goto('/');
    await page.goto(`/watch/${film.id}?t=0`);
    await page.waitForSelector('video');
    await watchUntil(page, 'the film plays', view => view.currentTime > 0.5 && view.frames > 5);
  };
  const sees = (what: string, expected: string): Promise<void> =>
    until(async () => (await shown(page)).texts.join('|') === expected, `${what}: ${expected || 'nothing'}`);

  for (const title of ['Direct', 'Remux']) {
    await t.test(`${title}: off at first, and once chosen a cue stands at its time after every seek`, async () => {
      await page.evaluate("localStorage.removeItem('ferrite.subtitles')");
      await watch(title);
      assert.deepEqual((await shown(page)).texts, []);
      await choose(page, 'English');
      for (const second of [40, 3, 55, 17]) {
        await pausedAt(page, second + 0.5);
        await sees(`at ${second}`, `<i>second ${second}</i>`);
        await pausedAt(page, second + 1.02);
        await sees(`between ${second} and the next`, '');
      }
    });
  }

  await t.test('the choice is remembered for the next film, and C takes it off and brings it back', async () => {
    await watch('Direct');
    await pausedAt(page, 20.5);
    await sees('remembered', '<i>second 20</i>');
    await page.keyboard.press('c');
    await sees('off', '');
    await page.keyboard.press('c');
    await sees('on again', '<i>second 20</i>');
    await choose(page, 'German');
    await sees('another language', '<i>Sekunde 20</i>');
    await choose(page, 'Off');
    await sees('off', '');
  });

  await t.test('forced ones of the spoken language show by themselves', async () => {
    await watch('Forced');
    await pausedAt(page, 12.5);
    await sees('forced', '<i>second 12</i>');
  });

  await t.test('a broken one stops no film', async () => {
    await rm(join(library, 'Direct.en.srt'));
    await writeFile(join(library, 'Direct.de.srt'), 'changed');
    await watch('Remux');
    await page.route('**/subtitles/**', route => route.abort());
    await choose(page, 'English');
    await pausedAt(page, 30);
    await page.evaluate("document.querySelector('video').play()");
    await watchUntil(page, 'the film goes on', view => view.currentTime > 33 && view.pictureSecond >= 32);
    assert.deepEqual((await shown(page)).texts, []);
    assert.equal(await page.isVisible('.failure'), false);
    await page.unroute('**/subtitles/**');
    await pausedAt(page, 34.5);
    await sees('back when it can be loaded', '<i>second 34</i>');
  });
});
