// Segments on disk that are not in memory, many of them in turn: CPU per request beside nginx serving the same files.
import { setTimeout as delay } from 'node:timers/promises';
import { type Costs, costAim, costChart, costRatios, costSamples, costTable, measureCosts, PRODUCT } from '../../load/request-cost.ts';
import { SERVER_CORE } from '../../machine/processes.ts';
import { Nginx } from '../../peers/nginx.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { type Playing, Viewer } from '../../viewers/viewer.ts';
import { ServerMetrics } from '../../watch/prometheus.ts';
import { tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';
import { encodesHeld } from './hot-world.ts';

const ROUNDS = 5;
const LOAD = { seconds: 3, connections: 8 };
export const COLD_AIM = 1.5;
export const NGINX_FILES = 'nginx + secure_link, files';
/** Of 720p: about 9 MiB, against the 1 MiB that memory keeps. */
const SEGMENTS = 12;
const FROM_MS = 14_000;
const WRITTEN_DEADLINE_MS = 30_000;
const WRITTEN_STEP_MS = 200;
/** Memory keeps at least a segment for each connection's request, whatever its setting. */
const LEAST_MEMORY = { FERRITE_CACHE_MEMORY_BYTES: String(1024 * 1024) };

export const segmentCold: Scenario = {
  about: 'segments on disk but not in memory, 12 in turn: CPU per request beside nginx with the same files (wrk)',
  needs: ['ffmpeg', 'nginx', 'wrk', 'taskset'],
  allowsRemote: false,
  run: options => withColdWorld(options, world => measure(options, world)),
};

export type ColdWorld = { readonly server: Server; readonly nginx: Nginx; readonly segments: readonly Segment[] };

type Segment = { readonly name: string; readonly address: string; readonly body: Buffer };

export async function withColdWorld<T>(options: ScenarioOptions, work: (world: ColdWorld) => Promise<T>): Promise<T> {
  const film = await tenMinutes(options);
  return withServer({ films: [film], core: SERVER_CORE, settings: LEAST_MEMORY }, async server => {
    const viewer = await Viewer.signIn(server.remote);
    const nginx = await Nginx.start(SERVER_CORE);
    try {
      const mediaId = await viewer.firstMediaId();
      const request = { mediaId, delivery: 'transcode', positionMs: FROM_MS, capabilities: { maxHeight: 720 } } as const;
      const playing = await viewer.play(request);
      options.say(`segment-cold: encoding ${SEGMENTS} segments`);
      const segments = await fetchSegments(viewer, playing, server.remote.url);
      for (const { name, body } of segments) await nginx.publish(name, body);
      await encodesHeld(server);
      await writtenToDisk(server, segments);
      const result = await work({ server, nginx, segments });
      await viewer.stop(playing.session);
      return result;
    } finally {
      viewer.close();
      await nginx.stop();
    }
  });
}

async function fetchSegments(viewer: Viewer, { video }: Playing, url: string): Promise<Segment[]> {
  if (!video) throw new Error('a transcode has a video playlist');
  const first = video.segments.findLastIndex(({ startS }) => startS * 1000 <= FROM_MS);
  const wanted = video.segments.slice(first, first + SEGMENTS);
  const fetched: Segment[] = [];
  for (const { name } of wanted) {
    const { body } = await viewer.http.get(video.folder + name);
    fetched.push({ name, address: url + video.folder + name, body });
  }
  return fetched;
}

/** A segment still in memory because the disk has not taken it yet would not be cold. */
async function writtenToDisk({ remote }: Server, segments: readonly Segment[]): Promise<void> {
  const bytes = segments.reduce((sum, { body }) => sum + body.byteLength, 0);
  const giveUpAtMs = performance.now() + WRITTEN_DEADLINE_MS;
  while ((await ServerMetrics.read(remote.url)).sum('segment_cache_bytes', 'tier="disk"') < bytes) {
    if (performance.now() > giveUpAtMs) throw new Error('the segments did not get to the disk');
    await delay(WRITTEN_STEP_MS);
  }
}

export function coldCosts({ server, nginx, segments }: ColdWorld, { say }: Pick<ScenarioOptions, 'say'>, rounds: number): Promise<Costs> {
  const targets = [
    { name: PRODUCT, pid: server.pid, addresses: segments.map(({ address }) => address) },
    { name: NGINX_FILES, pid: nginx.pid, addresses: segments.map(({ name }) => nginx.url + nginx.signed(name)) },
  ];
  return measureCosts(targets, { ...LOAD, rounds, what: 'segment-cold', say });
}

async function measure(options: ScenarioOptions, world: ColdWorld): Promise<Result> {
  const costs = await coldCosts(world, options, options.rounds ?? ROUNDS);
  const metrics = await ServerMetrics.read(world.server.remote.url);
  const inMemory = metrics.sum('segment_cache_bytes', 'tier="memory"') / 2 ** 20;
  const total = world.segments.reduce((sum, { body }) => sum + body.byteLength, 0);
  const kibibytes = (total / world.segments.length / 1024).toFixed(0);
  return {
    tables: [costTable(`${world.segments.length} segments of ${kibibytes} KiB in turn, ${LOAD.connections} connections (wrk)`, costs)],
    aims: [costAim('a cold segment', costs, { peer: NGINX_FILES, most: COLD_AIM })],
    notes: [
      `Cold: on disk, and in the page cache of the machine, on both sides; the product held ${inMemory.toFixed(1)} of ${(total / 2 ** 20).toFixed(1)} MiB in memory at the end.`,
      `nginx has sendfile and open_file_cache; ratios are taken within each round (${costRatios(costs, NGINX_FILES).length}).`,
    ],
    samples: costSamples('cold segment', costs),
    charts: [costChart('segment-cold', 'Cold segment: CPU per request', costs)],
  };
}
