// Turns the samples of one encode into the plan's segments: grouped by PTS, published the moment the last byte has arrived.

import type { EncodeJob } from '#actors/effects.ts';
import { FerriteError } from '#domain/errors.ts';
import type { Rational } from '#domain/media.ts';
import { AAC_FRAME, boundaryAt, encodeClock, firstChunkEnd, type Grid, originPts, TIMELINE_START_S } from '#domain/plan.ts';
import type { ChunkNumber } from '#domain/rendition.ts';
import { initSegment, type Sample, writeMovieFragment } from '#workers/bmff/boxes.ts';
import { type FragmentHeader, FragmentReader, type FragmentSample } from '#workers/bmff/fragments.ts';

export type SegmentSink = {
  /** Anything that came out of ffmpeg, wanted or not. */
  readonly onFrame: () => void;
  readonly onInit: (bytes: Buffer) => void;
  /** The first chunk of the segment that the run begins with: the start of its bytes, while the rest is still being made. */
  readonly onFirstChunk: (index: number, bytes: Buffer) => void;
  readonly onSegment: (index: number, bytes: Buffer) => void;
};

type Frame = Omit<FragmentSample, 'bytes'> & { readonly pts: number; readonly bytes: Buffer };

export class SegmentReadiness {
  readonly #job: EncodeJob;
  readonly #sink: SegmentSink;
  readonly #reader: FragmentReader;
  /** Ticks from the start of ffmpeg's timeline to media time 0. */
  readonly #zeroTicks: number;
  /** Ticks per frame where every frame has the same: an encode's segment is complete when its frames are counted. */
  readonly #frameTicks: number | null;
  #timescale = 0;
  #index: number;
  #frames: Frame[] = [];
  #isStarted = false;

