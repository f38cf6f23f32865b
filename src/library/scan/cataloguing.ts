// Brings the record of one file in line with what a scan has found of it.

import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NameFacts } from '#domain/catalogue/name-facts.ts';
import { type ErrorCode, FerriteError, toErrorRecord } from '#domain/errors.ts';
import { keyframeFactsOf } from '#domain/keyframes.ts';
import { isSameFile, type Library, type Media, placeOf } from '#domain/media.ts';
import type { Inspection } from '#domain/protocol.ts';
import { isLoss } from '#library/inspection-losses.ts';
import { nameFacts } from '#library/naming/name-facts.ts';
import type { FoundFile } from './disk/walk.ts';
import { firstIdOf } from './places.ts';
import type { Recognised } from './recognition.ts';
import { removeMedia, removePictures } from './removal.ts';
import type { ScanNotes } from './scan-status.ts';
import type { ScannerOptions } from './scanner-options.ts';

/** What may happen by chance may happen once. */
const STRIKES = 2;

export class Cataloguing {
  readonly #library: Library;
  readonly #options: ScannerOptions;
  readonly #notes: ScanNotes;
  readonly #signal: AbortSignal;
  /** Could not be read in time; null when they are tried for the last time. */
  #deferred: Recognised[] | null = [];

  constructor(library: Library, options: ScannerOptions, { notes, signal }: { notes: ScanNotes; signal: AbortSignal }) {
    this.#library = library;
    this.#options = options;
    this.#notes = notes;
    this.#signal = signal;
  }

  /** Those that are worth one more try, which is their last. */
  takeDeferred(): readonly Recognised[] {
    const deferred = this.#deferred ?? [];
    this.#deferred = null;
    return deferred;
  }

  /** Never rejects for a fault of the file. */
  async catalogue(found: Recognised): Promise<void> {
    const { file, id, place } = found;
    const { media, keyframes, refused } = this.#options;
    const known = media.get(id);
    if (known !== undefined && isSameFile(known, file) && known.keyframes !== null && keyframes.has(known)) {
      const isMoved = placeOf(known) !== place;
      await this.#keep(known, found);
      this.#notes.counts[isMoved ? 'moved' : 'unchanged']++;
      if (isMoved) this.#options.onBesideChanged?.(id);
      return;
    }
    const refusal = refused.get(this.#library.id, place);
    if (refusal !== undefined && isSameFile(refusal, file)) {
      this.#notes.fail(file.name, { code: 'MEDIA_UNREADABLE', message: refusal.reason });
      return;
    }
    try {
      await this.#inspect(found, known);
      if (refusal !== undefined) await refused.remove(this.#library.id, place);
      this.#notes.counts.probed++;
    } catch (error) {
      if (this.#signal.aborted) return;
      if (this.#deferred !== null && error instanceof FerriteError && error.code === 'INSPECTION_DEFERRED') this.#deferred.push(found);
      else await this.#recordFailure(found, known, error);
    }
  }

  /** The rules for titles get better, files and folders move, and subtitle files come and go, while the film stays; and pictures get lost. */
  async #keep(known: Media, { file, place }: Recognised): Promise<void> {
    const isPosterLost = known.hasPoster === true && !(await this.#options.posters.has(known));
    const change: Partial<Media> = {
      ...this.#namedAs(file),
      ...{ name: file.name, path: file.path, sidecars: file.sidecars, libraryId: this.#library.id },
      ...(placeOf(known) === place ? {} : { place }),
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

  async #inspect({ file, id, place }: Recognised, known: Media | undefined): Promise<void> {
    const { keyframes, ...facts } = await this.#inspectPatiently({ file, id, place });
    const gone = this.#options.goneMedia.get(id);
    const media: Media = {
      id,
      libraryId: this.#library.id,
      path: file.path,
      name: file.name,
      ...(firstIdOf(place) === id ? {} : { place }),
      ...this.#namedAs(file),
      ...facts,
      sidecars: file.sidecars,
      keyframes: keyframeFactsOf(keyframes),
      hasPoster: null,
      addedAtMs: known?.addedAtMs ?? gone?.addedAtMs ?? Date.now(),
    };
    this.#signal.throwIfAborted();
    // The record comes last: whoever finds it finds the rest.
    await this.#options.keyframes.put(id, keyframes);
    await this.#options.media.put(media);
    this.#options.index.put(media);
    if (gone !== undefined) await this.#options.goneMedia.remove(id);
    if (known !== undefined && known.version !== media.version) await removePictures(this.#options, known);
    this.#options.onPosterWanted(id);
    this.#options.onListed(id);
  }

  /** What was lost with no fault of the file says nothing about it, unless it happens again. */
  async #inspectPatiently({ file, id }: Recognised): Promise<Inspection> {
    const signal = this.#signal;
    const times = new Map<ErrorCode, number>();
    for (;;) {
      try {
        return await this.#options.inspect(id, file.path, signal);
      } catch (error) {
        if (!isLoss(error)) throw error;
        const strikes = (times.get(error.code) ?? 0) + 1;
        if (strikes === STRIKES) throw error;
        times.set(error.code, strikes);
        await delay(error.retryAfterMs ?? 0, undefined, { signal });
      }
    }
  }

  async #recordFailure({ file, place }: Recognised, known: Media | undefined, error: unknown): Promise<void> {
    const { code, message } = toErrorRecord(error);
    this.#options.log.warn({ libraryId: this.#library.id, file: file.name, err: error }, 'file not catalogued');
    const isHarmful = code === 'INSPECTOR_LOST';
    if (isHarmful) {
      const { byteLength, mtimeMs } = file;
      const reason = `${message}, twice: it is not read again before it changes`;
      await this.#options.refused.put(this.#library.id, place, { byteLength, mtimeMs, reason });
      this.#notes.fail(file.name, { code: 'MEDIA_UNREADABLE', message: reason });
    } else this.#notes.fail(file.name, { code, message });
    // Its bytes changed into something unreadable: what the catalogue says of it is no longer true.
    if (known !== undefined && (isHarmful || code === 'MEDIA_UNREADABLE')) {
      await removeMedia(this.#options, known);
      this.#notes.counts.removed++;
    }
  }
}
