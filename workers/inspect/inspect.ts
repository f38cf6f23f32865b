// Reads one media file: its identity, its streams as ffprobe sees them and its keyframe map. Nothing is decoded.
import { type FileHandle, open } from 'node:fs/promises';
import { fingerprintOf, hashOfSamples, FINGERPRINT_SAMPLE_BYTES as SAMPLE_BYTES } from '#domain/catalogue/fingerprint.ts';
import { dynamicRangeOf, hdrOf } from '#domain/colour/colour.ts';
import { FerriteError } from '#domain/errors.ts';
import { requirePlannable, thinKeyframes } from '#domain/keyframes.ts';
import {
  type AudioTimeline,
  type CopyMethod,
  type KeyframeMap,
  type MendedClock,
  type Streams,
  scannedFile,
  type VideoTimeline,
} from '#domain/media.ts';
import { presentationMs, withHeldPicture, withOrigin } from '#domain/presentation.ts';
import type { Inspection } from '#domain/protocol.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import type { RunTool, RunToolOptions } from '#workers/programs/run-tool.ts';
import { EncryptedFilm } from '#workers/remux/encrypted-film.ts';
import { OverBudget } from '#workers/remux/file-budget.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import { hasCaptions } from './captions.ts';
import { FIRST_PICTURES_ARGUMENTS, withFirstPictures } from './colours.ts';
import {
  bitrateBpsOf,
  chaptersOf,
  containerOf,
  durationMsOf,
  hasUnknownStream,
  headerSpanOf,
  type Probe,
  parseProbe,
  startTimeUsOf,
  streamsOf,
  systemStreamsOf,
  tagsOf,
  timeBaseOf,
} from './ffprobe.ts';
import { fasterRate } from './frame-rate.ts';
import { audioTimeline, lacksPresentationTimes, PACKET_ARGUMENTS, parsePackets, videoTimeline } from './packet-timelines.ts';

export type OpenRemuxSource = (path: string) => Promise<RemuxSource | null>;
export type InspectTools = { readonly runTool: RunTool; readonly openRemuxSource: OpenRemuxSource; readonly signal?: AbortSignal };

/** Raised when an inspection finds other facts in the same file: all that was derived from the file is then made anew. */
const INSPECTION_FORMAT = 8;

type ProgramBounds = Pick<RunToolOptions, 'deadlineMs' | 'maxOutputBytes' | 'limits'>;

const MIB = 1024 ** 2;
const PROBE: ProgramBounds = {
  // On a full machine it waits for everybody else: the bound that tells a bad file is that of processor time.
  deadlineMs: 120_000,
  maxOutputBytes: 8 * MIB,
  // The index of a film of ten hours takes it a second.
  limits: { addressSpaceBytes: 1024 * MIB, cpuSeconds: 8, priority: 'background' },
};

/** Pictures of 8K take a gigabyte to decode. */
const FIRST_PICTURES: ProgramBounds = { ...PROBE, limits: { ...PROBE.limits, addressSpaceBytes: 2 * 1024 * MIB } };

/** The packets of a whole film are read from disk: minutes for the largest on the slowest, but a small file has no such excuse. */
export const packetBounds = (byteLength: number): ProgramBounds => ({
  deadlineMs: Math.min(10 * 60_000, 120_000 + Math.ceil((byteLength * 1000) / (5 * MIB))),
  maxOutputBytes: Math.min(128 * MIB, 8 * MIB + byteLength),
  limits: { addressSpaceBytes: 1024 * MIB, cpuSeconds: Math.min(5 * 60, 8 + Math.ceil(byteLength / (50 * MIB))), priority: 'background' },
});

/** Types of the box an mp4 file begins with. */
const MP4_FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot']);

/** A file and its first bytes, which tell what a name may not. */
type InputFile = { readonly path: string; readonly head: Buffer; readonly byteLength: number };
type Identity = Pick<Inspection, 'version' | 'fingerprint' | 'byteLength' | 'mtimeMs'> & { readonly head: Buffer };
type Timelines = {
  readonly copyMethod: CopyMethod;
  readonly video: VideoTimeline;
  readonly audio: readonly AudioTimeline[];
  readonly mended?: MendedClock;
  /** Null: not known to be copyable. A stream that is absent has what ffprobe's facts tell. */
  readonly codecStrings: ReadonlyMap<number, string | null>;
};

