// hls.js in Chromium, without a line of our page, on a line that is throttled and opened again; and the page, told to stay below a rung.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ThrottledLink } from '../../loadtest/client/throttled-link.ts';
import { AdaptivePlayer, type PlayerReport } from '../../loadtest/watch/adaptive-player.ts';
import { launchBrowser, signIn } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const FILM_S = 60;
const FAST_BPS = 10_000_000;
/** Between the two rungs. */
const SLOW_BPS = 450_000;
const DEADLINE_MS = 60_000;
/** A short memory and a short buffer: the same decisions in fewer seconds. */
const QUICK = { maxBufferLength: 6, maxMaxBufferLength: 6, abrEwmaFastVoD: 1, abrEwmaSlowVoD: 2 };

test('adaptive bitrate', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=24:d=${FILM_S}`, '-f', 'lavfi', '-i', `sine=d=${FILM_S}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-pix_fmt', 'yuv420p', '-c:a', 'aac', join(library, 'rungs.mp4')],
  );
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);

  await t.test('hls.js goes down on a slow line and comes back up, without a hole', async () => {
    const session = await client.start(film.id, { delivery: 'transcode' });
    const link = await ThrottledLink.open({ url: server.url, bitsPerSecond: FAST_BPS });
    const player = await AdaptivePlayer.open();
    try {
      const seen = (what: string, matches: (report: PlayerReport) => boolean) =>
        player.until(matches, DEADLINE_MS).then(report => {
          assert.ok(matches(report), `${what}: ${JSON.stringify(report)}`);
          return report;
        });
      const topOf = ({ levels }: PlayerReport): number => levels.length - 1;
      await player.play(link.url, session.streamUrl, QUICK);
      const { nowMs: slowAtMs } = await seen('the top rung', report => report.loads.some(({ level }) => level === topOf(report)));
      link.bitsPerSecond = SLOW_BPS;
      const down = await seen('a lower rung', report => report.loads.some(({ atMs, level }) => atMs > slowAtMs && level < topOf(report)));
      link.bitsPerSecond = FAST_BPS;
      const up = await seen('the top rung again', report =>
        report.loads.some(({ atMs, level }) => atMs > down.nowMs && level === topOf(report)),
      );
      assert.equal(up.stretches, 1, 'what is loaded is one stretch');
      assert.deepEqual(
        up.errors.filter(error => /fatal|hole/i.test(error)),
        [],
      );
    } finally {
      await player.close();
      await link.close();
      await client.stop(session.sessionId);
    }
  });

  await t.test('the page loads no rung above the one that the server names, and any again when that is over', async () => {
    const session = await client.start(film.id, { delivery: 'transcode' });
    const [top, low] = session.ladder.map(({ rung }) => rung);
    const page = await signIn(await launchBrowser(t), server.url);
    const asked: string[] = [];
    page.on('request', request => {
      const [, rung] = /\/video\/([^/]+)\/[\d.]+\.m4s$/.exec(request.url()) ?? [];
      if (rung) asked.push(rung);
    });
    const loads = async (rung: string | undefined, count: number): Promise<void> => {
      const from = asked.length;
      for (const endsAtMs = performance.now() + DEADLINE_MS; asked.slice(from).filter(one => one === rung).length < count; ) {
        assert.ok(performance.now() < endsAtMs, `${rung} is not loaded, but ${asked.slice(from)}`);
        await page.evaluate('new Promise(resolve => setTimeout(resolve, 100))');
      }
    };
    await page.evaluate(
      async ({ info }) => {
        // biome-ignore lint/suspicious/noExplicitAny: the types of a browser are not those of Node.
        const global = globalThis as any;
        const { HlsDelivery } = await import(`${'/playback/hls-delivery.js'}`);
        class Told extends EventTarget {
          maxRung: string | null = null;
          info = info;
          streamUrl = info.streamUrl;
          renewUrl = (url: string) => url;
          limit(rung: string | null) {
            this.maxRung = rung;
            this.dispatchEvent(new Event('limited'));
          }
        }
        const video = global.document.createElement('video');
        global.document.body.replaceChildren(video);
        const nothing = () => undefined;
        global.told = new Told();
        const listener = { onChange: nothing, onFailure: nothing, onLost: nothing, onTrouble: nothing, onRecovered: nothing };
        global.delivery = new HlsDelivery(video, global.told, listener);
        await global.delivery.attach(0);
        video.muted = true;
        void video.play();
      },
      { info: session },
    );
    const limit = (rung: string | null): Promise<void> => page.evaluate(`told.limit(${JSON.stringify(rung)})`);
    await loads(top, 2);
    await limit(low ?? null);
    await loads(low, 2);
    const from = asked.lastIndexOf(low ?? '');
    await loads(low, 1);
    assert.deepEqual(new Set(asked.slice(from)), new Set([low]));
    await limit(null);
    await loads(top, 1);
    await client.stop(session.sessionId);
  });
});
