// Chromium seeks in both modes: precise shows the very frame, keyframe the first frame of the segment the server names.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { launchBrowser, signIn } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { type FrameView, lookAtFrame, makeFrameFilm } from '../support/frame-film.ts';
import { makeForms } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

/** No tenth of it is a whole number of groups. */
const SECONDS = 97;
const FRAME_RATE = 24;
const GROUP_FRAMES = 48;
const DEADLINE_MS = 30_000;

const FILMS = [
  { name: 'frames-direct.mp4', title: 'frames direct', delivery: 'direct', args: [] },
  { name: 'frames-copied.mkv', title: 'frames copied', delivery: 'remux', args: ['-c:a', 'ac3'] },
  { name: 'frames-transport.ts', title: 'frames transport', delivery: 'remux', args: [] },
  {
    name: 'frames-transcode.mkv',
    title: 'frames transcode',
    delivery: 'transcode',
    args: ['-c:v', 'mpeg4', '-q:v', '4', '-g', '48', '-bf', '0', '-c:a', 'libmp3lame'],
  },
] as const;

async function seen(page: Page, what: string, matches: (view: FrameView) => boolean): Promise<FrameView> {
  const endsAtMs = performance.now() + DEADLINE_MS;
  let view: FrameView | null = null;
  while (performance.now() < endsAtMs) {
    view = await lookAtFrame(page).catch(() => null);
    if (view && !view.isSeeking && view.status === 'ready' && matches(view)) return view;
    await page.evaluate('new Promise(resolve => requestAnimationFrame(resolve))');
  }
  assert.fail(`not seen in ${DEADLINE_MS} ms: ${what}; last: ${JSON.stringify(view)}`);
}

