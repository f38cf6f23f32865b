// Intros and credits: heard in a real season, told by chapters, answered by the server, and skipped in the page by mouse and by key.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { join as joined, music, seeded, silence, talk, wav } from '../../loadtest/world/made-sound.ts';
import { launchBrowser, signIn, watchUntil } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { until } from '../support/processes.ts';
import { endWith, TestServer, temporaryFolder } from '../support/server.ts';

type Marker = {
  readonly kind: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly source: string;
  readonly confidence: number;
};

const THEME_S = 18;
/** Where it begins in each episode, and how each is encoded. */
const EPISODES = [
  { themeAtS: 4, sound: ['-c:a', 'aac', '-b:a', '96k'], level: 1 },
  { themeAtS: 9.5, sound: ['-c:a', 'ac3', '-b:a', '128k', '-ac', '2'], level: 0.3 },
  { themeAtS: 0, sound: ['-c:a', 'libmp3lame', '-b:a', '80k'], level: 0.6 },
] as const;
const LENGTH_S = 60;

async function makeSeason(folder: string, scratch: string): Promise<void> {
  const theme = music(THEME_S, seeded(1));
  const picture = ['-f', 'lavfi', '-i', `testsrc=s=320x180:r=10:d=${LENGTH_S}`, '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '20'];
  for (const [at, { themeAtS, sound, level }] of EPISODES.entries()) {
    const samples = joined(talk(themeAtS, seeded(10 + at)), theme, talk(20, seeded(20 + at)), silence(LENGTH_S - themeAtS - THEME_S - 20));
    const path = join(scratch, `${at}.wav`);
    await writeFile(path, wav(samples, level));
    await ffmpeg('-i', path, ...picture, '-map', '0:a', '-map', '1:v', ...sound, join(folder, `Show S01E0${at + 1}.mkv`));
  }
}

/** A film whose chapters tell. */
async function makeChapters(folder: string, scratch: string): Promise<void> {
  const chapters = [
    ['Vorspann', 0, 12],
    ['Kapitel 1', 12, 45],
    ['Abspann', 45, 60],
  ] as const;
  const lines = chapters.map(([title, startS, endS]) => `[CHAPTER]\nTIMEBASE=1/1\nSTART=${startS}\nEND=${endS}\ntitle=${title}\n`);
  const path = join(scratch, 'chapters.txt');
  await writeFile(path, `;FFMETADATA1\n${lines.join('')}`);
  const inputs = ['-f', 'lavfi', '-i', `testsrc=s=320x180:r=10:d=${LENGTH_S}`, '-f', 'lavfi', '-i', `sine=300:d=${LENGTH_S}`, '-i', path];
  await ffmpeg(
    ...inputs,
    '-map',
    '0:v',
    '-map',
    '1:a',
    '-map_metadata',
    '2',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '20',
    '-pix_fmt',
    'yuv420p',
    '-c:a',
    'aac',
    join(folder, 'Told.mp4'),
  );
}

test('markers: intros and credits', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'shows');
  const films = join(scratch, 'films');
  await mkdir(join(library, 'Show'), { recursive: true });
  await mkdir(films);
  await makeSeason(join(library, 'Show'), scratch);
  await makeChapters(films, scratch);
  const env = { FERRITE_LIBRARY: `movies=${films},shows=${library}`, FERRITE_FIND_MARKERS: 'yes', FERRITE_WORKERS: '1' };
  const server = new TestServer({ library, dataDir: join(scratch, 'data'), env });
  endWith(t, server);
  await server.ready();
  const client = await Client.signIn(server.url);
  await server.line(({ msg, episodes }) => msg === 'a season compared' && episodes === EPISODES.length);
  const items = await until('all is listed', async () => {
    const page = await client.call<{ items: { id: string; versions: { path?: string }[] }[] }>('GET', '/api/v1/media');
    return page.items.length === EPISODES.length + 1 && page.items;
  });
  const idOf = (name: string): string =>
    items.find(({ versions }) => versions.some(({ path }) => path?.endsWith(name)))?.id ?? assert.fail(`no ${name}`);
  const markersOf = async (name: string): Promise<Marker[]> =>
    (await client.call<{ items: Marker[] }>('GET', `/api/v1/media/${idOf(name)}/segments`)).items;

  await t.test('a theme that the episodes of a season have in common is found in each, wherever it lies', async () => {
    for (const [at, { themeAtS }] of EPISODES.entries()) {
      const [intro, ...more] = await markersOf(`S01E0${at + 1}.mkv`);
      assert.ok(intro, `episode ${at + 1}`);
      assert.deepEqual(more, []);
      assert.deepEqual([intro.kind, intro.source], ['intro', 'fingerprint']);
      assert.ok(Math.abs(intro.startMs / 1000 - themeAtS) < 1.5, `begins at ${intro.startMs} instead of ${themeAtS} s`);
      assert.ok(Math.abs(intro.endMs / 1000 - themeAtS - THEME_S) < 1.5, `ends at ${intro.endMs}`);
      assert.ok(intro.confidence > 0.5 && intro.confidence <= 1);
    }
  });

  await t.test('chapters tell without any listening, and nothing is told of what there is not', async () => {
    assert.deepEqual(
      (await markersOf('Told.mp4')).map(({ kind, startMs, endMs, source }) => [kind, startMs, endMs, source]),
      [
        ['intro', 0, 12_000, 'chapters'],
        ['credits', 45_000, 60_000, 'chapters'],
      ],
    );
    assert.equal((await client.problem('GET', '/api/v1/media/AAAAAAAAAAAAAAAAAAAAAA/segments')).code, 'MEDIA_NOT_FOUND');
  });

  await t.test('the page offers to skip while the film is there, by mouse and by key', async () => {
    const page = await signIn(await launchBrowser(t), server.url);
    await page.goto(`/watch/${idOf('Told.mp4')}?t=0`);
    await page.waitForSelector('video');
    const intro = page.getByRole('button', { name: 'Skip intro' });
    await intro.waitFor();
    assert.equal(await page.locator('.skip').getAttribute('aria-live'), 'polite');
    await intro.focus();
    await page.keyboard.press('Enter');
    await watchUntil(
      page,
      'the film is behind its intro',
      ({ currentTime, seeking }) => !seeking && currentTime >= 11.9 && currentTime < 40,
    );
    await intro.waitFor({ state: 'detached' });
    await page.goto(`/watch/${idOf('Told.mp4')}?t=46000`);
    const credits = page.getByRole('button', { name: 'Skip credits' });
    await credits.waitFor();
    await page.keyboard.press('s');
    await watchUntil(page, 'the film is at its end', ({ currentTime, seeking }) => !seeking && currentTime > 59);
    await credits.waitFor({ state: 'detached' });
  });
});
