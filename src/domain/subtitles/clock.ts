// How the clock of a subtitle's source stands to the film's.
import type { KeyframeMap } from '../media.ts';

/**
 * Added to a time of the source it gives media time. A stream has the clock of its container; whoever times a file of its own begins
 * with the film's first picture, as players without HLS show it.
 */
export function sourceOffsetMs({ video, startTimeUs }: KeyframeMap, { isExternal }: { readonly isExternal: boolean }): number {
  const originMs = (video.originPts * 1000) / video.timescale;
  return isExternal ? startTimeUs / 1000 - originMs : -originMs;
}