/** Throws MEDIA_UNREADABLE with a reason that names no path. */
export async function inspectMedia(path: string, tools: InspectTools): Promise<Inspection> {
  const identity = await readIdentity(path);
  const input = { path, head: identity.head, byteLength: identity.byteLength };
  // Our own reader goes first: it is the cheaper one, and what is beyond its budget ffprobe is not to try.
  const source = await openSource(path, tools.openRemuxSource);
  const { probe, probed, timelines } = await read(input, source, tools).finally(() => source?.close());
  const streams = await withCaptions(probed, path);
  await requireUnchanged(path, identity);
  const { version, fingerprint, byteLength, mtimeMs, head } = identity;
  const held = withHeldPicture(timelines.video, timelines.audio);
  const video = withOrigin(held, timelines.audio, probed.video[0]?.frameRate ?? { num: 25, den: 1 });
  const durationMs = presentationMs(video, timelines.audio);
  const tags = tagsOf(probe);
  return {
    container: containerOf(probe, head),
    version,
    fingerprint,
    byteLength,
    mtimeMs,
    durationMs,
    bitrateBps: bitrateBpsOf(probe) || Math.round((byteLength * 8000) / Math.max(1, durationMs)),
    streams: withCodecStrings(streams, timelines.codecStrings),
    chapters: chaptersOf(probe),
    ...(tags && { tags }),
    keyframes: keyframeMap(version, startTimeUsOf(probe), { ...timelines, video }),
  };
}

async function read(input: InputFile, source: RemuxSource | null, tools: InspectTools) {
  const probe = await runProbe(input, tools);
  const probed = withOwnFacts(await withColours(streamsOf(probe), input, tools), source);
  if (probed.video.length === 0) throw new FerriteError('MEDIA_UNREADABLE', 'no video stream');
  const timelines = timelinesFromIndex(source, probe, probed) ?? (await timelinesFromPackets(input, probe, probed, tools));
  return { probe, probed, timelines };
}

/** Of a film with PQ, what only its pictures tell: the light it was made for, and HDR10+. Where they can not be decoded, it stays untold. */
async function withColours(streams: Streams, input: InputFile, tools: InspectTools): Promise<Streams> {
  const [film, ...others] = streams.video;
  if (film === undefined || dynamicRangeOf(film.colour) !== 'PQ') return streams;
  try {
    const told = await runFfprobe(input, [...FIRST_PICTURES_ARGUMENTS, '-select_streams', String(film.index)], FIRST_PICTURES, tools);
    const colour = withFirstPictures(film.colour, told.toString('utf8'));
    return { ...streams, video: [{ ...film, colour, hdr: hdrOf(colour) }, ...others] };
  } catch (error) {
    if (error instanceof FerriteError && (error.code === 'MEDIA_UNREADABLE' || error.code === 'INSPECTOR_LOST')) return streams;
    throw error;
  }
}

/**
 * ffprobe takes the mean that Matroska's header tells for the rate of a film whose pictures come at varying intervals; and older ones
 * do not tell that its picture is turned, nor any but the latest which part of it is to be shown.
 */
function withOwnFacts(streams: Streams, source: RemuxSource | null): Streams {
  const [video, ...others] = streams.video;
  if (!video || source?.videoIndex !== video.index) return streams;
  const rates = source.closestFps === null || video.isInterlaced ? null : fasterRate(video.sourceFrameRate, source.closestFps);
  const own = {
    rotation: source.rotation ?? video.rotation,
    crop: source.crop,
    pixelAspect: source.pixelAspect ?? video.pixelAspect,
    ...(rates && { frameRate: rates.frameRate, sourceFrameRate: rates.sourceFrameRate, isVariableFrameRate: rates.isVariable }),
  };
  return { ...streams, video: [{ ...video, ...own }, ...others] };
}

async function withCaptions(streams: Streams, path: string): Promise<Streams> {
  const [film, ...others] = streams.video;
  if (film === undefined) return streams;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    return { ...streams, video: [{ ...film, hasCaptions: await hasCaptions(file, size) }, ...others] };
  } finally {
    await file.close();
  }
}

