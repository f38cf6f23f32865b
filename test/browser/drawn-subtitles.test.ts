// Chromium draws subtitles as they were authored over the film: places, colours and movement of ASS, pictures of Blu-ray and DVD, in any size of the window and after seeks; and what can not be drawn stops no film.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { Page } from 'playwright-core';
import { launchBrowser, signIn, watchUntil } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { assBox, assOf, someFont, supOf } from '../support/subtitle-films.ts';
import { until } from '../support/until.ts';

const SECONDS = 12;
const RED = [254, 0, 0];
const GREEN = [0, 255, 1];
const BLUE = [0, 0, 255];
const GREY = [128, 128, 128];

/** Karaoke: the second half of a filled shape turns from green to red with its syllable, half a second after the first. */
const SCRIPT = assOf([
  assBox('0:00:01.00,0:00:03.00', { x: 20, y: 10, width: 60, height: 30 }, '0000FF'),
  assBox('0:00:05.00,0:00:07.00', { x: 240, y: 130, width: 60, height: 30 }, '00FF00'),
  'Dialogue: 0,0:00:08.00,0:00:10.00,Default,,0,0,0,,{\\an7\\pos(20,60)\\1c&H0000FF&\\2c&H00FF00&\\k100\\p1}m 0 0 l 60 0 60 30 0 30{\\k100}m 0 0 l 60 0 60 30 0 30',
]);
/** A Blu-ray's screen, of whose 16:9 the film shows the middle alone. */
const SCREEN = { width: 320, height: 240 };
const PICTURES = supOf(
  [
    { startMs: 1_000, endMs: 3_000, x: 20, y: 40, width: 60, height: 30, colour: [255, 0, 0] },
    { startMs: 5_000, endMs: 7_000, x: 240, y: 160, width: 60, height: 30, colour: [0, 0, 255] },
  ],
  SCREEN,
);

type Pixel = (x: number, y: number) => readonly number[];

