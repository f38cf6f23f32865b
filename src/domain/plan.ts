// Where the segments of a media lie in time: a pure function of its keyframe map, so that every thread, restart and machine computes the same.
import { FerriteError } from './errors.ts';
import type { AudioTimeline, KeyframeMap, Rational, VideoTimeline } from './media.ts';
import { type AudioEncode, isDolby, type Rendition } from './rendition.ts';

/** Samples per frame of AAC-LC, and of AC-3 and E-AC-3 with six blocks (ETSI TS 102 366, 4.1 and E.1.2). */
export const AAC_FRAME = 1024;
const DOLBY_FRAME = 1536;
/** The rate of every encoded audio rendition. */
export const ENCODED_AUDIO_RATE = 48_000;

/** Shown by the first chunk of an encoded picture segment: enough to begin with while the rest is being made. */
const FIRST_CHUNK_MS = 500;

/**
 * The finest clock of a picture: segments of 15 s, and offsets of as long, fit the 32 bits of `trun` (ISO/IEC 14496-12, 8.8.8), and the
 * clock itself those of every player.
 */
const MAX_TIMESCALE = 2 ** 27;

/** A copied segment longer than this makes start and seek slow on any player: such media is transcoded instead. */
const MAX_COPY_SEGMENT_S = 15;

/** Nobody looks at more keyframes a second while a film flies by. */
const IFRAMES_APART_S = 1;

/** Segment `i` of a rendition covers [boundaries[i], boundaries[i + 1]) in ticks of `timescale`, counted from media time 0, where tfdt is 0. */
export type Grid = { readonly timescale: number; readonly boundaries: readonly number[] };

export type Plan = {
  readonly targetMs: number;
  /** Source keyframes; null when the source's keyframes lie too far apart to copy. */
  readonly videoCopy: Grid | null;
  /** The keyframes of the copy, one a segment; null when it is not copied. */
  readonly iframes: Grid | null;
  /** The copy grid refined to at most the target: every copy boundary is an encode boundary too. */
  readonly videoEncode: Grid;
  /** By audio track: whole source frames; null when the track can't be cut into whole frames without looking at each. */
  readonly audioCopy: readonly (Grid | null)[];
  /** By audio track: whole AAC frames at 48 kHz. */
  readonly audioEncode: readonly Grid[];
  /** The same of AC-3 and E-AC-3. */
  readonly dolbyEncode: readonly Grid[];
};

export function buildPlan(map: KeyframeMap, frameRate: Rational, targetMs: number): Plan {
  const { video } = map;
  const copyFrames = groupKeyframes(video, targetMs);
  const shared = sharedTimescale(video.timescale, frameRate);
  const videoEncode = refine({ copyBoundaries: copyFrames, video, frameRate, targetMs, timescale: shared ?? encodeTimescale(frameRate) });
  const timescale = shared ?? video.timescale;
  const ticks = timescale / video.timescale;
  const copy: Grid = { timescale, boundaries: copyFrames.map(pts => (pts - video.originPts) * ticks) };
  const videoCopy = longestSegmentS(copy) <= MAX_COPY_SEGMENT_S ? copy : null;
  return {
    targetMs,
    videoCopy,
    iframes: videoCopy && iframeGrid(video, timescale),
    videoEncode,
    audioCopy: map.audio.map(track => audioCopyGrid(track, video, videoEncode, targetMs)),
    audioEncode: map.audio.map(track => audioEncodeGrid(AAC_FRAME, { track, video, videoEncode, targetMs })),
    dolbyEncode: map.audio.map(track => audioEncodeGrid(DOLBY_FRAME, { track, video, videoEncode, targetMs })),
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
    case 'video-iframes':
      return plan.iframes;
    case 'video-encode':
      return plan.videoEncode;
    case 'audio-copy':
      return plan.audioCopy[rendition.track];
    case 'audio-encode':
      return (isDolby(rendition) ? plan.dolbyEncode : plan.audioEncode)[rendition.track];
    case 'subtitle':
      return plan.videoEncode;
  }
}

/** Samples per frame of an encode. */
export const soundFrame = (rendition: AudioEncode): number => (isDolby(rendition) ? DOLBY_FRAME : AAC_FRAME);

/** The clock of what an encoder writes: whole ticks a frame for any rational rate, and fine enough for composition offsets. */
export const encodeTimescale = ({ num }: Rational): number => num * (num < 1000 ? 1000 : Math.ceil(10_000 / num));

/** Ticks per frame on a clock on which every frame is whole. */
export const frameTicks = (timescale: number, { num, den }: Rational): number => (timescale * den) / num;

/**
 * One clock for all pictures of a media, copied and encoded: players that meet another timescale after a switch anchor the picture anew,
 * and the sound not. Null where source ticks and encoded frames are whole together on too fine a clock only.
 */
function sharedTimescale(sourceTimescale: number, frameRate: Rational): number | null {
  const timescale = leastMultiple(sourceTimescale, encodeTimescale(frameRate));
  if (timescale <= MAX_TIMESCALE) return timescale;
  const coarser = leastMultiple(sourceTimescale, frameRate.num);
  return coarser <= MAX_TIMESCALE ? coarser : null;
}

export const leastMultiple = (a: number, b: number): number => (a / greatestDivisor(a, b)) * b;

export function greatestDivisor(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest !== 0) [divisor, rest] = [rest, divisor % rest];
  return divisor;
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
  const ticks = frames * frameTicks(grid.timescale, frameRate);
  return 2 * ticks <= end - start ? start + ticks : null;
}