/** @throws MEDIA_UNREADABLE when no plan can be made of it. */
function keyframeMap(version: string, probedStartUs: number, { copyMethod, video, audio, mended }: Timelines): KeyframeMap {
  const keyframes = thinKeyframes(video.keyframes, video.timescale);
  // The file's own start is a time of the clock that jumps.
  const startTimeUs = mended ? Math.round(((keyframes[0] ?? 0) * 1e6) / video.timescale) : probedStartUs;
  const map = { version, copyMethod, startTimeUs, video: { ...video, keyframes }, audio, ...(mended && { mended }) };
  requirePlannable(map);
  return map;
}

async function readIdentity(path: string): Promise<Identity> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const stat = await file.stat();
    if (!stat.isFile()) throw new FerriteError('MEDIA_UNREADABLE', 'not a regular file');
    if (stat.size === 0) throw new FerriteError('MEDIA_UNREADABLE', 'the file is empty');
    const head = await readAt(file, 0, Math.min(SAMPLE_BYTES, stat.size));
    const tail = await readAt(file, Math.max(0, stat.size - SAMPLE_BYTES), Math.min(SAMPLE_BYTES, stat.size));
    const { byteLength, mtimeMs } = scannedFile(stat);
    const samples = { byteLength, head, tail };
    const version = hashOfSamples(`${INSPECTION_FORMAT}\0${byteLength}\0${mtimeMs}\0`, samples);
    return { version, fingerprint: fingerprintOf(samples), byteLength, mtimeMs, head };
  } catch (cause) {
    if (cause instanceof FerriteError) throw cause;
    throw new FerriteError('MEDIA_UNREADABLE', openFailure(cause), { cause });
  } finally {
    await file?.close();
  }
}

async function readAt(file: FileHandle, position: number, byteLength: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(byteLength), 0, byteLength, position);
  return buffer.subarray(0, bytesRead);
}

function openFailure(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'the file is gone';
  return code === 'EACCES' || code === 'EPERM' ? 'no right to read the file' : 'the file can not be opened';
}

/** A file that is still being copied would be catalogued with half its index. */
async function requireUnchanged(path: string, before: Identity): Promise<void> {
  const after = await readIdentity(path);
  if (after.version !== before.version) throw new FerriteError('MEDIA_UNREADABLE', 'the file is still being written');
}

/** ffprobe looks at the first five seconds. A stream that begins later is known by its name alone, and takes a second look. */
async function runProbe(file: InputFile, tools: InspectTools): Promise<Probe> {
  const first = await probeOnce(file, [], tools);
  if (!hasUnknownStream(first)) return first;
  // What takes too long is no reason to refuse the film: it is played with what is known.
  return await probeOnce(file, FAR_LOOK, tools).catch((cause: unknown) => {
    if (tools.signal?.aborted) throw cause;
    return first;
  });
}

const FAR_LOOK = ['-probesize', String(500 * MIB), '-analyzeduration', String(1800 * 1_000_000)];

async function probeOnce(file: InputFile, look: readonly string[], tools: InspectTools): Promise<Probe> {
  const wanted = ['-v', 'error', ...look, '-show_format', '-show_streams', '-show_chapters', '-of', 'json'];
  return parseProbe((await runFfprobe(file, wanted, PROBE, tools)).toString('utf8'));
}

async function runFfprobe(
  { path, head }: InputFile,
  wanted: readonly string[],
  bounds: ProgramBounds,
  { runTool, signal }: InspectTools,
): Promise<Buffer> {
  try {
    const { stdout, stderrTail, exitCode } = await runTool('ffprobe', [...wanted, ...inputArguments(path)], {
      ...bounds,
      ...(signal && { signal }),
    });
    // Ended by a signal: by the system for what it took, or by a fault in reading this file.
    if (exitCode === null) throw new FerriteError('INSPECTOR_LOST', 'the file ended ffprobe');
    if (exitCode !== 0) throw new FerriteError('MEDIA_UNREADABLE', probeFailure(stderrTail, head));
    return stdout;
  } catch (cause) {
    throw signal?.aborted ? new FerriteError('CANCELLED', 'the inspection was stopped', { cause }) : cause;
  }
}

