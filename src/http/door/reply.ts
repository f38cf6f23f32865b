// Writes a handler's Reply, or its failure, to the socket: head, conditions, ranges, HEAD, and bodies of any size without holding a copy.
import { FerriteError } from '#domain/errors.ts';
import type { BodySource } from '#http/contract/body-source.ts';
import type { PreparedReply } from '#http/contract/prepared.ts';
import { isCancelled, problemReply } from '#http/contract/problem.ts';
import type { Reply } from '#http/contract/route.ts';
import type { Endpoint } from './endpoint.ts';
import { type Door, Exchange } from './exchange.ts';
import { FileSource } from './file-source.ts';
import { type Representation, type Selection, select, WHOLE } from './negotiation.ts';
import { type Part, pump, pumpBytes, pumpRest } from './pump.ts';
import type { HttpRequest, HttpResponse } from './transport.ts';

/** Above this a body goes out piece by piece: `end` would keep a copy of all that a slow reader has not taken. */
const MAX_COPIED_BYTES = 64 * 1024;

type FileReply = Extract<Reply, { readonly file: unknown }>;
type StreamedReply = Extract<Reply, { readonly streamed: unknown }>;
type BytesReply = Extract<Reply, { readonly bytes: Uint8Array }>;
type Headers = Readonly<Record<string, string>>;

const NOT_CACHED: Headers = { 'Cache-Control': 'no-store' };

export function sendReply(exchange: Exchange, reply: Reply): void {
  if ('prepared' in reply) sendBytes(exchange, { status: reply.status, ...partsOf(reply.prepared) });
  else if ('bytes' in reply) sendBytes(exchange, reply);
  else if ('streamed' in reply) sendStreamed(exchange, reply);
  else if ('file' in reply) sendFileReply(exchange, reply);
  else if ('json' in reply) sendJson(exchange, reply.status, reply.json, reply.headers);
  else sendEmpty(exchange, reply.status, reply.headers);
}

/** The whole of a reply that lies ready, in the callback that brought the request. */
export function sendPrepared(door: Door, endpoint: Endpoint, reply: PreparedReply, res: HttpResponse, req: HttpRequest): void {
  const { bytes } = reply;
  const { byteLength } = bytes;
  res.writeStatus(reply.head(door.crossOrigin));
  if (byteLength <= MAX_COPIED_BYTES) {
    res.end(bytes);
    return;
  }
  const [, isDone] = res.tryEnd(bytes, byteLength);
  if (isDone) return;
  const exchange = new Exchange(door, endpoint, 'GET', res, req);
  exchange.waits(byteLength);
  pumpRest(exchange, bytes, 200);
}

const partsOf = ({ bytes, contentType, etag, headers }: PreparedReply) => ({ bytes, contentType, etag, headers });

/** A client that went away is neither answered nor logged; a bug is logged with its stack and answered without it. */
export function sendFailure(exchange: Exchange, error: unknown, headers?: Headers): void {
  if (exchange.isGone) return;
  if (isCancelled(error)) {
    exchange.close();
    return;
  }
  const reply = problemReply(error, headers);
  if (reply.status === 500)
    exchange.door.log.error({ err: error, route: exchange.endpoint.path, method: exchange.method }, 'request failed');
  exchange.write(() => sendReply(exchange, reply));
}

function sendBytes(exchange: Exchange, { status, bytes, contentType, headers, etag }: BytesReply): void {
  const { byteLength } = bytes;
  const selection = etag === undefined || status !== 200 ? WHOLE : selectFrom(exchange, byteLength, etag, null);
  if (selection.kind === 'whole') {
    writeHead(exchange, status, contentType, headers, etag);
    sendBody(exchange, status, bytes);
  } else if (selection.kind === 'part') {
    writePartHead(exchange, selection, byteLength, () => writeHead(exchange, 206, contentType, headers, etag));
    sendBody(exchange, 206, bytes.subarray(selection.start, selection.end));
  } else {
    sendNoBytes(exchange, selection.kind, byteLength, headers, etag);
  }
}

function sendJson(exchange: Exchange, status: number, json: unknown, headers: Headers = NOT_CACHED): void {
  const bytes = Buffer.from(JSON.stringify(json));
  writeHead(exchange, status, 'application/json', headers);
  sendBody(exchange, status, bytes);
}

function sendEmpty(exchange: Exchange, status: number, headers: Headers | undefined): void {
  writeHead(exchange, status, '', headers);
  // A 204 or 304 must not carry Content-Length; any other empty answer must.
  if (status === 204 || status === 304) exchange.res.endWithoutBody();
  else exchange.res.end('', exchange.closesConnection);
  exchange.finish(status);
}

function sendStreamed(exchange: Exchange, { streamed: body, status, contentType, etag, headers }: StreamedReply): void {
  const { byteLength } = body;
  const selection = selectFrom(exchange, byteLength, etag, null);
  if (selection.kind === 'notModified' || selection.kind === 'unsatisfiable') {
    body.close();
    sendNoBytes(exchange, selection.kind, byteLength, headers, etag);
    return;
  }
  const { start, end } = selection.kind === 'part' ? selection : { start: 0, end: byteLength };
  const sentStatus = selection.kind === 'part' ? 206 : status;
  const writeOwnHead = (): void => {
    const writeCommon = (): void => writeHead(exchange, sentStatus, contentType, headers, etag);
    if (selection.kind === 'part') writePartHead(exchange, selection, byteLength, writeCommon);
    else writeCommon();
  };
  if (exchange.method === 'HEAD' || start === end) {
    body.close();
    writeOwnHead();
    sendHeadOnly(exchange, sentStatus, end - start);
    return;
  }
  sendSource(exchange, body, { start, end, status: sentStatus }, { writeHead: writeOwnHead });
}

