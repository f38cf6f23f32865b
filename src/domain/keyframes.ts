// How large and how long a keyframe map may be, and what the catalogue says of one without opening it.
import { FerriteError } from './errors.ts';
import type { KeyframeFacts, KeyframeMap } from './media.ts';

/** A map is opened whole wherever a session begins: 19 ms for as many. A film with a keyframe every two seconds has 1800 an hour. */
export const MAX_KEYFRAMES = 250_000;
/** Every second is at least a line of a playlist somewhere: what claims more was not filmed. */
const MAX_HOURS = 100;

const THINNEST_GAP_S = 0.25;

/** Of a film in which every picture is a keyframe only so many as a plan has use for. `pts` ascend. */
export function thinKeyframes(pts: ArrayLike<number>, timescale: number): number[] {
  let kept = pts.length <= MAX_KEYFRAMES ? Array.from(pts) : null;
  for (let gapS = THINNEST_GAP_S; kept === null; gapS *= 2) kept = keptAtLeast(pts, gapS * timescale);
  return kept;
}

/** Null when they are still too many. */
function keptAtLeast(pts: ArrayLike<number>, gap: number): number[] | null {
  const kept: number[] = [];
  let next = Number.NEGATIVE_INFINITY;
  for (let position = 0; position < pts.length; position++) {
    const at = pts[position] ?? next;
    if (at < next) continue;
    if (kept.length === MAX_KEYFRAMES) return null;
    kept.push(at);
    next = at + gap;
  }
  return kept;
}

export const isWithinBounds = (timescale: number, ticks: number): boolean =>
  timescale > 0 && ticks >= 0 && ticks <= MAX_HOURS * 3600 * timescale;

/** @throws MEDIA_UNREADABLE when a plan made of it would have no end. */
export function requirePlannable({ video, audio }: Pick<KeyframeMap, 'video' | 'audio'>): void {
  const [first] = video.keyframes;
  if (first === undefined) throw new FerriteError('MEDIA_UNREADABLE', 'the video has no keyframe');
  if (video.keyframes.length > MAX_KEYFRAMES) throw new FerriteError('MEDIA_UNREADABLE', 'the video has too many keyframes');
  if (!isWithinBounds(video.timescale, video.endPts - first)) throw tooLong('video');
  const originS = first / video.timescale;
  for (const { timescale, endPts, firstPts, frameDuration } of audio) {
    const isSane = Number.isFinite(firstPts) && (frameDuration === null || frameDuration > 0);
    if (!isSane || !isWithinBounds(timescale, Math.max(0, endPts - firstPts, endPts - originS * timescale))) throw tooLong('sound');
  }
}

const tooLong = (what: string): FerriteError =>
  new FerriteError('MEDIA_UNREADABLE', `the ${what} claims to last longer than ${MAX_HOURS} hours, or no time at all`);

export function keyframeFactsOf({ copyMethod, video }: KeyframeMap): KeyframeFacts {
  const { keyframes, endPts, timescale } = video;
  let longestGap = 0;
  for (const [at, pts] of keyframes.entries()) longestGap = Math.max(longestGap, (keyframes[at + 1] ?? endPts) - pts);
  return { count: keyframes.length, longestGapMs: Math.round((longestGap * 1000) / timescale), copyMethod };
}
