// One viewer's connections: GET and POST with the times of request, first and last byte.
import { Agent, request as httpRequest } from 'node:http';

const DEADLINE_MS = 120_000;
/** What browsers open to one host. */
const MAX_CONNECTIONS = 6;

/** Milliseconds of CLOCK_MONOTONIC: the same clock in every process of this machine. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export type Answer = {
  readonly status: number;
  readonly body: Buffer;
  readonly sentAtMs: number;
  readonly firstByteAtMs: number;
  readonly lastByteAtMs: number;
};

export type Call = {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

export class HttpClient {
  readonly url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });

  constructor(url: string) {
    this.url = url;
  }

  /** Any status; rejects when the connection fails or the deadline passes. */
  send(path: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const bodyHeaders = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const sentAtMs = nowMs();
      const outgoing = httpRequest(new URL(path, this.url), { method, headers: { ...headers, ...bodyHeaders }, agent: this.#agent });
      const deadline = setTimeout(() => outgoing.destroy(new Error(`no answer to ${method} within ${DEADLINE_MS} ms`)), DEADLINE_MS);
      outgoing.once('close', () => clearTimeout(deadline));
      outgoing.once('error', reject);
      outgoing.once('response', incoming => {
        const firstByteAtMs = nowMs();
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const lastByteAtMs = nowMs();
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks), sentAtMs, firstByteAtMs, lastByteAtMs });
        });
      });
      outgoing.end(text);
    });
  }

  /** @throws unless the answer is 200 or 206. */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const answer = await this.send(path, { headers });
    if (answer.status !== 200 && answer.status !== 206) throw new Error(`GET gave ${answer.status}: ${answer.body.subarray(0, 300)}`);
    return answer;
  }

  close(): void {
    this.#agent.destroy();
  }
}
