// Wild viewers against a server for a while; its memory, descriptors and encodes are sampled meanwhile.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../client/http-client.ts';
import { openDescriptors, residentBytes, startedBy } from '../machine/processes.ts';
import { slope } from '../machine/statistics.ts';
import type { Aim, Table } from '../scenario.ts';
import { type Audience, rebufferRatio } from '../viewers/audience.ts';
import type { WildViewers } from '../viewers/wild-viewers.ts';
import { isPictureEncode } from '../watch/encode-watch.ts';

const SAMPLE_MS = 5_000;
/** Growth up to this counts as flat: an allocator grows a little by itself. */
const MOST_MIB_PER_HOUR = 60;
const MOST_DESCRIPTORS_PER_HOUR = 20;
const MAX_REBUFFER_RATIO = 0.01;

export type Holding = {
  readonly atS: number;
  readonly bytes: number;
  readonly descriptors: number;
  readonly diskBytes: number;
  readonly encodes: number;
};

export class HoldingLog {
  readonly holdings: Holding[] = [];
  readonly #pid: () => number;
  readonly #cacheFolder: string;
  readonly #startedMs = nowMs();
  readonly #timer: NodeJS.Timeout;

  /** @param pid of the server, which has another after it was killed */
  constructor(pid: () => number, cacheFolder: string) {
    this.#pid = pid;
    this.#cacheFolder = cacheFolder;
    this.#timer = setInterval(() => this.look(), SAMPLE_MS);
  }

  look(): void {
    try {
      this.holdings.push(holdingOf(this.#pid(), this.#cacheFolder, (nowMs() - this.#startedMs) / 1000));
    } catch {
      // The server is away, or a process ended during the look.
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function holdingOf(pid: number, cacheFolder: string, atS: number): Holding {
  return {
    atS,
    bytes: residentBytes(pid),
    descriptors: openDescriptors(pid),
    diskBytes: bytesBelow(cacheFolder),
    encodes: startedBy(pid).filter(isPictureEncode).length,
  };
}

function bytesBelow(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
    return files.reduce((sum, { parentPath, name }) => sum + sizeOrNone(join(parentPath, name)), 0);
  } catch {
    return 0;
  }
}

/** A file may be removed while the folder is read. */
function sizeOrNone(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

/** Until the last encode has ended, or the deadline; the last holding is of that moment. */
export async function settle(log: HoldingLog, deadlineMs: number): Promise<Holding | undefined> {
  const giveUpAtMs = nowMs() + deadlineMs;
  for (;;) {
    log.look();
    const last = log.holdings.at(-1);
    if (last?.encodes === 0 || nowMs() > giveUpAtMs) return last;
    await delay(SAMPLE_MS / 5);
  }
}

/** Of the second half: the first fills caches and pools. */
export function growthPerHour(holdings: readonly Holding[], value: (holding: Holding) => number): number {
  const half = (holdings.at(-1)?.atS ?? 0) / 2;
  const points = holdings.filter(({ atS }) => atS >= half).map(holding => ({ x: holding.atS, y: value(holding) }));
  return points.length < 2 ? Number.NaN : slope(points) * 3600;
}

export function viewerTable(title: string, wild: WildViewers, audience: Audience): Table {
  const totals = audience.totals();
  const facts = audience.facts();
  const waits = audience.waits(0);
  const seeks = facts.reduce((sum, { seekMs, bufferedSeeks }) => sum + seekMs.length + bufferedSeeks, 0);
  return {
    title,
    columns: [
      'sessions',
      'refused',
      'seeks',
      'of them buffered',
      'switches',
      'hours played',
      'rebuffer %',
      'stalls',
      'retries',
      'gave up',
      'wait p50 ms',
      'p95 ms',
    ],
    rows: [
      [
        wild.facts.sessions,
        wild.facts.refusals,
        seeks,
        facts.reduce((sum, { bufferedSeeks }) => sum + bufferedSeeks, 0),
        facts.reduce((sum, { switches }) => sum + switches, 0),
        totals.playedMs / 3_600_000,
        rebufferRatio(totals) * 100,
        totals.stalls,
        facts.reduce((sum, { retries }) => sum + retries, 0),
        audience.failures().length,
        waits.p50,
        waits.p95,
      ],
    ],
  };
}

export function holdingTable(holdings: readonly Holding[]): Table {
  const places = [0, 0.25, 0.5, 0.75, 1].map(part => Math.round(part * (holdings.length - 1)));
  return {
    title: 'What the server held',
    columns: ['at s', 'MiB', 'descriptors', 'cache MiB on disk', 'encodes'],
    rows: [...new Set(places)].flatMap(at => {
      const holding = holdings[at];
      return holding ? [[holding.atS, holding.bytes / 2 ** 20, holding.descriptors, holding.diskBytes / 2 ** 20, holding.encodes]] : [];
    }),
  };
}

export function growthAims(holdings: readonly Holding[]): Aim[] {
  const memory = growthPerHour(holdings, ({ bytes }) => bytes) / 2 ** 20;
  const descriptors = growthPerHour(holdings, one => one.descriptors);
  return [
    {
      what: 'growth of memory, second half',
      aim: `≤ ${MOST_MIB_PER_HOUR} MiB an hour`,
      measured: `${memory.toFixed(1)} MiB an hour`,
      isMet: memory <= MOST_MIB_PER_HOUR,
    },
    {
      what: 'growth of descriptors, second half',
      aim: `≤ ${MOST_DESCRIPTORS_PER_HOUR} an hour`,
      measured: `${descriptors.toFixed(1)} an hour`,
      isMet: descriptors <= MOST_DESCRIPTORS_PER_HOUR,
    },
  ];
}

export function diskAim(holdings: readonly Holding[], mostBytes: number): Aim {
  const most = Math.max(...holdings.map(({ diskBytes }) => diskBytes));
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  return { what: 'cache on disk at most', aim: `≤ ${mib(mostBytes)}`, measured: mib(most), isMet: most <= mostBytes };
}

export function viewerAims(wild: WildViewers, audience: Audience): Aim[] {
  const ratio = rebufferRatio(audience.totals());
  const failures = [...wild.failures, ...audience.failures()].length;
  return [
    {
      what: 'rebuffer ratio',
      aim: `≤ ${MAX_REBUFFER_RATIO * 100} %`,
      measured: `${(ratio * 100).toFixed(2)} %`,
      isMet: ratio <= MAX_REBUFFER_RATIO,
    },
    { what: 'viewers who could not start or gave up', aim: '0', measured: String(failures), isMet: failures === 0 },
  ];
}
