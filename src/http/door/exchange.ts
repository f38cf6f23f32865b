// One request and its reply, from the first byte of the handler's work to the last byte sent: the handler's view of the request, and the listeners for the client going away.
import { FerriteError } from '#domain/errors.ts';
import { formatAddress } from '#domain/ip-address.ts';
import type { Caller } from '#domain/media.ts';
import type { CrossOrigin } from './cross-origin.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpRequest, HttpResponse } from './transport.ts';

/** The logger of the front door; pino fits. */
export type Log = {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** A request as its reply ended; replies that lay ready and went out at once are not recorded. */
export type RequestRecord = { readonly route: string; readonly method: string; readonly status: number; readonly durationMs: number };

/** The state that all exchanges of one server share. */
export type Door = {
  readonly log: Log;
  readonly crossOrigin: CrossOrigin;
  readonly authenticate: (bearerToken: string) => Caller | Promise<Caller>;
  readonly isDraining: () => boolean;
  readonly onRequest: ((record: RequestRecord) => void) | null;
  readonly bodyDeadlineMs: number;
  readonly held: HeldExchanges;
};

/** Exchanges that outlive the callback they began in: a drain waits for them, and some wait for a slow reader. */
export class HeldExchanges {
  readonly #exchanges = new Set<Exchange>();
  #onEmpty: (() => void) | null = null;
  #stalledClosed = 0;

  add(exchange: Exchange): void {
    this.#exchanges.add(exchange);
  }

  delete(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    if (this.#exchanges.size === 0) this.#onEmpty?.();
  }

  /** Replies and requests under way. */
  get size(): number {
    return this.#exchanges.size;
  }

  /** Connections closed because their reader took nothing for too long, since the start. */
  get stalledClosed(): number {
    return this.#stalledClosed;
  }

  /** Bytes of running bodies that slow readers have not taken yet. Several exchanges may share the same bytes. */
  waitingBytes(): number {
    let total = 0;
    for (const exchange of this.#exchanges) total += exchange.waitingBytes;
    return total;
  }

  /** The library closes a connection 10 s after a write that was not taken: too soon for a player that is paused. */
  keepStalled(deadlineMs: number): void {
    const oldestMs = performance.now() - deadlineMs;
    for (const exchange of [...this.#exchanges]) {
      if (exchange.stalledSinceMs === null) continue;
      if (exchange.stalledSinceMs > oldestMs) exchange.rearmTimeout();
      else {
        this.#stalledClosed += 1;
        exchange.close();
      }
    }
  }

  /** Resolves when all have ended by themselves, or have been ended at the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#exchanges.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const deadline = setTimeout(() => {
      for (const exchange of [...this.#exchanges]) exchange.close();
    }, deadlineMs);
    await promise;
    clearTimeout(deadline);
  }
}

const LISTS = new Set(['forwarded', 'x-forwarded-for']);
const NO_PARAMS: Record<string, string> = Object.freeze({});
const NO_QUERY: unknown = Object.freeze({});

export class Exchange {
  readonly door: Door;
  readonly endpoint: Endpoint;
  readonly res: HttpResponse;
  readonly method: string;
  params: Record<string, string> = NO_PARAMS;
  caller: Caller | null = null;
  query: unknown = NO_QUERY;
  body: unknown = undefined;
  /** The client is away or the connection is closed: `res` must not be touched. */
  isGone = false;
  /** Set where the request was not read to its end, so that the connection can not carry another one. */
  closesConnection = false;
  /** Since when the socket has taken nothing of the body; null while nothing waits. */
  stalledSinceMs: number | null = null;
  /** Called once when the client goes away, for the reader of the body and the sender of the reply. */
  onGone: (() => void) | null = null;
  readonly #req: HttpRequest;
  readonly #startedMs: number;
  #headers: ReadonlyMap<string, string> | null = null;
  #address: string | null = null;
  #controller: AbortController | null = null;
  #isHeld = false;
  #bodyByteLength = 0;

  constructor(door: Door, endpoint: Endpoint, method: string, res: HttpResponse, req: HttpRequest) {
    this.door = door;
    this.endpoint = endpoint;
    this.method = method;
    this.res = res;
    this.#req = req;
    this.#startedMs = door.onRequest === null ? 0 : performance.now();
  }

  /** A getter, so that handlers may take it out of the request by destructuring. */
  get header(): (name: string) => string {
    return name => this.readHeader(name);
  }

  readHeader(name: string): string {
    return this.#headers === null ? this.#req.getHeader(name) : (this.#headers.get(name) ?? '');
  }

  get remoteAddress(): string {
    this.#address ??= formatAddress(new Uint8Array(this.res.getRemoteAddress()));
    return this.#address;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isGone) this.#controller.abort(clientGone());
    return this.#controller.signal;
  }

  /** Must be called before the uWebSockets.js callback returns, wherever the reply comes later. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.door.held.add(this);
    this.res.onAborted(() => this.#leave());
  }

  /**
   * `hold`, and a copy of the request's facts, which the library's request object loses after its callback.
   * Only for work that turned out asynchronous: the copy costs more than a whole answer from memory.
   */
  detach(): void {
    this.hold();
    if (this.#headers !== null) return;
    const headers = new Map<string, string>();
    this.#req.forEach((name, value) => {
      const before = headers.get(name);
      if (before === undefined) headers.set(name, value);
      // A proxy may add a line of its own below the client's: the last one is the one to trust.
      else if (LISTS.has(name)) headers.set(name, `${before}, ${value}`);
    });
    this.#address = this.remoteAddress;
    this.#headers = headers;
  }

  /** Everything after the callback writes corked: one system call and one packet for head and body. */
  write(write: () => void): void {
    if (this.isGone) return;
    if (this.#isHeld) this.res.cork(write);
    else write();
  }

  /** The reply has been handed over whole. `res` belongs to the next request now. */
  finish(status: number): void {
    this.isGone = true;
    this.onGone = null;
    if (this.#isHeld) this.door.held.delete(this);
    if (this.door.onRequest === null) return;
    this.door.onRequest({ route: this.endpoint.path, method: this.method, status, durationMs: performance.now() - this.#startedMs });
  }

  /** Of a body that was begun already, the socket has taken what it could. */
  waits(totalByteLength: number): void {
    this.#bodyByteLength = totalByteLength;
    this.stalledSinceMs = performance.now();
  }

  /** Sends as much of the body as the socket has room for. True when that was all. */
  offer(bytes: Uint8Array, totalByteLength: number, status: number): boolean {
    this.#bodyByteLength = totalByteLength;
    const [isTaken, isDone] = this.res.tryEnd(bytes, totalByteLength);
    this.stalledSinceMs = isTaken ? null : performance.now();
    if (isDone) this.finish(status);
    return isTaken || isDone;
  }

  /** The bytes that a waiting body has not sent yet. */
  get waitingBytes(): number {
    return this.stalledSinceMs === null || this.isGone ? 0 : this.#bodyByteLength - this.res.getWriteOffset();
  }

  /** Resuming sets the library's timeout anew; it is the only call of it that does. */
  rearmTimeout(): void {
    this.res.pause();
    this.res.resume();
  }

  /** Ends the connection without a reply, or in the middle of one. */
  close(): void {
    if (this.isGone) return;
    this.res.close();
    if (!this.#isHeld) this.#leave();
  }

  #leave(): void {
    if (this.isGone) return;
    const { onGone } = this;
    this.finish(499);
    this.#controller?.abort(clientGone());
    onGone?.();
  }
}

const clientGone = (): FerriteError => new FerriteError('CANCELLED', 'the client went away');