/** What a person sees, asked by the film's own pixels (320 × 180). */
async function seen(page: Page): Promise<Pixel> {
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  const png = await page.screenshot();
  const args = ['-v', 'error', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'];
  const { stdout } = await execa('ffmpeg', args, { input: png, encoding: 'buffer' });
  const scale = Math.min(width / 320, height / 180);
  const [left, top] = [(width - 320 * scale) / 2, (height - 180 * scale) / 2];
  return (x, y) => {
    const at = (Math.round(top + y * scale) * width + Math.round(left + x * scale)) * 3;
    return [...stdout.subarray(at, at + 3)];
  };
}

const isNear = (pixel: readonly number[], colour: readonly number[]): boolean =>
  pixel.every((value, at) => Math.abs(value - (colour[at] ?? 0)) < 48);

async function sees(
  page: Page,
  what: string,
  places: readonly (readonly [x: number, y: number, colour: readonly number[]])[],
): Promise<void> {
  let last = '';
  await until(async () => {
    const pixel = await seen(page);
    last = JSON.stringify(places.map(([x, y]) => pixel(x, y)));
    return places.every(([x, y, colour]) => isNear(pixel(x, y), colour));
  }, `${what}`).catch(error => assert.fail(`${what}: ${last} (${error})`));
}

const pausedAt = (page: Page, seconds: number): Promise<void> =>
  page.evaluate(`(() => { const video = document.querySelector('video'); video.pause(); video.currentTime = ${seconds}; })()`);

async function choose(page: Page, label: string): Promise<void> {
  await page.mouse.move(400, 300);
  await page.click('button[aria-label="Subtitles"]');
  await page.click(`.menu-item:has-text("${label}")`);
  await page.mouse.move(400, 90);
}

test('subtitles drawn in the web player', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const at = (name: string): string => join(scratch, name);
  await writeFile(at('a.ass'), SCRIPT);
  await writeFile(at('a.sup'), PICTURES);
  const font = someFont();
  await ffmpeg(
    ...['-copyts', '-f', 'lavfi', '-i', `color=0x808080:s=320x180:d=${SECONDS}:r=25`, '-i', at('a.ass'), '-i', at('a.sup')],
    ...['-map', '0', '-map', '1', '-map', '2', '-map', '2', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50'],
    ...['-c:s:0', 'ass', '-c:s:1', 'copy', '-c:s:2', 'dvdsub', '-metadata:s:s:0', 'title=Styled', '-metadata:s:s:1', 'title=Blu-ray'],
    ...[
      '-metadata:s:s:2',
      'title=DVD',
      ...(font === null ? [] : ['-attach', font, '-metadata:s:t', 'mimetype=application/x-truetype-font']),
    ],
    join(library, 'Drawn.mkv'),
  );
  const server = await startServer(t, { library });
  const [film] = await (await Client.signIn(server.url)).media();
  const page = await signIn(await launchBrowser(t), server.url);
  const asked: string[] = [];
  const foreign: string[] = [];
  page.on('request', request => {
    asked.push(new URL(request.url()).pathname);
    if (!request.url().startsWith(server.url) && !/^(?:blob|data):/.test(request.url())) foreign.push(request.url());
  });
  const refused: string[] = [];
  page.on('console', message => {
    if (/Content Security Policy/.test(message.text())) refused.push(message.text());
  });
  const watch = async (): Promise<void> => {
    await page.goto('/');
    await page.goto(`/watch/${film?.id}?t=0`);
    await page.waitForSelector('video');
    await watchUntil(page, 'the film plays', view => view.currentTime > 0.2 && view.frames > 2);
    // What lies over the film would darken it.
    await page.evaluate(
      "for (const over of document.querySelectorAll('.player-top, .controls, .notice, .flash')) over.style.setProperty('opacity', '0', 'important')",
    );
  };
  const styledAt2 = [
    [50, 25, RED],
    [90, 25, GREY],
    [50, 50, GREY],
  ] as const;

  await t.test('styles stand at their place, in their colour and at their time, after every seek', async () => {
    await watch();
    await choose(page, 'Styled');
    await pausedAt(page, 2);
    await sees(page, 'at 2', styledAt2);
    await pausedAt(page, 6);
    await sees(page, 'at 6', [
      [270, 145, GREEN],
      [50, 25, GREY],
    ]);
    await pausedAt(page, 4);
    await sees(page, 'at 4', [
      [270, 145, GREY],
      [50, 25, GREY],
    ]);
    assert.ok(asked.some(path => path.endsWith('/fonts/index.json')) && (font === null || asked.some(path => path.endsWith('/fonts/0'))));
  });

  await t.test('karaoke moves with the picture', async () => {
    await pausedAt(page, 8.5);
    await sees(page, 'the first syllable', [
      [40, 75, RED],
      [110, 75, GREEN],
    ]);
    await pausedAt(page, 9.5);
    await sees(page, 'the second', [
      [40, 75, RED],
      [110, 75, RED],
    ]);
  });

  await t.test('they keep their place when the window changes', async () => {
    for (const size of [
      { width: 900, height: 800 },
      { width: 1280, height: 500 },
    ]) {
      await page.setViewportSize(size);
      await pausedAt(page, 2);
      await sees(page, `in ${size.width} × ${size.height}`, styledAt2);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await t.test('pictures lie over the film in its shape, also where the film shows only a part of their screen', async () => {
    for (const label of ['Blu-ray', 'DVD']) {
      await choose(page, label);
      await pausedAt(page, 2);
      // The screen's first 30 lines lie above the film.
      await sees(page, `${label} at 2`, [
        [50, 25, RED],
        [90, 25, GREY],
        [50, 48, GREY],
      ]);
      await pausedAt(page, 6);
      await sees(page, `${label} at 6`, [
        [270, 145, BLUE],
        [50, 25, GREY],
      ]);
    }
    await choose(page, 'Off');
    await sees(page, 'off', [[270, 145, GREY]]);
  });

  await t.test('a renderer or a source that fails stops no film; styles are shown as text then', async () => {
    await page.route('**/vendor/jassub-worker.js', route => route.abort());
    await page.route('**/source.sup', route => route.abort());
    await watch();
    await choose(page, 'Styled');
    await until(
      () => page.evaluate("[...document.querySelector('video').textTracks].some(({ mode }) => mode === 'showing')"),
      'the text is shown',
    );
    await choose(page, 'Blu-ray');
    await page.evaluate("document.querySelector('video').play()");
    await watchUntil(page, 'the film goes on', view => view.currentTime > 1.5);
    assert.equal(await page.isVisible('.failure'), false);
  });

  assert.deepEqual(foreign, []);
  assert.deepEqual(refused, []);
});
