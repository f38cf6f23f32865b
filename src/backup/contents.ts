// What of a data folder a backup holds: everything that is not made anew from the rest, whatever its name, so that what a later version keeps there is not forgotten.
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Copied by LMDB, which alone can while it is in use. */
export const STORE = 'ferrite.lmdb';

export const PREVIEWS = 'previews';

/** Where an earlier data folder lies after `restore --replace`. */
export const REPLACED = 'replaced-';

/** What a restore has not put in its place yet. */
export const STAGED = 'restoring-';

/** Locks mean something to the processes that hold them alone. */
const LOCKS = new Set(['ferrite.lock', `${STORE}-lock`]);
const SEARCH_INDEX = /^search/;
const SEGMENTS = /^[0-9a-f]{2}$/;
const UNFINISHED = /\.tmp$/;
/** Nothing of ours is deeper; a loop of links ends here. */
const MAX_DEPTH = 8;

export type DataFolders = { readonly dataDir: string; readonly cacheDir: string };

/** Says of a name at the top of the data folder whether it belongs to the cache of segments. */
export async function cacheNames({ dataDir, cacheDir }: DataFolders): Promise<(name: string) => boolean> {
  const [data, cache] = await Promise.all([resolved(dataDir), resolved(cacheDir)]);
  // A data folder may be its own cache folder.
  if (data === cache) return name => SEGMENTS.test(name) || name === 'extracted';
  const [top] = relative(data, cache).split(sep);
  return name => name === 'cache' || name === top;
}

/** Paths of files inside the data folder, but for the store. */
export async function filesToKeep(folders: DataFolders, withPreviews: boolean): Promise<string[]> {
  const isCache = await cacheNames(folders);
  const isLeftOut = (name: string): boolean =>
    name === STORE ||
    LOCKS.has(name) ||
    isCache(name) ||
    SEARCH_INDEX.test(name) ||
    name.startsWith(REPLACED) ||
    name.startsWith(STAGED) ||
    (name === PREVIEWS && !withPreviews);
  const paths: string[] = [];
  for (const entry of await readdir(folders.dataDir, { withFileTypes: true })) {
    if (!isLeftOut(entry.name)) await collect(folders.dataDir, entry.name, entry, paths, MAX_DEPTH);
  }
  return paths.sort();
}

async function collect(root: string, path: string, entry: Dirent, into: string[], depth: number): Promise<void> {
  const kind = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => entry) : entry;
  if (kind.isFile() && !UNFINISHED.test(path)) into.push(path);
  if (!kind.isDirectory() || depth === 0) return;
  for (const child of await readdir(join(root, path), { withFileTypes: true }))
    await collect(root, join(path, child.name), child, into, depth - 1);
}

const resolved = (folder: string): Promise<string> => realpath(folder).catch(() => folder);
