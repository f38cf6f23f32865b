// The one constant frame rate at which a video is encoded, from the two rates that ffprobe tells.
import type { Rational } from '#domain/media.ts';
import { greatestDivisor } from '#domain/plan.ts';

export type FrameRate = {
  readonly frameRate: Rational;
  /** Of the file itself, the most where it varies. */
  readonly sourceFrameRate: Rational;
  readonly isVariable: boolean;
};

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
/** Beyond it a rate is the grid of a clock. */
const MAX_SOURCE_FPS = 300;
const MAX_VARIABLE_FPS = 60;
const MIN_FPS = 1;
const MAX_DENOMINATOR = 1001;
/** For a stream that tells no rate at all. */
const UNKNOWN_RATE: Rational = { num: 25, den: 1 };

/** `nominal` is r_frame_rate, the finest that fits all timestamps; `average` is frames over duration. Null where ffprobe says 0/0. */
export function chooseFrameRate(nominal: Rational | null, average: Rational | null, isInterlaced: boolean): FrameRate {
  const measured = isCountable(nominal, average) ? average : nominal;
  if (measured === null) return { frameRate: UNKNOWN_RATE, sourceFrameRate: UNKNOWN_RATE, isVariable: true };
  const rate = nominal ?? measured;
  const isSimple = fps(rate) <= MAX_SOURCE_FPS && rate.den <= MAX_DENOMINATOR;
  const isConstant = isSimple && isNear(fps(rate), fps(measured), 0.001);
  if (isConstant && fps(rate) <= MAX_CONSTANT_FPS) {
    const frameRate = reduce(rate);
    return { frameRate, sourceFrameRate: frameRate, isVariable: false };
  }
  if (isConstant) return { frameRate: halved(reduce(rate)), sourceFrameRate: reduce(rate), isVariable: false };
  // Interlaced video counts fields in its nominal rate.
  const isCountedTwice = isInterlaced && isNear(fps(rate), 2 * fps(measured), 0.001);
  const frameRate = !isCountedTwice && isSimple ? variableRate(rate, measured) : nearestRate(measured);
  return { frameRate, sourceFrameRate: frameRate, isVariable: !isCountedTwice };
}

/** Closer together than rounded times explain. */
const CLEARLY_FASTER = 1.2;

/** Of a film that is told to be of a `mean` rate, and has pictures that follow each other faster; null where they do not. */
export function fasterRate(mean: Rational, closestFps: number): FrameRate | null {
  if (closestFps < fps(mean) * CLEARLY_FASTER) return null;
  return chooseFrameRate(nearestRate({ num: Math.round(closestFps * 1000), den: 1000 }), mean, false);
}

/** Every so many pictures of a very fast film: each that is shown stands where it stood. */
function halved({ num, den }: Rational): Rational {
  return num / den > MAX_VARIABLE_FPS ? halved(reduce({ num, den: den * 2 })) : { num, den };
}

/**
 * Of a film whose pictures come at intervals that are multiples of one: a picture for each. A mean that is a usual rate is no
 * mean: pictures that are shown for two fields and for three (soft telecine), or times that somebody rounded.
 */
function variableRate(nominal: Rational, measured: Rational): Rational {
  const isUsual = STANDARD_RATES.some(rate => isNear(fps(rate), fps(measured), 0.001));
  return isUsual || fps(nominal) > MAX_VARIABLE_FPS ? nearestRate(measured) : reduce(nominal);
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
  const divisor = greatestDivisor(num, den);
  return { num: num / divisor, den: den / divisor };
}

const fps = ({ num, den }: Rational): number => num / den;
const isNear = (a: number, b: number, tolerance: number): boolean => Math.abs(a - b) <= b * tolerance;
