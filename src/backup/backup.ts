// A backup of a data folder, whether a server runs on it or not: LMDB's own copy of the store as it stands, then the files beside it, then the word that it is whole.
import { chmod, mkdir, readdir, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { copyStore, storePath } from '#storage/database.ts';
import { FolderLock } from '#storage/folder-lock.ts';
import { findDamage } from '#storage/integrity/store-check.ts';
import { BackupFailure } from './backup-failure.ts';
import { type DataFolders, filesToKeep, STORE } from './contents.ts';
import { copyFile, forEachFile, settle, syncFolder } from './copied-files.ts';
import { type BackedUpFile, FILES, type Formats, MANIFEST, writeManifest } from './manifest.ts';

export type BackupOptions = DataFolders & {
  readonly target: string;
  readonly withPreviews: boolean;
  /** The version that makes it. */
  readonly program: string;
};

export type BackupResult = { readonly files: number; readonly bytes: number };

/** Leaves nothing where it fails. */
export async function backUp(options: BackupOptions): Promise<BackupResult> {
  const { dataDir, target } = options;
  if (!(await isFile(storePath(dataDir)))) throw new BackupFailure('refused', `there is no store in the data folder ${dataDir}`);
  if (await isWithin(dataDir, target))
    throw new BackupFailure('refused', `the backup ${target} would lie in the data folder that it is of`);
  checkUnusedStore(options);
  const isOurs = await claim(target);
  try {
    const recordFormats = await backUpStore(dataDir, join(target, FILES, STORE));
    // After the store: whatever it tells of was there by then.
    const files = [await factsOfStore(target), ...(await backUpFiles(options))];
    await writeManifest(target, { program: options.program, createdAtMs: Date.now(), recordFormats, files });
    await syncFolder(dirname(target));
    return { files: files.length, bytes: files.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  } catch (error) {
    await rm(join(target, FILES), { recursive: true, force: true });
    if (isOurs) await rmdir(target).catch(() => undefined);
    throw error;
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    facts => facts.isFile(),
    () => false,
  );

async function isWithin(folder: string, path: string): Promise<boolean> {
  const way = relative(await realpath(folder), await realpathOfNearest(resolve(path)));
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`));
}

/** Of the path itself, or of the nearest folder above it that is there. */
const realpathOfNearest = async (path: string): Promise<string> =>
  await realpath(path).catch(async () => (dirname(path) === path ? path : await realpathOfNearest(dirname(path))));

/** LMDB ends the process where it reads a damaged store. Of one that is in use its server has seen to that, and its pages change under our eyes. */
function checkUnusedStore({ dataDir, cacheDir }: DataFolders): void {
  const lock = lockUnlessReadOnly(dataDir);
  if (lock === null) return;
  try {
    checkStore(dataDir, cacheDir);
  } finally {
    lock.release();
  }
}

/** Null: a server has it. */
function lockUnlessReadOnly(dataDir: string): Pick<FolderLock, 'release'> | null {
  try {
    return FolderLock.take(dataDir);
  } catch {
    // A folder that can not be written has no server either.
    return { release: () => undefined };
  }
}

function checkStore(dataDir: string, cacheDir: string): void {
  const damage = findDamage(storePath(dataDir), dataDir, cacheDir);
  if (damage !== null) throw new BackupFailure('damaged', `the store ${storePath(dataDir)} ${damage}: nothing was backed up`);
}

/** The folder is this backup's alone from here on. Tells whether it was made. */
async function claim(target: string): Promise<boolean> {
  const isOurs = (await mkdir(target, { recursive: true, mode: 0o700 })) !== undefined;
  const names = await readdir(target);
  if (names.includes(MANIFEST)) throw new BackupFailure('refused', `${target} holds a backup already: name a new folder`);
  if (names.includes(FILES))
    throw new BackupFailure('refused', `${target} holds a backup that was not finished, or is being made: remove it, or name a new folder`);
  if (names.length > 0) throw new BackupFailure('refused', `${target} is not empty: name a new folder`);
  // Two at once: the second fails here.
  await mkdir(join(target, FILES), { mode: 0o700 });
  // Somebody else's folder, such as a mounted disk, is taken as its owner made it.
  await chmod(target, 0o700).catch(() => undefined);
  return isOurs;
}

async function backUpStore(dataDir: string, copy: string): Promise<Formats> {
  const formats = await copyStore(dataDir, copy);
  const damage = findDamage(copy, dirname(copy), dirname(copy));
  if (damage !== null) throw new BackupFailure('damaged', `the copy of the store ${damage}`);
  return formats;
}

const factsOfStore = async (target: string): Promise<BackedUpFile> => ({ path: STORE, ...(await settle(join(target, FILES, STORE))) });

async function backUpFiles({ dataDir, cacheDir, target, withPreviews }: BackupOptions): Promise<BackedUpFile[]> {
  const files: BackedUpFile[] = [];
  const into = join(target, FILES);
  await forEachFile(await filesToKeep({ dataDir, cacheDir }, withPreviews), into, async path => {
    try {
      files.push({ path, ...(await copyFile(join(dataDir, path), join(into, path))) });
    } catch (error) {
      // A server removes posters of films that are gone.
      if (!isGone(error)) throw error;
    }
  });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const isGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
