// Composition root: settings → store → process starter → threads → front door, and the one order in which they close.
import type { Logger } from 'pino';
import type { ScanStatus } from '#library/scan-run.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { SegmentCache } from '#storage/segments/cache.ts';
import { AuthService } from './auth/auth.ts';
import { posterKey } from './auth/poster-key.ts';
import type { Config } from './config.ts';
import { parseMediaId } from './domain/ids.ts';
import type { Library } from './domain/media.ts';
import { prepareFirstStart } from './first-start.ts';
import { authRoutes } from './http/api/auth.ts';
import { controlSocket } from './http/api/control.ts';
import { libraryRoutes } from './http/api/library.ts';
import { openApiRoute, operationsRoutes } from './http/api/operations.ts';
import { PosterLinks } from './http/api/posters.ts';
import { progressRoutes } from './http/api/progress.ts';
import { sessionRoutes } from './http/api/sessions.ts';
import { userRoutes } from './http/api/users.ts';
import { webRoutes } from './http/api/web.ts';
import { type FrontDoor, startServer } from './http/door/server.ts';
import { exportLoad } from './http/load-metrics.ts';
import { ColdFiles } from './http/sources/cold-files.ts';
import { StreamCounts } from './http/stream/stream-counts.ts';
import { streamRoutes } from './http/stream/streams.ts';
import { CatalogueIndex } from './library/catalogue-index.ts';
import { PosterFiles } from './library/posters.ts';
import { LibraryScanner } from './library/scanner.ts';
import { countedCapacity, workCapacity } from './playback/places/capacity.ts';
import { exportCache } from './playback/segments/cache-metrics.ts';
import { Segments } from './playback/segments/segments.ts';
import { PlayerStats } from './playback/session/player-stats.ts';
import { PlaybackSessions } from './playback/session/sessions.ts';
import { createMetrics, type Metrics, recordMeasurement } from './telemetry/metrics.ts';
import { MachineSpeed } from './threads/machine-speed.ts';
import { SpawnerProcess } from './threads/spawner-process.ts';
import { defaultThreads, type WorkerEvent, WorkerPool } from './threads/worker-pool.ts';

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

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const REPLIES_DEADLINE_MS = 5_000;
const DRAIN_DEADLINE_MS = 5_000;

/** Starts everything, or nothing: what was begun is closed again when a later step fails. */
export async function startFerrite(options: FerriteOptions): Promise<Ferrite> {
  const closers: Closer[] = [];
  try {
    return await compose(options, closers);
  } catch (error) {
    await closeInOrder(closers, options.log);
    throw error;
  }
}

type Closer = { readonly name: string; readonly close: () => Promise<void> };

/** Last acquired, first released. */
async function closeInOrder(closers: Closer[], log: Logger): Promise<void> {
  for (const { name, close } of closers.splice(0).reverse()) {
    await close().catch(err => log.error({ err }, `closing ${name} failed`));
  }
}

