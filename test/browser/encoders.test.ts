// hls.js in Chromium, where hardware breaks off in the middle of a film, and where a film is offered in several codecs.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchBrowser, signIn } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { FakeHardware } from '../support/fake-hardware.ts';
import { lookAtFrame, makeFrameFilm } from '../support/frame-film.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const FRAME_RATE = 24;
const DEADLINE_MS = 60_000;
/** The hardware makes as many frames as three and a half seconds have. */
const FRAMES_BEFORE_FAILURE = 84;
const POSITIONS_S = [0.5, 3.2, 4.1, 7.4, 2.3];

test('encoders: what Chromium shows', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await makeFrameFilm(join(library, 'frames.mkv'), { seconds: 9 });
  const fake = await FakeHardware.make(scratch, 'good');
  const env = { FERRITE_FFMPEG: fake.path, FERRITE_HARDWARE: 'nvenc', FERRITE_CODECS: 'av1' };
  const server = await startServer(t, { library, env });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  const tried = await server.line(({ msg }) => msg === 'the encoders were tried');
  assert.ok((tried.works as string[]).includes('encode h264_nvenc'), JSON.stringify(tried));
  await fake.become('middle', FRAMES_BEFORE_FAILURE);
  const page = await signIn(await launchBrowser(t), server.url);

  /** Plays with hls.js alone. Resolves with the codecs of the levels that it knows. */
  const play = async (videoCodecs: readonly string[]): Promise<string[]> => {
    const capabilities = { videoCodecs };
    const { streamUrl } = await client.start(film.id, { delivery: 'transcode', client: { profile: 'web-chrome', capabilities } });
    await page.goto('/');
    return page.evaluate<string[]>(
      `import('/vendor/hls.js').then(({ default: Hls }) => new Promise((resolve, reject) => {
        const video = document.createElement('video');
        video.muted = true;
        document.body.replaceChildren(video);
        setTimeout(() => reject(new Error('nothing was loaded')), ${DEADLINE_MS});
        const hls = new Hls({ backBufferLength: 0 });
        globalThis.failures = [];
        globalThis.shown = [];
        globalThis.hls = hls;
        hls.on('hlsError', (_, { fatal, details }) => failures.push(details + (fatal ? ' (fatal)' : '')));
        hls.on('hlsFragChanged', (_, { frag }) => shown.push(hls.levels[frag.level].videoCodec.slice(0, 4)));
        video.addEventListener('loadeddata', () => resolve(hls.levels.map(({ videoCodec }) => videoCodec)), { once: true });
        hls.loadSource(${JSON.stringify(streamUrl)});
        hls.attachMedia(video);
      }))`,
    );
  };
  const shows = async (positionS: number): Promise<void> => {
    await page.evaluate(
      `new Promise((resolve, reject) => {
        const video = document.querySelector('video');
        setTimeout(() => reject(new Error('no seek to ${positionS}: ' + failures)), ${DEADLINE_MS});
        video.addEventListener('seeked', () => requestAnimationFrame(() => requestAnimationFrame(resolve)), { once: true });
        video.currentTime = ${positionS};
      })`,
    );
    const view = await lookAtFrame(page);
    assert.ok(
      Math.abs(view.frame - Math.floor(view.currentTime * FRAME_RATE)) <= 1,
      `at ${view.currentTime} s it shows frame ${view.frame}`,
    );
  };

  await t.test('software goes on where hardware broke off, and the picture stays that of the clock', async () => {
    const codecs = await play(['h264']);
    assert.ok(
      codecs.every(codec => codec.startsWith('avc3.')),
      String(codecs),
    );
    for (const positionS of POSITIONS_S) await shows(positionS);
    assert.deepEqual(await page.evaluate('failures.filter(text => text.includes("fatal") || text.includes("Append"))'), []);
    await server.line(({ msg }) => msg === 'a hardware encoder failed; software goes on');
  });

  await t.test('of a film in two codecs hls.js takes one and keeps to it', async () => {
    const codecs = await play(['h264', 'av1']);
    assert.deepEqual([...new Set(codecs.map(codec => codec.slice(0, 4)))].sort(), ['av01', 'avc1']);
    for (const positionS of POSITIONS_S) await shows(positionS);
    const shown = await page.evaluate<string[]>('shown');
    assert.ok(shown.length >= 3);
    assert.equal(new Set(shown).size, 1, String(shown));
  });
});
