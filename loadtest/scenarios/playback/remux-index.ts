// Copied segments without ffmpeg: the index of a two-hour film read cold, and a 4 s segment once it is read.
import { setTimeout as delay } from 'node:timers/promises';
import { HttpClient } from '../../client/http-client.ts';
import { p95 } from '../../load/comparison.ts';
import { quietMoment } from '../../machine/quiet.ts';
import { median, summarize } from '../../machine/statistics.ts';
import { Nginx } from '../../peers/nginx.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { segmentAt, Viewer } from '../../viewers/viewer.ts';
import { fourSecondGops, twoHours } from '../../world/films.ts';
import { Server, ServerFolder, withServer } from '../../world/server.ts';
import { NO_CACHE } from './playback-cases.ts';

const ROUNDS = 5;
const POSITION_MS = 3_600_000;
const INDEX_AIM_MS = 60;
const SEGMENT_AIM_MS = 5;
const WARM_SEGMENTS = 140;
const WARM_UP_SEGMENTS = 20;
const METRIC_DEADLINE_MS = 10_000;
const METRIC_STEP_MS = 5;

export const remuxIndex: Scenario = {
  about: 'index of a two-hour MP4 in a fresh server, and 4 s copied segments once it is read (needs 6 GB for films)',
  needs: ['ffmpeg', 'nginx'],
  allowsRemote: false,
  run: async options => {
    const cold = await measureCold(options, await twoHours(options));
    const warm = await measureWarm(options, await fourSecondGops(options));
    return report(cold, warm);
  },
};

type Cold = {
  /** Server: the first copied segment, index included, and another one. */
  readonly firstMs: number;
  readonly secondMs: number;
  /** Client, of another fresh server: POST /sessions until its first video and audio segment. */
  readonly ttffMs: number;
};

/** Each round in a server process that has never opened the film. */
async function measureCold(options: ScenarioOptions, film: string): Promise<readonly Cold[]> {
  const folder = await ServerFolder.create([film]);
  const rounds: Cold[] = [];
  try {
    options.say('remux-index: scanning the two-hour film');
    await (await Server.start(folder, { settings: NO_CACHE })).stop();
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
      options.say(`remux-index: cold, round ${round}`);
      rounds.push({
        ...(await withFresh(folder, measureIndex)),
        ttffMs: await withFresh(folder, measureTtff),
      });
    }
  } finally {
    await folder.remove();
  }
  return rounds;
}

async function withFresh<T>(folder: ServerFolder, work: (viewer: Viewer, mediaId: string) => Promise<T>): Promise<T> {
  const server = await Server.start(folder, { settings: NO_CACHE });
  const viewer = await Viewer.signIn(server.remote);
  try {
    const mediaId = await viewer.firstMediaId();
    await quietMoment();
    return await work(viewer, mediaId);
  } finally {
    viewer.close();
    await server.stop();
  }
}

/** The session's start has its first segment made before anybody asks for it. */
async function measureIndex(viewer: Viewer, mediaId: string): Promise<Omit<Cold, 'ttffMs'>> {
  const session = await viewer.start({ mediaId, delivery: 'remux', positionMs: POSITION_MS, capabilities: {} });
  const first = await segmentMetric(viewer, 1);
  if (first.count !== 1) throw new Error(`${first.count} segments were made for one start`);
  await viewer.seekHint(session, POSITION_MS + 60_000);
  const second = await segmentMetric(viewer, 2);
  await viewer.stop(session);
  return { firstMs: first.sumMs, secondMs: second.sumMs - first.sumMs };
}

async function measureTtff(viewer: Viewer, mediaId: string): Promise<number> {
  const { times, session } = await viewer.play({ mediaId, delivery: 'remux', positionMs: POSITION_MS, capabilities: {} });
  await viewer.stop(session);
  return times.ttffMs;
}

/** What the server measured of copied video segments, init segments among them, once it has counted `count`. */
async function segmentMetric(viewer: Viewer, count: number): Promise<{ count: number; sumMs: number }> {
  const giveUpAtMs = performance.now() + METRIC_DEADLINE_MS;
  for (;;) {
    const text = await viewer.metrics();
    const seen = Number(text.match(/^remux_segment_ms_count\{rung="original"\} (\S+)/m)?.[1] ?? 0);
    const sumMs = Number(text.match(/^remux_segment_ms_sum\{rung="original"\} (\S+)/m)?.[1] ?? 0);
    if (seen >= count) return { count: seen, sumMs };
    if (performance.now() > giveUpAtMs) throw new Error('the server counted no copied segment');
    await delay(METRIC_STEP_MS);
  }
}

