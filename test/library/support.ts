// A real store, a library folder and a scanner over real ffprobe and ffmpeg.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { newLibraryId } from '#domain/ids.ts';
import type { Library, Media } from '#domain/media.ts';
import { CatalogueIndex } from '#library/items/catalogue-index.ts';
import { Described } from '#library/metadata/described.ts';
import { PosterQueue, type PosterQueueOptions } from '#library/poster-queue.ts';
import { PosterFiles } from '#library/posters.ts';
import type { ScanStatus } from '#library/scan/scan-status.ts';
import { LibraryScanner } from '#library/scan/scanner.ts';
import type { ScannerOptions } from '#library/scan/scanner-options.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import { cutPoster } from '#workers/inspect/poster.ts';
import { runTool, temporaryFolder } from '../support/run-tool.ts';

/** Many times what it takes: other tests run beside it. */
const SCAN_DEADLINE_MS = 180_000;

export type World = {
  readonly root: string;
  readonly dataDir: string;
  readonly database: Database;
  readonly library: Library;
  readonly scanner: LibraryScanner;
  readonly index: CatalogueIndex;
  readonly posters: PosterFiles;
  readonly posterQueue: PosterQueue;
  /** Paths given to ffprobe so far. */
  readonly inspected: string[];
  scan(): Promise<ScanStatus>;
  media(): Media[];
};

export async function makeWorld(
  t: TestContext,
  changes: Partial<ScannerOptions> & {
    readonly cut?: PosterQueueOptions['cut'];
    readonly paths?: (root: string) => readonly string[];
    readonly kind?: Library['kind'];
  } = {},
): Promise<World> {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'films');
  await mkdir(root);
  const dataDir = join(folder, 'data');
  const database = await openDatabase(dataDir);
  const posters = new PosterFiles(dataDir);
  const { media: mediaRecords, corrections } = database;
  const index = new CatalogueIndex({ media: mediaRecords, corrections, descriptions: new Described(database.descriptions) });
  const inspected: string[] = [];
  const { paths = (path: string) => [path], kind = 'movies', cut, ...options } = changes;
  const log = { info: () => {}, warn: () => {} };
  const { libraries, media, goneMedia, libraryDevices: devices, keyframeMaps: keyframes, refusedFiles: refused } = database;
  const posterQueue = new PosterQueue({
    media,
    keyframes,
    posters,
    cut: cut ?? (({ path }, atMs, signal) => cutPoster(path, { runTool, atMs, width: 400, signal })),
    parallel: 2,
    log,
  });
  const library: Library = { id: newLibraryId(), name: 'Films', kind, paths: paths(root), createdAtMs: 1 };
  await database.libraries.put(library);
  const scanner = new LibraryScanner({
    libraries,
    media,
    goneMedia,
    devices,
    keyframes,
    refused,
    index,
    posters,
    inspect: (_, path, signal) => {
      inspected.push(path);
      return inspectMedia(path, { runTool, openRemuxSource: async () => null, signal });
    },
    parallel: 2,
    onListed: () => undefined,
    previews: { remove: async () => undefined },
    onPosterWanted: id => posterQueue.add(id),
    log,
    ...options,
  });
  t.after(async () => {
    await scanner.stop(1000);
    await posterQueue.stop();
    await database.close();
  });
  /** To the last poster. */
  const scan = async () => {
    const status = await scanToEnd(scanner, library);
    await within(SCAN_DEADLINE_MS, posterQueue.whenIdle());
    return status;
  };
  return {
    root,
    dataDir,
    database,
    library,
    scanner,
    index,
    posters,
    posterQueue,
    inspected,
    scan,
    media: () => [...database.media.ofLibrary(library.id)],
  };
}

export async function scanToEnd(scanner: LibraryScanner, library: Library): Promise<ScanStatus> {
  scanner.start(library);
  return await within(SCAN_DEADLINE_MS, scanner.whenDone(library.id));
}

export async function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}
