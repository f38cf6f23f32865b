// The index of an MP4 file: its tracks with every sample's place and time, wherever in the file that is written.
import type { AudioTimeline, VideoTimeline } from '#domain/media.ts';
import type { TrackHeader } from '#workers/bmff/boxes.ts';
import { codecStringOf } from '#workers/remux/codecs/codec-strings.ts';
import { type SampleTable, shiftTimes, withoutMissing } from '#workers/remux/sample-table.ts';
import {
  audioTimeline,
  countInSamples,
  type Keyframes,
  keyframesOf,
  videoTimeline,
  withoutHeldPriming,
} from '#workers/remux/table-timelines.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { BoxReader, corrupt, type FileBox } from './boxes.ts';
import { applyEdits, fragmentShift } from './edits.ts';
import { FragmentSamples } from './moofs.ts';
import { type Mp4Movie, type Mp4Track, parseMovie } from './movie.ts';
import { type RawSamples, readSampleTable } from './sample-table.ts';

export type CopyableTrack = {
  readonly header: TrackHeader;
  readonly table: SampleTable;
  /** Null for sound, which can be cut at every frame. */
  readonly keyframes: Keyframes | null;
};

export type Mp4Index = {
  readonly video: VideoTimeline;
  readonly audio: readonly AudioTimeline[];
  /** By ffmpeg's stream index, as `copyable`. */
  readonly codecStrings: ReadonlyMap<number, string>;
  readonly copyable: ReadonlyMap<number, CopyableTrack>;
};

/** What a track adds to the index. */
type Indexed<Timeline> = { readonly timeline: Timeline; readonly copy: CopyableTrack | null };

const FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'styp', 'sidx', 'moof']);
// A cover or a slide show is no film.
const PICTURE_FORMATS = new Set(['jpeg', 'png ', 'mjpa', 'mjpb']);

export const startsLikeMp4 = (head: Buffer): boolean => head.byteLength >= 8 && FIRST_BOXES.has(head.toString('latin1', 4, 8));

/** Null when it is no MP4, has no video track, or its video has timing we don't copy. */
export async function readMp4Index(file: UnchangedFile): Promise<Mp4Index | null> {
  if (!startsLikeMp4(await file.read(0, 8))) return null;
  const { movie, samplesOf } = await readMovie(file);
  const video = videoTrackOf(movie);
  if (!video) return null;
  const indexed = indexVideo(video, samplesOf(video), file.byteLength);
  if (!indexed) return null;
  const tracks = movie.tracks
    .filter(track => track.kind === 'audio')
    .map(track => ({ track, ...indexAudio(track, samplesOf, movie.timescale, file.byteLength) }));
  return {
    video: indexed.timeline,
    audio: tracks.map(({ timeline }) => timeline),
    codecStrings: new Map([video, ...tracks.map(({ track }) => track)].flatMap(track => entryIf(track.index, codecStringOfTrack(track)))),
    copyable: new Map([{ track: video, ...indexed }, ...tracks].flatMap(({ track, copy }) => entryIf(track.index, copy))),
  };
}

const entryIf = <Value>(index: number, value: Value | null): [number, Value][] => (value === null ? [] : [[index, value]]);

type SamplesOf = (track: Mp4Track) => SampleTable | null;

async function readMovie(file: UnchangedFile): Promise<{ movie: Mp4Movie; samplesOf: SamplesOf }> {
  const reader = new BoxReader(file);
  const boxes = reader.boxes();
  const moov = await readMoov(reader, boxes);
  const movie = parseMovie(moov);
  const fromMoov = (track: Mp4Track) => readSampleTable(moov, track.samples);
  if (!movie.fragmentDefaults) {
    return { movie, samplesOf: track => mapSamples(fromMoov(track), raw => applyEdits(raw, track, movie.timescale)) };
  }
  const head = movie.tracks.flatMap((track): [number, RawSamples][] => {
    const samples = fromMoov(track);
    return samples ? [[track.id, samples]] : [];
  });
  const fragments = new FragmentSamples(movie.fragmentDefaults, new Map(head));
  for await (const box of boxes) {
    if (box.type === 'moof' && box.end <= file.byteLength) fragments.add(await reader.payload(box), box.start);
  }
  const samplesOf = (track: Mp4Track) =>
    mapSamples(fragments.samplesOf(track.id), ({ table, dtsShift }) => {
      const shift = fragmentShift(track.edits, track.timescale, movie.timescale);
      return shiftTimes(table, shift - dtsShift, shift);
    });
  return { movie, samplesOf };
}

