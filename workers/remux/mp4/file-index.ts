// The index of an MP4 file: its tracks with every sample's place and time, wherever in the file that is written.
import { isWithinBounds } from '#domain/keyframes.ts';
import type { AudioTimeline, Crop, VideoTimeline } from '#domain/media.ts';
import type { TrackHeader } from '#workers/bmff/boxes.ts';
import { codecStringOf } from '#workers/remux/codecs/codec-strings.ts';
import { frameDurationOf } from '#workers/remux/codecs/frame-duration.ts';
import { EncryptedFilm } from '#workers/remux/encrypted-film.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { type SampleTable, shiftTimes, withoutFirstLeading, withoutMissing } from '#workers/remux/sample-table.ts';
import {
  audioTimeline,
  countInSamples,
  type Keyframes,
  keyframesOf,
  onFrameGrid,
  videoTimeline,
  withoutHeldPriming,
} from '#workers/remux/table-timelines.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { BoxReader, corrupt } from './boxes.ts';
import { applyEdits, fragmentShift, shownSpan } from './edits.ts';
import { FragmentSamples } from './moofs.ts';
import { type Mp4Movie, type Mp4Track, parseMovie } from './movie.ts';
import { readSampleTable } from './sample-table.ts';
import { type ShownPictures, shownPictures } from './shown-pictures.ts';

export type CopyableTrack = {
  readonly header: TrackHeader;
  readonly table: SampleTable;
  /** Null for sound, which can be cut at every frame. */
  readonly keyframes: Keyframes | null;
};

