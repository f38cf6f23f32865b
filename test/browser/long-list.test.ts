// A library of 100,000 titles in a real browser: how much of it is in the page, and how often the server is asked. The list is made here: the page alone is at work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { webRoutes } from '#http/api/web.ts';
import { violations } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { startForTest } from '../support/http-server.ts';
import { until } from '../support/processes.ts';

const TITLES = 100_000;
/** Cards in the page at once: a screen of them, with some rows on either side. */
const MAX_CARDS = 60;

const titleOf = (at: number): string => `${String.fromCharCode(65 + Math.floor((at * 26) / TITLES))} film ${String(at).padStart(6, '0')}`;

function itemOf(at: number) {
  const facts = { libraryId: 'films', kind: 'movie', year: 2000, durationMs: 5_400_000, width: 1920, height: 1080 };
  return {
    id: `film-${at}`,
    title: titleOf(at),
    ...facts,
    show: null,
    posterUrl: null,
    isPosterPending: false,
    progress: null,
    versions: [],
  };
}

const LETTERS = Array.from({ length: 26 }, (_, at) => ({ letter: String.fromCharCode(65 + at), offset: Math.ceil((at * TITLES) / 26) }));

/** As the server pages a list by title. */
function listPage(query: URLSearchParams) {
  const text = query.get('from')?.toUpperCase();
  const from = text === undefined ? -1 : LETTERS.find(({ letter }) => letter >= text.slice(0, 1))?.offset;
  const offset = text === undefined ? Number(query.get('offset') ?? 0) : (from ?? TITLES);
  const items = Array.from({ length: Math.min(Number(query.get('limit')), TITLES - offset) }, (_, at) => itemOf(offset + at));
  return { items, nextCursor: 'next', total: TITLES, offset, ...(query.has('letters') ? { letters: LETTERS } : {}) };
}

const USER = { id: 'vera', username: 'vera', role: 'viewer' };

async function openLibrary(page: Page, url: string): Promise<string[]> {
  const asked: string[] = [];
  const answer = (route: Route, json: unknown): Promise<void> => route.fulfill({ json });
  await page.route('**/api/v1/**', route => {
    const { pathname, searchParams } = new URL(route.request().url());
    if (pathname === '/api/v1/libraries') return answer(route, { items: [{ id: 'films', name: 'Films', kind: 'movies', paths: [] }] });
    asked.push(searchParams.get('from') === null ? `offset ${searchParams.get('offset')}` : `from ${searchParams.get('from')}`);
    return answer(route, listPage(searchParams));
  });
  const login = { accessToken: 'token', refreshToken: 'token', renewAtMs: Date.now() + 3_600_000, user: USER };
  await page.addInitScript(`localStorage.setItem('ferrite.login', ${JSON.stringify(JSON.stringify(login))})`);
  await page.goto(`${url}/library/films`);
  await page.waitForSelector('.film-title');
  return asked;
}

test('100,000 titles', async t => {
  const door = await startForTest(t, { routes: webRoutes() });
  const browser = await launchBrowser(t);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const asked = await openLibrary(page, door.url);
  const cards = (): Promise<number> => page.locator('.virtual-grid > li').count();
  const shown = (at: number): Promise<unknown> => page.waitForSelector(`.virtual-grid > li[aria-posinset="${at + 1}"] .film-title`);
  const focused = (): Promise<unknown> => page.evaluate('Number(document.activeElement.closest("li")?.dataset.index)');

  await t.test('a scroll through all of them keeps few cards in the page and asks for what stays in sight', async () => {
    assert.equal(await page.locator('.list-head [role=status]').textContent(), '100,000 titles');
    assert.deepEqual(asked, ['offset 0']);
    const most = await page.evaluate(async () => {
      const { document, scrollTo, requestAnimationFrame } = globalThis as unknown as {
        document: { documentElement: { scrollHeight: number }; querySelectorAll(selector: string): { length: number } };
        scrollTo(x: number, y: number): void;
        requestAnimationFrame(callback: () => void): void;
      };
      let most = 0;
      for (let step = 1; step <= 120; step++) {
        scrollTo(0, (document.documentElement.scrollHeight * step) / 120);
        await new Promise<void>(resolve => requestAnimationFrame(resolve));
        most = Math.max(most, document.querySelectorAll('.virtual-grid > li').length);
      }
      return most;
    });
    await shown(TITLES - 1);
    assert.ok(most <= MAX_CARDS, `${most} cards`);
    assert.ok(asked.length < 60, `${asked.length} requests for 1,667 pages`);
  });

  await t.test('letters and typed text lead anywhere with a request or two; arrows, Home and End go through all of it', async () => {
    asked.length = 0;
    await page.click('.letters >> text=M');
    const m = LETTERS[12]?.offset ?? 0;
    await shown(m);
    assert.ok(asked.length <= 2, asked.join());
    await page.focus('.virtual-grid a[tabindex="0"]');
    asked.length = 0;
    await page.keyboard.press('End');
    await shown(TITLES - 1);
    assert.equal(await focused(), TITLES - 1);
    await page.keyboard.press('Home');
    await shown(0);
    assert.equal(await focused(), 0);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    const columns = Number(await focused()) - 1;
    assert.ok(columns >= 4 && columns <= 7, `${columns} columns`);
    await page.keyboard.press('t');
    const to = LETTERS[19]?.offset ?? 0;
    await until('the first title with T has the focus', async () => (await focused()) === to);
    await shown(to);
    assert.ok(asked.length <= 6 && asked.includes('from t'), asked.join());
    assert.ok((await cards()) <= MAX_CARDS, `${await cards()} cards`);
    assert.equal(await page.locator('.virtual-grid a[tabindex="0"]').count(), 1);
    assert.deepEqual(await violations(page), []);
  });

  await t.test('Back returns to the place in the list', async () => {
    const before = await page.evaluate('scrollY');
    assert.ok(Number(before) > 100_000);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/film\//);
    await page.goBack();
    await until('the place in the list', async () => Math.abs(Number(await page.evaluate('scrollY')) - Number(before)) < 2);
    await shown(LETTERS[19]?.offset ?? 0);
  });
});

test('an answer to an older search is never shown over a newer one', async t => {
  const door = await startForTest(t, { routes: webRoutes() });
  const page = await (await launchBrowser(t)).newPage({ viewport: { width: 1280, height: 800 } });
  await openLibrary(page, door.url);
  const older = Promise.withResolvers<Route>();
  await page.route('**/api/v1/{media,shows,search}?*query=*', route => {
    const { searchParams } = new URL(route.request().url());
    const text = searchParams.get('query');
    if (text === 'old') return older.resolve(route);
    return route.fulfill({ status: 200, json: { items: [{ ...itemOf(1), title: 'Newest' }], nextCursor: null, groups: [] } });
  });
  await page.route('**/api/v1/search?*', route =>
    route.request().url().includes('query=old') ? older.resolve(route) : route.fulfill({ status: 404, json: { code: 'NOT_FOUND' } }),
  );
  await page.fill('.search-input', 'old');
  const late = await older.promise;
  await page.fill('.search-input', 'new');
  await page.waitForSelector('.search-option:has-text("Newest")');
  await late.fulfill({ json: { groups: [{ kind: 'movie', items: [{ ...itemOf(2), title: 'Oldest' }] }] } }).catch(() => undefined);
  await page.evaluate('new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
  assert.equal(await page.locator('.search-option:has-text("Oldest")').count(), 0);
});
