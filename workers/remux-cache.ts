// Container indexes kept open between segments: parsing one costs 25–60 ms, building a segment from it 1–3.
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import { openRemuxSource } from './remux/remuxer.ts';
import type { RemuxSource } from './remux/source.ts';

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

  async use<T>(version: string, path: string, work: (source: RemuxSource) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(version) ?? (await this.#open(version, path));
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

  #open(version: string, path: string): Promise<Entry> {
    const running = this.#opening.get(version);
    if (running) return running;
    const opening = openEntry(path)
      .then(entry => {
        this.#entries.set(version, entry);
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

async function openEntry(path: string): Promise<Entry> {
  const source = await openRemuxSource(path);
  if (!source) throw new FerriteError('MEDIA_CHANGED', 'the file no longer has the index that its scan found');
  return { source, users: 0, isEvicted: false };
}
