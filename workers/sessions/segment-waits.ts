// Who waits for which segment on this thread. A published segment answers all of them at once.
import { FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';

type Wait = {
  readonly key: RenditionKey;
  readonly name: SegmentName;
  readonly sessionId: SessionId;
  /** Asks the session's actor again, when what was waited for will not come from where it was expected. */
  readonly ask: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

/** Three stalled attempts, so that the encode's own verdict comes first. */
const WAIT_DEADLINE_MS = 60_000;

export class SegmentWaits {
  readonly #waits = new Map<string, Set<Wait>>();

  /** Resolves when that segment is published, after `ask` was called to have it made. */
  wait(sessionId: SessionId, key: RenditionKey, name: SegmentName, ask: () => void, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const id = `${key}/${name}`;
    const waits = this.#waits.get(id) ?? new Set<Wait>();
    // At once, not when the promise is looked at: what has ended must not ask for another encode in the same turn.
    const end = (): void => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
      waits.delete(wait);
      if (waits.size === 0 && this.#waits.get(id) === waits) this.#waits.delete(id);
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const succeed = (): void => {
      end();
      resolve();
    };
    const askOrFail = (): void => {
      try {
        ask();
      } catch (error) {
        fail(error);
      }
    };
    const wait: Wait = { key, name, sessionId, ask: askOrFail, resolve: succeed, reject: fail };
    const onAbort = (): void => fail(new FerriteError('CANCELLED', 'the client went away'));
    const deadline = setTimeout(() => fail(new FerriteError('ENCODE_STALLED', 'the segment was not ready in time')), WAIT_DEADLINE_MS);
    waits.add(wait);
    this.#waits.set(id, waits);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    if (!signal.aborted) askOrFail();
    return promise;
  }

  published(key: RenditionKey, name: SegmentName): void {
    for (const wait of this.#waits.get(`${key}/${name}`) ?? []) wait.resolve();
  }

  /** The session's own encode starts somewhere else now: its waits for segments outside that reach end. */
  failOutside(sessionId: SessionId, key: RenditionKey, reach: { from: number; to: number }, error: FerriteError): void {
    for (const wait of this.#of(key)) {
      if (wait.sessionId === sessionId && wait.name !== 'init' && (wait.name < reach.from || wait.name > reach.to)) wait.reject(error);
    }
  }

  /** The session's own encode gave up, or nobody watches that rung any more: its waits on that rendition end. */
  fail(sessionId: SessionId, key: RenditionKey, error: FerriteError): void {
    for (const wait of this.#of(key)) if (wait.sessionId === sessionId) wait.reject(error);
  }

  /** An encode ended: those who hoped for it have the segment made anew. */
  askAgain(key: RenditionKey, exceptSessionId?: SessionId): void {
    for (const wait of this.#of(key)) if (wait.sessionId !== exceptSessionId) wait.ask();
  }

  failSession(sessionId: SessionId, error: FerriteError): void {
    for (const waits of this.#waits.values()) for (const wait of waits) if (wait.sessionId === sessionId) wait.reject(error);
  }

  /** True when the session waits for a segment of that rendition, whether or not anybody waits behind it. */
  isWaiting(sessionId: SessionId, key: RenditionKey): boolean {
    return this.#of(key).some(wait => wait.sessionId === sessionId && wait.name !== 'init');
  }

  get size(): number {
    return this.#waits.size;
  }

  #of(key: RenditionKey): Wait[] {
    return [...this.#waits.values()].flatMap(waits => [...waits].filter(wait => wait.key === key));
  }
}