async function compose({ config, log, sampleLibrary, onScanProgress }: FerriteOptions, closers: Closer[]): Promise<Ferrite> {
  const own = <T>(name: string, owned: T, close: (owned: T) => Promise<void>): T => {
    closers.push({ name, close: () => close(owned) });
    return owned;
  };
  const metrics = createMetrics();
  const database = own('the store', await openDatabase(config.dataDir), store => store.close());
  // Started while we are small: its own fork is the last one this process makes.
  const spawner = own(
    'the process starter',
    await SpawnerProcess.start(() => {
      metrics.workersLost.inc({ kind: 'spawner' });
      log.error('the process starter was lost; a new one is started');
    }),
    process => process.close(),
  );
  const cache = own('the segment cache', await openCache(config, database, log), store => store.close());
  const auth = own('authentication', await openAuth(config, database, log), service => service.close());
  let pool: WorkerPool | null = null;
  const workers = (): WorkerPool => {
    if (!pool) throw new Error('the threads are not started yet');
    return pool;
  };
  const segments = new Segments(cache, workers);
  const machine = await MachineSpeed.read(config.dataDir);
  const sessions = own(
    'playback sessions',
    new PlaybackSessions({
      database,
      workers,
      segments,
      capacity: config.maxTranscodes > 0 ? countedCapacity(config.maxTranscodes) : workCapacity(machine.pixelsPerSecond),
      queue: config.queue,
      maxSessionsPerUser: config.maxSessionsPerUser,
      tokens: auth.streamTokens,
      metrics,
      targetMs: config.targetMs,
      log,
    }),
    async open => open.close(),
  );
  auth.onRevoked(
    userId => void sessions.endOfUser(userId).catch(err => log.error({ err }, 'the sessions of a revoked user could not be ended')),
  );
  pool = own('the session hosts', await startWorkers({ config, spawner, log, metrics, segments, sessions }), threads =>
    threads.close(DRAIN_DEADLINE_MS),
  );
  const tools = await checkTools(pool, log);
  await sessions.restore();
  const catalogue = openCatalogue({ config, database, workers, log, onScanProgress });
  own('library scans', catalogue.scanner, scanner => scanner.stop());
  const door = await openDoor({
    config,
    log,
    metrics,
    database,
    auth,
    sessions,
    segments,
    workers,
    catalogue,
    cache,
    hasTools: tools.areThere,
    spawner,
  });
  closers.push({ name: 'the front door', close: () => door.close(REPLIES_DEADLINE_MS) });
  await prepareFirstStart({ config, database, auth, sampleLibrary, scanner: catalogue.scanner });
  if (config.maxTranscodes === 0 && tools.ffmpeg !== null) {
    const upkeep = machine.keepMeasured({
      ffmpeg: tools.ffmpeg,
      pool,
      log,
      onMeasured: speed => sessions.setCapacity(workCapacity(speed)),
    });
    closers.push({ name: 'the measurement of the machine', close: async () => upkeep.close() });
  }
  return {
    url: door.url,
    port: door.port,
    close: () => closeInOrder(closers, log),
  };
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

type WorkerParts = {
  config: Config;
  spawner: SpawnerProcess;
  log: Logger;
  metrics: Metrics;
  segments: Segments;
  sessions: PlaybackSessions;
};

function startWorkers({ config, spawner, log, metrics, segments, sessions }: WorkerParts): Promise<WorkerPool> {
  const onEvent = (event: WorkerEvent): void => {
    switch (event.kind) {
      case 'chunk':
        segments.begun(event);
        return;
      case 'segment':
        segments.published(event);
        return;
      case 'session.changed':
      case 'session.ended':
        sessions.onWorkerEvent(event);
        return;
      case 'measured':
        recordMeasurement(metrics, event.measurement);
        return;
      case 'log':
        log[event.level](event.detail, event.message);
    }
  };
  return WorkerPool.start({
    threads: config.workers || defaultThreads(),
    host: {
      ffmpegPath: config.ffmpegPath,
      ffprobePath: config.ffprobePath,
      spawnerSocketPath: spawner.socketPath,
      maxWarmEncoders: config.warmEncoders,
    },
    onEvent,
    onReplaced: owns => void sessions.reopen(owns).catch(err => log.error({ err }, 'sessions could not be opened in the new thread')),
    onLost: err => {
      metrics.workersLost.inc({ kind: 'thread' });
      log.error({ err }, 'a session host was lost; a new one is started');
    },
  });
}

/** Without ffmpeg what is catalogued already still plays directly and remuxed. */
async function checkTools(pool: WorkerPool, log: Logger): Promise<{ areThere: boolean; ffmpeg: string | null }> {
  const found = await pool.request('tools.check', { mediaId: parseMediaId('any-media') });
  const missing = Object.entries(found).filter(([, version]) => version === null);
  for (const [tool] of missing)
    log.error({ tool }, `${tool} can not be started: install ffmpeg, or name the binaries with FERRITE_FFMPEG and FERRITE_FFPROBE`);
  return { areThere: missing.length === 0, ffmpeg: found.ffmpeg };
}

function canRead(database: Database): boolean {
  try {
    database.media.count();
    return true;
  } catch {
    return false;
  }
}

type Catalogue = { readonly scanner: LibraryScanner; readonly posters: PosterFiles; readonly index: CatalogueIndex };

function openCatalogue(parts: {
  config: Config;
  database: Database;
  workers: () => WorkerPool;
  log: Logger;
  onScanProgress: FerriteOptions['onScanProgress'];
}): Catalogue {
  const { config, database, workers, log, onScanProgress } = parts;
  const posters = new PosterFiles(config.dataDir);
  const index = new CatalogueIndex(database.media);
  const scanner = new LibraryScanner({
    media: database.media,
    keyframes: database.keyframeMaps,
    index,
    posters,
    log,
    inspect: (mediaId, path, signal) => workers().request('media.inspect', { mediaId, path }, signal),
    poster: async (mediaId, path, atMs, signal) => {
      const { bytes } = await workers().request('media.poster', { mediaId, path, atMs, width: 400 }, signal);
      return new Uint8Array(bytes);
    },
    ...(onScanProgress ? { onProgress: onScanProgress } : {}),
  });
  return { scanner, posters, index };
}

type DoorParts = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  database: Database;
  auth: AuthService;
  sessions: PlaybackSessions;
  segments: Segments;
  workers: () => WorkerPool;
  catalogue: Catalogue;
  cache: SegmentCache;
  hasTools: boolean;
  spawner: SpawnerProcess;
};

