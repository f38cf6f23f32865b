// Reads samples that lie between those of other tracks, in as few reads as they need and without copying them together.

import { FerriteError } from '#domain/errors.ts';
import { numberAt, type SampleTable } from './sample-table.ts';
import type { UnchangedFile } from './unchanged-file.ts';

// Reading over so many unwanted bytes costs about as much as another read.
const MAX_GAP_BYTES = 256 * 1024;
// The kernel takes 1024 buffers at a time.
const MAX_BUFFERS = 1000;
// Samples lie in the order in which they are wanted, or nearly so.
const MAX_READS = 2000;

// Where unwanted bytes go: written by every read at once, read by none.
const discarded = Buffer.allocUnsafeSlow(MAX_GAP_BYTES);

/** Fills `target`, whose length says how many samples from `first` on are meant. */
export async function readSamples(file: UnchangedFile, table: SampleTable, first: number, target: Buffer): Promise<void> {
  let buffers: Buffer[] = [];
  let start = 0;
  let reached = 0;
  let reads = 0;
  for (const run of runsOf(table, first, target.byteLength)) {
    const gap = run.fileOffset - reached;
    if (buffers.length > 0 && (gap < 0 || gap > MAX_GAP_BYTES || buffers.length >= MAX_BUFFERS)) {
      if (++reads > MAX_READS) throw new FerriteError('MEDIA_UNSUPPORTED', 'the samples of this media lie too scattered to copy');
      await file.readScattered(buffers, start);
      buffers = [];
    }
    if (buffers.length === 0) start = run.fileOffset;
    else buffers.push(discarded.subarray(0, gap));
    buffers.push(target.subarray(run.from, run.to));
    reached = run.fileOffset + run.to - run.from;
  }
  if (buffers.length > 0) await file.readScattered(buffers, start);
}

/** Position in the file and byte length of each run of samples [first, end), in turn. */
export function stretchesOf(table: SampleTable, first: number, end: number): Float64Array<ArrayBuffer> {
  const stretches = new Float64Array((end - first) * 2);
  let count = 0;
  let reached = Number.NaN;
  for (let sample = first; sample < end; sample++) {
    const lies = numberAt(table.fileOffsets, sample);
    const byteLength = numberAt(table.byteLengths, sample);
    if (lies === reached) stretches[count - 1] = numberAt(stretches, count - 1) + byteLength;
    else {
      stretches[count] = lies;
      stretches[count + 1] = byteLength;
      count += 2;
    }
    reached = lies + byteLength;
  }
  return stretches.slice(0, count);
}

/** Samples whose bytes touch, as one: `from` and `to` are positions in the segment's data. */
function* runsOf(table: SampleTable, first: number, byteLength: number): Generator<{ fileOffset: number; from: number; to: number }> {
  let from = 0;
  let to = 0;
  let fileOffset = numberAt(table.fileOffsets, first);
  for (let sample = first; to < byteLength; sample++) {
    const lies = numberAt(table.fileOffsets, sample);
    if (lies !== fileOffset + to - from) {
      yield { fileOffset, from, to };
      [fileOffset, from] = [lies, to];
    }
    to += numberAt(table.byteLengths, sample);
  }
  if (to > from) yield { fileOffset, from, to };
}
