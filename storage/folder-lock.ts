// One server for each folder, of data or of finished segments: an exclusive lock on a file in it, which the system takes back when the process ends, however it ends.
import { chmodSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { sqlite } from './sqlite.ts';

const FILE_NAME = 'ferrite.lock';

/** SQLite's result codes. */
const BUSY = 5;
const NO_DATABASE = 26;

/**
 * The lock is that of an SQLite file without a table: Node has no flock of its own, and a file with a process id in it
 * is wrong after SIGKILL and among containers, where ids repeat.
 */
export class FolderLock {
  readonly #file: DatabaseSync;

  private constructor(file: DatabaseSync) {
    this.#file = file;
  }

  /** Null where another process, or this one, holds it. Throws where the folder can not be written. */
  static take(folder: string): FolderLock | null {
    const path = join(folder, FILE_NAME);
    try {
      return FolderLock.#open(path);
    } catch (error) {
      if (resultCode(error) === BUSY) return null;
      // Nothing is ever written to it, so whatever stands in it is not ours.
      if (resultCode(error) !== NO_DATABASE) throw error;
      truncateSync(path);
      return FolderLock.#open(path);
    }
  }

  static #open(path: string): FolderLock {
    const { DatabaseSync } = sqlite();
    const file = new DatabaseSync(path);
    try {
      // No journal beside it: nothing is written.
      file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      chmodSync(path, 0o600);
      return new FolderLock(file);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  release(): void {
    this.#file.close();
  }
}

const resultCode = (error: unknown): unknown => (error instanceof Error && 'errcode' in error ? error.errcode : undefined);
