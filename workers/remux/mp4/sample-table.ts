// The sample table of an unfragmented MP4 track (`stbl`), expanded once into columns.
import { type BoxSpan, boxes, findBox } from '#workers/bmff/boxes.ts';
import { positionsOfOnes, type SampleTable } from '#workers/remux/sample-table.ts';
import { corrupt } from './boxes.ts';

/** Bounds what a damaged header can make us allocate: four days of film at 24 pictures a second. */
export const MAX_SAMPLES = 8 * 1024 * 1024;

export type RawSamples = {
  /** DTS from 0, before any edit list. */
  readonly table: SampleTable;
  /** How far ffmpeg moves DTS back so that no picture is shown before it is decoded, where the file has negative composition offsets. */
  readonly dtsShift: number;
};

/** A table inside `stbl`: `at` is its first row. */
type Rows = { readonly view: DataView; readonly at: number; readonly count: number };

/** Null when the track's timing is not one we copy. Without any sample (`count` 0) when all of them are in fragments. */
export function readSampleTable(moov: Buffer, samples: BoxSpan): RawSamples | null {
  const sizes = readSizes(moov, samples);
  const count = sizes.length;
  const times = readTimes(rowsOf(moov, samples, 'stts', 8), count);
  if (!times) return null;
  const fileOffsets = readOffsets(moov, samples, sizes);
  if (!fileOffsets) return null;
  const { compositionOffsets, dtsShift } = readCompositionOffsets(rowsOf(moov, samples, 'ctts', 8), count);
  const table = {
    count,
    ...times,
    compositionOffsets,
    byteLengths: sizes,
    fileOffsets,
    syncSamples: readSyncSamples(moov, samples, count),
  };
  return { table, dtsShift };
}

