// The page as a person uses it: pictures and chapters on the seek bar, one card for all versions, a reload, the keyboard, a screen reader, a phone.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { unfitForFingers, violations } from '../support/accessibility.ts';
import { launchBrowser, signIn, watchUntil } from '../support/browser.ts';
import { ffmpeg, makeClockFilm } from '../support/media.ts';
import { until } from '../support/until.ts';
import { startWorld } from '../support/world.ts';

const SECONDS = 40;
const CHAPTERS = [
  { startS: 0, title: 'Before' },
  { startS: 12, title: 'In the middle' },
  { startS: 30, title: 'After' },
];

/** The second that the picture above the seek bar shows; null while there is none. */
const previewSecond = (page: Page): Promise<number | null> =>
  page.evaluate(() => {
    type Canvas = {
      offsetParent: unknown;
      width: number;
      classList: { contains(name: string): boolean };
      getContext(kind: '2d'): { getImageData(...at: number[]): { data: Uint8ClampedArray } };
    };
    const { document } = globalThis as unknown as { document: { querySelector(selector: string): Canvas | null } };
    const canvas = document.querySelector('.seek-picture');
    if (canvas === null || canvas.offsetParent === null || canvas.classList.contains('is-coming')) return null;
    const context = canvas.getContext('2d');
    return [0, 1, 2, 3, 4, 5].reduce((second, bit) => {
      const [red = 0] = context.getImageData(((bit * 40 + 20) * canvas.width) / 640, (20 * canvas.width) / 640, 1, 1).data;
      return second + (red > 128 ? 2 ** bit : 0);
    }, 0);
  });

