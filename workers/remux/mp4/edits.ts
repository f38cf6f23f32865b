// Edit lists (`elst`) as ffmpeg applies them: which samples remain, and how far their times move.
import { upperBound } from '#domain/plan.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { durationAt, lowerBound, numberAt, ptsAt, type SampleTable, shiftTimes, sliceTable } from '#workers/remux/sample-table.ts';
import type { Edit, Mp4Track } from './movie.ts';
import type { RawSamples } from './sample-table.ts';

type Span = {
  /** Ticks of empty edits before the media: where it starts on the movie's timeline. */
  readonly delay: number;
  /** Media time that is shown first. */
  readonly from: number;
  /** Media time at which showing ends. */
  readonly to: number;
};

/** The track on the movie's timeline. Null when the edit list rearranges the media, which takes more than moving it. */
export async function applyEdits(
  raw: RawSamples,
  track: Mp4Track,
  movieTimescale: number,
  budget: FileBudget,
): Promise<SampleTable | null> {
  const { table, dtsShift } = raw;
  const plain = (shift: number) => shiftTimes(table, shift - dtsShift, shift, budget);
  if (track.edits.length === 0 || table.count === 0) return plain(0);
  const span = presentedSpan(track.edits, track.timescale, movieTimescale);
  if (!span) return null;
  const placed = await place(table, span, track, budget);
  return placed && sliceTable(await plain(placed.shift), placed.first, placed.end);
}

/** What a track's edit list shows, in movie time but counted in the track's ticks. Null without one that moves the media alone. */
export function shownSpan({ edits, timescale }: Mp4Track, movieTimescale: number): { readonly from: number; readonly to: number } | null {
  const span = edits.length === 0 ? null : presentedSpan(edits, timescale, movieTimescale);
  return span && { from: span.delay, to: span.delay + span.to - span.from };
}

/** Of a fragmented track: ffmpeg then goes by the first edits alone and drops nothing. */
export function fragmentShift(edits: readonly Edit[], timescale: number, movieTimescale: number): number {
  const [first, second] = edits;
  if (!first) return 0;
  if (first.mediaTime !== -1) return -first.mediaTime;
  return rescale(first.duration, timescale, movieTimescale) - Math.max(second?.mediaTime ?? 0, 0);
}

function presentedSpan(edits: readonly Edit[], timescale: number, movieTimescale: number): Span | null {
  const emptyCount = edits.findIndex(edit => edit.mediaTime !== -1);
  const [media, ...more] = edits.slice(emptyCount);
  if (emptyCount < 0 || !media || more.length > 0 || media.mediaTime < 0 || movieTimescale === 0) return null;
  const ticks = (duration: number) => rescale(duration, timescale, movieTimescale);
  const delay = edits.slice(0, emptyCount).reduce((sum, edit) => sum + ticks(edit.duration), 0);
  return { delay, from: media.mediaTime, to: media.mediaTime + ticks(media.duration) };
}

/** `table` has times from 0 on and its file's own composition offsets. Null when the span shows nothing. */
async function place(
  table: SampleTable,
  { delay, from: spanStart, to: spanEnd }: Span,
  { kind, timescale }: Mp4Track,
  budget: FileBudget,
): Promise<{ first: number; end: number; shift: number } | null> {
  const { count, dts, compositionOffsets } = table;
  // Sound needs what comes before to decode right: ffmpeg keeps a second of it.
  const first = startBefore(table, kind === 'video' ? spanStart : Math.max(spanStart - timescale, 0));
  let shift: number | null = null;
  let earliestPts = Number.POSITIVE_INFINITY;
  let isEnding = false;
  let end = count;
  pieces: for await (const { from, to } of budget.stretches(count - first)) {
    for (let sample = first + from; sample < first + to; sample++) {
      const pts = ptsAt(table, sample);
      const ends = pts + durationAt(table, sample);
      const isCutInto: boolean = kind === 'audio' && pts < spanStart && ends > spanStart && shift === null;
      const isShown = pts >= spanStart && pts < spanEnd;
      // A frame of sound that the span cuts into plays as a whole: its start moves before the span's.
      if (shift === null && (isShown || isCutInto)) shift = delay - (isCutInto ? spanStart - pts : 0) - numberAt(dts, sample);
      if (isShown) earliestPts = Math.min(earliestPts, pts);
      if (ends < spanEnd || !(kind === 'audio' || isSyncSample(table, sample))) continue;
      // Pictures that follow this keyframe may be shown before it: ffmpeg goes on to the next one.
      if (kind === 'audio' || compositionOffsets === null || isEnding) {
        end = Math.min(sample + 1, count);
        break pieces;
      }
      isEnding = true;
    }
  }
  if (shift === null || earliestPts === Number.POSITIVE_INFINITY) return null;
  if (kind === 'video') shift -= Math.max(earliestPts + shift - delay, 0);
  return { first, end, shift };
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
