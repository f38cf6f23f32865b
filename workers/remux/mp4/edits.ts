// Edit lists (`elst`) as ffmpeg applies them: which samples remain, and how far their times move.

import { upperBound } from '#domain/plan.ts';
import { durationAt, lowerBound, numberAt, ptsAt, type SampleTable, shiftTimes, sliceTable } from '#workers/remux/sample-table.ts';
import type { Edit, Mp4Track } from './movie.ts';
import type { RawSamples } from './sample-table.ts';

type Window = {
  /** Ticks of empty edits before the media: where it starts on the movie's timeline. */
  readonly delay: number;
  /** Media time that is shown first. */
  readonly from: number;
  /** Media time at which showing ends. */
  readonly to: number;
};

/** The track on the movie's timeline. Null when the edit list rearranges the media, which takes more than moving it. */
export function applyEdits(raw: RawSamples, track: Mp4Track, movieTimescale: number): SampleTable | null {
  const { table, dtsShift } = raw;
  const plain = (shift: number) => shiftTimes(table, shift - dtsShift, shift);
  if (track.edits.length === 0 || table.count === 0) return plain(0);
  const window = editWindow(track.edits, track.timescale, movieTimescale);
  if (!window) return null;
  const placed = place(table, window, track);
  return placed && sliceTable(plain(placed.shift), placed.first, placed.end);
}

/** Of a fragmented track: ffmpeg then goes by the first edits alone and drops nothing. */
export function fragmentShift(edits: readonly Edit[], timescale: number, movieTimescale: number): number {
  const [first, second] = edits;
  if (!first) return 0;
  if (first.mediaTime !== -1) return -first.mediaTime;
  return rescale(first.duration, timescale, movieTimescale) - Math.max(second?.mediaTime ?? 0, 0);
}

function editWindow(edits: readonly Edit[], timescale: number, movieTimescale: number): Window | null {
  const emptyCount = edits.findIndex(edit => edit.mediaTime !== -1);
  const [media, ...more] = edits.slice(emptyCount);
  if (emptyCount < 0 || !media || more.length > 0 || media.mediaTime < 0 || movieTimescale === 0) return null;
  const ticks = (duration: number) => rescale(duration, timescale, movieTimescale);
  const delay = edits.slice(0, emptyCount).reduce((sum, edit) => sum + ticks(edit.duration), 0);
  return { delay, from: media.mediaTime, to: media.mediaTime + ticks(media.duration) };
}

/** `table` has times from 0 on and its file's own composition offsets. Null when the window shows nothing. */
function place(
  table: SampleTable,
  { delay, from, to }: Window,
  { kind, timescale }: Mp4Track,
): { first: number; end: number; shift: number } | null {
  const { count, dts, compositionOffsets } = table;
  // Sound needs what comes before to decode right: ffmpeg keeps a second of it.
  const first = startBefore(table, kind === 'video' ? from : Math.max(from - timescale, 0));
  let shift: number | null = null;
  let earliestPts = Number.POSITIVE_INFINITY;
  let isEnding = false;
  let sample = first;
  for (; sample < count; sample++) {
    const pts = ptsAt(table, sample);
    const end = pts + durationAt(table, sample);
    const isCutInto: boolean = kind === 'audio' && pts < from && end > from && shift === null;
    const isShown = pts >= from && pts < to;
    // A frame of sound that the window cuts into plays as a whole: its start moves before the window's.
    if (shift === null && (isShown || isCutInto)) shift = delay - (isCutInto ? from - pts : 0) - numberAt(dts, sample);
    if (isShown) earliestPts = Math.min(earliestPts, pts);
    if (end < to || !(kind === 'audio' || isSyncSample(table, sample))) continue;
    // Pictures that follow this keyframe may be shown before it: ffmpeg goes on to the next one.
    if (kind === 'audio' || compositionOffsets === null || isEnding) break;
    isEnding = true;
  }
  if (shift === null || earliestPts === Number.POSITIVE_INFINITY) return null;
  if (kind === 'video') shift -= Math.max(earliestPts + shift - delay, 0);
  return { first, end: Math.min(sample + 1, count), shift };
}

/** The last sample at or before `mediaTime` that decoding can start at. */
function startBefore(table: SampleTable, mediaTime: number): number {
  const { dts, syncSamples } = table;
  const latest = upperBound(dts, mediaTime) - 1;
  const candidates = syncSamples ? upperBound(syncSamples, latest) - 1 : latest;
  for (let position = candidates; position >= 0; position--) {
    const sample = syncSamples ? numberAt(syncSamples, position) : position;
    if (ptsAt(table, sample) <= mediaTime) return syncSamples ? sample : lowerBound(dts, numberAt(dts, sample));
  }
  return 0;
}

function isSyncSample({ syncSamples }: SampleTable, sample: number): boolean {
  return syncSamples === null || syncSamples[lowerBound(syncSamples, sample)] === sample;
}

const rescale = (value: number, timescale: number, movieTimescale: number): number => Math.round((value * timescale) / movieTimescale);