export type Mp4Index = {
  /** ffmpeg's stream index of the picture. */
  readonly videoIndex: number;
  /** The part of the picture that is to be shown; null: the whole. */
  readonly crop: Crop | null;
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

// Common encryption (ISO/IEC 23001-7, 4.2) and what went before it.
const ENCRYPTED_FORMATS = new Set(['encv', 'enca', 'drmi', 'drms']);

export const startsLikeMp4 = (head: Buffer): boolean => head.byteLength >= 8 && FIRST_BOXES.has(head.toString('latin1', 4, 8));

/** Null when it is no MP4, has no video track, or its video has timing we don't copy. */
export async function readMp4Index(file: UnchangedFile, budget: FileBudget): Promise<Mp4Index | null> {
  if (!startsLikeMp4(await file.read(0, 8))) return null;
  const reader = new BoxReader(file, budget);
  const moov = await readMoov(reader);
  const movie = parseMovie(moov, budget);
  const video = videoTrackOf(movie);
  if (!video) return null;
  if (movie.tracks.some(({ formats }) => formats.some(format => ENCRYPTED_FORMATS.has(format)))) throw new EncryptedFilm();
  const audio = movie.tracks.filter(track => track.kind === 'audio');
  // Uncompressed sound has a sample for each sample of sound: a table of it would cost gigabytes and could not be copied anyway.
  const copied = audio.filter(track => codecStringOfTrack(track) !== null);
  const samplesOf = await samplesReader({ reader, file, movie, moov, budget }, [video, ...copied]);
  // ffmpeg and browsers hide nothing of a fragmented film.
  const span = movie.fragmentDefaults ? null : shownSpan(video, movie.timescale);
  const indexed = await indexVideo(video, await samplesOf(video), span, { file, budget });
  if (!indexed) return null;
  const tracks: (Indexed<AudioTimeline> & { readonly track: Mp4Track })[] = [];
  for (const track of audio) {
    const samples = copied.includes(track) ? await samplesOf(track) : null;
    tracks.push({ track, ...(await indexAudio(track, samples, movie.timescale, { file, budget })) });
  }
  return {
    videoIndex: video.index,
    crop: video.crop,
    video: indexed.timeline,
    audio: tracks.map(({ timeline }) => timeline),
    codecStrings: new Map([video, ...tracks.map(({ track }) => track)].flatMap(track => entryIf(track.index, codecStringOfTrack(track)))),
    copyable: new Map([{ track: video, ...indexed }, ...tracks].flatMap(({ track, copy }) => entryIf(track.index, copy))),
  };
}

const entryIf = <Value>(index: number, value: Value | null): [number, Value][] => (value === null ? [] : [[index, value]]);

type SamplesOf = (track: Mp4Track) => Promise<SampleTable | null>;
type OpenMovie = {
  readonly reader: BoxReader;
  readonly file: UnchangedFile;
  readonly movie: Mp4Movie;
  readonly moov: Buffer;
  readonly budget: FileBudget;
};

/** Of the `wanted` tracks only. */
async function samplesReader({ reader, file, movie, moov, budget }: OpenMovie, wanted: readonly Mp4Track[]): Promise<SamplesOf> {
  const fromMoov = ({ samples }: Mp4Track) => readSampleTable({ moov, samples, fileByteLength: file.byteLength, budget });
  if (!movie.fragmentDefaults) {
    return async track => {
      const raw = await fromMoov(track);
      return raw && applyEdits(raw, track, movie.timescale, budget);
    };
  }
  const ids = new Set(wanted.map(({ id }) => id));
  const fragments = new FragmentSamples(new Map([...movie.fragmentDefaults].filter(([id]) => ids.has(id))), budget);
  for (const track of wanted) {
    const samples = await fromMoov(track);
    if (samples) await fragments.start(track.id, samples);
  }
  for (let box = await reader.next('moof'); box && box.end <= file.byteLength; box = await reader.next('moof')) {
    await fragments.add(await reader.payload(box), box.start);
  }
  return async track => {
    const raw = await fragments.samplesOf(track.id);
    const shift = fragmentShift(track.edits, track.timescale, movie.timescale);
    return raw && shiftTimes(raw.table, shift - raw.dtsShift, shift, budget);
  };
}

async function readMoov(reader: BoxReader): Promise<Buffer> {
  const box = await reader.next('moov');
  if (!box) throw corrupt('it has no index (moov), as a download or recording that was cut off');
  return reader.payload(box);
}

function videoTrackOf({ tracks }: Mp4Movie): Mp4Track | undefined {
  const chapterIds = new Set(tracks.flatMap(track => track.chapterIds));
  return tracks.find(
    track =>
      track.kind === 'video' && !chapterIds.has(track.id) && !track.isStill && !track.formats.every(format => PICTURE_FORMATS.has(format)),
  );
}

async function indexVideo(
  track: Mp4Track,
  samples: SampleTable | null,
  span: { readonly from: number; readonly to: number } | null,
  { file, budget }: { readonly file: UnchangedFile; readonly budget: FileBudget },
): Promise<Indexed<VideoTimeline> | null> {
  if (!samples) return null;
  const there = withoutFirstLeading(await withoutMissing(samples, file.byteLength, budget));
  const { table, ...shown } = await shownPictures(there, span, budget);
  const keyframes = await keyframesOf(table, budget);
  if (keyframes.pts.length === 0) throw corrupt('there is no picture in it');
  if (there.count < samples.count && keyframes.pts.length < 2) throw corrupt('it is cut off before its second keyframe');
  const timeline = { ...(await videoTimeline(table, keyframes, track.timescale, budget)), ...edgesOf(shown) };
  return { timeline, copy: copyOf(track, table, track.timescale, keyframes) };
}

function edgesOf({ firstShownPts, hiddenFromPts }: Omit<ShownPictures, 'table'>): Partial<VideoTimeline> {
  return {
    ...(firstShownPts === null ? {} : { originPts: firstShownPts, firstShownPts }),
    ...(hiddenFromPts === null ? {} : { endPts: hiddenFromPts }),
  };
}

/** `samples` are null for a track that is not copied. */
async function indexAudio(
  track: Mp4Track,
  samples: SampleTable | null,
  movieTimescale: number,
  { file, budget }: { readonly file: UnchangedFile; readonly budget: FileBudget },
): Promise<Indexed<AudioTimeline>> {
  const { index, timescale } = track;
  const firstPts = fragmentShift(track.edits, timescale, movieTimescale);
  if (!samples) {
    // All bits set is how a writer says that it does not know.
    const duration = isWithinBounds(timescale, track.mediaDuration) ? track.mediaDuration : 0;
    return { timeline: { index, timescale, firstPts, frameDuration: null, endPts: firstPts + duration }, copy: null };
  }
  const there = await withoutMissing(samples, file.byteLength, budget);
  const table = await withoutHeldPriming({ ...there, syncSamples: null }, budget);
  if (table.count === 0) return { timeline: { index, timescale, firstPts, frameDuration: null, endPts: firstPts }, copy: null };
  const sampleRate = track.sampleRate || timescale;
  const counted = sampleRate === timescale ? table : await countInSamples(table, timescale, sampleRate, budget);
  const frameDuration =
    counted && (await audioTimeline(counted, index, sampleRate, budget)).frameDuration === null ? frameDurationIn(track) : null;
  const even = counted && frameDuration !== null ? await onFrameGrid(counted, frameDuration, budget) : null;
  if (!counted) return { timeline: { ...(await audioTimeline(table, index, timescale, budget)), frameDuration: null }, copy: null };
  const copied = even ?? counted;
  return { timeline: await audioTimeline(copied, index, sampleRate, budget), copy: copyOf(track, copied, sampleRate, null) };
}

function copyOf(track: Mp4Track, table: SampleTable, timescale: number, keyframes: Keyframes | null): CopyableTrack | null {
  const { kind, sampleEntry, width, height, language, matrix } = track;
  if (!sampleEntry || codecStringOf(sampleEntry) === null) return null;
  return { header: { kind, timescale, sampleEntry, width, height, language, matrix }, table, keyframes };
}

const codecStringOfTrack = ({ sampleEntry }: Mp4Track): string | null => sampleEntry && codecStringOf(sampleEntry);

const frameDurationIn = ({ sampleEntry }: Mp4Track): number | null => sampleEntry && frameDurationOf(sampleEntry);
