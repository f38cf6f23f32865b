// A segment's bytes from wherever they are soonest: memory, disk, or the thread that owns the media. Everybody who wants the same one shares one wait.
import { LRUCache } from 'lru-cache';
import { segmentAddress } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId, SessionId } from '#domain/ids.ts';
import { segmentIndexAt } from '#domain/plan.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import type { RenditionKey, SegmentChunk, SegmentName } from '#domain/rendition.ts';
import { SharedWork, WaitingRoom } from '#domain/sharing/waiting.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import type { HostMessage, MediaHosts } from '#src/threads/media-hosts.ts';
import type { NewSegment, SegmentCache, SegmentFile } from '#storage/segments/cache.ts';
import type { PinnedRange } from '#storage/segments/pins.ts';
import { chunkOf, FirstChunks } from './first-chunks.ts';

type SegmentRequest = {
  readonly mediaId: MediaId;
  readonly sessionId: SessionId;
  readonly layout: TrackLayout;
  readonly name: SegmentName;
  /** Where the viewer is: an encode that is only asked for its init segment starts there. */
  readonly positionMs: number;
  /** False: rejects with GRANT_NEEDED where a new video encode would have to start. */
  readonly mayEncode: boolean;
  /** Whether a new video encode may run beside others of the session, or in their turn. */
  readonly mayRunBeside: boolean;
};

/** No client waits for a hint: in its thread a later request replaces it. */
type FetchRequest = SegmentRequest & { readonly isHint: boolean; readonly isAhead?: boolean };

type LocateRequest = Pick<SegmentRequest, 'mediaId' | 'sessionId' | 'layout'> & { readonly index: number };

/** For whom a rendition's segments are made, and which thread makes them. */
type Maker = { readonly mediaId: MediaId; readonly sessionId: SessionId; readonly segmentCount: number };

/** How many segments came from threads, and how many of them in vain: they were kept already. */
export type MadeCounts = { readonly made: number; readonly again: number };

/** False where only a hint had the segment located. */
type Located = { readonly segment: LocatedSegment; isAskedFor: boolean };

const REPLACEMENT_DEADLINE_MS = 5_000;
/** Fewer segments in a row than this are made again rather than stopped at: another encode costs more. */
const WORTH_STOPPING = 4;
/** As much as one encode may cover. */
const MAX_LOOK_AHEAD = 1_800;
const MAX_MAKERS = 10_000;
/** Some 10 KB each. */
const MAX_LOCATED = 2_000;
const MAX_COMING_INTO_MEMORY = 2;

export class Segments {
  readonly #cache: SegmentCache;
  readonly #hosts: MediaHosts;
  readonly #fetches = new SharedWork<Buffer>();
  readonly #arrivals = new WaitingRoom<Buffer>();
  readonly #firstChunks = new FirstChunks();
  /** The session that last had a segment of the rendition made: segments that the encode makes ahead count as its own. */
  readonly #makers = new LRUCache<RenditionKey, Maker>({ max: MAX_MAKERS });
  /** Copied segments that were asked for, or hinted at, lately. */
  readonly #located = new LRUCache<string, Located>({ max: MAX_LOCATED });
  #comingIntoMemory = 0;
  #made = 0;
  #madeAgain = 0;

