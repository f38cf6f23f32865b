// From what some segments of a film take when they are encoded to what all of it takes. Pure.
import { averageBps, type BitDemand, bitDemandShape, type MeasuredSegment } from '#domain/delivery/film-rates.ts';
import { type Place, weightsOf } from './rate-places.ts';

/** Bits of the whole segment at each rung that was encoded there, and of its keyframe at the compared one. */
export type Sample = { readonly place: Place; readonly bits: ReadonlyMap<string, number>; readonly keyframeBits: number };

/** The rate of segments grows with that of the source, by this power at most: a few samples may say more, and be wrong. */
const STEEPEST = 1.3;
/** Where the source is about as busy everywhere, it says nothing of an encode. */
const LEAST_SPREAD = 0.05;

/**
 * `compared`: the rung that was encoded everywhere. A segment's bits over its weight, averaged over places at equal distances of weight, are
 * the bits of the whole film, whatever their relation is; other rungs have the ratio to it that they have where all were encoded.
 */
export function estimateBitDemand(source: readonly MeasuredSegment[], samples: readonly Sample[], compared: string): BitDemand | null {
  const weights = weightsOf(source);
  const weightAt = ({ place }: Sample): number => weights[place.index] ?? 0;
  const representative = samples.filter(({ place }) => place.isRepresentative);
  const full = representative.filter(({ place }) => place.isFull);
  if (full.length === 0) return null;
  const mean = (of: readonly Sample[], rung: string): number =>
    of.reduce((sum, sample) => sum + (sample.bits.get(rung) ?? 0) / weightAt(sample), 0) / of.length;
  const [comparedBits, fullBits] = [mean(representative, compared), mean(full, compared)];
  if (!(comparedBits > 0 && fullBits > 0)) return null;
  // Of a short film most segments are known; of a long one the sum is the same.
  const segments = filledIn(source, samples, { compared, totalBits: comparedBits });
  const comparedBps = averageBps(segments);
  const rungIds = [...(full[0]?.bits.keys() ?? [])];
  return {
    ...bitDemandShape(segments),
    keyframeS: Math.max(...samples.map(({ keyframeBits }) => keyframeBits)) / comparedBps,
    rungs: rungIds.map(rungId => ({ rungId, averageBps: Math.round((comparedBps * mean(full, rungId)) / fullBits) })),
  };
}

/** Each segment with the bits that it has, or would have by its source's. */
function filledIn(
  source: readonly MeasuredSegment[],
  samples: readonly Sample[],
  { compared, totalBits }: { compared: string; totalBits: number },
): MeasuredSegment[] {
  const weights = weightsOf(source);
  const known = new Map(samples.map(({ place, bits }) => [place.index, bits.get(compared) ?? 0]));
  const point = (index: number, bits: number): [number, number] => {
    const length = source[index]?.seconds ?? 1;
    return [Math.log((weights[index] ?? 0) / length), Math.log(Math.max(bits, 1) / length)];
  };
  const slope = slopeOf([...known].map(([index, bits]) => point(index, bits)));
  const shaped = source.map(({ seconds }, index) => ({ bits: seconds * ((weights[index] ?? 0) / seconds) ** slope, seconds }));
  const shapedTotal = shaped.reduce((sum, { bits }) => sum + bits, 0);
  return shaped.map(({ bits, seconds }, index) => ({ bits: known.get(index) ?? (bits * totalBits) / shapedTotal, seconds }));
}

function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number => points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (spread < LEAST_SPREAD) return 0;
  const together = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return Math.min(STEEPEST, Math.max(0, together / spread));
}
