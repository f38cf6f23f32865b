// One scan of one library, from its start to its end.
import { readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NameFacts } from '#domain/catalogue/name-facts.ts';
import { type ErrorCode, FerriteError, toErrorRecord } from '#domain/errors.ts';
import { type MediaId, mediaIdFor } from '#domain/ids.ts';
import { keyframeFactsOf } from '#domain/keyframes.ts';
import { isSameFile, type Library, type Media } from '#domain/media.ts';
import type { Inspection } from '#domain/protocol.ts';
import { isLoss } from '#library/inspection-losses.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import { isSample, nameFacts } from '#library/naming/name-facts.ts';
import type { PosterFiles } from '#library/posters.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import type { RefusedFileRepository } from '#storage/records/refused-files.ts';
import { type FoundFile, walkVideos } from './walk.ts';

export type Log = { info(facts: object, message: string): void; warn(facts: object, message: string): void };

export type ScannerOptions = {
  readonly media: MediaRepository;
  readonly keyframes: KeyframeMapRepository;
  readonly refused: RefusedFileRepository;
  /** Told of every change, so that lists and searches show it. */
  readonly index: CatalogueIndex;
  /** Rejects with INSPECTOR_LOST where the file harmed what read it, with INSPECTION_DEFERRED where it could not be read in time. */
  readonly inspect: (mediaId: MediaId, path: string, signal: AbortSignal) => Promise<Inspection>;
  /** How many files are inspected at once. */
  readonly parallel: number;
  /** Told of a media that is listed and has no poster yet. */
  readonly onPosterWanted: (mediaId: MediaId) => void;
  readonly posters: PosterFiles;
  /** Told of a media that was inspected anew. */
  readonly onListed: (mediaId: MediaId) => void;
  /** The small pictures of a film: they go with it. */
  readonly previews: { remove(media: Pick<Media, 'id' | 'version'>): Promise<void> };
  readonly log: Log;
  /** Called at most every 200 ms and at the end. */
  readonly onProgress?: (library: Library, status: ScanStatus) => void;
};

export type ScanId = string;

export type ScanError = {
  /** Relative to the library folder; empty when it is about the scan itself. */
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
};

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

const MAX_ERRORS = 1000;
const PROGRESS_INTERVAL_MS = 200;
/** What may happen by chance may happen once. */
const STRIKES = 2;

export class ScanRun {
  readonly id: ScanId;
  /** Resolves at the end, however it came. */
  readonly ended: Promise<void>;
  readonly #library: Library;
  readonly #options: ScannerOptions;
  readonly #abort = new AbortController();
  readonly #errors: ScanError[] = [];
  readonly #startedAtMs = Date.now();
  /** Could not be read in time; null when they are tried for the last time. */
  #deferred: FoundFile[] | null = [];
  readonly #counts = { found: 0, probed: 0, unchanged: 0, failed: 0, removed: 0 };
  #state: 'running' | 'done' | 'failed' = 'running';
  #total: number | null = null;
  #endedAtMs: number | null = null;
  #toldAtMs = 0;

  constructor(id: ScanId, library: Library, options: ScannerOptions) {
    this.id = id;
    this.#library = library;
    this.#options = options;
    this.ended = this.#run();
  }

  get status(): ScanStatus {
    return {
      scanId: this.id,
      state: this.#state,
      ...this.#counts,
      total: this.#total,
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#endedAtMs,
      errors: [...this.#errors],
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
      this.#addError({ name: '', code, message });
      this.#options.log.warn({ libraryId: this.#library.id, err: error }, 'scan failed');
    }
    this.#endedAtMs = Date.now();
    this.#tell('now');
    this.#options.log.info({ libraryId: this.#library.id, ...this.#counts, durationMs: this.#endedAtMs - this.#startedAtMs }, 'scan ended');
  }

  async #scan(): Promise<void> {
    const { files, isComplete } = await this.#findFiles();
    this.#total = files.length;
    await this.#workThrough(files);
    // Most of the load that made them slow may have been the others.
    const deferred = this.#deferred ?? [];
    this.#deferred = null;
    await this.#workThrough(deferred);
    if (isComplete) await this.#removeMissing(files);
  }

