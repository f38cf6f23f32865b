// Where the segments of a media lie in time: a pure function of its keyframe map, so that every thread, restart and machine computes the same.
import { FerriteError } from './errors.ts';
import type { AudioTimeline, KeyframeMap, Rational, VideoTimeline } from './media.ts';
import type { Rendition } from './rendition.ts';

/**
 * Media time 0 (the first video frame) stands at this second of every rendition's timeline, so that encoder priming and
 * reordered frames never need a negative baseMediaDecodeTime (ISO/IEC 14496-12, 8.8.12), which some players refuse.
 */
export const TIMELINE_START_S = 10;

/** Samples per AAC-LC frame, and the rate every encoded audio rendition has. */
export const AAC_FRAME = 1024;
export const ENCODED_AUDIO_RATE = 48_000;

/** Shown by the first chunk of an encoded picture segment: enough to begin with while the rest is being made. */
const FIRST_CHUNK_MS = 500;

/** A copied segment longer than this makes start and seek slow on any player: such media is transcoded instead. */
const MAX_COPY_SEGMENT_S = 15;

/** Segment `i` of a rendition covers [boundaries[i], boundaries[i + 1]) in ticks of `timescale`, counted from media time 0. */
export type Grid = { readonly timescale: number; readonly boundaries: readonly number[] };

export type Plan = {
  readonly targetMs: number;
  /** Source keyframes; null when the source's keyframes lie too far apart to copy. */
  readonly videoCopy: Grid | null;
  /** The copy grid refined to at most the target: every copy boundary is an encode boundary too. */
  readonly videoEncode: Grid;
  /** By audio track: whole source frames; null when the track can't be cut into whole frames without looking at each. */
  readonly audioCopy: readonly (Grid | null)[];
  /** By audio track: whole AAC frames at 48 kHz. */
  readonly audioEncode: readonly Grid[];
};

export function buildPlan(map: KeyframeMap, frameRate: Rational, targetMs: number): Plan {
  const { video } = map;
  const copyFrames = groupKeyframes(video, targetMs);
  const videoEncode = refine(copyFrames, video, frameRate, targetMs);
  const copy: Grid = { timescale: video.timescale, boundaries: copyFrames.map(pts => pts - originPts(video)) };
  return {
    targetMs,
    videoCopy: longestSegmentS(copy) <= MAX_COPY_SEGMENT_S ? copy : null,
    videoEncode,
    audioCopy: map.audio.map(track => audioCopyGrid(track, video, videoEncode, targetMs)),
    audioEncode: map.audio.map(track => audioEncodeGrid(track, video, videoEncode, targetMs)),
  };
}

/** The cut points of one rendition. @throws SEGMENT_NOT_FOUND when this media can not be delivered so. */
export function gridOf(plan: Plan, rendition: Rendition): Grid {
  const grid = gridOrNull(plan, rendition);
  if (!grid) throw new FerriteError('SEGMENT_NOT_FOUND', 'the media has no such rendition');
  return grid;
}

function gridOrNull(plan: Plan, rendition: Rendition): Grid | null | undefined {
  switch (rendition.kind) {
    case 'video-copy':
      return plan.videoCopy;
    case 'video-encode':
      return plan.videoEncode;
    case 'audio-copy':
      return plan.audioCopy[rendition.track];
    case 'audio-encode':
      return plan.audioEncode[rendition.track];
  }
}

/** PTS of media time 0 in the video track's timescale. */
export function originPts(video: VideoTimeline): number {
  const [first] = video.keyframes;
  if (first === undefined) throw new RangeError('a video timeline has at least one keyframe');
  return first;
}

/** Ticks per frame of an encode and its timescale: whole ticks for any rational rate, and fine enough for composition offsets. */
export function encodeClock({ num, den }: Rational): { timescale: number; frameTicks: number } {
  const scale = num < 1000 ? 1000 : Math.ceil(10_000 / num);
  return { timescale: num * scale, frameTicks: den * scale };
}

export const segmentCount = (grid: Grid): number => grid.boundaries.length - 1;

/** The true duration of segment `index` in seconds (EXTINF). The first segment also covers the gap before a track that begins late. */
export function segmentDurationS(grid: Grid, index: number): number {
  return (boundaryAt(grid, index + 1) - (index === 0 ? 0 : boundaryAt(grid, index))) / grid.timescale;
}

export const segmentStartS = (grid: Grid, index: number): number => (index === 0 ? 0 : boundaryAt(grid, index) / grid.timescale);

/** The segment that shows media time `positionMs`; a time past the end gives the last one. */
export function segmentIndexAt(grid: Grid, positionMs: number): number {
  // A boundary's time, rounded to milliseconds, may lie just before the boundary.
  const ticks = (positionMs * grid.timescale) / 1000 + 1e-4;
  const after = upperBound(grid.boundaries, ticks);
  return Math.min(Math.max(after - 1, 0), segmentCount(grid) - 1);
}

export function boundaryAt(grid: Grid, index: number): number {
  const ticks = grid.boundaries[index];
  if (ticks === undefined) throw new RangeError(`segment ${index} is outside the plan`);
  return ticks;
}

/**
 * Where the first of the two chunks (CMAF, ISO/IEC 23000-19, 7.3.2.3) of an encoded picture segment ends, in ticks of its grid; null
 * where the segment is too short to be worth two.
 */
