// The open playback sessions: started, kept by signs of life, brought back after a restart or a lost thread, and ended everywhere at once.

import { FerriteError } from '#domain/errors.ts';
import type { MediaId, SessionId, UserId } from '#domain/ids.ts';
import type { LocatedSegment, SharedMedia } from '#domain/protocol.ts';
import type { SegmentChunk, SegmentName } from '#domain/rendition.ts';
import type { PlaybackState, SeekMode, SessionEnd, SessionRecord, SessionStatus } from '#domain/session.ts';
import { SharedOffers } from '#domain/shared-offers.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import { LayoutCache, type TrackLayout } from '#src/playback/offer/layout.ts';
import { MediaPlans, type PlannedMedia } from '#src/playback/offer/media-plans.ts';
import type { Standing } from '#src/playback/places/admission.ts';
import type { Capacity } from '#src/playback/places/capacity.ts';
import { EncodePlaces } from '#src/playback/places/encode-places.ts';
import type { Segments } from '#src/playback/segments/segments.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { WorkerEvent, WorkerPool } from '#src/threads/worker-pool.ts';
import type { Database } from '#storage/database.ts';
import { LEASE_MS, LiveSession, type SessionOwner, STREAM_TOKEN_MS } from './live-session.ts';
import { PinnedAhead } from './pinned-ahead.ts';
import { type Landing, Seeking } from './seeking.ts';
import { SessionStarts, type StartedSession, type StartRequest } from './session-starts.ts';
import { WantedSegments } from './wanted-segments.ts';

type Options = {
  readonly database: Database;
  readonly workers: () => WorkerPool;
  readonly segments: Segments;
  readonly capacity: Capacity;
  readonly queue: { readonly timeoutMs: number; readonly maxWaiting: number; readonly maxWaitingPerUser: number };
  readonly maxSessionsPerUser: number;
  readonly tokens: StreamTokens;
  readonly metrics: Metrics;
  readonly targetMs: number;
  readonly log: { info(facts: object, message: string): void; warn(facts: object, message: string): void };
};

/** Left over when a heartbeat brings a new stream URL. */
const TOKEN_RENEWAL_MS = 3_600_000;
/** A thread kills its encodes sooner. */
const CLOSE_DEADLINE_MS = 10_000;
const SWEEP_INTERVAL_MS = 5_000;
/** After a restart, players need a moment to come back. */
const RESTART_GRACE_MS = 120_000;
/** The stored lease is only for restarts: renewing it now and then is enough. */
const LEASE_WRITE_INTERVAL_MS = LEASE_MS / 3;
/** Nearer to the end than this counts as watched to the end: playing again starts at the beginning. */
const WATCHED_PART = 0.92;

