// What the copies of a film weigh, segment by segment: located in the index of an MP4, counted by the packets of any other container.
import type { MeasuredSegment } from '#domain/delivery/film-rates.ts';
import { FerriteError } from '#domain/errors.ts';
import type { Inspections } from '#domain/inspector-protocol.ts';
import type { KeyframeMap } from '#domain/media.ts';
import { type Grid, type Plan, segmentCount, segmentDurationS } from '#domain/plan.ts';
import type { AudioCopy, VideoCopy } from '#domain/rendition.ts';
import { fragmentHeadByteLength } from '#workers/bmff/boxes.ts';
import type { OpenRemuxSource } from '#workers/inspect/inspect.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { spanOf } from '#workers/remux/segment-span.ts';
import type { RemuxSource, SizedPacket } from '#workers/remux/source.ts';
import { sizedPackets } from './sized-packets.ts';

/** Null: that track is not copied, or its weight can not be told. */
export type Copies = { readonly video: MeasuredSegment[] | null; readonly audio: readonly (MeasuredSegment[] | null)[] };

type Input = Inspections['rates']['input'];
type Tools = { readonly runTool: RunTool; readonly openRemuxSource: OpenRemuxSource };

/** What is no verdict on the film: it is offered, and encoded, with its copies unweighed. */
const UNTOLD = new Set(['MEDIA_UNSUPPORTED', 'MEDIA_UNREADABLE', 'SEGMENT_NOT_FOUND']);

export async function measureCopies(input: Input, plan: Plan, { runTool, openRemuxSource }: Tools): Promise<Copies> {
  const source = input.keyframes.copyMethod === 'ffmpeg' ? null : await openRemuxSource(input.path);
  try {
    if (source?.copyMethod === 'mp4') return await located(input, plan, source);
    const packets = source ? source.sizes() : sizedPackets(input, runTool);
    return packets === null ? untold(input) : await counted(input, plan, packets);
  } catch (error) {
    if (error instanceof FerriteError && UNTOLD.has(error.code)) return untold(input);
    throw error;
  } finally {
    await source?.close();
  }
}

const untold = ({ streams }: Input): Copies => ({ video: null, audio: streams.audio.map(() => null) });

async function located({ keyframes, streams }: Input, plan: Plan, source: RemuxSource): Promise<Copies> {
  const facts = { bandwidthBps: 0, codecs: '' };
  const measure = async (rendition: VideoCopy | AudioCopy, grid: Grid | null | undefined): Promise<MeasuredSegment[] | null> => {
    if (!grid) return null;
    const segments: MeasuredSegment[] = [];
    try {
      for (let index = 0; index < segmentCount(grid); index++) {
        const found = await source.locate(rendition.streamIndex, spanOf(keyframes, grid, rendition, index));
        if (!found) return null;
        segments.push({ bits: 8 * found.byteLength, seconds: segmentDurationS(grid, index) });
      }
    } catch (error) {
      if (error instanceof FerriteError && UNTOLD.has(error.code)) return null;
      throw error;
    }
    return segments;
  };
  const videoIndex = streams.video[0]?.index ?? 0;
  return {
    video: await measure({ ...facts, kind: 'video-copy', rungId: '', streamIndex: videoIndex, width: 0, height: 0 }, plan.videoCopy),
    audio: await Promise.all(
      streams.audio.map(({ index, channels }, track) =>
        measure({ ...facts, kind: 'audio-copy', track, streamIndex: index, channels }, plan.audioCopy[track]),
      ),
    ),
  };
}

async function counted({ keyframes, streams }: Input, plan: Plan, packets: AsyncIterable<readonly SizedPacket[]>): Promise<Copies> {
  const scaleOf = (grid: Grid | null | undefined): Scale | null => (grid ? new Scale(grid, originS(keyframes)) : null);
  const video = scaleOf(plan.videoCopy);
  const audio = streams.audio.map((_, track) => scaleOf(plan.audioCopy[track]));
  const scales = new Map([[streams.video[0]?.index, video], ...streams.audio.map(({ index }, track) => [index, audio[track]] as const)]);
  for await (const some of packets) for (const packet of some) scales.get(packet.streamIndex)?.add(packet);
  return { video: video?.segments ?? null, audio: audio.map(scale => scale?.segments ?? null) };
}

const originS = ({ video }: KeyframeMap): number => video.originPts / video.timescale;

/** Times of a container may be rounded to so much. */
const ROUNDED_S = 0.001;

/** Puts the packets of one track into its segments, as they come. */
class Scale {
  readonly #grid: Grid;
  readonly #originS: number;
  readonly #byteLengths: number[];
  readonly #frames: number[];
  #index = 0;

  constructor(grid: Grid, originSeconds: number) {
    this.#grid = grid;
    this.#originS = originSeconds;
    this.#byteLengths = new Array<number>(segmentCount(grid)).fill(0);
    this.#frames = new Array<number>(segmentCount(grid)).fill(0);
  }

  /** In file order a keyframe is the first picture at or after the boundary that it stands on: those shown before it may follow. */
  add({ atS, byteLength, frames }: SizedPacket): void {
    while (this.#index < this.#frames.length && atS - this.#originS >= this.#startOf(this.#index + 1) - ROUNDED_S) this.#index++;
    if (this.#index === this.#frames.length || atS - this.#originS < this.#startOf(0) - ROUNDED_S) return;
    this.#byteLengths[this.#index] = (this.#byteLengths[this.#index] ?? 0) + byteLength;
    this.#frames[this.#index] = (this.#frames[this.#index] ?? 0) + frames;
  }

  /** Null: nothing of the track has come, so that its copies can not be what was counted. */
  get segments(): MeasuredSegment[] | null {
    if (this.#frames.every(count => count === 0)) return null;
    return this.#byteLengths.map((byteLength, index) => ({
      bits: 8 * (byteLength + fragmentHeadByteLength(this.#frames[index] ?? 0)),
      seconds: segmentDurationS(this.#grid, index),
    }));
  }

  #startOf(index: number): number {
    return (this.#grid.boundaries[index] ?? Number.POSITIVE_INFINITY) / this.#grid.timescale;
  }
}
