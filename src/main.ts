// Composition root: settings → store → process starter → threads → sessions → catalogue → front door, and the one order in which they close.
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ScanStatus } from '#library/scan/scan-status.ts';
import type { Database } from '#storage/database.ts';
import { SegmentCache } from '#storage/segments/cache.ts';
import { AuthService } from './auth/auth.ts';
import type { Config } from './config.ts';
import { DataFolder, explained } from './data-folder.ts';
import { mayWatch } from './domain/access/limits.ts';
import { type MediaId, parseMediaId } from './domain/ids.ts';
import type { Library } from './domain/media.ts';
import type { Burnable, HostOptions } from './domain/protocol.ts';
import type { ReadableText } from './domain/subtitles/tracks.ts';
import { makeAdministrator, makeLibraries, scanWhatMayHaveChanged } from './first-start.ts';
import { openFrontDoor } from './front-door.ts';
import { CatalogueIndex } from './library/items/catalogue-index.ts';
import { Described } from './library/metadata/described.ts';
import { openCatalogue, openSearch } from './open-catalogue.ts';
import { countedCapacity, workCapacity } from './playback/admission/capacity.ts';
import { Segments } from './playback/segments/segments.ts';
import type { LiveSession } from './playback/session/live-session.ts';
import { PlaybackSessions } from './playback/session/sessions.ts';
import { SavedProgress } from './progress/saved-progress.ts';
import { createMetrics, type Metrics, recordMeasurement, recordTrials } from './telemetry/metrics.ts';
import { InspectionPool } from './threads/inspection-pool.ts';
import { MachineSpeed } from './threads/machine-speed.ts';
import type { MediaHosts } from './threads/media-hosts.ts';
import { RightOfWay } from './threads/right-of-way.ts';
import { SpawnerProcess } from './threads/spawner-process.ts';
import { TransportStreams } from './threads/transport-streams.ts';
import { keepTried } from './threads/tried-encoders.ts';
import { defaultThreads, WorkerPool } from './threads/worker-pool.ts';

export type Ferrite = {
  readonly url: string;
  readonly port: number;
  /** Drains and closes everything. Idempotent. */
  close(): Promise<void>;
};

export type FerriteOptions = {
  readonly config: Config;
  readonly log: Logger;
  /** Libraries of a first start that names none. */
  readonly sampleLibrary: Omit<Library, 'id' | 'createdAtMs'> | null;
  readonly onScanProgress?: (library: Library, status: ScanStatus) => void;
};

const REPLIES_DEADLINE_MS = 5_000;
const DRAIN_DEADLINE_MS = 5_000;
/** One film's, at the least. */
const MIN_EXTRACTED_BYTES = 256 * 1024 ** 2;

/** Starts everything, or nothing: what was begun is closed again when a later step fails. */
export async function startFerrite(options: FerriteOptions): Promise<Ferrite> {
  const owned = new Owned(options.log);
  try {
    return await compose(options, owned);
  } catch (error) {
    await owned.close();
    throw explained(error, options.config.dataDir);
  }
}

