// Seeks to positions that are in no buffer and no cache: from the jump until the segments there are complete, beside the same limits as `ttff`.

import { HttpClient } from '../../client/http-client.ts';
import { type Comparison, comparisonChart, comparisonSamples, comparisonTable, hundredths, p95 } from '../../load/comparison.ts';
import { median } from '../../machine/statistics.ts';
import { encodesOf } from '../../peers/bare-ffmpeg.ts';
import type { Nginx } from '../../peers/nginx.ts';
import type { Aim, Result, Scenario, ScenarioOptions, Table } from '../../scenario.ts';
import { DIRECT_BYTES, type Fetched, type Playing, type Viewer } from '../../viewers/viewer.ts';
import { BUSY_LOOPS, busyPositionMs } from '../../world/films.ts';
import { PLAIN_COMMAND, type PlaybackCase, viewersOf } from './playback-cases.ts';
import { measureRemote } from './playback-remote.ts';
import {
  type MeasuredRound,
  measureRounds,
  type PlaybackWorld,
  type Rounds,
  transcodeLimits,
  withPlaybackWorld,
} from './playback-rounds.ts';

/** Positions for one viewer; so many rounds of eight at once. */
const POSITIONS = 10;
const ROUNDS_OF_EIGHT = 3;
/** The seconds that a viewer has loaded before a jump: no one jumps while the first half second is on its way. */
const BUFFER_S = 6;

export const seek: Scenario = {
  about: 'unbuffered seeks to 10 positions, 1 and 8 viewers, direct, remux and transcode, beside nginx and bare ffmpeg',
  needs: ['ffmpeg', 'nginx'],
  allowsRemote: true,
  run: options =>
    options.remote === null ? withPlaybackWorld(options, world => measure(options, world)) : measureRemote(options, options.remote),
};

async function measure({ rounds }: ScenarioOptions, world: PlaybackWorld): Promise<Result> {
  const roundsOf = ({ viewers }: PlaybackCase): number =>
    viewers === 1 ? (rounds ?? POSITIONS) : Math.min(rounds ?? ROUNDS_OF_EIGHT, ROUNDS_OF_EIGHT);
  const { comparisons, busyShares } = await seekRounds(world, viewersOf([1, 8]), roundsOf);
  return report(comparisons, busyShares);
}

export const seekRounds = (
  world: PlaybackWorld,
  cases: readonly PlaybackCase[],
  roundsOf: (playback: PlaybackCase) => number,
): Promise<Rounds> =>
  measureRounds(world, {
    what: 'seek',
    cases,
    roundsOf,
    measureRound: (playback, number) => {
      const jumps = Array.from({ length: playback.viewers }, (_, at) => jumpOf(number + at));
      return measureRound(world, playback, jumps);
    },
  });

type Jump = { readonly fromMs: number; readonly toMs: number };

/** From one loop of the film to the next, both without other viewers: no seek finds a segment that another viewer's encode has made. */
function jumpOf(number: number): Jump {
  const loop = 2 * (number % Math.floor(BUSY_LOOPS / 2));
  return { fromMs: busyPositionMs(loop, number), toMs: busyPositionMs(loop + 1, number) };
}

/** Everybody plays already, their encodes running ahead; then all jump at once. */
async function measureRound(
  { film, viewer, mediaId, server, nginx }: PlaybackWorld,
  playback: PlaybackCase,
  jumps: readonly Jump[],
): Promise<MeasuredRound> {
  const { delivery, capabilities } = playback;
  const viewers = jumps.map(jump => ({ each: viewer.another(), ...jump }));
  const playing = await Promise.all(
    viewers.map(async ({ each, fromMs, toMs }) => ({
      each,
      toMs,
      played: await each.play({ mediaId, delivery, positionMs: fromMs, capabilities }),
    })),
  );
  await Promise.all(playing.map(({ each, played }) => each.buffer(played, BUFFER_S)));
  const sought = await Promise.all(playing.map(({ each, played, toMs }) => seekTo(each, played, toMs)));
  const commands =
    delivery === 'transcode'
      ? encodesOf(
          server.pid,
          film,
          playing.map(({ played, toMs }) => ({ video: played.video, positionMs: toMs })),
        )
      : [];
  await Promise.all(playing.map(({ played }) => viewer.stop(played.session)));
  for (const { each } of viewers) each.close();
  const product = sought.map(({ seekMs }) => seekMs);
  if (delivery === 'transcode') return { product, limits: await transcodeLimits(commands, jumps.length) };
  const folderOf = (at: number): string => `${playback.what}-${jumps[at]?.toMs}`.replaceAll(/[^\w]+/g, '-');
  return { product, limits: { nginx: await Promise.all(sought.map(({ fetched }, at) => fromNginx(nginx, fetched, folderOf(at)))) } };
}

