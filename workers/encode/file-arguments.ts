// The argument list of every run that reads the film by itself: pure, so that the same job always starts the same process.

import type { EncodeJob } from '#actors/effects.ts';
import { boundaryAt, frameTicks, segmentStartS, soundFrame } from '#domain/plan.ts';
import type { AudioEncode, VideoEncode } from '#domain/rendition.ts';
import { type Burning, burningFilters, burningInput } from '#workers/encoders/burning.ts';
import {
  AUDIO_PREROLL_FRAMES,
  COMMON,
  DELAYED_HEADER,
  KNOWN_HEADER,
  keyframeTicks,
  OUTPUT,
  pictureFilters,
  pictureInput,
  pictureOutputs,
  quickFramesOf,
  soundEncoder,
  soundFilters,
  soundHeader,
} from './encoder-arguments.ts';
import { inputArguments } from './input-arguments.ts';

// Aim past a keyframe: `-ss` exactly on one lands on the previous, for ffmpeg takes off about 0.13 s when there are B-frames.
const SEEK_PAST_KEYFRAME_S = 0.25;

// Without an index ffmpeg lands on any frame: aim before the keyframe, and what comes before it is dropped.
const SEEK_BEFORE_KEYFRAME_S = 1;

const SPARE_SOUND_FRAMES = 1024;

const LAST_SOUND_S = 1;

const isSound = ({ rendition: { kind } }: Pick<EncodeJob, 'rendition'>): boolean => kind === 'audio-encode' || kind === 'audio-copy';

/** `burning`: what is drawn into the picture; null: nothing. */
export function ffmpegArguments(job: EncodeJob, burning: Burning | null = null): string[] {
  switch (job.rendition.kind) {
    case 'video-encode':
      return videoEncode(job, job.rendition, burning);
    case 'audio-encode':
      return audioEncode(job, job.rendition);
    case 'video-copy':
      return copy(job, ['-video_track_timescale', String(job.grid.timescale), ...hevcTag(job.rendition.codecs)]);
    case 'audio-copy':
      return copy(job, adtsFilter(job.rendition.codecs));
  }
}

function videoEncode(job: EncodeJob, rendition: VideoEncode, burning: Burning | null): string[] {
  const { num, den } = rendition.frameRate;
  const ticks = frameTicks(job.grid.timescale, rendition.frameRate);
  const first = boundaryAt(job.grid, job.firstIndex) / ticks;
  const frames = boundaryAt(job.grid, job.lastIndex + 1) / ticks - first;
  const own = [`setpts=PTS-${job.keyframes.video.originPts}`, ...pictureFilters(rendition, (first * den) / num)];
  const filters = [...own, ...burningFilters(burning, rendition)];
  return [
    ...COMMON,
    ...pictureInput(rendition),
    ...openAt(job),
    ...burningInput(burning),
    ...pictureOutputs(rendition, {
      input: streamOf(job),
      filters,
      keyframes: keyframeTimes(job, num / den),
      quickFrames: quickFramesOf(job),
      frames,
      rest: ['-map_chapters', '-1'],
    }),
  ];
}

function audioEncode(job: EncodeJob, rendition: AudioEncode): string[] {
  const frame = soundFrame(rendition);
  const first = Math.max(boundaryAt(job.grid, job.firstIndex) / frame - AUDIO_PREROLL_FRAMES, 0);
  const last = boundaryAt(job.grid, job.lastIndex + 1) / frame;
  const { video } = job.keyframes;
  const filters = [`asetpts=PTS-${video.originPts}/${video.timescale}/TB`, ...soundFilters(rendition, first * frame)];
  return [
    ...COMMON,
    ...openAt(job),
    ...['-map', streamOf(job), '-vn', '-sn', '-dn', '-af', filters.join(',')],
    ...soundEncoder(rendition),
    // The encoder's first packet is priming, and a change of the source costs some: the run is ended by its last segment.
    ...['-frames:a', String(last - first + SPARE_SOUND_FRAMES), '-map_chapters', '-1', ...OUTPUT],
    ...soundHeader(rendition),
  ];
}