export function firstChunkEnd(grid: Grid, index: number, frameRate: Rational): number | null {
  const [start, end] = [boundaryAt(grid, index), boundaryAt(grid, index + 1)];
  const frames = Math.max(1, Math.round((FIRST_CHUNK_MS * frameRate.num) / (1000 * frameRate.den)));
  const ticks = frames * encodeClock(frameRate).frameTicks;
  return 2 * ticks <= end - start ? start + ticks : null;
}

export function longestSegmentS(grid: Grid): number {
  let longest = 0;
  for (let index = 0; index < segmentCount(grid); index++) longest = Math.max(longest, segmentDurationS(grid, index));
  return longest;
}

/** First position whose value is greater than `value`. */
export function upperBound(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function groupKeyframes(video: VideoTimeline, targetMs: number): number[] {
  const target = (targetMs * video.timescale) / 1000;
  const boundaries: number[] = [];
  for (const pts of video.keyframes) {
    const last = boundaries.at(-1);
    if (last === undefined || pts - last >= target) boundaries.push(pts);
  }
  // A very short last segment is not worth a request: it joins the one before.
  if (boundaries.length > 1 && video.endPts - (boundaries.at(-1) ?? 0) < target / 2) boundaries.pop();
  boundaries.push(video.endPts);
  return boundaries;
}

function refine(copyBoundaries: readonly number[], video: VideoTimeline, frameRate: Rational, targetMs: number): Grid {
  const { timescale, frameTicks } = encodeClock(frameRate);
  const origin = originPts(video);
  const frameAt = (pts: number) => Math.round(((pts - origin) * frameRate.num) / (video.timescale * frameRate.den));
  const targetFrames = Math.max(1, Math.floor((targetMs * frameRate.num) / (1000 * frameRate.den)));
  const frames = [0];
  for (const pts of copyBoundaries.slice(1)) {
    const from = frames.at(-1) ?? 0;
    const to = Math.max(frameAt(pts), from + 1);
    const parts = Math.ceil((to - from) / targetFrames);
    for (let part = 1; part <= parts; part++) frames.push(from + Math.round((part * (to - from)) / parts));
  }
  return { timescale, boundaries: frames.map(frame => frame * frameTicks) };
}

/** Video boundaries and, where the sound goes on after the picture, target-length steps up to its end; in seconds. */
function audioBoundariesS(grid: Grid, endS: number, targetMs: number): number[] {
  const seconds = grid.boundaries.map(ticks => ticks / grid.timescale);
  const videoEndS = seconds.at(-1) ?? 0;
  for (let next = videoEndS + targetMs / 1000; next < endS; next += targetMs / 1000) seconds.push(next);
  return seconds;
}

/** Cuts a track of equal frames, of which frame 0 starts at `firstTicks`, at the frame starts nearest to `seconds`. */
function cutWholeFrames(
  track: { timescale: number; firstTicks: number; frameTicks: number; frameCount: number; endTicks: number },
  seconds: readonly number[],
): Grid {
  const { timescale, firstTicks, frameTicks, frameCount, endTicks } = track;
  // Frames that end before media time 0 are encoder priming or have no picture to go with: they are never shown.
  const firstFrame = Math.max(0, Math.floor(-firstTicks / frameTicks));
  const frames = [firstFrame];
  for (const second of seconds.slice(1, -1)) {
    const frame = Math.min(Math.round((second * timescale - firstTicks) / frameTicks), frameCount);
    if (frame > (frames.at(-1) ?? 0)) frames.push(frame);
  }
  if (frameCount > (frames.at(-1) ?? 0)) frames.push(frameCount);
  // The last audio frame may be shorter than the others.
  return { timescale, boundaries: frames.map(frame => Math.min(firstTicks + frame * frameTicks, endTicks)) };
}

function audioCopyGrid(track: AudioTimeline, video: VideoTimeline, grid: Grid, targetMs: number): Grid | null {
  if (track.frameDuration === null) return null;
  const firstTicks = track.firstPts - Math.round((originPts(video) * track.timescale) / video.timescale);
  const endTicks = firstTicks + track.endPts - track.firstPts;
  const frameCount = Math.ceil((track.endPts - track.firstPts) / track.frameDuration);
  const seconds = audioBoundariesS(grid, endTicks / track.timescale, targetMs);
  // A track that starts after the first segment, or ends before the picture begins, would leave segments without a single frame:
  // re-encoding fills it with silence.
  if (endTicks <= 0 || frameCount < 1 || firstTicks / track.timescale >= (seconds[1] ?? 0) / 2) return null;
  return cutWholeFrames({ timescale: track.timescale, firstTicks, frameTicks: track.frameDuration, frameCount, endTicks }, seconds);
}

function audioEncodeGrid(track: AudioTimeline, video: VideoTimeline, grid: Grid, targetMs: number): Grid {
  const videoEndS = (grid.boundaries.at(-1) ?? 0) / grid.timescale;
  const endS = Math.max(videoEndS, track.endPts / track.timescale - originPts(video) / video.timescale);
  const frameCount = Math.ceil((endS * ENCODED_AUDIO_RATE) / AAC_FRAME);
  return cutWholeFrames(
    { timescale: ENCODED_AUDIO_RATE, firstTicks: 0, frameTicks: AAC_FRAME, frameCount, endTicks: frameCount * AAC_FRAME },
    audioBoundariesS(grid, endS, targetMs),
  );
}