/** ffprobe's words for the failures a person can do something about. */
function probeFailure(stderrTail: string, head: Buffer): string {
  // A file that is called .mp4 is taken for one, whatever it holds.
  const isMp4 = MP4_FIRST_BOXES.has(head.toString('latin1', 4, 8));
  if (stderrTail.includes('moov atom not found')) return isMp4 ? 'the index (moov) is missing: the file is truncated' : 'not a media file';
  if (stderrTail.includes('Format not on whitelist')) return 'not a supported kind of media file';
  if (stderrTail.includes('Cannot allocate memory')) return 'reading it takes more memory than a file may';
  return stderrTail.includes('Invalid data found') ? 'not a media file' : 'the file can not be read';
}

/** From the container's own index, without touching the media data. Null when it has none that we read. */
function timelinesFromIndex(source: RemuxSource | null, probe: Probe, streams: Streams): Timelines | null {
  if (source === null || source.video.keyframes.length === 0 || source.videoIndex !== streams.video[0]?.index) return null;
  const { copyMethod, video } = source;
  const audio = streams.audio.map(stream => source.audio.find(({ index }) => index === stream.index) ?? headerTimeline(probe, stream));
  return { copyMethod, video, audio, codecStrings: codecStringsOf(source, streams) };
}

/** An index that our reader refuses is no verdict on the file: ffmpeg may well play it. */
async function openSource(path: string, openRemuxSource: OpenRemuxSource): Promise<RemuxSource | null> {
  try {
    return await openRemuxSource(path);
  } catch (error) {
    if (error instanceof FerriteError && !(error instanceof OverBudget || error instanceof EncryptedFilm)) return null;
    throw error;
  }
}

/** What our reader can not package it can not copy either, whatever ffprobe calls it. */
const codecStringsOf = (source: RemuxSource, streams: Streams): ReadonlyMap<number, string | null> =>
  new Map([...streams.video.slice(0, 1), ...streams.audio].map(({ index }) => [index, source.codecString(index)]));

async function timelinesFromPackets(file: InputFile, probe: Probe, streams: Streams, tools: InspectTools): Promise<Timelines> {
  const listed = await runFfprobe(file, PACKET_ARGUMENTS, packetBounds(file.byteLength), tools);
  const { packets, mended } = parsePackets(listed, systemStreamsOf(probe));
  const [video] = streams.video;
  const timeline = video === undefined ? null : videoTimeline(packets, video, timeBaseOf(probe, video.index));
  if (timeline === null) throw new FerriteError('MEDIA_UNREADABLE', 'the video has no keyframe');
  return {
    copyMethod: 'ffmpeg',
    ...(mended && { mended }),
    video: timeline,
    audio: streams.audio.map(stream => audioTimeline(packets, stream, timeBaseOf(probe, stream.index)) ?? headerTimeline(probe, stream)),
    // The pictures of a container without presentation times are in another order than they are shown in.
    codecStrings: new Map(video && video.reorderFrames > 0 && lacksPresentationTimes(packets, video.index) ? [[video.index, null]] : []),
  };
}

/** A track whose frames nobody has listed: known only as far as the container's header goes, so it is never copied. */
function headerTimeline(probe: Probe, { index, sampleRate }: Streams['audio'][number]): AudioTimeline {
  const timescale = sampleRate || 48_000;
  const { startPts, durationTicks } = headerSpanOf(probe, index);
  const { num, den } = timeBaseOf(probe, index);
  const toSamples = (ticks: number) => Math.round((ticks * num * timescale) / den);
  const fallbackTicks = (durationMsOf(probe) * den) / (1000 * num);
  return {
    index,
    timescale,
    firstPts: toSamples(startPts),
    frameDuration: null,
    endPts: toSamples(startPts + (durationTicks || fallbackTicks)),
  };
}

function withCodecStrings(streams: Streams, strings: ReadonlyMap<number, string | null>): Streams {
  const codecStringOf = ({ index, codecString }: Streams['video'][number] | Streams['audio'][number]): string | null => {
    const told = strings.get(index);
    return told === undefined ? codecString : told;
  };
  return {
    video: streams.video.map(stream => ({ ...stream, codecString: codecStringOf(stream) })),
    audio: streams.audio.map(stream => ({ ...stream, codecString: codecStringOf(stream) })),
    subtitles: streams.subtitles,
  };
}