function copy(job: EncodeJob, options: readonly string[]): string[] {
  const { rendition } = job;
  const isVideo = rendition.kind === 'video-copy';
  return [
    ...COMMON,
    ...openAt(job),
    ...['-map', streamOf(job), '-sn', '-dn', isVideo ? '-an' : '-vn', '-c', 'copy', '-strict', '-2', ...options],
    ...['-map_chapters', '-1', ...OUTPUT],
    // AC-3 and E-AC-3 have no header until a packet was seen.
    ...(isVideo ? KNOWN_HEADER : DELAYED_HEADER),
  ];
}

// AAC of a transport stream carries a header in each frame, which MP4 keeps once; elsewhere the filter changes nothing.
const adtsFilter = (codecs: string): string[] => (/^mp4a\.40\.(2|5|29)$/.test(codecs) ? ['-bsf:a', 'aac_adtstoasc'] : []);

// Apple's players take HEVC only as hvc1, where parameter sets are in the header alone (ISO/IEC 14496-15, 8.3.3.1.2).
const hevcTag = (codecs: string): string[] => (/^h(vc|ev)1/.test(codecs) ? ['-tag:v', 'hvc1'] : []);

/** Absolute times just before each boundary's frame: the first frame at or after one becomes an IDR frame. */
function keyframeTimes(job: EncodeJob, fps: number): string {
  return keyframeTicks(job)
    .map(ticks => Math.max(0, ticks / job.grid.timescale - 0.25 / fps).toFixed(6))
    .join(',');
}

/** A film whose clock jumps comes on stdin, from the right place on; any other is opened, at the right place. */
function openAt(job: EncodeJob): string[] {
  const { mended } = job.keyframes;
  return mended
    ? ['-protocol_whitelist', 'pipe', '-f', mended.format, '-i', 'pipe:0']
    : [...seekTo(job), ...inputArguments(job.media.path)];
}

/** From the middle of a film on, streams may come in another order. */
function streamOf({ rendition: { streamIndex }, keyframes: { mended } }: EncodeJob): string {
  const track = mended?.tracks.find(one => one.streamIndex === streamIndex);
  return track ? `0:i:0x${track.id.toString(16)}` : `0:${streamIndex}`;
}

/** After the end of a track there is silence, which goes on from its last sound: without any, nothing would come at all. */
function lastSoundS({ rendition, keyframes: { audio, video } }: Pick<EncodeJob, 'rendition' | 'keyframes'>): number {
  const track = rendition.kind === 'audio-encode' ? audio.find(({ index }) => index === rendition.streamIndex) : undefined;
  return track ? track.endPts / track.timescale - video.originPts / video.timescale - LAST_SOUND_S : Number.POSITIVE_INFINITY;
}

/** Lands on the source keyframe at or before the first wanted boundary, or earlier: what comes before is dropped by PTS. */
export function seekTo(job: Pick<EncodeJob, 'rendition' | 'keyframes' | 'grid' | 'firstIndex'>): string[] {
  const { video, startTimeUs, copyMethod } = job.keyframes;
  const wantedS = Math.min(segmentStartS(job.grid, job.firstIndex) - (isSound(job) ? 0.25 : 0), lastSoundS(job));
  const wantedPts = video.originPts + wantedS * video.timescale;
  // Half a millisecond of grace: a boundary on the encode grid may be rounded to just before its keyframe.
  const nextIndex = video.keyframes.findIndex(pts => pts > wantedPts + video.timescale / 2000);
  const last = nextIndex === -1 ? video.keyframes.length - 1 : nextIndex - 1;
  if (last <= 0) return ['-noaccurate_seek'];
  const keyframe = video.keyframes[last] ?? 0;
  const next = video.keyframes[last + 1] ?? video.endPts;
  const aimS = copyMethod === 'ffmpeg' ? -SEEK_BEFORE_KEYFRAME_S : Math.min((next - keyframe) / video.timescale / 2, SEEK_PAST_KEYFRAME_S);
  // `-ss` counts from the file's start_time.
  const seconds = keyframe / video.timescale + aimS - startTimeUs / 1e6;
  return ['-noaccurate_seek', '-ss', Math.max(0, seconds).toFixed(6)];
}
