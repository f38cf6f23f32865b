// Who waits for which segment on this thread. A published segment answers all of them at once.
import type { EncodeJob } from '#actors/effects.ts';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import { type Wait, WaitingRoom } from '#domain/sharing/waiting.ts';

/** What a session wants of one rendition. */
export type SegmentRequest = {
  readonly sessionId: SessionId;
  readonly name: SegmentName;
  /** The encode that is started for it, unless it comes from elsewhere. */
  readonly job: EncodeJob;
  /** Nobody waits behind it. */
  readonly isHint: boolean;
  /** Whether one more picture may be encoded for it, and beside others of the session or in their turn. */
  readonly mayEncode: boolean;
  readonly mayRunBeside: boolean;
};

export type SegmentWait = Wait<void, SegmentRequest & { readonly sinceMs: number }>;

/** Three stalled attempts, so that the encode's own verdict comes first. */
const WAIT_DEADLINE_MS = 60_000;
const DEADLINE = { ms: WAIT_DEADLINE_MS, error: () => new FerriteError('ENCODE_STALLED', 'the segment was not ready in time') };

export class SegmentWaits {
  readonly #room = new WaitingRoom<void, SegmentWait['note']>();

  wait(request: SegmentRequest, signal: AbortSignal): SegmentWait {
    return this.#room.enter(
      addressOf(request.job.key, request.name),
      { ...request, sinceMs: performance.now() },
      { signal, deadline: DEADLINE },
    );
  }

  published(key: RenditionKey, name: SegmentName): void {
    this.#room.arrived(addressOf(key, name), undefined);
  }

  /** Those of a session, in the order in which they came. */
  of(sessionId: SessionId): SegmentWait[] {
    return this.#room
      .all()
      .filter(({ note }) => note.sessionId === sessionId)
      .sort((a, b) => a.note.sinceMs - b.note.sinceMs);
  }

  /** Those who wait for any segment of that rendition. */
  sessionsOf(key: RenditionKey): Set<SessionId> {
    const waits = this.#room.all().filter(({ note }) => note.job.key === key);
    return new Set(waits.map(({ note }) => note.sessionId));
  }

  failSession(sessionId: SessionId, error: FerriteError): void {
    for (const wait of this.of(sessionId)) wait.reject(error);
  }

  /** How many segments are waited for. */
  get size(): number {
    return this.#room.size;
  }
}

const addressOf = (key: RenditionKey, name: SegmentName): string => `${key}/${name}`;
