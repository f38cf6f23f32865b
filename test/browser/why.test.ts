// The page says what it is given of each track, and why.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchBrowser, signIn, watchUntil } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { makeClockFilm } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

test('the statistics say what is copied and what is converted, and why, as this browser measured itself', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await makeClockFilm(join(library, 'film.mkv'), { seconds: 20, args: ['-c:a', 'ac3'] });
  const server = await startServer(t, { library });
  const [film] = await (await Client.signIn(server.url)).media();
  assert.ok(film);
  const page = await signIn(await launchBrowser(t), server.url);
  await page.goto(`/watch/${film.id}`);
  await watchUntil(page, 'a second of picture', view => view.currentTime > 1 && view.frames > 12);
  await page.keyboard.press('i');
  await page.waitForSelector('.why-list li:nth-child(2)');
  const lines = await page.locator('.why-list li').allTextContents();
  assert.deepEqual(lines, ['Picture, H.264: copied as it is', 'Sound 1, Dolby Digital: converted (audio codec unsupported)']);
});
