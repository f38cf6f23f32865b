// When the pictures of one segment are shown on a rendition's clock: each at its own time, but for those at the edges of the presentation.

/** What is shown of a track: PTS from the first picture's up to where the last one ends. */
export type Shown = { readonly firstShownPts: number; readonly endPts: number };

/** The clock of a rendition: the source PTS that stands at 0 of it, and its ticks in one of the source's. */
export type RenditionClock = { readonly originPts: number; readonly factor: number };

/**
 * Times of pictures whose source PTS are `pts`, of the segment that begins the rendition or of a later one.
 *
 * A decoder needs what an edit list hides, and a segment has no way to say so: hidden pictures get a tick each, before the first that is
 * shown or before the end, which is too short to be seen. Where the sound begins sooner than the picture, the first picture stands from 0 on.
 */
export function shownTimes(
  pts: Float64Array,
  { firstShownPts, endPts }: Shown,
  { originPts, factor }: RenditionClock,
  isFirst: boolean,
): Float64Array {
  const times = pts.map(at => (at - originPts) * factor);
  const hiddenFirst = isFirst ? positionsInOrder(pts, at => at < firstShownPts) : [];
  const hiddenLast = positionsInOrder(pts, at => at >= endPts);
  for (const [rank, position] of hiddenFirst.entries()) times[position] = rank;
  for (const [rank, position] of hiddenLast.entries()) times[position] = (endPts - originPts) * factor - hiddenLast.length + rank;
  if (isFirst) {
    const first = pts.indexOf(firstShownPts);
    if (first >= 0) times[first] = hiddenFirst.length;
  }
  return times;
}

function positionsInOrder(pts: Float64Array, isHidden: (pts: number) => boolean): number[] {
  const positions: number[] = [];
  for (let position = 0; position < pts.length; position++) if (isHidden(pts[position] ?? 0)) positions.push(position);
  return positions.sort((a, b) => (pts[a] ?? 0) - (pts[b] ?? 0));
}
