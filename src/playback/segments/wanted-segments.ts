// Segments as a session's viewer wants them: what must be encoded anew waits for a place, what is there or being made by another does not.
import { FerriteError } from '#domain/errors.ts';
import { segmentIndexAt } from '#domain/plan.ts';
import type { ChunkNumber, SegmentName } from '#domain/rendition.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { EncodePlaces, EncodeWish } from '#src/playback/admission/encode-places.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import type { Segments } from './segments.ts';

/** Whose session it is for. */
type Owner = Pick<SessionRecord, 'id' | 'userId' | 'priority' | 'mediaId'>;

type Wanted = { readonly layout: TrackLayout; readonly name: SegmentName; readonly positionMs: number };

export class WantedSegments {
  readonly #segments: Segments;
  readonly #places: EncodePlaces;

  constructor(segments: Segments, places: EncodePlaces) {
    this.#segments = segments;
    this.#places = places;
  }

  /** @throws OVERLOADED when it had to be encoded and no place became free in time, CANCELLED when `signal` aborts */
  async get(record: Owner, wanted: Wanted, signal: AbortSignal): Promise<Buffer> {
    const wish = encodeWish(record, wanted);
    const segment = { mediaId: record.mediaId, sessionId: record.id, ...wanted };
    if (!wish) return this.#segments.get({ ...segment, mayEncode: true, mayRunBeside: true }, signal);
    const sinceMs = performance.now();
    for (let use = this.#places.use(wish); ; use = await this.#places.take(wish, signal, sinceMs)) {
      try {
        return await this.#segments.get({ ...segment, mayEncode: use !== null, mayRunBeside: use?.mayRunBeside ?? false }, signal);
      } catch (error) {
        if (!needsPlace(error)) throw error;
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

  /** Has it made without anybody waiting. A hint is no reason to take a place that somebody waits for. */
  prefetch(record: Owner, wanted: Wanted): void {
    const segment = { mediaId: record.mediaId, sessionId: record.id, ...wanted };
    if (this.#segments.isKept(wanted.layout, wanted.name)) {
      this.#segments.overtake(segment);
      return;
    }
    const wish = encodeWish(record, wanted);
    const use = wish && this.#places.tryTake(wish);
    const ended = (): void => use?.end();
    this.#segments
      .prefetch({ ...segment, mayEncode: wish === null || use !== null, mayRunBeside: use?.mayRunBeside ?? wish === null })
      .then(ended, ended);
  }

  /** What a start has to wait in line for; null when its first segment is there, is being made, or needs no encode. */
  startWish(record: Omit<Owner, 'mediaId'>, wanted: Wanted): EncodeWish | null {
    const wish = encodeWish(record, wanted);
    return wish && !this.#segments.isKept(wanted.layout, wanted.name) && !this.#places.isCovered(wish) ? wish : null;
  }
}

/** Copies and sound cost little; a picture to encode needs a place. */
function encodeWish({ id, userId, priority }: Omit<Owner, 'mediaId'>, { layout, name, positionMs }: Wanted): EncodeWish | null {
  const { rendition, work, key, grid } = layout;
  if (rendition.kind !== 'video-encode') return null;
  const index = name === 'init' ? segmentIndexAt(grid, positionMs) : name;
  return { sessionId: id, userId, priority, rendition, work, key, index };
}

const needsPlace = (error: unknown): boolean => error instanceof FerriteError && error.code === 'PLACE_NEEDED';
