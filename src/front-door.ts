// The front door put together: every route and socket with the parts that it uses, and the metrics of their counts.
import type { Logger } from 'pino';
import type { Database } from '#storage/database.ts';
import type { SegmentCache } from '#storage/segments/cache.ts';
import type { AuthService } from './auth/auth.ts';
import { ProviderAccounts } from './auth/oidc/provider-accounts.ts';
import { ProviderSignIns } from './auth/oidc/sign-ins.ts';
import { Passkeys } from './auth/passkeys/passkeys.ts';
import { posterKey } from './auth/poster-key.ts';
import { isLoopback, SetupGuard } from './auth/setup-guard.ts';
import type { Config } from './config.ts';
import { STREAM_PREFIX } from './domain/addresses.ts';
import type { Caller } from './domain/media.ts';
import { auditRoute } from './http/accounts/audit.ts';
import { authRoutes } from './http/accounts/auth.ts';
import { groupRoutes } from './http/accounts/groups.ts';
import { passkeyRoutes } from './http/accounts/passkeys.ts';
import { providerRoutes } from './http/accounts/providers.ts';
import { RequestAudit } from './http/accounts/request-audit.ts';
import { userRoutes } from './http/accounts/users.ts';
import { controlSocket } from './http/api/control.ts';
import { openApiRoute, operationsRoutes } from './http/api/operations.ts';
import { sessionRoutes } from './http/api/sessions.ts';
import { webRoutes } from './http/api/web.ts';
import { FolderRoots } from './http/catalogue/folders.ts';
import { libraryRoutes } from './http/catalogue/library.ts';
import { PosterLinks } from './http/catalogue/posters.ts';
import { ClientAddresses } from './http/contract/client-address.ts';
import { decisionRoute } from './http/delivery/decision.ts';
import { type FrontDoor, startServer } from './http/door/server.ts';
import { exportLoad } from './http/load-metrics.ts';
import { ColdFiles } from './http/sources/cold-files.ts';
import type { Previews } from './http/stream/preview-replies.ts';
import { StreamCounts } from './http/stream/stream-counts.ts';
import { streamRoutes } from './http/stream/streams.ts';
import { markerRoute } from './http/viewing/markers.ts';
import { viewingRoutes } from './http/viewing/viewing.ts';
import type { CatalogueIndex } from './library/items/catalogue-index.ts';
import type { ArtworkFiles } from './library/metadata/artwork-files.ts';
import type { PosterFiles } from './library/posters.ts';
import type { ProviderQueue } from './library/providers/provider-queue.ts';
import type { LibraryScanner } from './library/scan/scanner.ts';
import type { LibrarySearch } from './library/search/library-search.ts';
import type { LibraryWatches } from './library/watch/watches.ts';
import { exportCache } from './playback/segments/cache-metrics.ts';
import { Extras } from './playback/segments/extras.ts';
import { SegmentFinder } from './playback/segments/finder.ts';
import type { Segments } from './playback/segments/segments.ts';
import { PlayerStats } from './playback/session/player-stats.ts';
import type { PlaybackSessions } from './playback/session/sessions.ts';
import type { SavedProgress } from './progress/saved-progress.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { MediaHosts } from './threads/media-hosts.ts';
import type { TransportStreams } from './threads/transport-streams.ts';

export type Catalogue = {
  readonly artwork: ArtworkFiles;
  readonly providers: ProviderQueue;
  readonly scanner: LibraryScanner;
  readonly watches: LibraryWatches;
  readonly posters: PosterFiles;
  readonly index: CatalogueIndex;
  readonly search: LibrarySearch;
};

export type DoorParts = {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly database: Database;
  readonly savedProgress: SavedProgress;
  readonly auth: AuthService;
  readonly sessions: PlaybackSessions;
  readonly segments: Segments;
  readonly hosts: MediaHosts;
  readonly transportStreams: TransportStreams;
  readonly catalogue: Catalogue;
  readonly cache: SegmentCache;
  readonly previews: Previews;
  /** Whether programs can be started at this moment. */
  readonly hasTools: () => boolean;
};

