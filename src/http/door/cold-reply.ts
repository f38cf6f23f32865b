// Sends a stretch of an open file as the socket takes it: reads as much as there is room for, keeps no bytes, and closes the file even when the client goes away.

import type { Part, StreamedBody } from '#http/contract/route.ts';
import { type ColdFile, PACED_READ_BYTES } from '#http/sources/cold-files.ts';
import type { Exchange } from './exchange.ts';

type Stretch = Part & { readonly file: ColdFile };

export const coldBody = (file: ColdFile): StreamedBody => ({
  byteLength: file.byteLength,
  send: async (exchange, part, writeHead) => {
    const body = new ColdBody(exchange, { file, ...part }, writeHead);
    exchange.onGone = () => file.close();
    exchange.res.onWritable(offset => body.send(offset));
    body.send(0);
  },
  close: () => file.close(),
});

class ColdBody {
  readonly #exchange: Exchange;
  readonly #file: ColdFile;
  readonly #start: number;
  readonly #byteLength: number;
  readonly #status: number;
  /** Shrinks once the socket has shown that it takes less than a whole read. */
  #readBytes = Number.POSITIVE_INFINITY;
  /** Written with the first bytes, so that both leave in one packet; null once it has been. */
  #writeHead: (() => void) | null;

  constructor(exchange: Exchange, { file, start, end, status }: Stretch, writeHead: () => void) {
    this.#writeHead = writeHead;
    this.#exchange = exchange;
    this.#file = file;
    this.#start = start;
    this.#byteLength = end - start;
    this.#status = status;
  }

  /** From here on, until the socket takes no more. True: nothing waits for room. */
  send(offset: number): boolean {
    for (let at = offset; ; ) {
      if (this.#file.isSlow) {
        this.#sendLater(at);
        return true;
      }
      const chunk = this.#read(at);
      const byteLength = chunk.byteLength;
      if (!this.#offer(chunk)) {
        this.#readBytes = PACED_READ_BYTES;
        return false;
      }
      if (this.#exchange.isGone) return true;
      at += byteLength;
    }
  }

  #sendLater(offset: number): void {
    this.#file.readLater(this.#start + offset, this.#byteLength - offset, chunk =>
      this.#exchange.write(() => {
        if (this.#offer(chunk) && !this.#exchange.isGone) this.send(offset + chunk.byteLength);
      }),
    );
  }

  #read(offset: number): Uint8Array {
    try {
      return this.#file.read(this.#start + offset, Math.min(this.#readBytes, this.#byteLength - offset));
    } catch (error) {
      this.#exchange.door.log.warn({ err: error }, 'a segment could not be read to its end');
      return new Uint8Array();
    }
  }

  /** False when the socket has no room for all of it. */
  #offer(chunk: Uint8Array): boolean {
    if (chunk.byteLength === 0) {
      // The length has been promised: only a closed connection tells the client that the rest will not come.
      this.#exchange.close();
      return true;
    }
    this.#writeHead?.();
    this.#writeHead = null;
    const isTaken = this.#exchange.offer(chunk, this.#byteLength, this.#status);
    if (this.#exchange.isGone) this.#file.close();
    return isTaken;
  }
}
