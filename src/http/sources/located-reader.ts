// Reads a copied segment as it lies in its media file: the head from memory, the samples from their stretches, those of other tracks left out.
import type { FileHandle } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { LocatedSegment } from '#domain/protocol.ts';

/** A gap up to this size is read along: that costs less than another read. */
const MAX_GAP_BYTES = 64 * 1024;
// The kernel takes 1024 buffers at a time.
const MAX_BUFFERS = 1000;

// Where unwanted bytes go: written by every read at once, read by none.
const discarded = Buffer.allocUnsafeSlow(MAX_GAP_BYTES);

type Read = { readonly buffers: Buffer[]; readonly position: number; byteLength: number };

export class LocatedReader {
  readonly #segment: LocatedSegment;
  /** Where in the segment, in which stretch (two numbers each) and how far into that one. */
  #at = 0;
  #stretch = 0;
  #inStretch = 0;

  constructor(segment: LocatedSegment) {
    this.#segment = segment;
  }

  /** Goes on at an offset of the segment: where the socket stopped taking. */
  seek(offset: number): void {
    if (offset === this.#at) return;
    const { head, stretches } = this.#segment;
    this.#at = offset;
    this.#stretch = 0;
    let left = Math.max(0, offset - head.byteLength);
    while (left > 0 && left >= (stretches[this.#stretch + 1] ?? Number.POSITIVE_INFINITY)) {
      left -= stretches[this.#stretch + 1] ?? 0;
      this.#stretch += 2;
    }
    this.#inStretch = left;
  }

  /** Fills the chunk with the next bytes, not past `end`; resolves with their number. Rejects with MEDIA_CHANGED where the file ends too soon. */
  async read(handle: FileHandle, chunk: Buffer, end: number): Promise<number> {
    const wanted = Math.min(chunk.byteLength, end - this.#at);
    const filled = this.#copyHead(chunk.subarray(0, wanted));
    const reads = this.#plan(chunk.subarray(filled, wanted));
    this.#at += wanted;
    for (const read of reads) await readWhole(handle, read);
    return wanted;
  }

  #copyHead(target: Buffer): number {
    const { head } = this.#segment;
    if (this.#at >= head.byteLength) return 0;
    const part = head.subarray(this.#at, this.#at + target.byteLength);
    target.set(part);
    return part.byteLength;
  }

  /** The reads that fill `target`, and moves past what they read. */
  #plan(target: Buffer): Read[] {
    const { stretches } = this.#segment;
    const reads: Read[] = [];
    let reached = 0;
    for (let done = 0; done < target.byteLength && this.#stretch < stretches.length; ) {
      const position = (stretches[this.#stretch] ?? 0) + this.#inStretch;
      const rest = (stretches[this.#stretch + 1] ?? 0) - this.#inStretch;
      const byteLength = Math.min(rest, target.byteLength - done);
      const read = readAt(reads, position, reached);
      read.buffers.push(target.subarray(done, done + byteLength));
      read.byteLength += byteLength;
      done += byteLength;
      reached = position + byteLength;
      this.#inStretch += byteLength;
      if (byteLength < rest) continue;
      this.#stretch += 2;
      this.#inStretch = 0;
    }
    return reads;
  }
}

/** The read that goes on at `position`: the last one where little lies between, else a new one. */
function readAt(reads: Read[], position: number, reached: number): Read {
  const last = reads.at(-1);
  const gap = position - reached;
  if (last && gap >= 0 && gap <= MAX_GAP_BYTES && last.buffers.length < MAX_BUFFERS) {
    if (gap > 0) last.buffers.push(discarded.subarray(0, gap));
    last.byteLength += gap;
    return last;
  }
  const read = { buffers: [], position, byteLength: 0 };
  reads.push(read);
  return read;
}

async function readWhole(handle: FileHandle, { buffers, position, byteLength }: Read): Promise<void> {
  let { bytesRead: done } = await handle.readv(buffers, position);
  if (done === byteLength) return;
  // The kernel gave less, as it may: the rest buffer by buffer.
  let at = 0;
  for (const buffer of buffers) {
    for (let from = Math.max(done - at, 0); from < buffer.byteLength; from = done - at) {
      const { bytesRead } = await handle.read(buffer, from, buffer.byteLength - from, position + done);
      if (bytesRead === 0) throw new FerriteError('MEDIA_CHANGED', 'the media file is shorter than it was');
      done += bytesRead;
    }
    at += buffer.byteLength;
  }
}
