// Viewers of one title at real-time pace, all on one low rung: stalls, waits for segments, and the cost for the server.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { percentileChart } from '../../charts/percentile-chart.ts';
import { nowMs } from '../../client/http-client.ts';
import { cpuSeconds, LOAD_CORE, moveSelf, residentBytes, SERVER_CORE } from '../../machine/processes.ts';
import type { Aim, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Account } from '../../viewers/account.ts';
import { Audience, rebufferRatio, type Totals, totalsSince, type Waits } from '../../viewers/audience.ts';
import { ServerMetrics } from '../../watch/prometheus.ts';
import { tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';

const VIEWERS = 2_000;
const MINUTES = 1;
const STEP_VIEWERS = 1_000;
const STEP_S = 30;
const MOST_VIEWERS = 6_000;
const JOINS_PER_SECOND = 100;
const BUFFER_S = 10;
/** The time in which the viewers who came last fill their buffers. */
const SETTLE_S = 5;
/** The lowest rung, so that neither the loopback nor this client is the limit. */
const MAX_HEIGHT = 240;
const MAX_REBUFFER_RATIO = 0.01;
const MAX_P95_MS = 50;

export const sameTitle: Scenario = {
  about: 'viewers of one title in real time (2000, then more until an aim is missed; --viewers for one number): stalls and waits',
  needs: ['ffmpeg', 'taskset'],
  allowsRemote: false,
  run: async options => {
    const film = await tenMinutes(options);
    // Capacity for all: the scenario shows that they share one encode all the same.
    const settings = { FERRITE_MAX_TRANSCODES: '10000' };
    return withServer({ films: [film], core: SERVER_CORE, settings }, async server => {
      await moveSelf(LOAD_CORE);
      try {
        return await run(options, server);
      } finally {
        await moveSelf(null);
      }
    });
  },
};

/** The waits of a number of viewers and their cost, over some seconds in which nobody joins. */
type Step = {
  readonly viewers: number;
  readonly totals: Totals;
  readonly waits: Waits;
  readonly serverCores: number;
  readonly clientCores: number;
  readonly clientLagP99Ms: number;
  readonly residentBytes: number;
  readonly megabytesPerSecond: number;
};

async function run(options: ScenarioOptions, server: Server): Promise<Result> {
  const account = await Account.signIn(server.remote);
  const [film] = await account.media();
  if (!film) throw new Error('the library is empty');
  const audience = new Audience();
  const idleBytes = residentBytes(server.pid);
  const refused: string[] = [];
  const joining = { ...options, account, audience, mediaId: film.id, refused };
  const first = options.viewers ?? VIEWERS;
  const startedAtMs = nowMs();
  await join(joining, first);
  const joined = { waits: audience.waits(startedAtMs), totals: audience.totals() };
  await delay(SETTLE_S * 1000);
  const steps = [await watch(server, audience, (options.minutes ?? MINUTES) * 60)];
  while (options.viewers === null && isGood(steps.at(-1)) && audience.seats.length < MOST_VIEWERS) {
    options.say(`same-title: ${audience.seats.length} viewers are well; ${STEP_VIEWERS} more`);
    await join(joining, STEP_VIEWERS);
    await delay(SETTLE_S * 1000);
    steps.push(await watch(server, audience, STEP_S));
  }
  const metrics = await ServerMetrics.read(server.remote.url);
  const failures = [...refused, ...audience.failures()];
  await audience.leaveAll();
  return report({ first, idleBytes, joined, steps, encodes: metrics.sum('encodes_total', 'outcome="started"'), failures });
}

type Joining = Pick<ScenarioOptions, 'say'> & {
  readonly account: Account;
  readonly audience: Audience;
  readonly mediaId: string;
  readonly refused: string[];
};

/** One after another, at an even pace: a busy evening, not a starting gun. */
async function join({ account, audience, mediaId, refused, say }: Joining, count: number): Promise<void> {
  say(`same-title: ${count} viewers join, ${JOINS_PER_SECOND} a second`);
  const startedAtMs = nowMs();
  const request = { mediaId, delivery: 'transcode', positionMs: 0, maxHeight: MAX_HEIGHT } as const;
  const watching = { bufferTargetS: BUFFER_S, rung: `${MAX_HEIGHT}p`, reportsCmcd: false } as const;
  const joins: Promise<unknown>[] = [];
  for (let number = 0; number < count; number++) {
    await delay(Math.max(0, startedAtMs + (number * 1000) / JOINS_PER_SECOND - nowMs()));
    joins.push(audience.seat(account, { ...request, ...watching }).catch(error => refused.push(String(error))));
  }
  await Promise.all(joins);
}

async function watch(server: Server, audience: Audience, seconds: number): Promise<Step> {
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  const before = { atMs: nowMs(), totals: audience.totals(), cpuS: cpuSeconds(server.pid), own: process.cpuUsage() };
  await delay(seconds * 1000);
  const tookS = (nowMs() - before.atMs) / 1000;
  const own = process.cpuUsage(before.own);
  const waits = audience.waits(before.atMs);
  lag.disable();
  return {
    viewers: audience.seats.length,
    totals: totalsSince(before.totals, audience.totals()),
    waits,
    serverCores: (cpuSeconds(server.pid) - before.cpuS) / tookS,
    clientCores: (own.user + own.system) / 1e6 / tookS,
    clientLagP99Ms: lag.percentile(99) / 1e6,
    residentBytes: residentBytes(server.pid),
    megabytesPerSecond: waits.bytes / 1e6 / tookS,
  };
}

const isGood = (step: Step | undefined): boolean =>
  step !== undefined && rebufferRatio(step.totals) <= MAX_REBUFFER_RATIO && step.waits.p95 <= MAX_P95_MS;

type Seen = {
  readonly first: number;
  readonly idleBytes: number;
  readonly joined: { readonly waits: Waits; readonly totals: Totals };
  readonly steps: readonly Step[];
  readonly encodes: number;
  readonly failures: readonly string[];
};

function report({ first, idleBytes, joined, steps, encodes, failures }: Seen): Result {
  const [aimed] = steps;
  if (!aimed) throw new Error('nothing was watched');
  const broke = steps.find(step => !isGood(step));
  return {
    tables: [
      {
        title: `Viewers of one title, ${MAX_HEIGHT}p and its sound, ${BUFFER_S} s of buffer each, server on one core, all players on the other`,
        columns: [
          'viewers',
          'rebuffer %',
          'stalls',
          'p50 ms',
          'p95 ms',
          'p99 ms',
          'MB/s',
          'server cores',
          'MiB',
          'client cores',
          'client lag p99 ms',
        ],
        rows: steps.map(step => [
          step.viewers,
          rebufferRatio(step.totals) * 100,
          step.totals.stalls,
          step.waits.p50,
          step.waits.p95,
          step.waits.p99,
          step.megabytesPerSecond,
          step.serverCores,
          step.residentBytes / 2 ** 20,
          step.clientCores,
          step.clientLagP99Ms,
        ]),
      },
      {
        title: `While the first ${first} joined, ${JOINS_PER_SECOND} a second`,
        columns: ['segments', 'p50 ms', 'p95 ms', 'p99 ms', 'stalls', 'rebuffer %'],
        rows: [
          [
            joined.waits.count,
            joined.waits.p50,
            joined.waits.p95,
            joined.waits.p99,
            joined.totals.stalls,
            rebufferRatio(joined.totals) * 100,
          ],
        ],
      },
    ],
    aims: aimsOf({ first, aimed, encodes, failures }),
    notes: [
      'A wait is from the request until the last byte of a segment, video or sound. Each viewer has a session and a connection of its own.',
      'Rebuffering is the time pictures stood still after they had begun, of the time they should have moved.',
      'Client lag is the event loop delay of the process that holds all players: where it nears the waits, the client is the limit, not the server.',
      broke
        ? `It breaks at ${broke.viewers} viewers: an aim is missed there.`
        : `No aim was missed up to ${steps.at(-1)?.viewers} viewers.`,
      `The server took ${(idleBytes / 2 ** 20).toFixed(0)} MiB before the first came.`,
      ...[...new Set(failures)].slice(0, 5).map(failure => `failure: ${failure}`),
    ],
    charts: [
      percentileChart(
        {
          name: 'same-title',
          title: `Waits for segments of one title at ${MAX_HEIGHT}p, one core`,
          reference: { value: MAX_P95_MS, label: `p95 at most ${MAX_P95_MS} ms` },
        },
        steps.map(({ viewers, waits }) => ({ label: `${viewers} viewers`, ...waits })),
      ),
    ],
    samples: Object.fromEntries(
      steps.map(({ viewers, waits, totals }) => [
        `${viewers} viewers: p50, p95, p99 ms, rebuffer ratio`,
        [waits.p50, waits.p95, waits.p99, rebufferRatio(totals)],
      ]),
    ),
  };
}

function aimsOf({ first, aimed, encodes, failures }: Pick<Seen, 'first' | 'encodes' | 'failures'> & { aimed: Step }): Aim[] {
  const ratio = rebufferRatio(aimed.totals);
  return [
    {
      what: `${first} viewers: rebuffer ratio`,
      aim: `≤ ${MAX_REBUFFER_RATIO * 100} %`,
      measured: `${(ratio * 100).toFixed(2)} %`,
      isMet: ratio <= MAX_REBUFFER_RATIO,
    },
    {
      what: `${first} viewers: p95 wait for a segment`,
      aim: `≤ ${MAX_P95_MS} ms`,
      measured: `${aimed.waits.p95.toFixed(1)} ms`,
      isMet: aimed.waits.p95 <= MAX_P95_MS,
    },
    { what: 'viewers who could not start or gave up', aim: '0', measured: String(failures.length), isMet: failures.length === 0 },
    { what: 'encodes started for one rung', aim: '1', measured: String(encodes), isMet: encodes === 1 },
  ];
}
