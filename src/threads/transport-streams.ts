// Segments as transport streams, for players that know no other: made of those that all share, in a thread of its own, and kept a while.
import { LRUCache } from 'lru-cache';
import { Piscina } from 'piscina';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import { SharedWork } from '#domain/sharing/waiting.ts';

/** What a segment is made of. */
export type Fragmented = { readonly init: Buffer; readonly segment: Buffer; readonly index: number };

type Wanted = { readonly name: string; readonly sessionId: SessionId };

const MAX_KEPT_BYTES = 64 * 1024 * 1024;
/** Such players are few: no thread stands ready for them. */
const IDLE_MS = 10_000;
const MAX_WAITING = 256;

export class TransportStreams {
  readonly #kept = new LRUCache<string, Buffer>({ maxSize: MAX_KEPT_BYTES, sizeCalculation: ({ byteLength }) => byteLength });
  readonly #work = new SharedWork<Buffer>();
  readonly #pool = new Piscina<Fragmented, Uint8Array>({
    filename: new URL('../../workers/transport-stream/segment.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
    maxQueue: MAX_WAITING,
  });

  /** `gather`: has the pieces made, for that session, where the segment is not kept. Rejects with CANCELLED when `signal` aborts. */
  get({ name, sessionId }: Wanted, gather: (signal: AbortSignal) => Promise<Fragmented>, signal: AbortSignal): Promise<Buffer> {
    const kept = this.#kept.get(name);
    if (kept !== undefined) return Promise.resolve(kept);
    // No session's end is another's.
    return this.#work.share(`${sessionId}/${name}`, over => this.#make(name, gather, over), signal);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #make(name: string, gather: (signal: AbortSignal) => Promise<Fragmented>, signal: AbortSignal): Promise<Buffer> {
    const fragmented = await gather(signal);
    if (this.#pool.queueSize >= MAX_WAITING) throw new FerriteError('OVERLOADED', 'too many transport streams are being written');
    const made = await this.#pool.run(fragmented);
    const bytes = Buffer.from(made.buffer, made.byteOffset, made.byteLength);
    this.#kept.set(name, bytes);
    return bytes;
  }
}
