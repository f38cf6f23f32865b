// Time to first frame: from POST /sessions to the first complete video and audio segment, beside ffmpeg and nginx with the same bytes.
import {
  type Comparison,
  comparisonChart,
  comparisonSamples,
  comparisonTable,
  differences,
  hundredths,
  ratios,
} from '../../load/comparison.ts';
import { median } from '../../machine/statistics.ts';
import { encodesOf } from '../../peers/bare-ffmpeg.ts';
import { Finished } from '../../peers/finished-files.ts';
import type { Aim, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { lookedForAtMs } from '../../viewers/viewer.ts';
import { BUSY_LOOPS, busyPositionMs } from '../../world/films.ts';
import { PLAIN_COMMAND, type PlaybackCase, SAME_COMMAND, viewersOf } from './playback-cases.ts';
import { measureRemote } from './playback-remote.ts';
import {
  type MeasuredRound,
  measureRounds,
  type PlaybackWorld,
  type Rounds,
  transcodeLimits,
  withPlaybackWorld,
} from './playback-rounds.ts';

const ROUNDS = 5;

export const ttff: Scenario = {
  about: 'time to first frame, 1 and 8 viewers, direct, remux and transcode, beside nginx and bare ffmpeg',
  needs: ['ffmpeg', 'nginx'],
  allowsRemote: true,
  run: options =>
    options.remote === null ? withPlaybackWorld(options, world => measure(options, world)) : measureRemote(options, options.remote),
};

async function measure(options: ScenarioOptions, world: PlaybackWorld): Promise<Result> {
  const answerMs: number[] = [];
  const { comparisons, busyShares } = await ttffRounds(world, { cases: viewersOf([1, 8]), rounds: options.rounds ?? ROUNDS, answerMs });
  return report(comparisons, answerMs, busyShares);
}

type TtffOptions = {
  readonly cases: readonly PlaybackCase[];
  readonly rounds: number;
  /** Gets the milliseconds of POST /sessions of each lone transcode. */
  readonly answerMs: number[];
};

export const ttffRounds = (world: PlaybackWorld, { cases, rounds, answerMs }: TtffOptions): Promise<Rounds> =>
  measureRounds(world, {
    what: 'ttff',
    cases,
    roundsOf: () => rounds,
    measureRound: async (playback, number) => {
      const positions = Array.from({ length: playback.viewers }, (_, at) => positionOf(number + at));
      const measured = await measureRound(world, playback, positions);
      if (playback.delivery === 'transcode' && playback.viewers === 1) answerMs.push(...measured.answerMs);
      return measured;
    },
  });

/** Each viewer in a loop of the film of its own, far from the others' encodes. */
const positionOf = (number: number): number => busyPositionMs(number % BUSY_LOOPS, number);

/** All viewers start at once, the product's first; when they have stopped, the limits have the machine to themselves. */
async function measureRound(
  { film, viewer, mediaId, server, nginx }: PlaybackWorld,
  { delivery, capabilities }: PlaybackCase,
  positions: readonly number[],
): Promise<MeasuredRound & { readonly answerMs: readonly number[] }> {
  const viewers = positions.map(positionMs => ({ each: viewer.another(), positionMs }));
  const played = await Promise.all(viewers.map(({ each, positionMs }) => each.play({ mediaId, delivery, positionMs, capabilities })));
  const commands =
    delivery === 'transcode'
      ? encodesOf(
          server.pid,
          film,
          played.map(({ video }, at) => ({ video, positionMs: positions[at] ?? 0 })),
        )
      : [];
  await Promise.all(played.map(({ session }) => viewer.stop(session)));
  for (const { each } of viewers) each.close();
  const product = played.map(({ times }) => times.ttffMs);
  const answerMs = played.map(({ times }) => times.answerMs);
  if (delivery === 'transcode') return { product, answerMs, limits: await transcodeLimits(commands, positions.length) };
  const finished = await Finished.publish(
    nginx,
    played.map(({ fetched }) => fetched),
  );
  return {
    product,
    answerMs,
    limits: {
      nginx: await finished.openAll(
        delivery,
        played.map(({ session }) => lookedForAtMs(session)),
      ),
    },
  };
}

/** The aim is against the plain command; the product's own ffmpeg command bounds only the server's part. */
const TRANSCODE_AIM = 0.6;
const DIRECT_AIM_MS = 2;

function aimOf(comparison: Comparison): Aim[] {
  const { what, limitName } = comparison;
  if (what.startsWith('transcode')) {
    if (limitName !== PLAIN_COMMAND) return [];
    const ratio = median(ratios(comparison));
    const aim = `≤ ${TRANSCODE_AIM}×`;
    return [{ what: `TTFF, ${what}, against ${limitName}`, aim, measured: `${hundredths(ratio)}×`, isMet: ratio <= TRANSCODE_AIM }];
  }
  if (what !== 'direct, 1 viewer') return [];
  const overMs = median(differences(comparison));
  const aim = `nginx + ${DIRECT_AIM_MS} ms`;
  return [{ what: 'TTFF, direct, session start included', aim, measured: `+ ${overMs.toFixed(1)} ms`, isMet: overMs <= DIRECT_AIM_MS }];
}

function report(comparisons: readonly Comparison[], answerMs: readonly number[], busyShares: readonly number[]): Result {
  return {
    tables: [comparisonTable('POST /sessions → first complete video and audio segment', comparisons)],
    aims: comparisons.flatMap(aimOf),
    notes: [
      'Each round starts at other positions, all at +14 s or later of the sample; nothing is found in a cache.',
      'transcode: 720p from 1080p. The first segment is a half second that is shown while the rest of its two seconds is made; the limits make both. The limits start when all encodes of the product are gone, and run on as long as the slowest of them.',
      `${SAME_COMMAND}: the product’s own filters and encoder settings with \`-ss\` on the file, from spawn to the last byte of the first segments on their pipes.`,
      'ffmpeg -ss: what a person would write for the same frames with the same encoder settings, from spawn to its first fragment.',
      'remux and direct: the limit is nginx with the finished files, without a session; direct is the first MiB of the file.',
      `POST /sessions alone, transcode, 1 viewer: ${median(answerMs).toFixed(1)} ms in the median.`,
      `Busy share of the machine just before the rounds: ${hundredths(median(busyShares))} in the median, ${hundredths(Math.max(...busyShares))} at most.`,
    ],
    charts: [comparisonChart('ttff', 'Time to first frame: ratio to the limit beside it', comparisons)],
    samples: { ...comparisonSamples(comparisons), 'POST /sessions, transcode, 1 viewer': answerMs, 'busy share before': busyShares },
  };
}