function sendFileReply(exchange: Exchange, reply: FileReply): void {
  const { status, file, headers } = reply;
  const { byteLength, etag, lastModifiedMs, contentType } = file;
  const selection = status === 200 ? selectFrom(exchange, byteLength, etag, lastModifiedMs) : WHOLE;
  const dated = { ...headers, 'Last-Modified': new Date(lastModifiedMs).toUTCString() };
  if (selection.kind === 'whole') {
    const writeWholeHead = (): void => writeHead(exchange, status, contentType, dated, etag);
    sendStretch(exchange, reply, { start: 0, end: byteLength, status }, writeWholeHead);
  } else if (selection.kind === 'part') {
    const { start, end } = selection;
    const writeOwnHead = (): void =>
      writePartHead(exchange, selection, byteLength, () => writeHead(exchange, 206, contentType, dated, etag));
    sendStretch(exchange, reply, { start, end, status: 206 }, writeOwnHead);
  } else {
    sendNoBytes(exchange, selection.kind, byteLength, dated, etag);
  }
}

function sendStretch(exchange: Exchange, { file, onWithdrawn }: FileReply, part: Part, writeHead: () => void): void {
  if (exchange.method === 'HEAD' || part.start === part.end) {
    writeHead();
    sendHeadOnly(exchange, part.status, part.end - part.start);
    return;
  }
  const onEnd = onWithdrawn?.(() => exchange.close());
  sendSource(exchange, new FileSource(file), part, { writeHead, onEnd });
}

type Ends = { readonly writeHead: () => void; readonly onEnd?: (() => void) | undefined };

function sendSource(exchange: Exchange, source: BodySource, part: Part, { writeHead, onEnd }: Ends): void {
  exchange.hold();
  pump(exchange, { source, part, writeHead, onEnd, onFailure: error => sendFailure(exchange, error) });
}

function sendNoBytes(
  exchange: Exchange,
  kind: 'notModified' | 'unsatisfiable',
  byteLength: number,
  headers?: Headers,
  etag?: string,
): void {
  if (kind === 'unsatisfiable') {
    const error = new FerriteError('RANGE_NOT_SATISFIABLE', `there are ${byteLength} bytes`);
    sendFailure(exchange, error, { 'Content-Range': `bytes */${byteLength}` });
    return;
  }
  writeHead(exchange, 304, '', headers, etag);
  exchange.res.endWithoutBody();
  exchange.finish(304);
}

/** The shared WHOLE where no header asks for anything else: the usual case, kept free of objects. */
function selectFrom(exchange: Exchange, byteLength: number, etag: string, lastModifiedMs: Representation['lastModifiedMs']): Selection {
  const ifNoneMatch = exchange.readHeader('if-none-match');
  const range = exchange.readHeader('range');
  const ifModifiedSince = lastModifiedMs === null ? '' : exchange.readHeader('if-modified-since');
  if (ifNoneMatch === '' && range === '' && ifModifiedSince === '') return WHOLE;
  return select({ byteLength, etag, lastModifiedMs }, { ifNoneMatch, ifModifiedSince, range, ifRange: exchange.readHeader('if-range') });
}

function writePartHead(exchange: Exchange, part: Extract<Selection, { kind: 'part' }>, byteLength: number, writeOwnHead: () => void): void {
  writeOwnHead();
  exchange.res.writeHeader('Content-Range', `bytes ${part.start}-${part.end - 1}/${byteLength}`);
}

function writeHead(exchange: Exchange, status: number, contentType: string, headers: Headers | undefined, etag?: string): void {
  const { res, door, endpoint } = exchange;
  res.writeStatus(door.crossOrigin.statusHead(status, endpoint.kind));
  if (door.crossOrigin.dependsOnOrigin) {
    for (const [name, value] of door.crossOrigin.linesFor(exchange.readHeader('origin'), endpoint.kind)) res.writeHeader(name, value);
  }
  if (contentType !== '') res.writeHeader('Content-Type', contentType);
  // Two lines in one call, as in `statusHead`.
  if (etag !== undefined) res.writeHeader('Accept-Ranges: bytes\r\nETag', etag);
  for (const name in headers) res.writeHeader(name, oneLine(headers[name] ?? ''));
}

/** A line break in a header value would let the value's author add headers and answers. */
function oneLine(value: string): string {
  if (/[\r\n\0]/.test(value)) throw new Error('a reply header holds a line break');
  return value;
}

function sendBody(exchange: Exchange, status: number, bytes: Uint8Array): void {
  if (exchange.method === 'HEAD') {
    sendHeadOnly(exchange, status, bytes.byteLength);
  } else if (bytes.byteLength > MAX_COPIED_BYTES) {
    pumpBytes(exchange, bytes, status);
  } else {
    exchange.res.end(bytes, exchange.closesConnection);
    exchange.finish(status);
  }
}

/** Not `endWithoutBody(length)`: after that the library waits for a body and blocks the connection. */
function sendHeadOnly(exchange: Exchange, status: number, byteLength: number): void {
  exchange.res.writeHeader('Content-Length', String(byteLength)).endWithoutBody();
  exchange.finish(status);
}
