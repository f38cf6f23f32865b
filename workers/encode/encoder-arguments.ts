// What ffmpeg is told about its output, whichever way its input comes: one rendition has one set of bytes.

import type { EncodeJob } from '#actors/effects.ts';
import { cropFilter } from '#domain/delivery/cropping.ts';
import { LATENCY_TARGET_MS, RATE_BUFFER_S } from '#domain/delivery/ladder.ts';
import { boundaryAt, ENCODED_AUDIO_RATE, encodeTimescale, firstChunkEnd, frameTicks, soundFrame } from '#domain/plan.ts';
import { type AudioEncode, EAC3, isDolby, type VideoEncode } from '#domain/rendition.ts';
import { colourFilters, scaleFilter, workingFormat } from '#workers/encoders/colour-filters.ts';
import { type EncoderWords, encoderWords, levelOf } from '#workers/encoders/picture-encoders.ts';

/** Frames of sound encoded before the first wanted one and dropped, so that joins are as clean as codec noise (64 ms of AAC; 1 frame is not enough). */
export const AUDIO_PREROLL_FRAMES = 3;

export const COMMON = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning', '-copyts'];

/** Encoder priming and reordered frames stand before the first picture: ffmpeg's own output begins here, so that nothing in it is negative. */
export const OUTPUT_START_S = 10;

// Every head writes the same absolute timeline, nothing negative: field notes 1–3. One fragment a frame hands each frame
// over as soon as the next is known, and leaves the cutting to SegmentReadiness.
export const OUTPUT = [
  ...['-map_metadata', '-1', '-fflags', '+bitexact', '-flags', '+bitexact'],
  ...['-avoid_negative_ts', 'disabled', '-use_editlist', '0', '-output_ts_offset', String(OUTPUT_START_S)],
  ...['-max_muxing_queue_size', '1024', '-f', 'mp4'],
];
const FRAGMENTS = ['-movflags', '+empty_moov+default_base_moof+frag_every_frame+frag_discont'];
export const KNOWN_HEADER = [...FRAGMENTS, 'pipe:1'];
/** Where the pictures of the quick encoder come out: its own output has a header of its own, and waits for nobody. */
export const QUICK_OUTPUT = 'pipe:3';
// AC-3 and E-AC-3 have no header until a packet was seen.
export const DELAYED_HEADER = ['-movflags', '+delay_moov+default_base_moof+frag_every_frame+frag_discont', 'pipe:1'];
const QUICK_HEADER = [...FRAGMENTS, QUICK_OUTPUT];

type Quality = 'quick' | 'good';

const ONE_HEADER = 'stitchable=1:force-cfr=1';
// Whatever depends on the speed is left out of the headers (stitchable) or made equal (references, B-frames, a fixed rate), so that one
// init segment serves both (ADR 0027).
const SPEED: Readonly<Record<Quality, readonly string[]>> = {
  // Three frames in reserve, for the order of its B-frames alone.
  quick: ['-preset', 'superfast', '-tune', 'zerolatency', '-bf', '3', '-x264-params', `b-adapt=0:aq-mode=2:${ONE_HEADER}`],
  // What is in no header and pays: some 3 % of bytes at equal SSIM, for 4 % of processor time (ADR 0037).
  good: ['-preset', 'veryfast', '-bf', '3', '-x264-params', `aq-mode=2:trellis=1:${ONE_HEADER}`],
};

/** As much as the longest segment that is made for a quick start. */
const QUICK_S = LATENCY_TARGET_MS / 1000;
/** How full the rate buffer of each of a run's two encoders is when it begins: where they share a segment, both spend what they have. */
const SHARED_OCCUPANCY = 0.5;
/** Made and dropped: an encoder's last frames come out when others follow, for ffmpeg flushes it only at the end of the run (5.1). */
const QUICK_EXTRA_FRAMES = 6;

/** How many frames a run begins with by the quick encoder; those that follow are made by the good one. Known before the film is. */
export const quickFrames = ({ preset, encoder, frameRate: { num, den } }: VideoEncode): number =>
  preset === 'superfast' && isX264({ encoder }) ? Math.round((QUICK_S * num) / den) : 0;

const isX264 = ({ encoder }: { readonly encoder?: VideoEncode['encoder'] | undefined }): boolean =>
  encoder === undefined || encoder === 'libx264';

/** Of an encoder that is told otherwise than x264; null for that. */
const otherWords = (rendition: VideoEncode): EncoderWords | null =>
  isX264(rendition) ? null : encoderWords(rendition, bufferBitsOf(rendition));

// The same for the quick and the good one, for the header tells it.
const bufferBitsOf = ({ maxBitrateBps, preset }: VideoEncode): number => Math.round(maxBitrateBps * RATE_BUFFER_S[preset]);

/** Nobody waits for the first segment of a run that goes on where another ended. */
export const quickFramesOf = ({ rendition, isFollowOn }: EncodeJob): number =>
  rendition.kind === 'video-encode' && !isFollowOn ? quickFrames(rendition) : 0;

