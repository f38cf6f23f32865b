// The folders of films as they lie on the disk: their names, and files in them, of which no link is followed.
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { LocalFile } from '#domain/catalogue/description.ts';
import { scannedFile } from '#domain/media.ts';
import { type FolderNames, folderNames } from './beside.ts';

/** Films of one folder are read one after the other. */
const KEPT_MS = 5_000;
const MAX_FOLDERS = 50;
/** Of a folder with more, only films that are called so are known. */
const MAX_NAMES = 50_000;

export class LocalFolders {
  readonly #names = new LRUCache<string, Promise<FolderNames>>({ max: MAX_FOLDERS, ttl: KEPT_MS });

  /** Rejects where the folder can not be read: that says nothing of what is in it. */
  namesIn(folder: string): Promise<FolderNames> {
    const known = this.#names.get(folder);
    if (known !== undefined) return known;
    const reading = readdir(folder).then(names => folderNames(names.slice(0, MAX_NAMES)));
    this.#names.set(folder, reading);
    reading.catch(() => this.#names.delete(folder));
    return reading;
  }

  forget(): void {
    this.#names.clear();
  }
}

/** Null for what is no file of its own. */
export async function localFile(folder: string, name: string): Promise<LocalFile | null> {
  const path = join(folder, name);
  try {
    const facts = await lstat(path);
    return facts.isFile() ? { path, ...scannedFile(facts) } : null;
  } catch {
    return null;
  }
}

/** Its first bytes; one more than `maxBytes` tells that there are more. */
export async function readStart(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
