// The process that starts ffmpeg and ffprobe. spawn() stops every thread of its caller for a time that grows with the caller's
// memory (52 ms at 1 GB), so a small process does it; and since each host's children hang on its connection here, none
// outlives a dead thread or a killed server.
//
// A client opens one control connection (JSON lines: SpawnerRequest in, SpawnerEvent out) and, for each run, one data
// connection that becomes the child's stdin and stdout: its bytes never pass through here.
import { closeSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { Background } from './background.ts';
import { limited, makeGroupNice, type ProgramLimits } from './limits.ts';

export type SpawnerRequest =
  | {
      readonly type: 'run';
      readonly id: number;
      readonly file: string;
      readonly args: readonly string[];
      readonly limits: ProgramLimits;
      /** How many data connections there are: the second becomes the child's descriptor 3. */
      readonly connections: 1 | 2;
    }
  | { readonly type: 'kill'; readonly id: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** Programs in the background stand still, whoever started them, until the client releases them or is gone. */
  | { readonly type: 'hold' }
  | { readonly type: 'release' };

export type SpawnerEvent =
  | { readonly type: 'spawned'; readonly id: number; readonly pid: number }
  | {
      readonly type: 'exited';
      readonly id: number;
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly stderrTail: string;
    };

/** The first line on every connection: its purpose. */
export type SpawnerHello =
  | { readonly type: 'control'; readonly client: string }
  | { readonly type: 'data'; readonly client: string; readonly id: number; readonly connection: 0 | 1 };

const STDERR_TAIL_BYTES = 64 * 1024;
const HELLO_MAX_BYTES = 256;
const HELLO_DEADLINE_MS = 5_000;
/** For a run's data connection: longer than for its first line, as both count from about the same moment. */
const DATA_DEADLINE_MS = HELLO_DEADLINE_MS + 1_000;

type RunRequest = Extract<SpawnerRequest, { type: 'run' }>;

const background = new Background(killGroup);

/** One client thread: its children, and data connections that wait for their run or the other way round. */
class Client {
  readonly #control: net.Socket;
  readonly #socketPath: string;
  /** By run: the pid, which is its process group's id too. */
  readonly #children = new Map<number, number>();
  /** By run and connection. */
  readonly #sockets = new Map<string, net.Socket>();
  readonly #requests = new Map<number, { readonly request: RunRequest; readonly deadline: NodeJS.Timeout }>();
  /** Requests come in the order of their numbers: a data connection up to this one has its request here, or is late. */
  #lastId = 0;

  constructor(control: net.Socket, socketPath: string) {
    this.#control = control;
    this.#socketPath = socketPath;
    readLines(control, line => this.#onRequest(JSON.parse(line) as SpawnerRequest));
  }

  attach(id: number, connection: 0 | 1, socket: net.Socket): void {
    if (id <= this.#lastId && !this.#requests.has(id)) {
      socket.destroy();
      return;
    }
    const name = `${id}/${connection}`;
    this.#sockets.set(name, socket);
    socket.once('close', () => this.#sockets.delete(name));
    this.#startIfComplete(id);
  }

  /** The client is gone, and with it the readers of its children's output. */
  close(): void {
    background.release(this);
    for (const pid of this.#children.values()) killGroup(pid, 'SIGKILL');
    for (const socket of this.#sockets.values()) socket.destroy();
    for (const { deadline } of this.#requests.values()) clearTimeout(deadline);
    this.#requests.clear();
  }

  #onRequest(request: SpawnerRequest): void {
    if (request.type === 'hold') background.hold(this);
    else if (request.type === 'release') background.release(this);
    else if (request.type === 'run') {
      this.#lastId = request.id;
      const deadline = setTimeout(() => this.#giveUp(request.id, null), DATA_DEADLINE_MS);
      this.#requests.set(request.id, { request, deadline });
      this.#startIfComplete(request.id);
    } else if (this.#requests.has(request.id)) {
      this.#giveUp(request.id, request.signal);
    } else {
      const pid = this.#children.get(request.id);
      if (pid !== undefined) killGroup(pid, request.signal);
    }
  }

  /** The child never began: its data connection is no longer waited for. */
  #giveUp(id: number, signal: 'SIGTERM' | 'SIGKILL' | null): void {
    clearTimeout(this.#requests.get(id)?.deadline);
    this.#requests.delete(id);
    this.#send({ type: 'exited', id, exitCode: null, signal, stderrTail: signal ? '' : 'its data connection did not come' });
  }

  #startIfComplete(id: number): void {
    const waiting = this.#requests.get(id);
    const socket = this.#sockets.get(`${id}/0`);
    const second = this.#sockets.get(`${id}/1`) ?? null;
    if (!waiting || !socket || (waiting.request.connections === 2 && !second)) return;
    clearTimeout(waiting.deadline);
    this.#requests.delete(id);
    this.#sockets.delete(`${id}/0`);
    this.#sockets.delete(`${id}/1`);
    void this.#run(waiting.request, socket, second);
  }

  async #run({ id, file, args, limits }: RunRequest, socket: net.Socket, second: net.Socket | null): Promise<void> {
    const child = execa(...limited(file, args, limits), {
      stdio: [socket, socket, 'pipe', ...(second ? [second] : [])],
      buffer: false,
      reject: false,
      encoding: 'buffer',
      // A group of its own: what a wrapper around ffmpeg started ends with it, and a terminal's Ctrl-C does not reach it.
      detached: true,
      extendEnv: false,
      // Tells whose child it is: the arguments of a fed ffmpeg name no film.
      env: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', AV_LOG_FORCE_NOCOLOR: '1', FERRITE_SPAWNER: this.#socketPath },
    });
    const tail = keepTail(child.stderr, STDERR_TAIL_BYTES);
    if (child.pid !== undefined) {
      this.#children.set(id, child.pid);
      makeGroupNice(child.pid, limits);
      if (limits.priority === 'background') background.add(child.pid);
      this.#send({ type: 'spawned', id, pid: child.pid });
    }
    // The child has its own copy of the connection: with ours closed, its exit is the client's end of file.
    socket.destroy();
    second?.destroy();
    const result = await child;
    this.#children.delete(id);
    if (child.pid !== undefined) background.remove(child.pid);
    const stderrTail = child.pid === undefined ? `${file} could not be started` : tail();
    this.#send({ type: 'exited', id, exitCode: result.exitCode ?? null, signal: result.signal ?? null, stderrTail });
  }

  #send(event: SpawnerEvent): void {
    if (this.#control.writable) this.#control.write(`${JSON.stringify(event)}\n`);
  }
}

function killGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The group has just ended.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Drains a stream for ever and keeps its last bytes: an ffmpeg that floods stderr never blocks. */
function keepTail(stream: NodeJS.ReadableStream, limit: number): () => string {
  let chunks: Buffer[] = [];
  let byteLength = 0;
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    byteLength += chunk.byteLength;
    if (byteLength > 2 * limit) {
      chunks = [Buffer.concat(chunks).subarray(-limit)];
      byteLength = limit;
    }
  });
  return () => fromFirstCharacter(Buffer.concat(chunks).subarray(-limit)).toString('utf8');
}

/** Without the end of a character whose start was cut away (UTF-8: bytes 10xxxxxx). */
function fromFirstCharacter(bytes: Buffer): Buffer {
  const start = bytes.findIndex(byte => (byte & 0xc0) !== 0x80);
  return bytes.subarray(Math.max(0, start));
}

function readLines(socket: net.Socket, onLine: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/** Reads the first line byte by byte, so that no byte of the child's data is taken. */
function readHello(socket: net.Socket, onHello: (hello: SpawnerHello) => void): void {
  let text = '';
  const deadline = setTimeout(() => socket.destroy(), HELLO_DEADLINE_MS);
  socket.on('close', () => clearTimeout(deadline));
  const onReadable = (): void => {
    for (let byte = socket.read(1) as Buffer | null; byte !== null; byte = socket.read(1) as Buffer | null) {
      if (byte[0] !== 0x0a) {
        text += byte.toString('latin1');
        if (text.length <= HELLO_MAX_BYTES) continue;
        socket.destroy();
        return;
      }
      clearTimeout(deadline);
      socket.off('readable', onReadable);
      onHello(JSON.parse(text) as SpawnerHello);
      return;
    }
  };
  socket.on('readable', onReadable);
}

function serve(socketPath: string): void {
  const clients = new Map<string, Client>();
  const server = net.createServer(socket => {
    socket.on('error', () => socket.destroy());
    readHello(socket, hello => {
      if (hello.type === 'data') {
        const client = clients.get(hello.client);
        if (client) client.attach(hello.id, hello.connection, socket);
        else socket.destroy();
        return;
      }
      const client = new Client(socket, socketPath);
      clients.set(hello.client, client);
      socket.on('close', () => {
        clients.delete(hello.client);
        client.close();
      });
      socket.write('\n'); // data connections may follow
    });
  });
  const shutDown = (): void => {
    server.close();
    for (const client of clients.values()) client.close();
    rmSync(dirname(socketPath), { recursive: true, force: true });
    process.exit(0);
  };
  // A predecessor that was killed leaves its socket behind, and what it held standing still for ever.
  endStopped(socketPath);
  rmSync(socketPath, { force: true });
  server.listen(socketPath, () => process.stdout.write('ready\n'));
  // The server holds our stdin open for as long as it lives, however it dies.
  process.stdin.on('end', shutDown).on('error', shutDown).resume();
  // A terminal's Ctrl-C reaches the whole group: the server drains first, then closes our stdin.
  process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined);
}

function endStopped(socketPath: string): void {
  if (process.platform !== 'linux') return;
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    try {
      const isStopped = /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      if (isStopped && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`FERRITE_SPAWNER=${socketPath}`))
        killGroup(pid, 'SIGKILL');
    } catch {
      // Somebody else's, or gone.
    }
  }
}

/** Files that the server had open when it started us, such as its store: none of them is for the programs that we start. */
function closeInheritedFiles(): void {
  if (process.platform !== 'linux') return;
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    // The descriptor that read this folder is closed by now.
    if (fd > process.stderr.fd && statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })?.isFile()) closeSync(fd);
  }
}

const [, , socketPath] = process.argv;
if (socketPath === undefined) throw new Error('usage: spawner.ts <socket path>');
closeInheritedFiles();
serve(socketPath);
