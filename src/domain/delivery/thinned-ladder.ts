// A film's ladder without the rungs that hardly differ from the next: of a cartoon or a lecture a few are enough. Pure.
import type { VideoEncode } from '../rendition.ts';
import { type BitDemand, spentUnder } from './film-rates.ts';
import { RATE_BUFFER_S } from './ladder.ts';

/** Players step where a rung costs so much more than the one below, its sound included (Apple asks for 1.5 to 2 between neighbours). */
const LEAST_STEP = 1.3;
/** Of the sound that every rung has beside its picture. */
const SOUND_BPS = 160_000;

/** `ladder`: the best first. The best, the smallest and `start`, by which a film begins, always stay. */
export function thinned(
  ladder: readonly VideoEncode[],
  demand: BitDemand | null | undefined,
  start: VideoEncode | undefined,
): VideoEncode[] {
  if (!demand) return [...ladder];
  const kept: VideoEncode[] = [];
  for (const rung of ladder) {
    const above = kept.at(-1);
    const isNeeded = above === undefined || rung === start || rung === ladder.at(-1);
    if (isNeeded || totalBps(above, demand) >= LEAST_STEP * totalBps(rung, demand)) kept.push(rung);
  }
  return kept;
}

/** Infinite where nothing is predicted: such a rung looks like no other. */
function totalBps({ rungId, maxBitrateBps, preset }: VideoEncode, demand: BitDemand): number {
  const averageBps = demand.rungs.find(rung => rung.rungId === rungId)?.averageBps;
  if (averageBps === undefined) return Number.POSITIVE_INFINITY;
  return SOUND_BPS + spentUnder(demand, { averageBps, maxBps: maxBitrateBps, bufferS: RATE_BUFFER_S[preset], targetS: 2 }).averageBps;
}
