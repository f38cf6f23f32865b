// Two hundred encodes are started by a server that holds a lot of memory: the effect on the p99 of a hot playlist.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../client/http-client.ts';
import { LeanConnection } from '../../client/lean-connection.ts';
import { LOAD_CORE, moveSelf, residentBytes, SERVER_CORE, spawnOn, stopChild } from '../../machine/processes.ts';
import { quietMoment } from '../../machine/quiet.ts';
import { median, percentile } from '../../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Account } from '../../viewers/account.ts';
import { type MediaPlaylist, Viewer } from '../../viewers/viewer.ts';
import { ServerMetrics } from '../../watch/prometheus.ts';
import { takePulse } from '../../watch/pulse.ts';
import { busyPositionMs, twoHours } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';

const ROUNDS = 3;
const STARTS = 200;
const STARTS_PER_SECOND = 10;
const REQUESTS_PER_SECOND = 200;
const RESIDENT_BYTES = 1024 ** 3;
const CACHE_BYTES = 1536 * 1024 * 1024;
/** Two encodes at a time, all the time: about the CPU of the starts, without the starts. */
const BARE_ENCODES = 2;
const MAX_P99_RATIO = 1.5;
const P99_GRACE_MS = 2;
const CALM_MS = 2_000;

export const encodeStarts: Scenario = {
  about: 'p99 of a hot playlist during 200 encode starts (--sessions) of a server with 1 GB in memory, beside the same load without',
  needs: ['ffmpeg', 'taskset'],
  allowsRemote: false,
  run: async options => {
    const film = await twoHours(options);
    const settings = {
      FERRITE_CACHE_MEMORY_BYTES: String(CACHE_BYTES),
      FERRITE_CACHE_MAX_BYTES: '1',
      FERRITE_MAX_TRANSCODES: '1000',
    };
    return withServer({ films: [film], core: SERVER_CORE, settings }, async server => {
      await moveSelf(LOAD_CORE);
      try {
        return await run(options, server, film);
      } finally {
        await moveSelf(null);
      }
    });
  },
};

const STAGES = ['without', 'encode starts', 'bare ffmpeg'] as const;
type Stage = (typeof STAGES)[number];

async function run(options: ScenarioOptions, server: Server, film: string): Promise<Result> {
  const starts = options.sessions ?? STARTS;
  const seconds = starts / STARTS_PER_SECOND;
  const viewer = await Viewer.signIn(server.remote);
  const account = await Account.signIn(server.remote);
  const mediaId = await viewer.firstMediaId();
  const { session, video } = await viewer.play({ mediaId, delivery: 'remux', positionMs: 0, capabilities: {} });
  if (!video) throw new Error('a remux has a video playlist');
  options.say('encode-starts: filling the memory');
  await fill(server, account, video, RESIDENT_BYTES);
  const resident = residentBytes(server.pid);
  const paths = [`${video.folder}index.m3u8`];
  const pulse = async (): Promise<readonly number[]> => {
    const { url } = server.remote;
    const { waits, failures } = await takePulse({ url, seconds, requestsPerSecond: REQUESTS_PER_SECOND, warmUpSeconds: 0, paths });
    if (failures > 0) throw new Error(`${failures} requests of a hot playlist failed`);
    return waits[0] ?? [];
  };
  const measured: Record<Stage, number[][]> = { without: [], 'encode starts': [], 'bare ffmpeg': [] };
  const before = (await ServerMetrics.read(server.remote.url)).sum('encodes_total', 'outcome="started"');
  for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
    for (const stage of STAGES) {
      options.say(`encode-starts: ${stage}, round ${round}`);
      await delay(CALM_MS);
      await quietMoment();
      measured[stage].push([...(await withLoad(stage, { account, mediaId, film, starts, round }, pulse))]);
    }
  }
  const started = (await ServerMetrics.read(server.remote.url)).sum('encodes_total', 'outcome="started"') - before;
  await viewer.stop(session);
  viewer.close();
  return report(measured, { resident, started, starts });
}

type Load = { readonly account: Account; readonly mediaId: string; readonly film: string; readonly starts: number; readonly round: number };

