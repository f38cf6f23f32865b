// What a film spends and is predicted to spend: its copies measured in the container's index, its encodes at some places of it.
import { averageBps, type FilmRates, type MeasuredSegment, RATES_FORMAT, type TrackRate, trackRate } from '#domain/delivery/film-rates.ts';
import { buildLadder, stereoAac } from '#domain/delivery/ladder.ts';
import { FerriteError } from '#domain/errors.ts';
import type { Inspections } from '#domain/inspector-protocol.ts';
import { buildPlan, type Grid, gridOf, type Plan, segmentCount, segmentDurationS } from '#domain/plan.ts';
import type { VideoEncode } from '#domain/rendition.ts';
import type { OpenRemuxSource } from '#workers/inspect/inspect.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { measureCopies } from './copied-rates.ts';
import { estimateBitDemand, type Sample } from './rate-estimate.ts';
import { choosePlaces, type Place } from './rate-places.ts';
import { type Counted, probePlace } from './rate-probe.ts';

export type RateTools = { readonly runTool: RunTool; readonly openRemuxSource: OpenRemuxSource };
type Input = Inspections['rates']['input'];
type Output = Inspections['rates']['output'];

/** The rung by which the segments of a film are compared: small enough to be cheap, large enough to have its detail. */
const COMPARED_HEIGHT = 360;
/** Films with more are dubbed, and one is like the other. */
const MAX_SOUNDS = 4;

/** @throws MEDIA_UNREADABLE where there is no picture */
export async function measureRates(input: Input, { runTool, openRemuxSource }: RateTools): Promise<Output> {
  const [video] = input.streams.video;
  if (!video) throw new FerriteError('MEDIA_UNREADABLE', 'no video stream');
  const plan = buildPlan(input.keyframes, video.frameRate, input.targetMs);
  const copies = await measureCopies(input, plan, { runTool, openRemuxSource });
  const encodes = await measureEncodes(input, { plan, copied: copies.video }, runTool);
  const rates: FilmRates = {
    format: RATES_FORMAT,
    targetMs: input.targetMs,
    videoCopy: copies.video && trackRate(copies.video),
    audioCopy: copies.audio.map(segments => segments && trackRate(segments)),
    audioEncode: encodes.audio,
    demand: encodes.demand,
  };
  return { rates, cpuSeconds: encodes.cpuSeconds };
}

type Encodes = Pick<FilmRates, 'demand'> & { readonly audio: readonly (TrackRate | null)[]; readonly cpuSeconds: number };

type Measured = { readonly plan: Plan; readonly copied: MeasuredSegment[] | null };

async function measureEncodes(
  { path, streams, keyframes, targetMs, colour }: Input,
  { plan, copied }: Measured,
  runTool: RunTool,
): Promise<Encodes> {
  const [video] = streams.video;
  const rungs = video ? buildLadder(video, targetMs).map(rung => (colour ? { ...rung, colour } : rung)) : [];
  const [top] = rungs;
  const compared = rungs.find(({ height, width }) => Math.min(height, width) <= COMPARED_HEIGHT) ?? rungs.at(-1);
  if (!video || !top || !compared) throw new FerriteError('MEDIA_UNREADABLE', 'no video stream');
  // Its times in the file are not those of the plan; and what has no encode spends nothing on any.
  if (keyframes.mended || colour === null) return { demand: null, audio: streams.audio.map(() => null), cpuSeconds: 0 };
  const grid = gridOf(plan, top);
  const source = onGrid(grid, plan.videoCopy, copied);
  const places = choosePlaces(source, (video.width * video.height * video.frameRate.num) / video.frameRate.den);
  const sounds = streams.audio.slice(0, MAX_SOUNDS).map((audio, track) => stereoAac(track, audio));
  const samples: Sample[] = [];
  const heard: Counted[][] = sounds.map(() => []);
  let cpuSeconds = 0;
  let failed = 0;
  for (const place of places) {
    const wanted = place.isFull ? [compared, ...rungs.filter(rung => rung !== compared)] : [compared];
    try {
      const result = await probePlace({ path, keyframes, grid, index: place.index, rungs: wanted, sounds }, runTool);
      cpuSeconds += result.cpuSeconds;
      samples.push(sampleOf(place, wanted, result.pictures));
      for (const [track, sound] of result.sounds.entries()) heard[track]?.push(sound);
    } catch (error) {
      // A place that can not be decoded is one of several.
      if (!(error instanceof FerriteError) || error.code !== 'MEDIA_UNREADABLE') throw error;
      failed++;
    }
  }
  const isTold = failed * 2 <= places.length;
  return {
    demand: isTold ? estimateBitDemand(source, samples, compared.rungId) : null,
    audio: streams.audio.map((_, track) => soundRate(heard[track] ?? [])),
    cpuSeconds: Math.round(cpuSeconds * 100) / 100,
  };
}

const sampleOf = (place: Place, rungs: readonly VideoEncode[], pictures: readonly Counted[]): Sample => ({
  place,
  bits: new Map(rungs.map(({ rungId }, at) => [rungId, pictures[at]?.bits ?? 0])),
  keyframeBits: pictures[0]?.keyframeBits ?? 0,
});

/** The source's bits on the encode grid: each boundary of a copy is one of its boundaries. */
function onGrid(grid: Grid, copyGrid: Grid | null, copied: MeasuredSegment[] | null): MeasuredSegment[] {
  const ends = copyGrid?.boundaries.slice(1).map(ticks => ticks / copyGrid.timescale) ?? [];
  let copy = 0;
  let atS = 0;
  return Array.from({ length: segmentCount(grid) }, (_, index) => {
    const seconds = segmentDurationS(grid, index);
    while (copy < ends.length - 1 && (ends[copy] ?? 0) <= atS + seconds / 2) copy++;
    atS += seconds;
    const segment = copied?.[copy];
    return { bits: segment ? (segment.bits * seconds) / segment.seconds : 0, seconds };
  });
}

/** The rate of encoded sound hardly changes: the busiest place stands for the busiest of all. */
function soundRate(places: readonly Counted[]): TrackRate | null {
  const heard = places.filter(({ bits, seconds }) => bits > 0 && seconds > 0);
  if (heard.length === 0) return null;
  const peak = Math.max(...heard.map(({ bits, seconds }) => bits / seconds));
  return { averageBps: Math.round(averageBps(heard)), peaksBps: [Math.round(peak)] };
}
