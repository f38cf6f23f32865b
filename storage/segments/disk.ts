// The disk tier of the segment cache: one change after another, each file's bytes counted from before it is written until after it is removed.

import type { IndexedSegment, SegmentIndexRepository } from '#storage/records/segment-index.ts';
import { DiskHealth, type DiskState, isDiskFull } from './disk-health.ts';
import { SegmentFiles } from './files.ts';
import type { KeptSegment } from './kept-segment.ts';
import { CacheTier } from './tier.ts';

type Options = {
  readonly dir: string;
  readonly maxBytes: number;
  readonly index: SegmentIndexRepository;
  readonly log: { warn(facts: object, message: string): void };
  /** A clock that never goes back. */
  readonly monotonicMs: () => number;
  readonly isPinned: (segment: KeptSegment) => boolean;
  /** The segment is no longer on disk, or was not written: the cache forgets it unless memory holds it. */
  readonly onGone: (segment: KeptSegment) => void;
};

/** Beyond this, segments wait for the disk in memory no longer: they are simply not kept on disk. */
const MAX_UNWRITTEN_BYTES = 64 * 1024 * 1024;
/** Uses are noted this often: after a crash the order of use is at most this old. */
const NOTE_INTERVAL_MS = 30_000;
/** One write transaction blocks this thread for about a millisecond at most. */
const NOTES_PER_WRITE = 200;

export class SegmentDisk {
  readonly tier: CacheTier<KeptSegment>;
  readonly #options: Options;
  readonly #files: SegmentFiles;
  readonly #health: DiskHealth;
  /** The disk's changes, one after another: the removal of an evicted segment must not remove the same segment made again. */
  #changes: Promise<void> = Promise.resolve();
  #unwrittenBytes = 0;
  /** Being written or removed, or not removable at the moment. */
  #otherBytes = 0;
  readonly #leftovers = new Set<KeptSegment>();
  /** Segments used since their records were last written. */
  readonly #used = new Set<KeptSegment>();
  #noting: NodeJS.Timeout | undefined;
  #evictions = 0;
  #lastUseMs = 0;

  constructor(options: Options) {
    this.#options = options;
    this.tier = new CacheTier(options.maxBytes);
    this.#files = new SegmentFiles(options.dir);
    this.#health = new DiskHealth(options);
  }

