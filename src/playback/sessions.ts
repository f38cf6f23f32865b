// The open playback sessions: started, kept by signs of life, brought back after a restart or a lost thread, and ended everywhere at once.

import { type Capabilities, type ProfileName, profileForUserAgent, resolveCapabilities } from '#domain/client-profile.ts';
import { chooseDelivery } from '#domain/delivery.ts';
import { FerriteError } from '#domain/errors.ts';
import { type MediaId, newSessionId, type SessionId, type UserId } from '#domain/ids.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
import { buildPlan, segmentIndexAt, segmentStartS } from '#domain/plan.ts';
import type { PlaybackState, Priority, SeekMode, SessionEnd, SessionRecord } from '#domain/session.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { Database } from '#storage/database.ts';
import type { Metrics } from '../telemetry.ts';
import type { WorkerEvent, WorkerPool } from '../worker-pool.ts';
import type { Admission, Place } from './admission.ts';
import { LayoutCache, type TrackLayout } from './layout.ts';
import { LEASE_MS, LiveSession, type SessionOwner } from './live-session.ts';
import type { Segments } from './segments.ts';

export type StartRequest = {
  readonly mediaId: MediaId;
  readonly profile: ProfileName | null;
  readonly userAgent: string;
  readonly capabilities: Partial<Capabilities>;
  readonly startPositionMs: number | null;
  readonly delivery: 'auto' | 'direct' | 'remux' | 'transcode';
  readonly seekMode: SeekMode;
  readonly audioTrack: number;
  readonly priority: Priority;
};

export type StartedSession = { readonly session: LiveSession; readonly token: string; readonly queueWaitMs: number };

type Options = {
  readonly database: Database;
  readonly workers: () => WorkerPool;
  readonly segments: Segments;
  readonly admission: Admission;
  readonly tokens: StreamTokens;
  readonly metrics: Metrics;
  readonly targetMs: number;
  readonly log: { info(facts: object, message: string): void; warn(facts: object, message: string): void };
};

