// Where the presentation of a film begins and how long it lasts, whichever way it is delivered.
import type { AudioTimeline, Rational, VideoTimeline } from './media.ts';

/** Sound that begins sooner than this before the picture belongs to another clock. */
const MAX_LEAD_S = 60;
const ROUNDED_FRAMES = 0.1;
const MAX_PADDING_S = 0.1;

/**
 * The video's timeline with media time 0 where the first of picture and sound begins, as players have it for the file itself. It is moved
 * by whole frames, so that every picture stands on the frame grid of an encode; sound begins within a frame before it.
 */
export function withOrigin(video: VideoTimeline, audio: readonly AudioTimeline[], frameRate: Rational): VideoTimeline {
  const pictureS = video.firstShownPts / video.timescale;
  // What stands before a track's own 0 is the encoder's priming.
  const soundS = Math.min(...audio.map(({ firstPts, timescale }) => Math.max(firstPts, 0) / timescale));
  const leadS = pictureS - soundS;
  if (!(leadS > 0 && leadS < MAX_LEAD_S)) return { ...video, originPts: video.firstShownPts };
  // Sound of less than a frame is mostly priming that the container does not tell of; times may be rounded to a millisecond.
  const frames = Math.floor((leadS * frameRate.num) / frameRate.den + ROUNDED_FRAMES);
  return { ...video, originPts: video.firstShownPts - Math.round((frames * frameRate.den * video.timescale) / frameRate.num) };
}

/** Sound that goes on for less after the last picture ends a film as it does everywhere. */
const MAX_SOUND_ALONE_S = 1;

/** A last picture that is followed by sound alone is shown until that ends: players wait for pictures, and would not go on. */
export function withHeldPicture(video: VideoTimeline, audio: readonly AudioTimeline[]): VideoTimeline {
  const soundEndS = Math.max(...audio.map(({ endPts, timescale }) => endPts / timescale));
  const aloneS = soundEndS - video.endPts / video.timescale;
  return aloneS > MAX_SOUND_ALONE_S ? { ...video, endPts: Math.round(soundEndS * video.timescale) } : video;
}

/** From media time 0 to the end of whatever lasts longest: what is served. */
export function presentationMs(video: VideoTimeline, audio: readonly AudioTimeline[]): number {
  const pictureEndS = video.endPts / video.timescale;
  const soundEndS = Math.max(...audio.map(({ endPts, timescale }) => endPts / timescale));
  // The last frame of sound is filled up with silence.
  const endS = soundEndS > pictureEndS + MAX_PADDING_S ? soundEndS : pictureEndS;
  return Math.round((endS - video.originPts / video.timescale) * 1000);
}

/** Of transport streams. */
export const TRANSPORT_CLOCK = 90_000;
/** Where media time 0 stands in them (RFC 8216, 3.5): a decoder begins before the first picture, and nothing may be negative. */
export const TRANSPORT_START = 10 * TRANSPORT_CLOCK;
