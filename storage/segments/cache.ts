// Finished segments: in memory while they are watched, on disk under a byte cap where making them again would cost an encode. The least recently used segment is evicted first.
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { SegmentIndexRepository } from '#storage/records/segment-index.ts';
import { SegmentDisk } from './disk.ts';
import type { DiskState } from './disk-health.ts';
import { aKeptSegment, type KeptSegment } from './kept-segment.ts';
import { type PinnedRange, SegmentPins } from './pins.ts';
import { SessionShares } from './session-shares.ts';
import { CacheTier } from './tier.ts';

export type SegmentCacheOptions = {
  readonly dir: string;
  readonly maxDiskBytes: number;
  readonly maxMemoryBytes: number;
  readonly index: SegmentIndexRepository;
  readonly log: { warn(facts: object, message: string): void };
  /** A clock that never goes back. */
  readonly monotonicMs: () => number;
};

/** A finished segment's file. */
export type SegmentFile = { readonly path: string; readonly byteLength: number };

export type NewSegment = {
  readonly key: RenditionKey;
  readonly name: SegmentName;
  readonly bytes: Buffer;
  readonly keepOnDisk: boolean;
  /** The session that the segment was made for; null when no single session asked for it. */
  readonly owner: SessionId | null;
  /** A session gets these bytes now, which counts as a use. */
  readonly isAwaited: boolean;
};

/** Sums since the start, and bytes as they are now. */
export type SegmentCacheFacts = {
  readonly memory: TierFacts;
  readonly disk: TierFacts;
  /** In memory only until the disk has them; those that are in the memory tier too are counted in both. */
  readonly unwrittenBytes: number;
  readonly misses: number;
  readonly diskState: DiskState;
};
type TierFacts = { readonly bytes: number; readonly pinnedBytes: number; readonly hits: number; readonly evictions: number };

/** The part of the memory tier that one session alone may fill: beyond it, its own segments are evicted first. */
const SHARE_PART = 0.25;
/** A file that is asked for twice within this comes into memory. */
const WARM_WITHIN_MS = 60_000;
/** A segment unused for this long may be evicted for a file that is read again. */
const IDLE_MS = 10_000;
/** At most so many segments are queued to be read into memory; one that finds the queue full is queued by its next request. */
const MAX_WARMING = 16;

export class SegmentCache {
  readonly #options: SegmentCacheOptions;
  readonly #segments = new Map<RenditionKey, Map<SegmentName, KeptSegment>>();
  readonly #memory: CacheTier<KeptSegment>;
  readonly #disk: SegmentDisk;
  readonly #shares: SessionShares;
  readonly #pins: SegmentPins;
  readonly #toWarm = new Set<KeptSegment>();
  #warming: Promise<void> | null = null;
  #memoryHits = 0;
  #diskHits = 0;
  #misses = 0;
  /** When the clock was looked at: too dear for every hit in memory. */
  #lookedAtMs = 0;
  #memoryEvictions = 0;

