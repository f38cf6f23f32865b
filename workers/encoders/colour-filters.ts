// The filters by which a picture's numbers come to mean what an encode says they do: high dynamic range and wide gamut brought to a plain screen.
import type { ColourCoding } from '#domain/colour/colour.ts';
import { type EncodeColour, isConverted, REFERENCE_WHITE_NITS } from '#domain/colour/encode-colour.ts';

/** Code points of ISO/IEC 23091-2, which `zscale` takes in place of names. What is not listed it can not read, or means the same as the first. */
const PRIMARIES: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  film: 8,
  bt2020: 9,
  smpte431: 11,
  smpte432: 12,
  ebu3213: 22,
};
const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  linear: 8,
  'iec61966-2-4': 11,
  'iec61966-2-1': 13,
  'bt2020-10': 14,
  'bt2020-12': 15,
  smpte2084: 16,
  'arib-std-b67': 18,
};
const MATRICES: Readonly<Record<string, number>> = {
  bt709: 1,
  fcc: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  ycgco: 8,
  bt2020nc: 9,
  bt2020c: 10,
  ictcp: 14,
};
const LIMITED = 0;
const RGB = 0;
const LINEAR = 8;

/** Below this part of white the light stays what it is; above it is pressed together, up to the film's brightest. */
const UNTOUCHED = 0.3;
/** From twice white on colours begin to fade, as they do in a lamp that is looked into. */
const FADING = 2;

/** Deep enough for any range until it is brought down. */
const DEEP = 'yuv420p10le';

/** What pictures are before their colours are brought to `to`: the format that a filter which works on them needs. */
export const workingFormat = (colour: EncodeColour | undefined): string => (colour !== undefined && isConverted(colour) ? DEEP : 'yuv420p');

/** Size and range first: whatever follows has fewer pixels to do, and the limited range of video, whatever the file has. */
export function scaleFilter(
  { width, height }: { width: number | string; height: number | string },
  flags: string,
  colour: EncodeColour | undefined,
): string {
  const matrix = colour?.from.matrix === 'gbr' ? `:out_color_matrix=${colour.to.matrix}` : '';
  return `scale=${width}:${height}:flags=${flags}${colour === undefined ? '' : ':out_range=tv'}${matrix}`;
}

/** Behind `scaleFilter`: pictures of 8 bits that say what they are. */
export function colourFilters(colour: EncodeColour | undefined): string[] {
  if (colour === undefined) return ['format=yuv420p'];
  return [...(isConverted(colour) ? converted(colour) : ['format=yuv420p']), named(colour.to)];
}

function converted({ from, to, peakNits }: EncodeColour): string[] {
  const read = [
    `pin=${PRIMARIES[from.primaries] ?? 1}`,
    `tin=${TRANSFERS[from.transfer] ?? 1}`,
    `min=${MATRICES[from.matrix] ?? 1}`,
    `rin=${LIMITED}`,
  ];
  const written = [
    `p=${PRIMARIES[to.primaries] ?? 1}`,
    `t=${TRANSFERS[to.transfer] ?? 1}`,
    `m=${MATRICES[to.matrix] ?? 1}`,
    `r=${LIMITED}`,
  ];
  if (peakNits === undefined) return [`format=${DEEP}`, `zscale=${[...read, ...written].join(':')}`, 'format=yuv420p'];
  const light = [`p=${PRIMARIES[to.primaries] ?? 1}`, `t=${LINEAR}`, `m=${RGB}`, `npl=${REFERENCE_WHITE_NITS}`];
  const peak = Math.max(peakNits / REFERENCE_WHITE_NITS, 1.01).toFixed(4);
  return [
    `format=${DEEP}`,
    `zscale=${[...read, ...light].join(':')}`,
    'format=gbrpf32le',
    // What grey is made of, for the fading: of a picture in RGB the filter takes the plain sum of the three (5.1).
    `setparams=colorspace=${to.matrix}`,
    `tonemap=mobius:param=${UNTOUCHED}:desat=${FADING}:peak=${peak}`,
    `zscale=${written.join(':')}`,
    'format=yuv420p',
  ];
}

const named = ({ primaries, transfer, matrix }: ColourCoding): string =>
  `setparams=range=tv:color_primaries=${primaries}:color_trc=${transfer}:colorspace=${matrix}`;

/** What ffmpeg's scaler calls a matrix. */
export function scalerMatrix(matrix: string): string {
  if (matrix.startsWith('bt2020')) return 'bt2020';
  return ['bt709', 'fcc', 'smpte240m'].includes(matrix) ? matrix : 'bt601';
}
