// A real Chromium with the web player in it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ADMIN } from './server.ts';

const BINARIES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Without a browser the test fails: it never skips. */
export async function launchBrowser(t: TestContext): Promise<Browser> {
  const executablePath = BINARIES.find(existsSync);
  assert.ok(executablePath, 'no Chromium here: apt-get install chromium');
  const browser = await chromium.launch({
    executablePath,
    // Containers have no user namespaces for Chromium's own sandbox; the pages are ours.
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio'],
  });
  t.after(() => browser.close());
  return browser;
}

export async function signIn(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, baseURL: url });
  await page.goto('/');
  await page.fill('input[autocomplete=username]', ADMIN.username);
  await page.fill('input[type=password]', ADMIN.password);
  await page.click('button[type=submit]');
  await page.waitForSelector('a[href^="/film/"]');
  return page;
}

export type PlayerView = {
  readonly sessionId: string;
  readonly delivery: string;
  readonly currentTime: number;
  readonly paused: boolean;
  readonly seeking: boolean;
  readonly frames: number;
  readonly audioBytes: number;
  /** The second that is burned into the picture on screen. */
  readonly pictureSecond: number;
};

/** Looks at the player as a person would: what time it says, and what the picture shows. */
export const look = (page: Page): Promise<PlayerView> =>
  page.evaluate(() => {
    const global = globalThis as unknown as {
      ferrite: { sessionId: string; delivery: string };
      document: { querySelector(selector: string): never; createElement(name: string): never };
    };
    type Video = {
      currentTime: number;
      paused: boolean;
      seeking: boolean;
      videoWidth: number;
      videoHeight: number;
      webkitAudioDecodedByteCount: number;
      getVideoPlaybackQuality(): { totalVideoFrames: number };
    };
    type Canvas = {
      width: number;
      height: number;
      getContext(kind: string): { drawImage(...args: unknown[]): void; getImageData(...args: number[]): { data: Uint8ClampedArray } };
    };
    const video: Video = global.document.querySelector('video');
    const canvas: Canvas = global.document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 640, 360);
    let pictureSecond = 0;
    for (let bit = 0; bit < 8; bit++) if ((context.getImageData(bit * 40 + 20, 20, 1, 1).data[0] ?? 0) > 128) pictureSecond += 2 ** bit;
    return {
      sessionId: global.ferrite.sessionId,
      delivery: global.ferrite.delivery,
      currentTime: video.currentTime,
      paused: video.paused,
      seeking: video.seeking,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      audioBytes: video.webkitAudioDecodedByteCount,
      pictureSecond,
    };
  });

/** Looks again at every animation frame until it matches. */
export async function watchUntil(
  page: Page,
  what: string,
  matches: (view: PlayerView) => boolean,
  deadlineMs = 60_000,
): Promise<PlayerView> {
  const endsAtMs = performance.now() + deadlineMs;
  let view: PlayerView | null = null;
  while (performance.now() < endsAtMs) {
    view = await look(page).catch(() => null);
    if (view && matches(view)) return view;
    await page.evaluate('new Promise(resolve => requestAnimationFrame(resolve))');
  }
  assert.fail(`not seen in ${deadlineMs} ms: ${what}; last: ${JSON.stringify(view)}`);
}
