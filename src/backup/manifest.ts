// What a backup says of itself, written when everything else of it is there: a folder without one is no backup.
import { open, readFile, rename } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { BackupFailure } from './backup-failure.ts';
import { STORE } from './contents.ts';
import { type FileFacts, syncFolder } from './copied-files.ts';

export const MANIFEST = 'manifest.json';
/** The files, below the backup's folder. */
export const FILES = 'data';

/** Raised when an older version could not read what is written. */
const FORMAT = 1;

export type Formats = Readonly<Record<string, number>>;

export type BackedUpFile = FileFacts & { readonly path: string };

export type Manifest = {
  readonly format: number;
  readonly program: string;
  readonly createdAtMs: number;
  /** Of each record family in the store. */
  readonly recordFormats: Formats;
  readonly files: readonly BackedUpFile[];
};

/** Whole or not at all. */
export async function writeManifest(folder: string, manifest: Omit<Manifest, 'format'>): Promise<void> {
  const path = join(folder, MANIFEST);
  const file = await open(`${path}.tmp`, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ format: FORMAT, ...manifest }, null, 1)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
  await syncFolder(folder);
}

/** Refuses what is no backup, what was not finished, and what a newer version has written. */
export async function readManifest(folder: string, known: Formats): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    throw new BackupFailure('refused', `${folder} is no backup, or one that was not finished: it has no ${MANIFEST}`);
  });
  const value = parse(text, folder);
  if (typeof value.format === 'number' && value.format > FORMAT) throw newer(folder, value.program, 'it');
  const manifest = checked(value);
  if (manifest === null) throw damaged(folder);
  for (const [family, format] of Object.entries(manifest.recordFormats)) {
    if (format > (known[family] ?? 0)) throw newer(folder, manifest.program, `its records "${family}"`);
  }
  return manifest;
}

function parse(text: string, folder: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw damaged(folder);
}

function checked({ format, program, createdAtMs, recordFormats, files }: Record<string, unknown>): Manifest | null {
  if (format !== FORMAT || typeof program !== 'string' || typeof createdAtMs !== 'number') return null;
  if (typeof recordFormats !== 'object' || recordFormats === null || !Object.values(recordFormats).every(Number.isInteger)) return null;
  if (!Array.isArray(files) || !files.every(isFile)) return null;
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size !== files.length || !paths.has(STORE)) return null;
  return { format, program, createdAtMs, recordFormats: recordFormats as Formats, files };
}

function isFile(value: unknown): value is BackedUpFile {
  if (typeof value !== 'object' || value === null) return false;
  const { path, byteLength, sha256 } = value as Record<string, unknown>;
  return typeof path === 'string' && isInside(path) && Number.isInteger(byteLength) && typeof sha256 === 'string';
}

/** A backup may have come from anywhere: it names nothing outside the data folder. */
const isInside = (path: string): boolean =>
  path !== '' && !isAbsolute(path) && normalize(path) === path && !/(^|[\\/])\.\.?([\\/]|$)|\0/.test(path);

const damaged = (folder: string): BackupFailure =>
  new BackupFailure('damaged', `the backup ${folder} is damaged: its ${MANIFEST} can not be read`);

const newer = (folder: string, program: unknown, what: string): BackupFailure =>
  new BackupFailure(
    'refused',
    `the backup ${folder} was written by a newer version (${typeof program === 'string' ? program : 'unknown'}): ${what} can not be read by this one. Restore it with that version`,
  );
