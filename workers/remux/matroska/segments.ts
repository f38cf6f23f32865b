// Builds one fMP4 segment of one Matroska track from the clusters it lies in.
import { FerriteError } from '#domain/errors.ts';
import { type Sample, writeMovieFragment } from '#workers/bmff/boxes.ts';
import { anchorTimes } from '#workers/remux/anchored-times.ts';
import { FileBudget } from '#workers/remux/file-budget.ts';
import { type Shown, shownTimes } from '#workers/remux/shown-times.ts';
import type { SegmentSpan } from '#workers/remux/source.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { type Block, BlockReader, lastClusterUpTo, readClusterHeader } from './blocks.ts';
import {
  type DecodeClock,
  decodeDelay,
  decodeTimes,
  type FrameGrid,
  FrameNumbering,
  framePosition,
  frameTicks,
  leadingTicks,
} from './clock.ts';
import type { Cue, CueTable } from './cues.ts';
import { unreadable } from './ebml.ts';
import type { MatroskaTrack } from './tracks.ts';

export type VideoSegmentInput = {
  readonly file: UnchangedFile;
  readonly track: MatroskaTrack;
  readonly clock: DecodeClock;
  readonly cues: CueTable;
  readonly from: Cue;
  /** The keyframe that the next segment starts with; null at the end of the track. */
  readonly to: Cue | null;
  readonly clustersEnd: number;
  /** PTS = timestamp − this. */
  readonly delayTicks: number;
  /** Nothing shown before the first keyframe of a file can be decoded. */
  readonly isFirstKeyframe: boolean;
  readonly shown: Shown;
};

export type AudioSegmentInput = {
  readonly file: UnchangedFile;
  readonly track: MatroskaTrack;
  readonly grid: FrameGrid;
  readonly firstPts: number;
  readonly cues: CueTable;
  readonly firstClusterPosition: number;
  readonly clustersEnd: number;
  readonly delayTicks: number;
  readonly readBytes: number;
};

type Frame = { readonly pts: number; readonly isKeyframe: boolean; readonly parts: readonly Buffer[] };

const READ_ON_BYTES = 1024 * 1024;
/** A damaged place is small, or there is no film. */
const MAX_DAMAGED_KEYFRAMES = 8;
/** Most keyframes are smaller. */
const KEYFRAME_READ_BYTES = 256 * 1024;
const MAX_SEGMENT_BYTES = 256 * 1024 * 1024; // 15 s of the fastest disc
const MAX_SEGMENT_FRAMES = 100_000; // 15 s of sound in the shortest frames there are have 6000
/** 32 s of the fastest disc: sound may lie so far from its picture. */
const MAX_SOUND_BYTES = 512 * 1024 * 1024;
const CLUSTER_HEADER_BYTES = { least: 5, most: 12 };
/** So far into a cluster it is worth a read of its own to skip what lies before. */
const SKIP_BYTES = 64 * 1024;

const LOOK_BACK_MS = 1000;
const MAX_LOOK_BACK_MS = 16_000;
/** No muxer keeps the sound further behind the picture. */
const MAX_INTERLEAVE_MS = 10_000;
/** Frames after which the numbering no longer depends on where it was started. */
const SETTLING_FRAMES = 12;

export async function videoSegment(input: VideoSegmentInput, span: SegmentSpan): Promise<Buffer> {
  const frames = await videoFrames(input);
  const { clock, isFirstKeyframe, shown } = input;
  const { originPts, factor } = span;
  const onClock = (ticks: number): number => (ticks - originPts) * factor;
  const presentation = frames.map(({ pts }) => pts);
  const source = [...decodeTimes(presentation, span.fromPts, span.toPts, clock), span.toPts - decodeDelay(clock)];
  const decode = Float64Array.from(source, onClock);
  let times: Float64Array = Float64Array.from(presentation, onClock);
  if (span.anchor === 'presentation') {
    // The same for every segment of the track, so that one ends where the next one begins without knowing its frames.
    const ahead = leadingTicks(clock);
    anchorTimes(decode, isFirstKeyframe ? 0 : onClock(span.fromPts - ahead), onClock(input.to ? span.toPts - ahead : span.toPts));
    times = shownTimes(Float64Array.from(presentation), shown, span, isFirstKeyframe);
  }
  const samples = frames.map((frame, index): Sample => {
    const dts = decode[index] ?? 0;
    return {
      byteLength: byteLengthOf(frame),
      duration: (decode[index + 1] ?? dts) - dts,
      compositionOffset: (times[index] ?? dts) - dts,
      isSync: frame.isKeyframe,
    };
  });
  return assemble(span.index, decode[0] ?? 0, samples, frames);
}

/**
 * The frames from the keyframe at `from` up to the keyframe at `to`, in file order. What follows a damaged place is left out up to the next
 * keyframe; where nothing is left, the last keyframe before it stands still.
 */
