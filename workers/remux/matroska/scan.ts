// Reads the start and the end of a Matroska file's clusters for what its index does not say: first and last frames, frame parameters, frame order.

import { upperBound } from '#domain/plan.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { type Block, BlockReader, type Interest } from './blocks.ts';
import { type DecodeClock, MAX_REORDER, reorderDepth } from './clock.ts';
import { closestFps } from './closest-frames.ts';
import type { Cue, CueTable } from './cues.ts';
import type { MatroskaTrack } from './tracks.ts';

export type ScanInput = {
  readonly file: UnchangedFile;
  readonly budget: FileBudget;
  readonly video: MatroskaTrack;
  readonly audio: readonly MatroskaTrack[];
  /** Of the video track, by ascending timestamp. */
  readonly cues: CueTable;
  readonly firstClusterPosition: number;
  /** No cluster lies behind this. */
  readonly limit: number;
  readonly timestampScaleNs: number;
};

export type VideoFacts = {
  /** The start of the first keyframe. */
  readonly keyframe: Buffer;
  readonly firstKeyframe: Cue;
  readonly clock: DecodeClock;
  /** Pictures a second where they follow each other closest; null: not known. */
  readonly closestFps: number | null;
  /** Timestamp at which the last frame stops being shown. */
  readonly endTimestamp: number;
  readonly clustersEnd: number;
};

export type AudioFacts = {
  readonly firstTimestamp: number;
  /** The first packets. */
  readonly packets: readonly Buffer[];
  /** Timestamps of the last blocks and how many frames each holds. */
  readonly last: readonly { readonly timestamp: number; readonly frames: number }[];
};

const HEAD_VIDEO_FRAMES = 96;
const HEAD_PACKETS = 8;
const MAX_HEAD_BYTES = 32 * 1024 * 1024;
const MAX_TAIL_BYTES = 256 * 1024 * 1024;
const PROBED_KEYFRAMES = 3;
const READ_BYTES = 256 * 1024;
const FRAMES_PER_SECOND_OF_ONE_FRAME = 25;
const KEYFRAME_BYTES = 4096; // more than any header of a frame
const MAX_PACKET_BYTES = 64 * 1024;
/** Looked at for their order: minutes of film without a keyframe. */
const MAX_FRAMES = 50_000;
/** Frames are numbered right after the first dozen, wherever one begins. */
const KEPT_LAST_BLOCKS = 256;

/** Null when the Cues can't be trusted, or a segment could only be found by reading very much. */
export async function scan(input: ScanInput): Promise<{ video: VideoFacts; audio: ReadonlyMap<MatroskaTrack, AudioFacts> } | null> {
  const lastCue = input.cues.at(-1);
  const head = await scanHead(input);
  const [first] = head.frames;
  if (!first || !lastCue || input.limit - lastCue.clusterPosition > MAX_TAIL_BYTES) return null;
  const seenUpTo = head.frames.reduce((latest, { isKeyframe, timestamp }) => (isKeyframe ? timestamp : latest), first.timestamp);
  const seen = upperBound(input.cues.timestamps, seenUpTo);
  const tail = await scanTail(input, lastCue);
  const runs = [
    { timestamps: input.cues.timestamps.subarray(0, seen), frames: head.frames },
    { timestamps: [lastCue.timestamp], frames: tail.frames },
  ];
  for (let probed = seen; probed < seen + PROBED_KEYFRAMES; probed++) {
    const cue = input.cues.at(probed);
    if (cue) runs.push({ timestamps: [cue.timestamp], frames: await scanKeyframe(input, cue) });
  }
  if (!runs.every(({ timestamps, frames }) => areKeyframes(timestamps, frames))) return null;
  const clock = measure(
    runs.map(({ frames }) => frames),
    meanFrameTicks(input, head.frames),
  );
  const shownLast = tail.shownLast ?? first;
  const video = {
    keyframe: head.keyframe,
    firstKeyframe: { timestamp: first.timestamp, clusterPosition: first.clusterPosition, relativePosition: null },
    clock,
    closestFps: closestFps(
      runs.map(({ frames }) => frames.map(({ timestamp }) => timestamp)),
      1e9 / input.timestampScaleNs,
    ),
    endTimestamp: shownLast.timestamp + Math.max(1, shownLast.durationTicks ?? Math.round(clock.frameTicks)),
    clustersEnd: tail.end,
  };
  return { video, audio: await audioFacts(input, head, tail) };
}