async function openDoor(parts: DoorParts): Promise<FrontDoor> {
  const { config, log, metrics, database, auth, sessions, segments, workers, catalogue, cache, hasTools, spawner } = parts;
  const links = new PosterLinks(await posterKey(config.dataDir));
  const playerStats = new PlayerStats(metrics);
  const stats: PlayerStats['record'] = (session, measured) => playerStats.record(session, measured);
  const { libraries, media, keyframeMaps: keyframes, progress } = database;
  exportCache(metrics, cache, segments);
  const coldFiles = new ColdFiles();
  const counts = new StreamCounts();
  let door: FrontDoor | null = null;
  exportLoad(metrics, { load: () => door?.load() ?? null, streams: counts, coldFiles, streamTokens: auth.streamTokens });
  const sockets = [controlSocket({ sessions, tokens: auth.streamTokens, stats })];
  const routes = [
    ...authRoutes(auth),
    ...userRoutes(auth),
    ...libraryRoutes({ libraries, media, keyframes, progress, links, ...catalogue }),
    ...progressRoutes({ media, progress, links }),
    ...sessionRoutes({ sessions, auth, users: database.users, stats }),
    ...streamRoutes({
      tokens: auth.streamTokens,
      sessions,
      segments,
      workers,
      metrics,
      coldFiles,
      counts,
      sharedCacheMs: config.sharedCacheMs,
    }),
    ...operationsRoutes({
      metrics,
      readiness: () => ({ store: canRead(database), workers: workers().isReady, ffmpeg: hasTools && spawner.isReady }),
      beforeMetrics: () => {
        metrics.cacheBytes.set({ tier: 'memory' }, cache.memoryBytes);
        metrics.cacheBytes.set({ tier: 'disk' }, cache.diskBytes);
        metrics.cacheBytes.set({ tier: 'unwritten' }, cache.facts.unwrittenBytes);
      },
    }),
    ...webRoutes(),
  ];
  door = await startServer({
    host: config.host,
    port: config.port,
    routes: [...routes, openApiRoute(routes, sockets)],
    sockets,
    authenticate: token => auth.authenticate(token),
    corsOrigins: config.corsOrigins,
    maxConnections: config.maxConnections,
    log,
    onRequest: ({ route, method, status, durationMs }) => {
      // Segments have their own metrics, and too many requests for this one.
      if (route.startsWith('/stream/')) return;
      // A client can make up methods without end.
      metrics.requests.observe({ route, method: METHODS.has(method) ? method : 'OTHER', status: String(status) }, durationMs);
    },
  });
  return door;
}
