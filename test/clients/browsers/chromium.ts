import { chromium } from 'playwright-core';
import type { PlayerProgram } from '../player.ts';
import { type Engine, PAGE, PagePlayer } from './page-player.ts';

export async function startChromium(origin: string, engine: Engine, executablePath: string): Promise<PlayerProgram> {
  const browser = await chromium.launch({
    executablePath,
    // Containers have no user namespaces for Chromium's own sandbox; the page is ours. `audioTracks` is behind a flag.
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio', '--enable-blink-features=AudioVideoTracks'],
  });
  const page = await browser.newPage({ baseURL: origin });
  await page.goto(PAGE);
  return {
    playing: () => new PagePlayer(expression => page.evaluate<string>(expression), engine),
    end: () => browser.close(),
  };
}