function areKeyframes(timestamps: ArrayLike<number>, frames: readonly Frame[]): boolean {
  const keyframes = new Set(frames.filter(({ isKeyframe }) => isKeyframe).map(({ timestamp }) => timestamp));
  return Array.prototype.every.call(timestamps, timestamp => keyframes.has(timestamp));
}

type Frame = Pick<Block, 'timestamp' | 'isKeyframe' | 'durationTicks' | 'clusterPosition'>;
type Packets = { readonly firstTimestamp: number; readonly packets: Buffer[] };
type LastBlocks = { readonly timestamp: number; readonly frames: number }[];
type Head = { readonly frames: readonly Frame[]; readonly keyframe: Buffer; readonly audio: ReadonlyMap<MatroskaTrack, Packets> };
type Tail = {
  readonly frames: readonly Frame[];
  readonly shownLast: Frame | null;
  readonly audio: ReadonlyMap<MatroskaTrack, LastBlocks>;
  readonly end: number;
};

/** Video frames from the first keyframe on, and the first packets of every audio track. */
async function scanHead(input: ScanInput): Promise<Head> {
  const audio = new Map<MatroskaTrack, Packets>();
  const frames: Frame[] = [];
  let keyframe: Buffer = Buffer.alloc(0);
  const isComplete = (track: MatroskaTrack) => (audio.get(track)?.packets.length ?? 0) >= HEAD_PACKETS;
  const interest = (track: MatroskaTrack): Interest => (track === input.video ? 'start' : isComplete(track) ? 'none' : 'whole');
  const visit = (track: MatroskaTrack, block: Block) => {
    if (track !== input.video) {
      const known = audio.get(track) ?? { firstTimestamp: block.timestamp, packets: [] };
      for (const frame of block.frames) {
        if (known.packets.length === HEAD_PACKETS) break;
        known.packets.push(Buffer.concat([track.strippedHeader, frame.subarray(0, MAX_PACKET_BYTES)]));
      }
      audio.set(track, known);
      return;
    }
    const first = frames[0];
    if (first === undefined && block.isKeyframe) keyframe = startOf(track, block);
    if (frames.length === MAX_FRAMES) return;
    // What is shown before the first keyframe can't be decoded.
    if (first === undefined ? block.isKeyframe : block.timestamp >= first.timestamp) frames.push(frameOf(block));
  };
  const isEnough = (position: number) =>
    position - input.firstClusterPosition > MAX_HEAD_BYTES || (frames.length >= HEAD_VIDEO_FRAMES && input.audio.every(isComplete));
  await visitBlocks(input, { from: input.firstClusterPosition, to: input.limit, interest, visit, isEnough });
  return { frames, keyframe, audio };
}

async function scanTail(input: ScanInput, lastCue: Cue): Promise<Tail> {
  const audio = new Map<MatroskaTrack, LastBlocks>();
  const frames: Frame[] = [];
  let shownLast: Frame | null = null;
  let end = lastCue.clusterPosition;
  const visit = (track: MatroskaTrack, block: Block) => {
    end = block.endPosition;
    if (track !== input.video) addLastBlock(audio, track, block);
    else if (frames.length > 0 || block.timestamp === lastCue.timestamp) {
      if (frames.length < MAX_FRAMES) frames.push(frameOf(block));
      if (block.timestamp > (shownLast?.timestamp ?? Number.NEGATIVE_INFINITY)) shownLast = frameOf(block);
    }
  };
  await visitBlocks(input, { from: lastCue.clusterPosition, to: input.limit, interest: () => 'start', visit, isEnough: () => false });
  return { frames, shownLast, audio, end };
}

/** The keyframe of a cue and the frames around which its order can be seen. */
async function scanKeyframe(input: ScanInput, cue: Cue): Promise<readonly Frame[]> {
  const frames: Frame[] = [];
  const interest = (track: MatroskaTrack): Interest => (track === input.video ? 'start' : 'none');
  const visit = (_: MatroskaTrack, block: Block) => {
    if (frames.length > 0 || block.timestamp === cue.timestamp) frames.push(frameOf(block));
  };
  const isEnough = (position: number) => frames.length > MAX_REORDER || position - cue.clusterPosition > MAX_HEAD_BYTES;
  await visitBlocks(input, { from: cue.clusterPosition, to: input.limit, interest, visit, isEnough });
  return frames;
}

