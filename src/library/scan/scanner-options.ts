// What scans read, write and tell.
import type { MediaId } from '#domain/ids.ts';
import type { Library, Media } from '#domain/media.ts';
import type { Inspection } from '#domain/protocol.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import type { PosterFiles } from '#library/posters.ts';
import type { GoneMediaRepository } from '#storage/records/identity/gone-media.ts';
import type { LibraryDeviceRepository } from '#storage/records/identity/library-devices.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import type { LibraryRepository } from '#storage/records/libraries.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import type { RefusedFileRepository } from '#storage/records/refused-files.ts';
import type { ScanStatus } from './scan-status.ts';

export type Log = { info(facts: object, message: string): void; warn(facts: object, message: string): void };

export type ScannerOptions = {
  readonly libraries: Pick<LibraryRepository, 'list'>;
  readonly media: MediaRepository;
  readonly goneMedia: GoneMediaRepository;
  readonly devices: LibraryDeviceRepository;
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
  /** Told of a media beside which something may be another: what describes it, or its pictures. */
  readonly onBesideChanged?: (mediaId: MediaId) => unknown;
  /** The small pictures of a film: they go with it. */
  readonly previews: { remove(media: Pick<Media, 'id' | 'version'>): Promise<void> };
  readonly log: Log;
  /** Called at most every 200 ms and at the end. */
  readonly onProgress?: (library: Library, status: ScanStatus) => void;
};
