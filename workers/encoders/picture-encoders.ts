// What ffmpeg is told of each encoder but x264: the same rate control, closed groups and keyframes where they are forced, as far as each can.
// Whether it really does so on a machine is told by the trial at start, which runs with the very same arguments (trials/encoder-trials.ts).
import { type EncoderName, encoderFacts, type HardwareKind } from '#domain/encoders.ts';
import type { VideoEncode } from '#domain/rendition.ts';

export type EncoderWords = {
  /** Before the input: the device. */
  readonly before: readonly string[];
  /** At the end of the filters: into the memory and the format that the encoder takes. */
  readonly filters: readonly string[];
  readonly encoder: readonly string[];
};

type Wish = {
  readonly codec: 'h264' | 'hevc' | 'av1';
  readonly maxBitrateBps: number;
  readonly bufferBits: number;
  /** H.264 and HEVC: as ffmpeg writes it. */
  readonly level: string;
  readonly device: string | null;
};

/** Longer than any run: keyframes come where they are forced. Some encoders take 16 bits. */
const HARDWARE_GROUP = 30_000;
/** Where there is no constant quality under a ceiling, as much of the ceiling is aimed at. */
const AVERAGE_SHARE = 0.8;

export function encoderWords({ encoder = 'libx264', device, maxBitrateBps, codecs }: VideoEncode, bufferBits: number): EncoderWords {
  const { codec, kind } = encoderFacts(encoder);
  const wish = { codec, maxBitrateBps: Math.round(maxBitrateBps), bufferBits, level: levelOf(codecs), device: device ?? null };
  return kind === 'software' ? softwareWords(encoder, wish) : hardwareWords(kind, wish);
}

function softwareWords(encoder: EncoderName, { maxBitrateBps, bufferBits, level }: Wish): EncoderWords {
  const base = { before: [], filters: [] };
  switch (encoder) {
    case 'libx265':
      return { ...base, encoder: x265(maxBitrateBps, bufferBits, level) };
    case 'libsvtav1':
      return { ...base, encoder: [...svtAv1(maxBitrateBps)] };
    case 'libaom-av1':
      return { ...base, encoder: aomAv1(maxBitrateBps, bufferBits) };
    default:
      throw new RangeError(`${encoder} is not told so`);
  }
}

const x265 = (maxBitrateBps: number, bufferBits: number, level: string): string[] => {
  const kilobits = (bits: number): number => Math.max(1, Math.round(bits / 1000));
  const rate = `vbv-maxrate=${kilobits(maxBitrateBps)}:vbv-bufsize=${kilobits(bufferBits)}:vbv-init=0.5`;
  // No line about itself in the header: `info=0`. `open-gop=0` and no scene cuts: keyframes where they are forced, each a fresh start.
  const groups = 'open-gop=0:scenecut=0:keyint=-1:min-keyint=1:repeat-headers=0:info=0';
  return [
    ...['-c:v', 'libx265', '-preset', 'superfast', '-profile:v', 'main', '-bf', '3', '-crf', '26', '-forced-idr', '1', '-tag:v', 'hvc1'],
    ...['-x265-params', `log-level=error:level-idc=${level}:high-tier=0:${rate}:${groups}`],
  ];
};

// Up to its release 1.8 it has keyframes at a fixed distance alone, which the trial finds: none of our plans has one.
const svtAv1 = (maxBitrateBps: number): string[] => [
  ...['-c:v', 'libsvtav1', '-preset', '10', '-crf', '38', '-maxrate', String(maxBitrateBps), '-g', '100000'],
  ...['-svtav1-params', 'scd=0'],
];

const aomAv1 = (maxBitrateBps: number, bufferBits: number): string[] => [
  ...['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-row-mt', '1', '-lag-in-frames', '0', '-crf', '38'],
  ...['-b:v', String(maxBitrateBps), '-maxrate', String(maxBitrateBps), '-bufsize', String(bufferBits)],
  ...['-g', '100000', '-keyint_min', '100000'],
];

function hardwareWords(kind: HardwareKind, { codec, maxBitrateBps, bufferBits, level, device }: Wish): EncoderWords {
  const average = String(Math.round(maxBitrateBps * AVERAGE_SHARE));
  // No B-frames: which of them a device has, and in what order they come out, differs from one to the next.
  const rate = [
    '-b:v',
    average,
    '-maxrate',
    String(maxBitrateBps),
    '-bufsize',
    String(bufferBits),
    '-bf',
    '0',
    '-g',
    String(HARDWARE_GROUP),
  ];
  // ffmpeg's own name for it is `hev1`, which Apple's players do not take.
  const tag = codec === 'hevc' ? ['-tag:v', 'hvc1'] : [];
  const profile = { h264: ['-profile:v', 'high'], hevc: ['-profile:v', 'main'], av1: [] }[codec];
  // AV1's is not asked for: it stands for tiers and tiles too.
  const levelAs = (name: string): string[] => (codec === 'av1' ? [] : ['-level:v', name]);
  const words = (encoder: readonly string[], more: Partial<EncoderWords> = {}): EncoderWords => ({
    before: [],
    filters: ['format=nv12'],
    encoder: ['-c:v', `${codec}_${kind}`, ...encoder, ...rate, ...tag],
    ...more,
  });
  switch (kind) {
    case 'vaapi':
      // `4`, not `4.0`: what is none of its names is taken for the number itself.
      return words(['-rc_mode', 'VBR', ...profile, ...levelAs(String(Number(level)))], {
        before: ['-init_hw_device', `vaapi=gpu${device === null ? '' : `:${device}`}`, '-filter_hw_device', 'gpu'],
        filters: ['format=nv12', 'hwupload'],
      });
    case 'qsv':
      return words(['-preset', 'veryfast', '-forced_idr', '1', ...profile], { before: ['-init_hw_device', 'qsv=gpu'] });
    case 'nvenc':
      return words([
        ...['-preset', 'p4', '-rc', 'vbr', '-forced-idr', '1', '-no-scenecut', '1', '-rc-lookahead', '0', '-delay', '0'],
        // Its own name for the tier is the default; a level that is too low for it is refused, one it chooses itself is not.
        ...profile,
      ]);
    case 'amf':
      return words(['-usage', 'transcoding', '-quality', 'balanced', '-rc', 'vbr_peak', ...profile, ...levelAs(level)]);
    case 'videotoolbox':
      // Not `realtime`: so it may leave frames out. HEVC has no level to be asked for, H.264 only those from 3.0 on.
      return words(['-allow_sw', '0', ...profile, ...(codec === 'h264' && Number(level) >= 3 ? levelAs(level) : [])]);
    case 'v4l2m2m':
      // It knows profiles by number.
      return words([]);
    case 'rkmpp':
      // There are two of that name, with options of their own: what both have by default is not said. `4` as above.
      return words(levelAs(String(Number(level))));
  }
}

/** `4.1` of a codec string; whatever AV1 has there is not asked for. */
export function levelOf(codecs: string): string {
  const hevc = /^h[ve][vc]1\.\w+\.\w+\.[LH](\d+)/.exec(codecs);
  const tenths = hevc ? Number(hevc[1]) / 3 : Number.parseInt(codecs.slice(-2), 16);
  return (tenths / 10).toFixed(1);
}
