// CPU per request of a playlist and a segment that are in memory, beside nginx with secure_link and a bare uWebSockets.js answer.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { tenMinutes } from '../films.ts';
import { Nginx } from '../peers/nginx.ts';
import { cpuSeconds, LOAD_CORE, SERVER_CORE, spawnOn, stopChild } from '../processes.ts';
import { runProgram } from '../programs.ts';
import { quietMoment } from '../quiet.ts';
import type { Result, Scenario, ScenarioOptions } from '../scenario.ts';
import { withServer } from '../server.ts';
import { median, summarize } from '../statistics.ts';
import { Viewer } from '../viewer.ts';

const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 8;
const MEMORY_SERVER = fileURLToPath(new URL('../peers/memory-server.ts', import.meta.url));
const PEERS = ['product', 'nginx + secure_link', 'bare uWebSockets.js'] as const;
type Peer = (typeof PEERS)[number];
const KINDS = ['playlist', 'segment'] as const;
type Kind = (typeof KINDS)[number];

export const hot: Scenario = {
  about: 'CPU per request of a playlist and a segment in memory, beside nginx with secure_link and bare uWebSockets.js (wrk)',
  needs: ['ffmpeg', 'nginx', 'wrk', 'taskset'],
  allowsRemote: false,
  run: async options => {
    const film = await tenMinutes(options);
    return withServer({ films: [film], core: SERVER_CORE }, async server => {
      const viewer = await Viewer.signIn(server.remote);
      const mediaId = await viewer.firstMediaId();
      const wish = { mediaId, delivery: 'transcode', positionMs: 14_000, capabilities: { maxHeight: 720 } } as const;
      const { session, video, fetched } = await viewer.play(wish);
      if (!video) throw new Error('a transcode has a video playlist');
      const bodyOf = (matches: (path: string) => boolean): { path: string; body: Buffer } => {
        const found = fetched.find(({ path }) => matches(path));
        if (!found) throw new Error('the viewer did not fetch that');
        return { path: session.streamUrl.replace(/[^/]+$/, '') + found.path, body: found.answer.body };
      };
      const files = {
        playlist: bodyOf(path => path.startsWith('video/') && path.endsWith('.m3u8')),
        segment: bodyOf(path => path.startsWith('video/') && path.endsWith('.m4s')),
      };
      const product = { pid: server.pid, addressOf: (kind: Kind) => server.remote.url + files[kind].path };
      const peers = await Peers.start({ playlist: files.playlist.body, segment: files.segment.body });
      try {
        await encodesHeld();
        return await measure(options, { product, ...peers.targets }, { playlist: files.playlist.body, segment: files.segment.body });
      } finally {
        await peers.stop();
        await viewer.stop(session);
        viewer.close();
      }
    });
  },
};

type Target = { readonly pid: number; readonly addressOf: (kind: Kind) => string };

/** The session's encode runs a window ahead and is then held: until then it would take the server's core. */
const encodesHeld = async (): Promise<void> => {
  for (let calm = 0; calm < 3; ) calm = (await quietMoment()) < 0.2 ? calm + 1 : 0;
};

class Peers {
  readonly targets: Readonly<Record<Exclude<Peer, 'product'>, Target>>;
  readonly #close: () => Promise<void>;

