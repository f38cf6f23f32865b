// Sends a body as the socket takes it, whatever its source: what lies ready goes out in the turn of the request, and what the socket does not
// take costs no memory of ours. The source is closed whatever becomes of the client.
import type { BodySource } from '#http/contract/body-source.ts';
import type { Exchange } from './exchange.ts';

/** `end` is exclusive. */
export type Part = { readonly start: number; readonly end: number; readonly status: number };

export type PumpParts = {
  readonly source: BodySource;
  readonly part: Part;
  /** Written with the first bytes, so that both leave in one packet. */
  readonly writeHead: () => void;
  /** Called where nothing was sent, so that the failure can still become an answer. */
  readonly onFailure: (error: unknown) => void;
  /** Called once, however it ends. */
  readonly onEnd?: (() => void) | undefined;
};

/** The exchange must be held. */
export function pump(exchange: Exchange, parts: PumpParts): void {
  new Pump(exchange, parts).start();
}

/** Bytes that lie in memory stay the caller's: a slow reader costs what the kernel buffers. */
export function pumpBytes(exchange: Exchange, bytes: Uint8Array, status: number): void {
  pumpRest(exchange, bytes, status);
  exchange.offer(bytes, bytes.byteLength, status);
}

/** The same where the first bytes have been offered already. */
export function pumpRest(exchange: Exchange, bytes: Uint8Array, status: number): void {
  exchange.hold();
  exchange.res.onWritable(offset => exchange.offer(bytes.subarray(offset), bytes.byteLength, status));
}

class Pump {
  readonly #exchange: Exchange;
  readonly #source: BodySource;
  readonly #part: Part;
  readonly #byteLength: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #onEnd: (() => void) | undefined;
  #writeHead: (() => void) | null;
  #isReading = false;
  #isOver = false;
  /** The last read of a lasting source, and where in the body it stands. */
  #kept: Uint8Array | null = null;
  #keptAt = 0;

  constructor(exchange: Exchange, { source, part, writeHead, onFailure, onEnd }: PumpParts) {
    this.#exchange = exchange;
    this.#source = source;
    this.#part = part;
    this.#byteLength = part.end - part.start;
    this.#writeHead = writeHead;
    this.#onFailure = onFailure;
    this.#onEnd = onEnd;
  }

  start(): void {
    this.#exchange.onGone = () => this.#end();
    // Also told of room while a read is under way: then there is nothing to offer.
    this.#exchange.res.onWritable(offset => this.#isReading || this.#send(offset));
    this.#send(0);
  }

  /** From here on, until the socket takes no more. True: nothing waits for room. */
  #send(offset: number): boolean {
    for (let at = offset; ; ) {
      const chunk = this.#next(at);
      if (chunk === null) return true;
      if (chunk instanceof Promise) {
        this.#sendLater(chunk, at);
        return true;
      }
      const { byteLength } = chunk;
      if (!this.#offer(chunk, at)) return false;
      if (this.#isOver) return true;
      at += byteLength;
    }
  }

  /** Null where it could not be read. */
  #next(at: number): Uint8Array | Promise<Uint8Array> | null {
    const kept = this.#kept;
    if (kept !== null && at >= this.#keptAt && at < this.#keptAt + kept.byteLength) return kept.subarray(at - this.#keptAt);
    try {
      return this.#source.read(this.#part.start + at, this.#part.end);
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  #sendLater(coming: Promise<Uint8Array>, at: number): void {
    this.#isReading = true;
    coming.then(
      chunk => {
        this.#isReading = false;
        this.#exchange.write(() => {
          if (this.#offer(chunk, at) && !this.#isOver) this.#send(at + chunk.byteLength);
        });
      },
      error => {
        this.#isReading = false;
        this.#fail(error);
      },
    );
  }

  /** False when the socket has no room for all of it. */
  #offer(chunk: Uint8Array, at: number): boolean {
    if (chunk.byteLength === 0) {
      this.#fail(new Error('the source ended before its length'));
      return true;
    }
    this.#writeHead?.();
    this.#writeHead = null;
    const isTaken = this.#exchange.offer(chunk, this.#byteLength, this.#part.status);
    this.#source.offered?.(isTaken);
    if (this.#source.isLasting) {
      this.#kept = isTaken ? null : chunk;
      this.#keptAt = at;
    }
    if (this.#exchange.isGone) this.#end();
    return isTaken;
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const isBegun = this.#writeHead === null;
    this.#end();
    if (!isBegun) {
      this.#exchange.onGone = null;
      this.#onFailure(error);
      return;
    }
    this.#exchange.door.log.warn({ err: error }, 'a body could not be read to its end');
    // The length has been promised: only a closed connection tells the client that the rest will not come.
    this.#exchange.close();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#kept = null;
    this.#source.close();
    this.#onEnd?.();
  }
}
