// hls.js in a real Chromium, without a line of our page: what it loaded of which rung and when, and when the picture stood still.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const BINARIES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const HLS_JS = fileURLToPath(new URL('hls.min.js', import.meta.resolve('hls.js')));
const LOOK_INTERVAL_MS = 100;

/** A picture segment that came, in milliseconds since playback was asked for. */
export type Load = {
  readonly atMs: number;
  /** 0 is the lowest rung. */
  readonly level: number;
  readonly index: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly byteLength: number;
  /** What the player takes the line to carry. */
  readonly estimateBps: number;
  /** Loaded ahead of the clock, before the segment came. */
  readonly bufferS: number;
};

export type PlayerReport = {
  readonly nowMs: number;
  readonly levels: readonly { readonly height: number; readonly bitrateBps: number }[];
  readonly loads: readonly Load[];
  /** What was on screen from when on. */
  readonly shown: readonly { readonly atMs: number; readonly level: number }[];
  /** While it should have played and the clock stood. */
  readonly stalls: readonly { readonly atMs: number; readonly ms: number }[];
  /** Loads given up for a lower rung. */
  readonly aborted: number;
  readonly bufferS: number;
  /** More than one: a hole. */
  readonly stretches: number;
  readonly errors: readonly string[];
};

export type PlayerConfig = Readonly<Record<string, number | boolean>>;

export class AdaptivePlayer {
  readonly #browser: Browser;
  readonly #page: Page;

  static async open(): Promise<AdaptivePlayer> {
    const executablePath = BINARIES.find(existsSync);
    if (executablePath === undefined) throw new Error('no Chromium here: apt-get install chromium');
    const args = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio'];
    const browser = await chromium.launch({ executablePath, args });
    return new AdaptivePlayer(browser, await browser.newPage({ bypassCSP: true }));
  }

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  /** Plays the stream in an empty page of its own server, so that no rule about origins is in the way. */
  async play(url: string, streamPath: string, config: PlayerConfig): Promise<void> {
    await this.#page.goto(new URL('/healthz', url).href);
    await this.#page.addScriptTag({ path: HLS_JS });
    await this.#page.evaluate(PLAY, { streamPath, config, lookIntervalMs: LOOK_INTERVAL_MS });
  }

  report(): Promise<PlayerReport> {
    return this.#page.evaluate('window.abr.report()');
  }

  /** Resolves with the first report that matches, or with the last one when the time is up. */
  async until(matches: (report: PlayerReport) => boolean, deadlineMs: number): Promise<PlayerReport> {
    const endsAtMs = performance.now() + deadlineMs;
    for (;;) {
      const report = await this.report();
      if (matches(report) || performance.now() > endsAtMs) return report;
      await this.#page.evaluate(`new Promise(resolve => setTimeout(resolve, ${LOOK_INTERVAL_MS}))`);
    }
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

/** Runs in the page. */
function PLAY({ streamPath, config, lookIntervalMs }: { streamPath: string; config: PlayerConfig; lookIntervalMs: number }): void {
  // biome-ignore lint/suspicious/noExplicitAny: the types of a browser and of hls.js are not those of Node.
  const global = globalThis as any;
  const { document, Hls, performance } = global;
  const video = document.createElement('video');
  document.body.replaceChildren(video);
  const startedMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - startedMs);
  const hls = new Hls({ enableWorker: false, ...config });
  const report = {
    loads: [] as Load[],
    shown: [] as { atMs: number; level: number }[],
    stalls: [] as { atMs: number; ms: number }[],
    errors: [] as string[],
    aborted: 0,
  };
  const bufferS = (): number => {
    for (let at = 0; at < video.buffered.length; at++)
      if (video.buffered.start(at) <= video.currentTime + 0.1 && video.buffered.end(at) > video.currentTime)
        return video.buffered.end(at) - video.currentTime;
    return 0;
  };
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  hls.on(Hls.Events.FRAG_BUFFERED, (_: unknown, { frag, stats }: any) => {
    if (frag.type !== 'main' || frag.sn === 'initSegment') return;
    report.loads.push({
      atMs: Math.round(stats.loading.end - startedMs),
      level: frag.level,
      index: frag.sn,
      firstByteMs: Math.round(stats.loading.first - stats.loading.start),
      totalMs: Math.round(stats.loading.end - stats.loading.start),
      byteLength: stats.loaded,
      estimateBps: Math.round(hls.bandwidthEstimate),
      bufferS: Math.round(bufferS() * 10) / 10,
    });
  });
  hls.on(Hls.Events.FRAG_LOAD_EMERGENCY_ABORTED, () => {
    report.aborted += 1;
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, (_: unknown, { level }: { level: number }) => report.shown.push({ atMs: sinceMs(), level }));
  hls.on(Hls.Events.ERROR, (_: unknown, { details, fatal }: { details: string; fatal: boolean }) =>
    report.errors.push(fatal ? `${details}, fatal` : details),
  );
  hls.on(Hls.Events.MANIFEST_PARSED, () => void video.play());
  let last = { time: 0, atMs: 0 };
  let stall: { atMs: number; ms: number } | null = null;
  global.setInterval(() => {
    const nowMs = performance.now();
    const stands = video.currentTime > 0 && video.currentTime === last.time && !video.ended;
    if (stands) {
      stall ??= { atMs: sinceMs(), ms: 0 };
      stall.ms += nowMs - last.atMs;
    } else if (stall !== null) {
      report.stalls.push({ ...stall, ms: Math.round(stall.ms) });
      stall = null;
    }
    last = { time: video.currentTime, atMs: nowMs };
  }, lookIntervalMs);
  hls.loadSource(new URL(streamPath, document.baseURI).href);
  hls.attachMedia(video);
  global.abr = {
    report: () => ({
      ...report,
      stalls: [...report.stalls, ...(stall === null ? [] : [stall])],
      nowMs: sinceMs(),
      bufferS: bufferS(),
      stretches: video.buffered.length,
      levels: hls.levels.map(({ height, bitrate }: { height: number; bitrate: number }) => ({ height, bitrateBps: bitrate })),
    }),
  };
}