/** What the server has acquired so far. Last acquired, first released. */
class Owned {
  readonly #log: Logger;
  readonly #closers: { readonly name: string; readonly close: () => Promise<void> | void }[] = [];
  #closing: Promise<void> | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  add<T>(name: string, part: T, close: (part: T) => Promise<void> | void): T {
    this.#closers.push({ name, close: () => close(part) });
    return part;
  }

  /** Idempotent: whoever calls it again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const { name, close } of this.#closers.reverse()) {
      try {
        await close();
      } catch (err) {
        this.#log.error({ err }, `closing ${name} failed`);
      }
    }
  }
}

async function compose({ config, log, sampleLibrary, onScanProgress }: FerriteOptions, owned: Owned): Promise<Ferrite> {
  const metrics = createMetrics();
  const { database } = owned.add('the data folder', await DataFolder.open(config), folder => folder.close());
  // Started while we are small: its own fork is the last one this process makes.
  const spawner = owned.add('the process starter', await startSpawner(metrics, log), process => process.close());
  const cache = owned.add('the segment cache', await openCache(config, database, log), store => store.close());
  const auth = owned.add('authentication', await openAuth(config, database, log), service => service.close());
  // Before anybody can ask: whoever reached the port first would be the administrator.
  await makeAdministrator(config, auth);
  const machine = await MachineSpeed.read(config.dataDir);

  const rightOfWay = new RightOfWay();
  const pool = owned.add('the session hosts', createPool(config, spawner, rightOfWay), threads => threads.close(DRAIN_DEADLINE_MS));
  record(pool, metrics, log);
  const hosts: MediaHosts = pool;
  const segments = new Segments(cache, hosts);
  const { media, corrections } = database;
  const described = new Described(database.descriptions);
  const index = new CatalogueIndex({ media, corrections, descriptions: described });
  const versionsOf = (id: MediaId) => index.itemOf(id)?.versions ?? [];
  const { progress, history } = database;
  const savedProgress = owned.add(
    'saved progress',
    new SavedProgress({ progress, history, media, versionsOf, rules: config.progressRules }),
    saved => saved.close(),
  );
  const search = owned.add('the search', openSearch({ config, database, index, metrics, log }), open => open.close());
  const sessions = owned.add(
    'playback sessions',
    new PlaybackSessions({
      database,
      hosts,
      versionsOf,
      progress: savedProgress,
      segments,
      capacity: config.maxTranscodes > 0 ? countedCapacity(config.maxTranscodes) : workCapacity(machine.pixelsPerSecond),
      encoders: { hardware: config.hardware, codecs: config.codecs, coreSpeed: () => machine.pixelsPerSecond },
      queue: config.queue,
      maxSessionsPerUser: config.maxSessionsPerUser,
      tokens: auth.streamTokens,
      metrics,
      targetMs: config.targetMs,
      log,
    }),
    open => open.close(),
  );
  auth.onRevoked(userId => {
    sessions.endOfUser(userId).catch(err => log.error({ err }, 'the sessions of a revoked user could not be ended'));
  });
  // Everybody listens by now: no word of a thread is lost.
  await pool.start();
  const [tools, canConvertColours] = await Promise.all([checkTools(hosts, log), checkColours(hosts, log)]);
  sessions.setColourConversion(canConvertColours);
  sessions.canBurn = tools.canBurn;
  sessions.readable = tools.readable;
  await sessions.restore();

  const inspectors = owned.add('the inspectors', createInspectors(config, spawner, rightOfWay), open => open.close());
  const { catalogue, posterQueue, previews, rateQueue, localMetadata, markerQueue } = await openCatalogue({
    config,
    database,
    index,
    search,
    inspectors,
    metrics,
    log,
    onScanProgress,
    canConvertColours,
  });
  owned.add('small pictures to be made', previews, queue => queue.stop());
  owned.add('posters to be cut', posterQueue, queue => queue.stop());
  owned.add('rates to be measured', rateQueue, queue => queue.stop());
  owned.add('descriptions to be asked for', catalogue.providers, queue => queue.stop());
  owned.add('descriptions to be read', localMetadata, queue => queue.stop());
  owned.add('markers to be found', markerQueue, queue => queue.stop());
  owned.add('library scans', catalogue.scanner, scanner => scanner.stop());
  owned.add('the watches of libraries', catalogue.watches, watches => watches.close());
  auth.onLimitsChanged(userId => {
    const viewer = auth.viewers.of({ userId });
    const isOver = ({ record, media }: LiveSession): boolean =>
      record.userId === userId && !mayWatch(viewer, catalogue.index.ratedOf(media));
    sessions.endAll(isOver).catch(err => log.error({ err }, 'the sessions of a user with other limits could not be ended'));
  });
  const hasTools = (): boolean => tools.areThere && spawner.isReady;
  const transportStreams = owned.add('the maker of transport streams', new TransportStreams(), maker => maker.close());
  const parts = {
    config,
    log,
    metrics,
    database,
    savedProgress,
    auth,
    sessions,
    segments,
    hosts,
    transportStreams,
    catalogue,
    cache,
    previews,
    hasTools,
  };
  const door = owned.add('the front door', await openFrontDoor(parts), open => open.close(REPLIES_DEADLINE_MS));
  await makeLibraries({ config, database, sampleLibrary });
  await scanWhatMayHaveChanged({ database, scanner: catalogue.scanner, watches: catalogue.watches });
  posterQueue.resume();
  previews.resume();
  if (config.predictsRates) rateQueue.resume();
  if (config.findsMarkers) markerQueue.resume();
  if (config.maxTranscodes === 0 && tools.ffmpeg !== null) {
    const onMeasured = (speed: number): void => sessions.setCapacity(workCapacity(speed));
    const upkeep = machine.keepMeasured({ ffmpeg: tools.ffmpeg, hosts, log, onMeasured });
    owned.add('the measurement of the machine', upkeep, measuring => measuring.close());
  }
  if (tools.ffmpeg !== null) {
    const wanted = { software: config.codecs.length > 0, hardware: config.hardware };
    const upkeep = keepTried({
      ...wanted,
      hosts,
      log,
      onTried: trials => {
        recordTrials(metrics, trials);
        sessions.encodersTried(trials);
      },
    });
    owned.add('the trial of encoders', upkeep, trying => trying.close());
  }
  return { url: door.url, port: door.port, close: () => owned.close() };
}

function startSpawner(metrics: Metrics, log: Logger): Promise<SpawnerProcess> {
  return SpawnerProcess.start(() => {
    metrics.workersLost.inc({ kind: 'spawner' });
    log.error('the process starter was lost; a new one is started');
  });
}

function openCache(config: Config, database: Database, log: Logger): Promise<SegmentCache> {
  return SegmentCache.open({
    dir: config.cacheDir,
    maxDiskBytes: Math.max(1, config.cacheMaxBytes),
    maxMemoryBytes: config.cacheMemoryBytes,
    index: database.segmentIndex,
    log,
    monotonicMs: () => performance.now(),
  });
}

function openAuth(config: Config, database: Database, log: Logger): Promise<AuthService> {
  return AuthService.open({
    database,
    dataDir: config.dataDir,
    externalIssuers: config.issuers,
    now: Date.now,
    onUpkeepFailed: err => log.error({ err }, 'the upkeep of tokens failed'),
  });
}

function createPool(config: Config, spawner: SpawnerProcess, rightOfWay: RightOfWay): WorkerPool {
  return new WorkerPool({
    threads: config.workers || defaultThreads(),
    onAwaited: answer => rightOfWay.during(answer),
    host: {
      ffmpegPath: config.ffmpegPath,
      ffprobePath: config.ffprobePath,
      spawnerSocketPath: spawner.socketPath,
      maxWarmEncoders: config.warmEncoders,
      extracted: extractedFiles(config),
    },
  });
}

/** A tenth of what the cache may take: a film's subtitles are small, pictures some 30 MB. */
const extractedFiles = ({ cacheDir, cacheMaxBytes }: Config): HostOptions['extracted'] => ({
  dir: join(cacheDir, 'extracted'),
  maxBytes: Math.max(MIN_EXTRACTED_BYTES, cacheMaxBytes / 10),
});