  async #findFiles(): Promise<{ files: FoundFile[]; isComplete: boolean }> {
    const files: FoundFile[] = [];
    let isComplete = true;
    const listener = {
      found: (file: FoundFile) => {
        if (isSample(file.name)) return;
        files.push(file);
        this.#counts.found = files.length;
        this.#tell('soon');
      },
      unreadable: ({ name, message, isFolder }: { name: string; message: string; isFolder: boolean }) => {
        if (isFolder) isComplete = false;
        this.#addError({ name, code: 'MEDIA_UNREADABLE', message });
      },
    };
    try {
      await walkVideos(this.#library.paths, listener, this.#abort.signal);
    } catch (cause) {
      this.#abort.signal.throwIfAborted();
      // The catalogue stays as it is: a drive that is not mounted has lost no film.
      throw new FerriteError('MEDIA_UNREADABLE', 'a folder of the library is missing or can not be read', { cause });
    }
    return { files, isComplete };
  }

  /** Not of a folder in which there is nothing at all: where a drive is not mounted, its folder is often there and empty. */
  async #removeMissing(files: readonly FoundFile[]): Promise<void> {
    const emptyFolders = await foldersWithNothing(this.#library.paths);
    const present = new Set(files.map(file => this.#idOf(file)));
    const { media, refused } = this.#options;
    for (const known of [...media.ofLibrary(this.#library.id)]) {
      if (present.has(known.id) || emptyFolders.some(folder => known.path.startsWith(folder))) continue;
      await this.#remove(known);
    }
    for (const id of [...refused.ofLibrary(this.#library.id)]) if (!present.has(id)) await refused.remove(this.#library.id, id);
  }

  async #workThrough(files: readonly FoundFile[]): Promise<void> {
    const queue = files.values();
    const ends = await Promise.allSettled(Array.from({ length: this.#options.parallel }, () => this.#work(queue)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    this.#abort.signal.throwIfAborted();
  }

  async #work(queue: Iterator<FoundFile>): Promise<void> {
    for (let next = queue.next(); next.done !== true && !this.#abort.signal.aborted; next = queue.next()) {
      await this.#catalogue(next.value);
      this.#tell('soon');
    }
  }

  /** Never rejects for a fault of the file. */
  async #catalogue(file: FoundFile): Promise<void> {
    const known = this.#options.media.get(this.#idOf(file));
    if (known !== undefined && isSameFile(known, file) && known.keyframes !== null && this.#options.keyframes.has(known)) {
      await this.#keep(known, file);
      this.#counts.unchanged++;
      return;
    }
    const refused = this.#options.refused.get(this.#library.id, this.#idOf(file));
    if (refused !== undefined && isSameFile(refused, file)) {
      this.#fail(file, { code: 'MEDIA_UNREADABLE', message: refused.reason });
      return;
    }
    try {
      await this.#inspect(file, known);
      if (refused !== undefined) await this.#options.refused.remove(this.#library.id, this.#idOf(file));
      this.#counts.probed++;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      if (this.#deferred !== null && error instanceof FerriteError && error.code === 'INSPECTION_DEFERRED') this.#deferred.push(file);
      else await this.#recordFailure(file, known, error);
    }
  }

  /** The rules for titles get better, folders move, and subtitle files come and go, while the film stays; and pictures get lost. */
  async #keep(known: Media, file: FoundFile): Promise<void> {
    const isPosterLost = known.hasPoster === true && !(await this.#options.posters.has(known));
    const change: Partial<Media> = {
      ...this.#namedAs(file),
      ...{ name: file.name, path: file.path, sidecars: file.sidecars },
      ...(isPosterLost ? { hasPoster: null } : {}),
    };
    // Posters and rates are made meanwhile: only what the file is called and lies beside is written.
    const isChanged = !isDeepStrictEqual({ ...known, ...change }, known);
    if (isChanged) await this.#options.media.update(known, change);
    const now = this.#options.media.get(known.id);
    if (isChanged && now !== undefined) this.#options.index.put(now);
    if (now?.hasPoster === null) this.#options.onPosterWanted(now.id);
  }

  /** Where no name in the library says which show it is, the library's folder is the show's. */
  #namedAs({ name, rootIndex }: FoundFile): NameFacts {
    const facts = nameFacts(name, this.#library.kind);
    return facts.title === '' ? { ...facts, title: basename(this.#library.paths[rootIndex] ?? '') || name } : facts;
  }

  async #inspect(file: FoundFile, known: Media | undefined): Promise<void> {
    const id = this.#idOf(file);
    const { keyframes, ...facts } = await this.#inspectPatiently(file);
    const media: Media = {
      id,
      libraryId: this.#library.id,
      path: file.path,
      name: file.name,
      ...this.#namedAs(file),
      ...facts,
      sidecars: file.sidecars,
      keyframes: keyframeFactsOf(keyframes),
      hasPoster: null,
      addedAtMs: known?.addedAtMs ?? Date.now(),
    };
    this.#abort.signal.throwIfAborted();
    // The record comes last: whoever finds it finds the rest.
    await this.#options.keyframes.put(id, keyframes);
    await this.#put(media);
    if (known !== undefined && known.version !== media.version) await removePictures(this.#options, known);
    this.#options.onPosterWanted(id);
    this.#options.onListed(id);
  }

  /** What was lost with no fault of the file says nothing about it, unless it happens again. */
  async #inspectPatiently(file: FoundFile): Promise<Inspection> {
    const { signal } = this.#abort;
    const times = new Map<ErrorCode, number>();
    for (;;) {
      try {
        return await this.#options.inspect(this.#idOf(file), file.path, signal);
      } catch (error) {
        if (!isLoss(error)) throw error;
        const strikes = (times.get(error.code) ?? 0) + 1;
        if (strikes === STRIKES) throw error;
        times.set(error.code, strikes);
        await delay(error.retryAfterMs ?? 0, undefined, { signal });
      }
    }
  }

  async #recordFailure(file: FoundFile, known: Media | undefined, error: unknown): Promise<void> {
    const { code, message } = toErrorRecord(error);
    this.#options.log.warn({ libraryId: this.#library.id, file: file.name, err: error }, 'file not catalogued');
    const isHarmful = code === 'INSPECTOR_LOST';
    if (isHarmful) {
      const { byteLength, mtimeMs } = file;
      const reason = `${message}, twice: it is not read again before it changes`;
      await this.#options.refused.put(this.#library.id, this.#idOf(file), { byteLength, mtimeMs, reason });
      this.#fail(file, { code: 'MEDIA_UNREADABLE', message: reason });
    } else this.#fail(file, { code, message });
    // Its bytes changed into something unreadable: what the catalogue says of it is no longer true.
    if (known !== undefined && (isHarmful || code === 'MEDIA_UNREADABLE')) await this.#remove(known);
  }

  #fail(file: FoundFile, error: { readonly code: ErrorCode; readonly message: string }): void {
    this.#counts.failed++;
    this.#addError({ name: file.name, ...error });
  }

  async #put(media: Media): Promise<void> {
    await this.#options.media.put(media);
    this.#options.index.put(media);
  }

  async #remove(media: Media): Promise<void> {
    await removeMedia(this.#options, media);
    this.#counts.removed++;
  }

  /** Two folders of a library may hold the same relative name: all but the first add their own path. */
  #idOf({ rootIndex, name }: FoundFile) {
    const root = rootIndex === 0 ? '' : `${this.#library.paths[rootIndex] ?? ''}\0`;
    return mediaIdFor(this.#library.id, root + name);
  }

  #addError(error: ScanError): void {
    if (this.#errors.length < MAX_ERRORS) this.#errors.push(error);
  }

  #tell(when: 'now' | 'soon'): void {
    const nowMs = performance.now();
    if (when === 'soon' && nowMs - this.#toldAtMs < PROGRESS_INTERVAL_MS) return;
    this.#toldAtMs = nowMs;
    this.#options.onProgress?.(this.#library, this.status);
  }
}

/** The record goes first: nobody finds a media whose parts are missing. */
export async function removeMedia(options: ScannerOptions, gone: Media): Promise<void> {
  const { media, keyframes, index } = options;
  index.remove(gone.id);
  await media.remove(gone.id);
  await keyframes.remove(gone.id);
  await removePictures(options, gone);
}

async function removePictures({ posters, previews }: ScannerOptions, of: Media): Promise<void> {
  await posters.remove(of);
  await previews.remove(of);
}

/** Each as films below it are named: resolved, with a slash at its end. */
async function foldersWithNothing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(async path => ((await readdir(path)).length === 0 ? [join(await realpath(path), '/')] : [])));
  return found.flat();
}
