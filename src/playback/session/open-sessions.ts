// The open sessions: opened and ended here, in the host of their media and in the store at once. A user may have a bounded number.
import { profileOf } from '#domain/delivery/profiles.ts';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId, UserId } from '#domain/ids.ts';
import type { SharedMedia } from '#domain/protocol.ts';
import type { SessionEnd, SessionRecord, SessionStatus } from '#domain/session.ts';
import { SharedOffers } from '#domain/sharing/shared-offers.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { EncodeGrants } from '#src/playback/admission/encode-grants.ts';
import type { LayoutCache, OwnStart } from '#src/playback/offer/layout.ts';
import type { PlannedMedia } from '#src/playback/offer/media-plans.ts';
import type { SavedProgress } from '#src/progress/saved-progress.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { HostMessage, MediaHosts } from '#src/threads/media-hosts.ts';
import type { Database } from '#storage/database.ts';
import { LiveSession, type SessionOwner, STREAM_TOKEN_MS } from './live-session.ts';
import type { PinnedAhead } from './pinned-ahead.ts';

export type OpenSessionsOptions = {
  readonly database: Pick<Database, 'sessions'>;
  readonly progress: Pick<SavedProgress, 'ended'>;
  readonly hosts: MediaHosts;
  readonly layouts: LayoutCache;
  readonly grants: EncodeGrants;
  readonly pinnedAhead: PinnedAhead;
  readonly tokens: Pick<StreamTokens, 'revokeSession'>;
  readonly metrics: Pick<Metrics, 'sessions'>;
  readonly maxSessionsPerUser: number;
  readonly log: { warn(facts: object, message: string): void };
};

/** One of the sessions that a user may have. Leaving the room twice is no error. */
export type Room = { leave(): void };

/** Longer than a thread takes to kill its encodes. */
const CLOSE_DEADLINE_MS = 10_000;

export class OpenSessions {
  readonly #options: OpenSessionsOptions;
  readonly #offers = new SharedOffers();
  readonly #sessions = new Map<SessionId, LiveSession>();
  readonly #countByUser = new Map<UserId, number>();

  constructor(options: OpenSessionsOptions) {
    this.#options = options;
    const { hosts, grants } = options;
    hosts.events.on('session.changed', message => this.#changed(message));
    grants.events.on('queue', (id, standing) => this.#sessions.get(id)?.tell({ type: 'queue', ...standing }));
  }

  find(id: SessionId): LiveSession | undefined {
    return this.#sessions.get(id);
  }

  list(matches: (session: LiveSession) => boolean): LiveSession[] {
    return [...this.#sessions.values()].filter(matches);
  }

  all(): Iterable<LiveSession> {
    return this.#sessions.values();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Room for one more, held until the session is open or `leave` is called: starts under way count as well. @throws TOO_MANY_SESSIONS */
  takeRoom({ id: userId, maxSessions }: Omit<SessionOwner, 'tokenGeneration'>): Room {
    const most = Math.min(maxSessions ?? Number.POSITIVE_INFINITY, this.#options.maxSessionsPerUser);
    if ((this.#countByUser.get(userId) ?? 0) >= most)
      throw new FerriteError(
        'TOO_MANY_SESSIONS',
        most === 0 ? 'the account may not watch' : `the account has ${most} open sessions, the most it may`,
      );
    this.#count(userId, 1);
    let isHeld = true;
    return {
      leave: () => {
        if (isHeld) this.#count(userId, -1);
        isHeld = false;
      },
    };
  }

  /** Without a room: a session that was open before the server's restart. It is opened however many its user has. */
  async open(record: SessionRecord, planned: PlannedMedia, room?: Room): Promise<LiveSession> {
    const layout = this.#options.layouts.for(planned, record.offer, ownStartOf(record));
    const session = new LiveSession(
      { ...record, offer: this.#offers.share(record.offer) },
      {
        media: planned.media,
        keyframes: planned.keyframes,
        layout,
        tokenExpiresAtMs: record.createdAtMs + STREAM_TOKEN_MS,
        monotonicMs: performance.now(),
      },
    );
    this.#sessions.set(record.id, session);
    this.#count(record.userId, 1);
    room?.leave();
    this.#options.metrics.sessions.set(this.#sessions.size);
    await this.openInHost(record, planned, 'told');
    return session;
  }

  /** Most often the host knows the media by another session. Where it does not, or has forgotten, it is told now. */
  async openInHost(record: SessionRecord, { media, keyframes }: PlannedMedia, knows: 'told' | 'untold'): Promise<void> {
    const open = (shared: SharedMedia | null): Promise<{ isOpen: boolean }> =>
      this.#options.hosts.request('session.open', { mediaId: record.mediaId, record, shared });
    const { isOpen } = await open(knows === 'told' ? null : { media, keyframes });
    // The session may have ended meanwhile.
    if (!isOpen && this.#sessions.has(record.id)) await open({ media, keyframes });
  }

  /** `status` is null when the session's host is gone, and every encode with it. */
  setStatus(session: LiveSession, status: SessionStatus | null): void {
    session.status = status;
    const { id: sessionId, userId, priority } = session.record;
    this.#options.grants.encoding({ sessionId, userId, priority }, session.videoEncodes());
  }

  /**
   * Ends a session here, in its host and in the store. Ending it twice is no error. The tokens of an expired session are not refused:
   * they open nothing any more, and a request with one is answered with SESSION_EXPIRED.
   */
  async end(id: SessionId, reason: SessionEnd): Promise<void> {
    const session = this.#sessions.get(id);
    if (!session) return;
    const { database, progress, hosts, grants, pinnedAhead, tokens, log } = this.#options;
    const { mediaId, userId } = session.record;
    this.forget(session.record);
    session.ended(reason);
    pinnedAhead.drop(session);
    grants.leave(id);
    session.tell({ type: 'state', state: reason });
    for (const listener of session.listeners) listener.close(reason);
    await Promise.all([
      database.sessions.remove(id),
      session.hasMoved ? progress.ended(userId, session.media, session.positionMs) : undefined,
      reason === 'expired' ? undefined : tokens.revokeSession(id),
      hosts
        .request('session.close', { mediaId, sessionId: id, reason }, AbortSignal.timeout(CLOSE_DEADLINE_MS))
        // A lost host has lost the session too.
        .catch(error => log.warn({ code: codeOf(error) }, 'a session host did not close a session')),
    ]);
  }

  /** Removes the session here only: the host and the store are the caller's. */
  forget({ id, userId }: SessionRecord): void {
    if (!this.#sessions.delete(id)) return;
    this.#count(userId, -1);
    this.#options.metrics.sessions.set(this.#sessions.size);
  }

  #count(userId: UserId, change: number): void {
    const count = (this.#countByUser.get(userId) ?? 0) + change;
    if (count > 0) this.#countByUser.set(userId, count);
    else this.#countByUser.delete(userId);
  }

  #changed({ sessionId, status }: Extract<HostMessage, { kind: 'session.changed' }>): void {
    const session = this.#sessions.get(sessionId);
    if (!session) return;
    this.setStatus(session, status);
    session.tell({ type: 'state', state: session.shownState, rung: status.rungId, encodes: status.encodes });
  }
}

/** A player that is given the session's answer seeks by itself; one that knows an address alone is told by its playlist. */
const ownStartOf = ({ splitIndex, profile, startPositionMs }: SessionRecord): OwnStart => ({
  splitIndex,
  startS: profileOf(profile).isToldByPlaylist && startPositionMs > 0 ? startPositionMs / 1000 : null,
});

export const codeOf = (error: unknown): string => (error instanceof FerriteError ? error.code : 'INTERNAL');