async function videoFrames(input: VideoSegmentInput): Promise<Frame[]> {
  const { from, to, clustersEnd } = input;
  const { reader, earliestEnd } = await readerOfSegment(input);
  const frames: Frame[] = [];
  let losses = 0;
  let isCut = false;
  for (let blocks = await reader.next(); blocks; blocks = await reader.next()) {
    isCut ||= reader.losses > losses;
    losses = reader.losses;
    for (const block of blocks) {
      if (to && block.isKeyframe && block.timestamp >= to.timestamp) {
        if (losses === 0 && (frames.length === 0 || block.timestamp !== to.timestamp)) throw misled();
        return frames.length === 0 ? [await standingStill(input)] : frames;
      }
      if (frames.length === 0 && !(block.isKeyframe && block.timestamp === from.timestamp)) continue;
      isCut &&= !block.isKeyframe;
      if (isCut) continue;
      if (frames.length + block.frames.count > MAX_SEGMENT_FRAMES) throw tooLarge();
      if (!input.isFirstKeyframe || block.timestamp >= from.timestamp) frames.push(...framesOf(block, input));
    }
    const isWhole = to?.relativePosition !== null && reader.position >= earliestEnd;
    if (isWhole) break;
    if (reader.position - from.clusterPosition > MAX_SEGMENT_BYTES) throw misled();
    reader.keepViews();
  }
  if (losses === 0 && (frames.length === 0 || (to && reader.position >= clustersEnd))) throw misled();
  return frames.length === 0 ? [await standingStill(input)] : frames;
}

async function standingStill(input: VideoSegmentInput): Promise<Frame> {
  return { pts: input.from.timestamp - input.delayTicks, isKeyframe: true, parts: [await keyframeSample(input)] };
}

/** The keyframe at `from`, or where it is damaged the last one before it that is not. @throws MEDIA_UNREADABLE */
export async function keyframeSample(input: VideoSegmentInput): Promise<Buffer> {
  let from: Cue | undefined = input.from;
  for (let tries = 0; from && tries < MAX_DAMAGED_KEYFRAMES; tries++) {
    const bytes = await readKeyframe({ ...input, from, to: null });
    if (bytes) return bytes;
    from = input.cues.lastUpTo(from.timestamp - 1);
  }
  throw misled();
}

/** The keyframe at `from` alone: what follows it is not read on purpose. Null where it can not be read. */
async function readKeyframe(input: VideoSegmentInput): Promise<Buffer | null> {
  const { from } = input;
  const { reader } = await readerOfSegment(input, KEYFRAME_READ_BYTES);
  for (let blocks = await reader.next(); blocks && reader.losses === 0; blocks = await reader.next()) {
    for (const block of blocks) {
      if (!block.isKeyframe || block.timestamp !== from.timestamp) continue;
      const [frame] = framesOf(block, input);
      if (frame) return Buffer.concat(frame.parts);
    }
    if (reader.position - from.clusterPosition > MAX_SEGMENT_BYTES) break;
  }
  return null;
}

async function readerOfSegment(
  { file, track, from, to, clustersEnd }: VideoSegmentInput,
  wantedBytes: number | null = null,
): Promise<{ reader: BlockReader; earliestEnd: number }> {
  const offset = from.relativePosition ?? 0;
  const cluster = offset > SKIP_BYTES ? await readClusterHeader(file, from.clusterPosition) : null;
  const position = cluster ? cluster.start + offset : from.clusterPosition;
  // Where the first byte behind the segment lies, as far as the cue tells.
  const earliestEnd = to ? to.clusterPosition + CLUSTER_HEADER_BYTES.least + (to.relativePosition ?? 0) : clustersEnd;
  const firstReadBytes = wantedBytes ?? Math.max(0, earliestEnd - position) + CLUSTER_HEADER_BYTES.most;
  if (firstReadBytes > MAX_SEGMENT_BYTES) throw misled();
  const interest = (number: number) => (number === track.number ? 'whole' : 'none');
  const budget = new FileBudget(file.byteLength);
  const walk = {
    file,
    budget,
    position,
    limit: clustersEnd,
    interest,
    firstReadBytes,
    readBytes: READ_ON_BYTES,
    cluster,
    damage: 'pass',
  } as const;
  const reader = new BlockReader(walk);
  return { reader, earliestEnd };
}

function framesOf(block: Block, { track, clock, delayTicks }: VideoSegmentInput): Frame[] {
  return Array.from(block.frames, (bytes, index) => ({
    pts: block.timestamp - delayTicks + Math.round(index * clock.frameTicks),
    isKeyframe: block.isKeyframe,
    parts: track.strippedHeader.byteLength > 0 ? [track.strippedHeader, bytes] : [bytes],
  }));
}

