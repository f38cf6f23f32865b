// Playback sessions on a real store with real tokens; the host of every media does what the test says.
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { USUAL_RULES } from '#domain/catalogue/progress-rules.ts';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Requests, RequestType } from '#domain/protocol.ts';
import { AuthService } from '#src/auth/auth.ts';
import { Emitter } from '#src/events.ts';
import { workCapacity } from '#src/playback/admission/capacity.ts';
import { Segments } from '#src/playback/segments/segments.ts';
import type { StartRequest } from '#src/playback/session/session-starts.ts';
import { PlaybackSessions } from '#src/playback/session/sessions.ts';
import { SavedProgress } from '#src/progress/saved-progress.ts';
import { createMetrics } from '#src/telemetry/metrics.ts';
import type { HostEvents, MediaHosts, Notification } from '#src/threads/media-hosts.ts';
import { SegmentCache } from '#storage/segments/cache.ts';
import { aUser, openStore } from '../../storage/support.ts';
import { aMap, anAudioTimeline, aTitle, everyS } from '../../support/titles.ts';

/** Opens and closes sessions; a segment never comes. */
export class QuietHosts implements MediaHosts {
  readonly events = new Emitter<HostEvents>();
  readonly isReady = true;
  readonly asked: RequestType[] = [];
  readonly told: Notification[] = [];

  request<T extends RequestType>(type: T, _input: Requests[T]['input'], signal?: AbortSignal): Promise<Requests[T]['output']> {
    this.asked.push(type);
    if (type === 'session.open') return Promise.resolve({ isOpen: true } as never);
    if (type === 'session.close') return Promise.resolve(null as never);
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new FerriteError('CANCELLED', 'cancelled'))));
  }

  notify(_mediaId: MediaId, message: Notification): void {
    this.told.push(message);
  }

  owns(): boolean {
    return true;
  }

  async whenReady(): Promise<void> {}
}

export async function startSessions(t: TestContext, { capacity = 1e9, maxSessionsPerUser = 5, timeoutMs = 60_000 } = {}) {
  // Registered first, so that it comes before the store goes.
  t.after(async () => {
    sessions.close();
    await cache.close();
    await auth.close();
  });
  const { dataDir, database } = await openStore(t);
  const auth = await AuthService.open({
    database,
    dataDir,
    externalIssuers: [],
    now: Date.now,
    onUpkeepFailed: error => {
      throw error;
    },
  });
  const cache = await SegmentCache.open({
    dir: join(dataDir, 'cache'),
    maxDiskBytes: 1_000_000,
    maxMemoryBytes: 1_000_000,
    index: database.segmentIndex,
    log: { warn: () => undefined },
    monotonicMs: () => performance.now(),
  });
  const hosts = new QuietHosts();
  const segments = new Segments(cache, hosts);
  const metrics = createMetrics();
  const warnings: string[] = [];
  const sessions = new PlaybackSessions({
    database,
    hosts,
    versionsOf: () => [],
    progress: new SavedProgress({ ...database, versionsOf: () => [], rules: USUAL_RULES }),
    segments,
    capacity: workCapacity(capacity),
    queue: { timeoutMs, maxWaiting: 100, maxWaitingPerUser: 100 },
    maxSessionsPerUser,
    tokens: auth.streamTokens,
    metrics,
    targetMs: 2_000,
    log: { info: () => undefined, warn: (_, message) => warnings.push(message) },
  });
  const media = aTitle();
  const owner = aUser('viewer');
  await database.media.put(media);
  await database.keyframeMaps.put(media.id, aMap(everyS(2, 30), 60, { audio: [anAudioTimeline()] }));
  await database.users.create(owner, () => undefined);
  const request = (changes: Partial<StartRequest> = {}): StartRequest => ({
    mediaId: media.id,
    profile: 'web-chrome',
    hints: { userAgent: '', brands: '' },
    capabilities: {},
    startPositionMs: 0,
    delivery: 'transcode',
    seekMode: 'keyframe',
    audioTrack: 0,
    priority: 'interactive',
    isExact: false,
    isAnsweredAtOnce: false,
    ...changes,
  });
  return { auth, database, hosts, segments, sessions, metrics, warnings, owner, media, request };
}
