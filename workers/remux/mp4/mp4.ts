// Segments of an MP4 file, from its own index: `moof` computed from the sample table, `mdat` read as the bytes lie.
import { FerriteError } from '#domain/errors.ts';
import type { AudioTimeline, Crop, VideoTimeline } from '#domain/media.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import { FragmentHeadWriter, fragmentHeadByteLength, initSegment } from '#workers/bmff/boxes.ts';
import { anchorTimes } from '#workers/remux/anchored-times.ts';
import { asUnreadable } from '#workers/remux/contradiction.ts';
import { FileBudget } from '#workers/remux/file-budget.ts';
import { columnsOf, durationAt, heldByteLength, lowerBound, numberAt, ptsAt, type SampleTable } from '#workers/remux/sample-table.ts';
import { readSamples, stretchesOf } from '#workers/remux/scattered-samples.ts';
import { type Shown, shownTimes } from '#workers/remux/shown-times.ts';
import type { OpenOptions, RemuxSource, SegmentSpan } from '#workers/remux/source.ts';
import { sampleOfKeyframe } from '#workers/remux/table-timelines.ts';
import { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { type CopyableTrack, type Mp4Index, readMp4Index } from './file-index.ts';

/** Above any segment of a plan (15 s of the fastest disc): a file that needs more is damaged or no film. */
const MAX_SEGMENT_BYTES = 256 * 1024 * 1024;
/** 15 s of sound in the shortest frames there are have 6000. */
const MAX_SEGMENT_SAMPLES = 100_000;

/** Null when the file is no MP4, or its timing is not one we copy. Throws MEDIA_UNREADABLE when it is cut off or damaged. */
export async function openMp4(path: string, { signal }: OpenOptions = {}): Promise<RemuxSource | null> {
  const file = await UnchangedFile.open(path);
  try {
    const index = await readMp4Index(file, new FileBudget(file.byteLength, signal));
    if (index) return new Mp4Source(file, index);
  } catch (cause) {
    await file.close();
    throw asUnreadable(cause);
  }
  await file.close();
  return null;
}

/** Samples [first, end) of a track, as one segment. */
type SampleRange = {
  readonly table: SampleTable;
  readonly first: number;
  readonly end: number;
  readonly dataByteLength: number;
  /** Of each sample and, last, of where the segment ends; on the rendition's clock, as all times here. */
  readonly decodeTimes: Float64Array;
  readonly shownTimes: Float64Array;
  readonly sequenceNumber: number;
};

class Mp4Source implements RemuxSource {
  readonly copyMethod = 'mp4';
  readonly closestFps = null;
  readonly rotation = null;
  readonly crop: Crop | null;
  readonly pixelAspect = null;
  readonly videoIndex: number;
  readonly video: VideoTimeline;
  readonly audio: readonly AudioTimeline[];
  readonly indexByteLength: number;
  readonly #file: UnchangedFile;
  readonly #index: Mp4Index;

  constructor(file: UnchangedFile, index: Mp4Index) {
    this.#file = file;
    this.#index = index;
    this.videoIndex = index.videoIndex;
    this.crop = index.crop;
    this.video = index.video;
    this.audio = index.audio;
    this.indexByteLength = indexByteLength(index);
  }

  codecString(streamIndex: number): string | null {
    return this.#index.codecStrings.get(streamIndex) ?? null;
  }

  initSegment(streamIndex: number, factor: number): Buffer {
    const { header } = this.#track(streamIndex);
    return initSegment({ ...header, timescale: header.timescale * factor });
  }

  async segment(streamIndex: number, span: SegmentSpan): Promise<Buffer> {
    const range = this.#rangeOf(streamIndex, span);
    const dataStart = fragmentHeadByteLength(range.end - range.first);
    const bytes = Buffer.allocUnsafeSlow(dataStart + range.dataByteLength);
    writeHead(bytes, range);
    await readSamples(this.#file, range.table, range.first, bytes.subarray(dataStart));
    await this.#file.verify();
    return bytes;
  }

  async keyframe(pts: number): Promise<Buffer> {
    const { table, keyframes } = this.#track(this.videoIndex);
    const at = keyframes ? lowerBound(keyframes.pts, pts) : 0;
    if (!keyframes || keyframes.pts[at] !== pts) throw new FerriteError('SEGMENT_NOT_FOUND', 'no keyframe stands there');
    const sample = sampleOfKeyframe(keyframes, at, table);
    const byteLength = numberAt(table.byteLengths, sample);
    if (byteLength > MAX_SEGMENT_BYTES) throw tooLarge();
    const bytes = Buffer.allocUnsafeSlow(byteLength);
    await readSamples(this.#file, table, sample, bytes);
    await this.#file.verify();
    return bytes;
  }

  async locate(streamIndex: number, span: SegmentSpan): Promise<LocatedSegment> {
    const range = this.#rangeOf(streamIndex, span);
    const head = Buffer.allocUnsafeSlow(fragmentHeadByteLength(range.end - range.first));
    writeHead(head, range);
    const stretches = stretchesOf(range.table, range.first, range.end);
    return { head, stretches, byteLength: head.byteLength + range.dataByteLength };
  }

  sizes(): null {
    return null;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** @throws SEGMENT_NOT_FOUND when no sample lies there. */
  #rangeOf(streamIndex: number, span: SegmentSpan): SampleRange {
    const track = this.#track(streamIndex);
    const { table } = track;
    const [first, end] = samplesOf(track, span);
    if (end - first > MAX_SEGMENT_SAMPLES) throw tooLarge();
    if (first >= end) throw new FerriteError('SEGMENT_NOT_FOUND', 'no sample lies in that segment');
    const times = timesOf(track, first, end, span, this.video);
    if ((times.decodeTimes[0] ?? 0) < 0)
      throw new FerriteError('MEDIA_UNSUPPORTED', 'the media is decoded before the start of its timeline');
    let dataByteLength = 0;
    for (let sample = first; sample < end; sample++) dataByteLength += numberAt(table.byteLengths, sample);
    if (dataByteLength > MAX_SEGMENT_BYTES) throw tooLarge();
    return { table, first, end, dataByteLength, ...times, sequenceNumber: span.index + 1 };
  }

  #track(streamIndex: number): CopyableTrack {
    const track = this.#index.copyable.get(streamIndex);
    if (!track) throw new FerriteError('MEDIA_UNSUPPORTED', `stream ${streamIndex} can not be copied into fragmented MP4`);
    return track;
  }
}

/** First sample and the one after the last; equal or crossed when there is none. */
function samplesOf({ table, keyframes }: CopyableTrack, { fromPts, toPts }: SegmentSpan): [number, number] {
  if (!keyframes) return [lowerBound(table.dts, fromPts), lowerBound(table.dts, toPts)];
  const from = lowerBound(keyframes.pts, fromPts);
  const first = keyframes.pts[from] === fromPts ? sampleOfKeyframe(keyframes, from, table) : table.count;
  return [first, sampleOfKeyframe(keyframes, lowerBound(keyframes.pts, toPts), table)];
}

const tooLarge = (): FerriteError => new FerriteError('MEDIA_UNSUPPORTED', 'a segment of this media is too large to copy');

const BYTES_PER_KEYFRAME = 8;

function indexByteLength({ video, copyable }: Mp4Index): number {
  const columns = [...copyable.values()].flatMap(({ table, keyframes }) => [
    ...columnsOf(table),
    keyframes?.pts ?? null,
    keyframes?.samples ?? null,
  ]);
  const entries = [...copyable.values()].reduce((sum, { header }) => sum + header.sampleEntry.byteLength, 0);
  return heldByteLength(columns) + entries + video.keyframes.length * BYTES_PER_KEYFRAME;
}

/** Far more than any open group of pictures has: fields of a deep hierarchy. */
const MAX_LEADING_SAMPLES = 256;

/** The earliest PTS from a keyframe on: what follows it in the file may be shown before it. */
function earliestPts(table: SampleTable, keyframe: number): number {
  const shown = ptsAt(table, keyframe);
  const end = Math.min(table.count, keyframe + MAX_LEADING_SAMPLES);
  let earliest = shown;
  for (let sample = keyframe + 1; sample < end && ptsAt(table, sample) < shown; sample++)
    earliest = Math.min(earliest, ptsAt(table, sample));
  return earliest;
}

type Times = Pick<SampleRange, 'decodeTimes' | 'shownTimes'>;

function timesOf({ table, keyframes }: CopyableTrack, first: number, end: number, span: SegmentSpan, video: Shown): Times {
  const { originPts, factor, index } = span;
  const onClock = (ticks: number): number => (ticks - originPts) * factor;
  const decodeTimes = new Float64Array(end - first + 1);
  const pts = new Float64Array(end - first);
  for (let sample = first; sample < end; sample++) {
    decodeTimes[sample - first] = onClock(numberAt(table.dts, sample));
    pts[sample - first] = ptsAt(table, sample);
  }
  decodeTimes[end - first] = onClock(numberAt(table.dts, end - 1) + durationAt(table, end - 1));
  if (!keyframes || span.anchor === 'decode') return { decodeTimes, shownTimes: pts.map(onClock) };
  const from = index === 0 ? 0 : onClock(earliestPts(table, first));
  anchorTimes(decodeTimes, from, onClock(end < table.count ? earliestPts(table, end) : Math.max(video.endPts, span.toPts)));
  return { decodeTimes, shownTimes: shownTimes(pts, video, span, index === 0) };
}

function writeHead(target: Buffer, { table, first, end, dataByteLength, decodeTimes, shownTimes, sequenceNumber }: SampleRange): void {
  const { syncSamples } = table;
  const decodeTime = decodeTimes[0] ?? 0;
  const head = new FragmentHeadWriter(target, { sequenceNumber, decodeTime, sampleCount: end - first, dataByteLength });
  let nextSync = syncSamples ? lowerBound(syncSamples, first) : 0;
  for (let sample = first; sample < end; sample++) {
    const isSync = syncSamples === null || syncSamples[nextSync] === sample;
    if (isSync) nextSync++;
    const dts = numberAt(decodeTimes, sample - first);
    const duration = numberAt(decodeTimes, sample - first + 1) - dts;
    head.add(numberAt(table.byteLengths, sample), duration, numberAt(shownTimes, sample - first) - dts, isSync);
  }
}
