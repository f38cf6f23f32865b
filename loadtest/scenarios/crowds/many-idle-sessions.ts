// Thousands of open sessions that only send heartbeats: memory of each, starts a second, cost of a heartbeat, memory when all have ended.
import { setTimeout as delay } from 'node:timers/promises';
import type { Bar } from '../../charts/chart.ts';
import { nowMs } from '../../client/http-client.ts';
import { LeanConnection } from '../../client/lean-connection.ts';
import { freePort } from '../../machine/free-port.ts';
import { cpuSeconds, LOAD_CORE, moveSelf, openDescriptors, residentBytes, SERVER_CORE } from '../../machine/processes.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Account } from '../../viewers/account.ts';
import type { Delivery, Started } from '../../viewers/viewer.ts';
import { Inspector, inspectable } from '../../watch/inspector.ts';
import { ServerMetrics } from '../../watch/prometheus.ts';
import { tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';

const SESSIONS = 10_000;
const WARM_UP_SESSIONS = 200;
const CONNECTIONS = 16;
const DELIVERIES: readonly Delivery[] = ['remux', 'direct'];
const HEARTBEAT_INTERVAL_S = 10;
const HEARTBEAT_ROUNDS = 2;
const QUIET_MS = 5_000;
const MAX_BYTES_PER_SESSION = 50_000;

export const manyIdleSessions: Scenario = {
  about: 'open sessions that only send heartbeats (10,000; --sessions): memory of each, start rate, cost of a heartbeat',
  needs: ['ffmpeg', 'taskset'],
  allowsRemote: false,
  run: async options => {
    const film = await tenMinutes(options);
    const port = await freePort();
    return withServer({ films: [film], core: SERVER_CORE, settings: inspectable(port) }, async server => {
      const inspector = await Inspector.attach(server.pid, port);
      await moveSelf(LOAD_CORE);
      try {
        return await run(options, server, inspector);
      } finally {
        await moveSelf(null);
        inspector.close();
      }
    });
  },
};

/** The server's memory at one moment, as it is and after a garbage collection. */
type Held = {
  readonly when: string;
  readonly sessions: number;
  readonly bytes: number;
  readonly liveBytes: number;
  readonly descriptors: number;
};

type Cost = { readonly count: number; readonly perSecond: number; readonly cpuUs: number };

async function run(options: ScenarioOptions, server: Server, inspector: Inspector): Promise<Result> {
  const total = options.sessions ?? SESSIONS;
  const warmUp = Math.min(WARM_UP_SESSIONS, Math.floor(total / 2));
  const account = await Account.signIn(server.remote);
  const [film] = await account.media();
  if (!film) throw new Error('the library is empty');
  const crowd = new Crowd(account, film.id);
  const held = async (when: string): Promise<Held> => {
    await delay(QUIET_MS);
    const bytes = residentBytes(server.pid);
    await inspector.collectGarbage();
    await delay(QUIET_MS);
    const liveBytes = residentBytes(server.pid);
    return { when, sessions: crowd.size, bytes, liveBytes, descriptors: openDescriptors(server.pid) };
  };
  await crowd.start(warmUp);
  await crowd.heartbeats(warmUp);
  const before = await held(`after ${warmUp} for warming up`);
  options.say(`many-idle-sessions: ${total - warmUp} sessions start`);
  const starting = await costOf(server, total - warmUp, () => crowd.start(total - warmUp));
  // The sessions for warming up are older: no lease is to end while the others start.
  await crowd.heartbeats(warmUp);
  const started = await held('all started');
  const idle = await idleCores(server);
  options.say(`many-idle-sessions: a heartbeat each, every ${HEARTBEAT_INTERVAL_S} s`);
  const beats = total * HEARTBEAT_ROUNDS;
  const beating = await costOf(server, beats, () => crowd.heartbeats(beats));
  const alive = await held('after heartbeats');
  options.say('many-idle-sessions: all stop');
  const stopping = await costOf(server, total, () => crowd.stop());
  const after = await held('all stopped');
  const open = (await ServerMetrics.read(server.remote.url)).sum('playback_sessions');
  crowd.close();
  return report({
    total,
    warmUp,
    held: [before, started, alive, after],
    starting,
    beating,
    stopping,
    idle,
    open,
    failures: crowd.failures,
  });
}

/** CPU of the server while `work` went on, for each of `count`. */
async function costOf(server: Server, count: number, work: () => Promise<void>): Promise<Cost> {
  const before = { atMs: nowMs(), cpuS: cpuSeconds(server.pid) };
  await work();
  const seconds = (nowMs() - before.atMs) / 1000;
  return { count, perSecond: count / seconds, cpuUs: ((cpuSeconds(server.pid) - before.cpuS) * 1e6) / count };
}

/** The CPU of the server without any request. */
async function idleCores({ pid }: Server): Promise<number> {
  const before = cpuSeconds(pid);
  await delay(QUIET_MS);
  return (cpuSeconds(pid) - before) / (QUIET_MS / 1000);
}

/** The sessions, reached over a few connections in turn. */
class Crowd {
  readonly failures: string[] = [];
  readonly #account: Account;
  readonly #mediaId: string;
  readonly #connections: readonly LeanConnection[];
  readonly #sessions: Started[] = [];

  constructor(account: Account, mediaId: string) {
    this.#account = account;
    this.#mediaId = mediaId;
    this.#connections = Array.from({ length: CONNECTIONS }, () => new LeanConnection(account.url));
  }

  get size(): number {
    return this.#sessions.length;
  }

  start(count: number): Promise<void> {
    return this.#each(count, async (connection, number) => {
      const delivery = DELIVERIES[number % DELIVERIES.length] ?? 'remux';
      const request = { mediaId: this.#mediaId, delivery, positionMs: (number % 500) * 1_000, maxHeight: 0 };
      this.#sessions.push(await this.#account.start(connection, request));
    });
  }

  /** One heartbeat every ten seconds from each session. */
  async heartbeats(count: number): Promise<void> {
    const startedAtMs = nowMs();
    const perSecond = this.size / HEARTBEAT_INTERVAL_S;
    await this.#each(count, async (connection, number) => {
      await delay(Math.max(0, startedAtMs + (number / perSecond) * 1000 - nowMs()));
      const session = this.#sessions[number % this.size];
      const json = { positionMs: 1_000 + number, state: 'playing' };
      const call = { method: 'POST', headers: this.#account.headers, json } as const;
      const { status } = await connection.send(`/api/v1/sessions/${session?.sessionId}/heartbeat`, call);
      if (status !== 200) throw new Error(`a heartbeat gave ${status}`);
    });
  }

  async stop(): Promise<void> {
    await this.#each(this.size, async (connection, number) => {
      const session = this.#sessions[number];
      if (session) await this.#account.stop(connection, session);
    });
    this.#sessions.length = 0;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async #each(count: number, work: (connection: LeanConnection, number: number) => Promise<void>): Promise<void> {
    let next = 0;
    const workOn = async (connection: LeanConnection): Promise<void> => {
      for (let number = next++; number < count; number = next++) {
        await work(connection, number).catch(error => this.failures.push(String(error)));
      }
    };
    await Promise.all(this.#connections.map(workOn));
  }
}