  constructor(cache: SegmentCache, hosts: MediaHosts) {
    this.#cache = cache;
    this.#hosts = hosts;
    hosts.events.on('chunk', message => this.#begun(message));
    hosts.events.on('segment', message => this.#published(message));
  }

  /** The bytes when they are in memory: no promise. */
  hot(layout: TrackLayout, name: SegmentName): Buffer | undefined {
    return this.#cache.hot(layout.key, name);
  }

  /** A chunk of the segment for that session when it is in memory, without a promise. The first chunk may be there before the rest is made. */
  hotChunk({ key }: TrackLayout, { index, chunk }: SegmentChunk, sessionId: SessionId): Buffer | undefined {
    const at = segmentAddress(key, index);
    const whole = this.#cache.hot(key, index);
    if (!whole) return chunk === 0 ? this.#firstChunks.give(at, sessionId) : undefined;
    return chunk === 0 ? this.#firstOf(whole, at, sessionId) : this.#firstChunks.restAtOnce(at, sessionId, whole);
  }

  /** A chunk of a segment, for the session that asked for it. The first comes as soon as an encode that begins there has made it. */
  async chunkFor(sessionId: SessionId, { key }: TrackLayout, { index, chunk }: SegmentChunk, whole: Promise<Buffer>): Promise<Buffer> {
    const at = segmentAddress(key, index);
    if (chunk === 1) return this.#firstChunks.rest(at, sessionId, await whole);
    const isOver = new AbortController();
    try {
      return await Promise.race([
        whole.then(bytes => this.#firstOf(bytes, at, sessionId)),
        this.#firstChunks.wait(at, sessionId, isOver.signal),
      ]);
    } finally {
      isOver.abort();
    }
  }

  #firstOf(whole: Buffer, at: string, sessionId: SessionId): Buffer {
    this.#firstChunks.forget(at, sessionId);
    return chunkOf(whole, 0);
  }

  /** The finished file when the bytes are not in memory: no promise, no I/O; counts as a use. It may still turn out to be gone: see `dropped`. */
  onDisk(layout: TrackLayout, name: SegmentName): SegmentFile | undefined {
    return this.#cache.file(layout.key, name);
  }

  /** The file was missing, or had another size than promised: the next request has the segment made anew. */
  dropped(layout: TrackLayout, name: SegmentName): void {
    this.#cache.lose(layout.key, name);
  }

  /** Rejects with CANCELLED when `signal` aborts. The encode goes on. */
  get(request: SegmentRequest, signal: AbortSignal): Promise<Buffer> {
    const fetch = { ...request, isHint: false };
    return this.#fetches.share(fetchName(fetch), over => this.#fetch(fetch, over), signal);
  }

  /** Where a copied segment lies in its media file; no promise when it was asked for a moment ago. Only for tracks that are `isLocated`. */
  locate(request: LocateRequest, signal: AbortSignal): LocatedSegment | Promise<LocatedSegment> {
    const at = segmentAddress(request.layout.key, request.index);
    const known = this.#located.get(at);
    if (!known) return this.#locate(request, { isAskedFor: true, signal });
    if (known.isAskedFor && this.#cache.isWorthMemory(known.segment.byteLength)) this.#bringIntoMemory(request);
    known.isAskedFor = true;
    return known.segment;
  }

  async #locate(
    { mediaId, sessionId, layout, index }: LocateRequest,
    { isAskedFor, signal }: { isAskedFor: boolean; signal: AbortSignal },
  ): Promise<LocatedSegment> {
    const segment = await this.#inThread(() =>
      this.#hosts.request('segment.locate', { mediaId, sessionId, track: layout.track, index }, signal),
    );
    this.#located.set(segmentAddress(layout.key, index), { segment, isAskedFor });
    return segment;
  }

  /** For a copied segment that is asked for a second time: from memory it costs least. */
  #bringIntoMemory({ index, ...request }: LocateRequest): void {
    if (this.#comingIntoMemory >= MAX_COMING_INTO_MEMORY) return;
    this.#comingIntoMemory++;
    const ended = (): void => {
      this.#comingIntoMemory--;
    };
    this.#hint({ ...request, name: index, positionMs: 0, mayEncode: true, mayRunBeside: true }).then(ended, ended);
  }

  /** True when the segment is in memory or on disk. */
  isKept(layout: TrackLayout, name: SegmentName): boolean {
    return this.#cache.has(layout.key, name);
  }

  /** The viewer has sought to a kept segment: an encode that an earlier seek wanted, and that has not begun, is not started any more. */
  overtake({ mediaId, sessionId, layout }: Pick<SegmentRequest, 'mediaId' | 'sessionId' | 'layout'>): void {
    if (layout.isEncoded) this.#hosts.notify(mediaId, { kind: 'overtaken', sessionId, track: layout.track });
  }

  /** A hint: has the segment made although no client waits for it yet. Resolves when that has ended, also where it failed. */
  async prefetch(request: SegmentRequest): Promise<void> {
    const { layout, name } = request;
    const isLocated = layout.isLocated && name !== 'init';
    if (isLocated && this.#located.has(segmentAddress(layout.key, name))) return;
    if (!isLocated) return this.#hint(request);
    // A later request for the segment meets the same failure, and tells it.
    await this.#locate({ ...request, index: name }, { isAskedFor: false, signal: new AbortController().signal }).catch(() => undefined);
  }

  /** As `prefetch`, of a rung that nobody watches yet: only while nobody else needs the machine. */
  async prefetchAhead(request: SegmentRequest): Promise<void> {
    const fetch = { ...request, isHint: true, isAhead: true };
    await this.#fetches.hint(fetchName(fetch), over => this.#fetch(fetch, over));
  }

  /** Others need what the session's encodes of rungs take that nobody watches yet. */
  endAhead({ mediaId, sessionId }: Pick<SegmentRequest, 'mediaId' | 'sessionId'>): void {
    this.#hosts.notify(mediaId, { kind: 'ahead-ended', sessionId });
  }

  /** Pins the segments that a session is about to need: they are evicted last. An ended session has none. */
  pin(sessionId: SessionId, ranges: readonly PinnedRange[]): void {
    this.#cache.pin(sessionId, ranges);
  }

  /** Only encoded segments are kept on disk: a copy costs little, and is made again when memory has lost it. */
  get encoded(): MadeCounts {
    return { made: this.#made, again: this.#madeAgain };
  }

  /** The first chunk of a segment that is being made. A segment that is kept already stays as it is. */
  #begun({ key, index, bytes }: Extract<HostMessage, { kind: 'chunk' }>): void {
    if (!this.#cache.has(key, index)) this.#firstChunks.arrived(segmentAddress(key, index), Buffer.from(bytes));
  }

  /** A thread has finished a segment: requests that wait for it are answered in the same turn. */
  #published({ key, name, isEncoded, isBegun, isExtracted, bytes }: Extract<HostMessage, { kind: 'segment' }>): void {
    const at = segmentAddress(key, name);
    if (isBegun) this.#firstChunks.finished(at, Buffer.from(bytes));
    const wasKept = this.#cache.has(key, name);
    const made: NewSegment = {
      key,
      name,
      bytes: Buffer.from(bytes),
      keepOnDisk: isEncoded || isExtracted === true,
      owner: this.#makers.get(key)?.sessionId ?? null,
      isAwaited: this.#arrivals.isAwaited(at),
    };
    if (isEncoded && name !== 'init') this.#count(key, name, wasKept);
    // The segment is on disk from an earlier encode: its address keeps those bytes.
    if (this.#cache.isOnDiskOnly(key, name)) {
      this.#cache.cold(key, name).then(
        kept => this.#arrive(key, name, kept ?? this.#cache.put(made)),
        () => this.#arrive(key, name, this.#cache.put(made)),
      );
      return;
    }
    this.#arrive(key, name, this.#cache.put(made));
  }

  #count(key: RenditionKey, index: number, wasKept: boolean): void {
    this.#made++;
    if (!wasKept) return;
    this.#madeAgain++;
    this.#tellCovered(key, index + 1);
  }

