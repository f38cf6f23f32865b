// A segment's bytes from wherever they are soonest: memory, disk, or the thread that owns the media. Everybody who wants the same one shares one wait.
import { FerriteError } from '#domain/errors.ts';
import type { MediaId, SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { SegmentCache } from '#storage/segment-cache.ts';
import type { WorkerEvent, WorkerPool } from '../worker-pool.ts';
import type { TrackLayout } from './layout.ts';

type Wish = {
  readonly mediaId: MediaId;
  readonly sessionId: SessionId;
  readonly layout: TrackLayout;
  readonly name: SegmentName;
  /** Where the viewer is: an encode that is only asked for its init segment starts there. */
  readonly positionMs: number;
};

type Wait = { readonly promise: Promise<Buffer>; readonly abort: AbortController; waiting: number };

const REPLACEMENT_DEADLINE_MS = 5_000;

export class Segments {
  readonly #cache: SegmentCache;
  readonly #workers: () => WorkerPool;
  /** By address and session: a session's wish moves its own encodes, so it is never answered by another's. */
  readonly #waits = new Map<string, Wait>();
  readonly #arrivals = new Map<string, Set<(bytes: Buffer) => void>>();

  constructor(cache: SegmentCache, workers: () => WorkerPool) {
    this.#cache = cache;
    this.#workers = workers;
  }

  /** The bytes when they are in memory: no promise. */
  hot(layout: TrackLayout, name: SegmentName): Buffer | undefined {
    return this.#cache.hot(layout.key, name);
  }

  /** Rejects with CANCELLED when `signal` aborts. The encode goes on: others may want what it makes. */
  get(wish: Wish, signal: AbortSignal): Promise<Buffer> {
    const wait = this.#share(wish);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    wait.waiting++;
    const onAbort = (): void => {
      if (--wait.waiting === 0) wait.abort.abort();
      reject(new FerriteError('CANCELLED', 'the client went away'));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    wait.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    return promise;
  }

  /** Has it made without anybody waiting: a hint that it will be asked for. */
  prefetch(wish: Wish): void {
    if (this.#cache.has(wish.layout.key, wish.name)) return;
    // Whoever asks for it later meets the same failure, and is told.
    this.#share(wish).promise.catch(() => undefined);
  }

  /** A thread has finished a segment: whoever waits has it in the same turn. */
  published({ key, name, isEncoded, bytes }: Extract<WorkerEvent, { kind: 'segment' }>): void {
    const made = Buffer.from(bytes);
    // Made again although an earlier one is on disk: the address keeps the bytes it had.
    if (this.#cache.isOnDiskOnly(key, name)) {
      void this.#cache.cold(key, name).then(kept => this.#arrive(key, name, kept ?? this.#cache.put(key, name, made, isEncoded)));
      return;
    }
    this.#arrive(key, name, this.#cache.put(key, name, made, isEncoded));
  }

  #arrive(key: RenditionKey, name: SegmentName, kept: Buffer): void {
    const at = address(key, name);
    const arrivals = this.#arrivals.get(at);
    this.#arrivals.delete(at);
    for (const arrive of arrivals ?? []) arrive(kept);
  }

  #share(wish: Wish): Wait {
    const id = `${wish.sessionId}/${address(wish.layout.key, wish.name)}`;
    const running = this.#waits.get(id);
    if (running && !running.abort.signal.aborted) return running;
    const abort = new AbortController();
    const promise = this.#fetch(wish, abort.signal).finally(() => {
      if (this.#waits.get(id)?.abort === abort) this.#waits.delete(id);
    });
    const wait = { promise, abort, waiting: 0 };
    this.#waits.set(id, wait);
    return wait;
  }

  async #fetch(wish: Wish, signal: AbortSignal): Promise<Buffer> {
    const { key } = wish.layout;
    const kept = await this.#cache.cold(key, wish.name);
    if (kept) return kept;
    try {
      return await this.#make(wish, signal);
    } catch (error) {
      if (!(error instanceof FerriteError) || error.code !== 'WORKER_LOST') throw error;
      await this.#workers().whenReady(REPLACEMENT_DEADLINE_MS);
      return this.#make(wish, signal);
    }
  }

  /** The bytes come in a message of their own, before the reply. */
  async #make({ mediaId, sessionId, layout, name, positionMs }: Wish, signal: AbortSignal): Promise<Buffer> {
    const at = address(layout.key, name);
    const arrival = Promise.withResolvers<Buffer>();
    const arrivals = this.#arrivals.get(at) ?? new Set();
    arrivals.add(arrival.resolve);
    this.#arrivals.set(at, arrivals);
    try {
      const reply = this.#workers()
        .request('segment.prepare', { mediaId, sessionId, track: layout.track, name, positionMs }, signal)
        .then(() => undefined);
      const arrived = await Promise.race([arrival.promise, reply]);
      // The reply came first where the bytes had to be read back from disk.
      const bytes = arrived ?? this.#cache.hot(layout.key, name) ?? (await this.#cache.cold(layout.key, name));
      if (!bytes) throw new FerriteError('ENCODE_STALLED', 'the segment was made, and lost before it could be sent');
      return bytes;
    } finally {
      arrivals.delete(arrival.resolve);
      if (arrivals.size === 0 && this.#arrivals.get(at) === arrivals) this.#arrivals.delete(at);
    }
  }
}

const address = (key: RenditionKey, name: SegmentName): string => `${key}/${name}`;