async function withLoad(stage: Stage, load: Load, pulse: () => Promise<readonly number[]>): Promise<readonly number[]> {
  switch (stage) {
    case 'without':
      return pulse();
    case 'encode starts': {
      const [waits] = await Promise.all([pulse(), startMany(load)]);
      return waits;
    }
    case 'bare ffmpeg': {
      const children = Array.from({ length: BARE_ENCODES }, (_, number) => bareEncode(load.film, busyPositionMs(number, number)));
      try {
        return await pulse();
      } finally {
        await Promise.all(children.map(child => stopChild(child, 'SIGKILL')));
      }
    }
  }
}

/** Sessions at positions of their own, each ended as soon as it has started: only the start costs. */
async function startMany({ account, mediaId, starts, round }: Load): Promise<void> {
  const startedMs = nowMs();
  const one = async (number: number): Promise<void> => {
    await delay(Math.max(0, startedMs + (number * 1000) / STARTS_PER_SECOND - nowMs()));
    const connection = new LeanConnection(account.url);
    const positionMs = ((number * 2_700 + round * 900) % 560_000) + 10_000;
    const session = await account.start(connection, { mediaId, delivery: 'transcode', positionMs, maxHeight: 240 });
    await delay(1000 / STARTS_PER_SECOND);
    await account.stop(connection, session);
    connection.close();
  };
  await Promise.all(Array.from({ length: starts }, (_, number) => one(number)));
}

function bareEncode(film: string, positionMs: number): ChildProcess {
  const seek = ['-ss', String(positionMs / 1000), '-i', film, '-map', '0:v:0', '-vf', 'scale=426:240'];
  const encode = ['-c:v', 'libx264', '-preset', 'superfast', '-crf', '23', '-f', 'null', '-'];
  return spawnOn(SERVER_CORE, 'ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', ...seek, ...encode], { stdio: 'ignore' });
}

/** Segments of a copied film, until the server is as large as that. */
async function fill(server: Server, account: Account, video: MediaPlaylist, bytes: number): Promise<void> {
  const connection = new LeanConnection(account.url);
  // A segment that is requested a second time comes into memory.
  for (const { name } of video.segments.flatMap(segment => [segment, segment])) {
    if (residentBytes(server.pid) >= bytes) break;
    const { status } = await connection.send(video.folder + name);
    if (status !== 200) throw new Error(`a segment gave ${status}`);
  }
  connection.close();
}

type Facts = { readonly resident: number; readonly started: number; readonly starts: number };

function report(measured: Readonly<Record<Stage, readonly (readonly number[])[]>>, { resident, started, starts }: Facts): Result {
  const p99Of = (stage: Stage): number => median(measured[stage].map(waits => percentile(waits, 0.99)));
  const [starting, bare] = [p99Of('encode starts'), p99Of('bare ffmpeg')];
  return {
    tables: [
      {
        title: `A hot playlist, ${REQUESTS_PER_SECOND} requests a second, server with ${(resident / 2 ** 20).toFixed(0)} MiB on one core, rounds: ${measured.without.length}`,
        columns: ['beside', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms'],
        rows: STAGES.map(stage => [
          stage,
          median(measured[stage].map(waits => percentile(waits, 0.5))),
          p99Of(stage),
          median(measured[stage].map(waits => percentile(waits, 0.999))),
          Math.max(...measured[stage].flat()),
        ]),
      },
    ],
    aims: [
      {
        what: `p99 during ${starts} encode starts, against bare ffmpeg on the same core`,
        aim: `≤ ${MAX_P99_RATIO}× of ${bare.toFixed(1)} ms + ${P99_GRACE_MS} ms`,
        measured: `${starting.toFixed(1)} ms`,
        isMet: starting <= bare * MAX_P99_RATIO + P99_GRACE_MS,
      },
    ],
    notes: [
      `${started} encodes were started, ${STARTS_PER_SECOND} sessions a second, each ended after a tenth of a second.`,
      `Bare: ${BARE_ENCODES} encodes on the server's core that somebody else started: what the core's being busy costs by itself.`,
      'p99 is the median of the rounds; requests come at an even pace from a process of their own on the other core.',
    ],
    samples: Object.fromEntries(STAGES.map(stage => [`${stage}: ms`, measured[stage].flat()])),
  };
}
