// A thread's line to the spawner: starts programs, hands out their output as a socket, and tells when they are gone.
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, FerriteError } from '#domain/errors.ts';
import { ENCODER_LIMITS, type ProgramLimits } from './limits.ts';
import type { RunTool } from './run-tool.ts';
import type { SpawnerEvent, SpawnerHello, SpawnerRequest } from './spawner.ts';

export type ProcessExit = { readonly exitCode: number | null; readonly signal: string | null; readonly stderrTail: string };

/** A started program. Its output comes out of `socket`; not reading it pauses the program. */
export type ChildProcess = {
  readonly socket: net.Socket;
  /** Null before it runs. */
  readonly pid: number | null;
  /** What it writes to descriptor 3, of a program that was started with it. */
  readonly second: net.Socket | null;
  /** Resolves when the program is running; its stdin may be written to from then on. */
  readonly spawned: Promise<void>;
  /** Resolves when the process is gone, for any reason. */
  readonly exited: Promise<ProcessExit>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
};

type Pending = { pid: number | null; readonly onSpawned: () => void; readonly onExited: (exit: ProcessExit) => void };

const CONNECT_DEADLINE_MS = 5_000;
const CONNECT_INTERVAL_MS = 50;

const OPEN_DEADLINE_MS = 5_000;

const LOST: ProcessExit = { exitCode: null, signal: 'SPAWNER_LOST', stderrTail: 'the process starter was lost' };

export class SpawnerClient {
  readonly #socketPath: string;
  #connection: Promise<Connection> | null = null;
  #isClosed = false;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async run(
    file: string,
    args: readonly string[],
    limits: ProgramLimits = ENCODER_LIMITS,
    { hasSecondOutput = false } = {},
  ): Promise<ChildProcess> {
    this.#connection ??= this.#connect();
    try {
      return (await this.#connection).run(file, args, limits, hasSecondOutput);
    } catch (cause) {
      this.#connection = null;
      throw new FerriteError('WORKER_LOST', 'programs can not be started at the moment', { cause });
    }
  }

  /** Programs in the background, whoever started them, stand still until they are released, or this client is closed. */
  hold(): void {
    this.#tell({ type: 'hold' });
  }

  release(): void {
    this.#tell({ type: 'release' });
  }

  /** To a process starter that was replaced meanwhile it says nothing: what it was about is gone. */
  #tell(request: SpawnerRequest): void {
    this.#connection?.then(
      connection => connection.send(request),
      () => undefined,
    );
  }

  /** Ends every program that is still running. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = await this.#connection?.catch(() => null);
    connection?.close();
  }

  /** A lost spawner is replaced under the same path by the process that owns it: until then connections there are refused. */
  async #connect(): Promise<Connection> {
    const endsAtMs = performance.now() + CONNECT_DEADLINE_MS;
    for (;;) {
      try {
        return await Connection.open(this.#socketPath, () => {
          this.#connection = null;
        });
      } catch (error) {
        if (this.#isClosed || performance.now() > endsAtMs) throw error;
        await delay(CONNECT_INTERVAL_MS);
      }
    }
  }
}

