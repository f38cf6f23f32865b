// What `vpcC` repeats from the header of a VP9 keyframe (VP9 bitstream specification, 6.2), and the level its size and rate need.
import { BitReader } from './bit-reader.ts';

export type Vp9Config = {
  readonly profile: number;
  readonly bitDepth: number;
  /** As `vpcC` numbers them: 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4. */
  readonly chromaSubsampling: number;
  readonly isFullRange: boolean;
  /** Code points of ISO/IEC 23091-2. */
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
};

const SRGB = 7;
/** Primaries, transfer and matrix by the header's colour space; 2 is unspecified. */
const COLOURS: readonly (readonly [number, number, number])[] = [
  [2, 2, 2],
  [6, 6, 6], // BT.601
  [1, 1, 1], // BT.709
  [6, 6, 6], // SMPTE 170M
  [7, 7, 7], // SMPTE 240M
  [9, 14, 9], // BT.2020
  [2, 2, 2],
  [1, 13, 0], // sRGB
];

/** Null when `frame` does not start with a keyframe. */
export function readVp9Keyframe(frame: Buffer): Vp9Config | null {
  const bits = new BitReader(frame);
  if (bits.read(2) !== 2) return null;
  const profile = bits.read(1) + bits.read(1) * 2;
  if (profile === 3) bits.skip(1);
  const isRepeat = bits.flag();
  const isInterFrame = bits.flag();
  bits.skip(2); // show_frame, error_resilient_mode
  if (isRepeat || isInterFrame || bits.read(24) !== 0x498342) return null;
  const bitDepth = profile < 2 ? 8 : bits.flag() ? 12 : 10;
  const colourSpace = bits.read(3);
  const isFullRange = colourSpace === SRGB || bits.flag();
  const hasFreeSubsampling = profile % 2 === 1;
  const horizontal = colourSpace === SRGB ? 0 : hasFreeSubsampling ? bits.read(1) : 1;
  const vertical = colourSpace === SRGB ? 0 : hasFreeSubsampling ? bits.read(1) : 1;
  const [primaries, transfer, matrix] = COLOURS[colourSpace] ?? [2, 2, 2];
  if (bits.isPastEnd) return null;
  return { profile, bitDepth, chromaSubsampling: horizontal === 0 ? 3 : vertical === 0 ? 2 : 1, isFullRange, primaries, transfer, matrix };
}

/** Level times ten, most luma samples per picture, and per second (VP9 levels, annex A). */
const LEVELS: readonly (readonly [number, number, number])[] = [
  [10, 36_864, 829_440],
  [11, 73_728, 2_764_800],
  [20, 122_880, 4_608_000],
  [21, 245_760, 9_216_000],
  [30, 552_960, 20_736_000],
  [31, 983_040, 36_864_000],
  [40, 2_228_224, 83_558_400],
  [41, 2_228_224, 160_432_128],
  [50, 8_912_896, 311_951_360],
  [51, 8_912_896, 588_251_136],
  [52, 8_912_896, 1_176_502_272],
  [60, 35_651_584, 1_176_502_272],
  [61, 35_651_584, 2_353_004_544],
  [62, 35_651_584, 4_706_009_088],
];

export function vp9Level(width: number, height: number, framesPerSecond: number): number {
  const samples = width * height;
  const fitting = LEVELS.find(([, most, perSecond]) => samples <= most && samples * framesPerSecond <= perSecond);
  return fitting?.[0] ?? 62;
}
