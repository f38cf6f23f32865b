// Brings the catalogue in line with the files of a library. The only writer of media and keyframe maps.
import { randomUUID } from 'node:crypto';
import type { LibraryId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import { within } from '#domain/sharing/waiting.ts';
import { removeMedia, type ScanId, type ScannerOptions, ScanRun, type ScanStatus } from './scan-run.ts';

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
    if (run) await within(STOP_DEADLINE_MS, run.ended);
    const { media, refused } = this.#options;
    for (const known of [...media.ofLibrary(libraryId)]) await removeMedia(this.#options, known);
    for (const id of [...refused.ofLibrary(libraryId)]) await refused.remove(libraryId, id);
    this.#runs.delete(libraryId);
  }

  /** Ends every scan. Resolves when they have ended, or after the deadline. */
  async stop(deadlineMs = STOP_DEADLINE_MS): Promise<void> {
    this.#isStopped = true;
    for (const run of this.#runs.values()) run.abort();
    await within(deadlineMs, Promise.all([...this.#runs.values()].map(run => run.ended)));
  }
}
