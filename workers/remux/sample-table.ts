// Every sample of one track in decode order, as columns of numbers: no object per sample, so a film of two hours costs megabytes, not hundreds.
import { upperBound } from '#domain/plan.ts';
import type { FileBudget } from './file-budget.ts';

export type SampleTable = {
  readonly count: number;
  /** Ascending, in the track's timescale. */
  readonly dts: Float64Array;
  /** PTS − DTS; null when every one is 0. */
  readonly compositionOffsets: Int32Array | null;
  readonly byteLengths: Uint32Array;
  readonly fileOffsets: Float64Array;
  /** Positions of the samples a decoder can start at, ascending; null: all of them. */
  readonly syncSamples: Uint32Array | null;
  /** Of the last sample, whose end no later DTS tells. */
  readonly lastDuration: number;
};

export const ptsAt = ({ dts, compositionOffsets }: SampleTable, sample: number): number =>
  numberAt(dts, sample) + (compositionOffsets === null ? 0 : numberAt(compositionOffsets, sample));

/** Up to the next sample's DTS, so that the durations of a track never drift from its decode times. */
export function durationAt({ count, dts, lastDuration }: SampleTable, sample: number): number {
  return sample + 1 < count ? numberAt(dts, sample + 1) - numberAt(dts, sample) : lastDuration;
}

export function numberAt(column: Float64Array | Uint32Array | Int32Array, position: number): number {
  const value = column[position];
  if (value === undefined) throw new RangeError(`sample ${position} is outside the table`);
  return value;
}

/** Samples [first, end) of a table, sharing its columns. */
export function sliceTable(table: SampleTable, first: number, end: number): SampleTable {
  if (first === 0 && end === table.count) return table;
  const { syncSamples } = table;
  return {
    count: end - first,
    dts: table.dts.subarray(first, end),
    compositionOffsets: table.compositionOffsets?.subarray(first, end) ?? null,
    byteLengths: table.byteLengths.subarray(first, end),
    fileOffsets: table.fileOffsets.subarray(first, end),
    syncSamples: syncSamples?.subarray(lowerBound(syncSamples, first), lowerBound(syncSamples, end)).map(sample => sample - first) ?? null,
    lastDuration: end > first ? durationAt(table, end - 1) : 0,
  };
}

/** Ends the table before the first sample that reaches past the end of the file: a cut-off copy plays up to where it was cut. */
export async function withoutMissing(table: SampleTable, fileByteLength: number, budget: FileBudget): Promise<SampleTable> {
  const { count, fileOffsets, byteLengths } = table;
  const isThere = (sample: number) => {
    const start = numberAt(fileOffsets, sample);
    return start >= 0 && start + numberAt(byteLengths, sample) <= fileByteLength;
  };
  for await (const { from, to } of budget.stretches(count)) {
    for (let sample = from; sample < to; sample++) if (!isThere(sample)) return sliceTable(table, 0, sample);
  }
  return table;
}

/**
 * From the first keyframe on, without what follows that in the file and is shown before it: such pictures refer to a keyframe that is not
 * there, and they would stand before the beginning.
 */
export function withoutFirstLeading(table: SampleTable): SampleTable {
  const { syncSamples } = table;
  const first = syncSamples === null ? 0 : (syncSamples[0] ?? table.count);
  let after = first + 1;
  while (after < table.count && ptsAt(table, after) < ptsAt(table, first)) after++;
  if (after === first + 1) return table;
  const kept = <Column extends Float64Array | Uint32Array | Int32Array>(column: Column): Column => {
    const values = column.slice(after - 1) as Column;
    values[0] = column[first] ?? 0;
    return values;
  };
  return {
    count: table.count - after + 1,
    dts: kept(table.dts),
    compositionOffsets: table.compositionOffsets && kept(table.compositionOffsets),
    byteLengths: kept(table.byteLengths),
    fileOffsets: kept(table.fileOffsets),
    syncSamples: syncSamples?.map(sample => Math.max(sample - after + 1, 0)) ?? null,
    lastDuration: table.lastDuration,
  };
}

/** Moves every DTS, and every PTS, by its own whole number of ticks. */
export async function shiftTimes(table: SampleTable, dtsTicks: number, ptsTicks: number, budget: FileBudget): Promise<SampleTable> {
  const { count, dts } = table;
  const offsetTicks = ptsTicks - dtsTicks;
  if (dtsTicks === 0 && offsetTicks === 0) return table;
  const compositionOffsets = offsetTicks === 0 ? table.compositionOffsets : (table.compositionOffsets ?? new Int32Array(count));
  for await (const { from, to } of budget.stretches(count)) {
    if (dtsTicks !== 0) for (let sample = from; sample < to; sample++) dts[sample] = numberAt(dts, sample) + dtsTicks;
    if (offsetTicks === 0 || !compositionOffsets) continue;
    for (let sample = from; sample < to; sample++) compositionOffsets[sample] = numberAt(compositionOffsets, sample) + offsetTicks;
  }
  return { ...table, compositionOffsets };
}

/** First position whose value is at least `value`, for whole numbers. */
export const lowerBound = (sorted: ArrayLike<number>, value: number): number => upperBound(sorted, value - 1);

/** `flags[i] === 1` means that sample `i` is one of them. */
export async function positionsOfOnes(flags: Uint8Array, budget: FileBudget): Promise<Uint32Array> {
  let count = 0;
  for await (const { from, to } of budget.stretches(flags.length))
    for (let sample = from; sample < to; sample++) count += flags[sample] ?? 0;
  budget.take('keyframes', count);
  const positions = new Uint32Array(count);
  let next = 0;
  for await (const { from, to } of budget.stretches(flags.length)) {
    for (let sample = from; sample < to; sample++) if (flags[sample] === 1) positions[next++] = sample;
  }
  return positions;
}

export const columnsOf = ({
  dts,
  compositionOffsets,
  byteLengths,
  fileOffsets,
  syncSamples,
}: SampleTable): readonly (ArrayBufferView | null)[] => [dts, compositionOffsets, byteLengths, fileOffsets, syncSamples];

/** What the columns keep in memory: of a part of a buffer all of it, of a shared one once. */
export function heldByteLength(columns: readonly (ArrayBufferView | null)[]): number {
  const buffers = new Set(columns.flatMap(column => (column ? [column.buffer] : [])));
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