const mapSamples = (raw: RawSamples | null, place: (raw: RawSamples) => SampleTable | null): SampleTable | null => raw && place(raw);

async function readMoov(reader: BoxReader, boxes: AsyncGenerator<FileBox>): Promise<Buffer> {
  // Not a for…of: that would close the walk, which goes on behind `moov` when the movie is fragmented.
  for (let next = await boxes.next(); !next.done; next = await boxes.next()) {
    if (next.value.type === 'moov') return reader.payload(next.value);
  }
  throw corrupt('it has no index (moov), as a download or recording that was cut off');
}

function videoTrackOf({ tracks }: Mp4Movie): Mp4Track | undefined {
  const chapterIds = new Set(tracks.flatMap(track => track.chapterIds));
  return tracks.find(
    track => track.kind === 'video' && !chapterIds.has(track.id) && !track.formats.every(format => PICTURE_FORMATS.has(format)),
  );
}

function indexVideo(track: Mp4Track, samples: SampleTable | null, fileByteLength: number): Indexed<VideoTimeline> | null {
  if (!samples) return null;
  const table = withoutMissing(samples, fileByteLength);
  const keyframes = keyframesOf(table);
  if (keyframes.pts.length === 0) throw corrupt('there is no picture in it');
  if (table.count < samples.count && keyframes.pts.length < 2) throw corrupt('it is cut off before its second keyframe');
  return { timeline: videoTimeline(table, keyframes, track.timescale), copy: copyOf(track, table, track.timescale, keyframes) };
}

function indexAudio(track: Mp4Track, samplesOf: SamplesOf, movieTimescale: number, fileByteLength: number): Indexed<AudioTimeline> {
  const { index, timescale } = track;
  const firstPts = fragmentShift(track.edits, timescale, movieTimescale);
  // Uncompressed sound has a sample for each sample of sound: a table of it would cost gigabytes and could not be copied anyway.
  const samples = codecStringOfTrack(track) === null ? null : samplesOf(track);
  if (!samples)
    return { timeline: { index, timescale, firstPts, frameDuration: null, endPts: firstPts + track.mediaDuration }, copy: null };
  const table = withoutHeldPriming({ ...withoutMissing(samples, fileByteLength), syncSamples: null });
  if (table.count === 0) return { timeline: { index, timescale, firstPts, frameDuration: null, endPts: firstPts }, copy: null };
  const sampleRate = track.sampleRate || timescale;
  const counted = sampleRate === timescale ? table : countInSamples(table, timescale, sampleRate);
  if (!counted) return { timeline: { ...audioTimeline(table, index, timescale), frameDuration: null }, copy: null };
  return { timeline: audioTimeline(counted, index, sampleRate), copy: copyOf(track, counted, sampleRate, null) };
}

function copyOf(track: Mp4Track, table: SampleTable, timescale: number, keyframes: Keyframes | null): CopyableTrack | null {
  const { kind, sampleEntry, width, height, language, matrix } = track;
  if (!sampleEntry || codecStringOf(sampleEntry) === null) return null;
  return { header: { kind, timescale, sampleEntry, width, height, language, matrix }, table, keyframes };
}

const codecStringOfTrack = ({ sampleEntry }: Mp4Track): string | null => sampleEntry && codecStringOf(sampleEntry);
