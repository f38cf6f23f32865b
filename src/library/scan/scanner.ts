// Brings the catalogue in line with the files of a library. The only writer of media and keyframe maps.
import { randomUUID } from 'node:crypto';
import type { LibraryId, MediaId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import { within } from '#domain/sharing/waiting.ts';
import { type Look, lookEverywhere } from './findings.ts';
import { removeMedia } from './removal.ts';
import { ScanRun } from './scan-run.ts';
import { IDLE, type ScanId, type ScanStatus } from './scan-status.ts';
import type { ScannerOptions } from './scanner-options.ts';

const STOP_DEADLINE_MS = 10_000;

export class LibraryScanner {
  readonly #options: ScannerOptions;
  /** The running scan of each library, or its last. */
  readonly #runs = new Map<LibraryId, ScanRun>();
  /** What looks at changes alone: one at a time, and none beside a scan. */
  readonly #changes = new Map<LibraryId, ScanRun>();
  readonly #forgotten = new Set<LibraryId>();
  #isStopped = false;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** Starts a scan in the background; while one runs, names that one. */
  start(library: Library): ScanId {
    const current = this.#runs.get(library.id);
    if (current?.status.state === 'running') return current.id;
    const before = this.#changes.get(library.id)?.ended;
    const look: Look = async (...args) => {
      await before;
      return await lookEverywhere(...args);
    };
    // Who looks at all of it is followed by those who look beside all films.
    const { onBesideChanged: _, ...options } = this.#options;
    const run = new ScanRun(randomUUID(), library, { ...options, look });
    this.#runs.set(library.id, run);
    if (this.#isStopped) run.abort();
    return run.id;
  }

  /** Looks at what has changed, once nothing else looks at this library. Resolves with how it went. */
  async startChanges(library: Library, look: Look): Promise<ScanStatus> {
    for (;;) {
      const current = [this.#runs.get(library.id), this.#changes.get(library.id)].find(run => run?.status.state === 'running');
      if (current === undefined) break;
      await current.ended;
    }
    const { onProgress: _, onBesideChanged, onListed, ...options } = this.#options;
    const changed = new Set<MediaId>();
    const heard = {
      onListed: (id: MediaId): void => {
        changed.add(id);
        onListed(id);
      },
      onBesideChanged: (id: MediaId): unknown => changed.add(id),
    };
    const run = new ScanRun(randomUUID(), library, { ...options, ...heard, look });
    this.#changes.set(library.id, run);
    if (this.#isStopped || this.#forgotten.has(library.id)) run.abort();
    await run.ended;
    for (const id of changed) onBesideChanged?.(id);
    return run.status;
  }

  status(libraryId: LibraryId): ScanStatus {
    return this.#runs.get(libraryId)?.status ?? IDLE;
  }

  /** Resolves when the running scan has ended; at once when there is none. Never rejects: the status says how it went. */
  async whenDone(libraryId: LibraryId): Promise<ScanStatus> {
    await this.#runs.get(libraryId)?.ended;
    return this.status(libraryId);
  }

  /** Ends the running scan: what it has catalogued stays, and the next goes on from there. Says whether there was one. */
  cancel(libraryId: LibraryId): boolean {
    const run = this.#runs.get(libraryId);
    if (run?.status.state !== 'running') return false;
    run.abort();
    return true;
  }

  /** Takes a library's media out of the catalogue; what viewers have watched of them stays. */
  async forget(libraryId: LibraryId): Promise<void> {
    this.#forgotten.add(libraryId);
    const runs = [this.#runs.get(libraryId), this.#changes.get(libraryId)].flatMap(run => run ?? []);
    for (const run of runs) run.abort();
    await within(STOP_DEADLINE_MS, Promise.all(runs.map(run => run.ended)));
    const { media, refused, devices } = this.#options;
    for (const known of [...media.ofLibrary(libraryId)]) await removeMedia(this.#options, known);
    for (const place of [...refused.ofLibrary(libraryId)]) await refused.remove(libraryId, place);
    await devices.remove(libraryId);
    this.#runs.delete(libraryId);
    this.#changes.delete(libraryId);
  }

  /** Ends every scan. Resolves when they have ended, or after the deadline. */
  async stop(deadlineMs = STOP_DEADLINE_MS): Promise<void> {
    this.#isStopped = true;
    const runs = [...this.#runs.values(), ...this.#changes.values()];
    for (const run of runs) run.abort();
    await within(deadlineMs, Promise.all(runs.map(run => run.ended)));
  }
}