export class PlaybackSessions {
  readonly #options: Options;
  readonly #layouts = new LayoutCache();
  readonly #offers = new SharedOffers();
  readonly #plans: MediaPlans;
  readonly #sessions = new Map<SessionId, LiveSession>();
  readonly #countByUser = new Map<UserId, number>();
  readonly #seeking = new Seeking((session, hint) => this.#wanted.prefetch(session, hint));
  readonly #pinnedAhead: PinnedAhead;
  readonly #places: EncodePlaces;
  readonly #wanted: WantedSegments;
  readonly #starts: SessionStarts;
  readonly #leaseWrittenAtMs = new Map<SessionId, number>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: Options) {
    this.#options = options;
    this.#plans = new MediaPlans(options.database);
    this.#pinnedAhead = new PinnedAhead(options.segments);
    this.#places = new EncodePlaces({
      ...options.queue,
      capacity: options.capacity,
      metrics: options.metrics,
      onQueue: (id, standing) => this.#sessions.get(id)?.tell({ type: 'queue', ...standing }),
    });
    this.#wanted = new WantedSegments(options.segments, this.#places);
    this.#starts = new SessionStarts({
      ...options,
      plans: this.#plans,
      layouts: this.#layouts,
      places: this.#places,
      wanted: this.#wanted,
      sessions: {
        requireRoomFor: userId => this.#requireRoomFor(userId),
        open: (record, planned) => this.#open(record, planned),
        warm: session => this.#seeking.warm(session),
        end: (id, reason) => this.end(id, reason),
      },
    });
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  /** Opens again what was open when the server ended. */
  async restore(): Promise<void> {
    const { database, log } = this.#options;
    const nowMs = Date.now();
    let restored = 0;
    for (const record of database.sessions.list()) {
      const media = database.media.get(record.mediaId);
      if (record.expiresAtMs + RESTART_GRACE_MS < nowMs || media?.version !== record.mediaVersion) {
        await database.sessions.remove(record.id);
        continue;
      }
      try {
        await this.#open(record, this.#plans.for(media, record.offer.targetMs));
        restored++;
      } catch (error) {
        // One that this version can not open must not keep the server from starting.
        log.warn({ code: codeOf(error) }, 'a session could not be restored');
        this.#forget(record);
        await database.sessions.remove(record.id);
      }
    }
    if (restored > 0) log.info({ sessions: restored }, 'sessions restored');
  }

  /** @throws MEDIA_NOT_FOUND, MEDIA_UNSUPPORTED, OVERLOADED, TOO_MANY_SESSIONS */
  start(owner: SessionOwner, request: StartRequest, signal: AbortSignal): Promise<StartedSession> {
    return this.#starts.start(owner, request, signal);
  }

  find(id: SessionId): LiveSession | undefined {
    return this.#sessions.get(id);
  }

  /** @throws SESSION_NOT_FOUND also for other people's: the address tells a stranger nothing. */
  ofUser(id: SessionId, userId: UserId, isAdmin: boolean): LiveSession {
    const session = this.#sessions.get(id);
    if (!session || (session.record.userId !== userId && !isAdmin))
      throw new FerriteError('SESSION_NOT_FOUND', 'the session has ended or never was');
    return session;
  }

  list(matches: (session: LiveSession) => boolean): LiveSession[] {
    return [...this.#sessions.values()].filter(matches);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Resolves when the position is stored: what was acknowledged is not lost. */
  async heartbeat(
    session: LiveSession,
    beat: { positionMs: number; state: PlaybackState },
  ): Promise<{ expiresAtMs: number; streamToken?: string }> {
    const [nowMs, monotonicMs] = [Date.now(), performance.now()];
    const { record } = session;
    session.heard(beat, monotonicMs);
    this.#options.workers().notify(record.mediaId, { kind: 'heartbeat', sessionId: record.id, ...beat });
    const writes: Promise<unknown>[] = [this.saveProgress(session, nowMs)];
    if (monotonicMs - (this.#leaseWrittenAtMs.get(record.id) ?? Number.NEGATIVE_INFINITY) > LEASE_WRITE_INTERVAL_MS) {
      this.#leaseWrittenAtMs.set(record.id, monotonicMs);
      writes.push(this.#options.database.sessions.put({ ...record, startPositionMs: beat.positionMs, expiresAtMs: session.expiresAtMs }));
    }
    await Promise.all(writes);
    const streamToken = session.tokenExpiresAtMs - nowMs < TOKEN_RENEWAL_MS ? await this.#renewToken(session) : undefined;
    return { expiresAtMs: session.expiresAtMs, ...(streamToken === undefined ? {} : { streamToken }) };
  }

  async saveProgress({ record, media, positionMs }: LiveSession, updatedAtMs: number): Promise<void> {
    const { durationMs } = media;
    const watched = durationMs > 0 && positionMs >= durationMs * WATCHED_PART;
    await this.#options.database.progress.put(record.userId, record.mediaId, {
      positionMs: Math.min(positionMs, durationMs),
      durationMs,
      watched,
      updatedAtMs,
    });
  }

  /** Its bytes from wherever they are soonest; what must be encoded anew waits for a place. @throws OVERLOADED */
  segment(session: LiveSession, layout: TrackLayout, name: SegmentName, signal: AbortSignal): Promise<Buffer> {
    return this.#wanted.get(session, { layout, name, positionMs: session.positionMs }, signal);
  }

  /** Like `segment`, for one of its chunks. */
  chunk(session: LiveSession, layout: TrackLayout, { index, chunk }: SegmentChunk, signal: AbortSignal): Promise<Buffer> {
    return this.#wanted.chunk(session, { layout, name: index, positionMs: session.positionMs }, chunk, signal);
  }

  /** Where a copied segment lies in its file; no promise when anybody asked for it lately. */
  locate({ record }: LiveSession, layout: TrackLayout, index: number, signal: AbortSignal): LocatedSegment | Promise<LocatedSegment> {
    return this.#options.segments.locate({ mediaId: record.mediaId, sessionId: record.id, layout, index }, signal);
  }

  /** Its place among those who wait to encode; null when it does not wait. */
  standing({ record }: LiveSession): Standing | null {
    return this.#places.standing(record.id);
  }

  /** The machine was measured. */
  setCapacity(capacity: Capacity): void {
    this.#places.setCapacity(capacity);
  }

  /** Where a seek lands, and the segment that shows it; its encode starts before the segment is asked for. */
  seek(session: LiveSession, positionMs: number, mode: SeekMode): Landing {
    session.seen(performance.now());
    const landing = this.#seeking.seek(session, positionMs, mode);
    this.#pinnedAhead.follow(session);
    return landing;
  }

  /** The viewer is about to switch: the rung's encode starts at the viewer's position. */
  selectRung(session: LiveSession, rungId: string): void {
    this.#seeking.selectRung(session, rungId);
  }

  /** Ends it here, in its thread and in the store, and refuses its tokens. Ending what has ended is no error. */
  async end(id: SessionId, reason: SessionEnd): Promise<void> {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#forget(session.record);
    this.#leaseWrittenAtMs.delete(id);
    session.ended();
    this.#pinnedAhead.drop(session);
    this.#places.leave(id);
    session.tell({ type: 'state', state: reason });
    for (const listener of session.listeners) listener.close(reason);
    await Promise.all([
      this.#options.database.sessions.remove(id),
      this.#options.tokens.revokeSession(id),
      this.#options
        .workers()
        .request('session.close', { mediaId: session.record.mediaId, sessionId: id, reason }, AbortSignal.timeout(CLOSE_DEADLINE_MS))
        // A thread that is gone has nothing open.
        .catch(error => this.#options.log.warn({ code: codeOf(error) }, 'a session host did not close a session')),
    ]);
  }

  async endOfUser(userId: UserId): Promise<void> {
    const theirs = this.list(({ record }) => record.userId === userId);
    for (const session of theirs) session.tell({ type: 'revoked' });
    await Promise.all(theirs.map(({ record }) => this.end(record.id, 'stopped')));
  }

  /** A lost thread was replaced: its sessions go on there. */
  async reopen(owns: (mediaId: MediaId) => boolean): Promise<void> {
    const theirs = this.list(session => owns(session.record.mediaId));
    for (const session of theirs) this.#setStatus(session, null);
    const told = new Set<PlannedMedia['plan']>();
    // All in one turn: their segment requests go to the thread right behind.
    const opened = await Promise.allSettled(
      theirs.map(async ({ record, media, positionMs }) => {
        const planned = this.#plans.for(media, record.offer.targetMs);
        const isTold = told.has(planned.plan);
        told.add(planned.plan);
        return this.#openInThread({ ...record, startPositionMs: positionMs }, planned, isTold ? 'told' : 'untold');
      }),
    );
    const failed = opened.filter(({ status }) => status === 'rejected').length;
    if (failed > 0) this.#options.log.warn({ failed }, 'sessions could not be opened in the new thread');
  }

  onWorkerEvent(event: Extract<WorkerEvent, { kind: 'session.changed' | 'session.ended' }>): void {
    const session = this.#sessions.get(event.sessionId);
    if (!session || event.kind === 'session.ended') return;
    this.#setStatus(session, event.status);
    session.tell({ type: 'state', state: session.shownState, rung: event.status.rungId, encodes: event.status.encodes });
  }

  /** Keeps the records: the sessions go on after a restart. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#seeking.close();
    this.#places.close();
    for (const session of this.#sessions.values()) for (const listener of session.listeners) listener.close('the server is shutting down');
  }

  /** Null: its thread is gone, and every encode with it. */
  #setStatus(session: LiveSession, status: SessionStatus | null): void {
    session.status = status;
    const { id: sessionId, userId, priority } = session.record;
    this.#places.encoding({ sessionId, userId, priority }, session.videoEncodes());
  }

  async #renewToken(session: LiveSession): Promise<string | undefined> {
    const owner = this.#options.database.users.get(session.record.userId);
    if (!owner) return undefined;
    const { token, expiresAtMs } = await this.#options.tokens.issue(session.record.id, owner, STREAM_TOKEN_MS);
    session.tokenExpiresAtMs = expiresAtMs;
    return token;
  }

  async #open(record: SessionRecord, planned: PlannedMedia): Promise<LiveSession> {
    const layout = this.#layouts.for(planned, record.offer, record.splitIndex);
    const session = new LiveSession(
      { ...record, offer: this.#offers.share(record.offer) },
      {
        media: planned.media,
        layout,
        tokenExpiresAtMs: record.createdAtMs + STREAM_TOKEN_MS,
        monotonicMs: performance.now(),
      },
    );
    this.#sessions.set(record.id, session);
    this.#countByUser.set(record.userId, (this.#countByUser.get(record.userId) ?? 0) + 1);
    this.#options.metrics.sessions.set(this.#sessions.size);
    await this.#openInThread(record, planned, 'told');
    return session;
  }

  /** Most often its thread was told of the media for another session; what it does not know, or has forgotten, is told now. */
  async #openInThread(record: SessionRecord, { media, keyframes }: PlannedMedia, knows: 'told' | 'untold'): Promise<void> {
    const open = (shared: SharedMedia | null): Promise<{ isOpen: boolean }> =>
      this.#options.workers().request('session.open', { mediaId: record.mediaId, record, shared });
    const { isOpen } = await open(knows === 'told' ? null : { media, keyframes });
    // It may have been given up meanwhile.
    if (!isOpen && this.#sessions.has(record.id)) await open({ media, keyframes });
  }

  /** Also those that wait for an answer were counted by then or will be refused when they are opened. */
  #requireRoomFor(userId: UserId): void {
    const { maxSessionsPerUser } = this.#options;
    if ((this.#countByUser.get(userId) ?? 0) < maxSessionsPerUser) return;
    throw new FerriteError('TOO_MANY_SESSIONS', `the account has ${maxSessionsPerUser} open sessions, the most it may`);
  }

  #forget({ id, userId }: SessionRecord): void {
    if (!this.#sessions.delete(id)) return;
    const left = (this.#countByUser.get(userId) ?? 0) - 1;
    if (left > 0) this.#countByUser.set(userId, left);
    else this.#countByUser.delete(userId);
    this.#options.metrics.sessions.set(this.#sessions.size);
  }

  #sweep(monotonicMs: number): void {
    for (const session of this.#sessions.values()) this.#pinnedAhead.follow(session);
    for (const session of this.list(({ leaseEndsAtMs }) => leaseEndsAtMs < monotonicMs)) {
      this.end(session.record.id, 'expired').catch(error =>
        this.#options.log.warn({ code: codeOf(error) }, 'a session could not be ended'),
      );
    }
  }
}

const codeOf = (error: unknown): string => (error instanceof FerriteError ? error.code : 'INTERNAL');
