// Many starts at once on a server that can encode few: no error before the timeout, grants shared evenly between users, a clear refusal after it.
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../client/http-client.ts';
import { LeanConnection } from '../../client/lean-connection.ts';
import { percentile } from '../../machine/statistics.ts';
import type { Aim, Result, Scenario } from '../../scenario.ts';
import { Account, Refused } from '../../viewers/account.ts';
import type { Started } from '../../viewers/viewer.ts';
import { ServerMetrics } from '../../watch/prometheus.ts';
import { SAMPLE_480P } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';

const STARTS = 200;
const USERS = 20;
const CAPACITY = 4;
/** A granted session is given back after so long, so that all get their turn. */
const HOLD_MS = 250;
/** Until the whole burst waits in the queue. */
const QUEUED_MS = 1_500;
const LONG_TIMEOUT_MS = 110_000;
const SHORT_TIMEOUT_MS = 3_000;
/** How early a timer may fire. */
const CLOCK_GRACE_MS = 20;
/** One user is always a grant ahead of another, the one who is first; answers to grants of the same moment may overtake each other. */
const MAX_SPREAD = 2;
const SERVER_ERROR = 500;

export const burstAdmission: Scenario = {
  about: '200 starts by 20 users at once where 4 can transcode (--sessions): errors, fairness, waits, and what comes after the timeout',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const starts = options.sessions ?? STARTS;
    const withTimeout = <T>(timeoutMs: number, work: (server: Server) => Promise<T>): Promise<T> =>
      withServer({ films: [SAMPLE_480P], copies: starts + CAPACITY, settings: settings(timeoutMs) }, work);
    options.say(`burst-admission: ${starts} starts, patient`);
    const patient = await withTimeout(LONG_TIMEOUT_MS, server => burst(server, starts, HOLD_MS));
    options.say(`burst-admission: ${starts} starts, nobody ends`);
    const impatient = await withTimeout(SHORT_TIMEOUT_MS, server => burst(server, starts, null));
    return report(starts, patient, impatient);
  },
};

const settings = (timeoutMs: number) => ({
  FERRITE_MAX_TRANSCODES: String(CAPACITY),
  FERRITE_ADMISSION_TIMEOUT_MS: String(timeoutMs),
  // No start finds segments that another has encoded.
  FERRITE_CACHE_MAX_BYTES: '1',
});

type Outcome = {
  readonly user: number;
  /** Since the burst began. */
  readonly atMs: number;
  readonly waitMs: number;
  readonly status: number;
  readonly retryAfterS: number | null;
};

type Burst = { readonly outcomes: readonly Outcome[]; readonly mostOpen: number; readonly queued: number };

/** @param holdMs how long a grant is kept; null: until the burst is over */
async function burst({ remote }: Server, starts: number, holdMs: number | null): Promise<Burst> {
  const admin = await Account.signIn(remote);
  const users = await admin.createViewers(USERS);
  const films = await admin.media();
  // A film for each start: where another session's encode is, or has been, a start needs no grant.
  const requestAt = (number: number) => {
    const film = films[number];
    if (!film) throw new Error(`the library has ${films.length} films, too few for ${starts} starts`);
    return { mediaId: film.id, delivery: 'transcode', positionMs: 0, maxHeight: 240 } as const;
  };
  // The whole capacity is granted, so that every start of the burst has to wait and the order is the queue's.
  const occupied = await Promise.all(Array.from({ length: CAPACITY }, (_, number) => open(admin, requestAt(number))));
  const startedAtMs = nowMs();
  const opened: { connection: LeanConnection; account: Account; session: Started }[] = [];
  let openNow = 0;
  let mostOpen = 0;
  const one = async (number: number): Promise<Outcome> => {
    // The first user asks for all of theirs before the second begins.
    const user = Math.floor((number * USERS) / starts);
    const account = users[user];
    if (!account) throw new Error('there is no such user');
    const sentAtMs = nowMs();
    const outcome = (status: number, retryAfterS: number | null): Outcome => {
      return { user, atMs: nowMs() - startedAtMs, waitMs: nowMs() - sentAtMs, status, retryAfterS };
    };
    const connection = new LeanConnection(account.url);
    try {
      const session = await account.start(connection, requestAt(number + CAPACITY));
      const granted = outcome(201, null);
      mostOpen = Math.max(mostOpen, ++openNow);
      if (holdMs === null) {
        opened.push({ connection, account, session });
        return granted;
      }
      await delay(holdMs);
      openNow--;
      await account.stop(connection, session);
      connection.close();
      return granted;
    } catch (error) {
      connection.close();
      return error instanceof Refused ? outcome(error.status, error.retryAfterS) : outcome(0, null);
    }
  };
  const asked = Array.from({ length: starts }, (_, number) => one(number));
  await delay(QUEUED_MS);
  const queued = (await ServerMetrics.read(remote.url)).sum('transcode_queue_depth');
  if (holdMs !== null) await Promise.all(occupied.map(seat => close(admin, seat)));
  const outcomes = await Promise.all(asked);
  if (holdMs === null) await Promise.all(occupied.map(seat => close(admin, seat)));
  await Promise.all(opened.map(({ account, ...seat }) => close(account, seat)));
  return { outcomes, mostOpen, queued };
}

