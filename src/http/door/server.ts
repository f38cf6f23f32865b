// The front door's listening side: routes and sockets registered, connections counted, one ordered close. The only importer of uWebSockets.js.

import { App, type TemplatedApp, type us_listen_socket, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js';
import { connect } from 'node:net';
import { FerriteError } from '#domain/errors.ts';
import { formatAddress } from '#domain/ip-address.ts';
import type { Caller } from '#domain/media.ts';
import type { Route, SocketRoute } from '#http/contract/route.ts';
import { type AddressShareOptions, AddressShares } from './address-shares.ts';
import { CrossOrigin } from './cross-origin.ts';
import { connectionsPossible } from './descriptors.ts';
import { type Endpoint, plainEndpoint, tabulate, toPattern } from './endpoint.ts';
import { type Door, HeldExchanges, type Log, type RequestRecord } from './exchange.ts';
import { serve } from './handling.ts';
import { SocketRegistry, socketBehavior, socketEndpoint } from './socket.ts';
import type { HttpResponse } from './transport.ts';

export type { Log, RequestRecord } from './exchange.ts';

export type ServerOptions = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly sockets: readonly SocketRoute[];
  /** Throws a FerriteError for a token that is not good. May answer at once: then the whole request can. */
  readonly authenticate: (bearerToken: string) => Caller | Promise<Caller>;
  /** Origins whose pages may call; `*` for all; empty for none but our own. */
  readonly corsOrigins: readonly string[];
  readonly log: Log;
  /** True: everything new is refused with DRAINING, before `close` as well. */
  readonly isDraining?: () => boolean;
  /** Called once a request, when its reply has been handed over or its client has gone (status 499). */
  readonly onRequest?: (record: RequestRecord) => void;
  /** How long a body may take to arrive. Default 10 000. */
  readonly bodyDeadlineMs?: number;
  /** How long a reader may take nothing of a body, as a paused player does. Default 60 000; at least the library's own 10 000. */
  readonly stallDeadlineMs?: number;
  /** Open connections, WebSockets included; one more is answered 503 and closed. Default 20 000, and never more than the process may have descriptors for. */
  readonly maxConnections?: number;
  /** Of these, the ones of one address: never more than half. Default: any number. */
  readonly connectionsPerAddress?: AddressShareOptions;
};

/** Counts of open connections and their unsent bytes, and of connections that were closed or refused since the start. */
export type ConnectionLoad = {
  readonly connections: number;
  readonly webSockets: number;
  /** Requests and replies under way. */
  readonly repliesInFlight: number;
  /** Bytes of bodies that slow readers have not taken yet; the bytes themselves are shared. */
  readonly waitingBytes: number;
  /** Copies of messages that wait for WebSocket clients to read. */
  readonly webSocketWaitingBytes: number;
  readonly refusedConnections: number;
  readonly stalledClosed: number;
};

export type FrontDoor = {
  readonly url: string;
  readonly port: number;
  /** Open connections, WebSockets included. */
  connections(): number;
  load(): ConnectionLoad;
  /** Stops listening, refuses new requests, closes WebSockets with 1001, lets running replies end until the deadline, then closes everything. */
  close(deadlineMs: number): Promise<void>;
};

const BODY_DEADLINE_MS = 10_000;
const STALL_DEADLINE_MS = 60_000;

/** Well within the 10 s after which the library gives a stalled reader up. */
const STALL_CHECK_MS = 4_000;

const PROBE_DEADLINE_MS = 1_000;
const MAX_CONNECTIONS = 20_000;
const REFUSED_RETRY_S = 5;
const REFUSAL_LOG_INTERVAL_MS = 60_000;

/**
 * The library's own limits, measured: a request head of more than 4096 bytes (UWS_HTTP_MAX_HEADERS_SIZE changes that) or 98 headers is answered 431,
 * HTTP/1.0 505, a malformed head 400, each with a closed connection; a head that is not whole after 10 s, or a connection idle for as long, is closed.
 */
export async function startServer(options: ServerOptions): Promise<FrontDoor> {
  const server = new Server(options);
  try {
    await server.listen(options.host, options.port);
  } catch (error) {
    await server.close(0);
    throw error;
  }
  return server;
}