export function longestSegmentS(grid: Grid): number {
  let longest = 0;
  for (let index = 0; index < segmentCount(grid); index++) longest = Math.max(longest, segmentDurationS(grid, index));
  return longest;
}

/** Every media playlist of a variant must have the same target duration (RFC 8216, 6.2.4), at least each rounded EXTINF (4.3.3.1). */
export const targetDurationS = (plan: Plan, renditions: readonly Rendition[]): number =>
  Math.max(...renditions.map(rendition => Math.round(longestSegmentS(gridOf(plan, rendition)))), 1);

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
  // The first begins with the presentation: what is hidden before costs no time, and what comes late leaves no hole.
  const boundaries = [video.originPts];
  for (const pts of video.keyframes) if (pts > video.firstShownPts && pts - (boundaries.at(-1) ?? 0) >= target) boundaries.push(pts);
  // A very short last segment is not worth a request: it joins the one before.
  if (boundaries.length > 1 && video.endPts - (boundaries.at(-1) ?? 0) < target / 2) boundaries.pop();
  boundaries.push(video.endPts);
  return boundaries;
}

/** Each from its keyframe up to the next one: on the copy's own clock, from media time 0. */
function iframeGrid({ timescale: source, keyframes, originPts, firstShownPts, endPts }: VideoTimeline, timescale: number): Grid {
  const ticks = timescale / source;
  const boundaries = [originPts];
  for (const pts of keyframes) {
    if (pts > firstShownPts && pts < endPts && pts - (boundaries.at(-1) ?? 0) >= IFRAMES_APART_S * source) boundaries.push(pts);
  }
  boundaries.push(endPts);
  return { timescale, boundaries: boundaries.map(pts => (pts - originPts) * ticks) };
}

type EncodeGridInput = {
  readonly copyBoundaries: readonly number[];
  readonly video: VideoTimeline;
  readonly frameRate: Rational;
  readonly targetMs: number;
  readonly timescale: number;
};

function refine({ copyBoundaries, video, frameRate, targetMs, timescale }: EncodeGridInput): Grid {
  const origin = video.originPts;
  const frameAt = (pts: number) => Math.round(((pts - origin) * frameRate.num) / (video.timescale * frameRate.den));
  const targetFrames = Math.max(1, Math.floor((targetMs * frameRate.num) / (1000 * frameRate.den)));
  const frames = [0];
  for (const pts of copyBoundaries.slice(1)) {
    const from = frames.at(-1) ?? 0;
    const to = Math.max(frameAt(pts), from + 1);
    const parts = Math.ceil((to - from) / targetFrames);
    for (let part = 1; part <= parts; part++) frames.push(from + Math.round((part * (to - from)) / parts));
  }
  return { timescale, boundaries: frames.map(frame => frame * frameTicks(timescale, frameRate)) };
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
  const firstFrame = firstWholeFrame(firstTicks, frameTicks);
  const frames = [firstFrame];
  for (const second of seconds.slice(1, -1)) {
    const frame = Math.min(Math.round((second * timescale - firstTicks) / frameTicks), frameCount);
    if (frame > (frames.at(-1) ?? 0)) frames.push(frame);
  }
  if (frameCount > (frames.at(-1) ?? 0)) frames.push(frameCount);
  // The last audio frame may be shorter than the others.
  return { timescale, boundaries: frames.map(frame => Math.min(firstTicks + frame * frameTicks, endTicks)) };
}

/** Nothing stands before media time 0: what begins sooner is encoder priming, or has no picture to go with. */
const firstWholeFrame = (firstTicks: number, frameTicks: number): number => Math.max(0, Math.ceil(-firstTicks / frameTicks));

function audioCopyGrid(track: AudioTimeline, video: VideoTimeline, grid: Grid, targetMs: number): Grid | null {
  if (track.frameDuration === null) return null;
  const firstTicks = track.firstPts - Math.round((video.originPts * track.timescale) / video.timescale);
  const endTicks = firstTicks + track.endPts - track.firstPts;
  const frameCount = Math.ceil((track.endPts - track.firstPts) / track.frameDuration);
  const seconds = audioBoundariesS(grid, endTicks / track.timescale, targetMs);
  // A track that starts after the first segment, or ends before the picture begins, would leave segments without a single frame:
  // re-encoding fills it with silence.
  if (firstWholeFrame(firstTicks, track.frameDuration) >= frameCount || firstTicks / track.timescale >= (seconds[1] ?? 0) / 2) return null;
  return cutWholeFrames({ timescale: track.timescale, firstTicks, frameTicks: track.frameDuration, frameCount, endTicks }, seconds);
}

type Sound = { readonly track: AudioTimeline; readonly video: VideoTimeline; readonly videoEncode: Grid; readonly targetMs: number };

function audioEncodeGrid(frame: number, { track, video, videoEncode, targetMs }: Sound): Grid {
  const videoEndS = (videoEncode.boundaries.at(-1) ?? 0) / videoEncode.timescale;
  const endS = Math.max(videoEndS, track.endPts / track.timescale - video.originPts / video.timescale);
  const frameCount = Math.ceil((endS * ENCODED_AUDIO_RATE) / frame);
  return cutWholeFrames(
    { timescale: ENCODED_AUDIO_RATE, firstTicks: 0, frameTicks: frame, frameCount, endTicks: frameCount * frame },
    audioBoundariesS(videoEncode, endS, targetMs),
  );
}