class Connection {
  readonly #client = randomUUID();
  readonly #socketPath: string;
  readonly #control: net.Socket;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** Keeps the bytes of a character of which only a part has come. */
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  static async open(socketPath: string, onLost: () => void): Promise<Connection> {
    const control = net.connect(socketPath);
    const connection = new Connection(socketPath, control);
    const silence = setTimeout(() => control.destroy(new Error('the process starter does not answer')), OPEN_DEADLINE_MS);
    await new Promise<void>((resolve, reject) => {
      control.once('error', reject);
      control.once('close', () => reject(new Error('the process starter closed the connection')));
      control.once('data', () => resolve());
      control.write(hello({ type: 'control', client: connection.#client }));
    }).finally(() => clearTimeout(silence));
    control.removeAllListeners('error').removeAllListeners('close');
    control.on('error', () => control.destroy());
    control.on('data', (bytes: Buffer) => connection.#onData(bytes));
    control.on('close', () => {
      for (const { onSpawned, onExited } of connection.#pending.values()) {
        onSpawned();
        onExited(LOST);
      }
      connection.#pending.clear();
      onLost();
    });
    return connection;
  }

  private constructor(socketPath: string, control: net.Socket) {
    this.#socketPath = socketPath;
    this.#control = control;
  }

  run(file: string, args: readonly string[], limits: ProgramLimits, hasSecondOutput: boolean): ChildProcess {
    if (!this.#control.writable) throw new FerriteError('WORKER_LOST', 'the process starter was lost');
    const id = this.#nextId++;
    const socket = this.#dataConnection(id, 0);
    const second = hasSecondOutput ? this.#dataConnection(id, 1) : null;
    const spawned = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<ProcessExit>();
    const pending: Pending = { pid: null, onSpawned: spawned.resolve, onExited: exited.resolve };
    this.#pending.set(id, pending);
    this.send({ type: 'run', id, file, args, limits, connections: second ? 2 : 1 });
    const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
      if (this.#control.writable) this.send({ type: 'kill', id, signal });
      else if (pending.pid !== null && !socket.destroyed) killOrphan(pending.pid, signal);
    };
    return {
      socket,
      second,
      get pid() {
        return pending.pid;
      },
      spawned: spawned.promise,
      exited: exited.promise,
      kill,
    };
  }

  close(): void {
    this.#control.destroy();
  }

  #dataConnection(id: number, connection: 0 | 1): net.Socket {
    const socket = net.connect(this.#socketPath);
    socket.on('error', () => socket.destroy());
    socket.write(hello({ type: 'data', client: this.#client, id, connection }));
    return socket;
  }

  send(request: SpawnerRequest): void {
    if (this.#control.writable) this.#control.write(`${JSON.stringify(request)}\n`);
  }

  #onData(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') this.#onEvent(JSON.parse(line) as SpawnerEvent);
  }

  #onEvent(event: SpawnerEvent): void {
    const pending = this.#pending.get(event.id);
    if (event.type === 'spawned') {
      if (pending) pending.pid = event.pid;
      pending?.onSpawned();
      return;
    }
    this.#pending.delete(event.id);
    pending?.onSpawned();
    pending?.onExited(event);
  }
}

/** Kills a program whose starter is gone. As long as the program holds its end of the data connection, the pid is its own. */
function killOrphan(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    // The whole group, as the starter would.
    process.kill(-pid, signal);
  } catch {
    // The program has just ended by itself.
  }
}

const hello = (message: SpawnerHello): string => `${JSON.stringify(message)}\n`;

/** Runs a program to its end and collects what it prints. */
export function toolRunner(spawner: SpawnerClient, paths: Readonly<Record<'ffmpeg' | 'ffprobe', string>>): RunTool {
  return async (tool, args, { deadlineMs, maxOutputBytes, limits, signal, feed }) => {
    signal?.throwIfAborted();
    const child = await spawner.run(paths[tool], args, limits);
    const chunks: Buffer[] = [];
    let byteLength = 0;
    let failure: unknown = null;
    const fail = (message: string, code: ErrorCode = 'MEDIA_UNREADABLE'): void => end(new FerriteError(code, message));
    const end = (reason: unknown): void => {
      failure ??= reason;
      child.kill('SIGKILL');
      child.socket.destroy();
    };
    // It has not used up its processor time: it may have waited for others, or for the disk.
    const deadline = setTimeout(() => fail(`${tool} took longer than ${deadlineMs} ms`, 'INSPECTION_DEFERRED'), deadlineMs);
    const onAbort = (): void => fail(`${tool} was cancelled`);
    signal?.addEventListener('abort', onAbort);
    // The signal may have aborted while the program was being started.
    if (signal?.aborted) onAbort();
    const ended = new Promise<void>(resolve => child.socket.once('close', () => resolve()));
    child.socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      byteLength += chunk.byteLength;
      if (byteLength > maxOutputBytes) fail(`${tool} printed more than ${maxOutputBytes} bytes`);
    });
    feed?.(child).catch(end);
    try {
      const [exit] = await Promise.all([child.exited, ended]);
      if (failure) throw failure;
      if (exit.signal === 'SIGXCPU') throw new FerriteError('INSPECTOR_LOST', `the file took more processor time of ${tool} than it may`);
      // Lost, or never begun.
      if (exit.signal === LOST.signal || (exit.signal === null && exit.exitCode === null))
        throw new FerriteError('WORKER_LOST', exit.stderrTail);
      return { stdout: Buffer.concat(chunks), stderrTail: exit.stderrTail, exitCode: exit.exitCode };
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
    }
  };
}
