// Playback sessions as the front door asks of them: started, kept by signs of life, served, moved by seeks, and ended everywhere at once.

import type { EncoderTrial } from '#domain/encoders.ts';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId, UserId } from '#domain/ids.ts';
import type { Burnable } from '#domain/protocol.ts';
import type { SeekMode, SessionEnd } from '#domain/session.ts';
import type { ReadableText } from '#domain/subtitles/tracks.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { Standing } from '#src/playback/admission/admission.ts';
import type { Capacity } from '#src/playback/admission/capacity.ts';
import { EncodeGrants } from '#src/playback/admission/encode-grants.ts';
import { LayoutCache } from '#src/playback/offer/layout.ts';
import { MediaPlans } from '#src/playback/offer/media-plans.ts';
import { OfferedEncoders, type OfferedEncodersOptions } from '#src/playback/offer/offered-encoders.ts';
import type { Segments } from '#src/playback/segments/segments.ts';
import { WantedSegments } from '#src/playback/segments/wanted-segments.ts';
import type { SavedProgress } from '#src/progress/saved-progress.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';
import type { Database } from '#storage/database.ts';
import { type Beat, Leases } from './leases.ts';
import type { LiveSession, SessionOwner } from './live-session.ts';
import { OpenSessions } from './open-sessions.ts';
import { PinnedAhead } from './pinned-ahead.ts';
import { type Landing, Seeking } from './seeking.ts';
import { SessionRecovery } from './session-recovery.ts';
import { type SessionStartOptions, SessionStarts, type StartedSession, type StartRequest, type WantedDelivery } from './session-starts.ts';

type Options = {
  readonly database: Database;
  readonly hosts: MediaHosts;
  readonly versionsOf: SessionStartOptions['versionsOf'];
  readonly progress: SavedProgress;
  readonly segments: Segments;
  readonly capacity: Capacity;
  /** Absent: x264 alone. */
  readonly encoders?: OfferedEncodersOptions;
  readonly queue: { readonly timeoutMs: number; readonly maxWaiting: number; readonly maxWaitingPerUser: number };
  readonly maxSessionsPerUser: number;
  readonly tokens: StreamTokens;
  readonly metrics: Metrics;
  readonly targetMs: number;
  readonly log: { info(facts: object, message: string): void; warn(facts: object, message: string): void };
};

const X264_ALONE: OfferedEncodersOptions = { hardware: [], codecs: [], coreSpeed: () => 1 };

export class PlaybackSessions {
  readonly #grants: EncodeGrants;
  readonly #encoders: OfferedEncoders;
  readonly #pinnedAhead: PinnedAhead;
  /** The segments that viewers of open sessions want, each with a grant where it must be encoded. */
  readonly wanted: WantedSegments;
  readonly #seeking: Seeking;
  readonly #sessions: OpenSessions;
  readonly #starts: SessionStarts;
  readonly #recovery: SessionRecovery;
  readonly #leases: Leases;
  /** Told when ffmpeg was asked. */
  canBurn: Burnable = { text: true, pictures: true };
  readable: ReadableText = { teletext: false };

  constructor(options: Options) {
    const encoders = new OfferedEncoders(options.encoders ?? X264_ALONE);
    this.#encoders = encoders;
    options.hosts.events.on('measured', ({ measurement }) => encoders.told(measurement));
    const plans = new MediaPlans(options.database);
    const layouts = new LayoutCache(rendition => encoders.deviceShareOf(rendition));
    this.#grants = new EncodeGrants({ ...options.queue, capacity: options.capacity, metrics: options.metrics });
    this.#pinnedAhead = new PinnedAhead(options.segments);
    this.wanted = new WantedSegments(options.segments, this.#grants);
    this.#seeking = new Seeking(this.wanted);
    const shared = { ...options, encoders, plans, layouts, grants: this.#grants, wanted: this.wanted, pinnedAhead: this.#pinnedAhead };
    this.#sessions = new OpenSessions(shared);
    this.#starts = new SessionStarts({
      ...shared,
      canBurn: () => this.canBurn,
      readable: () => this.readable,
      sessions: this.#sessions,
      seeking: this.#seeking,
    });
    this.#recovery = new SessionRecovery({ ...shared, sessions: this.#sessions });
    this.#leases = new Leases({ ...shared, sessions: this.#sessions });
  }

  /** What this machine's ffmpeg was found to do. */
  setColourConversion(canConvert: boolean): void {
    this.#starts.setColourConversion(canConvert);
  }

  /** From now on sessions are offered what works. */
  encodersTried(trials: readonly EncoderTrial[]): void {
    this.#encoders.tried(trials);
  }

  /** Opens again what was open when the server ended. */
  restore(): Promise<void> {
    return this.#recovery.restore();
  }

  /** @throws MEDIA_NOT_FOUND, MEDIA_UNSUPPORTED, OVERLOADED, TOO_MANY_SESSIONS */
  start(owner: SessionOwner, request: StartRequest, signal: AbortSignal): Promise<StartedSession> {
    return this.#starts.start(owner, request, signal);
  }

  /** What a start would deliver, and why. @throws MEDIA_NOT_FOUND, MEDIA_UNSUPPORTED */
  decide(request: WantedDelivery): ReturnType<SessionStarts['decide']> {
    return this.#starts.decide(request);
  }

  find(id: SessionId): LiveSession | undefined {
    return this.#sessions.find(id);
  }

  /** @throws SESSION_NOT_FOUND also for another user's session: the address tells a stranger nothing. */
  ofUser(id: SessionId, userId: UserId, isAdmin: boolean): LiveSession {
    const session = this.#sessions.find(id);
    if (!session || (session.record.userId !== userId && !isAdmin))
      throw new FerriteError('SESSION_NOT_FOUND', 'the session has ended or never was');
    return session;
  }

  list(matches: (session: LiveSession) => boolean): LiveSession[] {
    return this.#sessions.list(matches);
  }

  /** Resolves when the position is stored: an acknowledged position is not lost. */
  heartbeat(session: LiveSession, beat: Beat): Promise<{ expiresAtMs: number; streamToken?: string }> {
    return this.#leases.heartbeat(session, beat);
  }

  saveProgress(session: LiveSession): Promise<void> {
    return this.#leases.saveProgress(session);
  }

  /** The session's position in the queue for a grant; null when it does not wait. */
  standing({ record }: LiveSession): Standing | null {
    return this.#grants.standing(record.id);
  }

  /** Called when the machine was measured. */
  setCapacity(capacity: Capacity): void {
    this.#grants.setCapacity(capacity);
  }

  /** Where a seek lands, and the segment that shows it; the encode starts before the segment is asked for. */
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

  /** Ends a session everywhere, and refuses its tokens. Ending it twice is no error. */
  end(id: SessionId, reason: SessionEnd): Promise<void> {
    return this.#sessions.end(id, reason);
  }

  async endOfUser(userId: UserId): Promise<void> {
    await this.endAll(({ record }) => record.userId === userId);
  }

  /** Their viewers are told that they may not go on. */
  async endAll(matches: (session: LiveSession) => boolean): Promise<void> {
    const theirs = this.list(matches);
    for (const session of theirs) session.tell({ type: 'revoked' });
    await Promise.all(theirs.map(({ record }) => this.end(record.id, 'stopped')));
  }

  /** Keeps the records: the sessions go on after a restart. */
  close(): void {
    this.#leases.close();
    this.#seeking.close();
    this.#grants.close();
    for (const session of this.#sessions.all()) for (const listener of session.listeners) listener.close('the server is shutting down');
  }
}
