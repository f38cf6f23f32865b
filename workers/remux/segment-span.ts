// Which stretch of its film a copied segment is, by the plan.
import { FerriteError } from '#domain/errors.ts';
import type { KeyframeMap } from '#domain/media.ts';
import { boundaryAt, type Grid, segmentCount } from '#domain/plan.ts';
import type { Rendition } from '#domain/rendition.ts';
import type { SegmentSpan } from './source.ts';

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
