// Seeking to what is in no buffer and no cache: from the jump until the segments there are complete, beside the same limits as `ttff`.
import { type Comparison, comparisonSamples, comparisonTable, hundredths, type Round, ratios } from '../comparison.ts';
import { BUSY_LOOPS, busyPositionMs, tenMinutes } from '../films.ts';
import { HttpClient } from '../http-client.ts';
import { runningEncodes, runPlainCommands, runSameCommands } from '../peers/bare-ffmpeg.ts';
import { Nginx } from '../peers/nginx.ts';
import { quietMoment } from '../quiet.ts';
import type { Aim, Result, Scenario, ScenarioOptions } from '../scenario.ts';
import { type Server, withServer } from '../server.ts';
import { median } from '../statistics.ts';
import { DIRECT_BYTES, type Fetched, type Playing, Viewer } from '../viewer.ts';
import { NO_CACHE, type PlaybackCase, SAME_COMMAND, viewersOf } from './playback-cases.ts';

/** Positions for one viewer; so many rounds of eight at once. */
const POSITIONS = 10;
const ROUNDS_OF_EIGHT = 3;

export const seek: Scenario = {
  about: 'unbuffered seeks to 10 positions, 1 and 8 viewers, direct, remux and transcode, beside nginx and bare ffmpeg',
  needs: ['ffmpeg', 'nginx'],
  allowsRemote: false,
  run: async options => {
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
  const busyShares: number[] = [];
  let number = 0;
  for (const playback of viewersOf([1, 8])) {
    const rounds = new Map<string, Round[]>();
    const count = playback.viewers === 1 ? (options.rounds ?? POSITIONS) : Math.min(options.rounds ?? ROUNDS_OF_EIGHT, ROUNDS_OF_EIGHT);
    for (let round = 1; round <= count; round++) {
      options.say(`seek: ${playback.what}, round ${round}`);
      busyShares.push(await quietMoment());
      const jumps = Array.from({ length: playback.viewers }, () => jumpOf(number++));
      const { product, limits } = await measureRound({ viewer, mediaId, server, nginx, playback, jumps });
      for (const [limitName, limit] of Object.entries(limits)) {
        rounds.set(limitName, [...(rounds.get(limitName) ?? []), { product, limit }]);
      }
    }
    for (const [limitName, list] of rounds) comparisons.push({ what: playback.what, limitName, rounds: list });
  }
  viewer.close();
  return report(comparisons, busyShares);
}

/** From a loop of the film that no other viewer is in to the next one: nobody finds what another's encode has made. */
function jumpOf(number: number): { fromMs: number; toMs: number } {
  const loop = 2 * (number % Math.floor(BUSY_LOOPS / 2));
  return { fromMs: busyPositionMs(loop, number), toMs: busyPositionMs(loop + 1, number) };
}

type RoundParts = {
  readonly viewer: Viewer;
  readonly mediaId: string;
  readonly server: Server;
  readonly nginx: Nginx;
  readonly playback: PlaybackCase;
  readonly jumps: readonly { readonly fromMs: number; readonly toMs: number }[];
};

type MeasuredRound = { readonly product: readonly number[]; readonly limits: Readonly<Record<string, readonly number[]>> };

/** Everybody plays already, their encodes running ahead; then all jump at once. */
async function measureRound({ viewer, mediaId, server, nginx, playback, jumps }: RoundParts): Promise<MeasuredRound> {
  const { delivery, capabilities } = playback;
  const viewers = jumps.map(jump => ({ each: viewer.another(), ...jump }));
  const playing = await Promise.all(
    viewers.map(async ({ each, fromMs, toMs }) => ({
      each,
      toMs,
      played: await each.play({ mediaId, delivery, positionMs: fromMs, capabilities }),
    })),
  );
  const sought = await Promise.all(playing.map(({ each, played, toMs }) => seekTo(each, played, toMs)));
  const commands = runningEncodes(server.pid);
  await Promise.all(playing.map(({ played }) => viewer.stop(played.session)));
  for (const { each } of viewers) each.close();
  const product = sought.map(({ seekMs }) => seekMs);
  if (delivery !== 'transcode') {
    return {
      product,
      limits: {
        nginx: await Promise.all(
          sought.map(({ fetched }, at) => fromNginx(nginx, fetched, `${playback.what}-${jumps[at]?.toMs}`.replaceAll(/[^\w]+/g, '-'))),
        ),
      },
    };
  }
  if (commands.length !== jumps.length) throw new Error(`${commands.length} encodes run for ${jumps.length} viewers`);
  await quietMoment();
  const same = await runSameCommands(commands);
  await quietMoment();
  return { product, limits: { [SAME_COMMAND]: same, 'ffmpeg -ss': await runPlainCommands(commands) } };
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

const TRANSCODE_AIM = 1.15;

function aimOf(comparison: Comparison): Aim[] {
  const { what, limitName } = comparison;
  if (!what.startsWith('transcode')) return [];
  const ratio = median(ratios(comparison));
  const measured = `${hundredths(ratio)}×`;
  return [{ what: `seek, ${what}, against ${limitName}`, aim: `≤ ${TRANSCODE_AIM}×`, measured, isMet: ratio <= TRANSCODE_AIM }];
}

function report(comparisons: readonly Comparison[], busyShares: readonly number[]): Result {
  return {
    tables: [comparisonTable('Seek → complete video and audio segment at the new position', comparisons)],
    aims: comparisons.flatMap(aimOf),
    notes: [
      'The viewer plays when it seeks: a transcode’s running encode is superseded by the seek. No seek hint is sent: the segment is just asked for.',
      'direct: 1 MiB at the position; remux: the copied segments, up to 10.4 s and 8 MB; transcode: 720p from 1080p.',
      'The limits start when all encodes of the product are gone.',
      `Busy share of the machine just before the rounds: ${hundredths(median(busyShares))} in the median, ${hundredths(Math.max(...busyShares))} at most.`,
    ],
    samples: { ...comparisonSamples(comparisons), 'busy share before': busyShares },
  };
}
