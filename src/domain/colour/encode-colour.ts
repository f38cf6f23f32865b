// What the numbers of a picture mean where its file says half of it, and what an encode makes of them. Pure.
import { type Colour, type ColourCoding, dynamicRangeOf, isDolbyVisionOnly } from './colour.ts';

type Coloured = { readonly colour: Colour; readonly width: number; readonly height: number };

export const BT709: ColourCoding = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' };
const BT601: ColourCoding = { primaries: 'smpte170m', transfer: 'smpte170m', matrix: 'smpte170m' };
const BT2020: ColourCoding = { primaries: 'bt2020', transfer: 'bt2020-10', matrix: 'bt2020nc' };

/** Larger pictures are taken for BT.709 where nothing tells, smaller ones for BT.601: so do players. */
const SD = { width: 1280, height: 576 };

/** The file's own, completed by what players take it for where it says nothing or half. */
export function codingOf({ colour, width, height }: Coloured): ColourCoding {
  const { primaries, transfer, matrix } = colour;
  const isLarge = Math.max(width, height) >= SD.width || Math.min(width, height) > SD.height;
  const usual = familyOf(matrix) ?? familyOf(primaries) ?? (dynamicRangeOf(colour) !== 'SDR' ? BT2020 : isLarge ? BT709 : BT601);
  return { primaries: primaries ?? usual.primaries, transfer: transfer ?? transferOf(colour, usual), matrix: matrix ?? usual.matrix };
}

function familyOf(name: string | null): ColourCoding | null {
  if (name === null) return null;
  if (name.startsWith('bt2020')) return BT2020;
  if (name === 'bt709' || name === 'gbr') return BT709;
  return ['smpte170m', 'bt470bg', 'fcc', 'smpte240m'].includes(name) ? BT601 : null;
}

function transferOf(colour: Colour, usual: ColourCoding): string {
  const range = dynamicRangeOf(colour);
  return range === 'PQ' ? 'smpte2084' : range === 'HLG' ? 'arib-std-b67' : usual.transfer;
}

/** How an encode comes by its colours: what the file's mean, and what the encode says of its own. */
export type EncodeColour = {
  readonly from: ColourCoding;
  /** Equal to `from`: the numbers stay. */
  readonly to: ColourCoding;
  /** Light of the brightest pixel, from which down to a plain screen's the range is brought; absent: the range stays. */
  readonly peakNits?: number;
};

const USUAL_PEAK_NITS = 1_000;
const MOST_NITS = 10_000;
/** HDR's white of a sheet of paper (ITU-R BT.2408), which a plain screen shows as its own white. */
export const REFERENCE_WHITE_NITS = 203;

/** Of plain screens: their numbers are passed on, with their name. */
const PLAIN_PRIMARIES = ['bt709', 'smpte170m', 'bt470bg', 'smpte240m', 'bt470m'];
const PLAIN_MATRICES = ['bt709', 'smpte170m', 'bt470bg', 'smpte240m', 'fcc'];

/**
 * Every encode is for a plain screen. `canConvert`: this machine's ffmpeg has the filters; else pictures of wide gamut stay as they are.
 * Null: what only Dolby Vision shows right, and a range that can not be converted, have no encode that would be right.
 */
export function encodeColourOf(picture: Coloured, canConvert: boolean): EncodeColour | null {
  const { colour } = picture;
  const from = codingOf(picture);
  if (isDolbyVisionOnly(colour)) return null;
  if (dynamicRangeOf(colour) !== 'SDR') return canConvert ? { from, to: BT709, peakNits: peakNitsOf(colour) } : null;
  const isPlain = PLAIN_PRIMARIES.includes(from.primaries) && PLAIN_MATRICES.includes(from.matrix);
  // ffmpeg's scaler makes the usual numbers of RGB by itself.
  const isRgb = from.matrix === 'gbr';
  if (isRgb) return { from, to: BT709 };
  return { from, to: isPlain || !canConvert ? from : BT709 };
}

/** What the film says of itself is believed, where it can be true; the screen it was graded on had at least as much. */
function peakNitsOf({ contentLight, mastering, transfer }: Colour): number {
  if (transfer === 'arib-std-b67') return USUAL_PEAK_NITS;
  const told = [contentLight?.maxNits, mastering?.maxNits].find(nits => nits !== undefined && nits >= REFERENCE_WHITE_NITS);
  return Math.min(told ?? USUAL_PEAK_NITS, MOST_NITS);
}

/** Numbers that have to be computed anew, pixel by pixel, by filters that not every ffmpeg has. */
export const isConverted = ({ from, to }: EncodeColour): boolean => from.matrix !== 'gbr' && !isSameCoding(from, to);

export const isSameCoding = (one: ColourCoding, other: ColourCoding): boolean =>
  one.primaries === other.primaries && one.transfer === other.transfer && one.matrix === other.matrix;
