// Container indexes kept open between segments: parsing one costs 25–60 ms, building a segment from it 1–3.
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';
import { KeptOpen } from '#domain/sharing/kept-open.ts';
import { openRemuxSource } from './remuxer.ts';
import type { RemuxSource } from './source.ts';
import { requireUnchangedMedia } from './unchanged-media.ts';

type ScannedMedia = Pick<Media, 'version' | 'path' | 'byteLength' | 'mtimeMs'>;

const MAX_INDEX_BYTES = 256 * 1024 * 1024;
const MAX_OPEN = 64;

/** Sources by media version. One in use is closed only when its last user is done. */
export class RemuxCache {
  readonly #sources: KeptOpen<RemuxSource>;

  constructor({ idleMs }: { readonly idleMs?: number } = {}) {
    this.#sources = new KeptOpen({
      maxOpen: MAX_OPEN,
      maxBytes: { total: MAX_INDEX_BYTES, of: source => source.indexByteLength },
      close: source => source.close(),
      ...(idleMs === undefined ? {} : { idleMs }),
    });
  }

  /** @throws MEDIA_CHANGED when the file is not the one that was scanned. */
  use<T>(media: ScannedMedia, work: (source: RemuxSource) => Promise<T>): Promise<T> {
    return this.#sources.use(media.version, () => openSource(media), work);
  }

  close(): void {
    this.#sources.close();
  }
}

async function openSource(media: ScannedMedia): Promise<RemuxSource> {
  await requireUnchangedMedia(media);
  const source = await openRemuxSource(media.path);
  if (!source) throw new FerriteError('MEDIA_CHANGED', 'the file no longer has the index that its scan found');
  try {
    // A second try, for the file may have been replaced in between.
    await requireUnchangedMedia(media);
  } catch (error) {
    await source.close();
    throw error;
  }
  return source;
}
