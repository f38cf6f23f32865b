// A line that is fast, slow, and fast again: how hls.js goes down and comes back up, beside the very same files served statically.
import { setTimeout as delay } from 'node:timers/promises';
import { ThrottledLink } from '../../client/throttled-link.ts';
import { StaticStream } from '../../peers/static-stream.ts';
import type { Cell, Result, Scenario } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { AdaptivePlayer, type PlayerConfig, type PlayerReport } from '../../watch/adaptive-player.ts';
import { ninetySeconds } from '../../world/films.ts';
import { withServer } from '../../world/server.ts';

const FAST_BPS = 20_000_000;
const FAST_MS = 10_000;
/** Below the second rung, as a title's own ladder has it, with its sound: only the lowest goes through. */
const SLOW_BPS = 450_000;
const SLOW_MS = 20_000;
const BACK_DEADLINE_MS = 45_000;
const ROUNDS = 3;

/** With the buffer of our page: as it comes it loads ten minutes of a low rung, and is at the end of the film before the line is slow. */
const PLAYERS: Readonly<Record<string, PlayerConfig>> = { 'hls.js': { maxBufferLength: 30, maxMaxBufferLength: 30 } };
const SERVERS = ['static', 'ferrite'] as const;
type ServerName = (typeof SERVERS)[number];

type Run = {
  readonly server: ServerName;
  readonly player: string;
  readonly slowAtMs: number;
  readonly fastAtMs: number;
  readonly report: PlayerReport;
};

export const abr: Scenario = {
  about: 'hls.js in Chromium through a line that is throttled and opened again, beside the same files served statically',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const film = await ninetySeconds(options);
    const files = await withServer({ films: [film] }, async ({ remote }) => {
      const viewer = await Viewer.signIn(remote);
      const session = await viewer.start({ mediaId: await viewer.firstMediaId(), ...START });
      const copy = await StaticStream.copyOf(viewer.http, session.streamUrl, options.say);
      viewer.close();
      return copy;
    });
    try {
      const runs: Run[] = [];
      for (let round = 0; round < (options.rounds ?? ROUNDS); round++) {
        for (const [player, config] of Object.entries(PLAYERS)) {
          runs.push(await watch(files.url, files.streamPath, { server: 'static', player, config }));
          runs.push(await watchFerrite(film, { player, config }));
          for (const run of runs.slice(-2)) options.say(inShort(run));
        }
      }
      return report(runs);
    } finally {
      await files.close();
    }
  },
};

const START = { delivery: 'transcode', positionMs: 0, capabilities: {} } as const;

/** A server of its own each time, so that nothing is kept from another run. */
const watchFerrite = (film: string, how: { player: string; config: PlayerConfig }): Promise<Run> =>
  withServer({ films: [film] }, async ({ remote }) => {
    const viewer = await Viewer.signIn(remote);
    const session = await viewer.start({ mediaId: await viewer.firstMediaId(), ...START });
    try {
      return await watch(remote.url, session.streamUrl, { server: 'ferrite', ...how });
    } finally {
      await viewer.stop(session);
      viewer.close();
    }
  });

async function watch(
  url: string,
  streamPath: string,
  { server, player, config }: { server: ServerName; player: string; config: PlayerConfig },
): Promise<Run> {
  const link = await ThrottledLink.open({ url, bitsPerSecond: FAST_BPS });
  const chromium = await AdaptivePlayer.open();
  try {
    await chromium.play(link.url, streamPath, config);
    await delay(FAST_MS);
    const slowAtMs = (await chromium.report()).nowMs;
    link.bitsPerSecond = SLOW_BPS;
    await delay(SLOW_MS);
    const fastAtMs = (await chromium.report()).nowMs;
    link.bitsPerSecond = FAST_BPS;
    // What is shown first may have been loaded before the line was slow.
    const isBack = ({ shown, loads, levels }: PlayerReport): boolean => {
      const back = loads.find(({ atMs, level }) => atMs > fastAtMs && level === levels.length - 1);
      return back !== undefined && shown.some(({ atMs, level }) => atMs > back.atMs && level === back.level);
    };
    const report = await chromium.until(isBack, BACK_DEADLINE_MS);
    return { server, player, slowAtMs, fastAtMs, report };
  } finally {
    await chromium.close();
    await link.close();
  }
}