const STREAM_TOKEN_MS = 24 * 3_600_000;
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
  readonly #sessions = new Map<SessionId, LiveSession>();
  readonly #leaseWrittenAtMs = new Map<SessionId, number>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: Options) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(Date.now()), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  /** Opens again what was open when the server ended. */
  async restore(): Promise<void> {
    const { database, log } = this.#options;
    const nowMs = Date.now();
    let restored = 0;
    for (const record of database.sessions.list()) {
      const media = database.media.get(record.mediaId);
      const keyframes = media && database.keyframeMaps.get(media);
      if (record.expiresAtMs + RESTART_GRACE_MS < nowMs || !media || media.version !== record.mediaVersion || !keyframes) {
        await database.sessions.remove(record.id);
        continue;
      }
      try {
        await this.#open(record, { media, keyframes, place: null });
        restored++;
      } catch (error) {
        // One that this version can not open must not keep the server from starting.
        log.warn({ code: codeOf(error) }, 'a session could not be restored');
        this.#sessions.delete(record.id);
        await database.sessions.remove(record.id);
      }
    }
    if (restored > 0) log.info({ sessions: restored }, 'sessions restored');
  }

  /** @throws MEDIA_NOT_FOUND, MEDIA_UNSUPPORTED, OVERLOADED */
  async start(owner: SessionOwner, request: StartRequest, signal: AbortSignal): Promise<StartedSession> {
    const { media, keyframes } = this.#mediaFor(request.mediaId);
    const profile = request.profile ?? profileForUserAgent(request.userAgent);
    const offer = chooseDelivery(media, keyframes, this.#plan(media, keyframes), {
      delivery: request.delivery,
      audioTrack: request.audioTrack,
      capabilities: resolveCapabilities(profile, request.capabilities),
    });
    const startPositionMs = Math.min(request.startPositionMs ?? this.#savedPositionMs(owner.id, media), Math.max(0, media.durationMs - 1));
    const place = offer.delivery === 'transcode' ? await this.#enter(request.priority, signal) : null;
    const nowMs = Date.now();
    const record: SessionRecord = {
      id: newSessionId(),
      userId: owner.id,
      mediaId: media.id,
      mediaVersion: media.version,
      offer,
      profile,
      seekMode: request.seekMode,
      priority: request.priority,
      startPositionMs,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + LEASE_MS,
    };
    try {
      const session = await this.#open(record, { media, keyframes, place });
      this.#warm(session);
      const [{ token }] = await Promise.all([
        this.#options.tokens.issue(record.id, owner, STREAM_TOKEN_MS),
        this.#options.database.sessions.put(record),
      ]);
      // Nobody would ever stop it: the client went away before it learned of its session.
      if (signal.aborted) throw new FerriteError('CANCELLED', 'the client went away');
      this.#options.metrics.sessionStarts.inc({ delivery: offer.delivery, profile });
      return { session, token, queueWaitMs: place?.waitMs ?? 0 };
    } catch (error) {
      place?.release();
      await this.end(record.id, 'stopped');
      throw error;
    }
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
    const nowMs = Date.now();
    const { record } = session;
    session.heard(beat, nowMs);
    this.#options
      .workers()
      .request('session.heartbeat', { mediaId: record.mediaId, sessionId: record.id, ...beat })
      .catch(error => this.#options.log.warn({ code: codeOf(error) }, 'a heartbeat did not reach its session host'));
    const writes: Promise<unknown>[] = [this.saveProgress(session, nowMs)];
    if (nowMs - (this.#leaseWrittenAtMs.get(record.id) ?? 0) > LEASE_WRITE_INTERVAL_MS) {
      this.#leaseWrittenAtMs.set(record.id, nowMs);
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

  /** A place to transcode for a session that began without needing one; at once when it has it. */
  admit(session: LiveSession): Promise<void> | null {
    if (session.place) return null;
    // All its requests wait together: that one of them is given up must not end the wait of the others. The queue's timeout does.
    session.admission ??= this.#enter(session.record.priority, new AbortController().signal)
      .then(place => {
        // It may have ended while it waited.
        if (this.#sessions.has(session.record.id)) session.place = place;
        else place.release();
      })
      .finally(() => {
        session.admission = null;
      });
    return session.admission;
  }

  /** Where a seek lands, and the segment that shows it; its encode starts before the segment is asked for. */
  seek(session: LiveSession, positionMs: number, mode: SeekMode): { positionMs: number; segment: number } {
    session.seen(Date.now());
    session.positionMs = positionMs;
    const video = session.video ?? trackOf(session, 'video');
    if (!video) return { positionMs, segment: 0 };
    const segment = segmentIndexAt(video.grid, positionMs);
    if (session.record.offer.delivery !== 'direct') this.#prefetchAt(session, positionMs);
    const landsAtMs = mode === 'keyframe' ? millisecondOf(segmentStartS(video.grid, segment)) : positionMs;
    return { positionMs: landsAtMs, segment };
  }

  /** The viewer is about to switch: the rung's encode starts at the viewer's position. */
  selectRung(session: LiveSession, rungId: string): void {
    const rung = session.layout.tracks.get(`video/${rungId}`);
    if (!rung) throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such rung');
    this.#prefetch(session, rung, session.positionMs);
  }

  /** Ends it here, in its thread and in the store, and refuses its tokens. Ending what has ended is no error. */
  async end(id: SessionId, reason: SessionEnd): Promise<void> {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#sessions.delete(id);
    this.#leaseWrittenAtMs.delete(id);
    this.#options.metrics.sessions.set(this.#sessions.size);
    session.place?.release();
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
    // All in one turn: their segment requests go to the thread right behind.
    const opened = await Promise.allSettled(
      theirs.map(({ record, media, positionMs }) => {
        const keyframes = this.#options.database.keyframeMaps.get(media);
        return keyframes && this.#openInThread({ ...record, startPositionMs: positionMs }, media, keyframes);
      }),
    );
    const failed = opened.filter(({ status }) => status === 'rejected').length;
    if (failed > 0) this.#options.log.warn({ failed }, 'sessions could not be opened in the new thread');
  }

  onWorkerEvent(event: Extract<WorkerEvent, { kind: 'session.changed' | 'session.ended' }>): void {
    const session = this.#sessions.get(event.sessionId);
    if (!session || event.kind === 'session.ended') return;
    session.status = event.status;
    session.tell({ type: 'state', state: event.status.state, rung: event.status.rungId, encodes: event.status.encodes });
  }

  /** Keeps the records: the sessions go on after a restart. */
  close(): void {
    clearInterval(this.#sweeper);
    for (const session of this.#sessions.values()) for (const listener of session.listeners) listener.close('the server is shutting down');
  }

  async #enter(priority: Priority, signal: AbortSignal): Promise<Place> {
    const place = await this.#options.admission.enter(priority, signal);
    this.#options.metrics.queueWait.observe({ priority }, place.waitMs);
    return place;
  }

  async #renewToken(session: LiveSession): Promise<string | undefined> {
    const owner = this.#options.database.users.get(session.record.userId);
    if (!owner) return undefined;
    const { token, expiresAtMs } = await this.#options.tokens.issue(session.record.id, owner, STREAM_TOKEN_MS);
    session.tokenExpiresAtMs = expiresAtMs;
    return token;
  }

  async #open(
    record: SessionRecord,
    { media, keyframes, place }: { media: Media; keyframes: KeyframeMap; place: Place | null },
  ): Promise<LiveSession> {
    const layout = this.#layouts.for(media, keyframes, record.offer);
    const session = new LiveSession(record, {
      media,
      layout,
      place,
      tokenExpiresAtMs: record.createdAtMs + STREAM_TOKEN_MS,
      nowMs: Date.now(),
    });
    this.#sessions.set(record.id, session);
    this.#options.metrics.sessions.set(this.#sessions.size);
    await this.#openInThread(record, media, keyframes);
    return session;
  }

  async #openInThread(record: SessionRecord, media: Media, keyframes: KeyframeMap): Promise<void> {
    await this.#options.workers().request('session.open', { mediaId: record.mediaId, record, media, keyframes });
  }

  /** What costs an encode begins with the session, not with the player's first request. */
  #warm(session: LiveSession): void {
    if (session.record.offer.delivery !== 'direct') this.#prefetchAt(session, session.record.startPositionMs);
  }

  #prefetchAt(session: LiveSession, positionMs: number): void {
    for (const track of [session.video ?? trackOf(session, 'video'), session.audio ?? trackOf(session, 'audio')]) {
      if (track) this.#prefetch(session, track, positionMs);
    }
  }

  #prefetch({ record, place }: LiveSession, layout: TrackLayout, positionMs: number): void {
    // A hint is no reason to take a place from somebody else.
    if (layout.rendition.kind === 'video-encode' && !place) return;
    const name = segmentIndexAt(layout.grid, positionMs);
    this.#options.segments.prefetch({ mediaId: record.mediaId, sessionId: record.id, layout, name, positionMs });
  }

  #mediaFor(mediaId: MediaId): { media: Media; keyframes: KeyframeMap } {
    const media = this.#options.database.media.get(mediaId);
    if (!media) throw new FerriteError('MEDIA_NOT_FOUND', 'there is no such media');
    const keyframes = this.#options.database.keyframeMaps.get(media);
    if (!keyframes) throw new FerriteError('MEDIA_UNREADABLE', 'the media has no keyframe map yet; scan its library again');
    return { media, keyframes };
  }

  #plan(media: Media, keyframes: KeyframeMap) {
    return buildPlan(keyframes, media.streams.video[0]?.frameRate ?? { num: 25, den: 1 }, this.#options.targetMs);
  }

  #savedPositionMs(userId: UserId, media: Media): number {
    const saved = this.#options.database.progress.get(userId, media.id);
    return saved && !saved.watched ? saved.positionMs : 0;
  }

  #sweep(nowMs: number): void {
    for (const session of this.list(({ expiresAtMs }) => expiresAtMs < nowMs)) {
      this.end(session.record.id, 'expired').catch(error =>
        this.#options.log.warn({ code: codeOf(error) }, 'a session could not be ended'),
      );
    }
  }
}

/** The track a player starts with: the first of its kind. */
function trackOf({ layout }: LiveSession, kind: 'video' | 'audio'): TrackLayout | null {
  for (const track of layout.tracks.values()) if (track.track.kind === kind) return track;
  return null;
}

/** The first whole millisecond of a segment: the one before belongs to the segment before. */
const millisecondOf = (seconds: number): number => Math.ceil(seconds * 1000 - 1e-6);

const codeOf = (error: unknown): string => (error instanceof FerriteError ? error.code : 'INTERNAL');
