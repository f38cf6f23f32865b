// A proxy in front of a server: a line of any speed for all its answers together, and a note of everything that was asked for.
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const SLICE_BYTES = 8_192;
/** What a line lets through at once after it was quiet. */
const BURST_S = 0.05;

export type Asked = { readonly atMs: number; readonly method: string; readonly path: string };

export class ThrottlingProxy {
  readonly asked: Asked[] = [];
  /** Answers these paths itself. */
  readonly own = new Map<string, { readonly type: string; readonly body: Buffer }>();
  readonly #target: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  #bytesPerS = Number.POSITIVE_INFINITY;
  /** When the line will have carried what was given to it. */
  #freeAtMs = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, answer) => this.#pass(incoming, answer));
  }

  static async open(target: string): Promise<ThrottlingProxy> {
    const proxy = new ThrottlingProxy(target);
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Infinity opens the line. */
  limit(bitsPerS: number): void {
    this.#bytesPerS = bitsPerS / 8;
    this.#freeAtMs = performance.now();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
    this.#agent.destroy();
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse): void {
    const { method = 'GET', url: path = '/', headers } = incoming;
    this.asked.push({ atMs: performance.now(), method, path });
    const own = this.own.get(path.split('?')[0] ?? '');
    if (own) {
      answer.writeHead(200, { 'content-type': own.type, 'content-length': own.body.length }).end(own.body);
      return;
    }
    const { hostname, port } = this.#target;
    const upstream = request({ hostname, port, method, path, headers, agent: this.#agent }, reply => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      this.#carry(reply, answer).catch(() => answer.destroy());
    });
    upstream.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    answer.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }

  async #carry(reply: IncomingMessage, answer: ServerResponse): Promise<void> {
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
        const slice = chunk.subarray(from, from + SLICE_BYTES);
        await this.#turn(slice.length);
        if (answer.destroyed) return;
        if (!answer.write(slice)) await drained(answer);
      }
    }
    answer.end();
  }

  async #turn(bytes: number): Promise<void> {
    if (this.#bytesPerS === Number.POSITIVE_INFINITY) return;
    const nowMs = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs - BURST_S * 1_000) + (bytes / this.#bytesPerS) * 1_000;
    if (this.#freeAtMs > nowMs) await delay(this.#freeAtMs - nowMs);
  }
}

/** Room for more, or nobody who wants it. */
function drained(answer: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const go = (): void => {
      answer.off('drain', go).off('close', go);
      resolve();
    };
    answer.on('drain', go).on('close', go);
  });
}
