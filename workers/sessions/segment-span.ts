// What a session's offer and plan say of one segment: which rendition it belongs to, and which stretch of the film it is.
import { FerriteError } from '#domain/errors.ts';
import type { KeyframeMap } from '#domain/media.ts';
import { boundaryAt, type Grid, segmentCount } from '#domain/plan.ts';
import type { Track } from '#domain/protocol.ts';
import type { Rendition } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import { iframesOf } from '#domain/trick-play/iframes.ts';
import type { SegmentSpan } from '#workers/remux/source.ts';

/** @throws SEGMENT_NOT_FOUND */
export function renditionOf(offer: Offer, track: Track): Rendition {
  const found = find(offer, track);
  if (!found) throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such rung or track');
  return found;
}

function find(offer: Offer, track: Track): Rendition | undefined {
  switch (track.kind) {
    case 'video':
      return offer.video.find(({ rungId }) => rungId === track.rungId);
    case 'iframes': {
      const copy = offer.video.find(({ rungId }) => rungId === track.rungId);
      return copy?.kind === 'video-copy' ? iframesOf(copy) : undefined;
    }
    case 'audio':
      return offer.audio.find(audio => audio.track === track.track && audio.form === track.form);
    case 'subtitles':
      return offer.subtitles.find(subtitles => subtitles.track === track.track);
  }
}

/** Ticks of the rendition's clock in one of its source's: sound keeps its own, pictures may share a finer one. */
export const factorOf = ({ video }: KeyframeMap, grid: Grid, rendition: Rendition): number =>
  rendition.kind === 'video-copy' || rendition.kind === 'video-iframes' ? grid.timescale / video.timescale : 1;

/** @throws SEGMENT_NOT_FOUND */
export function spanOf(keyframes: KeyframeMap, grid: Grid, rendition: Rendition, index: number): SegmentSpan {
  if (index >= segmentCount(grid)) throw new FerriteError('SEGMENT_NOT_FOUND', 'the playlist has no such segment');
  const { video } = keyframes;
  const factor = factorOf(keyframes, grid, rendition);
  const origin = Math.round((video.originPts * grid.timescale) / factor / video.timescale);
  const ptsOf = (boundary: number): number =>
    boundary === 0 && rendition.kind === 'video-copy' ? (video.keyframes[0] ?? origin) : boundaryAt(grid, boundary) / factor + origin;
  return { index, fromPts: ptsOf(index), toPts: ptsOf(index + 1), originPts: origin, factor, anchor: 'presentation' };
}

/** The rendition's label in metrics. */
export const rungLabel = (rendition: Rendition): string =>
  'rungId' in rendition ? rendition.rungId : rendition.kind === 'subtitle' ? 'subtitles' : 'audio';
