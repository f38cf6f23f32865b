// Media files kept open between the segments that are read from them. Each answer checks that the file is still the one that was scanned.
import { type FileHandle, open } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import { requireUnchanged, type ScannedFile } from '#domain/media.ts';
import { KeptOpen } from '#domain/sharing/kept-open.ts';

const MAX_OPEN = 64;

export class MediaFiles {
  readonly #files: KeptOpen<FileHandle>;

  constructor({ idleMs }: { readonly idleMs?: number } = {}) {
    this.#files = new KeptOpen({ maxOpen: MAX_OPEN, close: handle => handle.close(), ...(idleMs === undefined ? {} : { idleMs }) });
  }

  /** @throws MEDIA_CHANGED when the file is gone or was replaced */
  use<T>(scanned: ScannedFile & { readonly path: string }, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const name = `${scanned.byteLength}/${scanned.mtimeMs}/${scanned.path}`;
    return this.#files.use(
      name,
      () => openFile(scanned.path),
      async handle => {
        requireUnchanged(await handle.stat(), scanned);
        return work(handle);
      },
    );
  }
}

function openFile(path: string): Promise<FileHandle> {
  return open(path).catch(cause => {
    throw new FerriteError('MEDIA_CHANGED', 'the media file is gone', { cause });
  });
}
