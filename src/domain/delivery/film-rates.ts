// What a film spends, in bits per second, and is predicted to spend when it is encoded: measured once in the background, kept with its record.

/** Raised when the same film would be measured to something else: it is then measured again. */
export const RATES_FORMAT = 2;

/** As its segments are sent. */
export type TrackRate = {
  readonly averageBps: number;
  /** The peak segment bit rate for a target duration of 1 s, 2 s, … (RFC 8216, 4.1). */
  readonly peaksBps: readonly number[];
};

/** The bits that a picture takes at constant quality, with no bound of its rate. */
export type BitDemand = {
  /** Of the film's segments: how busy, where 1 is the average; each stands for as much of the film's time. Ascending. */
  readonly profile: readonly number[];
  /** The peak segment bit rate over the average, for a target duration of 1 s, 2 s, … */
  readonly peaks: readonly number[];
  /** The largest keyframe, in seconds at the average rate. */
  readonly keyframeS: number;
  readonly rungs: readonly { readonly rungId: string; readonly averageBps: number }[];
};

/** `null`: it can not be told. */
export type FilmRates = {
  readonly format: number;
  /** Of the segments that were measured. */
  readonly targetMs: number;
  readonly videoCopy: TrackRate | null;
  /** By audio track. */
  readonly audioCopy: readonly (TrackRate | null)[];
  readonly audioEncode: readonly (TrackRate | null)[];
  readonly demand: BitDemand | null;
};

/** Above the longest segment of a copy. */
export const MAX_TARGET_S = 16;

export type MeasuredSegment = { readonly bits: number; readonly seconds: number };

export const ratesAreOf = (rates: FilmRates | undefined, targetMs: number): rates is FilmRates =>
  rates?.format === RATES_FORMAT && rates.targetMs === targetMs;

/** Of a film whose measurement failed, for segments of that length. */
export type FailedRates = Pick<FilmRates, 'format' | 'targetMs'> & { readonly times: number };

/** Once may be an accident. */
const MAX_FAILURES = 2;

export const failureOf = (failed: FailedRates | undefined, targetMs: number): FailedRates => ({
  format: RATES_FORMAT,
  targetMs,
  times: 1 + (failed?.format === RATES_FORMAT && failed.targetMs === targetMs ? failed.times : 0),
});

/** Whether it is of use to try: not where it failed again and again, until the file is another one. */
export const canBeMeasured = (failed: FailedRates | undefined, targetMs: number): boolean =>
  failureOf(failed, targetMs).times <= MAX_FAILURES;

/**
 * The largest bit rate of any run of segments that lasts between half and one and a half times the target duration (RFC 8216, 4.1); of the
 * whole where that is shorter.
 */
export function peakBps(segments: readonly MeasuredSegment[], targetS: number): number {
  let peak = 0;
  let hasRun = false;
  for (let first = 0; first < segments.length; first++) {
    let [bits, seconds] = [0, 0];
    for (let last = first; last < segments.length; last++) {
      const segment = segments[last];
      bits += segment?.bits ?? 0;
      seconds += segment?.seconds ?? 0;
      if (seconds > 1.5 * targetS) break;
      if (seconds < 0.5 * targetS) continue;
      hasRun = true;
      peak = Math.max(peak, bits / seconds);
    }
  }
  return hasRun ? peak : averageBps(segments);
}

export function averageBps(segments: readonly MeasuredSegment[]): number {
  const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0);
  return seconds > 0 ? segments.reduce((sum, segment) => sum + segment.bits, 0) / seconds : 0;
}

export const trackRate = (segments: readonly MeasuredSegment[]): TrackRate => ({
  averageBps: Math.round(averageBps(segments)),
  peaksBps: peaksOf(segments).map(Math.round),
});

export const peaksOf = (segments: readonly MeasuredSegment[]): number[] =>
  Array.from({ length: MAX_TARGET_S }, (_, at) => peakBps(segments, at + 1));

/** Of a list by target duration. */
export const atTarget = (byTarget: readonly number[], targetS: number): number =>
  byTarget[Math.min(Math.max(Math.round(targetS), 1), byTarget.length) - 1] ?? 0;

/** In how many parts of equal time a film's profile stands. */
const PROFILE_PARTS = 20;

/** Of the bits of all segments of a film, in whatever unit. */
export function bitDemandShape(segments: readonly MeasuredSegment[]): Pick<BitDemand, 'profile' | 'peaks'> {
  const average = averageBps(segments);
  if (!(average > 0)) return { profile: [1], peaks: Array.from({ length: MAX_TARGET_S }, () => 1) };
  const sorted = segments.map(({ bits, seconds }) => ({ rate: bits / seconds / average, seconds })).toSorted((a, b) => a.rate - b.rate);
  const total = sorted.reduce((sum, { seconds }) => sum + seconds, 0);
  const profile = Array.from({ length: PROFILE_PARTS }, (_, part) =>
    meanBetween(sorted, (total * part) / PROFILE_PARTS, (total * (part + 1)) / PROFILE_PARTS),
  );
  return { profile: profile.map(thousandth), peaks: peaksOf(segments).map(peak => thousandth(peak / average)) };
}

function meanBetween(sorted: readonly { readonly rate: number; readonly seconds: number }[], fromS: number, toS: number): number {
  let at = 0;
  let sum = 0;
  for (const { rate, seconds } of sorted) {
    sum += rate * Math.max(0, Math.min(at + seconds, toS) - Math.max(at, fromS));
    at += seconds;
  }
  return sum / (toS - fromS);
}

const thousandth = (value: number): number => Math.round(value * 1000) / 1000;

/** What keeps a rung's peak near what is predicted: x264 spends about as much in its busiest segments where its bound holds it. */
const HELD_PART = 0.9;
/** A keyframe fits into the rate buffer, which is a second of the bound or more, and leaves some of it. */
const KEYFRAME_ROOM = 1.1;
/** x264 stays below its bound over a long time, and above it by this part of its rate buffer in the busiest segments. */
const LONG_PART = 0.97;
const BURST_PART = 0.2;

/**
 * The bound of a rung's rate (`-maxrate`): a little below what its busiest segments want, so that what is declared is what is reached. A
 * prediction that is too low then costs those some bits, and is true; what is too high by a tenth is still within what a player may rely on.
 */
export const boundBps = ({ peaks, keyframeS }: BitDemand, averageBps: number, targetS: number): number =>
  averageBps * Math.max(HELD_PART * atTarget(peaks, targetS), KEYFRAME_ROOM * keyframeS);

/** What is spent under a bound of the rate: on average, and in the busiest segments. */
export function spentUnder(
  demand: BitDemand,
  { averageBps, maxBps, bufferS, targetS }: { averageBps: number; maxBps: number; bufferS: number; targetS: number },
): { averageBps: number; peakBps: number } {
  const peakBps = Math.min(averageBps * atTarget(demand.peaks, targetS), maxBps * (1 + (BURST_PART * bufferS) / targetS));
  return { averageBps: Math.min(heldAverageBps(demand, averageBps, LONG_PART * maxBps), peakBps), peakBps };
}

/** The average where no more than `limitBps` is spent for long: the busy parts of the film are held to it. */
export const heldAverageBps = ({ profile }: Pick<BitDemand, 'profile'>, averageBps: number, limitBps: number): number =>
  profile.reduce((sum, part) => sum + Math.min(part * averageBps, limitBps), 0) / profile.length;
