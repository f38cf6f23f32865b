// The product in a process of its own, as an operator starts it, on a data folder that goes with it.
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnOn, stopChild } from '../machine/processes.ts';
import type { Remote } from '../scenario.ts';
import { fillLibrary } from './films.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const START_DEADLINE_MS = 60_000;
const SCAN_DEADLINE_MS = 180_000;
const RATES_DEADLINE_MS = 600_000;

export type ServerOptions = {
  readonly films: readonly string[];
  /** Under how many names each film is there: another media each. */
  readonly copies?: number;
  /** Settings beside those that every server here gets. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The core of the server and its ffmpeg; null: any. */
  readonly core?: number | null;
};

type LogLine = { readonly msg?: string; readonly url?: string; readonly state?: string; readonly cpuSeconds?: number };

/** Data and library of a server that is started more than once. */
export class ServerFolder {
  readonly path: string;

  static async create(films: readonly string[], copies = 1): Promise<ServerFolder> {
    const folder = new ServerFolder(await mkdtemp(join(tmpdir(), 'ferrite-loadtest-')));
    await fillLibrary(folder.library, films, copies);
    return folder;
  }

  private constructor(path: string) {
    this.path = path;
  }

  get library(): string {
    return join(this.path, 'library');
  }

  get data(): string {
    return join(this.path, 'data');
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

export class Server {
  readonly remote: Remote;
  readonly #log: Log;
  readonly #process: ChildProcess;
  #isStopping = false;

  /** Resolves when the server answers and, on a new folder, has scanned its library. */
  static async start(folder: ServerFolder, options: Omit<ServerOptions, 'films'> = {}): Promise<Server> {
    const credentials = { username: 'loadtest', password: 'correct horse battery' };
    const isFirstStart = !existsSync(folder.data);
    const child = spawnOn(options.core ?? null, process.execPath, [CLI, 'serve'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        FERRITE_PORT: '0',
        FERRITE_DATA_DIR: folder.data,
        FERRITE_LIBRARY: `movies=${folder.library}`,
        FERRITE_ADMIN_USERNAME: credentials.username,
        FERRITE_ADMIN_PASSWORD: credentials.password,
        // All viewers are one account here, and nothing is measured by the server itself meanwhile.
        FERRITE_MAX_SESSIONS_PER_USER: '100000',
        FERRITE_MAX_TRANSCODES: '20',
        // Nor are its encoders tried: x264 alone makes pictures.
        FERRITE_HARDWARE: 'off',
        FERRITE_CODECS: 'off',
        FERRITE_PREDICT_RATES: 'no',
        FERRITE_FIND_MARKERS: 'no',
        ...options.settings,
      },
    });
    const log = new Log(child);
    try {
      const { url = '' } = await log.line(({ msg }) => msg === 'listening', START_DEADLINE_MS);
      if (isFirstStart) await log.line(({ msg, state }) => msg === 'scan' && state === 'done', SCAN_DEADLINE_MS);
      return new Server(child, { url, ...credentials }, log);
    } catch (error) {
      await stopChild(child);
      throw error;
    }
  }

  private constructor(child: ChildProcess, remote: Remote, log: Log) {
    this.#process = child;
    this.remote = remote;
    this.#log = log;
    child.once('exit', (code, signal) => {
      if (!this.#isStopping) console.error(`the server ended by itself: ${code ?? signal}; its last words: ${log.lastLines()}`);
    });
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('the server has no process');
    return this.#process.pid;
  }

  /** Processor time that the prediction of a film's rates took: resolves when it is there, on a server that makes it. */
  async ratesMeasured(): Promise<number> {
    const { cpuSeconds = 0 } = await this.#log.line(({ msg }) => msg === 'rates measured', RATES_DEADLINE_MS);
    return cpuSeconds;
  }

  /** Processor time that listening to each episode took: resolves when so many have been listened to and the last's season is compared, on a server that does. */
  async episodesCompared(episodes: number, deadlineMs: number): Promise<number[]> {
    const cpuSeconds: number[] = [];
    await this.#log.line(line => {
      if (line.msg === 'sound listened to') cpuSeconds.push(line.cpuSeconds ?? 0);
      return line.msg === 'a season compared' && cpuSeconds.length === episodes;
    }, deadlineMs);
    return cpuSeconds;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await stopChild(this.#process);
  }

  /** As a crash of the machine would: nothing is saved. */
  async kill(): Promise<void> {
    this.#isStopping = true;
    await stopChild(this.#process, 'SIGKILL');
  }
}

/** Runs `work` against a server on a folder of its own; both are removed afterwards, also when `work` throws. */
export async function withServer<T>(options: ServerOptions, work: (server: Server) => Promise<T>): Promise<T> {
  const folder = await ServerFolder.create(options.films, options.copies);
  try {
    const server = await Server.start(folder, options);
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  } finally {
    await folder.remove();
  }
}

class Log {
  readonly #lines: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (!child.stdout) throw new Error('the server has no output');
    createInterface({ input: child.stdout }).on('line', text => {
      const line = parseLine(text);
      this.#lines.push(line);
      for (const listener of this.#listeners) listener(line);
    });
  }

  lastLines(): string {
    return JSON.stringify(this.#lines.slice(-5));
  }

  async line(matches: (line: LogLine) => boolean, deadlineMs: number): Promise<LogLine> {
    const past = this.#lines.find(matches);
    if (past) return past;
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const deadline = setTimeout(() => reject(new Error('the server did not get ready in time')), deadlineMs);
    const listener = (line: LogLine): void => {
      if (matches(line)) resolve(line);
    };
    const onExit = (code: number | null): void => reject(new Error(`the server exited with ${code}: ${this.lastLines()}`));
    this.#listeners.add(listener);
    this.#child.once('exit', onExit);
    return promise.finally(() => {
      clearTimeout(deadline);
      this.#listeners.delete(listener);
      this.#child.off('exit', onExit);
    });
  }
}

const parseLine = (text: string): LogLine => JSON.parse(text) as LogLine;
