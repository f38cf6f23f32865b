// WebSocket connections of one route: authorized before the upgrade, JSON messages checked against the schema, a bound on the messages that wait for a slow reader.
import { FerriteError, toErrorRecord } from '#domain/errors.ts';
import type { Socket, SocketRoute } from '#http/contract/route.ts';
import { type Check, compileCheck } from '#http/contract/validation.ts';
import { type Endpoint, plainEndpoint, readParams } from './endpoint.ts';
import { type Door, Exchange } from './exchange.ts';
import { foreignOrigin } from './handling.ts';
import { sendFailure } from './reply.ts';
import type { HttpRequest, HttpResponse, RawWebSocket, UpgradeContext } from './transport.ts';

const LIMITS = {
  maxPayloadLength: 16 * 1024,
  /** Beyond this a message is dropped rather than queued. */
  maxBackpressure: 256 * 1024,
  /** Seconds. The library pings before it passes, so only a peer that is really away runs into it. */
  idleTimeout: 60,
  sendPingsAutomatically: true,
};

/** A peer that has taken nothing for so long will not be told anything new again. */
const BLOCKED_DEADLINE_MS = 30_000;

/** A player that scrubs sends ten messages a second. */
const MESSAGES_PER_SECOND = 50;
const MESSAGE_BURST = 100;
/** Refused ones, after which a peer is not worth the answer. */
const MAX_REFUSED = 500;

const POLICY_VIOLATION = 1008;
const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;

/** The value that the library's `send` returns for a message that was not queued. */
const DROPPED = 2;

/** The library copies an object's own fields, so a class instance has to travel inside one. */
type UserData = { readonly connection: Connection };

type Handlers = ReturnType<SocketRoute['open']>;

/** The sockets of one server, so that it can count and close them. */
export class SocketRegistry {
  readonly #connections = new Set<Connection>();

  get size(): number {
    return this.#connections.size;
  }

  /** Connections closed because their peer read nothing for too long, since the start. */
  stalledClosed = 0;

