// A playlist that is in memory: CPU per request beside nginx with secure_link and bare uWebSockets.js, then rate and latency by autocannon.
import { type Fired, fire } from '../../load/cannon.ts';
import { type Costs, costAim, costChart, costSamples, costTable, measureCosts } from '../../load/request-cost.ts';
import { formatNumber } from '../../machine/format.ts';
import { LOAD_CORE, moveSelf } from '../../machine/processes.ts';
import { median } from '../../machine/statistics.ts';
import type { Remote, Result, Scenario, ScenarioOptions, Table } from '../../scenario.ts';
import { type HotWorld, NGINX, withHotFiles, withHotWorld } from './hot-world.ts';

const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 8;
const AIM = 1;

type FiredBy = ReadonlyMap<string, readonly Fired[]>;

export const playlist: Scenario = {
  about:
    'a playlist in memory: requests/s and latency (autocannon), CPU per request beside nginx + secure_link and bare uWebSockets.js (wrk)',
  needs: ['ffmpeg', 'nginx', 'wrk', 'taskset'],
  allowsRemote: true,
  run: options =>
    options.remote === null ? withHotWorld(options, world => measure(options, world)) : measureRemote(options, options.remote),
};

export const playlistCosts = (world: HotWorld, options: Pick<ScenarioOptions, 'say'>, rounds: number): Promise<Costs> =>
  measureCosts(world.targets('playlist'), { rounds, seconds: SECONDS, connections: CONNECTIONS, what: 'playlist', say: options.say });

async function measure(options: ScenarioOptions, world: HotWorld): Promise<Result> {
  const rounds = options.rounds ?? ROUNDS;
  const costs = await playlistCosts(world, options, rounds);
  const targets = world.targets('playlist').map(({ name, addresses }) => ({ name, address: addresses[0] ?? '' }));
  const fired = await fireInRounds(targets, rounds, options.say);
  const kibibytes = formatNumber(world.files.playlist.body.byteLength / 1024);
  const title = `Playlist in memory, ${kibibytes} KiB, ${CONNECTIONS} connections, server and load on a core each`;
  return {
    tables: [costTable(`${title} (wrk)`, costs), firedTable(`${title} (autocannon)`, fired)],
    aims: [costAim('a hot playlist', costs, { peer: NGINX, most: AIM })],
    notes: [
      'CPU is the whole server process, all threads; ratios are taken within each round.',
      'autocannon takes about three times the CPU of wrk per request: where its rate is the same for every server, it is autocannon’s own.',
    ],
    samples: { ...costSamples('playlist', costs), ...firedSamples(fired) },
    charts: [costChart('playlist', 'Hot playlist: CPU per request', costs)],
  };
}

async function measureRemote(options: ScenarioOptions, remote: Remote): Promise<Result> {
  return withHotFiles(remote, 'remux', async ({ playlist: { address, body } }) => {
    await moveSelf(LOAD_CORE);
    try {
      const fired = await fireInRounds([{ name: remote.url, address }], options.rounds ?? ROUNDS, options.say);
      const title = `Playlist of ${formatNumber(body.byteLength / 1024)} KiB, ${CONNECTIONS} connections (autocannon)`;
      const notes = ['CPU and peers need a server of the scenario’s own: leave --url out.'];
      return { tables: [firedTable(title, fired)], aims: [], notes, samples: firedSamples(fired) };
    } finally {
      await moveSelf(null);
    }
  });
}

async function fireInRounds(
  targets: readonly { name: string; address: string }[],
  rounds: number,
  say: (line: string) => void,
): Promise<FiredBy> {
  const fired = new Map<string, Fired[]>(targets.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    say(`playlist: autocannon, round ${round}`);
    for (const { name, address } of targets) fired.get(name)?.push(await fire(address, { seconds: SECONDS, connections: CONNECTIONS }));
  }
  return fired;
}

const firedTable = (title: string, fired: FiredBy): Table => ({
  title,
  columns: ['server', 'requests/s', 'p50 ms', 'p97.5 ms', 'p99 ms', 'max ms'],
  rows: [...fired].map(([name, rounds]) => {
    const of = (field: keyof Fired): number => median(rounds.map(round => round[field]));
    return [name, Math.round(of('requestsPerSecond')), of('p50Ms'), of('p97Ms'), of('p99Ms'), of('maxMs')];
  }),
});

const firedSamples = (fired: FiredBy): Record<string, readonly number[]> =>
  Object.fromEntries([...fired].map(([name, rounds]) => [`autocannon, ${name}: requests/s`, rounds.map(one => one.requestsPerSecond)]));