/** Whether what is started with these arguments has a second output. */
export const hasQuickOutput = (args: readonly string[]): boolean => args.includes(QUICK_OUTPUT);

/**
 * Where a broadcast changes the size of its picture, the filters go on with it instead of being built anew, for they would begin at the
 * run's start again. Those that turn or crop a picture can not: the size of what they write is theirs, or where they read.
 */
export const pictureInput = (rendition: VideoEncode): string[] => [
  ...(otherWords(rendition)?.before ?? []),
  ...(rendition.isTurned || rendition.crop ? [] : ['-reinit_filter', '0']),
];

/** Begins with exactly the frame that stands at `startS`, and goes on with its last one where the source ends before its index says. */
export function pictureFilters(rendition: VideoEncode, startS: number): string[] {
  const { frameRate, width, height, fieldSize, crop, colour } = rendition;
  const { num, den } = frameRate;
  return [
    // Whole pictures between those of two fields stay as they are. One size and format for all: the filter compares pictures.
    ...(fieldSize
      ? [
          crop ? 'scale=iw:ih:interl=-1' : `scale=${fieldSize.width}:${fieldSize.height}:interl=-1`,
          `format=${workingFormat(colour)}`,
          'bwdif=mode=send_frame:deint=interlaced',
        ]
      : []),
    // On the frame grid first, so that the last picture goes on for runs that begin after it as well.
    `fps=${num}/${den}`,
    'tpad=stop_mode=clone:stop=-1',
    `fps=${num}/${den}:start_time=${startS}`,
    ...(crop ? [cropFilter(crop)] : []),
    scaleFilter({ width, height }, 'bicubic', colour),
    ...colourFilters(colour),
    'setsar=1',
  ];
}

/**
 * Where surround becomes stereo: left = 0.4 left + 0.4 centre + 0.2 left surround, right likewise, no low-frequency channel: whatever stands in all
 * of them, nothing clips. libswresample would put the centre, which carries the dialogue, 3 dB below left and right, and the surrounds as loud
 * as it; and without a bound it scales the sound of integer decoders alone.
 */
const DOWNMIX = 'center_mix_level=1:surround_mix_level=0.5:lfe_mix_level=0:rematrix_maxval=1';

const LAYOUTS: Readonly<Record<number, string>> = { 1: 'mono', 2: 'stereo', 6: '5.1' };

/** Of the frames by which a run is brought onto the grid of encoded frames, in samples. */
const STEP_SAMPLES = 256;

/** Samples by which ffmpeg's AC-3 and E-AC-3 come late out of a decoder (`initial_padding`). AAC's are a whole frame, which counts itself. */
const DOLBY_DELAY = 256;

/**
 * Begins with `firstSample`, which is the start of an encoded frame, and goes on with silence after its end. Where sound begins later, so does
 * the encode, with the frame that it begins in: the cutter fills up what is missing.
 *
 * Nothing here remembers where the run began: where a broadcast changes from stereo to mono or from 5.1 to stereo, ffmpeg builds these
 * filters anew, and whatever pads from the run's start would do so again in the middle of it.
 */
export function soundFilters(rendition: AudioEncode, firstSample: number): string[] {
  const frame = soundFrame(rendition);
  const delay = isDolby(rendition) ? DOLBY_DELAY : 0;
  return [
    `aresample=${ENCODED_AUDIO_RATE}:${DOWNMIX}`,
    // Fills holes with silence and mends the 1 ms clock of Matroska.
    `aresample=async=1:${DOWNMIX}`,
    'apad',
    `atrim=start_pts=${firstSample + delay}`,
    // The first few samples stand where an encoded frame begins, all others exactly where they belong.
    `asetnsamples=n=${STEP_SAMPLES}:p=0`,
    `asetpts='if(N,PTS-${delay},floor((PTS-${delay})/${frame})*${frame})'`,
    `aresample=min_comp=0.00001:min_hard_comp=0.00001:${DOWNMIX}`,
    `aformat=sample_fmts=fltp:channel_layouts=${LAYOUTS[rendition.channels] ?? 'stereo'}`,
  ];
}

type Pictures = {
  /** ffmpeg's stream of the film. */
  readonly input: string;
  readonly filters: readonly string[];
  /** What `-force_key_frames` takes. */
  readonly keyframes: string;
  /** How many the quick encoder begins with. */
  readonly quickFrames: number;
  /** How many there are; null: as many as are fed. */
  readonly frames: number | null;
  /** What every output is told besides. */
  readonly rest: readonly string[];
};

