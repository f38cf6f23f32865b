// Runs one exchange: drain check, caller, query, body, handler, reply. Stays synchronous as long as every step does: the hot path makes no promise.
import { FerriteError } from '#domain/errors.ts';
import type { Caller } from '#domain/media.ts';
import type { PreparedReply } from '#http/contract/prepared.ts';
import type { Reply } from '#http/contract/route.ts';
import { type Endpoint, readParams } from './endpoint.ts';
import { type Door, Exchange } from './exchange.ts';
import { readJson } from './json-body.ts';
import { sendFailure, sendPrepared, sendReply } from './reply.ts';
import type { HttpRequest, HttpResponse } from './transport.ts';

export function serve(door: Door, endpoint: Endpoint, method: string, res: HttpResponse, req: HttpRequest): void {
  if (endpoint.atOnce !== null && method === 'GET' && serveAtOnce(door, endpoint, res, req)) return;
  const exchange = new Exchange(door, endpoint, method, res, req);
  let reply: Reply | Promise<Reply>;
  try {
    reply = begin(exchange, req);
  } catch (error) {
    sendFailure(exchange, error);
    return;
  }
  if (reply instanceof Promise) deliverLater(exchange, reply);
  else deliver(exchange, reply);
}

/** The plain good case of a hot request: no exchange is made unless the socket takes less than all. True when it was that case. */
function serveAtOnce(door: Door, endpoint: Endpoint, res: HttpResponse, req: HttpRequest): boolean {
  if (endpoint.atOnce === null || door.crossOrigin.dependsOnOrigin || door.isDraining()) return false;
  if (req.getHeader('if-none-match') !== '' || req.getHeader('range') !== '') return false;
  const reply = readyReply(endpoint.atOnce, req);
  if (reply === null) return false;
  sendPrepared(door, endpoint, reply, res, req);
  return true;
}

/** A failure here is repeated in the handler, where it is logged and answered. */
function readyReply(atOnce: NonNullable<Endpoint['atOnce']>, req: HttpRequest): PreparedReply | null {
  try {
    return atOnce(req);
  } catch {
    return null;
  }
}

function begin(exchange: Exchange, req: HttpRequest): Reply | Promise<Reply> {
  const { door, endpoint } = exchange;
  if (door.isDraining()) {
    exchange.closesConnection = true;
    throw new FerriteError('DRAINING', 'the server is shutting down');
  }
  checkFraming(exchange, req);
  checkSender(exchange);
  exchange.params = readParams(endpoint, req);
  const caller = endpoint.auth === 'none' ? null : authenticate(exchange);
  const query = endpoint.parseQuery === null ? '' : req.getQuery();
  if (caller instanceof Promise || endpoint.parseBody !== null) return runLater(exchange, caller, query);
  return run(exchange, caller, query);
}

/** One of each, or a proxy before us has read another request than we do (RFC 9112, 3.2 and 6.3). */
const ONCE = new Set(['host', 'content-length', 'transfer-encoding']);

/**
 * The library looks at the first of several. A line that is no header at all it takes for one that has yet to come to its end: no handler
 * is called, and the connection is closed by its timeout (docs/operations.md has what was measured).
 */
function checkFraming(exchange: Exchange, req: HttpRequest): void {
  const encoding = req.getHeader('transfer-encoding');
  // Streams are asked for without a body, and often: walking through their headers would be felt.
  if (exchange.endpoint.kind === 'stream' && encoding === '' && req.getHeader('content-length') === '') return;
  const met = new Set<string>();
  let twice = '';
  req.forEach(name => {
    if (ONCE.has(name) && met.has(name)) twice = name;
    met.add(name);
  });
  if (twice !== '') throw refused(exchange, new FerriteError('INVALID_REQUEST', `the request has more than one ${twice}`));
  if (encoding !== '' && encoding.toLowerCase() !== 'chunked')
    throw refused(exchange, new FerriteError('INVALID_REQUEST', 'the only transfer encoding known is chunked'));
  if (!HOST.test(req.getHeader('host')))
    throw refused(exchange, new FerriteError('INVALID_REQUEST', 'the request has no Host, or one that is none'));
}

const HOST = /^[^\s/\\@?#,]+$/;

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Before anything is read: a page of somebody else's may not change anything here with its visitor's browser. */
function checkSender(exchange: Exchange): void {
  const host = exchange.readHeader('host');
  if (READING.has(exchange.method)) return;
  const { auth, takesBeacon } = exchange.endpoint;
  const sender = { origin: exchange.readHeader('origin'), host, fetchSite: exchange.readHeader('sec-fetch-site') };
  if (!exchange.door.crossOrigin.mayChange({ ...sender, showsToken: auth !== 'none' || takesBeacon }))
    throw refused(exchange, foreignOrigin());
}

export const foreignOrigin = (): FerriteError =>
  new FerriteError(
    'FORBIDDEN',
    'this comes from a page of another site: list its origin in FERRITE_CORS_ORIGINS, or let the proxy hand on the Host header',
  );

/** Its body is not read. */
function refused(exchange: Exchange, error: FerriteError): FerriteError {
  exchange.closesConnection = true;
  return error;
}

async function runLater(exchange: Exchange, caller: Caller | null | Promise<Caller>, query: string): Promise<Reply> {
  exchange.detach();
  const { parseBody } = exchange.endpoint;
  // Refused for its body, a request is no more interested in who sent it.
  if (caller instanceof Promise) caller.catch(() => undefined);
  const [who, json] = await Promise.all([caller, parseBody === null ? undefined : readJson(exchange)]);
  if (exchange.isGone) throw new FerriteError('CANCELLED', 'the client went away');
  // What a route takes is told to nobody who may not ask it.
  checkRole(exchange, who);
  exchange.body = parseBody === null ? undefined : parseBody(json);
  return run(exchange, who, query);
}

function run(exchange: Exchange, caller: Caller | null, query: string): Reply | Promise<Reply> {
  const { parseQuery, handler } = exchange.endpoint;
  checkRole(exchange, caller);
  exchange.caller = caller;
  if (parseQuery !== null) exchange.query = parseQuery(query);
  return handler(exchange);
}

function checkRole({ endpoint }: Exchange, caller: Caller | null): void {
  if (endpoint.auth === 'admin' && caller?.role !== 'admin') throw new FerriteError('FORBIDDEN', 'only administrators may do this');
}

function authenticate(exchange: Exchange): Caller | Promise<Caller> {
  const token = /^Bearer +([^\s]+) *$/i.exec(exchange.readHeader('authorization'))?.[1];
  if (token === undefined) throw new FerriteError('UNAUTHENTICATED', 'this needs an access token');
  return exchange.door.authenticate(token);
}

function deliverLater(exchange: Exchange, reply: Promise<Reply>): void {
  exchange.detach();
  reply.then(
    value => {
      if (exchange.isGone) discard(value);
      else exchange.write(() => deliver(exchange, value));
    },
    (error: unknown) => sendFailure(exchange, error),
  );
}

/** After a failure here half a head is written: the connection can only be closed. */
function deliver(exchange: Exchange, reply: Reply): void {
  try {
    sendReply(exchange, reply);
  } catch (error) {
    exchange.door.log.error({ err: error, route: exchange.endpoint.path, method: exchange.method }, 'reply failed');
    exchange.close();
    discard(reply);
  }
}

/** Closes the file of a reply that can not be sent. */
function discard(reply: Reply): void {
  if ('streamed' in reply) reply.streamed.close();
}
