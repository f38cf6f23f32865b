// A source whose numbers no field can hold is reported as a damaged file, by whichever of its methods they are found.
import type { AudioTimeline, CopyMethod, Crop, Rational, VideoTimeline } from '#domain/media.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import { asUnreadable } from './contradiction.ts';
import type { RemuxSource, SegmentSpan, SizedPacket } from './source.ts';

/** Passes everything on to `source`; throws MEDIA_UNREADABLE where that one throws RangeError. */
export class GuardedSource implements RemuxSource {
  readonly #source: RemuxSource;

  constructor(source: RemuxSource) {
    this.#source = source;
  }

  get copyMethod(): Exclude<CopyMethod, 'ffmpeg'> {
    return this.#source.copyMethod;
  }

  get videoIndex(): number {
    return this.#source.videoIndex;
  }

  get video(): VideoTimeline {
    return this.#source.video;
  }

  get rotation(): number | null {
    return this.#source.rotation;
  }

  get crop(): Crop | null {
    return this.#source.crop;
  }

  get pixelAspect(): Rational | null {
    return this.#source.pixelAspect;
  }

  get closestFps(): number | null {
    return this.#source.closestFps;
  }

  get audio(): readonly AudioTimeline[] {
    return this.#source.audio;
  }

  get indexByteLength(): number {
    return this.#source.indexByteLength;
  }

  codecString(streamIndex: number): string | null {
    return reading(() => this.#source.codecString(streamIndex));
  }

  initSegment(streamIndex: number, factor: number): Buffer {
    return reading(() => this.#source.initSegment(streamIndex, factor));
  }

  async segment(streamIndex: number, span: SegmentSpan): Promise<Buffer> {
    return await this.#source.segment(streamIndex, span).catch(rethrow);
  }

  async keyframe(pts: number): Promise<Buffer> {
    return await this.#source.keyframe(pts).catch(rethrow);
  }

  async locate(streamIndex: number, span: SegmentSpan): Promise<LocatedSegment | null> {
    return await this.#source.locate(streamIndex, span).catch(rethrow);
  }

  sizes(): AsyncIterable<readonly SizedPacket[]> | null {
    const sizes = this.#source.sizes();
    return sizes && guarded(sizes);
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

async function* guarded<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (cause) {
    rethrow(cause);
  }
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    return rethrow(cause);
  }
}

function rethrow(cause: unknown): never {
  throw asUnreadable(cause);
}
