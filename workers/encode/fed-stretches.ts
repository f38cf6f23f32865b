// Which stretches of a track an encoder is fed: from where decoding has to begin up to the end of its job.
import type { EncodeJob } from '#actors/effects.ts';
import type { AudioTimeline, VideoTimeline } from '#domain/media.ts';
import { boundaryAt, segmentStartS } from '#domain/plan.ts';

/** Source PTS. */
export type Stretch = { readonly fromPts: number; readonly toPts: number };

/** Each stretch between two keyframes is in memory as a whole. */
const MAX_KEYFRAME_DISTANCE_S = 15;
/** Far more than a decoder of sound needs to be in step. */
const AUDIO_PREROLL_S = 0.25;
const AUDIO_STRETCH_S = 4;
/** What is fed stands within so much before the first wanted frame (FED_START_S). */
const MAX_SILENCE_S = 900;

export type FedStretches = {
  readonly stretches: Iterable<Stretch>;
  /** Frames decoded at this time or later may be shown; earlier ones are decoded because others refer to them. */
  readonly shownFromPts: number;
};

/** Null when there is nothing to feed, or too much at once. */
export function fedStretches({ rendition, keyframes, grid, firstIndex, lastIndex }: EncodeJob): FedStretches | null {
  const { video } = keyframes;
  const originS = video.originPts / video.timescale;
  const fromS = originS + segmentStartS(grid, firstIndex);
  const toS = originS + boundaryAt(grid, lastIndex + 1) / grid.timescale;
  if (rendition.kind === 'video-encode') {
    // The fps filter takes the nearest source frame for each of its own.
    const halfFrameS = rendition.frameRate.den / rendition.frameRate.num / 2;
    return videoStretches(video, (fromS + halfFrameS) * video.timescale, toS * video.timescale);
  }
  const track = keyframes.audio.find(({ index }) => index === rendition.streamIndex);
  return track ? audioStretches(track, fromS, toS) : null;
}

function videoStretches(video: VideoTimeline, shownFromPts: number, lastPts: number): FedStretches | null {
  const { keyframes, timescale, endPts, hasLeadingPictures } = video;
  const next = keyframes.findIndex(pts => pts >= shownFromPts);
  const first = Math.max(next === -1 ? keyframes.length - 1 : next - 1, 0);
  const all = keyframes.map((fromPts, index) => ({ fromPts, toPts: keyframes[index + 1] ?? endPts }));
  // Pictures that are shown before a keyframe may lie behind it in the file.
  const behind = hasLeadingPictures ? keyframes.findIndex(pts => pts >= lastPts) : -1;
  const stretches = all.filter(({ fromPts }, index) => index >= first && (index === first || index === behind || fromPts < lastPts));
  if (stretches.some(({ fromPts, toPts }) => toPts - fromPts > MAX_KEYFRAME_DISTANCE_S * timescale)) return null;
  return { stretches, shownFromPts };
}

function audioStretches({ timescale, firstPts, endPts }: AudioTimeline, fromS: number, toS: number): FedStretches | null {
  // After its end there is silence, which goes on from its last sound.
  const lastFromPts = endPts - AUDIO_PREROLL_S * timescale;
  if (fromS * timescale - lastFromPts > MAX_SILENCE_S * timescale) return null;
  const fromPts = Math.max(firstPts, Math.floor(Math.min((fromS - AUDIO_PREROLL_S) * timescale, lastFromPts)));
  // One stretch more than wanted, for the samples that a resampler holds back.
  const lastPts = Math.min(endPts, (toS + AUDIO_STRETCH_S) * timescale);
  const step = AUDIO_STRETCH_S * timescale;
  const stretches: Stretch[] = [];
  for (let at = fromPts; at < lastPts; at += step) stretches.push({ fromPts: at, toPts: at + step });
  return stretches.length === 0 ? null : { stretches, shownFromPts: fromPts };
}