  static async start(bodies: Readonly<Record<Kind, Buffer>>): Promise<Peers> {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-hot-'));
    const nginx = await Nginx.start(SERVER_CORE);
    for (const kind of KINDS) {
      await writeFile(join(folder, kind), bodies[kind]);
      await nginx.publish(kind, bodies[kind]);
    }
    const args = [MEMORY_SERVER, ...KINDS.map(kind => `${kind}=${join(folder, kind)}`)];
    const memory = spawnOn(SERVER_CORE, process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const { pid, stdout } = memory;
    if (pid === undefined || !stdout) throw new Error('the memory server did not start');
    const [port] = await once(createInterface({ input: stdout }), 'line', { signal: AbortSignal.timeout(10_000) });
    const targets = {
      'nginx + secure_link': { pid: nginx.pid, addressOf: (kind: Kind) => nginx.url + nginx.signed(kind) },
      'bare uWebSockets.js': { pid, addressOf: (kind: Kind) => `http://127.0.0.1:${port}/${kind}` },
    };
    return new Peers(targets, async () => {
      await stopChild(memory);
      await nginx.stop();
      await rm(folder, { recursive: true, force: true });
    });
  }

  private constructor(targets: Peers['targets'], close: () => Promise<void>) {
    this.targets = targets;
    this.#close = close;
  }

  stop(): Promise<void> {
    return this.#close();
  }
}

type Measured = { readonly cpuUs: number; readonly requestsPerSecond: number; readonly p99Ms: number };

async function measure(
  options: ScenarioOptions,
  targets: Readonly<Record<Peer, Target>>,
  bodies: Readonly<Record<Kind, Buffer>>,
): Promise<Result> {
  const measured = new Map<string, Measured[]>();
  for (const peer of PEERS) for (const kind of KINDS) await load(targets[peer], kind, 1);
  for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
    for (const kind of KINDS) {
      options.say(`hot: ${kind}, round ${round}`);
      await quietMoment();
      for (const peer of PEERS) {
        const name = `${kind}, ${peer}`;
        measured.set(name, [...(measured.get(name) ?? []), await load(targets[peer], kind, SECONDS)]);
      }
    }
  }
  return report(measured, bodies);
}

async function load({ pid, addressOf }: Target, kind: Kind, seconds: number): Promise<Measured> {
  const before = cpuSeconds(pid);
  const args = ['-c', String(LOAD_CORE), 'wrk', '-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--latency', addressOf(kind)];
  const output = await runProgram('taskset', args, seconds * 1000 + 30_000);
  const cpuS = cpuSeconds(pid) - before;
  const [, requests] = output.match(/(\d+) requests in/) ?? [];
  const [, perSecond] = output.match(/Requests\/sec:\s+([\d.]+)/) ?? [];
  const [, p99, unit] = output.match(/99%\s+([\d.]+)(us|ms|s)/) ?? [];
  if (/Non-2xx/.test(output)) throw new Error(`the server refused requests of wrk: ${output}`);
  const toMs = { us: 0.001, ms: 1, s: 1000 }[unit ?? 'ms'] ?? 1;
  return { cpuUs: (cpuS * 1e6) / Number(requests), requestsPerSecond: Number(perSecond), p99Ms: Number(p99) * toMs };
}

function report(measured: ReadonlyMap<string, readonly Measured[]>, bodies: Readonly<Record<Kind, Buffer>>): Result {
  const of = (kind: Kind, peer: Peer): readonly Measured[] => measured.get(`${kind}, ${peer}`) ?? [];
  const ratio = (kind: Kind, peer: Peer): number =>
    median(of(kind, 'product').map(({ cpuUs }, round) => cpuUs / (of(kind, peer)[round]?.cpuUs ?? Number.NaN)));
  return {
    tables: KINDS.map(kind => ({
      title: `${kind}, ${(bodies[kind].byteLength / 1024).toFixed(0)} KiB, ${CONNECTIONS} connections, server and load on a core each`,
      columns: ['server', 'CPU µs per request', 'min', 'max', 'requests/s', 'p99 ms', 'product takes'],
      rows: PEERS.map(peer => {
        const cpu = summarize(of(kind, peer).map(({ cpuUs }) => cpuUs));
        const rate = median(of(kind, peer).map(({ requestsPerSecond }) => requestsPerSecond));
        const p99 = median(of(kind, peer).map(({ p99Ms }) => p99Ms));
        return [peer, cpu.median, cpu.min, cpu.max, Math.round(rate), p99, peer === 'product' ? null : `${ratio(kind, peer).toFixed(2)}×`];
      }),
    })),
    aims: KINDS.map(kind => ({
      what: `CPU of a hot ${kind}`,
      aim: '≤ 1× nginx + secure_link',
      measured: `${ratio(kind, 'nginx + secure_link').toFixed(2)}×`,
      isMet: ratio(kind, 'nginx + secure_link') <= 1,
    })),
    notes: ['CPU is the whole server process, all threads; ratios are taken within each round.'],
    samples: Object.fromEntries([...measured].map(([name, list]) => [`${name}, CPU µs`, list.map(({ cpuUs }) => cpuUs)])),
  };
}