test('seeking in the web player', async t => {
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

  for (const { title, delivery, name } of FILMS) {
    const film = films.find(one => one.title.toLowerCase().replaceAll('-', ' ') === title);
    assert.ok(film, `no ${title} among ${films.map(one => one.title).join(', ')}`);
    const begin = async (mode: string): Promise<void> => {
      await page.evaluate(`localStorage.setItem('ferrite.seekMode', '${mode}')`);
      await page.goto('/');
      await page.goto(`/watch/${film.id}?t=0`);
      await page.waitForSelector('video');
      await seen(page, 'the film plays', ({ currentTime }) => currentTime > 0.3);
      await page.keyboard.press('k');
      assert.equal(await page.evaluate('ferrite.delivery'), delivery);
    };

    await t.test(`${name}: precise seeks show the very frame, wherever it lies`, async () => {
      await begin('precise');
      for (const tenth of [5, 2, 9, 3, 7]) {
        const wanted = Math.floor((tenth / 10) * (film.durationMs / 1000) * FRAME_RATE);
        await page.keyboard.press(String(tenth));
        const view = await seen(page, `frame ${wanted}`, ({ frame }) => frame === wanted);
        assert.equal(Math.floor((view.positionMs * FRAME_RATE) / 1000), wanted, 'the time is that of the frame');
      }
    });

    await t.test(`${name}: Shift and an arrow is precise whatever the mode`, async () => {
      await begin('keyframe');
      await page.keyboard.press('6');
      const { positionMs } = await seen(page, 'six tenths', ({ frame }) => frame > SECONDS * FRAME_RATE * 0.55);
      await page.keyboard.press('Shift+ArrowLeft');
      const wanted = Math.floor(((positionMs - 10_000) / 1000) * FRAME_RATE + 1e-3);
      await seen(page, `frame ${wanted}`, ({ frame }) => frame === wanted);
    });

    if (delivery === 'direct') continue;
    await t.test(`${name}: keyframe seeks land on the first frame of the segment`, async () => {
      await begin('keyframe');
      // Each where nothing is loaded yet.
      for (const tenth of [5, 9, 4]) {
        const targetFrame = Math.floor((tenth / 10) * (film.durationMs / 1000) * FRAME_RATE);
        const landing = targetFrame - (targetFrame % GROUP_FRAMES);
        await page.keyboard.press(String(tenth));
        const view = await seen(page, `frame ${landing}`, ({ frame }) => frame === landing);
        const pastMs = view.positionMs - (landing * 1000) / FRAME_RATE;
        assert.ok(pastMs >= 0 && pastMs < 1000 / FRAME_RATE, `the playhead is at ${view.positionMs}`);
      }
    });

    await t.test(`${name}: what is loaded already is shown to the very frame in either mode`, async () => {
      await begin('keyframe');
      await seen(page, 'twenty seconds are loaded', ({ loadedS }) => loadedS > 20);
      await page.keyboard.press('1');
      const wanted = Math.floor((film.durationMs / 10_000) * FRAME_RATE);
      await seen(page, `frame ${wanted}`, ({ frame }) => frame === wanted);
    });
  }

  await t.test('a segment that is refused for now is asked for again when the server said so', async () => {
    const film = films.find(one => one.title.toLowerCase().replaceAll('-', ' ') === 'frames copied');
    const askedAtMs: number[] = [];
    await page.route('**/video/*/0.m4s', async route => {
      askedAtMs.push(performance.now());
      if (askedAtMs.length > 1) return route.continue();
      const problem = { code: 'ENCODE_STALLED', status: 504, detail: 'made up', retryAfterMs: 2_000 };
      await route.fulfill({ status: 504, headers: { 'Retry-After': '2' }, contentType: 'application/problem+json', json: problem });
    });
    await page.goto('/');
    await page.goto(`/watch/${film?.id}?t=0`);
    await page.waitForSelector('video');
    await seen(page, 'the film plays', ({ currentTime }) => currentTime > 0.3);
    await page.unroute('**/video/*/0.m4s');
    const [first = 0, second = 0] = askedAtMs;
    assert.ok(second - first > 1_800 && second - first < 20_000, `asked again after ${Math.round(second - first)} ms`);
  });

  await t.test('dragging the knob starts a handful of encodes, and shows what it is let go on', async () => {
    const film = films.find(one => one.title.toLowerCase().replaceAll('-', ' ') === 'frames transcode');
    await page.evaluate("localStorage.setItem('ferrite.seekMode', 'keyframe')");
    await page.goto('/');
    await page.goto(`/watch/${film?.id}?t=0`);
    await page.waitForSelector('video');
    await seen(page, 'the film plays', ({ currentTime }) => currentTime > 0.3);
    const before = await picturesStarted(client);
    assert.ok(before >= 1, 'what plays is counted');
    const bar = await page.locator('.seek').boundingBox();
    assert.ok(bar);
    const y = bar.y + bar.height / 2;
    await page.mouse.move(bar.x + 5, y);
    await page.mouse.down();
    const startedMs = performance.now();
    for (let step = 0; step < 20; step++) {
      await page.mouse.move(bar.x + bar.width * (0.4 + ((step * 7) % 11) / 20), y);
      // By the clock: a machine that is late for one is not late for the next.
      await delay(Math.max(0, startedMs + (step + 1) * 100 - performance.now()));
    }
    await page.mouse.move(bar.x + bar.width * 0.75, y);
    await page.mouse.up();
    const lowest = Math.floor(SECONDS * 0.7) * FRAME_RATE;
    await seen(page, 'three quarters', ({ frame }) => frame >= lowest && frame <= SECONDS * 0.8 * FRAME_RATE);
    const started = (await picturesStarted(client)) - before;
    // None where the encode that plays has come that far meanwhile.
    assert.ok(started <= 6, `${started} encodes`);
    t.diagnostic(`${started} encodes of the picture for a drag`);
  });
});

async function picturesStarted(client: Client): Promise<number> {
  const text = await client.metrics();
  return [...text.matchAll(/^encodes_total\{rung="\d+p",outcome="started"\} (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
}