/** Null: not within the time it was given. */
type Facts = {
  readonly topAtStartMs: number | null;
  readonly downMs: number | null;
  readonly lowest: number;
  readonly stallMs: number;
  readonly upMs: number | null;
  readonly upSegments: number | null;
  readonly shownMs: number | null;
  readonly switches: number;
};

function factsOf({ slowAtMs, fastAtMs, report: { loads, levels, stalls, shown } }: Run): Facts {
  const top = levels.length - 1;
  const down = loads.find(({ atMs, level }) => atMs > slowAtMs && level < top);
  const afterwards = loads.filter(({ atMs }) => atMs > fastAtMs);
  const upAt = afterwards.findIndex(({ level }) => level === top);
  const upAtMs = afterwards[upAt]?.atMs ?? Number.POSITIVE_INFINITY;
  const back = shown.find(({ atMs, level }) => atMs > upAtMs && level === top);
  return {
    topAtStartMs: loads.find(({ level }) => level === top)?.atMs ?? null,
    downMs: down ? down.atMs - slowAtMs : null,
    lowest: Math.min(...loads.filter(({ atMs }) => atMs > slowAtMs).map(({ level }) => level)),
    stallMs: stalls.reduce((sum, { ms }) => sum + ms, 0),
    upMs: upAt === -1 ? null : (afterwards[upAt]?.atMs ?? 0) - fastAtMs,
    upSegments: upAt === -1 ? null : upAt + 1,
    shownMs: back ? back.atMs - fastAtMs : null,
    switches: loads.filter(({ level }, at) => at > 0 && level !== loads[at - 1]?.level).length,
  };
}

const inShort = (run: Run): string => `${run.player}, ${run.server}: ${JSON.stringify(factsOf(run))}`;

function report(runs: readonly Run[]): Result {
  const rows: Cell[][] = Object.keys(PLAYERS).flatMap(player =>
    SERVERS.map(server => {
      const facts = runs.filter(run => run.player === player && run.server === server).map(factsOf);
      const most = (of: (facts: Facts) => number | null): Cell => {
        const values = facts.map(of);
        return values.includes(null) ? null : Math.max(...values.map(Number));
      };
      return [
        player,
        server,
        most(({ downMs }) => downMs),
        most(({ stallMs }) => stallMs),
        most(({ upSegments }) => upSegments),
        most(({ upMs }) => upMs),
        most(({ shownMs }) => shownMs),
        most(({ switches }) => switches),
      ];
    }),
  );
  const segmentsOf = (player: string, server: ServerName): readonly number[] =>
    runs.filter(run => run.player === player && run.server === server).map(run => factsOf(run).upSegments ?? Number.POSITIVE_INFINITY);
  return {
    tables: [
      {
        title: `${FAST_BPS / 1e6} Mb/s for ${FAST_MS / 1000} s, ${SLOW_BPS / 1e6} Mb/s for ${SLOW_MS / 1000} s, then ${FAST_BPS / 1e6} Mb/s again; the worst of the rounds`,
        columns: [
          'player',
          'server',
          'first lower segment after, ms',
          'stalled, ms',
          'segments until the top rung',
          'ms until it was loaded',
          'ms until it was shown',
          'switches',
        ],
        rows,
      },
    ],
    aims: Object.keys(PLAYERS).map(player => {
      const [still, ours] = SERVERS.map(server => Math.max(...segmentsOf(player, server)));
      return {
        what: `${player}: segments until the top rung is back`,
        aim: `at most one more than static (${still})`,
        measured: String(ours),
        isMet: still !== undefined && Number.isFinite(still) && ours !== undefined && ours <= still + 1,
      };
    }),
    notes: [],
    samples: Object.fromEntries(
      runs.map((run, at) => [`${at} ${run.player} ${run.server} first bytes`, run.report.loads.map(({ firstByteMs }) => firstByteMs)]),
    ),
  };
}
