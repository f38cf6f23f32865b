// HDR, wide gamut and the older matrices: what reaches a plain screen has the right colours and says so, what reaches an HDR screen is the film itself.
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PREVIEW_IFRAMES } from '#domain/addresses.ts';
import { base, type Started } from '../support/client.ts';
import {
  addDolbyVision,
  addHdr10Plus,
  type Bar,
  LIGHT_BOXES,
  limited10,
  makeBarFilm,
  plainGrey,
  pqSignal,
  readBars,
} from '../support/colour-films.ts';
import { readPlaylist } from '../support/conformance/playlist.ts';
import { checkPlaylists, mediaAddresses } from '../support/conformance/stream.ts';
import { ffmpeg } from '../support/media.ts';
import { until } from '../support/until.ts';
import { startWorld } from '../support/world.ts';

const GREYS_NITS = [0, 5, 50, 100, 203, 400, 1_000];
/** Greys of PQ, then BT.2020's red at 100 candela. */
const PQ_BARS: Bar[] = [...GREYS_NITS.map((nits): Bar => [limited10(pqSignal(nits)), 512, 512]), pqRed(100)];
const HLG_SIGNALS = [0, 0.3, 0.5, 0.75, 0.9, 1];
const SDR_GREYS = [16, 60, 126, 180, 235];
/** BT.709's green and blue by the matrix of BT.601, and a grey: 8 bits. */
const BARS_601: Bar[] = [
  [145, 54, 34],
  [41, 240, 110],
  [126, 128, 128],
];

function pqRed(nits: number): Bar {
  const signal = pqSignal(nits);
  const [kr, kb] = [0.2627, 0.0593];
  const luma = kr * signal;
  const cb = -luma / (2 * (1 - kb));
  const cr = (signal - luma) / (2 * (1 - kr));
  return [limited10(luma), Math.round(512 + 896 * cb), Math.round(512 + 896 * cr)];
}

const x265 = (more: string): string[] => [
  '-c:v',
  'libx265',
  '-preset',
  'ultrafast',
  '-tag:v',
  'hvc1',
  '-x265-params',
  `log-level=error:keyint=20:min-keyint=20:scenecut=0:qp=8:${more}`,
];
const BT2020 = 'colorprim=bt2020:colormatrix=bt2020nc:range=limited';
const PQ = x265(
  `${BT2020}:transfer=smpte2084:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400`,
);
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '4', '-g', '20'];
const named = (matrix: string): string[] => ['-color_primaries', matrix, '-color_trc', matrix, '-colorspace', matrix, '-color_range', 'tv'];

const HDR_CLIENT = { profile: 'tvos' };
const HDR10_CLIENT = { profile: 'tvos', capabilities: { hdr: ['hdr10', 'hlg'] } };
const PLAIN_CLIENT = { profile: 'generic' };

const near = (actual: Bar | undefined, expected: readonly number[], tolerance: number, about: string): void => {
  for (const [plane, value] of expected.entries())
    assert.ok(
      Math.abs((actual?.[plane] ?? Number.NaN) - value) <= tolerance,
      `${about}: ${actual?.map(Math.round)} for ${expected.map(Math.round)}`,
    );
};

