// Looks at the store before LMDB does: a damaged one is refused with words, and one that is gone while other things of it are there is not begun anew.
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pickMeta } from './meta-pages.ts';
import { Damage, StoreFile } from './store-file.ts';
import { TreeWalk } from './tree-walk.ts';

const SEGMENT_FOLDER = /^[0-9a-f]{2}$/;

/** Null: the store is whole, or there has never been one. Otherwise what is wrong, in a sentence. */
export function findDamage(storePath: string, dataDir: string, cacheDir: string): string | null {
  const byteLength = statSync(storePath, { throwIfNoEntry: false })?.size ?? null;
  if (byteLength === null || byteLength === 0) {
    const left = traces(dataDir, cacheDir);
    return left.length === 0
      ? null
      : `${byteLength === null ? 'is missing' : 'is empty'}, though there was one: ${left.join(' and ')} is still there`;
  }
  const file = new StoreFile(storePath);
  try {
    const meta = pickMeta(file);
    new TreeWalk(file, meta).check(meta.free, meta.main);
    return null;
  } catch (error) {
    if (error instanceof Damage) return `is damaged: ${error.message}`;
    // A view was asked for bytes that its page does not have.
    if (error instanceof RangeError) return 'is damaged: a page of it claims more than it holds';
    throw error;
  } finally {
    file.close();
  }
}

/** What a server leaves beside its store once it has run. */
function traces(dataDir: string, cacheDir: string): string[] {
  const keys = join(dataDir, 'keys');
  return [
    ...(list(keys).some(({ name }) => name.endsWith('.json')) ? [keys] : []),
    ...(list(cacheDir).some(entry => entry.isDirectory() && SEGMENT_FOLDER.test(entry.name)) ? [cacheDir] : []),
  ];
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
