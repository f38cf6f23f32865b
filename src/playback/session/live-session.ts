// The front door's state of one open session: enough to answer its stream requests without a message to a thread.
import { directoryOfEncode } from '#domain/addresses.ts';
import type { ProfileName } from '#domain/delivery/profiles.ts';
import { FerriteError } from '#domain/errors.ts';
import type { KeyframeMap, Media, User } from '#domain/media.ts';
import type { SegmentName } from '#domain/rendition.ts';
import type { PlaybackState, SessionEnd, SessionRecord, SessionStatus } from '#domain/session.ts';
import { sourceOffsetMs } from '#domain/subtitles/clock.ts';
import type { RunningEncode } from '#src/playback/admission/running-encodes.ts';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import type { LadderLimit } from '#src/playback/segments/ladder-limits.ts';

/** The messages to a control connection. */
export type SessionListener = { send(message: { readonly type: string } & Record<string, unknown>): void; close(reason: string): void };

export class LiveSession {
  readonly record: SessionRecord;
  readonly media: Media;
  readonly layout: SessionLayout;
  /** Of subtitles, by where they lie. */
  readonly sourceOffsetsMs: { readonly stream: number; readonly file: number };
  readonly profile: ProfileName;
  readonly listeners = new Set<SessionListener>();
  /** Callbacks of work that ends with the session, such as a request that waits for a segment; null while there is none. */
  #onEnded: Set<(error: FerriteError) => void> | null = null;
  /** For a session that was opened before its turn to encode: the stream token that its viewer gets when the turn comes. */
  #queuedToken: string | null = null;
  #isQueued = false;
  #ladderLimit: LadderLimit = null;
  /** When the newest stream URL stops working. */
  tokenExpiresAtMs: number;
  status: SessionStatus | null = null;
  positionMs: number;
  state: PlaybackState = 'buffering';
  /** The video rung and audio track last asked for. */
  video: TrackLayout | null = null;
  audio: TrackLayout | null = null;
  /** The segment of each that was last asked for. */
  readonly lastSent: Record<'video' | 'audio', SegmentName | null> = { video: null, audio: null };
  loadedUntilMs: number | null = null;
  /** On the monotonic clock: a corrected time of day must not end a session. */
  #lastSeenAtMs: number;
  /** How long silence is borne: a heartbeat shortens it to three beats, a stream request of a plain player lengthens it. */
  #patienceMs = LEASE_MS;
  #hasHeartbeat = false;

  constructor(
    record: SessionRecord,
    parts: { media: Media; keyframes: KeyframeMap; layout: SessionLayout; tokenExpiresAtMs: number; monotonicMs: number },
  ) {
    this.record = record;
    this.media = parts.media;
    this.layout = parts.layout;
    this.sourceOffsetsMs = {
      stream: sourceOffsetMs(parts.keyframes, { isExternal: false }),
      file: sourceOffsetMs(parts.keyframes, { isExternal: true }),
    };
    this.profile = record.profile;
    this.tokenExpiresAtMs = parts.tokenExpiresAtMs;
    this.positionMs = record.startPositionMs;
    this.#lastSeenAtMs = parts.monotonicMs;
  }

  /** Any request is a sign of life. */
  seen(monotonicMs: number): void {
    this.#lastSeenAtMs = monotonicMs;
    if (!this.#hasHeartbeat) this.#patienceMs = SILENT_LEASE_MS;
  }

  heard(beat: { positionMs: number; state: PlaybackState }, monotonicMs: number): void {
    this.positionMs = beat.positionMs;
    this.state = beat.state;
    this.#hasHeartbeat = true;
    this.#patienceMs = LEASE_MS;
    this.seen(monotonicMs);
  }

  /** Its player has told a place other than where it began. */
  get hasMoved(): boolean {
    return this.positionMs !== this.record.startPositionMs;
  }

  /** A control connection tells when its player goes away, so it stands for heartbeats. */
  attach(listener: SessionListener, monotonicMs: number): void {
    this.listeners.add(listener);
    this.#hasHeartbeat = true;
    this.#patienceMs = LEASE_MS;
    this.#lastSeenAtMs = monotonicMs;
  }

  detach(listener: SessionListener): void {
    this.listeners.delete(listener);
  }

  /** Calls `listener` when the session ends, with the error for its requests. Returns a function that ends the subscription. */
  whenEnded(listener: (error: FerriteError) => void): () => void {
    const listeners = this.#onEnded ?? new Set();
    this.#onEnded = listeners;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#onEnded === listeners) this.#onEnded = null;
    };
  }

  /** To be called once, when the session has ended. */
  ended(reason: SessionEnd): void {
    for (const listener of this.#onEnded ?? []) listener(endedBy(reason));
    this.#onEnded = null;
  }

  /** The session was opened before its turn to encode: its viewer is given `token` when the turn comes. */
  queue(token: string): void {
    this.#queuedToken = token;
    this.#isQueued = true;
  }

  unqueue(): void {
    this.#isQueued = false;
    this.tell({ type: 'state', state: this.shownState });
  }

  get isQueued(): boolean {
    return this.#isQueued;
  }

  /** The token for a session that was opened before its turn to encode, once the turn has come. */
  get arrivedToken(): string | null {
    return this.#isQueued ? null : this.#queuedToken;
  }

  get shownState(): string {
    return this.#isQueued ? 'queued' : (this.status?.state ?? 'ready');
  }

  /** The session's picture encodes, as its thread told last. */
  videoEncodes(): (RunningEncode & { readonly work: number })[] {
    return (this.status?.encodes ?? []).flatMap(({ rendition: slot, nextIndex, reachIndex }) => {
      const track = this.layout.tracks.get(directoryOfEncode(slot));
      return track?.rendition.kind === 'video-encode' ? [{ key: track.key, work: track.work, nextIndex, reachIndex }] : [];
    });
  }

  /** The rung above which its player had better not go for now. */
  get ladderLimit(): LadderLimit {
    return this.#ladderLimit;
  }

  limitLadder(limit: LadderLimit): void {
    this.#ladderLimit = limit;
    this.tell({ type: 'ladder' });
  }

  /** On the monotonic clock. */
  get leaseEndsAtMs(): number {
    return this.#lastSeenAtMs + this.#patienceMs;
  }

  /** The time of day when the lease ends, as far as that can be told. */
  get expiresAtMs(): number {
    return Math.round(Date.now() + this.leaseEndsAtMs - performance.now());
  }

  tell(message: { readonly type: string } & Record<string, unknown>): void {
    for (const listener of this.listeners) listener.send(message);
  }
}

/** The error for a request that comes after the session's end. */
export const endedBy = (reason: SessionEnd): FerriteError =>
  reason === 'expired'
    ? new FerriteError('SESSION_EXPIRED', 'nothing was heard of the session for too long')
    : new FerriteError('TOKEN_REVOKED', 'the session has ended');

export const STREAM_TOKEN_MS = 24 * 3_600_000;

export const HEARTBEAT_INTERVAL_MS = 10_000;

/** Three heartbeats may be lost. */
export const LEASE_MS = 45_000;

/** A plain HLS player never sends a heartbeat, and asks for nothing while it is paused. */
const SILENT_LEASE_MS = 15 * 60_000;

/** `maxSessions`: the owner's own limit; null or absent: the server's. */
export type SessionOwner = Pick<User, 'id' | 'tokenGeneration'> & { readonly maxSessions?: number | null };
