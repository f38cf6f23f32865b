// How much the product encodes against bare ffmpeg, several at once; then as many viewers in real time as that should carry.
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../client/http-client.ts';
import { LeanConnection } from '../../client/lean-connection.ts';
import { descendants } from '../../machine/processes.ts';
import { quietMoment } from '../../machine/quiet.ts';
import { median, summarize } from '../../machine/statistics.ts';
import { bareThroughput, type EncodeSettings, encodeSettingsOf, type Finished, rateOf } from '../../peers/encode-throughput.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Account } from '../../viewers/account.ts';
import { Audience, rebufferRatio, type Totals, totalsSince, type Waits } from '../../viewers/audience.ts';
import { type Piece, PlaylistBook } from '../../viewers/playlist-book.ts';
import { isPictureEncode } from '../../watch/encode-watch.ts';
import { BUSY_LOOPS, busyPositionMs, tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';

const AT_ONCE = [2, 4, 6];
const ROUNDS = 3;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 20_000;
const REAL_TIME_S = 60;
const BUFFER_S = 20;
const RUNG = '480p';
const MAX_HEIGHT = 480;
const MIN_RATIO = 0.95;
const CALM_MS = 1_000;
const SETTINGS = {
  FERRITE_CACHE_MAX_BYTES: '1',
  FERRITE_CACHE_MEMORY_BYTES: String(64 * 1024 * 1024),
  FERRITE_MAX_TRANSCODES: '64',
};

export const encodeCapacity: Scenario = {
  about: '480p encodes at once beside as many bare ffmpeg (2, 4, 6; --viewers for one number), then real-time viewers up to that',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const film = await tenMinutes(options);
    return run(options, film);
  },
};

type Comparison = { readonly atOnce: number; readonly product: readonly number[]; readonly bare: readonly number[] };

type RealTime = { readonly viewers: number; readonly totals: Totals; readonly waits: Waits; readonly failures: readonly string[] };

/** A server of its own for each round: no round finds segments of an earlier one. */
const withAccount = <T>(film: string, work: (world: { server: Server; account: Account; mediaId: string }) => Promise<T>): Promise<T> =>
  withServer({ films: [film], settings: SETTINGS }, async server => {
    const account = await Account.signIn(server.remote);
    const [media] = await account.media();
    if (!media) throw new Error('the library is empty');
    return work({ server, account, mediaId: media.id });
  });

async function run(options: ScenarioOptions, film: string): Promise<Result> {
  const measureMs = options.minutes === null ? MEASURE_MS : options.minutes * 60_000;
  const comparisons: Comparison[] = [];
  let number = 0;
  for (const atOnce of options.viewers === null ? AT_ONCE : [options.viewers]) {
    const product: number[] = [];
    const bare: number[] = [];
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
      options.say(`encode-capacity: ${atOnce} at once, round ${round}`);
      // Spread over the first half, so that none comes to the end of the film.
      const positionsMs = Array.from({ length: atOnce }, (_, at) => busyPositionMs(Math.floor((at * BUSY_LOOPS) / 2 / atOnce), number++));
      const times = { positionsMs, warmUpMs: WARM_UP_MS, measureMs };
      const measured = await withAccount(film, async ({ server, account, mediaId }) => {
        await calm();
        return productThroughput(server, account, mediaId, times);
      });
      product.push(measured.throughput);
      await calm();
      bare.push(await bareThroughput(film, measured.settings, times));
    }
    comparisons.push({ atOnce, product, bare });
  }
  const capacity = Math.max(1, Math.floor(Math.max(...comparisons.map(({ bare }) => median(bare)))));
  options.say(`encode-capacity: ${capacity} viewers in real time`);
  const seconds = options.minutes === null ? REAL_TIME_S : options.minutes * 60;
  const inRealTime = await withAccount(film, async ({ account, mediaId }) => {
    await calm();
    return realTime(account, mediaId, capacity, seconds);
  });
  return report(comparisons, inRealTime, measureMs);
}

async function calm(): Promise<void> {
  await delay(CALM_MS);
  await quietMoment();
}

type Times = { readonly positionsMs: readonly number[]; readonly warmUpMs: number; readonly measureMs: number };

