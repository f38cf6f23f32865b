// Time to first frame: from POST /sessions to the first complete video and audio segment, beside what ffmpeg and nginx need for the same bytes.
import { type Comparison, comparisonSamples, comparisonTable, differences, hundredths, type Round, ratios } from '../comparison.ts';
import { BUSY_LOOPS, busyPositionMs, tenMinutes } from '../films.ts';
import { runningEncodes, runPlainCommands, runSameCommands } from '../peers/bare-ffmpeg.ts';
import { Finished } from '../peers/finished-files.ts';
import { Nginx } from '../peers/nginx.ts';
import { quietMoment } from '../quiet.ts';
import type { Aim, Result, Scenario, ScenarioOptions } from '../scenario.ts';
import { type Server, withServer } from '../server.ts';
import { median } from '../statistics.ts';
import { Viewer } from '../viewer.ts';
import { NO_CACHE, type PlaybackCase, SAME_COMMAND, viewersOf } from './playback-cases.ts';
import { measureRemote } from './playback-remote.ts';

const ROUNDS = 5;

export const ttff: Scenario = {
  about: 'time to first frame, 1 and 8 viewers, direct, remux and transcode, beside nginx and bare ffmpeg',
  needs: ['ffmpeg', 'nginx'],
  allowsRemote: true,
  run: async options => {
    if (options.remote) return measureRemote(options, options.remote);
    const film = await tenMinutes(options);
    return withServer({ films: [film], settings: NO_CACHE }, async server => {
      const nginx = await Nginx.start(null);
      try {
        await nginx.publishFile('file.mp4', film);
        return await measure(options, server, nginx);
      } finally {
        await nginx.stop();
      }
    });
  },
};

async function measure(options: ScenarioOptions, server: Server, nginx: Nginx): Promise<Result> {
  const viewer = await Viewer.signIn(server.remote);
  const mediaId = await viewer.firstMediaId();
  const comparisons: Comparison[] = [];
  const answerMs: number[] = [];
  const busyShares: number[] = [];
  let position = 0;
  for (const playback of viewersOf([1, 8])) {
    const rounds = new Map<string, Round[]>();
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
      options.say(`ttff: ${playback.what}, round ${round}`);
      busyShares.push(await quietMoment());
      const positions = Array.from({ length: playback.viewers }, () => positionOf(position++));
      const measured = await measureRound({ viewer, mediaId, server, nginx, playback, positions });
      if (playback.delivery === 'transcode' && playback.viewers === 1) answerMs.push(...measured.answerMs);
      for (const [limitName, limit] of Object.entries(measured.limits)) {
        rounds.set(limitName, [...(rounds.get(limitName) ?? []), { product: measured.product, limit }]);
      }
    }
    for (const [limitName, list] of rounds) comparisons.push({ what: playback.what, limitName, rounds: list });
  }
  viewer.close();
  return report(comparisons, answerMs, busyShares);
}

/** Each viewer in a loop of the film of its own, far from the others' encodes. */
const positionOf = (number: number): number => busyPositionMs(number % BUSY_LOOPS, number);

type RoundParts = {
  readonly viewer: Viewer;
  readonly mediaId: string;
  readonly server: Server;
  readonly nginx: Nginx;
  readonly playback: PlaybackCase;
  readonly positions: readonly number[];
};

type MeasuredRound = {
  readonly product: readonly number[];
  readonly answerMs: readonly number[];
  readonly limits: Readonly<Record<string, readonly number[]>>;
};

/** All viewers start at once, the product's first; when they have stopped, the limits have the machine to themselves. */
async function measureRound({ viewer, mediaId, server, nginx, playback, positions }: RoundParts): Promise<MeasuredRound> {
  const { delivery, capabilities } = playback;
  const viewers = positions.map(positionMs => ({ each: viewer.another(), positionMs }));
  const played = await Promise.all(viewers.map(({ each, positionMs }) => each.play({ mediaId, delivery, positionMs, capabilities })));
  const commands = runningEncodes(server.pid);
  await Promise.all(played.map(({ session }) => viewer.stop(session)));
  for (const { each } of viewers) each.close();
  const product = played.map(({ times }) => times.ttffMs);
  const answerMs = played.map(({ times }) => times.answerMs);
  if (delivery === 'transcode') {
    if (commands.length !== positions.length) throw new Error(`${commands.length} encodes run for ${positions.length} viewers`);
    await quietMoment();
    const same = await runSameCommands(commands);
    await quietMoment();
    return { product, answerMs, limits: { [SAME_COMMAND]: same, 'ffmpeg -ss': await runPlainCommands(commands) } };
  }
  const finished = await Finished.publish(
    nginx,
    played.map(({ fetched }) => fetched),
  );
  return { product, answerMs, limits: { nginx: await finished.openAll(delivery, positions) } };
}

const TRANSCODE_AIM = 1.15;
const DIRECT_AIM_MS = 2;

function aimOf(comparison: Comparison): Aim[] {
  const { what, limitName } = comparison;
  if (what.startsWith('transcode')) {
    const ratio = median(ratios(comparison));
    const measured = `${hundredths(ratio)}×`;
    return [{ what: `TTFF, ${what}, against ${limitName}`, aim: `≤ ${TRANSCODE_AIM}×`, measured, isMet: ratio <= TRANSCODE_AIM }];
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
      'transcode: 720p from 1080p; the limits start when all encodes of the product are gone, and run on as long as the slowest of them.',
      `${SAME_COMMAND}: the product’s own command lines, from spawn to the last byte of the first segments on their pipes.`,
      'ffmpeg -ss: what a person would write for the same frames with the same encoder settings, from spawn to its first fragment.',
      'remux and direct: the limit is nginx with the finished files, without a session; direct is the first MiB of the file.',
      `POST /sessions alone, transcode, 1 viewer: ${median(answerMs).toFixed(1)} ms in the median.`,
      `Busy share of the machine just before the rounds: ${hundredths(median(busyShares))} in the median, ${hundredths(Math.max(...busyShares))} at most.`,
    ],
    samples: { ...comparisonSamples(comparisons), 'POST /sessions, transcode, 1 viewer': answerMs, 'busy share before': busyShares },
  };
}
