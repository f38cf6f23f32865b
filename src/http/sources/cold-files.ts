// Finished files read by blocking reads of the page cache into one buffer for all: a third of what a promise a read costs. A disk that turns out slow is read by other threads.
import { closeSync, fstatSync, openSync, read, readSync } from 'node:fs';
import type { BodySource } from '#http/contract/body-source.ts';
import { ThreadTime } from './thread-time.ts';

/** Each open file costs a descriptor, no memory: bytes that a socket does not take are read again. */
const MAX_OPEN = 512;
/** Four times 256 KiB cost a sixth more. */
const READ_BYTES = 1024 * 1024;
/** The most that is read at once: bytes that a socket leaves are read again. */
const PACED_READ_BYTES = 256 * 1024;
/** From the page cache such a read takes 0.1 ms. One this slow came from a disk, or the thread lost its core meanwhile: the next ones are looked at closely. */
const SLOW_READ_MS = 4;
const WATCH_MS = 2_000;
/** For so long in each window slow reads may hold every viewer up; then the disk is left to other threads for a while. One alone may be anything. */
const SLOW_BUDGET_MS = 100;
const MIN_SLOW_READS = 3;
const WINDOW_MS = 10_000;
const DISTRUST_MS = 10_000;
/** A buffer for each file that is read by other threads. */
const PATIENT_READ_BYTES = 128 * 1024;

export type ColdFilesOptions = {
  readonly maxOpen?: number;
  /** The clock, and how much of the time the thread was not blocked. */
  readonly now?: () => number;
  readonly busyMs?: () => number;
};

export class ColdFiles {
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #maxOpen: number;
  readonly #now: () => number;
  readonly #busyMs: () => number;
  #open = 0;
  #slowReads = 0;
  #watchedUntilMs = Number.NEGATIVE_INFINITY;
  #slowMs = 0;
  #slowInWindow = 0;
  #windowEndsAtMs = Number.NEGATIVE_INFINITY;
  #distrustedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: ColdFilesOptions = {}) {
    const threadTime = new ThreadTime();
    this.#maxOpen = options.maxOpen ?? MAX_OPEN;
    this.#now = options.now ?? (() => performance.now());
    this.#busyMs = options.busyMs ?? (() => threadTime.busyMs());
  }

  /** Descriptors held at this moment. */
  get openCount(): number {
    return this.#open;
  }

  /** Blocking reads that took too long, since the start. */
  get slowReads(): number {
    return this.#slowReads;
  }

  /** False where the file has to be had in another way: too many are open, or the disk was slow just now. */
  get mayOpen(): boolean {
    return this.#open < this.#maxOpen && !this.isSlow;
  }

  /** Whether a read should not block the thread now. */
  get isSlow(): boolean {
    return this.#now() < this.#distrustedUntilMs;
  }

  /** The open file, which the caller closes; null when there is no such file, or it has another size. */
  open(path: string, byteLength: number): ColdFile | null {
    let descriptor: number;
    try {
      descriptor = this.#timed(() => openSync(path, 'r'));
    } catch {
      return null;
    }
    if (sizeOf(descriptor) !== byteLength) {
      closeSync(descriptor);
      return null;
    }
    this.#open += 1;
    return new ColdFile(this, descriptor, byteLength);
  }

  /** Valid until the next read of any file. */
  read(descriptor: number, position: number, byteLength: number): Uint8Array {
    const wanted = Math.min(byteLength, READ_BYTES);
    const count = this.#timed(() => readSync(descriptor, this.#buffer, 0, wanted, position));
    return count === READ_BYTES ? this.#buffer : this.#buffer.subarray(0, count);
  }

  closed(): void {
    this.#open -= 1;
  }

  #timed<T>(work: () => T): T {
    const startedMs = this.#now();
    const isWatched = startedMs < this.#watchedUntilMs;
    const busyMs = isWatched ? this.#busyMs() : 0;
    const result = work();
    const endedMs = this.#now();
    if (endedMs - startedMs > SLOW_READ_MS) {
      this.#watchedUntilMs = endedMs + WATCH_MS;
      if (isWatched) this.#noteBlocked(endedMs - startedMs - (this.#busyMs() - busyMs), endedMs);
    }
    return result;
  }

  #noteBlocked(blockedMs: number, nowMs: number): void {
    if (blockedMs <= SLOW_READ_MS) return;
    this.#slowReads += 1;
    if (nowMs > this.#windowEndsAtMs) {
      this.#slowMs = 0;
      this.#slowInWindow = 0;
      this.#windowEndsAtMs = nowMs + WINDOW_MS;
    }
    this.#slowMs += blockedMs;
    this.#slowInWindow += 1;
    if (this.#slowMs > SLOW_BUDGET_MS && this.#slowInWindow >= MIN_SLOW_READS) this.#distrustedUntilMs = nowMs + DISTRUST_MS;
  }
}

/** One open file. */
export class ColdFile implements BodySource {
  readonly byteLength: number;
  readonly #files: ColdFiles;
  readonly #descriptor: number;
  /** Shrinks once the socket has shown that it takes less than a whole read. */
  #readBytes = READ_BYTES;
  #buffer: Buffer | null = null;
  #isReading = false;
  #isClosed = false;

  constructor(files: ColdFiles, descriptor: number, byteLength: number) {
    this.#files = files;
    this.#descriptor = descriptor;
    this.byteLength = byteLength;
  }

  /** Blocks, for what lies in the page cache; a disk that is slow is read by other threads. */
  read(offset: number, end: number): Uint8Array | Promise<Uint8Array> {
    if (this.#files.isSlow) return this.#readLater(offset, end);
    return this.#files.read(this.#descriptor, offset, Math.min(this.#readBytes, end - offset));
  }

  offered(wasTaken: boolean): void {
    if (!wasTaken) this.#readBytes = PACED_READ_BYTES;
  }

  /** A descriptor is never closed under a read: another file could have its number by then. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isReading) this.#release();
  }

  #readLater(offset: number, end: number): Promise<Uint8Array> {
    this.#isReading = true;
    this.#buffer ??= Buffer.allocUnsafeSlow(PATIENT_READ_BYTES);
    const buffer = this.#buffer;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    read(this.#descriptor, buffer, 0, Math.min(end - offset, PATIENT_READ_BYTES), offset, (error, count) => {
      this.#isReading = false;
      if (this.#isClosed) this.#release();
      if (error) reject(error);
      else resolve(buffer.subarray(0, count));
    });
    return promise;
  }

  #release(): void {
    closeSync(this.#descriptor);
    this.#files.closed();
  }
}

function sizeOf(descriptor: number): number {
  const facts = fstatSync(descriptor);
  return facts.isFile() ? facts.size : -1;
}
