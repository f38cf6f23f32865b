// Finished segments: in memory for those being watched, on disk under a byte cap for those that cost an encode. The oldest unused go first.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { SegmentIndexRepository } from './segment-index.ts';

export type SegmentCacheOptions = {
  readonly dir: string;
  readonly maxDiskBytes: number;
  readonly maxMemoryBytes: number;
  readonly index: SegmentIndexRepository;
  readonly log: { warn(facts: object, message: string): void };
};

type DiskEntry = { readonly key: RenditionKey; readonly name: SegmentName; readonly byteLength: number };

/** Beyond this, segments wait for the disk in memory no longer: they are simply not kept on disk. */
const MAX_UNWRITTEN_BYTES = 64 * 1024 * 1024;
const TEMPORARY = '.tmp';

export class SegmentCache {
  readonly #options: SegmentCacheOptions;
  readonly #memory: LRUCache<string, Buffer>;
  readonly #disk: LRUCache<string, DiskEntry>;
  /** One change of the disk after the other: a segment made again right after it went must not be removed for the one that went. */
  #changes: Promise<void> = Promise.resolve();
  #unwrittenBytes = 0;

  /** Takes over what an earlier run left: a file without a record was never finished, a record without a file is gone. */
  static async open(options: SegmentCacheOptions): Promise<SegmentCache> {
    await mkdir(options.dir, { recursive: true, mode: 0o700 });
    const cache = new SegmentCache(options);
    const files = await filesUnder(options.dir);
    const lost: DiskEntry[] = [];
    for (const { rendition: key, name, byteLength } of [...options.index.all()].sort((a, b) => a.lastUsedAtMs - b.lastUsedAtMs)) {
      const isThere = byteLength <= options.maxDiskBytes && files.delete(relativePath(key, name));
      if (isThere) cache.#disk.set(address(key, name), { key, name, byteLength });
      else lost.push({ key, name, byteLength });
    }
    await options.index.remove(lost.map(({ key, name }) => ({ rendition: key, name })));
    await Promise.all([...files].map(path => rm(join(options.dir, path), { force: true })));
    return cache;
  }

  private constructor(options: SegmentCacheOptions) {
    this.#options = options;
    this.#memory = new LRUCache({ maxSize: options.maxMemoryBytes, sizeCalculation: bytes => bytes.byteLength || 1 });
    this.#disk = new LRUCache({
      // A cap of 0 is refused; no segment fits into one byte.
      maxSize: Math.max(options.maxDiskBytes, 1),
      sizeCalculation: ({ byteLength }) => byteLength || 1,
      dispose: (entry, _address, reason) => {
        if (reason !== 'set') this.#remove(entry);
      },
    });
  }

  /** The bytes when they are in memory: no promise, no file. */
  hot(key: RenditionKey, name: SegmentName): Buffer | undefined {
    return this.#memory.get(address(key, name));
  }

  has(key: RenditionKey, name: SegmentName): boolean {
    const at = address(key, name);
    return this.#memory.has(at) || this.#disk.has(at);
  }

  isOnDiskOnly(key: RenditionKey, name: SegmentName): boolean {
    const at = address(key, name);
    return !this.#memory.has(at) && this.#disk.has(at);
  }

  /** From disk into memory; undefined when it is not there. */
  async cold(key: RenditionKey, name: SegmentName): Promise<Buffer | undefined> {
    const at = address(key, name);
    const entry = this.#disk.get(at);
    if (!entry) return undefined;
    const bytes = await readFile(this.#pathOf(key, name)).catch(() => undefined);
    if (bytes === undefined || bytes.byteLength !== entry.byteLength) {
      this.#disk.delete(at);
      return undefined;
    }
    this.#memory.set(at, bytes);
    return bytes;
  }

  /** The first one published stays: a URL gives the same bytes for as long as they are kept. */
  put(key: RenditionKey, name: SegmentName, bytes: Buffer, keepOnDisk: boolean): Buffer {
    const at = address(key, name);
    const known = this.#memory.get(at);
    if (known) return known;
    this.#memory.set(at, bytes);
    if (keepOnDisk && !this.#disk.has(at)) this.#queueWrite({ key, name, byteLength: bytes.byteLength }, bytes);
    return bytes;
  }

  get memoryBytes(): number {
    return this.#memory.calculatedSize;
  }

  get diskBytes(): number {
    return this.#disk.calculatedSize;
  }

  /** Resolves when the disk is as it should be. */
  async close(): Promise<void> {
    let awaited: Promise<void>;
    do {
      awaited = this.#changes;
      await awaited;
      // A write may have pushed others out.
    } while (awaited !== this.#changes);
  }

  #queueWrite(entry: DiskEntry, bytes: Buffer): void {
    if (entry.byteLength > this.#options.maxDiskBytes || this.#unwrittenBytes + entry.byteLength > MAX_UNWRITTEN_BYTES) return;
    this.#unwrittenBytes += entry.byteLength;
    this.#change('a segment could not be kept on disk', async () => {
      try {
        await this.#write(entry, bytes);
      } finally {
        this.#unwrittenBytes -= entry.byteLength;
      }
    });
  }

  #change(complaint: string, work: () => Promise<void>): void {
    this.#changes = this.#changes.then(work).catch(error => this.#options.log.warn({ code: codeOf(error) }, complaint));
  }

  async #write(entry: DiskEntry, bytes: Buffer): Promise<void> {
    const { key, name, byteLength } = entry;
    const path = this.#pathOf(key, name);
    await mkdir(join(this.#options.dir, folderOf(key)), { recursive: true, mode: 0o700 });
    try {
      await writeFile(path + TEMPORARY, bytes, { mode: 0o600 });
      await rename(path + TEMPORARY, path);
    } catch (error) {
      await rm(path + TEMPORARY, { force: true });
      throw error;
    }
    await this.#options.index.put({ rendition: key, name }, { byteLength, lastUsedAtMs: Date.now() });
    this.#disk.set(address(key, name), entry);
  }

  #remove({ key, name }: DiskEntry): void {
    this.#change('a segment could not be removed from disk', async () => {
      if (this.#disk.has(address(key, name))) return;
      await this.#options.index.remove([{ rendition: key, name }]);
      await rm(this.#pathOf(key, name), { force: true });
    });
  }

  #pathOf(key: RenditionKey, name: SegmentName): string {
    return join(this.#options.dir, relativePath(key, name));
  }
}

const address = (key: RenditionKey, name: SegmentName): string => `${key}/${name}`;
const folderOf = (key: RenditionKey): string => join(key.slice(0, 2), key);
const relativePath = (key: RenditionKey, name: SegmentName): string => join(folderOf(key), name === 'init' ? 'init.mp4' : `${name}.m4s`);
const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown');

async function filesUnder(dir: string): Promise<Set<string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return new Set(entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(dir.length + 1)));
}
