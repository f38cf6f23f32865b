// The segments that a session's viewer wants: one that must be encoded anew waits for a grant, one that is kept or that another encode brings does not.
import { FerriteError } from '#domain/errors.ts';
import { segmentIndexAt } from '#domain/plan.ts';
import type { ChunkNumber, SegmentName } from '#domain/rendition.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { EncodeDemand, EncodeGrants } from '#src/playback/admission/encode-grants.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import type { Segments } from './segments.ts';

/** The session that the segment is for. */
type Owner = Pick<SessionRecord, 'id' | 'userId' | 'priority' | 'mediaId'>;

type Wanted = { readonly layout: TrackLayout; readonly name: SegmentName; readonly positionMs: number };

export class WantedSegments {
  readonly #segments: Segments;
  readonly #grants: EncodeGrants;

  constructor(segments: Segments, grants: EncodeGrants) {
    this.#segments = segments;
    this.#grants = grants;
  }

  /** @throws OVERLOADED when the segment had to be encoded and no grant became free in time, CANCELLED when `signal` aborts */
  async get(record: Owner, wanted: Wanted, signal: AbortSignal): Promise<Buffer> {
    const demand = encodeDemand(record, wanted);
    const segment = { mediaId: record.mediaId, sessionId: record.id, ...wanted };
    if (!demand) return this.#segments.get({ ...segment, mayEncode: true, mayRunBeside: true }, signal);
    const sinceMs = performance.now();
    for (let use = this.#grants.use(demand); ; use = await this.#grants.take(demand, signal, sinceMs)) {
      try {
        return await this.#segments.get({ ...segment, mayEncode: use !== null, mayRunBeside: use?.mayRunBeside ?? false }, signal);
      } catch (error) {
        if (!needsGrant(error)) throw error;
      } finally {
        use?.end();
      }
    }
  }

  /** A chunk of an encoded segment: the first as soon as an encode that begins there has made it. Throws like `get`. */
  chunk(record: Owner, wanted: Wanted & { readonly name: number }, chunk: ChunkNumber, signal: AbortSignal): Promise<Buffer> {
    const whole = this.get(record, wanted, signal);
    return this.#segments.chunkFor(record.id, wanted.layout, { index: wanted.name, chunk }, whole);
  }

  /** Has a segment made that nobody waits for yet. A hint never takes capacity that a session waits for. */
  prefetch(record: Owner, wanted: Wanted): void {
    const segment = { mediaId: record.mediaId, sessionId: record.id, ...wanted };
    if (this.#segments.isKept(wanted.layout, wanted.name)) {
      this.#segments.overtake(segment);
      return;
    }
    const demand = encodeDemand(record, wanted);
    const use = demand && this.#grants.tryTake(demand);
    const ended = (): void => use?.end();
    this.#segments
      .prefetch({ ...segment, mayEncode: demand === null || use !== null, mayRunBeside: use?.mayRunBeside ?? demand === null })
      .then(ended, ended);
  }

  /**
   * Has a segment made of a rung that nobody watches yet, beside all that its session encodes: only where capacity is free that no session waits
   * for. False where it is not.
   */
  prefetchAhead(record: Owner, wanted: Wanted): boolean {
    const demand = encodeDemand(record, wanted);
    const use = demand && this.#grants.tryTake(demand);
    const ended = (): void => use?.end();
    if (!use?.mayRunBeside) {
      ended();
      return false;
    }
    const segment = { mediaId: record.mediaId, sessionId: record.id, ...wanted };
    this.#segments.prefetchAhead({ ...segment, mayEncode: true, mayRunBeside: true }).then(ended, ended);
    return true;
  }

  /** Gives back what the session's encodes of rungs take that nobody watches yet. */
  endAhead({ id, mediaId }: Pick<Owner, 'id' | 'mediaId'>): void {
    this.#segments.endAhead({ mediaId, sessionId: id });
  }

  isKept({ layout, name }: Pick<Wanted, 'layout' | 'name'>): boolean {
    return this.#segments.isKept(layout, name);
  }

  /** Calls back when a session has to wait for capacity. */
  whenShort(listener: () => void): void {
    this.#grants.events.on('short', listener);
  }

  /** The demand that a start has to wait for; null when its first segment is kept, is being made, or needs no encode. */
  startDemand(record: Omit<Owner, 'mediaId'>, wanted: Wanted): EncodeDemand | null {
    const demand = encodeDemand(record, wanted);
    return demand && !this.#segments.isKept(wanted.layout, wanted.name) && !this.#grants.isCovered(demand) ? demand : null;
  }
}

/** Only the encode of a picture needs a grant: copies and sound cost little. */
function encodeDemand({ id, userId, priority }: Omit<Owner, 'mediaId'>, { layout, name, positionMs }: Wanted): EncodeDemand | null {
  const { rendition, work, key, grid } = layout;
  if (rendition.kind !== 'video-encode') return null;
  const index = name === 'init' ? segmentIndexAt(grid, positionMs) : name;
  return { sessionId: id, userId, priority, rendition, work, key, index };
}

const needsGrant = (error: unknown): boolean => error instanceof FerriteError && error.code === 'GRANT_NEEDED';