  waitingBytes(): number {
    let total = 0;
    for (const connection of this.#connections) total += connection.waitingBytes;
    return total;
  }

  add(connection: Connection): void {
    this.#connections.add(connection);
  }

  delete(connection: Connection): void {
    this.#connections.delete(connection);
  }

  closeAll(): void {
    for (const connection of [...this.#connections]) connection.close(GOING_AWAY, 'the server is shutting down');
  }
}

/** The endpoint that answers a plain request at a WebSocket's address. */
export const socketEndpoint = (path: string): Endpoint =>
  plainEndpoint(path, () => {
    throw new FerriteError('INVALID_REQUEST', 'this address speaks WebSocket only');
  });

/** The callbacks of the socket library for this route. `onUpgraded`: the connection is no HTTP connection any more. */
export function socketBehavior(door: Door, route: SocketRoute, registry: SocketRegistry, onUpgraded: () => void) {
  const check = compileCheck(route.message);
  const endpoint = socketEndpoint(route.path);
  return {
    ...LIMITS,
    upgrade: (res: HttpResponse, req: HttpRequest, pointer: UpgradeContext): void => {
      const exchange = new Exchange(door, endpoint, 'GET', res, req);
      authorize(exchange, route, req, upgrade => {
        onUpgraded();
        exchange.finish(101);
        const connection = new Connection(route, check, door, upgrade.context);
        res.upgrade<UserData>({ connection }, upgrade.key, upgrade.protocol, upgrade.extensions, pointer);
      });
    },
    open: (ws: RawWebSocket<UserData>): void => {
      registry.add(ws.getUserData().connection);
      ws.getUserData().connection.opened(ws);
    },
    message: (ws: RawWebSocket<UserData>, data: ArrayBuffer, isBinary: boolean): void =>
      ws.getUserData().connection.received(data, isBinary),
    drain: (ws: RawWebSocket<UserData>): void => ws.getUserData().connection.drained(),
    close: (ws: RawWebSocket<UserData>): void => {
      registry.delete(ws.getUserData().connection);
      if (ws.getUserData().connection.wasStalled) registry.stalledClosed += 1;
      ws.getUserData().connection.closed();
    },
  };
}

type Upgrade = { readonly context: unknown; readonly key: string; readonly protocol: string; readonly extensions: string };

function authorize(exchange: Exchange, route: SocketRoute, req: HttpRequest, upgrade: (granted: Upgrade) => void): void {
  const key = exchange.readHeader('sec-websocket-key');
  // Browsers fail a connection whose offered protocols are not answered by exactly one of them.
  const protocol = exchange.readHeader('sec-websocket-protocol').split(',', 1)[0]?.trim() ?? '';
  const extensions = exchange.readHeader('sec-websocket-extensions');
  const grant = (context: unknown): void => exchange.write(() => upgrade({ context, key, protocol, extensions }));
  try {
    if (exchange.door.isDraining()) throw new FerriteError('DRAINING', 'the server is shutting down');
    const sender = {
      origin: exchange.readHeader('origin'),
      host: exchange.readHeader('host'),
      fetchSite: exchange.readHeader('sec-fetch-site'),
    };
    if (!exchange.door.crossOrigin.mayChange({ ...sender, showsToken: true })) throw foreignOrigin();
    const query = new URLSearchParams(req.getQuery());
    const params = readParams(exchange.endpoint, req);
    const answer = route.authorize({ params, query: name => query.get(name) ?? '', header: exchange.header });
    if (answer instanceof Promise) {
      exchange.detach();
      answer.then(grant, (error: unknown) => sendFailure(exchange, error));
    } else grant(answer);
  } catch (error) {
    sendFailure(exchange, error);
  }
}

/** One connected client. */
class Connection implements Socket {
  readonly #route: SocketRoute;
  readonly #check: Check;
  readonly #door: Door;
  readonly #context: unknown;
  #ws: RawWebSocket<UserData> | null = null;
  #handlers: Handlers | null = null;
  #blockedSinceMs: number | null = null;
  /** Closed because its peer read nothing for too long. */
  wasStalled = false;
  #messagesLeft = MESSAGE_BURST;
  #filledAtMs = performance.now();
  #refusedInARow = 0;

  constructor(route: SocketRoute, check: Check, door: Door, context: unknown) {
    this.#route = route;
    this.#check = check;
    this.#door = door;
    this.#context = context;
  }

  send(message: object): boolean {
    if (this.#ws === null) return false;
    const isDropped = this.#ws.send(JSON.stringify(message)) === DROPPED;
    if (!isDropped) return true;
    this.#blockedSinceMs ??= performance.now();
    // Closed hard: a close frame would have to queue behind all that the peer does not read.
    if (performance.now() - this.#blockedSinceMs > BLOCKED_DEADLINE_MS) {
      this.wasStalled = true;
      this.#ws.close();
    }
    return false;
  }

  get waitingBytes(): number {
    return this.#ws?.getBufferedAmount() ?? 0;
  }

  close(code: number, reason: string): void {
    this.#ws?.end(code, reason);
  }

  opened(ws: RawWebSocket<UserData>): void {
    this.#ws = ws;
    try {
      this.#handlers = this.#route.open(this, this.#context);
    } catch (error) {
      this.#door.log.error({ err: error, route: this.#route.path }, 'a socket could not be opened');
      this.close(INTERNAL_ERROR, 'an unexpected failure');
    }
  }

  received(data: ArrayBuffer, isBinary: boolean): void {
    if (!this.#takesMessage()) return;
    let message: unknown;
    try {
      if (isBinary) throw new FerriteError('INVALID_REQUEST', 'messages are text frames of JSON');
      message = parseMessage(data);
      this.#handlers?.message(this.#check(message));
    } catch (error) {
      this.#refuse(error, message);
    }
  }

  /** What comes too fast is not even parsed; it is told once, and goes on for a while before the peer is closed. */
  #takesMessage(): boolean {
    const nowMs = performance.now();
    this.#messagesLeft = Math.min(MESSAGE_BURST, this.#messagesLeft + ((nowMs - this.#filledAtMs) / 1000) * MESSAGES_PER_SECOND);
    this.#filledAtMs = nowMs;
    if (this.#messagesLeft >= 1) {
      this.#messagesLeft -= 1;
      this.#refusedInARow = 0;
      return true;
    }
    this.#refusedInARow += 1;
    if (this.#refusedInARow === 1)
      this.#refuse(new FerriteError('TOO_MANY_REQUESTS', 'messages come too fast', { retryAfterMs: 1_000 }), null);
    if (this.#refusedInARow > MAX_REFUSED) this.close(POLICY_VIOLATION, 'too many messages');
    return false;
  }

  drained(): void {
    this.#blockedSinceMs = null;
  }

  closed(): void {
    this.#ws = null;
    try {
      this.#handlers?.close();
    } catch (error) {
      this.#door.log.error({ err: error, route: this.#route.path }, 'a socket could not be closed');
    }
  }

  #refuse(error: unknown, message: unknown): void {
    if (!(error instanceof FerriteError)) this.#door.log.error({ err: error, route: this.#route.path }, 'message failed');
    const id = idOf(message);
    const errors = error instanceof FerriteError && error.fields.length > 0 ? { errors: error.fields } : {};
    this.send({ type: 'error', ...toErrorRecord(error), ...errors, ...(id === null ? {} : { id }) });
  }
}

function parseMessage(data: ArrayBuffer): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch (cause) {
    throw new FerriteError('INVALID_REQUEST', 'the message is not valid JSON', { cause });
  }
}

/** Echoed also where the message is refused, so that the client knows which of its requests failed. */
function idOf(message: unknown): string | number | null {
  if (typeof message !== 'object' || message === null || !('id' in message)) return null;
  return typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null;
}
