// Segments of an MP4 file, from its own index: `moof` computed from the sample table, `mdat` read as the bytes lie.
import { FerriteError } from '#domain/errors.ts';
import type { AudioTimeline, VideoTimeline } from '#domain/media.ts';
import { initSegment, type Sample, writeMovieFragment } from '#workers/isobmff.ts';
import { type CopyableTrack, type Mp4Index, readMp4Index } from './mp4-index.ts';
import { durationAt, lowerBound, numberAt, ptsAt, type SampleTable, tableByteLength } from './sample-table.ts';
import { readSamples } from './scattered-samples.ts';
import type { RemuxSource, SegmentSpan } from './source.ts';
import { UnchangedFile } from './unchanged-file.ts';

/** Above any segment of a plan (15 s of the fastest disc): a file that needs more is damaged or no film. */
const MAX_SEGMENT_BYTES = 512 * 1024 * 1024;

/** Null when the file is no MP4, or its timing is not one we copy. Throws MEDIA_UNREADABLE when it is cut off or damaged. */
export async function openMp4(path: string): Promise<RemuxSource | null> {
  const file = await UnchangedFile.open(path);
  try {
    const index = await readMp4Index(file);
    if (index) return new Mp4Source(file, index);
  } catch (cause) {
    await file.close();
    // Tables are read where the file says they lie: a damaged one leads out of the buffer.
    if (cause instanceof RangeError)
      throw new FerriteError('MEDIA_UNREADABLE', 'the MP4 file is damaged: its index contradicts itself', { cause });
    throw cause;
  }
  await file.close();
  return null;
}

class Mp4Source implements RemuxSource {
  readonly copyMethod = 'mp4';
  readonly video: VideoTimeline;
  readonly audio: readonly AudioTimeline[];
  readonly indexByteLength: number;
  readonly #file: UnchangedFile;
  readonly #index: Mp4Index;

  constructor(file: UnchangedFile, index: Mp4Index) {
    this.#file = file;
    this.#index = index;
    this.video = index.video;
    this.audio = index.audio;
    this.indexByteLength = [...index.copyable.values()].reduce((sum, { table }) => sum + tableByteLength(table), 0);
  }

  codecString(streamIndex: number): string | null {
    return this.#index.codecStrings.get(streamIndex) ?? null;
  }

  initSegment(streamIndex: number): Buffer {
    return initSegment(this.#track(streamIndex).header);
  }

  async segment(streamIndex: number, span: SegmentSpan): Promise<Buffer> {
    const track = this.#track(streamIndex);
    const { table } = track;
    const [first, end] = samplesOf(track, span);
    if (first >= end) throw new FerriteError('SEGMENT_NOT_FOUND', 'no sample lies in that segment');
    const samples = describe(table, first, end);
    const decodeTime = numberAt(table.dts, first) + span.shiftTicks;
    if (decodeTime < 0) throw new FerriteError('MEDIA_UNSUPPORTED', 'the media is decoded before the start of its timeline');
    const { bytes, dataStart } = writeMovieFragment(span.index + 1, decodeTime, samples);
    await readSamples(this.#file, table, first, bytes.subarray(dataStart));
    await this.#file.verify();
    return bytes;
  }

  close(): Promise<void> {
    return this.#file.close();
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
  const first = keyframes.pts[from] === fromPts ? keyframes.samples[from] : undefined;
  return [first ?? table.count, keyframes.samples[lowerBound(keyframes.pts, toPts)] ?? table.count];
}

function describe(table: SampleTable, first: number, end: number): Sample[] {
  const { syncSamples } = table;
  let nextSync = syncSamples ? lowerBound(syncSamples, first) : 0;
  let segmentBytes = 0;
  const samples: Sample[] = [];
  for (let sample = first; sample < end; sample++) {
    const isSync = syncSamples === null || syncSamples[nextSync] === sample;
    if (isSync) nextSync++;
    const byteLength = numberAt(table.byteLengths, sample);
    segmentBytes += byteLength;
    const compositionOffset = ptsAt(table, sample) - numberAt(table.dts, sample);
    samples.push({ byteLength, duration: durationAt(table, sample), compositionOffset, isSync });
  }
  if (segmentBytes > MAX_SEGMENT_BYTES) throw new FerriteError('MEDIA_UNSUPPORTED', 'a segment of this media is too large to copy');
  return samples;
}
