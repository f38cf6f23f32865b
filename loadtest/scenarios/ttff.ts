// Time to first frame: from POST /sessions to the first complete video and audio segment, beside what ffmpeg and nginx need for the same bytes.
import { type Comparison, comparisonSamples, comparisonTable, hundredths, type Round, ratios } from '../comparison.ts';
import { busyPositionMs, fiveMinutes } from '../films.ts';
import { runningEncodes, runPlainCommands, runSameCommands } from '../peers/bare-ffmpeg.ts';
import { Finished } from '../peers/finished-files.ts';
import { Nginx } from '../peers/nginx.ts';
import { quietMoment } from '../quiet.ts';
import type { Result, Scenario, ScenarioOptions } from '../scenario.ts';
import { type Server, withServer } from '../server.ts';
import { median } from '../statistics.ts';
import { type Delivery, Viewer } from '../viewer.ts';

const ROUNDS = 5;
const VIEWERS = [1, 8];
const MAX_HEIGHT = 720;
/** Small enough that no round finds what an earlier one left. */
export const NO_CACHE = { FERRITE_CACHE_MAX_BYTES: '1', FERRITE_CACHE_MEMORY_BYTES: String(1024 * 1024) };

export const ttff: Scenario = {
  about: 'time to first frame, 1 and 8 viewers, direct, remux and transcode, beside nginx and bare ffmpeg',
  needs: ['ffmpeg', 'nginx'],
  allowsRemote: false,
  run: async options => {
    const film = await fiveMinutes(options);
    const settings = { ...NO_CACHE, FERRITE_MAX_TRANSCODES: '16' };
    return withServer({ films: [film], settings }, async server => {
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
  const [media] = await viewer.media();
  if (!media) throw new Error('the library is empty');
  const comparisons: Comparison[] = [];
  const answerMs: number[] = [];
  const busyShares: number[] = [];
  let position = 0;
  for (const viewers of VIEWERS) {
    for (const delivery of ['direct', 'remux', 'transcode'] as const) {
      const rounds: Record<string, Round[]> = {};
      for (let round = 0; round < (options.rounds ?? ROUNDS); round++) {
        options.say(`ttff: ${delivery}, ${viewers} viewers, round ${round + 1}`);
        busyShares.push(await quietMoment());
        const positions = Array.from({ length: viewers }, () => busyPositionMs(position++));
        const one = await measureRound({ viewer, mediaId: media.id, server, nginx, delivery, positions });
        if (delivery === 'transcode' && viewers === 1) answerMs.push(...one.answerMs);
        for (const [limitName, limit] of Object.entries(one.limits)) (rounds[limitName] ??= []).push({ product: one.product, limit });
      }
      for (const [limitName, list] of Object.entries(rounds)) {
        comparisons.push({ what: `${delivery}, ${viewers} viewer${viewers > 1 ? 's' : ''}`, limitName, rounds: list });
      }
    }
  }
  viewer.close();
  return report(comparisons, answerMs, busyShares);
}

type RoundParts = {
  readonly viewer: Viewer;
  readonly mediaId: string;
  readonly server: Server;
  readonly nginx: Nginx;
  readonly delivery: Delivery;
  readonly positions: readonly number[];
};

type MeasuredRound = {
  readonly product: readonly number[];
  readonly answerMs: readonly number[];
  readonly limits: Readonly<Record<string, readonly number[]>>;
};

/** All viewers start at once, the product's first; when they have stopped, the limits have the machine to themselves. */
async function measureRound({ viewer, mediaId, server, nginx, delivery, positions }: RoundParts): Promise<MeasuredRound> {
  const viewers = positions.map(() => viewer.another());
  const played = await Promise.all(
    viewers.map((each, at) => each.play({ mediaId, delivery, positionMs: positions[at] ?? 0, maxHeight: MAX_HEIGHT_OF[delivery] })),
  );
  const commands = delivery === 'transcode' ? runningEncodes(server.pid) : [];
  await Promise.all(viewers.map((each, at) => played[at] && each.stop(played[at].session)));
  for (const each of viewers) each.close();
  const product = played.map(({ times }) => times.ttffMs);
  const answerMs = played.map(({ times }) => times.answerMs);
  if (delivery === 'transcode') {
    if (commands.length !== positions.length) throw new Error(`${commands.length} encodes run for ${positions.length} viewers`);
    await quietMoment();
    const same = await runSameCommands(commands);
    await quietMoment();
    const plain = await runPlainCommands(commands);
    return { product, answerMs, limits: { 'same ffmpeg command': same, 'ffmpeg -ss': plain } };
  }
  const finished = await Finished.publish(
    nginx,
    played.map(({ fetched }) => fetched),
  );
  const limit = await finished.openAll(delivery, positions);
  return { product, answerMs, limits: { nginx: limit } };
}

const MAX_HEIGHT_OF: Readonly<Record<Delivery, number>> = { direct: 0, remux: 0, transcode: MAX_HEIGHT };

const TRANSCODE_AIM = 1.15;
const DIRECT_AIM_MS = 2;

function report(comparisons: readonly Comparison[], answerMs: readonly number[], busyShares: readonly number[]): Result {
  const transcodes = comparisons.filter(({ what }) => what.startsWith('transcode'));
  const aims = transcodes.map(comparison => {
    const ratio = median(ratios(comparison));
    return {
      what: `TTFF, ${comparison.what}, against ${comparison.limitName}`,
      aim: `≤ ${TRANSCODE_AIM}×`,
      measured: `${hundredths(ratio)}×`,
      isMet: ratio <= TRANSCODE_AIM,
    };
  });
  const directs = comparisons
    .filter(({ what }) => what === 'direct, 1 viewer')
    .map(({ rounds, what }) => {
      const over = median(rounds.map(({ product, limit }) => median(product) - median(limit)));
      return {
        what: `TTFF, ${what}, session start included`,
        aim: `nginx + ${DIRECT_AIM_MS} ms`,
        measured: `+ ${over.toFixed(1)} ms`,
        isMet: over <= DIRECT_AIM_MS,
      };
    });
  return {
    tables: [comparisonTable('POST /sessions → first complete video and audio segment', comparisons)],
    aims: [...directs, ...aims],
    notes: [
      'Each round starts at other positions, all at +14 s or later of the sample; nothing is found in a cache.',
      'transcode: 720p from 1080p; the limits start when all product encodes are gone, and run on as long as the slowest of them.',
      'same ffmpeg command: the product’s own command line, from spawn to the last byte of the first segment on a pipe.',
      'ffmpeg -ss: what a person would write for the same frames with the same encoder settings, from spawn to its first fragment.',
      'remux and direct: the limit is nginx with the finished files, without a session; direct is the first MiB of the file.',
      `POST /sessions alone, transcode, 1 viewer: ${median(answerMs).toFixed(1)} ms in the median.`,
      `Busy share of the machine just before the rounds: ${hundredths(median(busyShares))} in the median, ${hundredths(Math.max(...busyShares))} at most.`,
    ],
    samples: { ...comparisonSamples(comparisons), 'POST /sessions, transcode, 1 viewer': answerMs, 'busy share before': busyShares },
  };
}
