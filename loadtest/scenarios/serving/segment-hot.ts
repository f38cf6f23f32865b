// A segment that is in memory: CPU per request beside nginx with secure_link and bare uWebSockets.js. By wrk: autocannon stops at 62 MB/s on bodies over 64 KiB.
import { type Costs, costAim, costChart, costSamples, costTable, measureCosts } from '../../load/request-cost.ts';
import { type Loaded, wrk } from '../../load/wrk.ts';
import { median } from '../../machine/statistics.ts';
import type { Remote, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { type HotWorld, NGINX, withHotFiles, withHotWorld } from './hot-world.ts';

const ROUNDS = 5;
const LOAD = { seconds: 3, connections: 8 };
const AIM = 1;

export const segmentHot: Scenario = {
  about: 'a segment in memory: CPU per request beside nginx + secure_link and bare uWebSockets.js (wrk; autocannon tops out at 62 MB/s)',
  needs: ['ffmpeg', 'nginx', 'wrk', 'taskset'],
  allowsRemote: true,
  run: options =>
    options.remote === null ? withHotWorld(options, world => measure(options, world)) : measureRemote(options, options.remote),
};

export const segmentCosts = (world: HotWorld, options: Pick<ScenarioOptions, 'say'>, rounds: number): Promise<Costs> =>
  measureCosts(world.targets('segment'), { ...LOAD, rounds, what: 'segment-hot', say: options.say });

async function measure(options: ScenarioOptions, world: HotWorld): Promise<Result> {
  const costs = await segmentCosts(world, options, options.rounds ?? ROUNDS);
  const kibibytes = (world.files.segment.body.byteLength / 1024).toFixed(0);
  return {
    tables: [
      costTable(`Segment in memory, ${kibibytes} KiB, ${LOAD.connections} connections, server and load on a core each (wrk)`, costs),
    ],
    aims: [costAim('a hot segment', costs, { peer: NGINX, most: AIM })],
    notes: [
      'CPU is the whole server process, all threads; ratios are taken within each round.',
      'wrk, not autocannon: on bodies over 64 KiB autocannon is busy at 62 MB/s, long before any of these servers.',
    ],
    samples: costSamples('segment', costs),
    charts: [costChart('segment-hot', 'Hot segment: CPU per request', costs)],
  };
}

async function measureRemote(options: ScenarioOptions, remote: Remote): Promise<Result> {
  return withHotFiles(remote, 'remux', async ({ segment: { address, body } }) => {
    const rounds: Loaded[] = [];
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
      options.say(`segment-hot: round ${round}`);
      rounds.push(await wrk([address], LOAD));
    }
    const of = (field: keyof Loaded): number => median(rounds.map(one => one[field]));
    const megabytes = (of('requestsPerSecond') * body.byteLength) / 1e6;
    return {
      tables: [
        {
          title: `Segment of ${(body.byteLength / 1024).toFixed(0)} KiB, ${LOAD.connections} connections (wrk)`,
          columns: ['server', 'requests/s', 'MB/s', 'p50 ms', 'p99 ms'],
          rows: [[remote.url, Math.round(of('requestsPerSecond')), megabytes, of('p50Ms'), of('p99Ms')]],
        },
      ],
      aims: [],
      notes: ['CPU and peers need a server of the scenario’s own: leave --url out.'],
      samples: { 'requests/s': rounds.map(one => one.requestsPerSecond), 'p99 ms': rounds.map(one => one.p99Ms) },
    };
  });
}
