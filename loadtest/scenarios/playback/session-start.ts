// A thousand sessions started and stopped, by delivery: starts per second, latency, and how many failed.

import type { BarChart } from '../../charts/chart.ts';
import { percentileChart } from '../../charts/percentile-chart.ts';
import { HttpClient, nowMs } from '../../client/http-client.ts';
import { LeanConnection } from '../../client/lean-connection.ts';
import { percentile } from '../../machine/statistics.ts';
import type { Remote, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Account, type StartRequest } from '../../viewers/account.ts';
import { type Delivery, openStream } from '../../viewers/viewer.ts';
import { fourMinutes } from '../../world/films.ts';
import { withServer } from '../../world/server.ts';
import { NO_CACHE } from './playback-cases.ts';

const SESSIONS = 1_000;
/** Of ten starts; the rest is direct. */
const REMUX_PART = 4;
const TRANSCODE_PART = 2;
/** Starts under way at once: a transcode takes a core for a while, the others hardly any. */
const AT_ONCE: Readonly<Record<Delivery, number>> = { direct: 8, remux: 8, transcode: 4 };
/** The distance from each start's position to the next, so that no start finds segments of the one before. */
const POSITION_STRIDE_MS = 71_300;
/** Before the end: there are segments to start with. */
const LAST_MS = 2_000;
const LOWEST_RUNG = 240;

type Started = {
  readonly delivery: Delivery;
  readonly tookS: number;
  readonly answerMs: readonly number[];
  readonly failures: readonly string[];
};

export const sessionStart: Scenario = {
  about: 'POST /sessions, 1000 of them (--sessions), by delivery, transcodes up to their first segment: starts/s, latency, failures',
  needs: ['ffmpeg'],
  allowsRemote: true,
  run: async options => {
    if (options.remote) return measure(options, options.remote);
    const film = await fourMinutes(options);
    return withServer({ films: [film], settings: NO_CACHE }, server => measure(options, server.remote));
  },
};

async function measure(options: ScenarioOptions, remote: Remote): Promise<Result> {
  const total = options.sessions ?? SESSIONS;
  const counts: Readonly<Record<Delivery, number>> = {
    direct: Math.ceil((total * (10 - REMUX_PART - TRANSCODE_PART)) / 10),
    remux: Math.floor((total * REMUX_PART) / 10),
    transcode: Math.floor((total * TRANSCODE_PART) / 10),
  };
  const account = await Account.signIn(remote);
  const [film] = await account.media();
  if (!film) throw new Error('the catalogue is empty');
  const runs: Started[] = [];
  for (const delivery of ['direct', 'remux', 'transcode'] as const) {
    options.say(`session-start: ${counts[delivery]} × ${delivery}`);
    runs.push(await startMany(account, { film, delivery, count: counts[delivery] }));
  }
  return report(runs);
}

type Many = { readonly film: { readonly id: string; readonly durationMs: number }; readonly delivery: Delivery; readonly count: number };

async function startMany(account: Account, { film, delivery, count }: Many): Promise<Started> {
  const answerMs: number[] = [];
  const failures: string[] = [];
  let next = 0;
  const startOneByOne = async (): Promise<void> => {
    const connection = new LeanConnection(account.url);
    for (let number = next++; number < count; number = next++) {
      const positionMs = (number * POSITION_STRIDE_MS) % Math.max(1, film.durationMs - LAST_MS);
      const request = { mediaId: film.id, delivery, positionMs, maxHeight: delivery === 'transcode' ? LOWEST_RUNG : 0 };
      await startOne(account, connection, request).then(
        ms => answerMs.push(ms),
        error => failures.push(String(error)),
      );
    }
    connection.close();
  };
  const startedMs = nowMs();
  await Promise.all(Array.from({ length: AT_ONCE[delivery] }, startOneByOne));
  return { delivery, tookS: (nowMs() - startedMs) / 1000, answerMs, failures };
}

/** Milliseconds of a start: its answer, for a transcode its first complete segments. The stop is not counted. */
async function startOne(account: Account, connection: LeanConnection, request: StartRequest): Promise<number> {
  const startedMs = nowMs();
  const session = await account.start(connection, request);
  try {
    if (request.delivery !== 'transcode') return nowMs() - startedMs;
    const http = new HttpClient(account.url);
    try {
      await openStream(http, { streamUrl: session.streamUrl, delivery: request.delivery, positionMs: request.positionMs });
      return nowMs() - startedMs;
    } finally {
      http.close();
    }
  } finally {
    await account.stop(connection, session);
  }
}

function report(runs: readonly Started[]): Result {
  const failures = runs.flatMap(run => run.failures);
  const total = runs.reduce((sum, { answerMs }) => sum + answerMs.length, failures.length);
  return {
    tables: [
      {
        title: `${total} sessions started and stopped, the same account`,
        columns: ['delivery', 'at once', 'started', 'failed', 'starts and stops/s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
        rows: runs.map(({ delivery, tookS, answerMs, failures }) => [
          delivery,
          AT_ONCE[delivery],
          answerMs.length,
          failures.length,
          (answerMs.length + failures.length) / tookS,
          ...[0.5, 0.95, 0.99, 1].map(part => percentile(answerMs, part)),
        ]),
      },
    ],
    aims: [{ what: `starts that failed, of ${total}`, aim: '0', measured: String(failures.length), isMet: failures.length === 0 }],
    notes: [
      'direct and remux: until POST /sessions is answered; transcode: 240p, until its first video and audio segments are complete.',
      'Each session is stopped before its connection starts the next: the rate is of both together.',
      ...[...new Set(failures)].slice(0, 5).map(failure => `failure: ${failure}`),
    ],
    charts: chartsOf(runs),
    samples: Object.fromEntries(runs.map(({ delivery, answerMs }) => [`${delivery}, ms`, answerMs])),
  };
}

/** Apart: an encode takes a hundred times as long as an answer. */
function chartsOf(runs: readonly Started[]): BarChart[] {
  const waits = runs.flatMap(({ delivery, answerMs }) => {
    if (answerMs.length === 0) return [];
    const [p50 = 0, p95 = 0, p99 = 0] = [0.5, 0.95, 0.99].map(part => percentile(answerMs, part));
    return [{ label: `${delivery}, ${AT_ONCE[delivery]} at once`, delivery, p50, p95, p99 }];
  });
  const answered = waits.filter(({ delivery }) => delivery !== 'transcode');
  const encoded = waits.filter(({ delivery }) => delivery === 'transcode');
  const charts = [
    percentileChart({ name: 'session-start', title: 'Starting a session: POST /sessions answered', reference: null }, answered),
    percentileChart(
      { name: 'session-start-transcode', title: `Starting a transcode: first segments at ${LOWEST_RUNG}p complete`, reference: null },
      encoded,
    ),
  ];
  return charts.filter(({ bars }) => bars.length > 0);
}
