// What the front door keeps of one open session: enough to answer its stream requests without asking anybody.
import type { ProfileName } from '#domain/client-profile.ts';
import type { Media, User } from '#domain/media.ts';
import type { PlaybackState, SessionRecord, SessionStatus } from '#domain/session.ts';
import type { Place } from './admission.ts';
import type { StreamLayout, TrackLayout } from './layout.ts';

/** What a control connection is told. */
export type SessionListener = { send(message: { readonly type: string } & Record<string, unknown>): void; close(reason: string): void };

export class LiveSession {
  readonly record: SessionRecord;
  readonly media: Media;
  readonly layout: StreamLayout;
  readonly profile: ProfileName;
  readonly listeners = new Set<SessionListener>();
  /** Its place among the transcodes, once it has one; given back when it ends. */
  place: Place | null;
  /** The wait for a place, shared by all requests of the session. */
  admission: Promise<void> | null = null;
  /** When the newest stream URL stops working. */
  tokenExpiresAtMs: number;
  status: SessionStatus | null = null;
  positionMs: number;
  state: PlaybackState = 'buffering';
  /** The video rung and audio track last asked for. */
  video: TrackLayout | null = null;
  audio: TrackLayout | null = null;
  #lastSeenAtMs: number;
  /** How long silence is borne: a heartbeat shortens it to three beats, a stream request of a plain player lengthens it. */
  #patienceMs = LEASE_MS;
  #hasHeartbeat = false;

  constructor(
    record: SessionRecord,
    parts: { media: Media; layout: StreamLayout; place: Place | null; tokenExpiresAtMs: number; nowMs: number },
  ) {
    this.record = record;
    this.media = parts.media;
    this.layout = parts.layout;
    this.profile = record.profile;
    this.place = parts.place;
    this.tokenExpiresAtMs = parts.tokenExpiresAtMs;
    this.positionMs = record.startPositionMs;
    this.#lastSeenAtMs = parts.nowMs;
  }

  /** Any request is a sign of life. */
  seen(nowMs: number): void {
    this.#lastSeenAtMs = nowMs;
    if (!this.#hasHeartbeat) this.#patienceMs = SILENT_LEASE_MS;
  }

  heard(beat: { positionMs: number; state: PlaybackState }, nowMs: number): void {
    this.positionMs = beat.positionMs;
    this.state = beat.state;
    this.#hasHeartbeat = true;
    this.#patienceMs = LEASE_MS;
    this.seen(nowMs);
  }

  /** A control connection tells when its player goes away, so it stands for heartbeats. */
  attach(listener: SessionListener, nowMs: number): void {
    this.listeners.add(listener);
    this.#hasHeartbeat = true;
    this.#patienceMs = LEASE_MS;
    this.#lastSeenAtMs = nowMs;
  }

  detach(listener: SessionListener): void {
    this.listeners.delete(listener);
  }

  get expiresAtMs(): number {
    return this.#lastSeenAtMs + this.#patienceMs;
  }

  tell(message: { readonly type: string } & Record<string, unknown>): void {
    for (const listener of this.listeners) listener.send(message);
  }
}

export const HEARTBEAT_INTERVAL_MS = 10_000;

/** Three heartbeats may be lost. */
export const LEASE_MS = 45_000;

/** A plain HLS player never sends a heartbeat, and asks for nothing while it is paused. */
const SILENT_LEASE_MS = 15 * 60_000;

export type SessionOwner = Pick<User, 'id' | 'tokenGeneration'>;
