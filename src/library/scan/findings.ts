// What a scan has found where it looked, and where it could not look: nobody is gone from there.

import { FerriteError } from '#domain/errors.ts';
import type { Library } from '#domain/media.ts';
import { isSample } from '#library/naming/name-facts.ts';
import { type FoundFile, type Unreadable, walkVideos } from './disk/walk.ts';
import { isIn, type Spot } from './places.ts';
import type { ScanNotes } from './scan-status.ts';

export type Findings = {
  readonly files: readonly FoundFile[];
  /** What was looked at. */
  readonly scope: readonly Spot[];
  /** What lies there is not known; known is only what was found all the same. */
  readonly unknown: readonly Spot[];
  /** Of folders of the library, and of those below that are others': null where not all of it was looked at. */
  readonly devices: Readonly<Record<string, number>> | null;
};

/** What is to be found in a library, by whoever knows where to look. */
export type Look = (library: Library, notes: ScanNotes, tell: () => void, signal: AbortSignal) => Promise<Findings>;

export class Finding {
  readonly files: FoundFile[] = [];
  readonly unknown: Spot[] = [];
  readonly devices: Record<string, number> = {};
  readonly #notes: ScanNotes;
  readonly #tell: () => void;

  constructor(notes: ScanNotes, tell: () => void) {
    this.#notes = notes;
    this.#tell = tell;
  }

  found(file: FoundFile): void {
    if (isSample(file.name)) return;
    this.files.push(file);
    this.#notes.counts.found++;
    this.#tell();
  }

  unreadable({ name, rootIndex, message, isUnknown }: Unreadable): void {
    if (isUnknown) this.unknown.push({ rootIndex, name });
    this.#notes.add({ name, code: 'MEDIA_UNREADABLE', message });
  }

  device(path: string, device: number): void {
    this.devices[path] = device;
  }

  /** Where a drive is not mounted, its folder is often there and empty. */
  nothing(rootIndex: number): void {
    this.unknown.push({ rootIndex, name: '' });
  }
}

/** All of the library. */
export const lookEverywhere: Look = async (library, notes, tell, signal) => {
  const finding = new Finding(notes, tell);
  try {
    await walkVideos(library.paths, finding, signal);
  } catch (cause) {
    signal.throwIfAborted();
    // The catalogue stays as it is: a drive that is not mounted has lost no film.
    throw new FerriteError('MEDIA_UNREADABLE', 'a folder of the library is missing or can not be read', { cause });
  }
  const { files, unknown, devices } = finding;
  return { files, unknown, devices, scope: library.paths.map((_, rootIndex) => ({ rootIndex, name: '' })) };
};

export const isKnown = (spot: Spot, { scope, unknown }: Pick<Findings, 'scope' | 'unknown'>): boolean =>
  scope.some(outer => isIn(spot, outer)) && !unknown.some(outer => isIn(spot, outer));
