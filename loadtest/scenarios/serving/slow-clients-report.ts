// What `slow-clients` measured as tables, aims and a chart: each server by itself, and the product as a multiple of the bare one.
import type { BarChart } from '../../charts/chart.ts';
import { hundredths } from '../../load/comparison.ts';
import { PRODUCT } from '../../load/request-cost.ts';
import { percentile } from '../../machine/statistics.ts';
import type { Aim, Cell, Result, Table } from '../../scenario.ts';
import type { CrowdFacts } from '../../viewers/crowd.ts';
import { BARE } from './hot-world.ts';
import { NGINX } from './slow-clients-world.ts';

const KINDS = ['playlist', 'segment'] as const;
type Kind = (typeof KINDS)[number];

/** The normal viewer of one server at one stage, and what the server held meanwhile. */
export type Measured = {
  readonly server: string;
  readonly waitsMs: Readonly<Record<Kind, readonly number[]>>;
  readonly failures: number;
  readonly serverCores: number;
  readonly bytes: number;
  readonly descriptors: number;
  /** By how much it has grown since the slow readers came, for each of them; null: there were none. */
  readonly bytesPerReader: number | null;
  /** It had no more descriptors than at first soon after all had left. */
  readonly isGivenBack: boolean;
  readonly crowd: CrowdFacts;
};

export type Stage = { readonly what: string; readonly measured: readonly Measured[] };

export type Seen = {
  readonly stages: readonly Stage[];
  readonly slowReaders: number;
  /** How often the machine ran short of memory for TCP meanwhile. */
  readonly pressures: number;
  readonly requestsPerSecond: number;
  readonly slowBytesPerSecond: number;
};

/** What a part of the waits stays below, and why a ratio alone does not say it: where both take a fraction of a millisecond, a timer decides. */
type Bound = { readonly name: string; readonly part: number; readonly graceMs: number };

/**
 * A hot answer takes the product the CPU of a bare one (`playlist`, `segment-hot`), and what a crowd costs is the same library's work for both.
 * Half as much again leaves room for deciding on the token, for a heap that is collected, and for reading a copied segment out of its film.
 */
const MAX_RATIO = 1.5;
const BOUNDS: readonly Bound[] = [
  { name: 'p50', part: 0.5, graceMs: 0.1 },
  { name: 'p99', part: 0.99, graceMs: 1 },
];
/** The product beside all of them against itself alone. */
const MAX_P99_OF_ALONE = 2;
const P99_OF_ALONE_GRACE_MS = 2;
const MAX_BYTES_PER_READER = 1_000_000;

export function reportSlowClients(seen: Seen): Result {
  const { stages, slowReaders, pressures, requestsPerSecond, slowBytesPerSecond } = seen;
  const ofProduct = stages.map(stage => of(stage, PRODUCT));
  const sum = (value: (one: CrowdFacts) => number): number => ofProduct.reduce((total, { crowd }) => total + value(crowd), 0);
  return {
    tables: [absoluteTable(seen), ratioTable(stages)],
    aims: aimsOf(seen, ofProduct),
    notes: [
      'Each server meets its own crowd at each stage, one after the other; the crowd is the same and runs at nice 19, the normal viewer is a process of its own at nice 0 on the same core.',
      `Slow readers take ${slowBytesPerSecond / 1000} KB/s each, half of them a segment, half a whole film; what the kernel buffers for a connection is not the server's memory.`,
      `Those of the product read ${(sum(one => one.bytesRead) / 1e6).toFixed(0)} MB; ${sum(one => one.dropped)} connections were dropped in the middle; it ended ${sum(one => one.closedByServer)} by itself, idle and endless ones; ${sum(one => one.failures)} could not be made.`,
      'Bare uWebSockets.js answers from memory, keeps slow readers as the product does and decides on nothing; nginx sends files and gives up idle connections and endless heads after 10 s, as uWebSockets.js does.',
      `The kernel ran short of memory for TCP ${pressures} times: beside such a stage every server's connections wait for retransmissions.`,
      `The product's segment is copied out of the film as it is sent. ${slowReaders} slow readers, ${requestsPerSecond} requests a second.`,
    ],
    samples: Object.fromEntries(
      stages.flatMap(({ what, measured }) =>
        measured.flatMap(({ server, waitsMs }) => KINDS.map(kind => [`${what}: ${server}, ${kind} ms`, waitsMs[kind]] as const)),
      ),
    ),
    charts: [chartOf(stages)],
  };
}

function of({ what, measured }: Stage, server: string): Measured {
  const found = measured.find(one => one.server === server);
  if (!found) throw new Error(`${server} was not measured ${what}`);
  return found;
}

const wait = ({ waitsMs }: Measured, kind: Kind, part: number): number => percentile(waitsMs[kind], part);

