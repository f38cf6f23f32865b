// Turns the samples of one encode into the plan's segments: grouped by PTS, published the moment the last byte has arrived.

import type { EncodeJob } from '#actors/effects.ts';
import { isHardware } from '#domain/encoders.ts';
import { FerriteError } from '#domain/errors.ts';
import type { Rational } from '#domain/media.ts';
import { boundaryAt, firstChunkEnd, frameTicks, type Grid, soundFrame } from '#domain/plan.ts';
import type { AudioEncode, ChunkNumber } from '#domain/rendition.ts';
import { initSegment, type Sample, writeMovieFragment } from '#workers/bmff/boxes.ts';
import { type FragmentHeader, FragmentReader, type FragmentSample } from '#workers/bmff/fragments.ts';
import { completed, isIncomplete } from '#workers/encoders/av1-header.ts';
import { InBandSets, namedInBand } from '#workers/encoders/parameter-sets.ts';
import { anchorTimes } from '#workers/remux/anchored-times.ts';
import { OUTPUT_START_S } from './encoder-arguments.ts';
import { silentFrame } from './silent-frames.ts';

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
  /** Of the encoder that a run begins with. */
  readonly #quickReader: FragmentReader;
  #quickLeft: number;
  #header: FragmentHeader | null = null;
  /** One whose configuration stands in the first picture. */
  #incomplete: FragmentHeader | null = null;
  /** Of a rendition whose runs may be made by encoders with different ones. */
  #sets: InBandSets | null = null;
  /** Ticks from the start of ffmpeg's timeline to media time 0. */
  readonly #zeroTicks: number;
  /** Ticks per frame where every frame has the same: an encode's segment is complete when its frames are counted. */
  readonly #frameTicks: number | null;
  #timescale = 0;
  #index: number;
  #frames: Frame[] = [];
  /** Which of the frames begins the next segment, while what follows it may still be shown before it. */
  #nextStart: number | null = null;
  #isStarted = false;

  /**
   * `start`: the second of ffmpeg's timeline at which the job's first frame stands, for a run whose input was moved in time.
   * `quickFrames`: so many come by `pushQuick` before the first by `push`.
   */
  constructor(job: EncodeJob, sink: SegmentSink, { start, quickFrames = 0 }: { start?: Rational; quickFrames?: number } = {}) {
    this.#job = job;
    this.#sink = sink;
    this.#index = job.firstIndex;
    this.#frameTicks = frameTicksOf(job);
    const movedTicks = start ? (start.num * job.grid.timescale) / start.den - boundaryAt(job.grid, job.firstIndex) : copyOrigin(job);
    this.#zeroTicks = OUTPUT_START_S * job.grid.timescale + movedTicks;
    this.#quickLeft = quickFrames;
    this.#reader = new FragmentReader({ onHeader: header => this.#onHeader(header), onSample: sample => this.#onSample(sample) });
    this.#quickReader = new FragmentReader({ onHeader: header => this.#onHeader(header), onSample: sample => this.#onQuick(sample) });
  }

  /** Until then nothing may be pushed that comes after the quick encoder's frames. */
  get isQuickComplete(): boolean {
    return this.#quickLeft === 0;
  }

  /** Output of the encoder that the run begins with; what it makes beyond its share is dropped. */
  pushQuick(chunk: Buffer): void {
    if (!this.isQuickComplete) this.#quickReader.push(chunk);
  }

  /** Throws ENCODE_FAILED, as `pushQuick` does, when the bytes are not what an encoder writes. */
  push(chunk: Buffer): void {
    if (!this.isQuickComplete) throw new FerriteError('ENCODE_FAILED', 'the encoder that a run begins with broke off');
    this.#reader.push(chunk);
  }

  /** ffmpeg came to the end of its work: the frames that a copy has left are its last segment. Throws ENCODE_FAILED when the end is missing. */
  end(): void {
    this.#reader.end();
    if (this.#nextStart !== null) this.#publishUpTo(this.#nextStart);
    if (this.#frames.length === 0 || this.#index > this.#job.lastIndex) return;
    // An encode's segments are complete by their number of frames: frames that are left are never a whole segment.
    const isWhole = this.#frameTicks === null && this.#index === this.#job.lastIndex;
    if (!isWhole) throw new FerriteError('ENCODE_FAILED', 'the source ended before its index says');
    this.#publish(boundaryAt(this.#job.grid, this.#index + 1));
  }

  #onHeader(header: FragmentHeader): void {
    if (isIncomplete(header.sampleEntry)) {
      this.#incomplete = header;
      return;
    }
    if (this.#header) requireEqual(header, this.#header);
    else this.#publishInit(header);
    this.#header = header;
    if (this.#hasInBandSets) this.#sets = InBandSets.of(header.sampleEntry);
  }

  get #hasInBandSets(): boolean {
    const { rendition } = this.#job;
    return rendition.kind === 'video-encode' && isHardware(rendition);
  }

  #publishInit({ timescale, ...header }: FragmentHeader): void {
    this.#timescale = timescale;
    const sampleEntry = this.#hasInBandSets ? namedInBand(header.sampleEntry) : header.sampleEntry;
    const { rendition, grid } = this.#job;
    const isVideo = rendition.kind === 'video-encode' || rendition.kind === 'video-copy';
    const size = isVideo ? { width: rendition.width, height: rendition.height } : { width: 0, height: 0 };
    this.#sink.onInit(initSegment({ kind: isVideo ? 'video' : 'audio', timescale: grid.timescale, sampleEntry, language: 'und', ...size }));
  }

  #onQuick(sample: FragmentSample): void {
    if (this.isQuickComplete) return;
    this.#quickLeft--;
    this.#onSample(sample);
  }

  #onSample(sample: FragmentSample): void {
    if (this.#index > this.#job.lastIndex) return;
    if (this.#incomplete) {
      const header = { ...this.#incomplete, sampleEntry: completed(this.#incomplete.sampleEntry, sample.bytes) };
      this.#incomplete = null;
      this.#onHeader(header);
    }
    this.#sink.onFrame();
    const decodeTime = this.#toGrid(sample.decodeTime);
    const pts = this.#toGrid(sample.decodeTime + sample.compositionOffset);
    const bytes = sample.isSync && this.#sets ? this.#sets.within(sample.bytes) : sample.bytes;
    const frame = { ...sample, bytes, decodeTime, compositionOffset: pts - decodeTime, duration: this.#toGridTicks(sample.duration), pts };
    if (this.#job.rendition.kind === 'audio-encode') this.#onSound(frame, this.#job.rendition);
    else this.#onOrdered(frame);
  }

  /** Each frame follows the one before: of a copy, or an encode whose pictures ffmpeg counts. */
  #onOrdered(frame: Frame): void {
    const { isSync, pts } = frame;
    if (!this.#isStarted && !(isSync && pts >= this.#startOf(this.#job.grid, this.#index))) return;
    this.#isStarted = true;
    // Of a film that begins with an open group of pictures: they refer to what is not there.
    if (pts < 0) return;
    this.#frames.push(frame);
    if (this.#frameTicks === null) this.#onCopied(frame);
    else this.#onEncoded(this.#frameTicks);
  }

  /**
   * Frames of encoded sound have numbers: what comes for a place that is taken is dropped (what is encoded before the first wanted one, and
   * some where the source changes), and places that nothing comes for are silent.
   */
  #onSound(frame: Frame, rendition: AudioEncode): void {
    const ticks = soundFrame(rendition);
    const place = Math.round(frame.pts / ticks) * ticks;
    while (this.#index <= this.#job.lastIndex) {
      const next = boundaryAt(this.#job.grid, this.#index) + this.#frames.length * ticks;
      if (place < next) return;
      const at = { decodeTime: next, pts: next, compositionOffset: 0, duration: ticks, isSync: true };
      this.#frames.push({ ...at, bytes: place === next ? frame.bytes : silentFrame(rendition) });
      this.#onEncoded(ticks);
    }
  }

  /** A segment of a copy is whole when it is known what is shown first of the next. */
  #onCopied({ isSync, pts }: Frame): void {
    const isBoundary = isSync && this.#frames.length > 1 && pts >= this.#startOf(this.#job.grid, this.#index + 1);
    if (this.#nextStart === null && isBoundary) this.#nextStart = this.#frames.length - 1;
    const start = this.#nextStart === null ? undefined : this.#frames[this.#nextStart];
    const isSound = this.#job.rendition.kind === 'audio-copy';
    if (this.#nextStart !== null && start && (isSound || pts > start.pts)) this.#publishUpTo(this.#nextStart);
  }

  #publishUpTo(nextStart: number): void {
    const next = this.#frames.splice(nextStart);
    this.#nextStart = null;
    this.#publish(Math.min(...next.map(({ pts }) => pts)));
    if (this.#index <= this.#job.lastIndex) this.#frames = next;
  }

  /** A segment of an encode is whole when its frames are counted. */
  #onEncoded(frameTicks: number): void {
    const { firstIndex } = this.#job;
    if (this.#index === firstIndex && this.#frames.length === this.#firstChunkLength()) {
      const times = decodeTimesOf(this.#frames, this.#endOf(this.#frames, frameTicks));
      this.#sink.onFirstChunk(firstIndex, this.#chunk(0, this.#frames, times));
    }
    if (this.#frames.length === this.#frameCount(frameTicks)) this.#publish(this.#endOf(this.#frames, frameTicks));
  }

  #endOf(frames: readonly Frame[], frameTicks: number): number {
    return earliestPts(frames) + frames.length * frameTicks;
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
    return end === null ? null : (end - boundaryAt(grid, this.#index)) / frameTicks(grid.timescale, rendition.frameRate);
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

  /** `endPts`: what is shown first of the next segment. */
  #publish(endPts: number): void {
    const frames = this.#frames;
    const [first] = frames;
    if (!first) throw new FerriteError('INTERNAL', 'a segment without frames was published');
    if (!first.isSync) throw new FerriteError('ENCODE_FAILED', 'the encoder began a segment without a keyframe');
    const length = this.#firstChunkLength() ?? frames.length;
    if (this.#index === this.#job.firstIndex && frames[length]?.isSync === false)
      throw new FerriteError('ENCODE_FAILED', 'the encoder began a chunk without a keyframe');
    // Together: but in a run's first segment, pictures of the second chunk may be shown among those of the first.
    const times = decodeTimesOf(frames, endPts);
    const parts = length < frames.length ? [frames.slice(0, length), frames.slice(length)] : [frames];
    const bytes = Buffer.concat(parts.map((part, number) => this.#chunk(number as ChunkNumber, part, times.subarray(number * length))));
    this.#frames = [];
    this.#sink.onSegment(this.#index++, bytes);
  }

  /** `times`: of its frames, and of what follows them. */
  #chunk(number: ChunkNumber, frames: readonly Frame[], times: Float64Array): Buffer {
    const samples = frames.map((frame, index): Sample => {
      const decodeTime = times[index] ?? 0;
      return {
        byteLength: frame.bytes.byteLength,
        isSync: frame.isSync,
        compositionOffset: frame.pts - decodeTime,
        duration: (times[index + 1] ?? decodeTime) - decodeTime,
      };
    });
    const { bytes, dataStart } = writeMovieFragment(2 * this.#index + number + 1, times[0] ?? 0, samples);
    let at = dataStart;
    for (const { bytes: data } of frames) at += data.copy(bytes, at);
    return bytes;
  }
}

/** From the earliest picture to `endPts`, which ends the list. */
function decodeTimesOf(frames: readonly Frame[], endPts: number): Float64Array {
  const last = frames.at(-1);
  const times = Float64Array.from([...frames.map(({ decodeTime }) => decodeTime), (last?.decodeTime ?? 0) + (last?.duration ?? 0)]);
  anchorTimes(times, earliestPts(frames), endPts);
  return times;
}

/** The init segment that was published serves both encoders. */
function requireEqual({ timescale, sampleEntry }: FragmentHeader, published: FragmentHeader): void {
  if (timescale === published.timescale && sampleEntry.equals(published.sampleEntry)) return;
  throw new FerriteError('ENCODE_FAILED', 'the two encoders of a run wrote different headers');
}

const earliestPts = (frames: readonly Frame[]): number =>
  frames.reduce((earliest, { pts }) => Math.min(earliest, pts), Number.POSITIVE_INFINITY);

function frameTicksOf({ rendition, grid }: EncodeJob): number | null {
  switch (rendition.kind) {
    case 'video-encode':
      return frameTicks(grid.timescale, rendition.frameRate);
    case 'audio-encode':
      return soundFrame(rendition);
    case 'video-copy':
    case 'audio-copy':
      return null;
  }
}

/** Encodes are moved to media time 0 by their filters; copies keep the file's clock. */
function copyOrigin({ rendition, keyframes, grid }: EncodeJob): number {
  const isCopy = rendition.kind === 'video-copy' || rendition.kind === 'audio-copy';
  return isCopy ? Math.round((keyframes.video.originPts * grid.timescale) / keyframes.video.timescale) : 0;
}
