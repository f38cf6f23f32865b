// What a plan needs to know of a track, told from its sample table.
import { FerriteError } from '#domain/errors.ts';
import { isWithinBounds, thinKeyframes } from '#domain/keyframes.ts';
import type { AudioTimeline, VideoTimeline } from '#domain/media.ts';
import type { FileBudget } from './file-budget.ts';
import { durationAt, numberAt, ptsAt, type SampleTable, sliceTable } from './sample-table.ts';

export type Keyframes = {
  /** Ascending. */
  readonly pts: Float64Array;
  /** Position in the table of each; null: every sample is one. */
  readonly samples: Uint32Array | null;
};

/** Past the last keyframe the end of the table. */
export const sampleOfKeyframe = ({ pts, samples }: Keyframes, keyframe: number, { count }: SampleTable): number =>
  keyframe >= pts.length ? count : samples === null ? keyframe : numberAt(samples, keyframe);

/** A keyframe that is shown before an earlier one is no place to cut at. */
export async function keyframesOf(table: SampleTable, budget: FileBudget): Promise<Keyframes> {
  const { syncSamples } = table;
  const candidates = syncSamples?.length ?? table.count;
  if (syncSamples === null) budget.take('keyframes', candidates);
  if (syncSamples === null && table.compositionOffsets === null && (await isAscending(table, budget)))
    return { pts: table.dts, samples: null };
  const pts = new Float64Array(candidates);
  const samples = new Uint32Array(candidates);
  let count = 0;
  let latest = Number.NEGATIVE_INFINITY;
  for await (const { from, to } of budget.stretches(candidates)) {
    for (let position = from; position < to; position++) {
      const sample = syncSamples ? numberAt(syncSamples, position) : position;
      const shown = ptsAt(table, sample);
      if (shown <= latest) continue;
      latest = shown;
      pts[count] = shown;
      samples[count++] = sample;
    }
  }
  return { pts: pts.subarray(0, count), samples: samples.subarray(0, count) };
}

async function isAscending({ count, dts }: SampleTable, budget: FileBudget): Promise<boolean> {
  for await (const { from, to } of budget.stretches(count)) {
    for (let sample = Math.max(from, 1); sample < to; sample++) if (numberAt(dts, sample) <= numberAt(dts, sample - 1)) return false;
  }
  return true;
}

/** @throws MEDIA_UNREADABLE when it claims to last for days. */
export async function videoTimeline(
  table: SampleTable,
  keyframes: Keyframes,
  timescale: number,
  budget: FileBudget,
): Promise<VideoTimeline> {
  let last = 0;
  let hasLeadingPictures = false;
  let keyframe = 0;
  for await (const { from, to } of budget.stretches(table.count)) {
    for (let sample = from; sample < to; sample++) {
      const pts = ptsAt(table, sample);
      if (pts > ptsAt(table, last)) last = sample;
      if (sample === sampleOfKeyframe(keyframes, keyframe + 1, table)) keyframe++;
      // What precedes the first keyframe's picture is never shown, so nothing is missing there.
      if (keyframe > 0 && pts < numberAt(keyframes.pts, keyframe)) hasLeadingPictures = true;
    }
  }
  const endPts = ptsAt(table, last) + durationAt(table, last);
  if (!isWithinBounds(timescale, endPts - numberAt(keyframes.pts, 0)))
    throw new FerriteError('MEDIA_UNREADABLE', 'the video claims to last for days');
  const peakBitrate = await peakBitrateBps(table, timescale, budget);
  const firstShownPts = numberAt(keyframes.pts, 0);
  return {
    timescale,
    originPts: firstShownPts,
    keyframes: thinKeyframes(keyframes.pts, timescale),
    firstShownPts,
    endPts,
    hasLeadingPictures,
    peakBitrateBps: peakBitrate,
  };
}

const PEAK_INTERVAL_S = 2;

