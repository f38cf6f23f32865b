// Which keyframes a film's poster may show, from its keyframe map. Pure.
import type { KeyframeMap } from '#domain/media.ts';

/** Parts of the film's length. The start, which every film has and which is often dark, comes last. */
const WANTED = [0.3, 0.45, 0.15, 0.6, 0];
/** Clocks round: just behind a keyframe is still that one, just before it the one before. */
const BEHIND_MS = 1;

/** The best first, each once, in milliseconds as ffmpeg's `-ss` counts them. */
export function posterTimes({ video, startTimeUs }: KeyframeMap): number[] {
  const { keyframes, endPts, timescale } = video;
  const first = keyframes[0] ?? 0;
  const chosen = WANTED.map(part => nearest(keyframes, first + (endPts - first) * part));
  const toMs = (pts: number): number => Math.max(0, Math.round((pts * 1000) / timescale - startTimeUs / 1000) + BEHIND_MS);
  return [...new Set(chosen)].map(toMs);
}

const nearest = (keyframes: readonly number[], pts: number): number =>
  keyframes.reduce((best, keyframe) => (Math.abs(keyframe - pts) < Math.abs(best - pts) ? keyframe : best), keyframes[0] ?? 0);
