// The requests that wait for segments on this thread. A published segment answers all its requests at once.
import type { EncodeJob } from '#actors/effects.ts';
import { segmentAddress } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import { type Wait, WaitingRoom } from '#domain/sharing/waiting.ts';

/** A segment that a session asks for. */
export type SegmentRequest = {
  readonly sessionId: SessionId;
  readonly name: SegmentName;
  /** The encode that is started for the segment, unless another one brings it. */
  readonly job: EncodeJob;
  /** No client waits for the segment. */
  readonly isHint: boolean;
  /** A hint at a rung that nobody watches yet. */
  readonly isAhead: boolean;
  /** Whether one more picture may be encoded, and whether beside the others of the session or in turn with them. */
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
      segmentAddress(request.job.key, request.name),
      { ...request, sinceMs: performance.now() },
      { signal, deadline: DEADLINE },
    );
  }

  published(key: RenditionKey, name: SegmentName): void {
    this.#room.arrived(segmentAddress(key, name), undefined);
  }

  /** The waits of a session, in the order in which they came. */
  of(sessionId: SessionId): SegmentWait[] {
    return this.#room
      .all()
      .filter(({ note }) => note.sessionId === sessionId)
      .sort((a, b) => a.note.sinceMs - b.note.sinceMs);
  }

  /** The sessions that wait for any segment of that rendition. */
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
