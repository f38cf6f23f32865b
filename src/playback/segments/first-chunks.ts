// The first chunks of segments that are still being made: for whoever waits for one, until the segment is whole.
import { LRUCache } from 'lru-cache';
import type { ChunkNumber } from '#domain/rendition.ts';
import { WaitingRoom } from '#domain/waiting.ts';

/** Some 200 KB each; as many encodes as a machine begins at a time, many times over. */
const MAX_BEGUN = 64;
/** Longer than any encode takes for the rest, retries included: one that was given up never ends its segment. */
const BEGUN_MS = 60_000;

export class FirstChunks {
  readonly #begun = new LRUCache<string, Buffer>({ max: MAX_BEGUN, ttl: BEGUN_MS });
  readonly #waits = new WaitingRoom<Buffer>();

  /** `segment`: its address. */
  get(segment: string): Buffer | undefined {
    return this.#begun.get(segment);
  }

  arrived(segment: string, bytes: Buffer): void {
    this.#begun.set(segment, bytes);
    this.#waits.arrived(segment, bytes);
  }

  /** The segment is whole. */
  end(segment: string): void {
    this.#begun.delete(segment);
  }

  /** Resolves when it is there, never when none comes: end it by `signal`. Rejects with CANCELLED. */
  wait(segment: string, signal: AbortSignal): Promise<Buffer> {
    const known = this.get(segment);
    if (known) return Promise.resolve(known);
    return this.#waits.enter(segment, undefined, { signal }).promise;
  }
}

const chunksOf = new WeakMap<Buffer, readonly [Buffer, Buffer]>();

/** One of the two chunks of a segment, each a `moof` and its `mdat`: the same object each time, no copy. */
export function chunkOf(segment: Buffer, chunk: ChunkNumber): Buffer {
  const known = chunksOf.get(segment);
  if (known) return known[chunk];
  const moofByteLength = segment.readUInt32BE(0);
  const end = moofByteLength + segment.readUInt32BE(moofByteLength);
  const chunks = [segment.subarray(0, end), segment.subarray(end)] as const;
  chunksOf.set(segment, chunks);
  return chunks[chunk];
}