/** Bits per second of the busiest interval, or of the whole track where that is shorter. */
async function peakBitrateBps(table: SampleTable, timescale: number, budget: FileBudget): Promise<number> {
  const { count, dts, byteLengths } = table;
  const intervalTicks = Math.min(PEAK_INTERVAL_S * timescale, numberAt(dts, count - 1) + table.lastDuration - numberAt(dts, 0));
  let first = 0;
  let bytes = 0;
  let most = 0;
  for await (const { from, to } of budget.stretches(count)) {
    for (let sample = from; sample < to; sample++) {
      bytes += numberAt(byteLengths, sample);
      while (first < sample && numberAt(dts, sample) - numberAt(dts, first) >= intervalTicks) bytes -= numberAt(byteLengths, first++);
      most = Math.max(most, bytes);
    }
  }
  return Math.round((most * 8 * timescale) / Math.max(intervalTicks, 1));
}

/** The table must have at least one sample. */
export async function audioTimeline(table: SampleTable, index: number, timescale: number, budget: FileBudget): Promise<AudioTimeline> {
  const { count } = table;
  const firstPts = ptsAt(table, 0);
  const endPts = ptsAt(table, count - 1) + durationAt(table, count - 1);
  if (!isWithinBounds(timescale, Math.max(endPts, endPts - firstPts, 0)))
    throw new FerriteError('MEDIA_UNREADABLE', 'the sound claims to last for days');
  return { index, timescale, firstPts, frameDuration: await constantDuration(table, budget), endPts };
}

/** Of every frame but the last, which writers shorten to the end of the sound. */
async function constantDuration(table: SampleTable, budget: FileBudget): Promise<number | null> {
  const duration = durationAt(table, 0);
  for await (const { from, to } of budget.stretches(table.count - 1)) {
    for (let sample = from; sample < to; sample++) if (durationAt(table, sample) !== duration) return null;
  }
  return duration > 0 && table.compositionOffsets === null ? duration : null;
}

/**
 * Writers without an edit list hold the encoder's priming frame until the first picture: without it every frame lasts equally
 * long, and the track can be copied.
 */
export async function withoutHeldPriming(table: SampleTable, budget: FileBudget): Promise<SampleTable> {
  if (table.count < 3 || (await constantDuration(table, budget)) !== null) return table;
  const rest = sliceTable(table, 1, table.count);
  return (await constantDuration(rest, budget)) === null ? table : rest;
}

/**
 * Sound whose writer rounded its times to another clock (1016, 1024, 1032 samples: Matroska's milliseconds), put back on the grid of its
 * frames. The same table where every frame is as long as its codec says; null where a frame lies elsewhere than on the grid.
 */
export async function onFrameGrid(table: SampleTable, frameDuration: number, budget: FileBudget): Promise<SampleTable | null> {
  if (table.compositionOffsets !== null) return null;
  const first = numberAt(table.dts, 0);
  const dts = new Float64Array(table.count);
  for await (const { from, to } of budget.stretches(table.count)) {
    for (let sample = from; sample < to; sample++) {
      dts[sample] = first + sample * frameDuration;
      if (Math.abs(numberAt(table.dts, sample) - numberAt(dts, sample)) > frameDuration / 2) return null;
    }
  }
  return { ...table, dts, lastDuration: Math.min(table.lastDuration, frameDuration) };
}

/** The same times counted in `sampleRate`; null when they are not whole there. */
export async function countInSamples(
  table: SampleTable,
  timescale: number,
  sampleRate: number,
  budget: FileBudget,
): Promise<SampleTable | null> {
  if (table.compositionOffsets !== null) return null;
  const convert = (ticks: number) => (ticks * sampleRate) / timescale;
  const dts = new Float64Array(table.count);
  for await (const { from, to } of budget.stretches(table.count)) {
    for (let sample = from; sample < to; sample++) {
      const converted = convert(numberAt(table.dts, sample));
      if (!Number.isInteger(converted)) return null;
      dts[sample] = converted;
    }
  }
  return { ...table, dts, lastDuration: Math.round(convert(table.lastDuration)) };
}