  /** Takes over what an earlier run left: a file without a record was never finished, a record without its whole file is worth nothing. */
  async open(adopt: (record: IndexedSegment) => KeptSegment): Promise<void> {
    const { index, maxBytes } = this.#options;
    const lost: IndexedSegment[] = [];
    const kept = new Set<string>();
    for (const record of [...index.all()].sort((a, b) => a.lastUsedAtMs - b.lastUsedAtMs)) {
      const { rendition: key, name, byteLength } = record;
      if (byteLength === 0 || byteLength > maxBytes || !this.#files.hasSize(key, name, byteLength)) {
        lost.push(record);
        continue;
      }
      const segment = adopt(record);
      this.#lastUseMs = record.lastUsedAtMs;
      segment.diskEntry = this.tier.add(segment, false);
      kept.add(this.#files.pathOf(key, name));
    }
    await index.remove(lost);
    await this.#files.removeAllBut(kept);
    await this.#makeRoom(0);
    this.#noting = setInterval(() => this.#noteUses(), NOTE_INTERVAL_MS);
    this.#noting.unref();
  }

  get byteLength(): number {
    return this.tier.byteLength + this.#otherBytes;
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  get state(): DiskState {
    return this.#health.state;
  }

  pathOf({ key, name }: KeptSegment): string {
    return this.#files.pathOf(key, name);
  }

  use(segment: KeptSegment): void {
    if (!segment.diskEntry) return;
    this.tier.use(segment.diskEntry);
    segment.lastUsedAtMs = this.#useTimeMs();
    this.#used.add(segment);
  }

  /** The segment's bytes; undefined when its file is absent or not whole, and the segment is then given up. */
  async read(segment: KeptSegment): Promise<Buffer | undefined> {
    const bytes = await this.#files.read(segment.key, segment.name);
    if (bytes?.byteLength === segment.byteLength) return bytes;
    this.lose(segment);
    return undefined;
  }

  /** Queues the segment to be written; drops it while the disk is slow or refuses writes. */
  keep(segment: KeptSegment, bytes: Buffer): void {
    const { byteLength } = segment;
    if (byteLength > this.#options.maxBytes || this.#unwrittenBytes + byteLength > MAX_UNWRITTEN_BYTES || !this.#health.mayWrite) return;
    this.#unwrittenBytes += byteLength;
    segment.unwritten = bytes;
    this.#change(async () => {
      try {
        if (this.#health.mayWrite) await this.#write(segment, bytes);
      } finally {
        this.#unwrittenBytes -= byteLength;
        segment.unwritten = null;
        if (!segment.diskEntry) this.#options.onGone(segment);
      }
    });
  }

  /** The segment's file has changed: the segment no longer counts as on disk. */
  lose(segment: KeptSegment): void {
    if (!segment.diskEntry) return;
    this.#leave(segment);
    this.#change(() => this.#remove([segment]));
  }

  /** Resolves when the disk has every change, and the records every use. */
  async close(): Promise<void> {
    clearInterval(this.#noting);
    this.#noteUses();
    let awaited: Promise<void>;
    do {
      awaited = this.#changes;
      await awaited;
    } while (awaited !== this.#changes);
  }

  #change(work: () => Promise<void>): void {
    this.#changes = this.#changes.then(work).catch(error => this.#health.failed(error));
  }

  async #write(segment: KeptSegment, bytes: Buffer): Promise<void> {
    if (!(await this.#makeRoom(segment.byteLength))) return;
    try {
      await this.#store(segment, bytes);
    } catch (error) {
      if (!isDiskFull(error) || (await this.#evict(2 * segment.byteLength)) === 0) throw error;
      await this.#store(segment, bytes);
    }
    this.#health.succeeded();
  }

  async #store(segment: KeptSegment, bytes: Buffer): Promise<void> {
    const { key, name, byteLength } = segment;
    this.#otherBytes += byteLength;
    try {
      await this.#files.write(key, name, bytes);
      segment.lastUsedAtMs = this.#useTimeMs();
      await this.#options.index.put({ rendition: key, name }, { byteLength, lastUsedAtMs: segment.lastUsedAtMs });
    } catch (error) {
      await this.#erase(segment);
      throw error;
    }
    this.#otherBytes -= byteLength;
    segment.diskEntry = this.tier.add(segment, this.#options.isPinned(segment));
  }

  /** False when the segment's file can not be removed. */
  async #makeRoom(byteLength: number): Promise<boolean> {
    for (const segment of [...this.#leftovers]) await this.#erase(segment);
    const missing = this.byteLength + byteLength - this.#options.maxBytes;
    if (missing > 0) await this.#evict(missing);
    return this.#leftovers.size === 0;
  }

  /** Evicts the least recently used segments, at least so many bytes of them if there are; resolves with the bytes freed. */
  async #evict(byteLength: number): Promise<number> {
    const before = this.byteLength;
    const going: KeptSegment[] = [];
    for (let sum = 0; sum < byteLength; ) {
      const segment = this.tier.victim;
      if (!segment) break;
      this.#leave(segment);
      going.push(segment);
      sum += segment.byteLength;
    }
    this.#evictions += going.length;
    await this.#remove(going);
    return before - this.byteLength;
  }

  #leave(segment: KeptSegment): void {
    if (!segment.diskEntry) return;
    this.tier.remove(segment.diskEntry);
    segment.diskEntry = null;
    this.#used.delete(segment);
    this.#otherBytes += segment.byteLength;
    this.#options.onGone(segment);
  }

  /** The records go first: a file without a record is removed when the cache is opened again. */
  async #remove(segments: readonly KeptSegment[]): Promise<void> {
    if (segments.length === 0) return;
    await this.#options.index
      .remove(segments.map(({ key, name }) => ({ rendition: key, name })))
      .catch(error => this.#health.failed(error));
    for (const segment of segments) await this.#erase(segment);
  }

  /** Takes its bytes off the account, unless they can not be removed: then that is tried again with the next write. */
  async #erase(segment: KeptSegment): Promise<void> {
    try {
      await this.#files.remove(segment.key, segment.name);
      this.#leftovers.delete(segment);
      this.#otherBytes -= segment.byteLength;
    } catch (error) {
      this.#leftovers.add(segment);
      this.#health.failed(error);
    }
  }

  /** Later than any other use, though the clock may stand still or go back. */
  #useTimeMs(): number {
    this.#lastUseMs = Math.max(Date.now(), this.#lastUseMs + 0.001);
    return this.#lastUseMs;
  }

  #noteUses(): void {
    if (this.#used.size === 0) return;
    const used = [...this.#used].sort((a, b) => a.lastUsedAtMs - b.lastUsedAtMs);
    this.#used.clear();
    for (let from = 0; from < used.length; from += NOTES_PER_WRITE) {
      const part = used.slice(from, from + NOTES_PER_WRITE);
      this.#change(() =>
        this.#options.index.touch(
          part.filter(({ diskEntry }) => diskEntry).map(({ key, name, lastUsedAtMs }) => ({ rendition: key, name, lastUsedAtMs })),
        ),
      );
    }
  }
}