type Seen = {
  readonly total: number;
  readonly warmUp: number;
  readonly held: readonly [Held, Held, Held, Held];
  readonly starting: Cost;
  readonly beating: Cost;
  readonly stopping: Cost;
  readonly idle: number;
  readonly open: number;
  readonly failures: readonly string[];
};

function report({ total, warmUp, held, starting, beating, stopping, idle, open, failures }: Seen): Result {
  const [before, started, alive] = held;
  const perSession = (to: Held, value: (one: Held) => number): number => (value(to) - value(before)) / (total - warmUp);
  const bytes = perSession(alive, one => one.bytes);
  const kb = (value: number): string => `${(value / 1000).toFixed(1)} KB`;
  const costRow = (what: string, { count, perSecond, cpuUs }: Cost) => [what, count, perSecond, cpuUs, cpuUs - (idle * 1e6) / perSecond];
  return {
    tables: [
      {
        title: `${total} sessions of one user, remux and direct in turn, server on one core`,
        columns: ['when', 'sessions', 'MiB', 'MiB, garbage collected', 'descriptors'],
        rows: held.map(one => [one.when, one.sessions, one.bytes / 2 ** 20, one.liveBytes / 2 ** 20, one.descriptors]),
      },
      {
        title: `${CONNECTIONS} connections`,
        columns: ['what', 'how many', 'a second', 'server CPU µs each', 'less what it uses idle'],
        rows: [costRow('start', starting), costRow('heartbeat', beating), costRow('stop', stopping)],
      },
      {
        title: `Bytes of a session, ${total} against ${warmUp}`,
        columns: ['when', 'KB', 'KB, garbage collected'],
        rows: [started, alive].map(one => [
          one.when,
          perSession(one, ({ bytes }) => bytes) / 1000,
          perSession(one, ({ liveBytes }) => liveBytes) / 1000,
        ]),
      },
    ],
    aims: [
      {
        what: 'memory of an idle session, heartbeats sent, garbage not collected',
        aim: `≤ ${MAX_BYTES_PER_SESSION / 1000} KB`,
        measured: kb(bytes),
        isMet: bytes <= MAX_BYTES_PER_SESSION,
      },
      { what: 'requests that failed', aim: '0', measured: String(failures.length), isMet: failures.length === 0 },
      { what: 'sessions left after all were stopped', aim: '0', measured: String(open), isMet: open === 0 },
    ],
    notes: [
      `Heartbeats come at the pace of one in ${HEARTBEAT_INTERVAL_S} s from each. The idle server used ${(idle * 100).toFixed(1)} % of a core, all sessions open.`,
      'Memory is resident memory of the server process. Garbage is collected through the inspector, which is open from the start.',
      ...[...new Set(failures)].slice(0, 5).map(failure => `failure: ${failure}`),
    ],
    charts: [
      {
        kind: 'bars',
        name: 'many-idle-sessions',
        title: `Memory of a session, ${total} of them open`,
        unit: 'KB',
        bars: [started, alive].flatMap(one => [
          memoryBar(
            one.when,
            perSession(one, held => held.bytes),
          ),
          memoryBar(
            `${one.when}, garbage collected`,
            perSession(one, held => held.liveBytes),
          ),
        ]),
        reference: { value: MAX_BYTES_PER_SESSION / 1000, label: `at most ${MAX_BYTES_PER_SESSION / 1000} KB` },
      },
    ],
    samples: { 'bytes per session': [bytes], 'bytes per session, garbage collected': [perSession(alive, ({ liveBytes }) => liveBytes)] },
  };
}

const memoryBar = (label: string, bytes: number): Bar => ({
  label,
  value: bytes / 1000,
  min: bytes / 1000,
  max: bytes / 1000,
  isProduct: true,
});