export async function audioSegment(input: AudioSegmentInput, span: SegmentSpan): Promise<Buffer> {
  const { grid, firstPts } = input;
  const first = Math.ceil((span.fromPts - firstPts) / grid.frameDuration);
  const behind = Math.ceil((span.toPts - firstPts) / grid.frameDuration);
  const { frames, isFollowed } = await audioFrames(input, first, behind);
  const [start] = frames;
  if (!start) throw new FerriteError('SEGMENT_NOT_FOUND', 'the track has no sound in this segment');
  const samples = frames.map((frame, index): Sample => {
    const next = frames[index + 1]?.number ?? (isFollowed ? behind : frame.number + 1);
    // A hole in the source makes the frame before it longer: the frames after it keep their time.
    return { byteLength: byteLengthOf(frame), duration: (next - frame.number) * grid.frameDuration, compositionOffset: 0, isSync: true };
  });
  return assemble(span.index, firstPts + start.number * grid.frameDuration - span.originPts, samples, frames);
}

type AudioFrame = Pick<Frame, 'parts'> & { readonly number: number };
type AudioFrames = { readonly frames: readonly AudioFrame[]; readonly isFollowed: boolean };

/**
 * Sound of one time may lie in clusters before or after the picture of that time, and a frame's number depends a little on the frames before it:
 * reading starts early, and earlier still when it turns out not to have been early enough.
 */
async function audioFrames(input: AudioSegmentInput, first: number, behind: number): Promise<AudioFrames> {
  const { file, cues, grid, delayTicks, firstClusterPosition, clustersEnd } = input;
  const fromTimestamp = frameTicks(grid, first) + delayTicks;
  let lookBackMs = LOOK_BACK_MS;
  for (;;) {
    const wanted = fromTimestamp - (lookBackMs * grid.ticksPerSecond) / 1000;
    const cue = cues.lastUpTo(wanted);
    const position = await lastClusterUpTo(file, cue?.clusterPosition ?? firstClusterPosition, clustersEnd, wanted);
    const found = await collectAudio(input, position, first, behind);
    if (found.hasEarlier || position <= firstClusterPosition || lookBackMs >= MAX_LOOK_BACK_MS) return found;
    lookBackMs *= 4;
  }
}

async function collectAudio(
  { file, track, grid, delayTicks, clustersEnd, readBytes }: AudioSegmentInput,
  position: number,
  first: number,
  behind: number,
): Promise<AudioFrames & { readonly hasEarlier: boolean }> {
  const interest = (number: number) => (number === track.number ? 'whole' : 'none');
  const budget = new FileBudget(file.byteLength);
  const reader = new BlockReader({
    file,
    budget,
    position,
    limit: clustersEnd,
    interest,
    firstReadBytes: 0,
    readBytes,
    cluster: null,
    damage: 'pass',
  });
  const latestTimestamp = frameTicks(grid, behind) + delayTicks + (MAX_INTERLEAVE_MS * grid.ticksPerSecond) / 1000;
  const numbering = new FrameNumbering();
  const frames: AudioFrame[] = [];
  let hasEarlier = false;
  /** Of before the segment: where a damaged place leaves nothing of it, this one lasts on. */
  let earlier: AudioFrame | null = null;
  const found = (isFollowed: boolean) => {
    if (frames.length > 0 || reader.losses === 0 || earlier === null) return { frames, isFollowed, hasEarlier };
    return { frames: [{ ...earlier, number: first }], isFollowed: true, hasEarlier };
  };
  for (let blocks = await reader.next(); blocks; blocks = await reader.next()) {
    let before: AudioFrame | null = null;
    for (const block of blocks) {
      let index = 0;
      for (const bytes of block.frames) {
        const number = numbering.next(framePosition(grid, block.timestamp - delayTicks) + index++);
        if (number === null) continue;
        if (number >= behind) return found(true);
        if (number < first) {
          hasEarlier ||= number < first - SETTLING_FRAMES;
          before = { number, parts: [track.strippedHeader, bytes] };
        } else if (frames.length === MAX_SEGMENT_FRAMES) throw tooLarge();
        else frames.push({ number, parts: [Buffer.concat([track.strippedHeader, bytes])] });
      }
    }
    // The next read takes the place of this one's bytes.
    if (before) earlier = { ...before, parts: [Buffer.concat(before.parts)] };
    if ((reader.clusterTimestamp ?? 0) > latestTimestamp || reader.position - position > MAX_SOUND_BYTES) break;
  }
  return found(false);
}

function assemble(index: number, decodeTime: number, samples: readonly Sample[], frames: readonly Pick<Frame, 'parts'>[]): Buffer {
  const { bytes, dataStart } = writeMovieFragment(index + 1, decodeTime, samples);
  let at = dataStart;
  for (const { parts } of frames) for (const part of parts) at += part.copy(bytes, at);
  return bytes;
}

const byteLengthOf = ({ parts }: Pick<Frame, 'parts'>): number => parts.reduce((sum, part) => sum + part.byteLength, 0);

const tooLarge = (): FerriteError => new FerriteError('MEDIA_UNSUPPORTED', 'a segment of this media is too large to copy');

const misled = (): FerriteError => unreadable('the index of the Matroska file points to a place without its keyframe');