test('colours', async t => {
  const world = await startWorld(t, async library => {
    const at = (name: string): string => join(library, name);
    await makeBarFilm(at('pq.mp4'), { bars: PQ_BARS, bitDepth: 10, output: PQ });
    await ffmpeg('-i', at('pq.mp4'), '-c', 'copy', at('pq-in-matroska.mkv'));
    await addDolbyVision(at('pq.mp4'), at('dolby-eight.mp4'), { profile: 8, level: 1, compatibility: 1 }, { others: LIGHT_BOXES });
    await ffmpeg('-i', at('dolby-eight.mp4'), '-c', 'copy', '-strict', 'unofficial', at('dolby-in-matroska.mkv'));
    await addDolbyVision(at('pq.mp4'), at('dolby-five.mp4'), { profile: 5, level: 1, compatibility: 0 }, { format: 'dvh1' });
    await addDolbyVision(at('pq.mp4'), at('dolby-seven.mp4'), { profile: 7, level: 6, compatibility: 6, hasEnhancementLayer: true });
    await ffmpeg('-i', at('pq.mp4'), '-c', 'copy', '-an', '-bsf:v', 'hevc_mp4toannexb', '-f', 'hevc', at('plain.hevc'));
    await addHdr10Plus(at('plain.hevc'), at('plus.hevc'));
    await ffmpeg('-r', '10', '-i', at('plus.hevc'), '-c', 'copy', '-tag:v', 'hvc1', at('hdr-ten-plus.mp4'));
    for (const name of ['plain.hevc', 'plus.hevc']) await rename(at(name), join(library, '..', name));
    await makeBarFilm(at('hlg.mp4'), {
      bars: HLG_SIGNALS.map(signal => [limited10(signal), 512, 512]),
      bitDepth: 10,
      output: x265(`${BT2020}:transfer=arib-std-b67`),
    });
    await addDolbyVision(at('hlg.mp4'), at('dolby-four.mp4'), { profile: 8, level: 1, compatibility: 4 });
    const greys = (depth: number): Bar[] => SDR_GREYS.map(value => [value * depth, 128 * depth, 128 * depth]);
    await makeBarFilm(at('wide.mp4'), { bars: greys(4), bitDepth: 10, output: x265(`${BT2020}:transfer=bt2020-10`) });
    await makeBarFilm(at('ten-bits.mkv'), { bars: greys(4), bitDepth: 10, output: [...X264, ...named('bt709')] });
    await makeBarFilm(at('tagged-small.mp4'), { bars: BARS_601, bitDepth: 8, output: [...X264, ...named('bt709')] });
    await makeBarFilm(at('untagged-small.mp4'), { bars: BARS_601, bitDepth: 8, output: X264 });
    const full: Bar[] = SDR_GREYS.map(value => [Math.round(((value - 16) * 255) / 219), 128, 128]);
    await makeBarFilm(at('full-range.mp4'), { bars: full, bitDepth: 8, output: [...X264, ...named('bt709').slice(0, -1), 'pc'] });
  });
  const { client, scratch } = world;

  const start = (title: string, about: object, delivery = 'auto'): Promise<Started> =>
    client.start(world.film(title).id, { client: about, delivery });
  /** The first segment of the best encoded rung, or of the copy, as a file. */
  async function fetched(session: Started, which: 'encode' | 'copy'): Promise<string> {
    const pictures = (await client.renditions(session)).filter(({ path }) => path.startsWith('video/'));
    const path = pictures.find(one => (which === 'copy') === one.path.includes('original'))?.path;
    assert.ok(path, pictures.map(one => one.path).join());
    const file = join(scratch, `${which}-${session.sessionId}.mp4`);
    await writeFile(file, Buffer.concat([await client.init(session, path), await client.segment(session, path, 0)]));
    return file;
  }
  const encoded = async (title: string, bars: number) =>
    readBars(await fetched(await start(title, PLAIN_CLIENT, 'transcode'), 'encode'), bars);
  const playlistOf = async (session: Started): Promise<string> => (await client.bytes(session.streamUrl)).toString();
  const PLAIN = { pix_fmt: 'yuv420p', color_range: 'tv', color_space: 'bt709', color_transfer: 'bt709', color_primaries: 'bt709' };

  for (const title of ['pq', 'pq in matroska', 'dolby seven']) {
    await t.test(`${title}: a plain screen is sent greys of the right light, neutral and in order, and BT.709 by name`, async () => {
      const { bars, facts } = await encoded(title, PQ_BARS.length);
      for (const [at, nits] of GREYS_NITS.entries()) near(bars[at], [plainGrey(nits, 1_000), 128, 128], 3, `${nits} candela`);
      const [red] = bars.slice(-1);
      assert.ok(red && red[2] > 200 && red[1] < 128, `red stays red: ${red}`);
      const { profile: _, ...said } = facts;
      assert.deepEqual(said, PLAIN);
    });
  }

  for (const title of ['hlg', 'dolby four']) {
    await t.test(`${title}: reference white is as bright as that of PQ, and black and peak are where they belong`, async () => {
      const { bars, facts } = await encoded(title, HLG_SIGNALS.length);
      const lumas = bars.map(([luma]) => Math.round(luma));
      near(bars[0], [16, 128, 128], 2, 'black');
      near(bars[3], [plainGrey(203, 1_000), 128, 128], 4, '75 %');
      near(bars[5], [235, 128, 128], 3, 'peak');
      assert.deepEqual(
        lumas,
        lumas.toSorted((a, b) => a - b),
      );
      assert.equal(facts.color_transfer, 'bt709');
    });
  }

  for (const title of ['wide', 'ten bits', 'full range']) {
    await t.test(`${title}: greys keep their light, in the limited range and eight bits`, async () => {
      const { bars, facts } = await encoded(title, SDR_GREYS.length);
      for (const [at, grey] of SDR_GREYS.entries()) near(bars[at], [grey, 128, 128], 2, `grey ${grey}`);
      const { profile: _, ...said } = facts;
      assert.deepEqual(said, PLAIN);
    });
  }

  await t.test('a small picture keeps its numbers, by the name that it has, or that players give one without', async () => {
    for (const [title, name] of [
      ['tagged small', 'bt709'],
      ['untagged small', 'smpte170m'],
    ] as const) {
      const { bars, facts } = await encoded(title, BARS_601.length);
      for (const [at, bar] of BARS_601.entries()) near(bars[at], bar, 3, `${title}, bar ${at}`);
      assert.equal(facts.color_space, name, title);
    }
  });

  await t.test('an HDR screen is sent the film itself, listed by its range, and SDR beside it; nothing breaks a rule', async () => {
    for (const [title, range, codecs] of [
      ['pq in matroska', 'PQ', null],
      ['hlg', 'HLG', null],
      ['dolby in matroska', 'PQ', 'dvh1.08.01/db1p'],
      ['dolby eight', 'PQ', 'dvh1.08.01/db1p'],
      ['dolby four', 'HLG', 'dvh1.08.01/db4h'],
      ['dolby seven', 'PQ', null],
    ] as const) {
      const session = await start(title, HDR_CLIENT, 'remux');
      const [first, ...others] = (await playlistOf(session)).match(/^#EXT-X-STREAM-INF.*$/gm) ?? [];
      assert.match(first ?? '', new RegExp(`CODECS="hvc1\\.2\\.[^"]*".*VIDEO-RANGE=${range}`), title);
      assert.equal(/SUPPLEMENTAL-CODECS="([^"]*)"/.exec(first ?? '')?.[1] ?? null, codecs, title);
      assert.ok(others.length > 0 && others.every(line => line.includes('VIDEO-RANGE=SDR') && !line.includes('SUPPLEMENTAL')), title);
      const main = await playlistOf(session);
      const texts = new Map<string, string>();
      for (const uri of mediaAddresses(readPlaylist(main))) texts.set(uri, (await client.bytes(`${base(session)}${uri}`)).toString());
      const found = checkPlaylists(main, texts);
      assert.deepEqual(
        found.filter(({ level }) => level === 'error'),
        [],
        title,
      );
    }
  });

  await t.test('what a copy says of light and layers stands in its init segment, in MP4 and Matroska', async () => {
    const boxesOf = async (title: string): Promise<string[]> => {
      const init = await client.init(await start(title, HDR_CLIENT, 'remux'), 'video/original');
      return ['hvc1', 'dvh1', 'colrnclx', 'mdcv', 'clli', 'dvvC', 'dvcC'].filter(name => init.includes(name, 0, 'latin1'));
    };
    assert.deepEqual(await boxesOf('dolby in matroska'), ['hvc1', 'colrnclx', 'mdcv', 'clli', 'dvvC']);
    assert.ok((await boxesOf('dolby eight')).includes('dvvC'));
    assert.ok(!(await boxesOf('dolby seven')).includes('dvcC'), 'the second layer is not promised');
    const { facts } = await readBars(await fetched(await start('dolby in matroska', HDR_CLIENT, 'remux'), 'copy'), 1);
    assert.deepEqual([facts.color_transfer, facts.color_primaries, facts.pix_fmt], ['smpte2084', 'bt2020', 'yuv420p10le']);
  });

  await t.test('posters and the pictures of the seek bar are for any screen; those of profile 5 are grey', async () => {
    for (const title of ['pq', 'dolby five']) {
      const posterUrl = async () =>
        (await client.call<{ posterUrl: string | null }>('GET', `/api/v1/media/${world.film(title).id}`)).posterUrl;
      await until(async () => (await posterUrl()) !== null, `the poster of ${title}`);
      const file = join(scratch, `${title.replaceAll(' ', '-')}.jpg`);
      await writeFile(file, await client.bytes((await posterUrl()) ?? ''));
      const { bars } = await readBars(file, PQ_BARS.length);
      for (const [at, nits] of GREYS_NITS.entries()) near(bars[at], [plainGrey(nits, 1_000), 128, 128], 6, `${title}: ${nits} candela`);
      const [, cb = 0, cr = 0] = bars.at(-1) ?? [];
      if (title === 'pq') assert.ok(cr > 180 && cb < 128, `red: ${cr}`);
      else assert.ok(Math.abs(cr - 128) < 4 && Math.abs(cb - 128) < 4, `no colour: ${cb} ${cr}`);
    }
    const session = await start('pq', PLAIN_CLIENT);
    const wound = join(scratch, 'wound.mp4');
    await writeFile(wound, Buffer.concat([await client.init(session, PREVIEW_IFRAMES), await client.segment(session, PREVIEW_IFRAMES, 0)]));
    const { bars } = await readBars(wound, PQ_BARS.length);
    for (const [at, nits] of GREYS_NITS.entries()) near(bars[at], [plainGrey(nits, 1_000), 128, 128], 6, `wound through: ${nits} candela`);
  });

  await t.test('profile 5 goes to Dolby Vision screens by its own name and to no other, with the reason', async () => {
    const session = await start('dolby five', HDR_CLIENT, 'remux');
    const text = await playlistOf(session);
    assert.match(text, /CODECS="dvh1\.05\.01[^"]*".*VIDEO-RANGE=PQ/);
    assert.ok(!/^#EXT-X-STREAM-INF.*VIDEO-RANGE=SDR/m.test(text), 'no SDR picture is right');
    for (const about of [PLAIN_CLIENT, HDR10_CLIENT]) {
      const problem = await client.problem('POST', '/api/v1/sessions', { mediaId: world.film('dolby five').id, client: about });
      assert.equal(problem.code, 'MEDIA_UNSUPPORTED');
      assert.match(problem.detail, /dolby-vision-only/);
    }
  });

  await t.test('Dolby Vision over HDR10 is HDR10 to who knows no more', async () => {
    assert.equal((await start('dolby eight', HDR10_CLIENT, 'remux')).delivery, 'remux');
    assert.equal((await start('dolby eight', PLAIN_CLIENT)).delivery, 'transcode');
  });

  await t.test('the record knows the light that a film was made for, HDR10+, and Dolby Vision', async () => {
    const colourOf = async (title: string) => {
      const { streams } = await client.call<{ streams: { video: { colour: Record<string, unknown> }[] } }>(
        'GET',
        `/api/v1/media/${world.film(title).id}`,
      );
      return streams.video[0]?.colour;
    };
    for (const title of ['pq', 'pq in matroska']) {
      const colour = await colourOf(title);
      assert.deepEqual(colour?.contentLight, { maxNits: 1_000, averageNits: 400 });
      assert.deepEqual(colour?.mastering, {
        red: [34_000, 16_000],
        green: [13_250, 34_500],
        blue: [7_500, 3_000],
        white: [15_635, 16_450],
        maxNits: 1_000,
        minNits: 0.005,
      });
      assert.equal(colour?.hasHdr10Plus, false);
    }
    assert.equal((await colourOf('hdr ten plus'))?.hasHdr10Plus, true);
    assert.deepEqual((await colourOf('dolby in matroska'))?.dolbyVision, {
      profile: 8,
      level: 1,
      hasEnhancementLayer: false,
      compatibility: 1,
    });
  });
});
