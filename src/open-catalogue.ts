// The part of the composition that is the catalogue: its index, what is made and read of films in the background, scans and watches.
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ScanStatus } from '#library/scan/scan-status.ts';
import type { Database } from '#storage/database.ts';
import type { Config } from './config.ts';
import { encodeColourOf } from './domain/colour/encode-colour.ts';
import type { Library } from './domain/media.ts';
import type { Catalogue } from './front-door.ts';
import type { CatalogueIndex } from './library/items/catalogue-index.ts';
import { MarkerQueue } from './library/markers/marker-queue.ts';
import { Seasons } from './library/markers/seasons.ts';
import { ArtworkFiles, artworkMaker } from './library/metadata/artwork-files.ts';
import { LocalMetadata } from './library/metadata/local-metadata.ts';
import { PosterQueue } from './library/poster-queue.ts';
import { PosterFiles } from './library/posters.ts';
import { PreviewFiles, previewName } from './library/previews/preview-files.ts';
import { PreviewQueue } from './library/previews/preview-queue.ts';
import { ProviderQueue } from './library/providers/provider-queue.ts';
import { providersOf } from './library/providers/providers.ts';
import { RateQueue } from './library/rate-queue.ts';
import { LibraryScanner } from './library/scan/scanner.ts';
import { LibrarySearch } from './library/search/library-search.ts';
import { stillPicture } from './library/still-picture.ts';
import { LibraryWatches } from './library/watch/watches.ts';
import { type Metrics, recordMeasurement } from './telemetry/metrics.ts';
import { type InspectionPool, inspectorCount, posterCount } from './threads/inspection-pool.ts';

const POSTER_WIDTH = 400;
/** So that pictures for a seek bar wait for scans, posters and the first viewers. */
const PREVIEWS_QUIET_MS = 15_000;

export function openSearch({
  config,
  database,
  index,
  metrics,
  log,
}: Pick<CatalogueParts, 'config' | 'database' | 'index' | 'metrics' | 'log'>) {
  return new LibrarySearch({
    path: join(config.dataDir, 'search.sqlite'),
    index,
    tagsOf: id => database.media.get(id)?.tags,
    log,
    onRebuild: reason => metrics.searchRebuilds.inc({ reason }),
    onQuery: (by, durationMs) => metrics.searches.observe({ by }, durationMs),
  });
}

/** What the catalogue is made with. */
type CatalogueParts = {
  readonly config: Config;
  readonly database: Database;
  readonly index: CatalogueIndex;
  readonly search: LibrarySearch;
  readonly inspectors: InspectionPool;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly onScanProgress: ((library: Library, status: ScanStatus) => void) | undefined;
  readonly canConvertColours: boolean;
};

export async function openCatalogue({
  config,
  database,
  index,
  search,
  inspectors,
  metrics,
  log,
  onScanProgress,
  canConvertColours,
}: CatalogueParts) {
  const { libraries, media, goneMedia, libraryDevices: devices, keyframeMaps: keyframes, refusedFiles: refused } = database;
  const posters = new PosterFiles(config.dataDir);
  const posterQueue = new PosterQueue({
    media,
    keyframes,
    posters,
    cut: ({ path, streams }, atMs, signal) =>
      inspectors.poster({ path, atMs, width: POSTER_WIDTH, still: stillPicture(streams.video[0], canConvertColours) }, signal),
    parallel: posterCount(),
    log,
  });
  const previewFiles = new PreviewFiles(config.dataDir, config.previewsMaxBytes);
  const names = new Set([...media.all()].map(previewName));
  await previewFiles.load(name => names.has(name));
  const previews = new PreviewQueue({
    media,
    keyframes,
    files: previewFiles,
    make: (input, { streams }, signal) =>
      inspectors.previews({ ...input, still: stillPicture(streams.video[0], canConvertColours) }, signal),
    quietMs: PREVIEWS_QUIET_MS,
    log,
  });
  const rateQueue = new RateQueue({
    media,
    keyframes,
    measure: ({ path, streams }, map, signal) => {
      const [video] = streams.video;
      const colour = video === undefined ? null : encodeColourOf(video, canConvertColours);
      return inspectors.rates({ path, streams, keyframes: map, targetMs: config.targetMs, colour }, signal);
    },
    targetMs: config.targetMs,
    log,
  });
  const artwork = new ArtworkFiles(config.dataDir);
  const providers = new ProviderQueue({
    providers: providersOf(config.providers),
    media,
    index,
    descriptions: database.descriptions,
    corrections: database.corrections,
    whenRead: () => localMetadata.whenRead(),
    now: Date.now,
    log,
  });
  const localMetadata = new LocalMetadata({
    media,
    descriptions: database.descriptions,
    index,
    makeArtwork: artworkMaker(artwork, (input, signal) => inspectors.artwork(input, signal)),
    onRead: ({ id }) => providers.add(id),
    log,
  });
  const markerQueue = new MarkerQueue({
    ...{ media, keyframes, log },
    records: database.markers,
    seasons: new Seasons(index),
    listen: (input, signal) => inspectors.sound(input, signal),
    compare: (input, signal) => inspectors.season(input, signal),
  });
  const scanner = new LibraryScanner({
    libraries,
    media,
    goneMedia,
    devices,
    keyframes,
    refused,
    index,
    posters,
    log,
    inspect: (_, path, signal) => {
      recordMeasurement(metrics, { name: 'ffprobe_started', value: 1, rung: 'none' });
      return inspectors.inspect(path, signal);
    },
    // As many again wait their turn: no poster takes it from a file that could be listed.
    parallel: 2 * inspectorCount(),
    onListed: id => {
      previews.add(id);
      if (config.predictsRates) rateQueue.add(id);
      if (config.findsMarkers && index.itemOf(id)?.kind === 'episode') markerQueue.add(id);
    },
    previews: previewFiles,
    onPosterWanted: id => posterQueue.add(id),
    onBesideChanged: id => localMetadata.look(id),
    onProgress: (library, status) => {
      if (status.state === 'done') localMetadata.lookAtLibrary(library.id);
      onScanProgress?.(library, status);
    },
  });
  const watches = new LibraryWatches(
    config.watch.mode === 'off'
      ? null
      : { ...config.watch, mode: config.watch.mode, scanner, places: media.places, onBesideChanged: id => localMetadata.look(id), log },
  );
  return {
    catalogue: { scanner, watches, posters, index, search, artwork, providers } satisfies Catalogue,
    posterQueue,
    previews,
    rateQueue,
    localMetadata,
    markerQueue,
  };
}
