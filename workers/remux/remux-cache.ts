// Container indexes kept open between segments: parsing one costs 25–60 ms, building a segment from it 1–3.
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';
import { openRemuxSource } from './remuxer.ts';
import type { RemuxSource } from './source.ts';
import { requireUnchangedMedia } from './unchanged-media.ts';

type ScannedMedia = Pick<Media, 'version' | 'path' | 'byteLength' | 'mtimeMs'>;
type Entry = { readonly source: RemuxSource; users: number; isEvicted: boolean };

const MAX_INDEX_BYTES = 256 * 1024 * 1024;
// Each holds a file descriptor.
const MAX_OPEN = 64;

/** Sources by media version. One in use is closed only when its last user is done. */
export class RemuxCache {
  readonly #entries = new LRUCache<string, Entry>({
    max: MAX_OPEN,
    maxSize: MAX_INDEX_BYTES,
    sizeCalculation: ({ source }) => Math.max(1, source.indexByteLength),
    dispose: entry => {
      entry.isEvicted = true;
      this.#closeIfUnused(entry);
    },
  });
  readonly #opening = new Map<string, Promise<Entry>>();

  /** @throws MEDIA_CHANGED when the file is not the one that was scanned. */
  async use<T>(media: ScannedMedia, work: (source: RemuxSource) => Promise<T>): Promise<T> {
    const { version } = media;
    const entry = this.#entries.get(version) ?? (await this.#open(media));
    entry.users++;
    try {
      return await work(entry.source);
    } catch (error) {
      if (error instanceof FerriteError && error.code === 'MEDIA_CHANGED') this.#entries.delete(version);
      throw error;
    } finally {
      entry.users--;
      this.#closeIfUnused(entry);
    }
  }

  close(): void {
    this.#entries.clear();
  }

  #open(media: ScannedMedia): Promise<Entry> {
    const { version } = media;
    const running = this.#opening.get(version);
    if (running) return running;
    const opening = openEntry(media)
      .then(entry => {
        this.#entries.set(version, entry);
        // Larger than the whole cache: closed by its only user.
        if (!this.#entries.has(version)) entry.isEvicted = true;
        return entry;
      })
      .finally(() => this.#opening.delete(version));
    this.#opening.set(version, opening);
    return opening;
  }

  #closeIfUnused(entry: Entry): void {
    // A file that can't be closed is not a failure of the segment that was read from it.
    if (entry.isEvicted && entry.users === 0) entry.source.close().catch(() => undefined);
  }
}

async function openEntry(media: ScannedMedia): Promise<Entry> {
  await requireUnchangedMedia(media);
  const source = await openRemuxSource(media.path);
  if (!source) throw new FerriteError('MEDIA_CHANGED', 'the file no longer has the index that its scan found');
  try {
    // Once more, for it may have been replaced in between.
    await requireUnchangedMedia(media);
  } catch (error) {
    await source.close();
    throw error;
  }
  return { source, users: 0, isEvicted: false };
}
