// How fast a film is where its pictures follow each other closest: its header tells the mean alone, if anything.

/** So many of the intervals are shorter: two pictures that happen to stand together make no rate. */
const PART = 0.1;
const SAME_INTERVAL = 1.15;
const LEAST_INTERVALS = 8;
const ROUNDING = 0.03;

/** Pictures a second there, of timestamps in any order; null where too few are known. */
export function closestFps(runs: readonly (readonly number[])[], ticksPerSecond: number): number | null {
  const shown = runs.map(timestamps => timestamps.toSorted((a, b) => a - b));
  const intervals = shown
    .flatMap(timestamps => timestamps.slice(1).map((timestamp, at) => timestamp - (timestamps[at] ?? 0)))
    .filter(ticks => ticks > 0)
    .sort((a, b) => a - b);
  if (intervals.length < LEAST_INTERVALS) return null;
  const short = intervals[Math.floor(intervals.length * PART)] ?? 0;
  const alike = intervals.filter(ticks => ticks >= short / SAME_INTERVAL && ticks <= short * SAME_INTERVAL);
  const fps = (ticksPerSecond * alike.length) / alike.reduce((sum, ticks) => sum + ticks, 0);
  return onGrid(fps, shown, ticksPerSecond);
}

/** Rounded intervals do not tell 30 from 29.97 pictures a second; how far the times of seconds of film are off its grid does. */
function onGrid(fps: number, runs: readonly (readonly number[])[], ticksPerSecond: number): number {
  const whole = Math.round(fps);
  const offGrid = (rate: number): number =>
    runs.reduce((sum, [first = 0, ...rest]) => {
      const frames = rest.map(timestamp => ((timestamp - first) * rate) / ticksPerSecond);
      return sum + frames.reduce((all, frame) => all + Math.abs(frame - Math.round(frame)), 0);
    }, 0);
  const near = [whole, whole + 1, whole - 1].flatMap(rate => [rate, (rate * 1000) / 1001]);
  const rates = near.filter(rate => Math.abs(rate - fps) < fps * ROUNDING);
  return rates.reduce((best, rate) => (offGrid(rate) < offGrid(best) ? rate : best), rates[0] ?? fps);
}