/** A full box that holds a count and so many rows: never more of them than the box has room for. */
function rowsOf(moov: Buffer, samples: BoxSpan, type: string, rowBytes: number): Rows | null {
  const found = findBox(moov, [type], samples.start, samples.end);
  if (!found || found.end - found.start < 8) return null;
  const at = found.start + 8;
  const count = Math.min(moov.readUInt32BE(at - 4), Math.floor((found.end - at) / rowBytes));
  return { view: viewOf(moov), at, count };
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function readSizes(moov: Buffer, samples: BoxSpan): Uint32Array {
  const found = findBox(moov, ['stsz'], samples.start, samples.end);
  if (!found || found.end - found.start < 12) throw corrupt('a track has no sample sizes');
  const constantSize = moov.readUInt32BE(found.start + 4);
  const count = moov.readUInt32BE(found.start + 8);
  if (count > MAX_SAMPLES) throw corrupt('it claims more samples than any film has');
  if (constantSize > 0) return new Uint32Array(count).fill(constantSize);
  if (found.start + 12 + count * 4 > found.end) throw corrupt('its list of sample sizes is cut off');
  const sizes = new Uint32Array(count);
  const view = viewOf(moov);
  for (let sample = 0; sample < count; sample++) sizes[sample] = view.getUint32(found.start + 12 + sample * 4);
  return sizes;
}

function readTimes(rows: Rows | null, count: number): Pick<SampleTable, 'dts' | 'lastDuration'> | null {
  const dts = new Float64Array(count);
  if (count === 0) return { dts, lastDuration: 0 };
  if (!rows || rows.count === 0) throw corrupt('a track has no sample times');
  let sample = 0;
  let time = 0;
  let duration = 0;
  for (let row = 0; row < rows.count && sample < count; row++) {
    const end = Math.min(count, sample + rows.view.getUint32(rows.at + row * 8));
    duration = rows.view.getUint32(rows.at + row * 8 + 4);
    if (duration > 0x7fff_ffff) return null; // a negative duration, as some recorders write: times that run backwards
    for (; sample < end; sample++, time += duration) dts[sample] = time;
  }
  for (; sample < count; sample++, time += duration) dts[sample] = time; // as ffmpeg does with a short list
  return { dts, lastDuration: duration };
}

function readCompositionOffsets(rows: Rows | null, count: number): Pick<SampleTable, 'compositionOffsets'> & { dtsShift: number } {
  if (!rows || rows.count === 0) return { compositionOffsets: null, dtsShift: 0 };
  const offsets = new Int32Array(count);
  let sample = 0;
  let dtsShift = 0;
  for (let row = 0; row < rows.count && sample < count; row++) {
    const end = Math.min(count, sample + rows.view.getUint32(rows.at + row * 8));
    const offset = rows.view.getInt32(rows.at + row * 8 + 4); // signed in version 0 too: files say so
    offsets.fill(offset, sample, end);
    // ffmpeg leaves out the last two rows, and so must we to print the same DTS.
    if (row + 2 < rows.count) dtsShift = Math.max(dtsShift, -offset);
    sample = end;
  }
  return { compositionOffsets: offsets, dtsShift };
}

/** Where each sample lies: chunks (`stco`, `co64`) of so many samples (`stsc`). Null when samples use different sample entries. */
function readOffsets(moov: Buffer, samples: BoxSpan, sizes: Uint32Array): Float64Array | null {
  const offsets = new Float64Array(sizes.length);
  if (sizes.length === 0) return offsets;
  const long = rowsOf(moov, samples, 'co64', 8);
  const chunks = long ?? rowsOf(moov, samples, 'stco', 4);
  const runs = rowsOf(moov, samples, 'stsc', 12);
  if (!chunks || !runs || runs.count === 0) throw corrupt('a track does not say where its samples lie');
  const offsetOf = (chunk: number) =>
    long
      ? chunks.view.getUint32(chunks.at + chunk * 8) * 2 ** 32 + chunks.view.getUint32(chunks.at + chunk * 8 + 4)
      : chunks.view.getUint32(chunks.at + chunk * 4);
  let sample = 0;
  let run = 0;
  for (let chunk = 0; chunk < chunks.count && sample < sizes.length; chunk++) {
    while (run + 1 < runs.count && runs.view.getUint32(runs.at + (run + 1) * 12) <= chunk + 1) run++;
    if (runs.view.getUint32(runs.at + run * 12 + 8) !== 1) return null;
    const end = Math.min(sizes.length, sample + runs.view.getUint32(runs.at + run * 12 + 4));
    for (let at = offsetOf(chunk); sample < end; sample++) {
      offsets[sample] = at;
      at += sizes[sample] ?? 0;
    }
  }
  if (sample < sizes.length) throw corrupt('its list of chunks holds fewer samples than there are');
  return offsets;
}

/** Sync samples, QuickTime's partial ones and the random access points of open GOPs: what ffmpeg marks as keyframes. Null: every sample. */
function readSyncSamples(moov: Buffer, samples: BoxSpan, count: number): Uint32Array | null {
  const listed = rowsOf(moov, samples, 'stss', 4);
  if (!listed) return null;
  const isSync = new Uint8Array(count);
  for (const rows of [listed, rowsOf(moov, samples, 'stps', 4)]) {
    if (!rows) continue;
    for (let row = 0; row < rows.count; row++) {
      const sample = rows.view.getUint32(rows.at + row * 4) - 1;
      if (sample >= 0 && sample < count) isSync[sample] = 1;
    }
  }
  markRandomAccessPoints(moov, samples, isSync);
  if (count > 0 && !isSync.includes(1)) isSync[0] = 1;
  return positionsOfOnes(isSync);
}

/** The `rap ` sample group: rows of how many samples belong to which description, 0 for none. */
function markRandomAccessPoints(moov: Buffer, samples: BoxSpan, isSync: Uint8Array): void {
  for (const { type, start, end } of boxes(moov, samples.start, samples.end)) {
    if (type !== 'sbgp' || end - start < 12 || moov.toString('latin1', start + 4, start + 8) !== 'rap ') continue;
    const at = start + (moov.readUInt8(start) === 0 ? 12 : 16); // version 1 has a parameter more
    const count = Math.min(moov.readUInt32BE(at - 4), Math.floor((end - at) / 8));
    let sample = 0;
    for (let row = 0; row < count && sample < isSync.length; row++) {
      const last = Math.min(isSync.length, sample + moov.readUInt32BE(at + row * 8));
      if (moov.readUInt32BE(at + row * 8 + 4) > 0) isSync.fill(1, sample, last);
      sample = last;
    }
  }
}