  /** An encode has made a segment that was kept before: it ends when the following ones are kept too. */
  #tellCovered(key: RenditionKey, fromIndex: number): void {
    const maker = this.#makers.get(key);
    if (!maker) return;
    const untilIndex = fromIndex + this.#cache.keptFrom(key, fromIndex, WORTH_STOPPING);
    if (untilIndex - fromIndex < WORTH_STOPPING && untilIndex < maker.segmentCount) return;
    this.#hosts.notify(maker.mediaId, { kind: 'covered', key, fromIndex, untilIndex });
  }

  #arrive(key: RenditionKey, name: SegmentName, kept: Buffer): void {
    this.#arrivals.arrived(segmentAddress(key, name), kept);
  }

  #hint(request: SegmentRequest): Promise<void> {
    const fetch = { ...request, isHint: true };
    return this.#fetches.hint(fetchName(fetch), over => this.#fetch(fetch, over));
  }

  async #fetch(request: FetchRequest, signal: AbortSignal): Promise<Buffer> {
    const { key } = request.layout;
    const kept = await this.#cache.cold(key, request.name);
    return kept ?? this.#inThread(async () => (await this.#make(request, signal)) ?? (await this.#make(request, signal)) ?? lost());
  }

  /** Once more in the replacement of a thread that was lost meanwhile. */
  async #inThread<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof FerriteError) || error.code !== 'WORKER_LOST') throw error;
      await this.#hosts.whenReady(REPLACEMENT_DEADLINE_MS);
      return work();
    }
  }

  /** The bytes come in a message of their own, before the reply. Undefined where they were pushed out of the cache in between. */
  async #make(request: FetchRequest, signal: AbortSignal): Promise<Buffer | undefined> {
    const { mediaId, sessionId, layout, name, positionMs, isHint, isAhead = false, mayEncode, mayRunBeside } = request;
    this.#makers.set(layout.key, { mediaId, sessionId, segmentCount: layout.segmentCount });
    const arrival = this.#arrivals.enter(segmentAddress(layout.key, name), undefined);
    try {
      const reply = this.#hosts
        .request(
          'segment.prepare',
          {
            mediaId,
            sessionId,
            track: layout.track,
            name,
            positionMs,
            isHint,
            isAhead,
            mayEncode,
            mayRunBeside,
            untilIndex: this.#keptAgainAt(request),
          },
          signal,
        )
        .then(() => undefined);
      const arrived = await Promise.race([arrival.promise, reply]);
      // The reply came first where the bytes had to be read back from disk.
      return arrived ?? this.#cache.hot(layout.key, name) ?? (await this.#cache.cold(layout.key, name));
    } finally {
      arrival.leave();
    }
  }

  /** The first segment after this one at which a kept stretch begins: an encode ends there. Null when there is none. */
  #keptAgainAt({ layout, name, positionMs }: SegmentRequest): number | null {
    if (!layout.isEncoded) return null;
    const { key, grid, segmentCount } = layout;
    const first = name === 'init' ? segmentIndexAt(grid, positionMs) : name;
    const end = Math.min(segmentCount, first + MAX_LOOK_AHEAD);
    for (let index = first + 1; index < end; ) {
      const kept = this.#cache.keptFrom(key, index, WORTH_STOPPING);
      if (kept === WORTH_STOPPING || (kept > 0 && index + kept === segmentCount)) return index;
      index += kept + 1;
    }
    return null;
  }
}

function lost(): never {
  throw new FerriteError('ENCODE_STALLED', 'the segment was made, and lost before it could be sent');
}

/** A session's request moves its own encodes, so it is never answered by another's. */
const fetchName = ({ sessionId, layout, name, isHint, isAhead = false, mayEncode }: FetchRequest): string =>
  `${sessionId}/${segmentAddress(layout.key, name)}/${isHint}/${isAhead}/${mayEncode}`;
