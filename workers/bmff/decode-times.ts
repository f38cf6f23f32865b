// When pictures are decoded by a player that knows no picture which is shown before it is decoded.

/**
 * The times at which pictures are shown and the even ones at which they were decoded, in decoding order: no picture is decoded after it is
 * shown, and the first when the earliest is shown. Players take the first decoding time for the segment's beginning (hls.js 1.7, Shaka 5),
 * and a delay before it, as encoders write it, for so much silence. Those that would come before it follow it in a burst, `leastStep` apart,
 * and all others an even time after one another: where a step is too long, Chromium waits for a keyframe.
 */
export function decodeTimesOf(shown: readonly number[], even: readonly number[], leastStep: number): number[] {
  const delay = even.reduce((most, time, at) => Math.max(most, time - (shown[at] ?? 0)), 0);
  const first = shown.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const times = even.map((time, at) => Math.max(time - delay, first + at * leastStep));
  for (let at = times.length - 1, next = Number.POSITIVE_INFINITY; at >= 0; at--) {
    next = Math.min(times[at] ?? 0, shown[at] ?? 0, next - leastStep);
    times[at] = next;
  }
  return times;
}