/** Filters, encoders and outputs of a picture: decoded and scaled once, and begun by the quick encoder while somebody waits. */
export function pictureOutputs(rendition: VideoEncode, { input, filters, keyframes, quickFrames, frames, rest }: Pictures): string[] {
  const other = otherWords(rendition);
  if (other) {
    return [
      ...oneGraph(input, [...filters, ...other.filters]),
      ...[...other.encoder, ...keyframesAndClock(rendition, keyframes)],
      ...(frames === null ? [] : ['-frames:v', String(frames)]),
      ...[...rest, ...OUTPUT, ...KNOWN_HEADER],
    ];
  }
  const only = (quality: Quality): string[] => [
    ...oneGraph(input, filters),
    ...pictureEncoder(rendition, keyframes, quality, { isShared: quality === 'quick' }),
    ...(frames === null ? [] : ['-frames:v', String(frames)]),
    ...[...rest, ...OUTPUT, ...KNOWN_HEADER],
  ];
  if (quickFrames === 0) return only('good');
  if (frames !== null && frames <= quickFrames) return only('quick');
  const made = quickFrames + QUICK_EXTRA_FRAMES;
  const graph = `[${input}]${filters.join(',')},split[a][b];[a]trim=end_frame=${made}[quick];[b]trim=start_frame=${quickFrames}[good]`;
  return [
    ...['-filter_complex', graph, '-map', '[quick]', ...pictureEncoder(rendition, keyframes, 'quick', { isShared: true })],
    ...['-frames:v', String(made), ...rest, ...OUTPUT, ...QUICK_HEADER],
    ...['-map', '[good]', ...pictureEncoder(rendition, keyframes, 'good')],
    ...(frames === null ? [] : ['-frames:v', String(frames - quickFrames)]),
    ...[...rest, ...OUTPUT, ...KNOWN_HEADER],
  ];
}

/** What takes in more than the film's picture is no `-vf` any more. */
function oneGraph(input: string, filters: readonly string[]): string[] {
  const graph = filters.join(',');
  const isSimple = !filters.some(filter => filter.includes('[film]'));
  return isSimple
    ? ['-map', input, '-an', '-sn', '-dn', '-vf', graph]
    : ['-filter_complex', `[${input}]${graph}[whole]`, '-map', '[whole]', '-an', '-sn', '-dn'];
}

function pictureEncoder(rendition: VideoEncode, keyframes: string, quality: Quality, { isShared = false } = {}): string[] {
  const bufferBits = bufferBitsOf(rendition);
  return [
    ...x264(quality),
    ...['-level:v', levelOf(rendition.codecs)],
    ...['-maxrate', String(Math.round(rendition.maxBitrateBps)), '-bufsize', String(bufferBits)],
    ...(isShared ? ['-rc_init_occupancy', String(Math.round(bufferBits * SHARED_OCCUPANCY))] : []),
    ...keyframesAndClock(rendition, keyframes),
  ];
}

const keyframesAndClock = ({ frameRate: { num, den } }: VideoEncode, keyframes: string): string[] => [
  ...['-force_key_frames', keyframes],
  ...['-video_track_timescale', String(encodeTimescale({ num, den })), '-enc_time_base', `${den}/${num}`],
];

const soundCodec = (rendition: AudioEncode): string => (isDolby(rendition) ? (rendition.codecs === EAC3 ? 'eac3' : 'ac3') : 'aac');

/** At constant quality, keyframes where the plan has boundaries and nowhere else: scene cuts would add some, -g would drift from the plan. */
const x264 = (quality: Quality): string[] => [
  ...['-c:v', 'libx264', ...SPEED[quality], '-profile:v', 'high', '-crf', '23'],
  ...['-sc_threshold', '0', '-g', '100000', '-keyint_min', '100000'],
];

/** What all but a run's first seconds are made by, with no bound of its rate: how many bits a picture takes. */
export const UNBOUND_PICTURE_ENCODER: readonly string[] = x264('good');

export const soundEncoder = (rendition: AudioEncode): string[] => [
  ...['-c:a', soundCodec(rendition), '-b:a', String(rendition.bitrateBps)],
  ...['-ac', String(rendition.channels), '-ar', String(ENCODED_AUDIO_RATE)],
];

export const soundHeader = (rendition: AudioEncode): string[] => (isDolby(rendition) ? DELAYED_HEADER : KNOWN_HEADER);

/**
 * Where an encode has its keyframes, in ticks of its grid: on every boundary; where the first chunk of its first segment ends, so that
 * what follows can be decoded without it; and where the good encoder takes over from the quick one, which must refer to nothing behind.
 */
export function keyframeTicks(job: EncodeJob): number[] {
  const { rendition, grid, firstIndex, lastIndex } = job;
  if (rendition.kind !== 'video-encode') return grid.boundaries.slice(firstIndex, lastIndex + 1);
  // The end of the last one too: what is fed goes on behind it, and nothing before may refer to that.
  const boundaries = grid.boundaries.slice(firstIndex, lastIndex + 2);
  const chunkEnd = firstChunkEnd(grid, firstIndex, rendition.frameRate);
  const quickEnd = boundaryAt(grid, firstIndex) + quickFramesOf(job) * frameTicks(grid.timescale, rendition.frameRate);
  const all = new Set([...boundaries, ...(chunkEnd === null ? [] : [chunkEnd]), quickEnd]);
  return [...all].toSorted((a, b) => a - b);
}
