// The files of finished segments. A file appears under its name only once all its bytes are on the disk.
import { type Dirent, statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { isKeptFile, keptFolder, segmentFile } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';

const TEMPORARY = '.tmp';
const ABSENT_OR_IN_USE = new Set(['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST']);

export class SegmentFiles {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = resolve(dir);
  }

  pathOf(key: RenditionKey, name: SegmentName): string {
    return `${this.#folderOf(key)}/${segmentFile(name)}`;
  }

  /** Rejects when the disk does not have the whole segment; `remove` then takes away what was written. */
  async write(key: RenditionKey, name: SegmentName, bytes: Buffer): Promise<void> {
    const path = this.pathOf(key, name);
    await mkdir(this.#folderOf(key), { recursive: true, mode: 0o700 });
    const file = await open(path + TEMPORARY, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      // Without datasync a power cut can leave a file of the right size with the wrong bytes, and a record that calls it whole.
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(path + TEMPORARY, path);
  }

  /** Removes the segment's file, whole or not, and its folder when that is empty afterwards. */
  async remove(key: RenditionKey, name: SegmentName): Promise<void> {
    const path = this.pathOf(key, name);
    await rm(path, { force: true }).catch(unlessAbsent);
    await rm(path + TEMPORARY, { force: true }).catch(unlessAbsent);
    await rmdir(this.#folderOf(key)).catch(unlessAbsent);
  }

  /** The segment's bytes; undefined when its file can not be read. */
  async read(key: RenditionKey, name: SegmentName): Promise<Buffer | undefined> {
    return readFile(this.pathOf(key, name)).catch(() => undefined);
  }

  /** Blocks the thread: to be called before the port opens. */
  hasSize(key: RenditionKey, name: SegmentName, byteLength: number): boolean {
    const facts = statSync(this.pathOf(key, name), { throwIfNoEntry: false });
    return facts?.isFile() === true && facts.size === byteLength;
  }

  /** Makes the folder, and removes from it the segments that are not among `kept`. Files that are not segments stay. */
  async removeAllBut(kept: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new FerriteError('STORAGE_FAILED', `the cache folder ${this.#dir} can not be made`, { cause });
    });
    const entries = await readdir(this.#dir, { recursive: true, withFileTypes: true });
    const pathOf = (entry: Dirent): string => join(entry.parentPath, entry.name);
    const lost = entries.map(pathOf).filter(path => isOurs(relative(this.#dir, path)) && !kept.has(path));
    for (const path of lost) await rm(path, { force: true });
    // A folder that still holds a file stays.
    for (const folder of new Set(lost.map(dirname))) await rmdir(folder).catch(() => undefined);
  }

  #folderOf(key: RenditionKey): string {
    return `${this.#dir}/${keptFolder(key)}`;
  }
}

/** Paths below the cache folder; a file whose path differs was not written by this class. */
const isOurs = (path: string): boolean => isKeptFile(path.endsWith(TEMPORARY) ? path.slice(0, -TEMPORARY.length) : path);

/** Ignores that a path is absent, or that a folder is not empty. */
function unlessAbsent(error: NodeJS.ErrnoException): void {
  if (!ABSENT_OR_IN_USE.has(error.code ?? '')) throw error;
}
