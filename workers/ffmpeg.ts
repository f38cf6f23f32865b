// The argument list of every encode: pure, so that the same job always starts the same process.

import type { EncodeJob } from '#actors/effects.ts';
import { AAC_FRAME, boundaryAt, ENCODED_AUDIO_RATE, encodeClock, originPts, segmentStartS, TIMELINE_START_S } from '#domain/plan.ts';
import type { AudioEncode, VideoEncode } from '#domain/rendition.ts';
import { inputArguments } from './input-arguments.ts';

/** AAC frames encoded before the first wanted one and dropped, so that joins are as clean as codec noise (64 ms; 1 frame is not enough). */
const AUDIO_PREROLL_FRAMES = 3;

/** The last frame is held for up to this long where the file ends before its index says. */
const END_PADDING_S = 2;

// Aim past a keyframe: `-ss` exactly on one lands on the previous, for ffmpeg takes off about 0.13 s when there are B-frames.
const SEEK_PAST_KEYFRAME_S = 0.25;

// Without an index ffmpeg lands on any frame: aim before the keyframe, and what comes before it is dropped.
const SEEK_BEFORE_KEYFRAME_S = 1;

const COMMON = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning', '-copyts'];

// Every head writes the same absolute timeline, nothing negative: field notes 1–3. One fragment a frame hands each frame
// over as soon as the next is known, and leaves the cutting to SegmentReadiness.
const OUTPUT = [
  ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags', '+bitexact'],
  ...['-avoid_negative_ts', 'disabled', '-use_editlist', '0', '-output_ts_offset', String(TIMELINE_START_S)],
  ...['-max_muxing_queue_size', '1024', '-f', 'mp4'],
];
const KNOWN_HEADER = ['-movflags', '+empty_moov+default_base_moof+frag_every_frame+frag_discont', 'pipe:1'];
// AC-3 and E-AC-3 have no header until a packet was seen.
const DELAYED_HEADER = ['-movflags', '+delay_moov+default_base_moof+frag_every_frame+frag_discont', 'pipe:1'];

export function ffmpegArguments(job: EncodeJob): string[] {
  switch (job.rendition.kind) {
    case 'video-encode':
      return videoEncode(job, job.rendition);
    case 'audio-encode':
      return audioEncode(job, job.rendition);
    case 'video-copy':
      return copy(job, ['-video_track_timescale', String(job.grid.timescale), ...hevcTag(job.rendition.codecs)]);
    case 'audio-copy':
      return copy(job, adtsFilter(job.rendition.codecs));
  }
}

function videoEncode(job: EncodeJob, rendition: VideoEncode): string[] {
  const { num, den } = rendition.frameRate;
  const { timescale, frameTicks } = encodeClock(rendition.frameRate);
  const first = boundaryAt(job.grid, job.firstIndex) / frameTicks;
  const frames = boundaryAt(job.grid, job.lastIndex + 1) / frameTicks - first;
  const filters = [
    `setpts=PTS-${originPts(job.keyframes.video)}`,
    // start_time makes the run begin with exactly the wanted frame, whatever frame the seek landed on.
    `fps=${num}/${den}:start_time=${(first * den) / num}`,
    `tpad=stop_mode=clone:stop=${Math.ceil((END_PADDING_S * num) / den)}`,
    `scale=${rendition.width}:${rendition.height}:flags=bicubic`,
    'format=yuv420p',
    'setsar=1',
  ];
  const rate = String(Math.round(rendition.maxBitrateBps));
  return [
    ...COMMON,
    ...seekTo(job),
    ...inputArguments(job.media.path),
    ...['-map', `0:${rendition.streamIndex}`, '-an', '-sn', '-dn', '-vf', filters.join(',')],
    ...['-c:v', 'libx264', '-preset', rendition.preset, '-profile:v', 'high', '-level:v', level(rendition.codecs)],
    ...['-crf', '23', '-maxrate', rate, '-bufsize', rate],
    // Keyframes where the plan has boundaries and nowhere else: scene cuts would add some, -g would drift from the plan.
    ...['-sc_threshold', '0', '-g', '100000', '-keyint_min', '100000', '-force_key_frames', keyframeTimes(job, num / den)],
    ...['-frames:v', String(frames), '-video_track_timescale', String(timescale), '-enc_time_base', `${den}/${num}`],
    ...OUTPUT,
    ...KNOWN_HEADER,
  ];
}

