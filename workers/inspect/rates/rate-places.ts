// Which segments of a film are encoded to learn what all of it would take. Pure.
import type { MeasuredSegment } from '#domain/delivery/film-rates.ts';

export type Place = {
  /** Of the encode grid. */
  readonly index: number;
  /** Every rung is encoded there, not the one alone by which the film's segments are compared. */
  readonly isFull: boolean;
  /** One of those that stand for the whole film, each for an equal share of `weight`; else it is there for the film's peak. */
  readonly isRepresentative: boolean;
};

const MOST_PLACES = 10;
const FEWEST_PLACES = 4;
/** Pictures of 1080p at 30 a second are encoded at every place; of larger ones fewer are. */
const FULL_PIXELS_PER_SECOND = 1920 * 1080 * 30;
/** Of the places, the part where every rung is encoded. */
const FULL_PART = 0.4;

/**
 * How much a segment counts for: half by its time, half by its bits in the source, which tell where it is busy. Where the source has as many
 * everywhere, or none in still parts in which an encode has its keyframes, time alone is right.
 */
export function weightsOf(source: readonly MeasuredSegment[]): number[] {
  const bits = source.reduce((sum, segment) => sum + segment.bits, 0);
  const seconds = source.reduce((sum, segment) => sum + segment.seconds, 0);
  return source.map(segment => (segment.seconds / seconds + (bits > 0 ? segment.bits / bits : segment.seconds / seconds)) / 2);
}

/** In the order of the film, at equal distances of weight; and the segment that is the busiest in the source. */
export function choosePlaces(source: readonly MeasuredSegment[], pixelsPerSecond: number): Place[] {
  const weights = weightsOf(source);
  const wanted = Math.round((MOST_PLACES * FULL_PIXELS_PER_SECOND) / pixelsPerSecond);
  const count = Math.min(source.length, MOST_PLACES, Math.max(FEWEST_PLACES, wanted));
  const full = Math.max(2, Math.round(count * FULL_PART));
  const indexes = Array.from({ length: count }, (_, at) => indexAtWeight(weights, (at + 0.5) / count));
  const isFull = new Set(Array.from({ length: full }, (_, at) => Math.floor(((at + 0.5) * count) / full)));
  const chosen = indexes.map((index, at): Place => ({ index, isFull: isFull.has(at), isRepresentative: true }));
  const rate = ({ bits, seconds }: MeasuredSegment): number => bits / seconds;
  const busiest = source.reduce((best, segment, index) => (rate(segment) > rate(source[best] ?? segment) ? index : best), 0);
  return indexes.includes(busiest) ? chosen : [...chosen, { index: busiest, isFull: false, isRepresentative: false }];
}

function indexAtWeight(weights: readonly number[], wanted: number): number {
  let sum = 0;
  const found = weights.findIndex(weight => {
    sum += weight;
    return sum >= wanted;
  });
  return found === -1 ? weights.length - 1 : found;
}
