// The first chunks of segments that are still being made: for whoever waits for one, until the segment is whole. Several encodes may begin
// the same segment, and their chunks do not go together: what a session was given decides which rest it needs.
import { LRUCache } from 'lru-cache';
import type { SessionId } from '#domain/ids.ts';
import type { ChunkNumber } from '#domain/rendition.ts';
import { WaitingRoom, within } from '#domain/sharing/waiting.ts';

/** Some 200 KB each; as many encodes as a machine begins at a time, many times over. */
const MAX_BEGUN = 64;
/** Longer than any encode takes for the rest, retries included. An encode that was given up never finishes its segment. */
const BEGUN_MS = 60_000;
/** As many sessions as may start within that time. */
const MAX_GIVEN = 4_000;
/** An encode that has made the first half second makes the rest in a moment, or was given up. */
const REST_DEADLINE_MS = 2_000;

type Begun = { readonly first: Buffer; readonly rest: PromiseWithResolvers<Buffer>; second: Buffer | null };

export class FirstChunks {
  /** By segment address: the first chunks that encodes have begun the segment with, the newest last. */
  readonly #begun = new LRUCache<string, readonly Begun[]>({ max: MAX_BEGUN, ttl: BEGUN_MS });
  /** By session and segment address: the first chunk that the session was given, where it was not cut from a finished segment. */
  readonly #given = new LRUCache<string, Begun>({ max: MAX_GIVEN, ttl: BEGUN_MS });
  readonly #waits = new WaitingRoom<Begun>();

  /** The newest first chunk of a segment, for that session. */
  give(segment: string, sessionId: SessionId): Buffer | undefined {
    const newest = this.#begun.get(segment)?.at(-1);
    return newest && this.#giveTo(sessionId, segment, newest);
  }

  /** Resolves with the segment's next first chunk. Without one the wait only ends by `signal`, with CANCELLED. */
  async wait(segment: string, sessionId: SessionId, signal: AbortSignal): Promise<Buffer> {
    const known = this.give(segment, sessionId);
    if (known) return known;
    return this.#giveTo(sessionId, segment, await this.#waits.enter(segment, undefined, { signal }).promise);
  }

  arrived(segment: string, first: Buffer): void {
    const begun: Begun = { first, rest: Promise.withResolvers(), second: null };
    this.#begun.set(segment, [...(this.#begun.get(segment) ?? []), begun]);
    this.#waits.arrived(segment, begun);
  }

  /** An encode has finished that segment. */
  finished(segment: string, whole: Buffer): void {
    const all = this.#begun.get(segment);
    if (all === undefined) return;
    const own = all.filter(({ first }) => beginsWith(whole, first));
    for (const begun of own) {
      begun.second = chunkOf(whole, 1);
      begun.rest.resolve(begun.second);
    }
    const left = all.filter(begun => !own.includes(begun));
    if (left.length > 0) this.#begun.set(segment, left);
    else this.#begun.delete(segment);
  }

  /** The session has the first chunk of the finished segment now, whatever it was given before. */
  forget(segment: string, sessionId: SessionId): void {
    this.#given.delete(`${sessionId}/${segment}`);
  }

  /** The second chunk that belongs to the first one the session was given; undefined where it has to be waited for. */
  restAtOnce(segment: string, sessionId: SessionId, whole: Buffer): Buffer | undefined {
    const given = this.#given.get(`${sessionId}/${segment}`);
    if (!given || beginsWith(whole, given.first)) return chunkOf(whole, 1);
    return given.second ?? undefined;
  }

  /** As `restAtOnce`, waiting for the encode that began the segment. Where that was given up: the whole segment of another encode, which replaces the first chunk in the player. */
  async rest(segment: string, sessionId: SessionId, whole: Buffer): Promise<Buffer> {
    const known = this.restAtOnce(segment, sessionId, whole);
    const given = this.#given.get(`${sessionId}/${segment}`);
    return known ?? (given && (await within(REST_DEADLINE_MS, given.rest.promise))) ?? whole;
  }

  #giveTo(sessionId: SessionId, segment: string, begun: Begun): Buffer {
    this.#given.set(`${sessionId}/${segment}`, begun);
    return begun.first;
  }
}

const beginsWith = (whole: Buffer, first: Buffer): boolean =>
  whole.byteLength > first.byteLength && whole.subarray(0, first.byteLength).equals(first);

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
