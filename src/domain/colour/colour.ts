// What the numbers of a picture mean: its colours, its dynamic range, and what it tells a screen of its light. Pure.

/** Names of ISO/IEC 23091-2 code points as ffmpeg has them, such as `bt2020`, `smpte2084` and `bt2020nc`. */
export type ColourCoding = { readonly primaries: string; readonly transfer: string; readonly matrix: string };

/** The screen that a film was graded on (SMPTE ST 2086): x and y in fiftieths of a thousandth, light in candela a square metre. */
export type MasteringDisplay = {
  readonly red: readonly [number, number];
  readonly green: readonly [number, number];
  readonly blue: readonly [number, number];
  readonly white: readonly [number, number];
  readonly maxNits: number;
  readonly minNits: number;
};

/** The brightest pixel and the brightest picture of a film (CTA-861.3), in candela a square metre. */
export type ContentLight = { readonly maxNits: number; readonly averageNits: number };

/** Of the configuration record (`dvcC`, `dvvC`). */
export type DolbyVision = {
  readonly profile: number;
  readonly level: number;
  readonly hasEnhancementLayer: boolean;
  /** What a decoder that knows nothing of it sees: 0 nothing right, 1 and 6 HDR10, 2 SDR, 4 HLG. */
  readonly compatibility: number;
};

/** Null: the file does not say. */
export type Colour = {
  readonly primaries: string | null;
  readonly transfer: string | null;
  readonly matrix: string | null;
  readonly isFullRange: boolean | null;
  readonly mastering: MasteringDisplay | null;
  readonly contentLight: ContentLight | null;
  readonly hasHdr10Plus: boolean;
  readonly dolbyVision: DolbyVision | null;
};

export type DynamicRange = 'SDR' | 'HLG' | 'PQ';
export type Hdr = 'hdr10' | 'hlg' | 'dolby-vision';

export const UNTOLD_COLOUR: Colour = {
  primaries: null,
  transfer: null,
  matrix: null,
  isFullRange: null,
  mastering: null,
  contentLight: null,
  hasHdr10Plus: false,
  dolbyVision: null,
};

const RANGES: Readonly<Record<string, DynamicRange>> = { smpte2084: 'PQ', 'arib-std-b67': 'HLG' };
const RANGES_OF_COMPATIBILITY: Readonly<Record<number, DynamicRange>> = { 0: 'PQ', 1: 'PQ', 2: 'SDR', 4: 'HLG', 6: 'PQ' };

/** Of the pictures as any decoder has them; of those that only Dolby Vision shows right, what it shows. */
export function dynamicRangeOf({ transfer, dolbyVision }: Colour): DynamicRange {
  const told = RANGES[transfer ?? ''];
  if (told !== undefined) return told;
  return dolbyVision === null ? 'SDR' : (RANGES_OF_COMPATIBILITY[dolbyVision.compatibility] ?? 'SDR');
}

export function hdrOf(colour: Colour): Hdr | null {
  if (colour.dolbyVision !== null) return 'dolby-vision';
  const range = dynamicRangeOf(colour);
  return range === 'SDR' ? null : HDR_OF_RANGE[range];
}

const HDR_OF_RANGE = { PQ: 'hdr10', HLG: 'hlg' } as const satisfies Readonly<Record<Exclude<DynamicRange, 'SDR'>, Hdr>>;

/** Its pictures are of a colour space of their own, which nothing but a Dolby Vision decoder turns into anything right. */
export const isDolbyVisionOnly = ({ dolbyVision }: Colour): boolean => dolbyVision?.compatibility === 0;

/** Any of these shows a picture right; empty: every screen does. */
export function shownBy(colour: Colour): readonly Hdr[] {
  if (isDolbyVisionOnly(colour)) return ['dolby-vision'];
  const range = dynamicRangeOf(colour);
  if (range === 'SDR') return [];
  return colour.dolbyVision === null ? [HDR_OF_RANGE[range]] : [HDR_OF_RANGE[range], 'dolby-vision'];
}

/** Brands of a base layer that is of use by itself (RFC 8216bis, 4.4.6.2, and Dolby's registration at mp4ra.org). */
const BRANDS: Readonly<Record<number, string>> = { 1: 'db1p', 2: 'db2g', 4: 'db4h' };
/** One layer, with a base layer that others can use. Two layers (7) nobody plays from a stream. */
const SUPPLEMENTING: Readonly<Record<number, string>> = { 8: 'dvh1', 10: 'dav1' };

/** What SUPPLEMENTAL-CODECS says of a picture that is listed by its base layer; null: nothing. */
export function supplementalCodecs({ dolbyVision }: Colour): string | null {
  if (dolbyVision === null) return null;
  const { profile, level, compatibility } = dolbyVision;
  const format = SUPPLEMENTING[profile];
  const brand = BRANDS[compatibility];
  return format === undefined || brand === undefined ? null : `${dolbyVisionCodec(format, profile, level)}/${brand}`;
}

export const dolbyVisionCodec = (format: string, profile: number, level: number): string =>
  [format, twoDigits(profile), twoDigits(level)].join('.');

const twoDigits = (value: number): string => String(value).padStart(2, '0');