  /** `start`: the second of ffmpeg's timeline at which the job's first frame stands, for a run whose input was moved in time. */
  constructor(job: EncodeJob, sink: SegmentSink, start?: Rational) {
    this.#job = job;
    this.#sink = sink;
    this.#index = job.firstIndex;
    this.#frameTicks = frameTicksOf(job);
    const movedTicks = start ? (start.num * job.grid.timescale) / start.den - boundaryAt(job.grid, job.firstIndex) : copyOrigin(job);
    this.#zeroTicks = TIMELINE_START_S * job.grid.timescale + movedTicks;
    this.#reader = new FragmentReader({ onHeader: header => this.#onHeader(header), onSample: sample => this.#onSample(sample) });
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** ffmpeg came to the end of its work: what a copy has left is its last segment. Throws ENCODE_FAILED when the end is missing. */
  end(): void {
    this.#reader.end();
    if (this.#frames.length === 0 || this.#index > this.#job.lastIndex) return;
    // An encode counts its frames, so what it has left is never whole.
    const isWhole = this.#frameTicks === null && this.#index === this.#job.lastIndex;
    if (!isWhole) throw new FerriteError('ENCODE_FAILED', 'the source ended before its index says');
    this.#publish(null);
  }

  #onHeader({ timescale, sampleEntry }: FragmentHeader): void {
    this.#timescale = timescale;
    const { rendition, grid } = this.#job;
    const isVideo = rendition.kind === 'video-encode' || rendition.kind === 'video-copy';
    const size = isVideo ? { width: rendition.width, height: rendition.height } : { width: 0, height: 0 };
    this.#sink.onInit(initSegment({ kind: isVideo ? 'video' : 'audio', timescale: grid.timescale, sampleEntry, language: 'und', ...size }));
  }

  #onSample(sample: FragmentSample): void {
    if (this.#index > this.#job.lastIndex) return;
    this.#sink.onFrame();
    const { grid } = this.#job;
    const decodeTime = this.#toGrid(sample.decodeTime);
    const pts = this.#toGrid(sample.decodeTime + sample.compositionOffset);
    const frame = { ...sample, decodeTime, compositionOffset: pts - decodeTime, duration: this.#toGridTicks(sample.duration), pts };
    if (!this.#isStarted && !(sample.isSync && pts >= this.#startOf(grid, this.#index))) return;
    this.#isStarted = true;
    if (sample.isSync && this.#frames.length > 0 && pts >= this.#startOf(grid, this.#index + 1)) this.#publish(decodeTime);
    if (this.#index > this.#job.lastIndex) return;
    this.#frames.push(frame);
    const { firstIndex } = this.#job;
    if (this.#index === firstIndex && this.#frames.length === this.#firstChunkLength()) {
      this.#sink.onFirstChunk(firstIndex, this.#chunk(0, this.#frames, null));
    }
    if (this.#frameTicks !== null && this.#frames.length === this.#frameCount(this.#frameTicks)) this.#publish(null);
  }

  #frameCount(frameTicks: number): number {
    const { grid } = this.#job;
    return Math.round((boundaryAt(grid, this.#index + 1) - boundaryAt(grid, this.#index)) / frameTicks);
  }

  /** Frames of the first chunk of the segment that is being made; null where it has only one. */
  #firstChunkLength(): number | null {
    const { rendition, grid } = this.#job;
    if (rendition.kind !== 'video-encode') return null;
    const end = firstChunkEnd(grid, this.#index, rendition.frameRate);
    return end === null ? null : (end - boundaryAt(grid, this.#index)) / encodeClock(rendition.frameRate).frameTicks;
  }

  /** Half a frame early is on time: a copied boundary may have been rounded by the container. */
  #startOf(grid: Grid, index: number): number {
    return boundaryAt(grid, index) - (this.#frameTicks ?? grid.timescale / 1000) / 2;
  }

  #toGridTicks(ticks: number): number {
    return Math.round((ticks * this.#job.grid.timescale) / this.#timescale);
  }

  #toGrid(ticks: number): number {
    return this.#toGridTicks(ticks) - this.#zeroTicks;
  }

  #publish(nextDecodeTime: number | null): void {
    const frames = this.#frames;
    const [first] = frames;
    if (!first) throw new FerriteError('INTERNAL', 'a segment without frames was published');
    if (!first.isSync) throw new FerriteError('ENCODE_FAILED', 'the encoder began a segment without a keyframe');
    const rest = frames.slice(this.#firstChunkLength() ?? frames.length);
    const [next] = rest;
    if (this.#index === this.#job.firstIndex && next?.isSync === false)
      throw new FerriteError('ENCODE_FAILED', 'the encoder began a chunk without a keyframe');
    const bytes = next
      ? Buffer.concat([this.#chunk(0, frames.slice(0, -rest.length), next.decodeTime), this.#chunk(1, rest, nextDecodeTime)])
      : this.#chunk(0, frames, nextDecodeTime);
    this.#frames = [];
    this.#sink.onSegment(this.#index++, bytes);
  }

  #chunk(number: ChunkNumber, frames: readonly Frame[], nextDecodeTime: number | null): Buffer {
    const samples = frames.map(
      (frame, index): Sample => ({
        byteLength: frame.bytes.byteLength,
        isSync: frame.isSync,
        compositionOffset: frame.compositionOffset,
        duration:
          (frames[index + 1]?.decodeTime ?? nextDecodeTime ?? frame.decodeTime + (this.#frameTicks ?? frame.duration)) - frame.decodeTime,
      }),
    );
    const decodeTime = (frames[0]?.decodeTime ?? 0) + TIMELINE_START_S * this.#job.grid.timescale;
    const { bytes, dataStart } = writeMovieFragment(2 * this.#index + number + 1, decodeTime, samples);
    let at = dataStart;
    for (const { bytes: data } of frames) at += data.copy(bytes, at);
    return bytes;
  }
}

function frameTicksOf({ rendition }: EncodeJob): number | null {
  switch (rendition.kind) {
    case 'video-encode':
      return encodeClock(rendition.frameRate).frameTicks;
    case 'audio-encode':
      return AAC_FRAME;
    case 'video-copy':
    case 'audio-copy':
      return null;
  }
}

/** Encodes are moved to media time 0 by their filters; copies keep the file's clock. */
function copyOrigin({ rendition, keyframes, grid }: EncodeJob): number {
  const isCopy = rendition.kind === 'video-copy' || rendition.kind === 'audio-copy';
  return isCopy ? Math.round((originPts(keyframes.video) * grid.timescale) / keyframes.video.timescale) : 0;
}