class Server implements FrontDoor {
  url = '';
  port = 0;
  readonly #app: TemplatedApp = App();
  readonly #held = new HeldExchanges();
  readonly #sockets = new SocketRegistry();
  readonly #door: Door;
  #httpConnections = 0;
  readonly #maxConnections: number;
  readonly #addressShares: AddressShares | null;
  #refusedConnections = 0;
  #refusalLoggedAtMs = Number.NEGATIVE_INFINITY;
  #listenSocket: us_listen_socket | null = null;
  readonly #stallDeadlineMs: number;
  #stallCheck: NodeJS.Timeout | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: ServerOptions) {
    this.#door = {
      log: options.log,
      crossOrigin: new CrossOrigin(options.corsOrigins),
      authenticate: options.authenticate,
      isDraining: () => this.#closing !== null || options.isDraining?.() === true,
      onRequest: options.onRequest ?? null,
      bodyDeadlineMs: options.bodyDeadlineMs ?? BODY_DEADLINE_MS,
      held: this.#held,
    };
    this.#stallDeadlineMs = options.stallDeadlineMs ?? STALL_DEADLINE_MS;
    this.#maxConnections = Math.min(options.maxConnections ?? MAX_CONNECTIONS, connectionsPossible());
    const { connectionsPerAddress } = options;
    this.#addressShares =
      connectionsPerAddress === undefined
        ? null
        : new AddressShares(
            { ...connectionsPerAddress, max: Math.min(connectionsPerAddress.max, Math.ceil(this.#maxConnections / 2)) },
            () => this.port,
          );
    this.#app.filter((res: HttpResponse, change: number) => this.#countConnection(res, change));
    this.#registerSockets(options.sockets);
    this.#registerRoutes(options.routes, options.sockets);
  }

  connections(): number {
    return this.#httpConnections + this.#sockets.size;
  }

  load(): ConnectionLoad {
    return {
      connections: this.connections(),
      webSockets: this.#sockets.size,
      repliesInFlight: this.#held.size,
      waitingBytes: this.#held.waitingBytes(),
      webSocketWaitingBytes: this.#sockets.waitingBytes(),
      refusedConnections: this.#refusedConnections,
      stalledClosed: this.#held.stalledClosed + this.#sockets.stalledClosed,
    };
  }

  async listen(host: string, port: number): Promise<void> {
    const inUse = `can not listen on ${host}:${port}`;
    // The library shares ports (SO_REUSEPORT): a second server would silently take half of the connections. Its exclusive mode
    // is no way out, for it refuses a port on which connections of a killed server still time out.
    if (port !== 0 && (await isAnswered(host, port))) throw new Error(`${host}:${port} is in use: another server answers there`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#app.listen(host, port, socket => {
      if (!socket) {
        reject(new Error(inUse));
        return;
      }
      this.#listenSocket = socket;
      this.#stallCheck = setInterval(() => this.#held.keepStalled(this.#stallDeadlineMs), STALL_CHECK_MS);
      this.port = us_socket_local_port(socket);
      this.url = `http://${reachable(host)}:${this.port}`;
      resolve();
    });
    return promise;
  }

  #countConnection(res: HttpResponse, change: number): void {
    this.#httpConnections += change;
    if (change < 0) return;
    if (this.connections() > this.#maxConnections) {
      this.#refuse(res, 'too many connections: new ones are refused', { max: this.#maxConnections });
      return;
    }
    if (this.#addressShares === null) return;
    const address = formatAddress(new Uint8Array(res.getRemoteAddress()));
    if (!this.#addressShares.admits(address)) this.#refuse(res, 'too many connections of one address: new ones are refused', { address });
  }

  /** Called before the request is read, so that a request on its way gets this answer. */
  #refuse(res: HttpResponse, why: string, fields: object): void {
    this.#refusedConnections += 1;
    res.writeStatus('503 Service Unavailable').writeHeader('Retry-After', String(REFUSED_RETRY_S)).end('', true);
    const nowMs = performance.now();
    if (nowMs - this.#refusalLoggedAtMs < REFUSAL_LOG_INTERVAL_MS) return;
    this.#refusalLoggedAtMs = nowMs;
    this.#door.log.warn({ connections: this.connections(), ...fields }, why);
  }

  close(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    if (this.#listenSocket !== null) us_listen_socket_close(this.#listenSocket);
    this.#sockets.closeAll();
    await this.#held.drain(deadlineMs);
    if (this.#stallCheck !== null) clearInterval(this.#stallCheck);
    this.#app.close();
  }

  #registerSockets(sockets: readonly SocketRoute[]): void {
    for (const socket of sockets) {
      // The library's filter counts a connection in as HTTP, and does not count it out when it becomes a WebSocket.
      const behavior = socketBehavior(this.#door, socket, this.#sockets, () => {
        this.#httpConnections--;
      });
      this.#app.ws(toPattern(socket.path), behavior);
    }
  }

  /** Every path answers every method: the library's search looks at methods first, and so always ends at the most specific path. */
  #registerRoutes(routes: readonly Route[], sockets: readonly SocketRoute[]): void {
    const rows = tabulate(routes, this.#door.crossOrigin);
    const taken = new Set(rows.map(({ pattern }) => pattern));
    for (const { pattern, byMethod, otherwise } of rows) this.#register(pattern, method => byMethod.get(method) ?? otherwise);
    for (const { path } of sockets) if (!taken.has(toPattern(path))) this.#register(toPattern(path), () => socketEndpoint(path));
    if (!taken.has('/*')) this.#register('/*', notFound);
  }

  #register(pattern: string, endpointFor: (method: string) => Endpoint): void {
    for (const [method, verb] of VERBS) {
      const endpoint = endpointFor(method);
      this.#app[verb](pattern, (res, req) => serve(this.#door, endpoint, method, res, req));
    }
    const otherwise = endpointFor('');
    this.#app.any(pattern, (res, req) => serve(this.#door, otherwise, req.getMethod().toUpperCase(), res, req));
  }
}

const VERBS = [
  ['GET', 'get'],
  ['HEAD', 'head'],
  ['POST', 'post'],
  ['PUT', 'put'],
  ['PATCH', 'patch'],
  ['DELETE', 'del'],
  ['OPTIONS', 'options'],
] as const;

const notFound = () =>
  plainEndpoint('unmatched', () => {
    throw new FerriteError('NOT_FOUND', 'there is nothing at this address');
  });

/** Whether another process listens on the address. */
function isAnswered(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: host === '0.0.0.0' || host === '::' ? 'localhost' : host, port, timeout: PROBE_DEADLINE_MS });
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  socket.once('timeout', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

/** An address that a client can use, where the host stands for every interface. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
