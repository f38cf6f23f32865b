// The keyframes of a copied picture, one a segment: what a player shows while it winds (RFC 8216, 4.3.3.6). Pure.
import type { KeyframeMap, VideoTimeline } from '../media.ts';
import type { Grid } from '../plan.ts';
import type { VideoCopy, VideoIframes } from '../rendition.ts';
import type { Offer } from '../session.ts';

/** The pictures of a copy that stand for themselves: the same stream, bandwidth and codec. */
export const iframesOf = ({ streamIndex, rungId, width, height, bandwidthBps, codecs }: VideoCopy): VideoIframes => ({
  kind: 'video-iframes',
  rungId,
  streamIndex,
  width,
  height,
  bandwidthBps,
  codecs,
});

/** Of the copies of an offer whose keyframes our own readers find in the film: fragmented MP4, so none beside transport streams. */
export const iframesOfOffer = (
  offer: Pick<Offer, 'video' | 'segments'>,
  { copyMethod }: Pick<KeyframeMap, 'copyMethod'>,
): VideoIframes[] =>
  copyMethod === 'ffmpeg' || offer.segments === 'mpegts'
    ? []
    : offer.video.flatMap(one => (one.kind === 'video-copy' ? [iframesOf(one)] : []));

/** Source PTS of the keyframe that segment `index` of that grid shows. */
export function iframePts(
  { timescale: source, keyframes, originPts }: VideoTimeline,
  { timescale, boundaries }: Grid,
  index: number,
): number {
  if (index === 0) return keyframes[0] ?? originPts;
  return ((boundaries[index] ?? 0) * source) / timescale + originPts;
}
