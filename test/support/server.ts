// A real server in a process of its own, as an operator starts it: real LMDB, threads, ffmpeg and sockets. Ended with its test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const START_DEADLINE_MS = 180_000;
const STOP_DEADLINE_MS = 60_000;

export const ADMIN = { username: 'admin', password: 'correct horse battery' };

type LogLine = { readonly msg: string } & Record<string, unknown>;

export type ServerOptions = {
  /** Folders of the first library. */
  readonly library: string;
  readonly dataDir: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard error goes to `errors` rather than to that of the test. */
  readonly keepsErrors?: boolean;
};

export class TestServer {
  readonly process: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  url = '';
  errors = '';

  constructor({ library, dataDir, port = 0, env = {}, keepsErrors = false }: ServerOptions) {
    this.process = spawn(process.execPath, [CLI, 'serve'], {
      stdio: ['ignore', 'pipe', keepsErrors ? 'pipe' : 'inherit'],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        FERRITE_PORT: String(port),
        FERRITE_DATA_DIR: dataDir,
        FERRITE_LIBRARY: `movies=${library}`,
        FERRITE_ADMIN_USERNAME: ADMIN.username,
        FERRITE_ADMIN_PASSWORD: ADMIN.password,
        // The same on every machine, and none is measured.
        FERRITE_MAX_TRANSCODES: '20',
        // Nor are its encoders tried: x264 alone makes pictures.
        FERRITE_HARDWARE: 'off',
        FERRITE_CODECS: 'off',
        // Tests of it say so: it encodes in the background while others measure.
        FERRITE_PREDICT_RATES: 'no',
        FERRITE_FIND_MARKERS: 'no',
        ...env,
      },
    });
    if (!this.process.stdout) throw new Error('no stdout');
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
    createInterface({ input: this.process.stdout }).on('line', text => {
      const line = JSON.parse(text) as LogLine;
      this.lines.push(line);
      for (const listener of this.#listeners) listener(line);
    });
  }

  /** The first line, past or to come, that matches. */
  async line(matches: (line: LogLine) => boolean, deadlineMs = START_DEADLINE_MS): Promise<LogLine> {
    const past = this.lines.find(matches);
    if (past) return past;
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const deadline = setTimeout(() => reject(new Error(`no such log line; last: ${JSON.stringify(this.lines.at(-1))}`)), deadlineMs);
    const listener = (line: LogLine): void => {
      if (matches(line)) resolve(line);
    };
    const onExit = (code: number | null): void =>
      reject(new Error(`the server exited with ${code}: ${JSON.stringify(this.lines.slice(-3))}`));
    this.#listeners.add(listener);
    this.process.once('exit', onExit);
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
      this.#listeners.delete(listener);
      this.process.off('exit', onExit);
    }
  }

  async ready(): Promise<this> {
    this.url = String((await this.line(({ msg }) => msg === 'listening')).url);
    return this;
  }

  /** Resolves when the first scan is done. */
  async scanned(): Promise<this> {
    await this.line(({ msg, state }) => msg === 'scan' && state === 'done');
    return this;
  }

  /** Ends it and waits until it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const exited = once(this.process, 'exit') as Promise<[number | null]>;
    this.process.kill(signal);
    const deadline = setTimeout(() => this.process.kill('SIGKILL'), STOP_DEADLINE_MS);
    const [code] = await exited;
    clearTimeout(deadline);
    return code;
  }
}

const serversOf = new WeakMap<TestContext, TestServer[]>();

/** Ended with the test, and before its folders go: hooks run in the order in which they were made. */
export function endWith(t: TestContext, server: TestServer): void {
  serversOf.set(t, [...(serversOf.get(t) ?? []), server]);
  t.after(() => server.stop());
}

/** A folder that goes with the test. */
export async function temporaryFolder(t: TestContext, name = 'ferrite-test-'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), name));
  t.after(async () => {
    await Promise.all((serversOf.get(t) ?? []).map(server => server.stop()));
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  return folder;
}

/** A scanned server on a data folder of its own. */
export async function startServer(t: TestContext, options: Omit<ServerOptions, 'dataDir'> & { dataDir?: string }): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await temporaryFolder(t));
  const server = new TestServer({ ...options, dataDir });
  endWith(t, server);
  await server.ready();
  return server.scanned();
}

/** A port that nobody listens on, outside the range that connections of others are given: a server can come back to it. */
export async function freePort(): Promise<number> {
  for (let port = 20_000 + Math.floor(Math.random() * 10_000); ; port++) {
    const probe = createServer();
    const isFree = await new Promise<boolean>(resolve =>
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)),
    );
    await new Promise(resolve => probe.close(resolve));
    if (isFree) return port;
  }
}
