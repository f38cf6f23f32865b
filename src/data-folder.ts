// The data folder, and the cache folder beside it, as a server takes them: for itself alone, closed to others on the machine, and with a store that is whole or not opened at all.
import { chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, makeDataFolder, openDatabase, storePath } from '#storage/database.ts';
import { FolderLock } from '#storage/folder-lock.ts';
import { findDamage } from '#storage/integrity/store-check.ts';
import { hasSetUpMark, leaveSetUpMark, setUpMarkPath } from './auth/set-up-mark.ts';
import { isHalfRestored } from './backup/restore-mark.ts';
import type { Config } from './config.ts';
import { FerriteError } from './domain/errors.ts';
import { EXIT, StartFailure } from './start-failure.ts';

/** What of the system's, rather than of the store's content, can keep a store from being opened. */
const SYSTEM_ERRORS =
  /EACCES|EPERM|EROFS|ENOSPC|EDQUOT|EMFILE|ENFILE|permission denied|read-only file system|no space left|too many open files/i;

export class DataFolder {
  readonly database: Database;
  readonly #locks: readonly FolderLock[];

  private constructor(database: Database, locks: readonly FolderLock[]) {
    this.database = database;
    this.#locks = locks;
  }

  /** Throws StartFailure. */
  static async open({ dataDir, cacheDir }: Pick<Config, 'dataDir' | 'cacheDir'>): Promise<DataFolder> {
    makeDataFolder(dataDir);
    const locks: FolderLock[] = [];
    try {
      locks.push(takeLock(dataDir));
      if (isHalfRestored(dataDir)) {
        throw new StartFailure(
          EXIT.storeDamaged,
          `a backup was being restored into the data folder ${dataDir} and is not there yet: run "ferrite restore" with --replace again`,
        );
      }
      // Before the store is looked at: another server's segments are no trace of a store of ours that is gone.
      locks.push(...lockCache(cacheDir, dataDir));
      for (const folder of [dataDir, join(dataDir, 'keys'), join(dataDir, 'posters')]) closeToOthers(folder);
      return new DataFolder(await openStore(dataDir, cacheDir), locks);
    } catch (error) {
      release(locks);
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      await this.database.close();
    } finally {
      release(this.#locks);
    }
  }
}

function release(locks: readonly FolderLock[]): void {
  for (const lock of locks) lock.release();
}

function takeLock(dataDir: string): FolderLock {
  let lock: FolderLock | null;
  try {
    lock = FolderLock.take(dataDir);
  } catch (cause) {
    throw new StartFailure(EXIT.failed, `the data folder ${dataDir} can not be written`, { cause });
  }
  if (lock !== null) return lock;
  throw new StartFailure(
    EXIT.dataFolderInUse,
    `another server uses the data folder ${dataDir}: stop it first, or give this one a folder of its own with FERRITE_DATA_DIR`,
  );
}

/**
 * A server removes every segment that its own store does not know: two would empty each other's cache.
 * No lock where the folder can not be written, for then nothing can be removed either; the cache tells what is wrong with it.
 */
function lockCache(cacheDir: string, dataDir: string): readonly FolderLock[] {
  let lock: FolderLock | null;
  try {
    mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
    if (realpathSync(cacheDir) === realpathSync(dataDir)) return [];
    lock = FolderLock.take(cacheDir);
  } catch {
    return [];
  }
  if (lock !== null) return [lock];
  throw new StartFailure(
    EXIT.dataFolderInUse,
    `another server uses the cache folder ${cacheDir}: stop it first, or give this one a folder of its own with FERRITE_CACHE_DIR`,
  );
}

async function openStore(dataDir: string, cacheDir: string): Promise<Database> {
  const path = storePath(dataDir);
  const damage = findDamage(path, dataDir, cacheDir);
  if (damage !== null) throw damaged(path, damage);
  const database = await openDatabase(dataDir).catch((error: unknown) => {
    throw isOfTheStore(error) ? damaged(path, 'is damaged: a record of it can not be read', error) : error;
  });
  try {
    if (database.users.hasAdministrator()) await leaveSetUpMark(dataDir);
    else if (hasSetUpMark(dataDir)) throw damaged(path, `has no administrator, though ${setUpMarkPath(dataDir)} says that there was one`);
    return database;
  } catch (error) {
    await database.close();
    throw isOfTheStore(error) ? damaged(path, 'is damaged: a record of it can not be read', error) : error;
  }
}

/** What is found out later in the start, when the records are read. */
export const explained = (error: unknown, dataDir: string): unknown =>
  isOfTheStore(error) ? damaged(storePath(dataDir), 'is damaged: a record of it can not be read', error) : error;

function damaged(path: string, what: string, cause?: unknown): StartFailure {
  return new StartFailure(
    EXIT.storeDamaged,
    `the store ${path} ${what}. Put a backup in its place, or move the data folder away to begin anew (docs/operations.md, "A damaged store")`,
    { cause },
  );
}

/** A failure with a cause came from LMDB or a decoder; one without is a sentence of our own, such as a store that a newer version wrote. */
function isOfTheStore(error: unknown): boolean {
  if (!(error instanceof FerriteError) || error.code !== 'STORAGE_FAILED' || error.cause === undefined) return false;
  return /^(the store|a record|a transaction) /.test(error.message) && !SYSTEM_ERRORS.test(error.message);
}

/** Passwords' hashes, keys and what somebody watched. A mount that knows no modes is as its owner made it. */
function closeToOthers(folder: string): void {
  const entries = readdirSyncOrNone(folder);
  for (const name of entries) {
    const path = join(folder, name);
    try {
      const facts = lstatSync(path);
      if (facts.isFile() && (facts.mode & 0o077) !== 0) chmodSync(path, 0o600);
      else if (facts.isDirectory() && (facts.mode & 0o077) !== 0) chmodSync(path, 0o700);
    } catch {
      // Gone meanwhile, or somebody else's.
    }
  }
}

function readdirSyncOrNone(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
