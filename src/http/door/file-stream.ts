// Sends a stretch of a file with back-pressure: one buffer a connection, the next read only when the last one has been taken.
import { type FileHandle, open } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { Exchange } from './exchange.ts';

const CHUNK_BYTES = 256 * 1024;

/** `end` is exclusive. */
export type Stretch = { readonly path: string; readonly start: number; readonly end: number; readonly status: number };

/** Rejects only while nothing has been sent, so that the failure can still become an answer. The exchange must be held. */
export async function sendFile(exchange: Exchange, stretch: Stretch, writeHead: () => void): Promise<void> {
  const handle = await open(stretch.path).catch(cause => {
    throw new FerriteError('NOT_FOUND', 'the file is gone or can not be read', { cause });
  });
  try {
    await pump(exchange, handle, stretch, writeHead);
  } finally {
    await handle.close();
  }
}

async function pump(exchange: Exchange, handle: FileHandle, { start, end, status }: Stretch, writeHead: () => void): Promise<void> {
  const byteLength = end - start;
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, byteLength));
  const body = new PacedBody(exchange, byteLength, status);
  for (let sent = 0; sent < byteLength && !exchange.isGone; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.byteLength, byteLength - sent), start + sent).catch(cause => {
      if (sent === 0) throw new FerriteError('NOT_FOUND', 'the file can not be read', { cause });
      exchange.door.log.warn({ err: cause }, 'a file could not be read to its end');
      return { bytesRead: 0 };
    });
    if (exchange.isGone) return;
    if (bytesRead === 0 && sent === 0) throw new FerriteError('MEDIA_CHANGED', 'the file is shorter than it was');
    // The length has been promised: only a closed connection tells the client that the rest will not come.
    if (bytesRead === 0) return exchange.close();
    await body.send(buffer.subarray(0, bytesRead), sent === 0 ? writeHead : null);
    sent += bytesRead;
  }
}

/** A body of known length, sent in chunks that the socket takes at its own pace. */
class PacedBody {
  readonly #exchange: Exchange;
  readonly #byteLength: number;
  readonly #status: number;
  #chunk: Uint8Array = new Uint8Array();
  #chunkOffset = 0;
  #onTaken: (() => void) | null = null;

  constructor(exchange: Exchange, byteLength: number, status: number) {
    this.#exchange = exchange;
    this.#byteLength = byteLength;
    this.#status = status;
    exchange.onGone = () => this.#release();
    // Also told of room while the next chunk is still being read: then there is nothing to offer.
    exchange.res.onWritable(offset => this.#onTaken === null || this.#offer(offset));
  }

  /** Resolves when the socket has taken all of the chunk, or the client is gone. */
  async send(chunk: Uint8Array, writeHead: (() => void) | null): Promise<void> {
    const { res } = this.#exchange;
    this.#chunk = chunk;
    let isTaken = false;
    res.cork(() => {
      writeHead?.();
      this.#chunkOffset = res.getWriteOffset();
      isTaken = this.#offer(this.#chunkOffset);
    });
    if (isTaken || this.#exchange.isGone) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onTaken = resolve;
    await promise;
  }

  #offer(offset: number): boolean {
    const isTaken = this.#exchange.offer(this.#chunk.subarray(offset - this.#chunkOffset), this.#byteLength, this.#status);
    if (isTaken) this.#release();
    return isTaken;
  }

  #release(): void {
    const onTaken = this.#onTaken;
    this.#onTaken = null;
    onTaken?.();
  }
}
