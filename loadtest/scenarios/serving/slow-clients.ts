// Idle connections, slow readers, endless heads and dropped connections: their effect on one normal viewer of the product, of bare uWebSockets.js and of nginx.
import { setTimeout as delay } from 'node:timers/promises';
import { LeanConnection } from '../../client/lean-connection.ts';
import { cpuSeconds, openDescriptors, residentBytes } from '../../machine/processes.ts';
import { slowReadersThatFit, tcpMemoryPressures } from '../../machine/tcp-memory.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Crowd, type CrowdOrder } from '../../viewers/crowd.ts';
import { type Pulse, takePulse } from '../../watch/pulse.ts';
import { type Measured, reportSlowClients, type Stage } from './slow-clients-report.ts';
import { type Target, withSlowClientsWorld } from './slow-clients-world.ts';

const IDLE = 5_000;
const SLOW_READERS = 500;
const SLOW_BYTES_PER_SECOND = 50_000;
const ENDLESS_HEADS = 200;
const DROPS_PER_SECOND = 20;
const MEASURE_S = 20;
const WARM_UP_S = 1;
const REQUESTS_PER_SECOND = 100;
const SETTLE_MS = 3_000;
/** A server closes unused connections after a while. */
const GIVEN_BACK_DEADLINE_MS = 60_000;
const GIVEN_BACK_STEP_MS = 200;

export const slowClients: Scenario = {
  about:
    '5,000 idle connections, up to 500 slow readers (--sessions: a tenth of it each), endless heads, drops: a normal viewer, against bare peers',
  needs: ['ffmpeg', 'nginx', 'taskset'],
  allowsRemote: false,
  run: options => withSlowClientsWorld(options, targets => run(options, targets)),
};

type CrowdPlan = { readonly what: string; readonly ordersTo: (target: Target) => readonly CrowdOrder[] };

/** The stages, each with the crowds of the one before. */
function plansOf(idleCount: number, slowReaders: number): CrowdPlan[] {
  const idle = ({ idle: path }: Target) => ({ kind: 'idle', count: idleCount, path }) as const;
  // Half of them segments, which end and stay open; half the whole film, which never ends.
  const readers = ({ film, segment }: Target) =>
    ({ kind: 'slowReaders', count: slowReaders, paths: [film, segment], bytesPerSecond: SLOW_BYTES_PER_SECOND }) as const;
  const hostile = ({ segment }: Target): CrowdOrder[] => [
    { kind: 'endlessHeads', count: ENDLESS_HEADS },
    { kind: 'drops', perSecond: DROPS_PER_SECOND, path: segment },
  ];
  return [
    { what: 'alone', ordersTo: () => [] },
    { what: `${idleCount} idle connections`, ordersTo: target => [idle(target)] },
    { what: `and ${slowReaders} slow readers`, ordersTo: target => [idle(target), readers(target)] },
    { what: 'and endless heads and drops', ordersTo: target => [idle(target), readers(target), ...hostile(target)] },
    { what: 'all gone', ordersTo: () => [] },
  ];
}

type Measuring = { readonly target: Target; readonly seconds: number; readonly descriptorsBefore: number };

async function run(options: ScenarioOptions, targets: readonly Target[]): Promise<Result> {
  // More than fit would measure the kernel that has no memory left, not the servers.
  const slowReaders = options.sessions ?? Math.min(SLOW_READERS, slowReadersThatFit());
  const idle = options.sessions === null ? IDLE : options.sessions * (IDLE / SLOW_READERS);
  const seconds = options.minutes === null ? MEASURE_S : options.minutes * 60;
  const pressuresBefore = tcpMemoryPressures();
  const descriptors = new Map<Target, number>();
  for (const target of targets) {
    await openEverything(target);
    await takePulseOf(target, WARM_UP_S);
    descriptors.set(target, openDescriptors(target.pid));
  }
  const stages: Stage[] = [];
  for (const [number, { what, ordersTo }] of plansOf(idle, slowReaders).entries()) {
    const measured: Measured[] = [];
    // Another is first at each stage.
    for (const at of targets.keys()) {
      const target = targets[(number + at) % targets.length];
      if (!target) continue;
      options.say(`slow-clients: ${what}, ${target.name}`);
      measured.push(await measure({ target, seconds, descriptorsBefore: descriptors.get(target) ?? 0 }, ordersTo(target)));
    }
    stages.push({ what, measured: targets.flatMap(({ name }) => measured.filter(({ server }) => server === name)) });
  }
  const pressures = tcpMemoryPressures() - pressuresBefore;
  const pace = { requestsPerSecond: REQUESTS_PER_SECOND, slowBytesPerSecond: SLOW_BYTES_PER_SECOND };
  return reportSlowClients({ stages, slowReaders, pressures, ...pace });
}

/** Opens both files once beforehand: a server keeps their descriptors, which must not count as leaked connections. */
async function openEverything({ url, idle, film }: Target): Promise<void> {
  const connection = new LeanConnection(url);
  for (const path of [idle, film]) await connection.send(path, { headers: { Range: 'bytes=0-0' } });
  connection.close();
}

/** One server with a crowd of its own, which is gone when this resolves. */
async function measure({ target, seconds, descriptorsBefore }: Measuring, orders: readonly CrowdOrder[]): Promise<Measured> {
  const { name, pid } = target;
  const crowd = await Crowd.start(target.url);
  try {
    let beforeReaders: { readonly bytes: number; readonly count: number } | null = null;
    for (const order of orders) {
      if (order.kind === 'slowReaders') beforeReaders = { bytes: residentBytes(pid), count: order.count };
      await crowd.obey(order);
    }
    await delay(SETTLE_MS);
    const before = { cpuS: cpuSeconds(pid), atMs: performance.now() };
    const { waits, failures } = await takePulseOf(target, seconds);
    const serverCores = (cpuSeconds(pid) - before.cpuS) / ((performance.now() - before.atMs) / 1000);
    const [playlist = [], segment = []] = waits;
    const bytes = residentBytes(pid);
    const descriptors = openDescriptors(pid);
    const facts = await crowd.obey({ kind: 'leave' });
    return {
      server: name,
      waitsMs: { playlist, segment },
      failures,
      serverCores,
      bytes,
      descriptors,
      bytesPerReader: beforeReaders && (bytes - beforeReaders.bytes) / beforeReaders.count,
      isGivenBack: await isGivenBack(target, descriptorsBefore),
      crowd: facts,
    };
  } finally {
    await crowd.stop();
  }
}

const takePulseOf = ({ url, playlist, segment }: Target, seconds: number): Promise<Pulse> =>
  takePulse({ url, seconds, requestsPerSecond: REQUESTS_PER_SECOND, warmUpSeconds: WARM_UP_S, paths: [playlist, segment] });

/** Waits until the server has no more descriptors than before, or for the deadline. */
async function isGivenBack({ pid }: Target, descriptors: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + GIVEN_BACK_DEADLINE_MS;
  while (openDescriptors(pid) > descriptors) {
    if (performance.now() > giveUpAtMs) return false;
    await delay(GIVEN_BACK_STEP_MS);
  }
  return true;
}