type Warm = {
  readonly clientMs: readonly number[];
  readonly nginxMs: readonly number[];
  readonly serverMs: readonly number[];
  readonly byteLengths: readonly number[];
};

/** One segment after another, none of them in a cache, each beside nginx with the finished file. */
async function measureWarm(options: ScenarioOptions, film: string): Promise<Warm> {
  return withServer({ films: [film], settings: NO_CACHE }, async server => {
    const nginx = await Nginx.start(null);
    const viewer = await Viewer.signIn(server.remote);
    const peer = new HttpClient(nginx.url);
    try {
      const mediaId = await viewer.firstMediaId();
      const { video, session } = await viewer.play({ mediaId, delivery: 'remux', positionMs: 0, capabilities: {} });
      if (!video) throw new Error('a remux has a video playlist');
      const warm: Warm & Record<keyof Warm, number[]> = { clientMs: [], nginxMs: [], serverMs: [], byteLengths: [] };
      options.say(`remux-index: ${WARM_SEGMENTS} segments, warm`);
      await quietMoment();
      // The init segment and the first one.
      let before = await segmentMetric(viewer, 2);
      for (let at = 1; at <= WARM_SEGMENTS; at++) {
        const { name } = segmentAt(video, at * 4_000 + 100);
        const answer = await viewer.http.get(video.folder + name);
        const after = await segmentMetric(viewer, before.count + 1);
        await nginx.publish(name, answer.body);
        const limit = await peer.get(`/${name}`);
        if (at > WARM_UP_SEGMENTS) {
          warm.clientMs.push(answer.lastByteAtMs - answer.sentAtMs);
          warm.nginxMs.push(limit.lastByteAtMs - limit.sentAtMs);
          warm.serverMs.push(after.sumMs - before.sumMs);
          warm.byteLengths.push(answer.body.byteLength);
        }
        before = after;
      }
      await viewer.stop(session);
      return warm;
    } finally {
      peer.close();
      viewer.close();
      await nginx.stop();
    }
  });
}

function report(cold: readonly Cold[], warm: Warm): Result {
  const index = summarize(cold.map(({ firstMs }) => firstMs));
  const second = summarize(cold.map(({ secondMs }) => secondMs));
  const ttff = summarize(cold.map(({ ttffMs }) => ttffMs));
  const row = (what: string, samples: readonly number[]) => [
    what,
    median(samples),
    p95(samples),
    Math.min(...samples),
    Math.max(...samples),
  ];
  return {
    tables: [
      {
        title: `Two-hour MP4 in a fresh server process, ${cold.length} rounds, file in the page cache, ms`,
        columns: ['what', 'median', 'min', 'max'],
        rows: [
          ['server: index and first segments', index.median, index.min, index.max],
          ['server: another segment', second.median, second.min, second.max],
          ['client: POST /sessions → first video and audio segment', ttff.median, ttff.min, ttff.max],
        ],
      },
      {
        title: `4 s segments of ${(median(warm.byteLengths) / 2 ** 20).toFixed(1)} MiB, warm, ${warm.clientMs.length} segments, ms`,
        columns: ['what', 'median', 'p95', 'min', 'max'],
        rows: [
          row('server: remux_segment_ms', warm.serverMs),
          row('client: request → last byte', warm.clientMs),
          row('client, from nginx with the finished file', warm.nginxMs),
        ],
      },
    ],
    aims: [
      {
        what: 'index of a two-hour MP4, cold, first segment included',
        aim: `< ${INDEX_AIM_MS} ms`,
        measured: `${index.median.toFixed(0)} ms`,
        isMet: index.median < INDEX_AIM_MS,
      },
      {
        what: '4 s segment, warm, server side, median',
        aim: `< ${SEGMENT_AIM_MS} ms`,
        measured: `${median(warm.serverMs).toFixed(1)} ms`,
        isMet: median(warm.serverMs) < SEGMENT_AIM_MS,
      },
    ],
    notes: ['The index is read when the first segment is asked for; the keyframe map and the plan come from the store and need no file.'],
    samples: {
      'cold: index and first segment ms': cold.map(({ firstMs }) => firstMs),
      'cold: POST to first segments ms': cold.map(({ ttffMs }) => ttffMs),
      'warm: server ms': warm.serverMs,
      'warm: client ms': warm.clientMs,
      'warm: nginx ms': warm.nginxMs,
    },
  };
}
