// A backup put in the place of a data folder: checked byte by byte beside it first, then moved in, with a mark that no server overlooks for as long as that is half done.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { knownFormats, makeDataFolder } from '#storage/database.ts';
import { FolderLock } from '#storage/folder-lock.ts';
import { findDamage } from '#storage/integrity/store-check.ts';
import { BackupFailure } from './backup-failure.ts';
import { cacheNames, type DataFolders, PREVIEWS, REPLACED, STAGED, STORE } from './contents.ts';
import { copyFile, forEachFile, syncFolder } from './copied-files.ts';
import { FILES, type Manifest, readManifest } from './manifest.ts';
import { restoreMark } from './restore-mark.ts';

export type RestoreOptions = DataFolders & {
  readonly source: string;
  /** What is in the data folder is put aside, rather than the backup refused. */
  readonly replaces: boolean;
};

/** `aside`: where what was there before lies now. */
export type RestoreResult = { readonly manifest: Manifest; readonly aside: string | null };

const LOCK = 'ferrite.lock';

/** Changes nothing unless the whole backup is as it was written. */
export async function restore(options: RestoreOptions): Promise<RestoreResult> {
  const { dataDir, source } = options;
  const manifest = await readManifest(source, knownFormats());
  const wasThere = existsSync(dataDir);
  makeDataFolder(dataDir);
  const lock = FolderLock.take(dataDir);
  if (lock === null) throw new BackupFailure('in use', `a server uses the data folder ${dataDir}: stop it first`);
  try {
    return { manifest, aside: await restoreInto(options, manifest) };
  } catch (error) {
    if (!wasThere) await removeEmpty(dataDir);
    throw error;
  } finally {
    lock.release();
  }
}

async function restoreInto({ dataDir, cacheDir, source, replaces }: RestoreOptions, manifest: Manifest): Promise<string | null> {
  const old = await namesToReplace({ dataDir, cacheDir }, manifest);
  if (old.length > 0 && !replaces)
    throw new BackupFailure(
      'refused',
      `the data folder ${dataDir} is not empty: give --replace to put aside what is in it, or name another with FERRITE_DATA_DIR`,
    );
  // In the folder itself: it may be a volume of its own, and a rename must not become a copy.
  const staged = await mkdtemp(join(dataDir, STAGED));
  try {
    await stage(join(source, FILES), staged, manifest);
    return await moveIn(dataDir, staged, old);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** The cache stays: a segment is the same whichever store tells of it, and one that none does is removed at the next start. */
async function namesToReplace(folders: DataFolders, manifest: Manifest): Promise<string[]> {
  const isCache = await cacheNames(folders);
  const bringsPreviews = manifest.files.some(({ path }) => path.startsWith(`${PREVIEWS}/`));
  const stays = (name: string): boolean =>
    name === LOCK || name.startsWith(REPLACED) || isCache(name) || (name === PREVIEWS && !bringsPreviews);
  const names = await readdir(folders.dataDir);
  for (const left of names.filter(name => name.startsWith(STAGED))) await rm(join(folders.dataDir, left), { recursive: true, force: true });
  return names.filter(name => !stays(name) && !name.startsWith(STAGED));
}

async function stage(from: string, staged: string, { files }: Manifest): Promise<void> {
  const expected = new Map(files.map(file => [file.path, file]));
  await forEachFile([...expected.keys()], staged, async path => {
    const facts = await copyFile(join(from, path), join(staged, path)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new BackupFailure('damaged', `the backup is damaged: its file ${path} is missing`) : error;
    });
    const known = expected.get(path);
    if (facts.byteLength !== known?.byteLength || facts.sha256 !== known.sha256)
      throw new BackupFailure('damaged', `the backup is damaged: its file ${path} is not what was written`);
  });
  const damage = findDamage(join(staged, STORE), staged, staged);
  if (damage !== null) throw new BackupFailure('damaged', `the store of the backup ${damage}`);
}

async function moveIn(dataDir: string, staged: string, old: readonly string[]): Promise<string | null> {
  const mark = restoreMark(dataDir);
  const handle = await open(mark, 'w', 0o600);
  await handle.sync();
  await handle.close();
  await syncFolder(dataDir);
  const aside = old.length === 0 ? null : join(dataDir, `${REPLACED}${new Date().toISOString().replaceAll(':', '-')}`);
  if (aside !== null) {
    await mkdir(aside, { mode: 0o700 });
    for (const name of old) if (join(dataDir, name) !== mark) await rename(join(dataDir, name), join(aside, name));
  }
  for (const name of await readdir(staged)) await rename(join(staged, name), join(dataDir, name));
  await syncFolder(dataDir);
  await rm(mark);
  await syncFolder(dataDir);
  return aside;
}

/** As it was before: not there. */
async function removeEmpty(dataDir: string): Promise<void> {
  await rm(join(dataDir, LOCK), { force: true });
  await rmdir(dataDir).catch(() => undefined);
}