type Open = { readonly connection: LeanConnection; readonly session: Started };

async function open(account: Account, request: Parameters<Account['start']>[1]): Promise<Open> {
  const connection = new LeanConnection(account.url);
  return { connection, session: await account.start(connection, request) };
}

async function close(account: Account, { connection, session }: Open): Promise<void> {
  await account.stop(connection, session);
  connection.close();
}

/** The greatest difference, at the moment of any grant, between the users with the most and the fewest grants among those who still wait. */
function spreads(outcomes: readonly Outcome[]): number[] {
  const askedByUser = new Map<number, number>();
  const granted = new Map<number, number>();
  for (const { user } of outcomes) askedByUser.set(user, (askedByUser.get(user) ?? 0) + 1);
  const inOrder = outcomes.filter(({ status }) => status === 201).toSorted((a, b) => a.atMs - b.atMs);
  return inOrder.map(({ user }) => {
    granted.set(user, (granted.get(user) ?? 0) + 1);
    const most = Math.max(...granted.values());
    const waiting = [...askedByUser].filter(([one, wanted]) => (granted.get(one) ?? 0) < wanted);
    const least = waiting.length === 0 ? most : Math.min(...waiting.map(([one]) => granted.get(one) ?? 0));
    return most - least;
  });
}

function report(starts: number, patient: Burst, impatient: Burst): Result {
  const rows = (
    [
      ['patient', patient, LONG_TIMEOUT_MS],
      ['nobody ends', impatient, SHORT_TIMEOUT_MS],
    ] as const
  ).map(([what, burst, timeoutMs]) => {
    const granted = burst.outcomes.filter(({ status }) => status === 201);
    const waits = granted.map(({ waitMs }) => waitMs);
    return [
      what,
      timeoutMs / 1000,
      granted.length,
      burst.outcomes.filter(({ status }) => status === 503).length,
      burst.outcomes.filter(({ status }) => status !== 201 && status !== 503).length,
      percentile(waits, 0.5),
      percentile(waits, 0.95),
      Math.max(...spreads(burst.outcomes), 0),
      burst.mostOpen,
      burst.queued,
    ];
  });
  return {
    tables: [
      {
        title: `${starts} starts by ${USERS} users at once, ${CAPACITY} may transcode`,
        columns: [
          '',
          'timeout s',
          'granted',
          '503',
          'other',
          'wait p50 ms',
          'wait p95 ms',
          'spread of grants',
          'open at most',
          'waiting at once',
        ],
        rows,
      },
    ],
    aims: aimsOf(starts, patient, impatient),
    notes: [
      `Each granted session is given back after ${HOLD_MS} ms in the first run; in the second nobody ends.`,
      'The first user asks for all of theirs before the second begins: a plain queue would serve one user after the other.',
      'Spread of grants: at each grant, the user with most against the one with least who still waits.',
    ],
    samples: {
      'patient: waits ms': patient.outcomes.map(({ waitMs }) => waitMs),
      'patient: spread at each grant': spreads(patient.outcomes),
      'patient: users in the order of their grants': patient.outcomes.toSorted((a, b) => a.atMs - b.atMs).map(({ user }) => user),
      'nobody ends: waits ms': impatient.outcomes.map(({ waitMs }) => waitMs),
    },
  };
}

function aimsOf(starts: number, patient: Burst, impatient: Burst): Aim[] {
  const errors = patient.outcomes.filter(({ status }) => status !== 201).length;
  const spread = Math.max(...spreads(patient.outcomes), 0);
  const refused = impatient.outcomes.filter(({ status }) => status >= SERVER_ERROR || status === 0);
  const early = refused.filter(({ waitMs }) => waitMs < SHORT_TIMEOUT_MS - CLOCK_GRACE_MS).length;
  const clear = refused.filter(({ status, retryAfterS }) => status === 503 && retryAfterS !== null && retryAfterS > 0).length;
  return [
    { what: `errors of ${starts} starts, timeout long enough`, aim: '0', measured: String(errors), isMet: errors === 0 },
    { what: 'sessions open at once', aim: `≤ ${CAPACITY}`, measured: String(patient.mostOpen), isMet: patient.mostOpen <= CAPACITY },
    { what: 'spread of grants between users', aim: `≤ ${MAX_SPREAD}`, measured: String(spread), isMet: spread <= MAX_SPREAD },
    { what: 'errors before the timeout', aim: '0', measured: String(early), isMet: early === 0 },
    {
      what: '503 with Retry-After, of all refused',
      aim: `${refused.length} of ${refused.length}`,
      measured: `${clear} of ${refused.length}`,
      isMet: refused.length > 0 && clear === refused.length,
    },
  ];
}