type Sought = { readonly seekMs: number; readonly fetched: readonly (Fetched & { readonly range: string | null })[] };

async function seekTo(viewer: Viewer, playing: Playing, positionMs: number): Promise<Sought> {
  if (playing.video) {
    const { seekMs, fetched } = await viewer.seek(playing, positionMs);
    return { seekMs, fetched: fetched.map(one => ({ ...one, range: null })) };
  }
  // Where a player looks in a file of nearly constant bitrate.
  const { streamUrl, durationMs } = playing.session;
  const start = Math.floor((positionMs / durationMs) * FILM_BYTES);
  const range = `bytes=${start}-${start + DIRECT_BYTES - 1}`;
  const answer = await viewer.http.get(streamUrl, { range });
  return { seekMs: answer.lastByteAtMs - answer.sentAtMs, fetched: [{ path: streamUrl, answer, range }] };
}

/** Less than the film has, so that no range reaches past its end. */
const FILM_BYTES = 400 * 1024 * 1024;

/** The same files, or range, from nginx, over connections that are open already as the viewer's are. */
async function fromNginx(nginx: Nginx, fetched: Sought['fetched'], folder: string): Promise<number> {
  const http = new HttpClient(nginx.url);
  try {
    for (const [at, { answer, range }] of fetched.entries()) if (range === null) await nginx.publish(`${folder}/${at}`, answer.body);
    await Promise.all(fetched.map(() => http.get('/ready')));
    const startedMs = performance.now();
    await Promise.all(fetched.map(({ range }, at) => (range === null ? http.get(`/${folder}/${at}`) : http.get('/file.mp4', { range }))));
    return performance.now() - startedMs;
  } finally {
    http.close();
  }
}

const TRANSCODE_AIM = 0.8;
export const REMUX_AIM_MS = 30;

function aimOf(comparison: Comparison): Aim[] {
  const { what, limitName, rounds } = comparison;
  if (what === 'remux, 1 viewer') {
    const worstMs = p95(rounds.flatMap(({ product }) => product));
    const measured = `${worstMs.toFixed(1)} ms`;
    return [{ what: `seek, ${what}, p95`, aim: `≤ ${REMUX_AIM_MS} ms`, measured, isMet: worstMs <= REMUX_AIM_MS }];
  }
  if (!what.startsWith('transcode') || limitName !== PLAIN_COMMAND) return [];
  const ratio = p95Ratio(comparison);
  const measured = `${hundredths(ratio)}×`;
  return [{ what: `seek, ${what}, p95 against ${limitName}`, aim: `≤ ${TRANSCODE_AIM}×`, measured, isMet: ratio <= TRANSCODE_AIM }];
}

/** Of the p95 of all seeks, on both sides. */
const p95Ratio = ({ rounds }: Comparison): number =>
  p95(rounds.flatMap(({ product }) => product)) / p95(rounds.flatMap(({ limit }) => limit));

const p95Table = (comparisons: readonly Comparison[]): Table => ({
  title: 'Seek, p95',
  columns: ['what', 'samples', 'product p95 ms', 'limit', 'limit p95 ms', 'ratio'],
  rows: comparisons.map(comparison => {
    const { what, limitName, rounds } = comparison;
    const [product, limit] = [rounds.flatMap(round => round.product), rounds.flatMap(round => round.limit)];
    return [what, product.length, p95(product), limitName, p95(limit), hundredths(p95Ratio(comparison))];
  }),
});

function report(comparisons: readonly Comparison[], busyShares: readonly number[]): Result {
  return {
    tables: [comparisonTable('Seek → complete video and audio segment at the new position', comparisons), p95Table(comparisons)],
    aims: comparisons.flatMap(aimOf),
    notes: [
      `The viewer plays when it seeks, with ${BUFFER_S} s loaded: a transcode’s running encode is superseded by the seek. No seek hint is sent: the segment is just asked for.`,
      'direct: 1 MiB at the position; remux: the copied segments, up to 10.4 s and 8 MB; transcode: 720p from 1080p.',
      'The limits start when all encodes of the product are gone.',
      `Busy share of the machine just before the rounds: ${hundredths(median(busyShares))} in the median, ${hundredths(Math.max(...busyShares))} at most.`,
    ],
    charts: [comparisonChart('seek', 'Unbuffered seek: ratio to the limit beside it', comparisons)],
    samples: { ...comparisonSamples(comparisons), 'busy share before': busyShares },
  };
}
