// One keep-alive connection at the least cost for its process: heads are parsed, bodies counted and dropped unless the caller asks for them.
import { connect, type Socket } from 'node:net';
import { type AnswerHead, AnswerReader } from './answer-reader.ts';
import { nowMs } from './http-client.ts';

const DEADLINE_MS = 60_000;
const READ_BYTES = 64 * 1024;

export type LeanAnswer = {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly bodyBytes: number;
  /** Empty unless the caller asked for the body. */
  readonly body: string;
  readonly sentAtMs: number;
  readonly firstByteAtMs: number;
  readonly lastByteAtMs: number;
};

export type LeanCall = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly keepsBody?: boolean;
  readonly deadlineMs?: number;
};

type Pending = {
  readonly sentAtMs: number;
  readonly reader: AnswerReader;
  readonly deadline: NodeJS.Timeout;
  readonly resolve: (answer: LeanAnswer) => void;
  readonly reject: (error: Error) => void;
};

export class LeanConnection {
  // Shared by all connections: the bytes of one read are used up before the next read begins.
  static readonly #readBuffer = Buffer.allocUnsafe(READ_BYTES);
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | null = null;
  #pending: Pending | null = null;
  #firstByteAtMs = 0;
  /** Requests of one connection follow each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  /** Any status; rejects when the connection fails, is closed, or the deadline passes. */
  send(path: string, call: LeanCall = {}): Promise<LeanAnswer> {
    const mine = this.#last.then(() => this.#exchange(path, call));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Aborts the running request as a browser does, by closing the connection. The next request opens another. */
  abort(): void {
    this.#fail(new Error('given up'));
  }

  close(): void {
    this.#fail(new Error('the connection was closed'));
  }

  #exchange(
    path: string,
    { method = 'GET', headers = {}, json, keepsBody = false, deadlineMs = DEADLINE_MS }: LeanCall,
  ): Promise<LeanAnswer> {
    const body = json === undefined ? '' : JSON.stringify(json);
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${this.#host}:${this.#port}`];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    if (json !== undefined) lines.push('Content-Type: application/json');
    if (method !== 'GET') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.#fail(new Error(`no answer to ${method} within ${deadlineMs} ms`)), deadlineMs);
      this.#pending = { sentAtMs: nowMs(), reader: new AnswerReader(keepsBody), deadline, resolve, reject };
      this.#firstByteAtMs = 0;
      this.#open().write(`${lines.join('\r\n')}\r\n\r\n${body}`);
    });
  }

  #open(): Socket {
    if (this.#socket) return this.#socket;
    const callback = (bytes: number, buffer: Uint8Array): boolean => {
      // Of a connection that was given up meanwhile.
      if (this.#socket === socket) this.#onBytes(buffer.subarray(0, bytes));
      return true;
    };
    const onread = { buffer: LeanConnection.#readBuffer, callback };
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true, onread });
    const onEnd = (error?: Error): void => {
      if (this.#socket === socket) this.#fail(error instanceof Error ? error : new Error('the server closed the connection'));
    };
    socket.on('error', onEnd);
    socket.on('close', () => onEnd());
    socket.on('end', () => onEnd());
    this.#socket = socket;
    return socket;
  }

  #onBytes(bytes: Uint8Array): void {
    const pending = this.#pending;
    if (!pending) return;
    if (this.#firstByteAtMs === 0) this.#firstByteAtMs = nowMs();
    const head = pending.reader.push(bytes);
    if (!head) return;
    clearTimeout(pending.deadline);
    this.#pending = null;
    pending.resolve(this.#answer(pending, head));
  }

  #answer({ sentAtMs, reader }: Pending, head: AnswerHead): LeanAnswer {
    return {
      status: head.status,
      header: head.header,
      bodyBytes: reader.bodyBytes,
      body: reader.body(),
      sentAtMs,
      firstByteAtMs: this.#firstByteAtMs,
      lastByteAtMs: nowMs(),
    };
  }

  #fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = null;
    this.#socket?.destroy();
    this.#socket = null;
    if (!pending) return;
    clearTimeout(pending.deadline);
    pending.reject(error);
  }
}
