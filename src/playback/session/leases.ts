// How long a session lives: renewed by signs of life, noted in the store for a restart, ended when nobody has been heard of for too long.
import type { PlaybackState } from '#domain/session.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';
import type { Database } from '#storage/database.ts';
import { LEASE_MS, type LiveSession, STREAM_TOKEN_MS } from './live-session.ts';
import { codeOf, type OpenSessions } from './open-sessions.ts';
import type { PinnedAhead } from './pinned-ahead.ts';

export type LeaseOptions = {
  readonly database: Pick<Database, 'sessions' | 'progress' | 'users'>;
  readonly hosts: Pick<MediaHosts, 'notify'>;
  readonly sessions: OpenSessions;
  readonly pinnedAhead: PinnedAhead;
  readonly tokens: Pick<StreamTokens, 'issue'>;
  readonly log: { warn(facts: object, message: string): void };
};

/** Left over when a heartbeat brings a new stream URL. */
const TOKEN_RENEWAL_MS = 3_600_000;
const SWEEP_INTERVAL_MS = 5_000;
/** The stored lease is only for restarts: renewing it now and then is enough. */
const LEASE_WRITE_INTERVAL_MS = LEASE_MS / 3;
/** Nearer to the end than this counts as watched to the end: playing again starts at the beginning. */
const WATCHED_PART = 0.92;

export class Leases {
  readonly #options: LeaseOptions;
  readonly #writtenAtMs = new WeakMap<LiveSession, number>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  /** Resolves when the position is stored: an acknowledged position is not lost. */
  async heartbeat(
    session: LiveSession,
    beat: { positionMs: number; state: PlaybackState },
  ): Promise<{ expiresAtMs: number; streamToken?: string }> {
    const { database, hosts } = this.#options;
    const [nowMs, monotonicMs] = [Date.now(), performance.now()];
    const { record } = session;
    session.heard(beat, monotonicMs);
    hosts.notify(record.mediaId, { kind: 'heartbeat', sessionId: record.id, ...beat });
    const writes: Promise<unknown>[] = [this.saveProgress(session, nowMs)];
    if (monotonicMs - (this.#writtenAtMs.get(session) ?? Number.NEGATIVE_INFINITY) > LEASE_WRITE_INTERVAL_MS) {
      this.#writtenAtMs.set(session, monotonicMs);
      writes.push(database.sessions.put({ ...record, startPositionMs: beat.positionMs, expiresAtMs: session.expiresAtMs }));
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

  close(): void {
    clearInterval(this.#sweeper);
  }

  async #renewToken(session: LiveSession): Promise<string | undefined> {
    const { database, tokens } = this.#options;
    const owner = database.users.get(session.record.userId);
    if (!owner) return undefined;
    const { token, expiresAtMs } = await tokens.issue(session.record.id, owner, STREAM_TOKEN_MS);
    session.tokenExpiresAtMs = expiresAtMs;
    return token;
  }

  #sweep(monotonicMs: number): void {
    const { log, pinnedAhead, sessions } = this.#options;
    for (const session of sessions.all()) pinnedAhead.follow(session);
    for (const session of sessions.list(({ leaseEndsAtMs }) => leaseEndsAtMs < monotonicMs)) {
      sessions.end(session.record.id, 'expired').catch(error => log.warn({ code: codeOf(error) }, 'a session could not be ended'));
    }
  }
}
