// The sample table of an unfragmented MP4 track (`stbl`), expanded once into columns.
import type { BoxSpan } from '#workers/bmff/boxes.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { positionsOfOnes, type SampleTable } from '#workers/remux/sample-table.ts';
import { type BoxChildren, corrupt } from './boxes.ts';

export type RawSamples = {
  /** DTS from 0, before any edit list. */
  readonly table: SampleTable;
  /** How far ffmpeg moves DTS back so that no picture is shown before it is decoded, where the file has negative composition offsets. */
  readonly dtsShift: number;
};

/** A table inside `stbl`: `at` is its first row. */
type Rows = { readonly view: DataView; readonly at: number; readonly count: number };

/** Where the tables are read, and what reading them may cost. */
type Tables = { readonly moov: Buffer; readonly samples: BoxChildren; readonly fileByteLength: number; readonly budget: FileBudget };

/** Null when the track's timing is not one we copy. Without any sample (`count` 0) when all of them are in fragments. */
export async function readSampleTable(tables: Tables): Promise<RawSamples | null> {
  const sizes = await readSizes(tables);
  const count = sizes.length;
  const times = await readTimes(tables, count);
  if (!times) return null;
  const fileOffsets = await readOffsets(tables, sizes);
  if (!fileOffsets) return null;
  const { compositionOffsets, dtsShift } = await readCompositionOffsets(tables, count);
  const syncSamples = await readSyncSamples(tables, count);
  return { table: { count, ...times, compositionOffsets, byteLengths: sizes, fileOffsets, syncSamples }, dtsShift };
}

/** A full box that holds a count and so many rows: never more of them than the box has room for. */
function rowsOf({ moov, samples }: Tables, type: string, rowBytes: number): Rows | null {
  return rowsIn(moov, samples.first(type), 8, rowBytes);
}