/** A track that ends before the last keyframe is looked for in ever longer steps back, within a budget. */
async function audioFacts(input: ScanInput, head: Head, tail: Tail): Promise<ReadonlyMap<MatroskaTrack, AudioFacts>> {
  const last = new Map(tail.audio);
  let to = input.cues.at(-1)?.clusterPosition ?? input.firstClusterPosition;
  const lowest = to - MAX_TAIL_BYTES / 4;
  for (let back = 1; to > input.firstClusterPosition && to > lowest; back *= 2) {
    const missing = new Set(input.audio.filter(track => head.audio.has(track) && !last.has(track)));
    if (missing.size === 0) break;
    const from = input.cues.at(-1 - back)?.clusterPosition ?? input.firstClusterPosition;
    if (to - from > MAX_TAIL_BYTES) break;
    const interest = (track: MatroskaTrack): Interest => (missing.has(track) ? 'start' : 'none');
    await visitBlocks(input, { from, to, interest, visit: (track, block) => addLastBlock(last, track, block), isEnough: () => false });
    to = from;
  }
  return new Map([...head.audio].map(([track, packets]) => [track, { ...packets, last: last.get(track) ?? [] }]));
}

type Visit = {
  readonly from: number;
  readonly to: number;
  readonly interest: (track: MatroskaTrack) => Interest;
  readonly visit: (track: MatroskaTrack, block: Block) => void;
  readonly isEnough: (position: number) => boolean;
};

async function visitBlocks({ file, budget, video, audio }: ScanInput, { from, to, interest, visit, isEnough }: Visit): Promise<void> {
  const tracks = new Map([video, ...audio].map(track => [track.number, track]));
  const interestIn = (number: number): Interest => {
    const track = tracks.get(number);
    return track ? interest(track) : 'none';
  };
  const reader = new BlockReader({
    file,
    budget,
    position: from,
    limit: to,
    interest: interestIn,
    firstReadBytes: READ_BYTES,
    readBytes: READ_BYTES,
    cluster: null,
    damage: 'refuse',
  });
  for (let blocks = await reader.next(); blocks; blocks = await reader.next()) {
    for (const block of blocks) {
      const track = tracks.get(block.trackNumber);
      if (track) visit(track, block);
    }
    if (isEnough(reader.position)) return;
  }
}

function startOf(track: MatroskaTrack, { frames }: Block): Buffer {
  for (const frame of frames) return Buffer.concat([track.strippedHeader, frame.subarray(0, KEYFRAME_BYTES)]);
  return Buffer.alloc(0);
}

const frameOf = ({ timestamp, isKeyframe, durationTicks, clusterPosition }: Block): Frame => ({
  timestamp,
  isKeyframe,
  durationTicks,
  clusterPosition,
});

function addLastBlock(last: Map<MatroskaTrack, LastBlocks>, track: MatroskaTrack, { timestamp, frames }: Block): void {
  const blocks = last.get(track) ?? [];
  if (blocks.length === 2 * KEPT_LAST_BLOCKS) blocks.splice(0, KEPT_LAST_BLOCKS);
  blocks.push({ timestamp, frames: frames.count });
  last.set(track, blocks);
}

function measure(runs: readonly (readonly Frame[])[], frameTicks: number): DecodeClock {
  const reorderFrames = Math.max(...runs.map(frames => reorderDepth(frames.map(({ timestamp }) => timestamp))));
  return { reorderFrames, leadingFrames: Math.max(...runs.map(leadingPictures)), frameTicks };
}

/** Most frames of a run that follow a keyframe and are shown before it. */
function leadingPictures(frames: readonly Frame[]): number {
  let most = 0;
  for (const [index, keyframe] of frames.entries()) {
    const following = keyframe.isKeyframe ? frames.slice(index + 1, index + 1 + MAX_REORDER) : [];
    most = Math.max(most, following.filter(({ timestamp }) => timestamp < keyframe.timestamp).length);
  }
  return most;
}

function meanFrameTicks({ video, timestampScaleNs }: ScanInput, frames: readonly Frame[]): number {
  if (video.defaultDurationNs !== null) return video.defaultDurationNs / timestampScaleNs;
  // The first is the first shown, the last decoded is near enough to the last shown.
  const mean = ((frames.at(-1)?.timestamp ?? 0) - (frames[0]?.timestamp ?? 0)) / (frames.length - 1);
  return mean > 0 ? mean : (frames[0]?.durationTicks ?? 1e9 / timestampScaleNs / FRAMES_PER_SECOND_OF_ONE_FRAME);
}
