// Every sample of one track in decode order, as columns of numbers: no object per sample, so a film of two hours costs megabytes, not hundreds.
import { upperBound } from '#domain/plan.ts';

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
    syncSamples: syncSamples ? syncSamples.filter(sample => sample >= first && sample < end).map(sample => sample - first) : null,
    lastDuration: end > first ? durationAt(table, end - 1) : 0,
  };
}

/** Ends the table before the first sample that reaches past the end of the file: a cut-off copy plays up to where it was cut. */
export function withoutMissing(table: SampleTable, fileByteLength: number): SampleTable {
  const { count, fileOffsets, byteLengths } = table;
  const isThere = (sample: number) => {
    const start = numberAt(fileOffsets, sample);
    return start >= 0 && start + numberAt(byteLengths, sample) <= fileByteLength;
  };
  let end = 0;
  while (end < count && isThere(end)) end++;
  return sliceTable(table, 0, end);
}

/** Moves every DTS, and every PTS, by its own whole number of ticks. */
export function shiftTimes(table: SampleTable, dtsTicks: number, ptsTicks: number): SampleTable {
  const { dts, compositionOffsets } = table;
  if (dtsTicks !== 0) for (let sample = 0; sample < dts.length; sample++) dts[sample] = numberAt(dts, sample) + dtsTicks;
  const offsetTicks = ptsTicks - dtsTicks;
  if (offsetTicks === 0) return table;
  return { ...table, compositionOffsets: (compositionOffsets ?? new Int32Array(dts.length)).map(offset => offset + offsetTicks) };
}

/** First position whose value is at least `value`, for whole numbers. */
export const lowerBound = (sorted: ArrayLike<number>, value: number): number => upperBound(sorted, value - 1);

/** `flags[i] === 1` means that sample `i` is one of them. */
export function positionsOfOnes(flags: Uint8Array): Uint32Array {
  let count = 0;
  for (const flag of flags) count += flag;
  const positions = new Uint32Array(count);
  let next = 0;
  for (let sample = 0; sample < flags.length; sample++) if (flags[sample] === 1) positions[next++] = sample;
  return positions;
}

export function tableByteLength(table: SampleTable): number {
  const columns = [table.dts, table.compositionOffsets, table.byteLengths, table.fileOffsets, table.syncSamples];
  return columns.reduce((sum, column) => sum + (column?.byteLength ?? 0), 0);
}
