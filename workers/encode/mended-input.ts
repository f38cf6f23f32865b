// The bytes that an encoder or copier reads on its stdin where a film's clock jumps.
import type { EncodeJob } from '#actors/effects.ts';
import { segmentStartS } from '#domain/plan.ts';
import { TICKS_PER_SECOND } from '#workers/mended/jumping-clock.ts';
import { mendedBytes, pointBefore } from '#workers/mended/mended-film.ts';

/** What a decoder of sound needs to be in step, and what a packet may hold back of the one before. */
const SOUND_PREROLL_S = 0.75;

/** Null: the file is opened as it is. */
export function mendedInput({ keyframes, grid, firstIndex, rendition, media }: EncodeJob): AsyncIterable<Buffer> | null {
  const { mended, video } = keyframes;
  if (!mended) return null;
  const isSound = rendition.kind === 'audio-encode' || rendition.kind === 'audio-copy';
  const startS = video.originPts / video.timescale + segmentStartS(grid, firstIndex);
  const track = keyframes.audio.find(({ index }) => index === rendition.streamIndex);
  const soundS = Math.min(startS, track ? track.endPts / track.timescale : startS) - SOUND_PREROLL_S;
  const wantedS = isSound ? soundS : startS;
  // Half a millisecond of grace: a boundary on the encode grid may be rounded to just before its keyframe.
  const point = pointBefore(mended, isSound ? 'sound' : 'picture', (wantedS + 0.0005) * TICKS_PER_SECOND);
  return mendedBytes(media, mended, point.position);
}