test('the page', async t => {
  const { server, client, film } = await startWorld(t, async folder => {
    const chapters = join(folder, '..', 'chapters.txt');
    const rows = CHAPTERS.map(({ startS, title }, at) => {
      const endS = CHAPTERS[at + 1]?.startS ?? SECONDS;
      return `[CHAPTER]\nTIMEBASE=1/1\nSTART=${startS}\nEND=${endS}\ntitle=${title}\n`;
    });
    await writeFile(chapters, `;FFMETADATA1\n${rows.join('')}`);
    const plain = join(folder, '..', 'plain.mp4');
    await makeClockFilm(plain, { seconds: SECONDS });
    await ffmpeg('-i', plain, '-i', chapters, '-map', '0', '-map_metadata', '1', '-c', 'copy', join(folder, 'clock.mp4'));
    await ffmpeg('-i', plain, '-c', 'copy', '-t', '8', join(folder, 'Twice.480p.mp4'));
    await ffmpeg('-i', plain, '-t', '8', '-vf', 'scale=320:180', '-c:v', 'mpeg4', '-c:a', 'copy', join(folder, 'Twice.320x180.avi'));
  });
  const clock = film('clock');
  const browser = await launchBrowser(t);
  const page = await signIn(browser, server.url);

  await t.test('a film of two files has one card; the file that the browser plays by itself is chosen, the other can be', async () => {
    const cards = await page.locator('.film-card').allInnerTexts();
    assert.equal(cards.length, 2, cards.join(' | '));
    assert.ok(
      cards.some(text => /twice/i.test(text) && text.includes('2 versions')),
      cards.join(' | '),
    );
    assert.deepEqual(await violations(page), []);
    await page.click('.film-card a:has-text("Twice")');
    const menu = page.locator('select[aria-label=Version]');
    await menu.waitFor();
    const chosen = async (): Promise<string> =>
      (await client.call<{ container: string }>('GET', `/api/v1/media/${await menu.inputValue()}`)).container;
    assert.equal(await chosen(), 'mp4');
    assert.deepEqual(await violations(page), []);
    await menu.selectOption({ index: 1 });
    await page.waitForSelector('dd:has-text("AVI")');
    assert.equal(await chosen(), 'avi');
  });

  await page.goto(`/watch/${clock.id}?t=0`);
  await watchUntil(page, 'the film plays', view => view.currentTime > 0.5);
  const slider = page.getByRole('slider', { name: 'Position' });

  await t.test('above the seek bar stand the picture, the chapter and the time under the pointer', async () => {
    const box = await slider.boundingBox();
    assert.ok(box);
    const hover = (seconds: number): Promise<void> => page.mouse.move(box.x + (box.width * seconds) / SECONDS, box.y + box.height / 2);
    await hover(14.2);
    await until(async () => (await previewSecond(page)) === 14, 'the picture of 14 s');
    assert.equal(await page.locator('.seek-chapter').textContent(), 'In the middle');
    assert.equal(await page.locator('.seek-clock').textContent(), '0:14');
    await hover(34.2);
    await until(async () => (await previewSecond(page)) === 34, 'the picture of 34 s');
    assert.equal(await page.locator('.seek-chapter').textContent(), 'After');
    assert.equal(await page.locator('.seek-marks > div').count(), 2);
  });

  await t.test('keys move the slider, which says where it is and shows the picture of it', async () => {
    await page.mouse.move(600, 300);
    await slider.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    await until(async () => {
      const text = (await slider.getAttribute('aria-valuetext')) ?? '';
      return /^2[0-4] seconds of 40 seconds, In the middle$/.test(text);
    }, 'the slider says so');
    assert.deepEqual(await violations(page), []);
  });

  await t.test('the quality menu has one Original, and Escape closes it with the focus where it was', async () => {
    const quality = page.getByRole('button', { name: /^Quality/ });
    await quality.press('Enter');
    const items = await page.locator('.menu:visible .menu-item').allInnerTexts();
    assert.equal(items.filter(text => text.includes('Original')).length, 1, items.join(' | '));
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.menu:visible').count(), 0);
    assert.ok(
      await quality.evaluate(
        button => button === (button as unknown as { ownerDocument: { activeElement: unknown } }).ownerDocument.activeElement,
      ),
    );
  });

  await t.test('statistics and the help are never one over the other', async () => {
    await page.keyboard.press('i');
    await page.keyboard.press('?');
    assert.deepEqual([await page.locator('.stats').isVisible(), await page.locator('.help').isVisible()], [false, true]);
    await page.keyboard.press('i');
    assert.deepEqual([await page.locator('.stats').isVisible(), await page.locator('.help').isVisible()], [true, false]);
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('i');
  });

  await t.test('a reload goes on where the film is, whatever the address said first', async () => {
    await page.evaluate('document.querySelector("video").currentTime = 20.5');
    await watchUntil(page, 'playing at 21 s', view => view.currentTime > 21);
    await page.reload();
    const resumed = await watchUntil(page, 'playing again', view => view.currentTime > 1 && view.frames > 5);
    assert.ok(resumed.currentTime >= 20 && resumed.currentTime < 35, `resumed at ${resumed.currentTime}`);
  });

  await t.test('on a phone everything is on the screen, and large enough for a finger', async () => {
    const phone = await browser.newContext({
      baseURL: server.url,
      viewport: { width: 360, height: 740 },
      isMobile: true,
      hasTouch: true,
      storageState: await page.context().storageState(),
    });
    const small = await phone.newPage();
    await small.goto('/');
    await small.waitForSelector('.film-card');
    assert.deepEqual(await unfitForFingers(small), []);
    await small.goto(`/film/${clock.id}`);
    await small.waitForSelector('h1');
    assert.deepEqual(await unfitForFingers(small), []);
    await small.goto(`/watch/${clock.id}?t=5000`);
    await watchUntil(small, 'the film plays', view => view.currentTime > 5.2);
    await small.evaluate('document.querySelector("video").pause()');
    await small.waitForSelector('.player.is-paused');
    assert.deepEqual(await unfitForFingers(small), []);
    assert.deepEqual(await violations(small), []);
    await small.setViewportSize({ width: 740, height: 360 });
    assert.deepEqual(await unfitForFingers(small), []);
    await phone.close();
  });
});
