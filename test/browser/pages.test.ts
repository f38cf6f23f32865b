// The pages as people go through them: home, libraries, a show and its episodes, what comes next, search, corrections, administration; on a phone and with a screen reader.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { unfitForFingers, violations } from '../support/accessibility.ts';
import { launchBrowser, signIn, watchUntil } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { ffmpeg, makeClockFilm } from '../support/media.ts';
import { until } from '../support/processes.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

type Json = {
  id: string;
  title: string;
  kind: string;
  name: string;
  seasons: { episodes: Json[] }[];
  progress: { watched: boolean } | null;
};
type Items = { items: Json[] };

const FILES = [
  'films/Heat (1995)/Heat (1995).mp4',
  'films/Heat (1995)/Heat (1995) - Directors Cut.mp4',
  'films/Alien (1979).mp4',
  'films/The Matrix (1999).mp4',
  'shows/Dark Skies/Season 1/Dark Skies - S01E01 - The Awakening.mp4',
  'shows/Dark Skies/Season 1/Dark Skies - S01E02 - Moving Targets.mp4',
  'shows/Dark Skies/Season 2/Dark Skies - S02E01.mp4',
];

test('the pages', async t => {
  const scratch = await temporaryFolder(t);
  const plain = join(scratch, 'plain.mp4');
  await makeClockFilm(plain, { seconds: 5 });
  for (const [at, name] of FILES.entries()) {
    await mkdir(join(scratch, name, '..'), { recursive: true });
    // No two files are the same: one would be taken for the other moved.
    await ffmpeg('-i', plain, '-c', 'copy', '-metadata', `comment=${at}`, join(scratch, name));
  }
  const [films, shows] = [join(scratch, 'films'), join(scratch, 'shows')];
  const server = await startServer(t, { library: films, env: { FERRITE_LIBRARY: `movies=${films},shows=${shows}` } });
  const client = await Client.signIn(server.url);
  await until('every file is listed', async () => (await client.media()).length === FILES.length);
  const [dark] = (await client.call<Items>('GET', '/api/v1/shows')).items;
  assert.ok(dark);
  const episodesNow = async (): Promise<Json[]> =>
    (await client.call<Json>('GET', `/api/v1/shows/${dark.id}`)).seasons.flatMap(({ episodes }) => episodes);
  const [first, second] = await episodesNow();
  assert.ok(first && second);
  const browser = await launchBrowser(t);
  const page = await signIn(browser, server.url);
  const text = async (selector: string): Promise<string> => (await page.locator(selector).first().textContent()) ?? '';

  await t.test('home leads to a library, a library to a film, and Back to both', async () => {
    await page.click('.site-nav >> text=Movies');
    await page.waitForSelector('.virtual-grid a:has-text("Heat")');
    assert.equal(await page.locator('.virtual-grid .film-card').count(), 3);
    await page.click('.virtual-grid a:has-text("Heat")');
    await page.waitForSelector('select[aria-label=Version]');
    assert.equal(await page.locator('select[aria-label=Version] option').count(), 2);
    await page.goBack();
    await page.waitForSelector('.virtual-grid a:has-text("Alien")');
    await page.goBack();
    await page.waitForSelector('section[aria-label="Recently added films"]');
  });

  await t.test('an episode is marked as watched with one press, and the show goes on behind it', async () => {
    await page.goto(`/show/${dark.id}`);
    await page.click('[aria-label="Watched: S1 E1, The Awakening"]');
    await page.waitForSelector('a:has-text("Next S1 E2")');
    assert.equal((await episodesNow())[0]?.progress?.watched, true);
    await page.click('[role=tab]:has-text("Season 2")');
    await page.waitForSelector('.episode:has-text("Episode 1")');
    assert.match(page.url(), /season=2/);
    await page.reload();
    await page.waitForSelector('[role=tab][aria-selected=true]:has-text("Season 2")');
    await page.goto('/');
    await page.waitForSelector('section[aria-label="Next up"] a:has-text("Moving Targets")');
  });

  await t.test('at the end of an episode the next one is offered; cancelled it stays away, and a press goes there', async () => {
    await page.goto(`/watch/${first.id}?t=3500`);
    await page.waitForSelector('.next-episode:not([hidden])', { timeout: 60_000 });
    assert.match(await text('.next-status'), /Next episode in \d+ seconds/);
    assert.match(await text('.next-title'), /S1 E2 · Moving Targets/);
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    await page.waitForSelector('.next-episode', { state: 'hidden' });
    assert.match(page.url(), new RegExp(`/watch/${first.id}`));
    await page.keyboard.press('n');
    await page.waitForURL(url => url.pathname === `/watch/${second.id}`);
    await watchUntil(page, 'the next episode plays', view => view.frames > 2);
  });

  await t.test('search shows what is found as one types, and keys lead there', async () => {
    await page.goto('/');
    await page.waitForSelector('.film-card');
    await page.keyboard.press('/');
    await page.keyboard.type('mat');
    await page.waitForSelector('.search-option mark');
    assert.equal((await text('.search-option mark')).toLowerCase(), 'mat');
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('ArrowDown');
    assert.ok(await page.getAttribute('.search-input', 'aria-activedescendant'));
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("The Matrix")');
  });

  await t.test('an administrator corrects a title, and makes a version a title of its own', async () => {
    await page.click('text=Correct');
    await page.fill('dialog input[name=title]', 'Matrix, The');
    assert.deepEqual(await violations(page), []);
    await page.click('dialog >> text=Save');
    await page.waitForSelector('h1:has-text("Matrix, The")');
    const heat = (await client.call<Items>('GET', '/api/v1/media?kind=movie')).items.find(({ title }) => title === 'Heat');
    await page.goto(`/film/${heat?.id}`);
    await page.click('text=Correct');
    await page.click('.version-row:has-text("Directors Cut") >> text=A title of its own');
    await page.waitForSelector('dialog', { state: 'detached' });
    await until('two films', async () => {
      const { items } = await client.call<Items>('GET', '/api/v1/media?kind=movie');
      return items.filter(({ title }) => title === 'Heat').length === 2;
    });
  });

  await t.test('an administrator adds a user, and a folder that was chosen from those of the server', async () => {
    await page.goto('/admin/users');
    await page.click('text=Add a user');
    await page.fill('dialog input[name=username]', 'vera');
    await page.fill('dialog input[name=password]', 'a long enough password');
    assert.deepEqual(await violations(page), []);
    await page.click('dialog >> text=Save');
    await page.waitForSelector('.row-line:has-text("vera")');
    await page.goto('/admin/libraries');
    await page.fill('input[name=path]', scratch);
    await page.click('text=Choose…');
    await page.click('.folder:has-text("films")');
    await page.waitForSelector(`.folder-here:has-text("${films}")`);
    assert.deepEqual(await violations(page), []);
    await page.click('text=Choose this folder');
    await page.fill('input[name=name]', 'Again');
    await page.click('button:text-is("Add")');
    await page.waitForSelector('.library-row:has-text("Again")');
    await page.waitForSelector('.site-nav a:has-text("Again")');
  });

  const addresses = [
    '/',
    `/show/${dark.id}`,
    `/film/${second.id}`,
    '/search?q=the',
    '/browse/genres',
    '/account',
    '/admin/libraries',
    '/admin/users',
    '/admin/audit',
  ];
  const libraries = (await client.call<Items>('GET', '/api/v1/libraries')).items.map(({ id }) => `/library/${id}`);

  await t.test(
    'no page has anything that a screen reader stumbles over; on a phone all of it is on the screen, large enough for a finger',
    async () => {
      for (const address of [...addresses, ...libraries]) {
        await page.setViewportSize({ width: 1280, height: 800 });
        await open(page, address);
        assert.deepEqual(await violations(page), [], address);
        await page.setViewportSize({ width: 360, height: 740 });
        await page.evaluate('new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
        assert.deepEqual(await unfitForFingers(page), [], address);
      }
    },
  );
});

/** Until it is loaded, and has nothing more to come. */
async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForSelector('main h1');
  await page.waitForSelector('main:not(:has([aria-busy]))');
}
