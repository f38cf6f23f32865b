// The argument list of an encoder that is fed on its stdin. Nothing in it says which film or where in it: such a process can wait
// for its work, started.
import type { Rational } from '#domain/media.ts';
import { ENCODED_AUDIO_RATE, soundFrame } from '#domain/plan.ts';
import type { AudioEncode, EncodeRendition, VideoEncode } from '#domain/rendition.ts';
import {
  AUDIO_PREROLL_FRAMES,
  COMMON,
  OUTPUT,
  pictureFilters,
  pictureInput,
  pictureOutputs,
  quickFrames,
  soundEncoder,
  soundFilters,
  soundHeader,
} from './encoder-arguments.ts';

/** Room before the first wanted frame for frames that have to be decoded first. */
const FED_START_S = 1_000;

/**
 * Where on the fed timeline the first wanted frame stands, wherever it is in the film: in seconds, as a fraction. A whole number of
 * frames, so that no rounding differs from one run to another.
 */
export function fedStart(rendition: EncodeRendition): Rational {
  const { num, den } = rendition.kind === 'video-encode' ? rendition.frameRate : { num: ENCODED_AUDIO_RATE, den: soundFrame(rendition) };
  return { num: Math.ceil((FED_START_S * num) / den) * den, den: num };
}

// The header that is fed says nearly all that ffmpeg would look for in the first seconds. `strict`: a film that does not tell how
// far its pictures are reordered gets the delay that the standard allows, instead of a guess that may lose the first.
const SOURCE = ['-strict', '1', '-protocol_whitelist', 'pipe', '-f', 'mov', '-i', 'pipe:0'];
// One sample is looked at: without any, ffmpeg 5.1 takes no chapters.
const VIDEO_INPUT = ['-probesize', '32', '-analyzeduration', '0', '-fpsprobesize', '0', ...SOURCE];
const AUDIO_INPUT = ['-nofind_stream_info', ...SOURCE];

export function fedArguments(rendition: EncodeRendition, { isFollowOn = false } = {}): string[] {
  return rendition.kind === 'video-encode' ? fedVideo(rendition, isFollowOn) : fedAudio(rendition);
}

function fedVideo(rendition: VideoEncode, isFollowOn: boolean): string[] {
  const start = fedStart(rendition);
  return [
    ...COMMON,
    ...pictureInput(rendition),
    ...VIDEO_INPUT,
    ...pictureOutputs(rendition, {
      input: '0:0',
      filters: pictureFilters(rendition, start.num / start.den),
      // The plan's boundaries come with the film, as its chapters.
      keyframes: 'chapters',
      quickFrames: isFollowOn ? 0 : quickFrames(rendition),
      frames: null,
      rest: [],
    }),
  ];
}

function fedAudio(rendition: AudioEncode): string[] {
  const start = fedStart(rendition);
  const firstSample = (start.num * ENCODED_AUDIO_RATE) / start.den - AUDIO_PREROLL_FRAMES * soundFrame(rendition);
  return [
    ...COMMON,
    ...AUDIO_INPUT,
    ...['-map', '0:0', '-vn', '-sn', '-dn', '-af', soundFilters(rendition, firstSample).join(',')],
    ...soundEncoder(rendition),
    ...['-map_chapters', '-1', ...OUTPUT],
    ...soundHeader(rendition),
  ];
}
