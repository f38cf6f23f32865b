// What of one folder matters to a library, read as a stream: a folder of a million other files takes time, and no memory.
import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isIndex, isSidecar } from '#library/sidecar-names.ts';

export type Listing = {
  /** Files with the names of films. */
  readonly films: readonly string[];
  /** Files that may be subtitles of films. */
  readonly sidecars: readonly string[];
  readonly folders: readonly string[];
  readonly links: readonly string[];
  /** Names of films and folders that are no UTF-8, as well as they can be told. */
  readonly undecodable: readonly string[];
  /** Not even what is of no matter to us. */
  readonly hasNothing: boolean;
};

const VIDEO_EXTENSIONS = new Set(
  [
    ...['mp4', 'm4v', 'mov', '3gp', '3g2', 'f4v', 'mkv', 'webm', 'avi', 'divx', 'ts', 'm2ts', 'mts', 'm2t', 'mpg', 'mpeg', 'vob'],
    ...['wmv', 'asf', 'flv', 'ogv', 'ogm', 'mxf'],
  ].map(extension => `.${extension}`),
);
/** Folders that systems and network drives keep for themselves. */
const SYSTEM_FOLDERS = new Set(['@eadir', '#recycle', '$recycle.bin', 'lost+found', 'system volume information']);
const ENTRIES_AT_ONCE = 512;

export const isVideo = (name: string): boolean => VIDEO_EXTENSIONS.has(extname(name).toLowerCase());
export const isLeftOut = (name: string): boolean => name.startsWith('.') || SYSTEM_FOLDERS.has(name.toLowerCase());

/** Each list by name. Rejects where the folder can not be read. */
export async function listFolder(folder: string, signal?: AbortSignal): Promise<Listing> {
  const found = { films: [] as string[], sidecars: [] as string[], folders: [] as string[], links: [] as string[] };
  const undecodable: string[] = [];
  let hasNothing = true;
  // As bytes, for a name that is no UTF-8 reads back as one that names nothing.
  const entries = await opendir(folder, { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE });
  for await (const entry of entries) {
    signal?.throwIfAborted();
    hasNothing = false;
    const bytes = entry.name as unknown as Buffer;
    const name = bytes.toString('utf8');
    if (isLeftOut(name)) continue;
    const kind = (await kindOf(entry, folder, name)) ?? 'other';
    if (kind === 'other' || (kind === 'file' && !isVideo(name) && !isSidecar(name) && !isIndex(name))) continue;
    if (name.includes('\ufffd') && !Buffer.from(name).equals(bytes)) undecodable.push(name);
    else if (kind === 'folder') found.folders.push(name);
    else if (kind === 'link') found.links.push(name);
    else if (isVideo(name)) found.films.push(name);
    else found.sidecars.push(name);
  }
  for (const names of Object.values(found)) names.sort();
  return { ...found, undecodable, hasNothing };
}

type Kind = 'file' | 'folder' | 'link';

/** Some file systems do not say it with the name. */
async function kindOf(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'> & Partial<Dirent>, folder: string, name: string) {
  const told = toldKind(entry);
  if (told !== null || entry.isFIFO?.() || entry.isSocket?.() || entry.isBlockDevice?.() || entry.isCharacterDevice?.()) return told;
  return await lstat(join(folder, name)).then(toldKind, () => null);
}

function toldKind(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): Kind | null {
  if (entry.isDirectory()) return 'folder';
  if (entry.isSymbolicLink()) return 'link';
  return entry.isFile() ? 'file' : null;
}
