// Matroska has no decode times and rounds every timestamp to its tick: the decode times and exact audio times that fMP4 needs, from the frames of one segment alone.
import { unreadable } from './ebml.ts';

/** What the decode times of a whole video track are derived from: the same for every segment of it. */
export type DecodeClock = {
  /** Frames by which the decoder runs ahead of the picture. */
  readonly reorderFrames: number;
  /** Most frames that follow a keyframe in the file and are shown before it. */
  readonly leadingFrames: number;
  /** Ticks per frame; may be a fraction. */
  readonly frameTicks: number;
};

/** A segment's first DTS lies this far before its keyframe's PTS: a constant, so that one segment ends where the next one starts without knowing it. */
export const decodeDelay = (clock: DecodeClock): number => Math.round((clock.reorderFrames + clock.leadingFrames) * clock.frameTicks);

/** How far before a keyframe the earliest picture that follows it in the file is shown, at most. */
export const leadingTicks = (clock: DecodeClock): number => Math.round(clock.leadingFrames * clock.frameTicks);

/**
 * DTS of the frames whose PTS are `presentation`, in decode order. The first is `from − decodeDelay` and all lie before `to − decodeDelay`,
 * they ascend strictly, and none is later than its PTS unless the frames leave no other choice.
 */
export function decodeTimes(presentation: readonly number[], from: number, to: number, clock: DecodeClock): number[] {
  const delay = decodeDelay(clock);
  const [start, end] = [from - delay, to - delay];
  if (end - start < presentation.length) throw unreadable('the video has more frames than its timestamps can tell apart');
  const followed = followPresentation(presentation, start, clock);
  return isInOrder(followed, presentation, end) ? followed : spreadEvenly(presentation, start, end);
}

/** The presentation times in order, later by the reorder depth: at a constant frame rate a perfect clock. */
function followPresentation(presentation: readonly number[], start: number, clock: DecodeClock): number[] {
  const shown = Float64Array.from(presentation).sort();
  const first = shown[0] ?? start;
  const ahead = Math.max(clock.reorderFrames, Math.round((first - start) / clock.frameTicks));
  return presentation.map((_, index) => {
    const pts = shown[index - ahead];
    return index >= ahead && pts !== undefined ? pts : start + Math.round((index * (first - start)) / ahead);
  });
}

function isInOrder(decode: readonly number[], presentation: readonly number[], end: number): boolean {
  return decode.every((dts, index) => dts < (decode[index + 1] ?? end) && dts <= (presentation[index] ?? dts));
}

/** For irregular frames: equal steps, pushed together where a frame is shown early. */
function spreadEvenly(presentation: readonly number[], start: number, end: number): number[] {
  const decode = presentation.map((_, index) => start + Math.floor((index * (end - start)) / presentation.length));
  let latest = end;
  for (let index = decode.length - 1; index >= 0; index--) {
    latest = Math.min(decode[index] ?? latest, presentation[index] ?? latest, latest - 1);
    decode[index] = latest;
  }
  let earliest = start;
  for (let index = 0; index < decode.length; index++) {
    decode[index] = index === 0 ? start : Math.max(decode[index] ?? earliest, earliest);
    earliest = (decode[index] ?? earliest) + 1;
  }
  return decode;
}

/** How many of the frames decoded before each frame are shown after it, at most. `presentation` is in decode order. */
export function reorderDepth(presentation: readonly number[]): number {
  let deepest = 0;
  presentation.forEach((pts, index) => {
    let depth = 0;
    for (let before = Math.max(0, index - MAX_REORDER); before < index; before++) if ((presentation[before] ?? pts) > pts) depth++;
    deepest = Math.max(deepest, depth);
  });
  return deepest;
}

/** No codec keeps more frames back (H.264 and HEVC: 16). */
export const MAX_REORDER = 16;

/** The grid of equal audio frames that a track's rounded timestamps stand for; times in samples. */
export type FrameGrid = {
  readonly sampleRate: number;
  readonly frameDuration: number;
  readonly firstTicks: number;
  readonly ticksPerSecond: number;
};

/** Where on the grid a timestamp lies, in frames since the first. */
export const framePosition = (grid: FrameGrid, ticks: number): number =>
  ((ticks - grid.firstTicks) * grid.sampleRate) / (grid.ticksPerSecond * grid.frameDuration);

export const frameTicks = (grid: FrameGrid, frame: number): number =>
  grid.firstTicks + (frame * grid.frameDuration * grid.ticksPerSecond) / grid.sampleRate;

/** A frame may be moved this far to follow the one before it; further away it overlaps for real. */
const MAX_PUSH_FRAMES = 0.75;

/**
 * Numbers the frames of a track one after the other. A frame takes the nearest free place: two frames whose rounded times fall on one place
 * follow each other, a hole in the source stays a hole. Started anywhere, it soon agrees with itself started elsewhere.
 */
export class FrameNumbering {
  #last = Number.NEGATIVE_INFINITY;

  /** Null for a frame that overlaps those before it. */
  next(position: number): number | null {
    const frame = Math.max(Math.round(position), this.#last + 1);
    if (frame - position > MAX_PUSH_FRAMES) return null;
    this.#last = frame;
    return frame;
  }
}
