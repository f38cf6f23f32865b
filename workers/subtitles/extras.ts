// The files beside what a session plays: the source of a subtitle track and the fonts of the film. Who asks waits no longer than a bound.
import { stat } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { KeptFile, SharedMedia } from '#domain/protocol.ts';
import type { Offer } from '#domain/session.ts';
import { offeredSubtitles } from '#domain/subtitles/offer.ts';
import { SharedReading } from './sources/shared-reading.ts';
import type { SubtitleSources } from './sources/sources.ts';

/** Longer than a small film takes, shorter than players wait. */
const MAX_WAIT_MS = 15_000;

type Viewed = SharedMedia & { readonly record: { readonly offer: Offer } };

export class SubtitleExtras {
  readonly #sources: SubtitleSources;
  readonly #files = new SharedReading<KeptFile>({ maxWaitMs: MAX_WAIT_MS, graceMs: 0 });
  readonly #fonts = new SharedReading<readonly KeptFile[]>({ maxWaitMs: MAX_WAIT_MS, graceMs: 0 });

  constructor(sources: SubtitleSources) {
    this.#sources = sources;
  }

  /** @throws SEGMENT_NOT_FOUND for a track that is not offered; MEDIA_CHANGED, MEDIA_UNREADABLE, SUBTITLES_PENDING */
  source({ media, keyframes, record }: Viewed, track: number, signal: AbortSignal): Promise<KeptFile> {
    const rendition = offeredSubtitles(record.offer).find(one => one.track === track);
    if (!rendition) throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such subtitle track');
    const read = async (over: AbortSignal): Promise<KeptFile> => {
      const path = await this.#sources.source({ ...media, mended: keyframes.mended }, rendition, over);
      return { path, byteLength: (await stat(path)).size };
    };
    return this.#files.get(JSON.stringify([media.version, rendition.streamIndex, rendition.sidecar]), read, signal);
  }

  fonts({ media }: Viewed, signal: AbortSignal): Promise<readonly KeptFile[]> {
    return this.#fonts.get(media.version, over => this.#sources.fonts(media, over), signal);
  }

  close(): void {
    this.#files.close();
    this.#fonts.close();
  }
}
