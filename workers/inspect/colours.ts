// What ffprobe tells of a stream's colours, and of those that only its first picture has. Pure.
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Colour, ContentLight, DolbyVision, MasteringDisplay } from '#domain/colour/colour.ts';

const Text = Type.Optional(Type.String());
const Whole = Type.Optional(Type.Number());

/** Of a side data, whatever it is of. */
export const SideData = Type.Object({
  side_data_type: Text,
  dv_profile: Whole,
  dv_level: Whole,
  el_present_flag: Whole,
  dv_bl_signal_compatibility_id: Whole,
  red_x: Text,
  red_y: Text,
  green_x: Text,
  green_y: Text,
  blue_x: Text,
  blue_y: Text,
  white_point_x: Text,
  white_point_y: Text,
  min_luminance: Text,
  max_luminance: Text,
  max_content: Whole,
  max_average: Whole,
});
type SideData = Static<typeof SideData>;

/** Of a stream, and of a picture of it. */
export const ColourFields = { color_range: Text, color_space: Text, color_transfer: Text, color_primaries: Text };

const Told = Type.Object({ ...ColourFields, side_data_list: Type.Optional(Type.Array(SideData)) });
type Told = Static<typeof Told>;

const FirstPictures = Type.Object({ frames: Type.Array(Told) });

/** A few pictures are decoded, for the first may be hidden: mastering, content light and HDR10+ stand in the stream itself. */
export const FIRST_PICTURES_ARGUMENTS = ['-v', 'error', '-threads', '1', '-read_intervals', '%+#8', '-show_frames', '-of', 'json'];

export function colourOf(told: Told): Colour {
  const data = told.side_data_list ?? [];
  return {
    primaries: nameOf(told.color_primaries),
    transfer: nameOf(told.color_transfer),
    matrix: nameOf(told.color_space),
    isFullRange: told.color_range === 'pc' ? true : told.color_range === 'tv' ? false : null,
    mastering: masteringOf(data.find(isOf('Mastering display'))),
    contentLight: contentLightOf(data.find(isOf('Content light'))),
    hasHdr10Plus: data.some(isOf('HDR Dynamic Metadata SMPTE2094-40')),
    dolbyVision: dolbyVisionOf(data.find(isOf('DOVI configuration'))),
  };
}

/** What the container says goes before what its pictures say: it is what players read. `json`: an answer to FIRST_PICTURES_ARGUMENTS. */
export function withFirstPictures(colour: Colour, json: string): Colour {
  return framesOf(json).reduce((known, picture) => completed(known, colourOf(picture)), colour);
}

const completed = (known: Colour, found: Colour): Colour => ({
  primaries: known.primaries ?? found.primaries,
  transfer: known.transfer ?? found.transfer,
  matrix: known.matrix ?? found.matrix,
  isFullRange: known.isFullRange ?? found.isFullRange,
  mastering: known.mastering ?? found.mastering,
  contentLight: known.contentLight ?? found.contentLight,
  hasHdr10Plus: known.hasHdr10Plus || found.hasHdr10Plus,
  dolbyVision: known.dolbyVision,
});

function framesOf(json: string): readonly Told[] {
  try {
    const value: unknown = JSON.parse(json);
    return Value.Check(FirstPictures, value) ? value.frames : [];
  } catch {
    return [];
  }
}

const isOf =
  (kind: string) =>
  ({ side_data_type }: SideData): boolean =>
    side_data_type?.startsWith(kind) ?? false;

/** Names that stand for no knowledge. */
const UNTOLD = new Set(['unknown', 'unspecified', 'reserved']);
const nameOf = (name: string | undefined): string | null => (name === undefined || UNTOLD.has(name) ? null : name);

function dolbyVisionOf(data: SideData | undefined): DolbyVision | null {
  if (data?.dv_profile === undefined) return null;
  return {
    profile: data.dv_profile,
    level: data.dv_level ?? 0,
    hasEnhancementLayer: data.el_present_flag === 1,
    compatibility: data.dv_bl_signal_compatibility_id ?? 0,
  };
}

const CHROMATICITY_UNITS = 50_000;

function masteringOf(data: SideData | undefined): MasteringDisplay | null {
  if (data === undefined) return null;
  const point = (x: string | undefined, y: string | undefined): readonly [number, number] => [
    Math.round(fraction(x) * CHROMATICITY_UNITS),
    Math.round(fraction(y) * CHROMATICITY_UNITS),
  ];
  const maxNits = fraction(data.max_luminance);
  if (maxNits === 0) return null;
  return {
    red: point(data.red_x, data.red_y),
    green: point(data.green_x, data.green_y),
    blue: point(data.blue_x, data.blue_y),
    white: point(data.white_point_x, data.white_point_y),
    maxNits,
    minNits: fraction(data.min_luminance),
  };
}

/** Zeros are how muxers write that they do not know. */
function contentLightOf(data: SideData | undefined): ContentLight | null {
  const { max_content = 0, max_average = 0 } = data ?? {};
  return max_content === 0 && max_average === 0 ? null : { maxNits: max_content, averageNits: max_average };
}

/** `34000/50000`; 0 for what is none. */
function fraction(text: string | undefined): number {
  const [num = 0, den = 1] = (text ?? '0').split('/').map(Number);
  const value = num / den;
  return Number.isFinite(value) && value > 0 ? value : 0;
}
