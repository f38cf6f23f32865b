// Clients that cost a server something without asking for much: idle connections, slow readers, heads that never end, connections dropped in the middle.
import { connect, type Socket } from 'node:net';

const CONNECT_DEADLINE_MS = 30_000;
const CONNECTS_AT_ONCE = 100;
const READ_EVERY_MS = 200;
const KEEP_EVERY_MS = 1_000;
const DROP_AFTER_BYTES = 1_000;

export class SlowCrowd {
  readonly #host: string;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  bytesRead = 0;
  dropped = 0;
  failures = 0;
  /** Connections that the server ended by itself. */
  closedByServer = 0;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** Each connection makes one request and then stays open; one that the server closes is opened again. */
  async idle(count: number, path: string): Promise<void> {
    await this.#keep(count, { start: socket => void socket.write(this.#head(path)), tick: () => undefined });
  }

  /** Each reader takes so many bytes a second of its answer. */
  async slowReaders(count: number, pathOf: (number: number) => string, bytesPerSecond: number): Promise<void> {
    const readers: { readonly socket: Socket; allowed: number }[] = [];
    await this.#openMany(count, (socket, number) => {
      const reader = { socket, allowed: 0 };
      readers.push(reader);
      socket.on('data', (chunk: Buffer) => {
        this.bytesRead += chunk.byteLength;
        reader.allowed -= chunk.byteLength;
        if (reader.allowed <= 0) socket.pause();
      });
      socket.write(this.#head(pathOf(number)));
      socket.pause();
    });
    this.#every(READ_EVERY_MS, () => {
      for (const reader of readers) {
        reader.allowed = Math.min(reader.allowed + (bytesPerSecond * READ_EVERY_MS) / 1000, bytesPerSecond);
        if (reader.allowed > 0) reader.socket.resume();
      }
    });
  }

  /** Each connection sends its head one header at a time and never ends it; one that the server closes is opened again. */
  async loris(count: number): Promise<void> {
    await this.#keep(count, {
      start: socket => void socket.write(`GET /healthz HTTP/1.1\r\nHost: ${this.#host}\r\n`),
      tick: (socket, number) => void socket.write(`X-${number}: 1\r\n`),
    });
  }

  /** So many connections a second request the path and are closed after the first bytes of the answer. */
  dropping(perSecond: number, path: string): void {
    this.#every(1000 / perSecond, () => {
      this.#openMany(1, socket => {
        let seen = 0;
        socket.on('data', (chunk: Buffer) => {
          seen += chunk.byteLength;
          if (seen < DROP_AFTER_BYTES) return;
          this.dropped++;
          socket.resetAndDestroy();
        });
        socket.write(this.#head(path));
      }).catch(() => this.failures++);
    });
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
    for (const socket of this.#sockets) {
      // The connection ends by itself from here on.
      this.#sockets.delete(socket);
      socket.destroy();
    }
  }

  #head(path: string): string {
    return `GET ${path} HTTP/1.1\r\nHost: ${this.#host}:${this.#port}\r\n\r\n`;
  }

  /** So many at all times. `tick` comes every second. */
  async #keep(
    count: number,
    { start, tick }: { start: (socket: Socket) => void; tick: (socket: Socket, number: number) => void },
  ): Promise<void> {
    const kept = new Set<Socket>();
    const fill = (): Promise<void> =>
      this.#openMany(count - kept.size, socket => {
        kept.add(socket);
        socket.once('close', () => kept.delete(socket));
        socket.resume();
        start(socket);
      });
    await fill();
    let isFilling = false;
    let number = 0;
    this.#every(KEEP_EVERY_MS, () => {
      number++;
      for (const socket of kept) tick(socket, number);
      if (isFilling) return;
      isFilling = true;
      fill()
        .catch(() => void this.failures++)
        .finally(() => {
          isFilling = false;
        });
    });
  }

  #every(ms: number, work: () => void): void {
    this.#timers.add(setInterval(work, ms));
  }

  async #openMany(count: number, onOpen: (socket: Socket, number: number) => void): Promise<void> {
    let next = 0;
    const openSome = async (): Promise<void> => {
      for (let number = next++; number < count; number = next++) onOpen(await this.#open(), number);
    };
    await Promise.all(Array.from({ length: CONNECTS_AT_ONCE }, openSome));
  }

  #open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.#host, port: this.#port });
      const deadline = setTimeout(() => socket.destroy(new Error('the server does not take the connection')), CONNECT_DEADLINE_MS);
      socket.once('connect', () => {
        clearTimeout(deadline);
        this.#sockets.add(socket);
        resolve(socket);
      });
      socket.on('error', reject);
      socket.once('close', () => {
        clearTimeout(deadline);
        if (this.#sockets.delete(socket) && !socket.destroyed) this.closedByServer++;
      });
      socket.once('end', () => this.closedByServer++);
    });
  }
}
