// Media files kept open between the segments that are read from them. Each answer checks that the file is still the one that was scanned.
import { type FileHandle, open } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';

/** A media file as it was when it was scanned. */
export type ScannedFile = { readonly path: string; readonly byteLength: number; readonly mtimeMs: number };

type OpenFile = { readonly handle: FileHandle; users: number; isEvicted: boolean };

/** Each holds a descriptor. */
const MAX_OPEN = 64;

export class MediaFiles {
  readonly #files = new LRUCache<string, Promise<OpenFile>>({
    max: MAX_OPEN,
    dispose: opening => void opening.then(evict, () => undefined),
  });

  /** @throws MEDIA_CHANGED when the file is gone or was replaced */
  async use<T>(scanned: ScannedFile, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const name = `${scanned.byteLength}/${scanned.mtimeMs}/${scanned.path}`;
    const file = await this.#open(name, scanned.path);
    file.users++;
    try {
      const { size, mtimeMs } = await file.handle.stat();
      if (size !== scanned.byteLength || Math.trunc(mtimeMs) !== scanned.mtimeMs) {
        this.#files.delete(name);
        throw new FerriteError('MEDIA_CHANGED', 'the media file was replaced since it was scanned');
      }
      return await work(file.handle);
    } finally {
      file.users--;
      closeIfUnused(file);
    }
  }

  #open(name: string, path: string): Promise<OpenFile> {
    const known = this.#files.get(name);
    if (known) return known;
    const opening = openFile(path);
    this.#files.set(name, opening);
    opening.catch(() => this.#files.delete(name));
    return opening;
  }
}

async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path).catch(cause => {
    throw new FerriteError('MEDIA_CHANGED', 'the media file is gone', { cause });
  });
  return { handle, users: 0, isEvicted: false };
}

function evict(file: OpenFile): void {
  file.isEvicted = true;
  closeIfUnused(file);
}

function closeIfUnused({ handle, users, isEvicted }: OpenFile): void {
  // A failure to close the file does not concern the bytes that were read.
  if (isEvicted && users === 0) handle.close().catch(() => undefined);
}
