// The library in a real browser while posters are still being cut.
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchBrowser, signIn } from '../support/browser.ts';
import { makeFilm } from '../support/run-tool.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

test('a film is shown before its poster is cut, and gets it without a reload', async t => {
  const scratch = await temporaryFolder(t);
  const [library, gate, ffmpeg] = ['films', 'gate', 'ffmpeg'].map(name => join(scratch, name));
  assert.ok(library && gate && ffmpeg);
  await mkdir(library);
  await makeFilm(join(library, 'film.mp4'));
  await writeFile(ffmpeg, `#!/bin/sh\ncase "$*" in *image2pipe*) until [ -e '${gate}' ]; do sleep 0.05; done;; esac\nexec ffmpeg "$@"\n`);
  await chmod(ffmpeg, 0o755);
  const server = await startServer(t, { library, env: { FERRITE_FFMPEG: ffmpeg } });
  const page = await signIn(await launchBrowser(t), server.url);
  await page.waitForSelector('.film-card .poster-empty');
  await page.evaluate('window.isSamePage = true');
  await writeFile(gate, '');
  await page.waitForSelector('.film-card .poster img');
  assert.equal(await page.evaluate('window.isSamePage'), true);
});
