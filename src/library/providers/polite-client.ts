// JSON over HTTP from a server that is somebody else's: no faster than it likes, tried again when it says so, and never waited for without end.
import { setTimeout as delay } from 'node:timers/promises';
import { FerriteError } from '#domain/errors.ts';

export type PoliteClientOptions = {
  /** Everything below it is asked there. */
  readonly baseUrl: string;
  /** Between the beginnings of two requests. */
  readonly intervalMs: number;
  readonly attempts?: number;
  readonly deadlineMs?: number;
  /** The longest wait that a server may ask for. */
  readonly maxWaitMs?: number;
  readonly firstWaitMs?: number;
};

export type Ask = {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

const MAX_BYTES = 4 * 1024 ** 2;

export class PoliteClient {
  readonly #options: Required<PoliteClientOptions>;
  #nextMs = 0;

  constructor(options: PoliteClientOptions) {
    this.#options = { attempts: 4, deadlineMs: 20_000, maxWaitMs: 60_000, firstWaitMs: 1_000, ...options };
  }

  /** Null: there is no such thing. @throws METADATA_UNAVAILABLE, UNAUTHENTICATED where the key is not taken */
  async json(ask: Ask, signal: AbortSignal): Promise<unknown> {
    const { attempts, firstWaitMs, maxWaitMs } = this.#options;
    for (let attempt = 1; ; attempt++) {
      await this.#turn(signal);
      const answer = await this.#ask(ask, signal);
      if ('value' in answer) return answer.value;
      const waitMs = answer.retryAfterMs ?? firstWaitMs * 2 ** (attempt - 1);
      if (attempt === attempts || waitMs > maxWaitMs) throw unavailable(answer.reason, waitMs);
      await delay(waitMs, undefined, { signal });
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    const turnMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = turnMs + this.#options.intervalMs;
    if (turnMs > nowMs) await delay(turnMs - nowMs, undefined, { signal });
  }

  async #ask(
    { path, query = {}, headers = {}, body }: Ask,
    signal: AbortSignal,
  ): Promise<{ readonly value: unknown } | { readonly reason: string; readonly retryAfterMs: number | null }> {
    const url = new URL(`${this.#options.baseUrl.replace(/\/$/, '')}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    try {
      const response = await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#options.deadlineMs)]),
      });
      if (response.status === 404) return { value: null };
      if (response.status === 401 || response.status === 403) throw new FerriteError('UNAUTHENTICATED', 'the key is not taken');
      if (!response.ok) return { reason: `answered ${response.status}`, retryAfterMs: retryAfterOf(response) };
      return { value: JSON.parse(await textOf(response)) };
    } catch (error) {
      if (error instanceof FerriteError) throw error;
      signal.throwIfAborted();
      // Its text may name the address, and with it the key.
      return { reason: error instanceof SyntaxError ? 'answered no JSON' : 'could not be reached', retryAfterMs: null };
    }
  }
}

/** In seconds, or as a date. */
function retryAfterOf(response: Response): number | null {
  const text = response.headers.get('retry-after');
  if (text === null) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of response.body ?? []) {
    byteLength += chunk.byteLength;
    if (byteLength > MAX_BYTES) throw new SyntaxError('too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const unavailable = (reason: string, retryAfterMs: number): FerriteError =>
  new FerriteError('METADATA_UNAVAILABLE', `the database of films ${reason}`, { retryAfterMs });
