// What a plan needs to know of a track, told from its sample table.
import type { AudioTimeline, VideoTimeline } from '#domain/media.ts';
import { durationAt, numberAt, ptsAt, type SampleTable, sliceTable } from './sample-table.ts';

export type Keyframes = {
  /** Ascending. */
  readonly pts: readonly number[];
  /** Position in the table of each. */
  readonly samples: readonly number[];
};

/** A keyframe that is shown before an earlier one is no place to cut at. */
export function keyframesOf(table: SampleTable): Keyframes {
  const pts: number[] = [];
  const samples: number[] = [];
  const { syncSamples, count } = table;
  for (let position = 0; position < (syncSamples?.length ?? count); position++) {
    const sample = syncSamples ? numberAt(syncSamples, position) : position;
    const shown = ptsAt(table, sample);
    if (shown <= (pts.at(-1) ?? Number.NEGATIVE_INFINITY)) continue;
    pts.push(shown);
    samples.push(sample);
  }
  return { pts, samples };
}

export function videoTimeline(table: SampleTable, keyframes: Keyframes, timescale: number): VideoTimeline {
  let last = 0;
  let hasLeadingPictures = false;
  let keyframe = 0;
  for (let sample = 0; sample < table.count; sample++) {
    const pts = ptsAt(table, sample);
    if (pts > ptsAt(table, last)) last = sample;
    if (sample === keyframes.samples[keyframe + 1]) keyframe++;
    // What precedes the first keyframe's picture is never shown, so nothing is missing there.
    if (keyframe > 0 && pts < (keyframes.pts[keyframe] ?? 0)) hasLeadingPictures = true;
  }
  const endPts = ptsAt(table, last) + durationAt(table, last);
  return { timescale, keyframes: keyframes.pts, endPts, hasLeadingPictures, peakBitrateBps: peakBitrateBps(table, timescale) };
}

const PEAK_WINDOW_S = 2;

/** Bits per second of the busiest window, or of the whole track where that is shorter. */
function peakBitrateBps(table: SampleTable, timescale: number): number {
  const { count, dts, byteLengths } = table;
  const windowTicks = Math.min(PEAK_WINDOW_S * timescale, numberAt(dts, count - 1) + table.lastDuration - numberAt(dts, 0));
  let from = 0;
  let bytes = 0;
  let most = 0;
  for (let sample = 0; sample < count; sample++) {
    bytes += numberAt(byteLengths, sample);
    while (from < sample && numberAt(dts, sample) - numberAt(dts, from) >= windowTicks) bytes -= numberAt(byteLengths, from++);
    most = Math.max(most, bytes);
  }
  return Math.round((most * 8 * timescale) / Math.max(windowTicks, 1));
}

/** The table must have at least one sample. */
export function audioTimeline(table: SampleTable, index: number, timescale: number): AudioTimeline {
  const { count } = table;
  const firstPts = ptsAt(table, 0);
  const frameDuration = constantDuration(table);
  const endPts = ptsAt(table, count - 1) + durationAt(table, count - 1);
  return { index, timescale, firstPts, frameDuration, endPts };
}

/** Of every frame but the last, which writers shorten to the end of the sound. */
function constantDuration(table: SampleTable): number | null {
  const duration = durationAt(table, 0);
  for (let sample = 1; sample + 1 < table.count; sample++) if (durationAt(table, sample) !== duration) return null;
  return duration > 0 && table.compositionOffsets === null ? duration : null;
}

/**
 * Writers without an edit list hold the encoder's priming frame until the first picture: without it every frame lasts equally
 * long, and the track can be copied.
 */
export function withoutHeldPriming(table: SampleTable): SampleTable {
  if (table.count < 3 || constantDuration(table) !== null) return table;
  const rest = sliceTable(table, 1, table.count);
  return constantDuration(rest) === null ? table : rest;
}

/** The same times counted in `sampleRate`; null when they are not whole there. */
export function countInSamples(table: SampleTable, timescale: number, sampleRate: number): SampleTable | null {
  const convert = (ticks: number) => (ticks * sampleRate) / timescale;
  const dts = table.dts.map(convert);
  const lastDuration = Math.round(convert(table.lastDuration));
  return table.compositionOffsets === null && dts.every(Number.isInteger) ? { ...table, dts, lastDuration } : null;
}
