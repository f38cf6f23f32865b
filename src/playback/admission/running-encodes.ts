// How far the encodes of all sessions are, as the threads report: a segment that one of them is about to bring needs no grant.
import { isAboutToReach, type Reach } from '#domain/encode-position.ts';
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey } from '#domain/rendition.ts';

export type RunningEncode = Reach & { readonly key: RenditionKey };

export class RunningEncodes {
  readonly #bySession = new Map<SessionId, readonly RunningEncode[]>();
  readonly #byKey = new Map<RenditionKey, Set<SessionId>>();

  set(sessionId: SessionId, running: readonly RunningEncode[]): void {
    for (const { key } of this.#bySession.get(sessionId) ?? []) this.#drop(key, sessionId);
    if (running.length === 0) this.#bySession.delete(sessionId);
    else this.#bySession.set(sessionId, running);
    for (const { key } of running) this.#byKey.set(key, (this.#byKey.get(key) ?? new Set()).add(sessionId));
  }

  has(sessionId: SessionId): boolean {
    return this.#bySession.has(sessionId);
  }

  /** True when the encode of another session is about to bring that segment. */
  covers(key: RenditionKey, index: number, exceptSessionId: SessionId): boolean {
    for (const sessionId of this.#byKey.get(key) ?? []) {
      if (
        sessionId !== exceptSessionId &&
        this.#bySession.get(sessionId)?.some(encode => encode.key === key && isAboutToReach(encode, index))
      )
        return true;
    }
    return false;
  }

  #drop(key: RenditionKey, sessionId: SessionId): void {
    const sessions = this.#byKey.get(key);
    sessions?.delete(sessionId);
    if (sessions?.size === 0) this.#byKey.delete(key);
  }
}
