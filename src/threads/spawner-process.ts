// Owns the process that starts ffmpeg: begins it before the server grows, replaces it when it dies, ends it last.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { FerriteError } from '#domain/errors.ts';

const SCRIPT = fileURLToPath(new URL('../../workers/programs/spawner.ts', import.meta.url));
const READY_DEADLINE_MS = 10_000;
const CLOSE_DEADLINE_MS = 3_000;
const RESTART_DELAY_MS = 100;
const MAX_RESTART_DELAY_MS = 10_000;

/** The variables of the environment that programs need to run. The others are the server's, and some are secret. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'LD_LIBRARY_PATH',
  'SystemRoot',
  'MALLOC_MMAP_THRESHOLD_',
];

const plainEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(PASSED_ON.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

export class SpawnerProcess {
  readonly #onLost: () => void;
  #child: ChildProcessByStdio<Writable, Readable, null> | null = null;
  #isClosing = false;
  #isReady = false;
  readonly socketDir: string;

  static async start(onLost: () => void): Promise<SpawnerProcess> {
    // Socket paths hold about 100 bytes: the data folder's may be longer.
    const spawner = new SpawnerProcess(await mkdtemp(join(tmpdir(), 'ferrite-')), onLost);
    await spawner.#start();
    return spawner;
  }

  private constructor(socketDir: string, onLost: () => void) {
    this.socketDir = socketDir;
    this.#onLost = onLost;
  }

  /** Threads connect here; a replacement listens at the same address. */
  get socketPath(): string {
    return join(this.socketDir, 'spawner');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.stdin.end();
    const deadline = setTimeout(() => child.kill('SIGKILL'), CLOSE_DEADLINE_MS);
    await exited;
    clearTimeout(deadline);
  }

  #start(): Promise<void> {
    // Its stdin is our sign of life: it ends, children and all, when that closes, however we die.
    const child = spawn(process.execPath, [SCRIPT, this.socketPath], { stdio: ['pipe', 'pipe', 'inherit'], env: plainEnvironment() });
    this.#child = child;
    child.stdin.on('error', () => undefined); // told by 'exit'
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const deadline = setTimeout(() => child.kill('SIGKILL'), READY_DEADLINE_MS);
    child.stdout.once('data', () => {
      this.#isReady = true;
      resolve();
    });
    child.once('error', cause => reject(new FerriteError('INTERNAL', 'the process starter could not be started', { cause })));
    child.once('exit', () => reject(new FerriteError('INTERNAL', 'the process starter ended before it was ready')));
    child.once('exit', () => this.#onExit());
    return promise.finally(() => clearTimeout(deadline));
  }

  #onExit(): void {
    // A spawner that never got ready is started again by the code that waited for it.
    if (!this.#isReady || this.#isClosing) return;
    this.#isReady = false;
    this.#onLost();
    this.#restart(RESTART_DELAY_MS);
  }

  #restart(delayMs: number): void {
    setTimeout(() => {
      if (this.#isClosing) return;
      this.#start().catch(() => {
        this.#onLost();
        this.#restart(Math.min(delayMs * 2, MAX_RESTART_DELAY_MS));
      });
    }, delayMs).unref();
  }
}
