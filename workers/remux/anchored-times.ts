// Decode times of a CMAF segment: they begin at its earliest PTS and end at the next one's, whatever the source's reorder delay is.

/**
 * Moves ascending decode times, in place, so that the first is `from` and the last, which ends the segment, is `to`. Of a track with one
 * reorder delay all move alike; where the delay changes, the last duration takes up the difference, or, where it can not, all durations do.
 */
export function anchorTimes(times: Float64Array, from: number, to: number): void {
  const last = times.length - 1;
  const [start, end] = [times[0] ?? from, times[last] ?? to];
  const lastDecoded = (times[last - 1] ?? start) - start + from;
  if (to > lastDecoded || last === 1) {
    for (let at = 0; at < last; at++) times[at] = (times[at] ?? 0) - start + from;
  } else {
    const scale = (to - from) / Math.max(end - start, 1);
    for (let at = 0; at < last; at++) times[at] = from + Math.floor(((times[at] ?? 0) - start) * scale);
  }
  times[last] = to;
}
