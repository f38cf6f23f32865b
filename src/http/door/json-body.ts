// A request's JSON body: collected up to a limit and a deadline, decoded, parsed. Schemas are checked elsewhere.
import { FerriteError } from '#domain/errors.ts';
import type { Exchange } from './exchange.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Listens at once; refuses a body unread where its headers suffice. Resolves with `{}` for an empty body, so that missing fields are named like any other. */
export function readJson(exchange: Exchange): Promise<unknown> {
  const contentType = exchange.readHeader('content-type');
  if (!isJson(contentType, exchange.endpoint.takesBeacon))
    throw unread(exchange, 'UNSUPPORTED_MEDIA_TYPE', `the body is ${contentType}, not application/json`);
  if (Number(exchange.readHeader('content-length')) > exchange.endpoint.maxBodyBytes) throw tooLarge(exchange);
  return collect(exchange).then(bytes => {
    if (bytes.byteLength === 0) return {};
    if (contentType === '') throw new FerriteError('UNSUPPORTED_MEDIA_TYPE', 'the body has no Content-Type');
    return parse(bytes);
  });
}

/** Anything else a page of another site could send without asking first. */
function isJson(contentType: string, takesBeacon: boolean): boolean {
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return mediaType === '' || mediaType === 'application/json' || (mediaType === 'text/plain' && takesBeacon);
}

function collect(exchange: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let byteLength = 0;
  const deadline = setTimeout(() => exchange.close(), exchange.door.bodyDeadlineMs);
  const settle = (done: () => void): void => {
    clearTimeout(deadline);
    exchange.onGone = null;
    done();
  };
  exchange.onGone = () => settle(() => reject(new FerriteError('CANCELLED', 'the client went away while sending the body')));
  exchange.res.onData((chunk, isLast) => {
    byteLength += chunk.byteLength;
    if (byteLength > exchange.endpoint.maxBodyBytes) return settle(() => reject(tooLarge(exchange)));
    // The library takes the chunk's memory back when this returns.
    chunks.push(Buffer.from(new Uint8Array(chunk)));
    if (isLast) settle(() => resolve(Buffer.concat(chunks)));
  });
  return promise;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new FerriteError('INVALID_REQUEST', 'the body is not valid JSON', { cause });
  }
}

function unread(exchange: Exchange, code: 'UNSUPPORTED_MEDIA_TYPE' | 'BODY_TOO_LARGE', message: string): FerriteError {
  exchange.closesConnection = true;
  return new FerriteError(code, message);
}

const tooLarge = (exchange: Exchange): FerriteError =>
  unread(exchange, 'BODY_TOO_LARGE', `the body is larger than ${exchange.endpoint.maxBodyBytes} bytes`);
