// How long a session lives: renewed by signs of life, noted in the store for a restart, ended when nobody has been heard of for too long.
import type { ClientTime } from '#domain/catalogue/progress-rules.ts';
import type { PlaybackState } from '#domain/session.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { SavedProgress } from '#src/progress/saved-progress.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';
import type { Database } from '#storage/database.ts';
import { LEASE_MS, type LiveSession, STREAM_TOKEN_MS } from './live-session.ts';
import { codeOf, type OpenSessions } from './open-sessions.ts';
import type { PinnedAhead } from './pinned-ahead.ts';

export type LeaseOptions = {
  readonly database: Pick<Database, 'sessions' | 'users'>;
  readonly progress: Pick<SavedProgress, 'beat'>;
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

/** How far a viewer is, and when, where the player can tell: else now. */
export type Beat = ClientTime & { readonly positionMs: number; readonly state: PlaybackState };

export class Leases {
  readonly #options: LeaseOptions;
  readonly #writtenAtMs = new WeakMap<LiveSession, number>();
  readonly #savedMs = new WeakMap<LiveSession, number>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  /** Resolves when the position is stored: an acknowledged position is not lost. */
  async heartbeat(session: LiveSession, { positionMs, state, ...time }: Beat): Promise<{ expiresAtMs: number; streamToken?: string }> {
    const { database, hosts } = this.#options;
    const [nowMs, monotonicMs] = [Date.now(), performance.now()];
    const { record } = session;
    const beat = { positionMs, state };
    session.heard(beat, monotonicMs);
    hosts.notify(record.mediaId, { kind: 'heartbeat', sessionId: record.id, ...beat });
    const writes: Promise<unknown>[] = [this.#isNew(session, beat) ? this.saveProgress(session, time) : Promise.resolve()];
    if (monotonicMs - (this.#writtenAtMs.get(session) ?? Number.NEGATIVE_INFINITY) > LEASE_WRITE_INTERVAL_MS) {
      this.#writtenAtMs.set(session, monotonicMs);
      writes.push(database.sessions.put({ ...record, startPositionMs: beat.positionMs, expiresAtMs: session.expiresAtMs }));
    }
    await Promise.all(writes);
    const streamToken = session.tokenExpiresAtMs - nowMs < TOKEN_RENEWAL_MS ? await this.#renewToken(session) : undefined;
    return { expiresAtMs: session.expiresAtMs, ...(streamToken === undefined ? {} : { streamToken }) };
  }

  async saveProgress(session: LiveSession, time: ClientTime = {}): Promise<void> {
    const { record, media, positionMs } = session;
    await this.#options.progress.beat(record.userId, media, { positionMs, ...time });
    this.#savedMs.set(session, positionMs);
  }

  /** A player that was left paused stands where it stood: it must not undo what its viewer has seen elsewhere since. */
  #isNew(session: LiveSession, { positionMs, state }: { positionMs: number; state: PlaybackState }): boolean {
    return state === 'playing' || this.#savedMs.get(session) !== positionMs;
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
