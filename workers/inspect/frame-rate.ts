// The one constant frame rate at which a video is encoded, from the two rates that ffprobe tells.
import type { Rational } from '#domain/media.ts';

export type FrameRate = { readonly frameRate: Rational; readonly isVariable: boolean };

const STANDARD_RATES: readonly Rational[] = [
  { num: 24_000, den: 1001 },
  { num: 24, den: 1 },
  { num: 25, den: 1 },
  { num: 30_000, den: 1001 },
  { num: 30, den: 1 },
  { num: 48, den: 1 },
  { num: 50, den: 1 },
  { num: 60_000, den: 1001 },
  { num: 60, den: 1 },
];

const MAX_CONSTANT_FPS = 120;
const MAX_VARIABLE_FPS = 60;
const MIN_FPS = 1;
const MAX_DENOMINATOR = 1001;
/** For a stream that tells no rate at all. */
const UNKNOWN_RATE: Rational = { num: 25, den: 1 };

/** `nominal` is r_frame_rate, the finest that fits all timestamps; `average` is frames over duration. Null where ffprobe says 0/0. */
export function chooseFrameRate(nominal: Rational | null, average: Rational | null, isInterlaced: boolean): FrameRate {
  const measured = isCountable(nominal, average) ? average : nominal;
  if (measured === null) return { frameRate: UNKNOWN_RATE, isVariable: true };
  const rate = nominal ?? measured;
  const isWithinLimits = fps(rate) <= MAX_CONSTANT_FPS && rate.den <= MAX_DENOMINATOR;
  if (isWithinLimits && isNear(fps(rate), fps(measured), 0.001)) return { frameRate: reduce(rate), isVariable: false };
  // Interlaced video counts fields in its nominal rate.
  if (isInterlaced && isNear(fps(rate), 2 * fps(measured), 0.001)) return { frameRate: nearestRate(measured), isVariable: false };
  return { frameRate: nearestRate(measured), isVariable: true };
}

/** AVI counts empty packets as frames, so that the average exceeds what the timestamps allow. */
function isCountable(nominal: Rational | null, average: Rational | null): boolean {
  return average !== null && (nominal === null || fps(average) < fps(nominal) * 1.5);
}

/** `30000/1001`; null for 0/0 and anything else that is no rate. */
export function parseRate(text: string | undefined): Rational | null {
  const match = /^(\d+)\/(\d+)$/.exec(text ?? '');
  const num = Number(match?.[1] ?? 0);
  const den = Number(match?.[2] ?? 0);
  return num > 0 && den > 0 ? { num, den } : null;
}

function nearestRate(rate: Rational): Rational {
  const value = fps(rate);
  if (value > MAX_VARIABLE_FPS) return { num: MAX_VARIABLE_FPS, den: 1 };
  if (value < MIN_FPS) return { num: MIN_FPS, den: 1 };
  const distance = (candidate: Rational) => Math.abs(fps(candidate) - value);
  const nearest = STANDARD_RATES.reduce((best, candidate) => (distance(candidate) < distance(best) ? candidate : best));
  return isNear(fps(nearest), value, 0.01) ? nearest : limitDenominator(value);
}

/** The nearest fraction with a denominator up to MAX_DENOMINATOR, by continued fractions. */
function limitDenominator(value: number): Rational {
  let [previous, current]: [Rational, Rational] = [
    { num: 0, den: 1 },
    { num: 1, den: 0 },
  ];
  let rest = value;
  for (;;) {
    const whole = Math.floor(rest);
    const next = { num: whole * current.num + previous.num, den: whole * current.den + previous.den };
    if (next.den > MAX_DENOMINATOR) return current;
    [previous, current] = [current, next];
    if (rest - whole < 1e-9) return current;
    rest = 1 / (rest - whole);
  }
}

function reduce({ num, den }: Rational): Rational {
  let [a, b] = [num, den];
  while (b !== 0) [a, b] = [b, a % b];
  return { num: num / a, den: den / a };
}

const fps = ({ num, den }: Rational): number => num / den;
const isNear = (a: number, b: number, tolerance: number): boolean => Math.abs(a - b) <= b * tolerance;
