// One scan of one library, from its start to its end: of all of it, or of what has changed.

import { isDeepStrictEqual } from 'node:util';
import { FerriteError, toErrorRecord } from '#domain/errors.ts';
import type { Library } from '#domain/media.ts';
import { Breath } from './breath.ts';
import { Cataloguing } from './cataloguing.ts';
import type { Findings, Look } from './findings.ts';
import { isReachable } from './mounts.ts';
import { type Recognised, recognise } from './recognition.ts';
import { removeMedia } from './removal.ts';
import { type ScanId, ScanNotes, type ScanStatus } from './scan-status.ts';
import type { ScannerOptions } from './scanner-options.ts';

const PROGRESS_INTERVAL_MS = 200;

export class ScanRun {
  readonly id: ScanId;
  /** Resolves at the end, however it came. */
  readonly ended: Promise<void>;
  readonly #library: Library;
  readonly #options: ScannerOptions;
  readonly #look: Look;
  readonly #abort = new AbortController();
  readonly #notes = new ScanNotes();
  readonly #breath = new Breath();
  readonly #startedAtMs = Date.now();
  #state: 'running' | 'done' | 'failed' = 'running';
  #total: number | null = null;
  #endedAtMs: number | null = null;
  #toldAtMs = 0;

  constructor(id: ScanId, library: Library, options: ScannerOptions & { readonly look: Look }) {
    this.id = id;
    this.#library = library;
    this.#options = options;
    this.#look = options.look;
    this.ended = this.#run();
  }

  get status(): ScanStatus {
    return {
      scanId: this.id,
      state: this.#state,
      ...this.#notes.counts,
      total: this.#total,
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#endedAtMs,
      errors: this.#notes.errors,
    };
  }

  abort(): void {
    this.#abort.abort(new FerriteError('CANCELLED', 'the scan was stopped'));
  }

  async #run(): Promise<void> {
    try {
      await this.#scan();
      this.#state = 'done';
    } catch (error) {
      const { code, message } = toErrorRecord(this.#abort.signal.aborted ? this.#abort.signal.reason : error);
      this.#state = 'failed';
      this.#notes.add({ name: '', code, message });
      this.#options.log.warn({ libraryId: this.#library.id, err: error }, 'scan failed');
    }
    this.#endedAtMs = Date.now();
    this.#tell('now');
    const facts = { libraryId: this.#library.id, ...this.#notes.counts, durationMs: this.#endedAtMs - this.#startedAtMs };
    this.#options.log.info(facts, 'scan ended');
  }

  async #scan(): Promise<void> {
    const { signal } = this.#abort;
    const { media, goneMedia, devices } = this.#options;
    const library = this.#library;
    const findings = await this.#look(library, this.#notes, () => this.#tell('soon'), signal);
    const noted = devices.get(library.id);
    const reachable = (path: string): Promise<boolean> => isReachable(path, this.#options);
    const { files, gone, hasUnknown } = await recognise(findings, {
      media,
      goneMedia,
      library,
      signal,
      devices: noted,
      isReachable: reachable,
    });
    this.#total = files.length;
    const cataloguing = new Cataloguing(library, this.#options, { notes: this.#notes, signal });
    await this.#workThrough(cataloguing, files);
    // Most of the load that made them slow may have been the others.
    await this.#workThrough(cataloguing, cataloguing.takeDeferred());
    for (const id of gone) await this.#remove(id);
    if (!hasUnknown) await this.#noteWhole(findings, files);
  }

  async #workThrough(cataloguing: Cataloguing, files: readonly Recognised[]): Promise<void> {
    const queue = files.values();
    const ends = await Promise.allSettled(Array.from({ length: this.#options.parallel }, () => this.#work(cataloguing, queue)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    this.#abort.signal.throwIfAborted();
  }

  async #work(cataloguing: Cataloguing, queue: Iterator<Recognised>): Promise<void> {
    for (let next = queue.next(); next.done !== true && !this.#abort.signal.aborted; next = queue.next()) {
      await cataloguing.catalogue(next.value);
      this.#tell('soon');
      await this.#breath.take();
    }
  }

  /** Another scan may have found it elsewhere meanwhile. */
  async #remove(id: Recognised['id']): Promise<void> {
    const known = this.#options.media.get(id);
    if (known === undefined || known.libraryId !== this.#library.id) return;
    await removeMedia(this.#options, known);
    this.#notes.counts.removed++;
  }

  /** Once all of it was seen: which devices it lies on, and that refused files are still there. */
  async #noteWhole({ devices: found, unknown }: Findings, files: readonly Recognised[]): Promise<void> {
    if (found === null || unknown.length > 0) return;
    const { devices, refused } = this.#options;
    const libraryId = this.#library.id;
    if (!isDeepStrictEqual(devices.get(libraryId), found)) await devices.put(libraryId, found);
    const present = new Set(files.map(({ place }) => place));
    for (const place of [...refused.ofLibrary(libraryId)]) if (!present.has(place)) await refused.remove(libraryId, place);
  }

  #tell(when: 'now' | 'soon'): void {
    const nowMs = performance.now();
    if (when === 'soon' && nowMs - this.#toldAtMs < PROGRESS_INTERVAL_MS) return;
    this.#toldAtMs = nowMs;
    this.#options.onProgress?.(this.#library, this.status);
  }
}
