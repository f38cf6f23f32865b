// Brings the catalogue in line with the files of a library. The only writer of media and keyframe maps.
import { randomUUID } from 'node:crypto';
import type { LibraryId, MediaId } from '#domain/ids.ts';
import type { Library, Media } from '#domain/media.ts';
import type { Inspection } from '#domain/protocol.ts';
import type { KeyframeMapRepository } from '#storage/keyframe-maps.ts';
import type { MediaRepository } from '#storage/media.ts';
import type { CatalogueIndex } from './catalogue-index.ts';
import type { PosterFiles } from './posters.ts';
import { type ScanError, ScanRun } from './scan-run.ts';

export type Log = { info(facts: object, message: string): void; warn(facts: object, message: string): void };

export type ScannerOptions = {
  readonly media: MediaRepository;
  readonly keyframes: KeyframeMapRepository;
  /** Told of every change, so that lists and searches show it. */
  readonly index: CatalogueIndex;
  readonly inspect: (mediaId: MediaId, path: string, signal: AbortSignal) => Promise<Inspection>;
  /** A JPEG of the frame near `atMs`; null when there is none to be had. */
  readonly poster: (mediaId: MediaId, path: string, atMs: number, signal: AbortSignal) => Promise<Uint8Array | null>;
  readonly posters: PosterFiles;
  readonly log: Log;
  /** Called at most every 200 ms and at the end. */
  readonly onProgress?: (library: Library, status: ScanStatus) => void;
};

export type ScanId = string;

export type ScanStatus = {
  readonly scanId: ScanId | null;
  readonly state: 'idle' | 'running' | 'done' | 'failed';
  /** Video files met so far. */
  readonly found: number;
  /** Inspected anew and catalogued. */
  readonly probed: number;
  /** Known already: same size, same time. */
  readonly unchanged: number;
  readonly failed: number;
  readonly removed: number;
  /** Null until all folders have been read; then probed + unchanged + failed grow up to it. */
  readonly total: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly errors: readonly ScanError[];
};

const IDLE: ScanStatus = {
  scanId: null,
  state: 'idle',
  found: 0,
  probed: 0,
  unchanged: 0,
  failed: 0,
  removed: 0,
  total: null,
  startedAtMs: null,
  endedAtMs: null,
  errors: [],
};
const STOP_DEADLINE_MS = 10_000;

export class LibraryScanner {
  readonly #options: ScannerOptions;
  /** The running scan of each library, or its last. */
  readonly #runs = new Map<LibraryId, ScanRun>();
  #isStopped = false;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** Starts a scan in the background; while one runs, names that one. */
  start(library: Library): ScanId {
    const current = this.#runs.get(library.id);
    if (current?.status.state === 'running') return current.id;
    const run = new ScanRun(randomUUID(), library, this.#options);
    this.#runs.set(library.id, run);
    if (this.#isStopped) run.abort();
    return run.id;
  }

  status(libraryId: LibraryId): ScanStatus {
    return this.#runs.get(libraryId)?.status ?? IDLE;
  }

  /** Resolves when the running scan has ended; at once when there is none. Never rejects: the status says how it went. */
  async whenDone(libraryId: LibraryId): Promise<ScanStatus> {
    await this.#runs.get(libraryId)?.ended;
    return this.status(libraryId);
  }

  /** Takes a library's media out of the catalogue; what viewers have watched of them stays. */
  async forget(libraryId: LibraryId): Promise<void> {
    const run = this.#runs.get(libraryId);
    run?.abort();
    await within(STOP_DEADLINE_MS, run?.ended);
    for (const media of [...this.#options.media.ofLibrary(libraryId)]) await removeMedia(this.#options, media);
    this.#runs.delete(libraryId);
  }

  /** Ends every scan. Resolves when they have ended, or after the deadline. */
  async stop(deadlineMs = STOP_DEADLINE_MS): Promise<void> {
    this.#isStopped = true;
    for (const run of this.#runs.values()) run.abort();
    await within(deadlineMs, Promise.all([...this.#runs.values()].map(run => run.ended)));
  }
}

/** The record goes first: nobody finds a media whose parts are missing. */
export async function removeMedia({ media, keyframes, index, posters }: ScannerOptions, gone: Media): Promise<void> {
  index.remove(gone.id);
  await media.remove(gone.id);
  await keyframes.remove(gone.id);
  await posters.remove(gone);
}

async function within(deadlineMs: number, done: Promise<unknown> | undefined): Promise<void> {
  const { promise: expired, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, deadlineMs);
  await Promise.race([done, expired]);
  clearTimeout(timer);
}
