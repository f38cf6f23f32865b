// Whether segments are written to disk at the moment. A disk that refuses is left alone for a while, then tried again.
import { FerriteError } from '#domain/errors.ts';

export type DiskState = 'writing' | 'paused';

type Options = {
  /** A clock that never goes back. */
  readonly monotonicMs: () => number;
  readonly log: { warn(facts: object, message: string): void };
};

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** Errors of the disk as a whole, not of one file. */
const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENXIO', 'STORAGE_FAILED']);
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT']);

export class DiskHealth {
  readonly #options: Options;
  #pauseMs = 0;
  #retryAtMs = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Writing is paused until a write succeeds; when the pause is over, one write may be tried. */
  get state(): DiskState {
    return this.#pauseMs === 0 ? 'writing' : 'paused';
  }

  get mayWrite(): boolean {
    return this.#pauseMs === 0 || this.#options.monotonicMs() >= this.#retryAtMs;
  }

  /** One log line for each outage, however many segments are lost to it. */
  failed(error: unknown): void {
    const code = codeOf(error);
    if (!DISK_CODES.has(code)) {
      this.#options.log.warn({ code }, 'a segment could not be kept on disk');
      return;
    }
    if (this.#pauseMs === 0) {
      this.#options.log.warn({ code }, 'segments are not kept on disk for now: the disk refuses them; playing goes on from memory');
    }
    this.#pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2), LONGEST_PAUSE_MS);
    this.#retryAtMs = this.#options.monotonicMs() + this.#pauseMs;
  }

  succeeded(): void {
    if (this.#pauseMs === 0) return;
    this.#pauseMs = 0;
    this.#options.log.warn({}, 'segments are kept on disk again');
  }
}

export const isDiskFull = (error: unknown): boolean => FULL_CODES.has(codeOf(error));

function codeOf(error: unknown): string {
  if (error instanceof FerriteError) return error.code;
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
