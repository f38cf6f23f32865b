// A front door on a free port for tests, with raw sockets to talk to it in ways that no HTTP client would.
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { parseUserId } from '#domain/ids.ts';
import type { Caller } from '#domain/media.ts';
import { type FrontDoor, type ServerOptions, startServer } from '#http/door/server.ts';

export type LogLine = { readonly level: string; readonly fields: object; readonly message: string };

const CALLERS: Readonly<Record<string, Caller>> = {
  admin: { userId: parseUserId('admin-user'), username: 'anna', role: 'admin' },
  viewer: { userId: parseUserId('viewer-user'), username: 'vera', role: 'viewer' },
};

/** Tokens are `admin` and `viewer`; with `-later` appended they are checked asynchronously. */
export function authenticateForTest(token: string): Caller | Promise<Caller> {
  const caller = CALLERS[token.replace('-later', '')];
  if (caller === undefined) throw new FerriteError('UNAUTHENTICATED', 'the token is not good');
  return token.endsWith('-later') ? new Promise(resolve => setImmediate(resolve, caller)) : caller;
}

export async function startForTest(t: TestContext, options: Partial<ServerOptions>): Promise<FrontDoor & { readonly lines: LogLine[] }> {
  const lines: LogLine[] = [];
  const logAt = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  const door = await startServer({
    host: '127.0.0.1',
    port: 0,
    routes: [],
    sockets: [],
    corsOrigins: [],
    authenticate: authenticateForTest,
    log: { debug: logAt('debug'), warn: logAt('warn'), error: logAt('error') },
    ...options,
  });
  t.after(() => door.close(0));
  return Object.assign(door, { lines });
}

/** A connection that sends what it is told and keeps all that it receives. */
export class RawClient {
  readonly socket: Socket;
  isClosed = false;
  #chunks: Buffer[] = [];
  #keepsBytes = true;

  constructor(t: TestContext, port: number, route: { readonly host?: string; readonly localAddress?: string } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', ...route });
    this.socket.on('data', chunk => {
      if (this.#keepsBytes) this.#chunks.push(chunk);
    });
    // A reset is one of the ways in which a server closes; `close` follows.
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    t.after(() => this.socket.destroy());
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** For bodies too large to keep: from here on bytes are only counted, by `socket.bytesRead`. */
  ignoreBytes(): void {
    this.#chunks = [];
    this.#keepsBytes = false;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  /** Resolves with everything received so far once it matches. */
  async until(pattern: RegExp, deadlineMs = 5_000): Promise<string> {
    await waitFor(
      () => pattern.test(this.text),
      deadlineMs,
      () => `no ${pattern} in ${JSON.stringify(this.text.slice(0, 500))}`,
    );
    return this.text;
  }

  async closed(deadlineMs = 5_000): Promise<string> {
    await waitFor(
      () => this.isClosed,
      deadlineMs,
      () => `still open after ${JSON.stringify(this.text.slice(0, 500))}`,
    );
    return this.text;
  }
}

/** For what no event tells: looks again each turn of the loop, to a deadline. */
export async function waitFor(isTrue: () => boolean, deadlineMs: number, describe: () => string): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(describe());
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

export const request = (method: string, path: string, headers: Readonly<Record<string, string>> = {}, body = ''): string =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: test', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n${body}`;