/** What hosts tell that is for the log and the metrics alone. */
function record({ events }: MediaHosts, metrics: Metrics, log: Logger): void {
  events.on('measured', ({ measurement }) => {
    recordMeasurement(metrics, measurement);
    if (measurement.name === 'hardware_failed') log.warn({ encoder: measurement.encoder }, 'a hardware encoder failed; software goes on');
  });
  events.on('log', ({ level, detail, message }) => log[level](detail, message));
  events.on('lost', err => {
    metrics.workersLost.inc({ kind: 'thread' });
    log.error({ err }, 'a session host was lost; a new one is started');
  });
}

type Tools = { readonly areThere: boolean; readonly ffmpeg: string | null; readonly canBurn: Burnable; readonly readable: ReadableText };

/** Without ffmpeg what is catalogued already still plays directly and remuxed. */
async function checkTools(hosts: MediaHosts, log: Logger): Promise<Tools> {
  const { canBurn, readable, ...found } = await hosts.request('tools.check', { mediaId: parseMediaId('any-media') });
  const missing = Object.entries(found).filter(([, version]) => version === null);
  for (const [tool] of missing)
    log.error({ tool }, `${tool} can not be started: install ffmpeg, or name the binaries with FERRITE_FFMPEG and FERRITE_FFPROBE`);
  return { areThere: missing.length === 0, ffmpeg: found.ffmpeg, canBurn, readable };
}

/** Tried, for a filter that is there may still not work. */
async function checkColours(hosts: MediaHosts, log: Logger): Promise<boolean> {
  const { canConvert } = await hosts.request('machine.colours', { mediaId: parseMediaId('any-media') });
  if (!canConvert)
    log.warn('this ffmpeg can not bring HDR down to plain screens (zscale and tonemap are needed): such films reach HDR screens alone');
  return canConvert;
}

function createInspectors({ ffmpegPath, ffprobePath }: Config, { socketPath }: SpawnerProcess, rightOfWay: RightOfWay): InspectionPool {
  return new InspectionPool({ spawnerSocketPath: socketPath, ffmpegPath, ffprobePath, rightOfWay });
}
