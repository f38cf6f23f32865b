// Remuxes Matroska and WebM: keyframes come from the Cues, every segment from the clusters it lies in.
import { FerriteError } from '#domain/errors.ts';
import { isWithinBounds, thinKeyframes } from '#domain/keyframes.ts';
import type { AudioTimeline, Crop, Rational, VideoTimeline } from '#domain/media.ts';
import { initSegment, turnMatrix } from '#workers/bmff/boxes.ts';
import { codecStringOf } from '#workers/remux/codecs/codec-strings.ts';
import { terminologyCode } from '#workers/remux/codecs/track-language.ts';
import { asUnreadable } from '#workers/remux/contradiction.ts';
import { EncryptedFilm } from '#workers/remux/encrypted-film.ts';
import { FileBudget } from '#workers/remux/file-budget.ts';
import type { OpenOptions, RemuxSource, SegmentSpan, SizedPacket } from '#workers/remux/source.ts';
import { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { BlockReader } from './blocks.ts';
import { type DecodeClock, type FrameGrid, FrameNumbering, framePosition } from './clock.ts';
import { type Cue, CueTable } from './cues.ts';
import { unreadable } from './ebml.ts';
import { readIndex } from './file-index.ts';
import { packageAudio, packageVideo } from './sample-entries.ts';
import { type AudioFacts, scan, type VideoFacts } from './scan.ts';
import { audioSegment, keyframeSample, videoSegment } from './segments.ts';
import type { MatroskaTrack } from './tracks.ts';

type VideoTrack = {
  readonly track: MatroskaTrack;
  readonly timeline: VideoTimeline;
  readonly sampleEntry: Buffer | null;
  readonly clock: DecodeClock;
  readonly closestFps: number | null;
  /** One for every keyframe of the timeline, at least. */
  readonly cues: CueTable;
};

type AudioTrack = {
  readonly track: MatroskaTrack;
  readonly timeline: AudioTimeline;
  readonly sampleEntry: Buffer | null;
  /** Null when the frames are not all of one duration. */
  readonly grid: FrameGrid | null;
};

type Layout = {
  readonly ticksPerSecond: number;
  readonly timestampScaleNs: number;
  readonly firstClusterPosition: number;
  readonly clustersEnd: number;
};

/** Of covers that stand beside the film as a track of one picture. */
const STILL_CODECS = new Set(['V_MJPEG', 'V_PNG', 'V_BMP', 'V_GIF', 'V_TIFF', 'V_WEBP']);
const MAX_TICKS_PER_SECOND = 1e8; // so that durations and composition offsets of many seconds fit their 32 bits
const PEAK_INTERVAL_S = 2;
/** Video frames of this size are read over when only the sound is wanted; smaller ones come with the same read. */
const LARGE_FRAME_BYTES = 96 * 1024;
const BYTES_PER_KEYFRAME = 8;

/** Null when the file has to be copied by ffmpeg: no video, no usable Cues, compressed frames or an odd clock. Throws MEDIA_UNREADABLE for a damaged file. */
export async function openMatroska(path: string, { signal }: OpenOptions = {}): Promise<RemuxSource | null> {
  const file = await UnchangedFile.open(path);
  try {
    const source = await openIndex(file, new FileBudget(file.byteLength, signal));
    if (!source) await file.close();
    return source;
  } catch (error) {
    await file.close();
    throw asUnreadable(error);
  }
}

async function openIndex(file: UnchangedFile, budget: FileBudget): Promise<MatroskaSource | null> {
  const index = await readIndex(file, budget);
  const { timestampScaleNs, firstClusterPosition } = index;
  const ticksPerSecond = 1e9 / timestampScaleNs;
  if (index.tracks.some(({ isEncrypted }) => isEncrypted)) throw new EncryptedFilm();
  const video = index.tracks.find(({ kind, codecId }) => kind === 'video' && !STILL_CODECS.has(codecId));
  const audio = index.tracks.filter(({ kind }) => kind === 'audio');
  if (!video || video.codecId === 'V_MS/VFW/FOURCC') return null; // whose timestamps are decode times
  if ([video, ...audio].some(({ isEncoded, timestampScale }) => isEncoded || timestampScale !== 1)) return null;
  if (!Number.isInteger(ticksPerSecond) || ticksPerSecond > MAX_TICKS_PER_SECOND) return null;
  const cues = await index.cuesOf(video.number);
  if (!cues || cues.length === 0 || !(await cues.isInFileOrder(firstClusterPosition, budget))) return null;
  const facts = await scan({ file, budget, video, audio, cues, firstClusterPosition, limit: index.segmentEnd, timestampScaleNs });
  await file.verify();
  if (!facts) return null;
  const layout = { ticksPerSecond, timestampScaleNs, firstClusterPosition, clustersEnd: facts.video.clustersEnd };
  const videoTrack = await readVideoTrack(video, cues, { facts: facts.video, layout, budget });
  const audioTracks = audio.map(track => readAudioTrack(track, facts.audio.get(track), videoTrack.timeline, layout));
  return new MatroskaSource(file, videoTrack, audioTracks, layout);
}

class MatroskaSource implements RemuxSource {
  readonly copyMethod = 'matroska';
  readonly #file: UnchangedFile;
  readonly #video: VideoTrack;
  readonly #audio: readonly AudioTrack[];
  readonly #layout: Layout;

  constructor(file: UnchangedFile, video: VideoTrack, audio: readonly AudioTrack[], layout: Layout) {
    this.#file = file;
    this.#video = video;
    this.#audio = audio;
    this.#layout = layout;
  }

  get videoIndex(): number {
    return this.#video.track.streamIndex;
  }

  get video(): VideoTimeline {
    return this.#video.timeline;
  }

  get rotation(): number {
    return this.#video.track.picture.rotation;
  }

  get crop(): Crop | null {
    return this.#video.track.picture.crop;
  }

  get pixelAspect(): Rational | null {
    return this.crop && this.#video.track.picture.pixelAspect;
  }

  get closestFps(): number | null {
    return this.#video.closestFps;
  }

  get audio(): readonly AudioTimeline[] {
    return this.#audio.map(({ timeline }) => timeline);
  }

  get indexByteLength(): number {
    const tracks = [this.#video, ...this.#audio].map(
      ({ track, sampleEntry }) => track.codecPrivate.byteLength + (sampleEntry?.byteLength ?? 0),
    );
    const { cues, timeline } = this.#video;
    return tracks.reduce((sum, byteLength) => sum + byteLength, cues.heldByteLength + timeline.keyframes.length * BYTES_PER_KEYFRAME);
  }

  codecString(streamIndex: number): string | null {
    const { sampleEntry } = this.#trackAt(streamIndex);
    return sampleEntry && codecStringOf(sampleEntry);
  }

  initSegment(streamIndex: number, factor: number): Buffer {
    const { track, timeline, sampleEntry } = this.#trackAt(streamIndex);
    const isVideo = track.kind === 'video';
    const isCopyable = isVideo || this.#audioAt(streamIndex).grid !== null;
    if (!sampleEntry || !isCopyable) throw new FerriteError('MEDIA_UNSUPPORTED', `a track of codec ${track.codecId} can not be copied`);
    const { crop, pixelAspect, rotation } = track.picture;
    const { width, height } = crop ?? track.picture;
    const shownWidth = Math.round((width * pixelAspect.num) / pixelAspect.den);
    const matrix = isVideo ? turnMatrix(rotation, shownWidth, height) : undefined;
    return initSegment({
      kind: isVideo ? 'video' : 'audio',
      timescale: timeline.timescale * factor,
      sampleEntry,
      width: isVideo ? shownWidth : 0,
      height: isVideo ? height : 0,
      ...(matrix && { matrix }),
      language: terminologyCode(track.language),
    });
  }

  async segment(streamIndex: number, span: SegmentSpan): Promise<Buffer> {
    const isVideo = streamIndex === this.#video.track.streamIndex;
    const segment = await (isVideo ? this.#videoSegment(span) : this.#audioSegment(this.#audioAt(streamIndex), span));
    await this.#file.verify();
    return segment;
  }

  async keyframe(pts: number): Promise<Buffer> {
    const { track, cues, clock, timeline } = this.#video;
    const delayTicks = codecDelayTicks(track, this.#layout);
    const from = cues.lastUpTo(pts + delayTicks);
    if (from?.timestamp !== pts + delayTicks) throw new FerriteError('SEGMENT_NOT_FOUND', 'no keyframe stands there');
    const { clustersEnd } = this.#layout;
    const file = this.#file;
    const bytes = await keyframeSample({
      file,
      track,
      clock,
      cues,
      from,
      to: null,
      clustersEnd,
      delayTicks,
      isFirstKeyframe: false,
      shown: timeline,
    });
    await file.verify();
    return bytes;
  }

  async locate(): Promise<null> {
    return null;
  }

  async *sizes(): AsyncGenerator<readonly SizedPacket[]> {
    const { firstClusterPosition, clustersEnd, ticksPerSecond } = this.#layout;
    const file = this.#file;
    const tracks = new Map([this.#video, ...this.#audio].map(({ track }) => [track.number, track]));
    const reader = new BlockReader({
      file,
      budget: new FileBudget(file.byteLength),
      position: firstClusterPosition,
      limit: clustersEnd,
      interest: number => (tracks.has(number) ? 'size' : 'none'),
      firstReadBytes: 0,
      readBytes: this.#walkBytes(),
      cluster: null,
      damage: 'pass',
    });
    for (let blocks = await reader.next(); blocks; blocks = await reader.next()) {
      yield blocks.flatMap(({ trackNumber, timestamp, byteLength, frames: { count } }): SizedPacket[] => {
        const track = tracks.get(trackNumber);
        if (!track) return [];
        const atS = (timestamp - codecDelayTicks(track, this.#layout)) / ticksPerSecond;
        return [{ streamIndex: track.streamIndex, atS, byteLength: byteLength + count * track.strippedHeader.byteLength, frames: count }];
      });
    }
    await file.verify();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #videoSegment(span: SegmentSpan): Promise<Buffer> {
    const { track, cues, clock, timeline } = this.#video;
    const delayTicks = codecDelayTicks(track, this.#layout);
    const from = cues.lastUpTo(span.fromPts + delayTicks);
    const to = cues.lastUpTo(span.toPts + delayTicks);
    const endsAtKeyframe = to?.timestamp === span.toPts + delayTicks;
    if (from?.timestamp !== span.fromPts + delayTicks || (!endsAtKeyframe && span.toPts < timeline.endPts)) {
      throw new FerriteError('SEGMENT_NOT_FOUND', 'a segment of a copied picture starts and ends at keyframes');
    }
    const file = this.#file;
    const { clustersEnd } = this.#layout;
    const isFirstKeyframe = from.timestamp === cues.at(0)?.timestamp;
    return videoSegment(
      { file, track, clock, cues, from, to: endsAtKeyframe ? to : null, clustersEnd, delayTicks, isFirstKeyframe, shown: timeline },
      span,
    );
  }

  #audioSegment({ track, grid, timeline }: AudioTrack, span: SegmentSpan): Promise<Buffer> {
    if (!grid) throw new FerriteError('MEDIA_UNSUPPORTED', `a track of codec ${track.codecId} can not be copied`);
    const { firstClusterPosition, clustersEnd } = this.#layout;
    const delayTicks = codecDelayTicks(track, this.#layout);
    const where = { file: this.#file, cues: this.#video.cues, firstClusterPosition, clustersEnd, readBytes: this.#walkBytes() };
    return audioSegment({ ...where, track, grid, firstPts: timeline.firstPts, delayTicks }, span);
  }

  /** How much to read at once where pictures are passed over. */
  #walkBytes(): number {
    const { clock, timeline } = this.#video;
    const { firstClusterPosition, clustersEnd } = this.#layout;
    const ticks = timeline.endPts - (timeline.keyframes[0] ?? 0);
    const frameBytes = ((clustersEnd - firstClusterPosition) / Math.max(ticks, 1)) * clock.frameTicks;
    return frameBytes > LARGE_FRAME_BYTES ? LARGE_FRAME_BYTES / 4 : LARGE_FRAME_BYTES * 4;
  }

  #trackAt(streamIndex: number): VideoTrack | AudioTrack {
    return streamIndex === this.#video.track.streamIndex ? this.#video : this.#audioAt(streamIndex);
  }

  #audioAt(streamIndex: number): AudioTrack {
    const audio = this.#audio.find(({ track }) => track.streamIndex === streamIndex);
    if (!audio) throw new FerriteError('SEGMENT_NOT_FOUND', 'the file has no such video or audio track');
    return audio;
  }
}

type Found = { readonly facts: VideoFacts; readonly layout: Layout; readonly budget: FileBudget };

async function readVideoTrack(track: MatroskaTrack, indexed: CueTable, found: Found): Promise<VideoTrack> {
  const { facts, layout } = found;
  const isFirstIndexed = (indexed.at(0)?.timestamp ?? 0) <= facts.firstKeyframe.timestamp;
  const cues = isFirstIndexed ? indexed : await startingWith(facts.firstKeyframe, indexed, found.budget);
  const delayTicks = codecDelayTicks(track, layout);
  const first = cues.at(0)?.timestamp ?? 0;
  if (!isWithinBounds(layout.ticksPerSecond, facts.endTimestamp - first)) throw unreadable('the video claims to last for days');
  const timeline = {
    timescale: layout.ticksPerSecond,
    originPts: first - delayTicks,
    firstShownPts: first - delayTicks,
    keyframes: thinKeyframes(cues.timestamps, layout.ticksPerSecond).map(timestamp => timestamp - delayTicks),
    endPts: facts.endTimestamp - delayTicks,
    hasLeadingPictures: facts.clock.leadingFrames > 0,
    peakBitrateBps: await peakBitrate(cues, found),
  };
  const framesPerSecond = layout.ticksPerSecond / facts.clock.frameTicks;
  return {
    track,
    timeline,
    sampleEntry: packageVideo(track, facts.keyframe, framesPerSecond),
    clock: facts.clock,
    closestFps: facts.closestFps,
    cues,
  };
}

async function startingWith(first: Cue, indexed: CueTable, budget: FileBudget): Promise<CueTable> {
  const cues = CueTable.of([first]);
  for await (const { from, to } of budget.stretches(indexed.length)) {
    for (let row = from; row < to; row++) {
      const cue = indexed.at(row);
      if (cue) cues.add(cue);
    }
  }
  return cues;
}

/** Of everything in the file between two cues: no less than the video alone. */
async function peakBitrate(cues: CueTable, { facts: { endTimestamp, clustersEnd }, layout, budget }: Found): Promise<number> {
  const { ticksPerSecond } = layout;
  const markAt = (row: number) => {
    const cue = cues.at(row);
    const position = cue ? cue.clusterPosition + (cue.relativePosition ?? 0) : clustersEnd;
    return { timestamp: cue?.timestamp ?? endTimestamp, position };
  };
  const interval = PEAK_INTERVAL_S * ticksPerSecond;
  let peak = 0;
  let last = 0;
  let end = markAt(0);
  for await (const { from, to } of budget.stretches(cues.length)) {
    for (let row = from; row < to; row++) {
      const start = markAt(row);
      while (last < cues.length && end.timestamp - start.timestamp < interval) end = markAt(++last);
      const seconds = Math.max(end.timestamp - start.timestamp, interval) / ticksPerSecond;
      peak = Math.max(peak, ((end.position - start.position) * 8) / seconds);
    }
  }
  return Math.ceil(peak);
}

function readAudioTrack(track: MatroskaTrack, facts: AudioFacts | undefined, video: VideoTimeline, layout: Layout): AudioTrack {
  const { sampleRate, frameDuration, sampleEntry } = packageAudio(track, facts?.packets ?? []);
  const { ticksPerSecond } = layout;
  const delayTicks = codecDelayTicks(track, layout);
  const toSamples = (ticks: number) => Math.round((ticks * sampleRate) / ticksPerSecond);
  const base = { index: track.streamIndex, timescale: sampleRate };
  const last = facts?.last.at(-1);
  if (!facts || !last) {
    // Silent for so long at the start or the end that it was not found: it lasts as long as the picture.
    const timeline = { ...base, firstPts: toSamples(video.keyframes[0] ?? 0), frameDuration: null, endPts: toSamples(video.endPts) };
    return { track, timeline, sampleEntry, grid: null };
  }
  const firstTicks = facts.firstTimestamp - delayTicks;
  const firstPts = toSamples(firstTicks);
  if (frameDuration === null || !sampleEntry) {
    const lastFrames = (last.frames * (track.defaultDurationNs ?? 0)) / layout.timestampScaleNs;
    const timeline = { ...base, firstPts, frameDuration: null, endPts: toSamples(last.timestamp - delayTicks + lastFrames) };
    return { track, timeline, sampleEntry, grid: null };
  }
  const grid = { sampleRate, frameDuration, firstTicks, ticksPerSecond };
  const endPts = firstPts + framesUpTo(facts, grid, delayTicks) * frameDuration;
  return { track, timeline: { ...base, firstPts, frameDuration, endPts }, sampleEntry, grid };
}

function framesUpTo({ last }: AudioFacts, grid: FrameGrid, delayTicks: number): number {
  const numbering = new FrameNumbering();
  let count = 0;
  for (const { timestamp, frames } of last) {
    for (let frame = 0; frame < frames; frame++) {
      const number = numbering.next(framePosition(grid, timestamp - delayTicks) + frame);
      if (number !== null) count = number + 1;
    }
  }
  return count;
}

/** Rounded as ffmpeg does: what is to be cut off the start of a track moves its whole clock. */
const codecDelayTicks = ({ codecDelayNs }: MatroskaTrack, { timestampScaleNs }: Layout): number =>
  Math.round(codecDelayNs / timestampScaleNs);