  static async open(options: SegmentCacheOptions): Promise<SegmentCache> {
    const cache = new SegmentCache(options);
    await cache.#disk.open(({ rendition, name, byteLength, lastUsedAtMs }) => {
      const segment = aKeptSegment(rendition, name, byteLength, null);
      segment.lastUsedAtMs = lastUsedAtMs;
      return cache.#note(segment);
    });
    return cache;
  }

  private constructor(options: SegmentCacheOptions) {
    this.#options = options;
    this.#memory = new CacheTier(options.maxMemoryBytes);
    this.#shares = new SessionShares(options.maxMemoryBytes * SHARE_PART);
    this.#pins = new SegmentPins((key, name, isPinned) => this.#repin(this.#find(key, name), isPinned));
    this.#disk = new SegmentDisk({
      ...options,
      maxBytes: options.maxDiskBytes,
      isPinned: ({ key, name }) => this.#pins.has(key, name),
      onGone: segment => this.#forgetIfGone(segment),
    });
  }

  /** The bytes when they are in memory: no promise, no file. */
  hot(key: RenditionKey, name: SegmentName): Buffer | undefined {
    const segment = this.#find(key, name);
    const bytes = segment?.bytes ?? segment?.unwritten;
    if (!segment || !bytes) return undefined;
    this.#memoryHits++;
    this.#use(segment);
    this.#remember(segment, bytes);
    return bytes;
  }

  /** The file of a segment that is on disk: no I/O. */
  file(key: RenditionKey, name: SegmentName): SegmentFile | undefined {
    const segment = this.#find(key, name);
    if (!segment?.diskEntry) return undefined;
    this.#diskHits++;
    const nowMs = this.#look();
    this.#use(segment);
    if (nowMs - segment.fileUsedAtMs < WARM_WITHIN_MS && this.isWorthMemory(segment.byteLength)) this.#warm(segment);
    segment.fileUsedAtMs = nowMs;
    return { path: this.#disk.pathOf(segment), byteLength: segment.byteLength };
  }

  /** The segment's bytes from memory or disk; those from disk are put into memory. Undefined when the segment is in neither. */
  async cold(key: RenditionKey, name: SegmentName): Promise<Buffer | undefined> {
    const segment = this.#find(key, name);
    const hot = this.hot(key, name);
    if (hot) return hot;
    const bytes = segment && (await this.#disk.read(segment));
    if (!bytes) {
      this.#misses++;
      return undefined;
    }
    this.#diskHits++;
    // Another request may have read the segment into memory meanwhile.
    if (segment.bytes) return segment.bytes;
    if (segment.diskEntry) {
      this.#use(segment);
      this.#remember(segment, bytes);
    }
    return bytes;
  }

  /** The segment's file is missing or has changed: the cache forgets it. */
  lose(key: RenditionKey, name: SegmentName): void {
    const segment = this.#find(key, name);
    if (segment) this.#disk.lose(segment);
  }

  has(key: RenditionKey, name: SegmentName): boolean {
    return this.#find(key, name) !== undefined;
  }

  isOnDiskOnly(key: RenditionKey, name: SegmentName): boolean {
    const segment = this.#find(key, name);
    return segment !== undefined && !segment.bytes && !segment.unwritten;
  }

  /** How many consecutive segments from `index` on are kept, counted up to `atMost`. */
  keptFrom(key: RenditionKey, index: number, atMost: number): number {
    const segments = this.#segments.get(key);
    let count = 0;
    while (count < atMost && segments?.has(index + count)) count++;
    return count;
  }

  /** The first bytes published for an address stay: its URL gives the same bytes for as long as they are kept. */
  put({ key, name, bytes, keepOnDisk, owner, isAwaited }: NewSegment): Buffer {
    const known = this.#find(key, name);
    const before = known?.bytes ?? known?.unwritten;
    if (known && before) {
      if (isAwaited) this.#use(known);
      this.#remember(known, before);
      return before;
    }
    // A segment that is only on disk is read back by the next request for it.
    if (known) return bytes;
    const segment = this.#note(aKeptSegment(key, name, bytes.byteLength, owner));
    if (isAwaited) this.#use(segment);
    this.#remember(segment, bytes);
    if (keepOnDisk) this.#disk.keep(segment, bytes);
    this.#forgetIfGone(segment);
    return bytes;
  }

  /**
   * Whether a segment that can be read elsewhere too is worth memory: where there is room, or where the segment to evict was unused for a while.
   * Segments read in turn, more of them than memory holds, would evict each other for nothing.
   */
  isWorthMemory(byteLength: number): boolean {
    const { maxBytes, byteLength: taken, victim } = this.#memory;
    if (byteLength > maxBytes) return false;
    return taken + byteLength <= maxBytes || victim === undefined || this.#look() - victim.usedAtMs > IDLE_MS;
  }

  /** The segments that the session is about to need are evicted last. Replaces the session's earlier ranges. */
  pin(sessionId: SessionId, ranges: readonly PinnedRange[]): void {
    this.#pins.set(sessionId, ranges);
  }

  get memoryBytes(): number {
    return this.#memory.byteLength;
  }

  get diskBytes(): number {
    return this.#disk.byteLength;
  }

  get facts(): SegmentCacheFacts {
    const [memory, disk] = [this.#memory, this.#disk];
    return {
      memory: { bytes: memory.byteLength, pinnedBytes: memory.pinnedBytes, hits: this.#memoryHits, evictions: this.#memoryEvictions },
      disk: { bytes: disk.byteLength, pinnedBytes: disk.tier.pinnedBytes, hits: this.#diskHits, evictions: disk.evictions },
      unwrittenBytes: disk.unwrittenBytes,
      misses: this.#misses,
      diskState: disk.state,
    };
  }

  /** Resolves when no read into memory is running, and the disk has every change. */
  async close(): Promise<void> {
    this.#toWarm.clear();
    await this.#warming;
    await this.#disk.close();
  }

  #look(): number {
    this.#lookedAtMs = this.#options.monotonicMs();
    return this.#lookedAtMs;
  }

  #find(key: RenditionKey, name: SegmentName): KeptSegment | undefined {
    return this.#segments.get(key)?.get(name);
  }

  #note(segment: KeptSegment): KeptSegment {
    const segments = this.#segments.get(segment.key) ?? new Map<SegmentName, KeptSegment>();
    this.#segments.set(segment.key, segments.set(segment.name, segment));
    return segment;
  }

  /** Memory and disk have one notion of use. A segment that was used twice leaves its session's share. */
  #use(segment: KeptSegment): void {
    segment.uses++;
    segment.usedAtMs = this.#lookedAtMs;
    if (segment.uses > 1) this.#shares.release(segment);
    if (segment.memoryEntry) this.#memory.use(segment.memoryEntry);
    this.#disk.use(segment);
  }

  #remember(segment: KeptSegment, bytes: Buffer): void {
    const { byteLength, uses, owner } = segment;
    if (segment.bytes || byteLength > this.#memory.maxBytes) return;
    while (this.#memory.byteLength + byteLength > this.#memory.maxBytes) {
      const victim = this.#shares.surplusOf(owner, other => !this.#isPinned(other)) ?? this.#memory.victim;
      if (!victim) return;
      this.#memoryEvictions++;
      this.#release(victim);
    }
    segment.bytes = bytes;
    segment.memoryEntry = this.#memory.add(segment, this.#pins.has(segment.key, segment.name));
    if (uses < 2) this.#shares.add(segment);
  }

  #release(segment: KeptSegment): void {
    if (segment.memoryEntry) this.#memory.remove(segment.memoryEntry);
    segment.memoryEntry = null;
    segment.bytes = null;
    this.#shares.release(segment);
    this.#forgetIfGone(segment);
  }

  #forgetIfGone(segment: KeptSegment): void {
    if (segment.bytes || segment.unwritten || segment.diskEntry) return;
    const segments = this.#segments.get(segment.key);
    if (segments?.get(segment.name) !== segment) return;
    segments.delete(segment.name);
    if (segments.size === 0) this.#segments.delete(segment.key);
  }

  #isPinned({ memoryEntry }: KeptSegment): boolean {
    return memoryEntry !== null && this.#memory.isPinned(memoryEntry);
  }

  #repin(segment: KeptSegment | undefined, isPinned: boolean): void {
    if (segment?.memoryEntry) isPinned ? this.#memory.pin(segment.memoryEntry) : this.#memory.unpin(segment.memoryEntry);
    if (segment?.diskEntry) isPinned ? this.#disk.tier.pin(segment.diskEntry) : this.#disk.tier.unpin(segment.diskEntry);
  }

  /** Reads the segment into memory in the background, one segment after another: many sessions ask for it. */
  #warm(segment: KeptSegment): void {
    if (this.#toWarm.size >= MAX_WARMING) return;
    this.#toWarm.add(segment);
    this.#warming ??= this.#warmAll().finally(() => {
      this.#warming = null;
    });
  }

  async #warmAll(): Promise<void> {
    for (const segment of this.#toWarm) {
      const bytes = segment.diskEntry && !segment.bytes ? await this.#disk.read(segment) : undefined;
      this.#toWarm.delete(segment);
      if (bytes && segment.diskEntry) this.#remember(segment, bytes);
    }
  }
}
