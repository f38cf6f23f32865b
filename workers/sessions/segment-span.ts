// What a session's offer and plan say of one segment: which rendition it belongs to, and which stretch of the film it is.
import { FerriteError } from '#domain/errors.ts';
import type { KeyframeMap } from '#domain/media.ts';
import { boundaryAt, type Grid, originPts, segmentCount, TIMELINE_START_S } from '#domain/plan.ts';
import type { Track } from '#domain/protocol.ts';
import type { Rendition } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import type { SegmentSpan } from '#workers/remux/source.ts';

/** @throws SEGMENT_NOT_FOUND */
export function renditionOf(offer: Offer, track: Track): Rendition {
  const found =
    track.kind === 'video'
      ? offer.video.find(({ rungId }) => rungId === track.rungId)
      : offer.audio.find(audio => audio.track === track.track);
  if (!found) throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such rung or track');
  return found;
}

/** @throws SEGMENT_NOT_FOUND */
export function spanOf({ video }: KeyframeMap, grid: Grid, index: number): SegmentSpan {
  if (index >= segmentCount(grid)) throw new FerriteError('SEGMENT_NOT_FOUND', 'the playlist has no such segment');
  const origin = Math.round((originPts(video) * grid.timescale) / video.timescale);
  return {
    index,
    fromPts: boundaryAt(grid, index) + origin,
    toPts: boundaryAt(grid, index + 1) + origin,
    shiftTicks: TIMELINE_START_S * grid.timescale - origin,
  };
}

/** Names the rendition's rung where a number is told of it. */
export const rungLabel = (rendition: Rendition): string => ('rungId' in rendition ? rendition.rungId : 'audio');
