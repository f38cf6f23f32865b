// Whether a file has come to rest: one that is being copied would be read half.
import type { FoundFile } from '#library/scan/disk/walk.ts';

type Look = { readonly byteLength: number; readonly mtimeMs: number; readonly atMs: number };

/** Files that are written at once. More are taken as they are. */
const MAX_FILES = 10_000;

export class Settling {
  readonly #settleMs: number;
  readonly #now: () => number;
  readonly #looks = new Map<string, Look>();

  constructor(settleMs: number, now: () => number = Date.now) {
    this.#settleMs = settleMs;
    this.#now = now;
  }

  /** It was not written for a while, by its own time, or has not changed between two looks: its clock may be another's. */
  isSettled({ path, byteLength, mtimeMs }: Pick<FoundFile, 'path' | 'byteLength' | 'mtimeMs'>): boolean {
    const atMs = this.#now();
    const before = this.#looks.get(path);
    const isSame = before?.byteLength === byteLength && before.mtimeMs === mtimeMs;
    const isOld = mtimeMs <= atMs - this.#settleMs;
    if (isOld || (isSame && atMs - before.atMs >= this.#settleMs) || (before === undefined && this.#looks.size >= MAX_FILES)) {
      this.#looks.delete(path);
      return true;
    }
    if (!isSame) this.#looks.set(path, { byteLength, mtimeMs, atMs });
    return false;
  }
}
