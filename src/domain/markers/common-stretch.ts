// The longest stretch that two sounds have in common, such as a theme, wherever in each it lies. Pure.
import { STEP_MS } from './fingerprint.ts';

export type Bounds = { readonly minMs: number; readonly maxMs: number };

/** By number, from the first to behind the last; `at` in one sound, `other` in the other. */
export type Stretch = {
  readonly at: number;
  readonly other: number;
  readonly count: number;
  /** Bits of 32 that differ on average: 0 the same samples, 16 chance. */
  readonly difference: number;
};

/** Numbers that differ in fewer bits speak for the same sound, others against it. */
const ALIKE_BITS = 9;
/** A stretch ends where the numbers have spoken against it by so much, in bits: some 3 s of other sound. */
const MOST_AGAINST = 170;
/** On average, in a stretch that counts. */
const MOST_DIFFERENCE = 7.5;
/** A key that comes this often is silence, or a tone that is held: it matches everywhere, and tells nothing. */
const MOST_OF_A_KEY = 24;
const FEWEST_KEYS = 8;
const OFFSETS = 8;
/** Compared with itself so much later, music and talk are something else. */
const LATER_MS = [1_000, 2_500, 5_000, 9_000, 12_000];
/** In how many bits, on average: noise, rain and a hum stay below 10.2, music and talk are above 12.6. */
const FEWEST_OWN_DIFFERENCES = 11.2;

export function commonStretch(one: Uint32Array, other: Uint32Array, bounds: Bounds): Stretch | null {
  let best: Stretch | null = null;
  for (const offset of likelyOffsets(one, other)) {
    for (const found of alongOffset(one, other, offset)) {
      if (isTelling(one, found, bounds) && (best === null || found.count > best.count)) best = found;
    }
  }
  return best;
}

/** `other - one`: by how often numbers with a half in common lie that far apart. */
function likelyOffsets(one: Uint32Array, other: Uint32Array): number[] {
  const counts = new Uint32Array(one.length + other.length + 1);
  for (const shift of [0, 16]) {
    const places = new Map<number, number[]>();
    for (const [at, value] of other.entries()) {
      const key = (value >>> shift) & 0xffff;
      const known = places.get(key);
      if (known === undefined) places.set(key, [at]);
      else known.push(at);
    }
    for (const [at, value] of one.entries()) {
      const found = places.get((value >>> shift) & 0xffff);
      if (found === undefined || found.length > MOST_OF_A_KEY) continue;
      for (const place of found) counts[place - at + one.length] = (counts[place - at + one.length] ?? 0) + 1;
    }
  }
  const near = (at: number): number => (counts[at - 1] ?? 0) + (counts[at] ?? 0) + (counts[at + 1] ?? 0);
  const likely: { readonly offset: number; readonly count: number }[] = [];
  for (const [at, count] of counts.entries()) {
    // The highest of its neighbourhood alone.
    if (near(at) < FEWEST_KEYS || count < (counts[at - 1] ?? 0) || count <= (counts[at + 1] ?? 0)) continue;
    likely.push({ offset: at - one.length, count: near(at) });
  }
  return likely
    .sort((a, b) => b.count - a.count)
    .slice(0, OFFSETS)
    .map(({ offset }) => offset);
}

/** Each time that the numbers speak for the same sound, from where they begin to where they have spoken most: silence that both have is one, and the theme behind it another. */
function* alongOffset(one: Uint32Array, other: Uint32Array, offset: number): Generator<Stretch> {
  const end = Math.min(one.length, other.length - offset);
  let from = Math.max(0, -offset);
  let best = { to: from, score: 0 };
  let score = 0;
  const stretch = (): Stretch => {
    const count = best.to - from;
    return { at: from, other: from + offset, count, difference: ALIKE_BITS - best.score / count };
  };
  for (let at = from; at < end; at++) {
    score += ALIKE_BITS - differingBits(one[at] ?? 0, other[at + offset] ?? 0);
    if (score > best.score) best = { to: at + 1, score };
    if (score > 0 && best.score - score < MOST_AGAINST) continue;
    if (best.to > from) yield stretch();
    from = at + 1;
    best = { to: from, score: 0 };
    score = 0;
  }
  if (best.to > from) yield stretch();
}

/** Long enough, not the whole background, and a sound that happens once rather than one that goes on. */
function isTelling(one: Uint32Array, { at, count, difference }: Stretch, { minMs, maxMs }: Bounds): boolean {
  const lengthMs = count * STEP_MS;
  if (lengthMs < minMs || lengthMs > maxMs || difference > MOST_DIFFERENCE) return false;
  return ownDifference(one.subarray(at, at + count)) >= FEWEST_OWN_DIFFERENCES;
}

function ownDifference(part: Uint32Array): number {
  let bits = 0;
  let compared = 0;
  for (const later of LATER_MS.map(laterMs => Math.round(laterMs / STEP_MS))) {
    for (let at = later; at < part.length; at++) bits += differingBits(part[at] ?? 0, part[at - later] ?? 0);
    compared += Math.max(0, part.length - later);
  }
  return compared === 0 ? 0 : bits / compared;
}

export function differingBits(one: number, other: number): number {
  let bits = one ^ other;
  bits -= (bits >>> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