function audioEncode(job: EncodeJob, rendition: AudioEncode): string[] {
  const first = Math.max(boundaryAt(job.grid, job.firstIndex) / AAC_FRAME - AUDIO_PREROLL_FRAMES, 0);
  const last = boundaryAt(job.grid, job.lastIndex + 1) / AAC_FRAME;
  const { video } = job.keyframes;
  const filters = [
    `asetpts=PTS-${originPts(video)}/${video.timescale}/TB`,
    // Fills holes with silence and mends the 1 ms clock of Matroska; first_pts starts the run on the common sample grid.
    `aresample=${ENCODED_AUDIO_RATE}:async=1:first_pts=${first * AAC_FRAME}`,
    `aformat=sample_fmts=fltp:channel_layouts=${rendition.channels === 1 ? 'mono' : 'stereo'}`,
    'apad',
  ];
  return [
    ...COMMON,
    ...seekTo(job),
    ...inputArguments(job.media.path),
    ...['-map', `0:${rendition.streamIndex}`, '-vn', '-sn', '-dn', '-af', filters.join(',')],
    ...['-c:a', 'aac', '-b:a', String(rendition.bitrateBps), '-ac', String(rendition.channels), '-ar', String(ENCODED_AUDIO_RATE)],
    // One more than counted: the encoder's first packet is priming.
    ...['-frames:a', String(last - first + 1)],
    ...OUTPUT,
    ...KNOWN_HEADER,
  ];
}

function copy(job: EncodeJob, options: readonly string[]): string[] {
  const { rendition } = job;
  const isVideo = rendition.kind === 'video-copy';
  return [
    ...COMMON,
    ...seekTo(job),
    ...inputArguments(job.media.path),
    ...['-map', `0:${rendition.streamIndex}`, '-sn', '-dn', isVideo ? '-an' : '-vn', '-c', 'copy', '-strict', '-2', ...options],
    ...OUTPUT,
    ...(isVideo ? KNOWN_HEADER : DELAYED_HEADER),
  ];
}

// AAC of a transport stream carries a header in each frame, which MP4 keeps once; elsewhere the filter changes nothing.
const adtsFilter = (codecs: string): string[] => (/^mp4a\.40\.(2|5|29)$/.test(codecs) ? ['-bsf:a', 'aac_adtstoasc'] : []);

// Apple's players take HEVC only as hvc1, where parameter sets are in the header alone (ISO/IEC 14496-15, 8.3.3.1.2).
const hevcTag = (codecs: string): string[] => (/^h(vc|ev)1/.test(codecs) ? ['-tag:v', 'hvc1'] : []);

const level = (codecs: string): string => (Number.parseInt(codecs.slice(-2), 16) / 10).toFixed(1);

/** Absolute times just before each boundary's frame: the first frame at or after one becomes an IDR frame. */
function keyframeTimes(job: EncodeJob, fps: number): string {
  const times: string[] = [];
  for (let index = job.firstIndex; index <= job.lastIndex; index++) {
    times.push(Math.max(0, segmentStartS(job.grid, index) - 0.25 / fps).toFixed(6));
  }
  return times.join(',');
}

/** Lands on the source keyframe at or before the first wanted boundary, or earlier: what comes before is dropped by PTS. */
function seekTo(job: EncodeJob): string[] {
  const { video, startTimeUs, copyMethod } = job.keyframes;
  const isAudio = job.rendition.kind === 'audio-encode' || job.rendition.kind === 'audio-copy';
  const wantedS = segmentStartS(job.grid, job.firstIndex) - (isAudio ? 0.25 : 0);
  const wantedPts = originPts(video) + wantedS * video.timescale;
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