const ratio = (stage: Stage, server: string, kind: Kind, part: number): number =>
  wait(of(stage, server), kind, part) / wait(of(stage, BARE), kind, part);

function absoluteTable({ stages, requestsPerSecond }: Seen): Table {
  return {
    title: `A normal viewer, ${requestsPerSecond} requests a second, playlist and segment in turn; each server on one core, one at a time`,
    columns: [
      'beside',
      'server',
      'playlist p50 ms',
      'p99 ms',
      'segment p50 ms',
      'p99 ms',
      'failures',
      'server cores',
      'MiB',
      'descriptors',
      'KB per reader',
    ],
    rows: stages.flatMap(({ what, measured }) =>
      measured.map(one => [
        what,
        one.server,
        ...KINDS.flatMap(kind => [0.5, 0.99].map(part => wait(one, kind, part))),
        one.failures,
        one.serverCores,
        one.bytes / 2 ** 20,
        one.descriptors,
        one.bytesPerReader === null ? null : one.bytesPerReader / 1000,
      ]),
    ),
  };
}

function ratioTable(stages: readonly Stage[]): Table {
  const columns = [PRODUCT, NGINX].flatMap(server => KINDS.flatMap(kind => BOUNDS.map(({ name }) => `${server}: ${kind} ${name}`)));
  const ratios = (stage: Stage, server: string): Cell[] =>
    KINDS.flatMap(kind => BOUNDS.map(({ part }) => hundredths(ratio(stage, server, kind, part))));
  return {
    title: `As a multiple of ${BARE} beside the same crowd`,
    columns: ['beside', ...columns],
    rows: stages.map(stage => [stage.what, ...ratios(stage, PRODUCT), ...ratios(stage, NGINX)]),
  };
}

function aimsOf({ stages, slowReaders }: Seen, ofProduct: readonly Measured[]): Aim[] {
  const failures = ofProduct.reduce((sum, one) => sum + one.failures, 0);
  const bytesPerReader = ofProduct.find(one => one.bytesPerReader !== null)?.bytesPerReader ?? Number.NaN;
  const kept = ofProduct.filter(({ isGivenBack }) => !isGivenBack).length;
  return [
    ...KINDS.flatMap(kind => BOUNDS.map(bound => ratioAim(stages, kind, bound))),
    ...KINDS.map(kind => againstAlone(ofProduct, kind)),
    { what: 'requests of the normal viewer that failed', aim: '0', measured: String(failures), isMet: failures === 0 },
    {
      what: `memory of a slow reader (${slowReaders})`,
      aim: `≤ ${MAX_BYTES_PER_READER / 1000} KB`,
      measured: `${(bytesPerReader / 1000).toFixed(0)} KB`,
      isMet: bytesPerReader <= MAX_BYTES_PER_READER,
    },
    { what: 'stages after which descriptors were kept', aim: '0', measured: String(kept), isMet: kept === 0 },
  ];
}

function ratioAim(stages: readonly Stage[], kind: Kind, { name, part, graceMs }: Bound): Aim {
  const isWithin = (stage: Stage): boolean =>
    wait(of(stage, PRODUCT), kind, part) <= wait(of(stage, BARE), kind, part) * MAX_RATIO + graceMs;
  return {
    what: `${name} of a hot ${kind} against ${BARE}, stage by stage`,
    aim: `≤ ${MAX_RATIO}× + ${graceMs} ms`,
    measured: stages.map(stage => `${hundredths(ratio(stage, PRODUCT, kind, part))}×${isWithin(stage) ? '' : ' (too much)'}`).join(', '),
    isMet: stages.every(isWithin),
  };
}

function againstAlone(ofProduct: readonly Measured[], kind: Kind): Aim {
  const [alone] = ofProduct;
  const worst = ofProduct.at(-2);
  if (!alone || !worst) throw new Error('stages are missing');
  const [without, beside] = [wait(alone, kind, 0.99), wait(worst, kind, 0.99)];
  return {
    what: `p99 of a hot ${kind} beside all of them`,
    aim: `≤ ${MAX_P99_OF_ALONE}× of ${without.toFixed(1)} ms + ${P99_OF_ALONE_GRACE_MS} ms`,
    measured: `${beside.toFixed(1)} ms`,
    isMet: beside <= without * MAX_P99_OF_ALONE + P99_OF_ALONE_GRACE_MS,
  };
}

function chartOf(stages: readonly Stage[]): BarChart {
  const bars = KINDS.flatMap(kind =>
    stages.map(stage => {
      const value = ratio(stage, PRODUCT, kind, 0.99);
      return { label: `${kind}, ${stage.what}`, value, min: value, max: value, isProduct: true };
    }),
  );
  const title = `Beside slow clients: p99 of a normal viewer, product to ${BARE}`;
  return { kind: 'bars', name: 'slow-clients', title, unit: `× ${BARE}`, bars, reference: { value: 1, label: '1×' } };
}
