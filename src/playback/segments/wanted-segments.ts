// The segments that viewers request: one that needs a new encode waits for a grant, one that is kept or being made does not.
import { FerriteError } from '#domain/errors.ts';
import { segmentIndexAt } from '#domain/plan.ts';
import type { ChunkNumber, SegmentName } from '#domain/rendition.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { EncodeDemand, EncodeGrants } from '#src/playback/admission/encode-grants.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import { chunkOf } from './first-chunks.ts';
import type { Segments } from './segments.ts';

/** The session that requests the segment. */
type Owner = Pick<SessionRecord, 'id' | 'userId' | 'priority' | 'mediaId'>;

type Wanted = { readonly layout: TrackLayout; readonly name: SegmentName; readonly positionMs: number };

export class WantedSegments {
  readonly #segments: Segments;
  readonly #grants: EncodeGrants;

  constructor(segments: Segments, grants: EncodeGrants) {
    this.#segments = segments;
    this.#grants = grants;
  }

  /** @throws OVERLOADED when the segment needs an encode and no grant became free in time, CANCELLED when `signal` aborts */
  async get(record: Owner, wanted: Wanted, signal: AbortSignal): Promise<Buffer> {
    const demand = encodeDemand(record, wanted);
    const segment = { mediaId: record.mediaId, sessionId: record.id, ...wanted };
    if (!demand) return this.#segments.get({ ...segment, mayEncode: true }, signal);
    const sinceMs = performance.now();
    for (let use = this.#grants.use(demand); ; use = await this.#grants.take(demand, signal, sinceMs)) {
      try {
        return await this.#segments.get({ ...segment, mayEncode: use !== null }, signal);
      } catch (error) {
        if (!needsGrant(error)) throw error;
      } finally {
        use?.end();
      }
    }
  }

  /** A chunk of an encoded segment; the first one as soon as an encode that begins with the segment has made it. Throws like `get`. */
  async chunk(record: Owner, wanted: Wanted & { name: number }, chunk: ChunkNumber, signal: AbortSignal): Promise<Buffer> {
    const whole = this.get(record, wanted, signal).then(bytes => chunkOf(bytes, chunk));
    if (chunk !== 0) return whole;
    const isOver = new AbortController();
    try {
      return await Promise.race([whole, this.#segments.firstChunk(wanted.layout, wanted.name, isOver.signal)]);
    } finally {
      isOver.abort();
    }
  }

  /** Has a hinted segment made. A hint takes no grant for which a request waits. */
  prefetch(record: Owner, wanted: Wanted): void {
    const segment = { mediaId: record.mediaId, sessionId: record.id, ...wanted };
    if (this.#segments.isKept(wanted.layout, wanted.name)) {
      this.#segments.overtake(segment);
      return;
    }
    const demand = encodeDemand(record, wanted);
    const use = demand && this.#grants.tryTake(demand);
    void this.#segments.prefetch({ ...segment, mayEncode: demand === null || use !== null }).finally(() => use?.end());
  }

  /** The demand of a start; null when its first segment is kept, is being made, or needs no encode. */
  startDemand(record: Omit<Owner, 'mediaId'>, wanted: Wanted): EncodeDemand | null {
    const demand = encodeDemand(record, wanted);
    return demand && !this.#segments.isKept(wanted.layout, wanted.name) && !this.#grants.isCovered(demand) ? demand : null;
  }
}

/** Only encodes of a picture need a grant: copies and sound cost little. */
function encodeDemand({ id, userId, priority }: Omit<Owner, 'mediaId'>, { layout, name, positionMs }: Wanted): EncodeDemand | null {
  const { rendition, work, key, grid } = layout;
  if (rendition.kind !== 'video-encode') return null;
  const index = name === 'init' ? segmentIndexAt(grid, positionMs) : name;
  return { sessionId: id, userId, priority, rendition, work, key, index };
}

const needsGrant = (error: unknown): boolean => error instanceof FerriteError && error.code === 'PLACE_NEEDED';
