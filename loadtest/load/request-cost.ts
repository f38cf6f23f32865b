// CPU per request of the product and its peers: each is loaded in turn within a round, so that all of them meet the same machine.
import type { Chart, Reference } from '../charts/chart.ts';
import { times } from '../machine/format.ts';
import { cpuSeconds } from '../machine/processes.ts';
import { quietMoment } from '../machine/quiet.ts';
import { median, summarize } from '../machine/statistics.ts';
import type { Aim, Table } from '../scenario.ts';
import { type Loaded, type LoadOptions, wrk } from './wrk.ts';

export const PRODUCT = 'product';

export type Target = { readonly name: string; readonly pid: number; readonly addresses: readonly string[] };

export type Cost = Loaded & { readonly cpuUs: number };

/** By server, a cost for each round. */
export type Costs = ReadonlyMap<string, readonly Cost[]>;

type Options = LoadOptions & { readonly rounds: number; readonly what: string; readonly say: (line: string) => void };

const WARM_UP_S = 1;

export async function measureCosts(targets: readonly Target[], { rounds, what, say, ...load }: Options): Promise<Costs> {
  const costs = new Map<string, Cost[]>(targets.map(({ name }) => [name, []]));
  for (const target of targets) await costOf(target, { ...load, seconds: WARM_UP_S });
  for (let round = 1; round <= rounds; round++) {
    say(`${what}: round ${round}`);
    await quietMoment();
    for (const target of targets) costs.get(target.name)?.push(await costOf(target, load));
  }
  return costs;
}

async function costOf({ pid, addresses }: Target, load: LoadOptions): Promise<Cost> {
  const before = cpuSeconds(pid);
  const loaded = await wrk(addresses, load);
  return { ...loaded, cpuUs: ((cpuSeconds(pid) - before) * 1e6) / loaded.requests };
}

/** Within each round. */
export function costRatios(costs: Costs, peer: string): number[] {
  const peers = costs.get(peer) ?? [];
  return (costs.get(PRODUCT) ?? []).map(({ cpuUs }, round) => cpuUs / (peers[round]?.cpuUs ?? Number.NaN));
}

export function costTable(title: string, costs: Costs): Table {
  return {
    title,
    columns: ['server', 'CPU µs per request', 'min', 'max', 'requests/s', 'p50 ms', 'p99 ms', 'product takes', 'min', 'max'],
    rows: [...costs].map(([name, rounds]) => {
      const cpu = summarize(rounds.map(({ cpuUs }) => cpuUs));
      const of = (field: 'requestsPerSecond' | 'p50Ms' | 'p99Ms'): number => median(rounds.map(round => round[field]));
      const ratio = summarize(costRatios(costs, name));
      const taken = name === PRODUCT ? [null, null, null] : [times(ratio.median), times(ratio.min), times(ratio.max)];
      return [name, cpu.median, cpu.min, cpu.max, Math.round(of('requestsPerSecond')), of('p50Ms'), of('p99Ms'), ...taken];
    }),
  };
}

export function costAim(what: string, costs: Costs, { peer, most }: { peer: string; most: number }): Aim {
  const ratio = median(costRatios(costs, peer));
  return { what: `CPU of ${what}`, aim: `≤ ${most}× ${peer}`, measured: times(ratio), isMet: ratio <= most };
}

export function costChart(name: string, title: string, costs: Costs): Chart {
  const bars = [...costs].map(([label, rounds]) => {
    const { median: value, min, max } = summarize(rounds.map(({ cpuUs }) => cpuUs));
    return { label, value, min, max, isProduct: label === PRODUCT };
  });
  const peer = bars.find(({ isProduct }) => !isProduct);
  const reference: Reference | null = peer === undefined ? null : { value: peer.value, label: `1× ${peer.label}` };
  return { kind: 'bars', name, title, unit: 'µs of CPU per request', bars, reference };
}

export function costSamples(what: string, costs: Costs): Record<string, readonly number[]> {
  return Object.fromEntries(
    [...costs].flatMap(([name, rounds]) => [
      [`${what}, ${name}: CPU µs`, rounds.map(({ cpuUs }) => cpuUs)],
      [`${what}, ${name}: requests/s`, rounds.map(({ requestsPerSecond }) => requestsPerSecond)],
      [`${what}, ${name}: p99 ms`, rounds.map(({ p99Ms }) => p99Ms)],
      ...(name === PRODUCT ? [] : [[`${what}: ratio to ${name}`, costRatios(costs, name)] as const]),
    ]),
  );
}
