// The clock of what an encoder is fed: so fine that moving a film in time rounds nothing.
import type { EncodeJob } from '#actors/effects.ts';
import { boundaryAt, greatestDivisor, leastMultiple } from '#domain/plan.ts';

/** Composition offsets are written in ticks of 31 bits: eight seconds fit. */
const MAX_TIMESCALE = 0x0fff_ffff;

export type FedClock = {
  /** Of the track in the file. */
  readonly timescale: number;
  /** Ticks of the fed clock in one of the track's. */
  readonly factor: number;
  /** PTS of the first wanted frame, in ticks of the fed clock. */
  readonly wantedTicks: number;
};

/** Null when the clock would have to be finer than the format can say, or the track's timeline is not known. */
export function fedClock({ rendition, grid, firstIndex, keyframes }: EncodeJob): FedClock | null {
  const { video } = keyframes;
  const track = rendition.kind === 'video-encode' ? video : keyframes.audio.find(({ index }) => index === rendition.streamIndex);
  if (!track || ('frameDuration' in track && track.frameDuration === null)) return null;
  // Media time 0 and every boundary of the grid lie on whole ticks of this clock.
  const gridTicks = grid.timescale / grid.boundaries.reduce(greatestDivisor, grid.timescale);
  const timescale = leastMultiple(leastMultiple(track.timescale, video.timescale), gridTicks);
  if (timescale > MAX_TIMESCALE) return null;
  const originTicks = (video.originPts * timescale) / video.timescale;
  const wantedTicks = originTicks + (boundaryAt(grid, firstIndex) * timescale) / grid.timescale;
  return { timescale: track.timescale, factor: timescale / track.timescale, wantedTicks: Math.round(wantedTicks) };
}