/** Viewers who fetch as fast as they can, each at a position of its own. */
async function productThroughput(
  server: Server,
  account: Account,
  mediaId: string,
  { positionsMs, warmUpMs, measureMs }: Times,
): Promise<{ readonly throughput: number; readonly settings: EncodeSettings }> {
  const book = new PlaylistBook();
  const startedMs = nowMs();
  const untilMs = startedMs + warmUpMs + measureMs;
  const rates: number[] = [];
  let settings: EncodeSettings | null = null;
  const fetchAll = async (positionMs: number): Promise<void> => {
    const connection = new LeanConnection(account.url);
    const session = await account.start(connection, { mediaId, delivery: 'transcode', positionMs, maxHeight: MAX_HEIGHT });
    const folder = session.streamUrl.replace(/[^/]+$/, `video/${RUNG}/`);
    const { body } = await connection.send(`${folder}index.m3u8`, { keepsBody: true });
    const finished: Finished[] = [];
    for (const { name, startS, endS } of piecesFrom(book.media(body).pieces, positionMs)) {
      const { status } = await connection.send(folder + name);
      if (status !== 200) throw new Error(`a segment gave ${status}`);
      if (nowMs() >= untilMs) break;
      if (nowMs() >= startedMs + warmUpMs) finished.push({ atMs: nowMs(), streamS: endS });
      const running = settings ? undefined : descendants(server.pid).find(isPictureEncode);
      if (running) settings = encodeSettingsOf(running.argv, endS - startS);
    }
    rates.push(rateOf(finished));
    await account.stop(connection, session);
    connection.close();
  };
  await Promise.all(positionsMs.map(fetchAll));
  if (!settings) throw new Error('no encode was seen');
  return { throughput: rates.reduce((sum, rate) => sum + rate, 0), settings };
}

const piecesFrom = (pieces: readonly Piece[], positionMs: number): readonly Piece[] =>
  pieces.slice(
    Math.max(
      0,
      pieces.findLastIndex(({ startS }) => startS * 1000 <= positionMs),
    ),
  );

async function realTime(account: Account, mediaId: string, viewers: number, seconds: number): Promise<RealTime> {
  const audience = new Audience();
  for (let viewer = 0; viewer < viewers; viewer++) {
    const positionMs = busyPositionMs(Math.floor((viewer * BUSY_LOOPS) / viewers), viewer);
    const request = { mediaId, delivery: 'transcode', positionMs, maxHeight: MAX_HEIGHT } as const;
    await audience.seat(account, { ...request, bufferTargetS: BUFFER_S, rung: RUNG, reportsCmcd: true });
  }
  const before = audience.totals();
  const startedMs = nowMs();
  await delay(seconds * 1000);
  const totals = totalsSince(before, audience.totals());
  const waits = audience.waits(startedMs);
  const failures = audience.failures();
  await audience.leaveAll();
  return { viewers, totals, waits, failures };
}

function report(comparisons: readonly Comparison[], real: RealTime, measureMs: number): Result {
  const ratiosOf = ({ product, bare }: Comparison): number[] => product.map((value, round) => value / (bare[round] ?? Number.NaN));
  const ratio = median(comparisons.map(comparison => median(ratiosOf(comparison))));
  return {
    tables: [
      {
        title: `Seconds of ${RUNG} stream encoded per second, all together, ${measureMs / 1000} s each`,
        columns: ['encodes at once', 'rounds', 'product', 'min', 'max', 'bare ffmpeg', 'min', 'max', 'product has'],
        rows: comparisons.map(comparison => {
          const product = summarize(comparison.product);
          const bare = summarize(comparison.bare);
          const has = `${median(ratiosOf(comparison)).toFixed(2)}×`;
          return [comparison.atOnce, product.count, product.median, product.min, product.max, bare.median, bare.min, bare.max, has];
        }),
      },
      {
        title: `Viewers in real time at places of their own, ${RUNG}, ${BUFFER_S} s of buffer: as many as bare ffmpeg encodes`,
        columns: ['viewers', 'rebuffer %', 'stalls', 'p50 ms', 'p95 ms', 'failures'],
        rows: [[real.viewers, rebufferRatio(real.totals) * 100, real.totals.stalls, real.waits.p50, real.waits.p95, real.failures.length]],
      },
    ],
    aims: [
      {
        what: 'what the product encodes, of bare ffmpeg',
        aim: `≥ ${MIN_RATIO}×`,
        measured: `${ratio.toFixed(2)}×`,
        isMet: ratio >= MIN_RATIO,
      },
      {
        what: `${real.viewers} viewers in real time: stalls`,
        aim: '0',
        measured: String(real.totals.stalls),
        isMet: real.totals.stalls === 0 && real.failures.length === 0,
      },
    ],
    notes: [
      'Bare: plain `ffmpeg -ss` with the encoder options of the product, keyframes as far apart as its segments are long, to a pipe.',
      'The first 3 s of each run do not count; a rate is taken from the first to the last finished segment of each encode.',
      ...[...new Set(real.failures)].slice(0, 5).map(failure => `failure: ${failure}`),
    ],
    samples: Object.fromEntries(
      comparisons.flatMap(({ atOnce, product, bare }) => [
        [`${atOnce} at once: product`, product],
        [`${atOnce} at once: bare ffmpeg`, bare],
      ]),
    ),
  };
}