/** A connection that was lost holds its socket for a minute. */
const MIN_SOCKETS_PER_USER = 16;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export async function openFrontDoor(parts: DoorParts): Promise<FrontDoor> {
  const {
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
  } = parts;
  const links = new PosterLinks(await posterKey(config.dataDir));
  const playerStats = new PlayerStats(metrics);
  const stats: PlayerStats['record'] = (session, measured) => playerStats.record(session, measured);
  const { libraries, media, corrections, descriptions } = database;
  const titles = {
    ...{ libraries, media, corrections, descriptions, progress: savedProgress, links },
    viewerOf: (caller: Pick<Caller, 'userId'>) => auth.viewers.of(caller),
    readable: () => sessions.readable,
    ...catalogue,
  };
  const coldFiles = new ColdFiles();
  const counts = new StreamCounts();
  // At every level of the log: without it nobody could set the server up.
  const always = log.child({}, { level: 'info' });
  const guard = new SetupGuard(config.host, code =>
    always.warn({ code }, 'setup code: the page asks for it once, to make the administrator'),
  );
  if (auth.isSetupRequired()) guard.announce();
  const addresses = new ClientAddresses(config.trustedProxies);
  const audit = new RequestAudit(auth.audit, addresses);
  const sockets = [
    controlSocket({
      sessions,
      tokens: auth.streamTokens,
      stats,
      maxPerUser: Math.max(MIN_SOCKETS_PER_USER, 2 * config.maxSessionsPerUser),
    }),
  ];
  const routes = [
    ...authRoutes(auth, guard, audit),
    ...userRoutes(auth, audit),
    ...groupRoutes(auth, audit),
    auditRoute(auth.audit),
    ...providerRoutes({
      ...{ auth, audit, addresses },
      signIns: new ProviderSignIns(config.signInProviders, new ProviderAccounts(database.users, auth.users, Date.now), Date.now),
      publicUrl: config.publicUrl,
    }),
    ...passkeyRoutes({ auth, passkeys: new Passkeys(database.passkeys, Date.now), audit, publicUrl: config.publicUrl }),
    ...libraryRoutes({
      ...titles,
      noted: (request, event, { id, name }) => audit.note(request, event, { subject: { kind: 'library', id, name } }),
      roots: new FolderRoots(config.libraryRoots),
      onMatched: id => catalogue.providers.add(id),
      onShowMatched: id => catalogue.providers.addShow(id),
    }),
    markerRoute(titles, database.markers),
    ...viewingRoutes(titles),
    decisionRoute({ sessions, watching: titles }),
    ...sessionRoutes({ sessions, auth, users: database.users, watching: titles, stats }),
    ...streamRoutes({
      tokens: auth.streamTokens,
      sessions,
      extras: new Extras(hosts),
      finder: new SegmentFinder({ segments, wanted: sessions.wanted, hosts, files: coldFiles }),
      transportStreams,
      previews,
      metrics,
      counts,
      sharedCacheMs: config.sharedCacheMs,
      segmentMode: config.segmentMode,
    }),
    ...operationsRoutes({
      metrics,
      metricsToken: config.metricsToken,
      readiness: () => ({ store: canRead(database), workers: hosts.isReady, ffmpeg: hasTools(), search: catalogue.search.state }),
      beforeMetrics: () => {
        metrics.searchReady.set(catalogue.search.state === 'ready' ? 1 : 0);
        metrics.cacheBytes.set({ tier: 'memory' }, cache.memoryBytes);
        metrics.cacheBytes.set({ tier: 'disk' }, cache.diskBytes);
        metrics.cacheBytes.set({ tier: 'unwritten' }, cache.facts.unwrittenBytes);
      },
    }),
    ...webRoutes(),
  ];
  const door = await startServer({
    host: config.host,
    port: config.port,
    routes: [...routes, openApiRoute(routes, sockets)],
    sockets,
    authenticate: token => auth.authenticate(token),
    corsOrigins: config.corsOrigins,
    maxConnections: config.maxConnections,
    connectionsPerAddress: {
      max: config.maxConnectionsPerAddress,
      isCounted: address => !isLoopback(address) && !addresses.isProxy(address),
    },
    log,
    onRequest: ({ route, method, status, durationMs }) => {
      // Segments have their own metrics, and too many requests for this one.
      if (route.startsWith(STREAM_PREFIX)) return;
      // A client can make up methods without end.
      metrics.requests.observe({ route, method: METHODS.has(method) ? method : 'OTHER', status: String(status) }, durationMs);
    },
  });
  exportCache(metrics, cache, segments);
  exportLoad(metrics, { load: () => door.load(), streams: counts, coldFiles, streamTokens: auth.streamTokens });
  return door;
}

function canRead(database: Database): boolean {
  try {
    database.media.count();
    return true;
  } catch {
    return false;
  }
}