/** The count stands before the rows, which start so many bytes into the box. */
function rowsIn(moov: Buffer, found: Pick<BoxSpan, 'start' | 'end'> | undefined, rowsStart: number, rowBytes: number): Rows | null {
  if (!found || found.end - found.start < rowsStart) return null;
  const at = found.start + rowsStart;
  const count = Math.min(moov.readUInt32BE(at - 4), Math.floor((found.end - at) / rowBytes));
  return { view: viewOf(moov), at, count };
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

async function readSizes({ moov, samples, fileByteLength, budget }: Tables): Promise<Uint32Array> {
  const found = samples.first('stsz');
  if (!found || found.end - found.start < 12) throw corrupt('a track has no sample sizes');
  const constantSize = moov.readUInt32BE(found.start + 4);
  const claimed = moov.readUInt32BE(found.start + 8);
  if (constantSize > 0) {
    // A cut-off copy holds fewer of them than it says; one more than fit is seen to be missing.
    const count = Math.min(claimed, Math.floor(fileByteLength / constantSize) + 1);
    budget.take('samples', count);
    return new Uint32Array(count).fill(constantSize);
  }
  if (found.start + 12 + claimed * 4 > found.end) throw corrupt('its list of sample sizes is cut off');
  budget.take('samples', claimed);
  const sizes = new Uint32Array(claimed);
  const view = viewOf(moov);
  for await (const { from, to } of budget.stretches(claimed)) {
    for (let sample = from; sample < to; sample++) sizes[sample] = view.getUint32(found.start + 12 + sample * 4);
  }
  return sizes;
}

async function readTimes(tables: Tables, count: number): Promise<Pick<SampleTable, 'dts' | 'lastDuration'> | null> {
  const { budget } = tables;
  const dts = new Float64Array(count);
  if (count === 0) return { dts, lastDuration: 0 };
  const rows = rowsOf(tables, 'stts', 8);
  if (!rows || rows.count === 0) throw corrupt('a track has no sample times');
  let sample = 0;
  let time = 0;
  let duration = 0;
  for await (const { from, to } of budget.stretches(rows.count)) {
    for (let row = from; row < to && sample < count; row++) {
      const end = Math.min(count, sample + rows.view.getUint32(rows.at + row * 8));
      duration = rows.view.getUint32(rows.at + row * 8 + 4);
      if (duration > 0x7fff_ffff) return null; // a negative duration, as some recorders write: times that run backwards
      for (; sample < end; sample++, time += duration) dts[sample] = time;
    }
    if (sample === count) break;
  }
  for (; sample < count; sample++, time += duration) dts[sample] = time; // as ffmpeg does with a short list
  return { dts, lastDuration: duration };
}

async function readCompositionOffsets(
  tables: Tables,
  count: number,
): Promise<Pick<SampleTable, 'compositionOffsets'> & { dtsShift: number }> {
  const rows = rowsOf(tables, 'ctts', 8);
  if (!rows || rows.count === 0) return { compositionOffsets: null, dtsShift: 0 };
  const offsets = new Int32Array(count);
  let sample = 0;
  let dtsShift = 0;
  for await (const { from, to } of tables.budget.stretches(rows.count)) {
    for (let row = from; row < to && sample < count; row++) {
      const end = Math.min(count, sample + rows.view.getUint32(rows.at + row * 8));
      const offset = rows.view.getInt32(rows.at + row * 8 + 4); // signed in version 0 too: files say so
      offsets.fill(offset, sample, end);
      // ffmpeg leaves out the last two rows, and so must we to print the same DTS.
      if (row + 2 < rows.count) dtsShift = Math.max(dtsShift, -offset);
      sample = end;
    }
    if (sample === count) break;
  }
  return { compositionOffsets: offsets, dtsShift };
}

/** Where each sample lies: chunks (`stco`, `co64`) of so many samples (`stsc`). Null when samples use different sample entries. */
async function readOffsets(tables: Tables, sizes: Uint32Array): Promise<Float64Array | null> {
  const offsets = new Float64Array(sizes.length);
  if (sizes.length === 0) return offsets;
  const long = rowsOf(tables, 'co64', 8);
  const chunks = long ?? rowsOf(tables, 'stco', 4);
  const runs = rowsOf(tables, 'stsc', 12);
  if (!chunks || !runs || runs.count === 0) throw corrupt('a track does not say where its samples lie');
  const offsetOf = (chunk: number) =>
    long
      ? chunks.view.getUint32(chunks.at + chunk * 8) * 2 ** 32 + chunks.view.getUint32(chunks.at + chunk * 8 + 4)
      : chunks.view.getUint32(chunks.at + chunk * 4);
  let sample = 0;
  let run = 0;
  for await (const { from, to } of tables.budget.stretches(chunks.count)) {
    for (let chunk = from; chunk < to && sample < sizes.length; chunk++) {
      while (run + 1 < runs.count && runs.view.getUint32(runs.at + (run + 1) * 12) <= chunk + 1) run++;
      if (runs.view.getUint32(runs.at + run * 12 + 8) !== 1) return null;
      const end = Math.min(sizes.length, sample + runs.view.getUint32(runs.at + run * 12 + 4));
      for (let at = offsetOf(chunk); sample < end; sample++) {
        offsets[sample] = at;
        at += sizes[sample] ?? 0;
      }
    }
    if (sample === sizes.length) break;
  }
  if (sample < sizes.length) throw corrupt('its list of chunks holds fewer samples than there are');
  return offsets;
}

/** Sync samples, QuickTime's partial ones and the random access points of open GOPs: what ffmpeg marks as keyframes. Null: every sample. */
async function readSyncSamples(tables: Tables, count: number): Promise<Uint32Array | null> {
  const listed = rowsOf(tables, 'stss', 4);
  if (!listed) return null;
  const isSync = new Uint8Array(count);
  for (const rows of [listed, rowsOf(tables, 'stps', 4)]) {
    if (!rows) continue;
    for await (const { from, to } of tables.budget.stretches(rows.count)) {
      for (let row = from; row < to; row++) {
        const sample = rows.view.getUint32(rows.at + row * 4) - 1;
        if (sample >= 0 && sample < count) isSync[sample] = 1;
      }
    }
  }
  await markRandomAccessPoints(tables, isSync);
  if (count > 0 && !isSync.includes(1)) isSync[0] = 1;
  return positionsOfOnes(isSync, tables.budget);
}

/** The `rap ` sample group: rows of how many samples belong to which description, 0 for none. Of several ffmpeg takes the last. */
async function markRandomAccessPoints({ moov, samples, budget }: Tables, isSync: Uint8Array): Promise<void> {
  const isRandomAccess = ({ start, end }: BoxSpan) => end - start >= 12 && moov.toString('latin1', start + 4, start + 8) === 'rap ';
  const found = samples.all('sbgp').findLast(isRandomAccess);
  // Version 1 has a parameter more.
  const rows = found && rowsIn(moov, found, moov.readUInt8(found.start) === 0 ? 12 : 16, 8);
  if (!rows) return;
  let sample = 0;
  for await (const { from, to } of budget.stretches(rows.count)) {
    for (let row = from; row < to && sample < isSync.length; row++) {
      const last = Math.min(isSync.length, sample + rows.view.getUint32(rows.at + row * 8));
      if (rows.view.getUint32(rows.at + row * 8 + 4) > 0) isSync.fill(1, sample, last);
      sample = last;
    }
  }
}
