// Subtitles in the picture itself: what ffmpeg is told about a file of ours that it draws, by libass or as pictures over the film.
import type { VideoEncode } from '#domain/rendition.ts';

export type Burning = {
  readonly path: string;
  /** Added to a time of the file it gives media time. */
  readonly offsetMs: number;
} & (
  | { readonly kind: 'script'; readonly fontFolder: string | null }
  /** `width` and `height` of the screen that they are drawn for. */
  | { readonly kind: 'pictures'; readonly width: number; readonly height: number }
);

/** Of two that begin at the same time, the filter that lays one over the other would let the picture go first. */
const EARLY_US = 1_000;

/** A disc's screen may be a little off the shape of the film that fills it. */
const SAME_SHAPE = 0.02;

/** The input beside the film, behind it. */
export const burningInput = (burning: Burning | null): string[] =>
  burning?.kind === 'pictures'
    ? [
        ...['-canvas_size', `${burning.width}x${burning.height}`, '-protocol_whitelist', 'file', '-format_whitelist', 'sup'],
        ...['-f', 'sup', '-i', `file:${burning.path}`],
      ]
    : [];

/** Behind all that brings the picture into its shape, where its times are media time. */
export function burningFilters(burning: Burning | null, rendition: VideoEncode): string[] {
  if (burning === null) return [];
  return burning.kind === 'script' ? drawScript(burning, rendition) : drawPictures(burning, rendition);
}

/** In microseconds, so that every frame comes back to its own tick. */
function drawScript(
  { path, fontFolder, offsetMs }: Extract<Burning, { kind: 'script' }>,
  { frameRate: { num, den } }: VideoEncode,
): string[] {
  const offsetUs = Math.round(offsetMs * 1000);
  const fonts = fontFolder === null ? '' : `:fontsdir=${escaped(fontFolder)}`;
  return [
    ...['settb=1/1000000', `setpts=PTS-(${offsetUs})`],
    `ass=filename=${escaped(path)}${fonts}`,
    ...[`setpts=PTS+(${offsetUs})`, `settb=${den}/${num}`],
  ];
}

/** Over the film in its shape: where the film shows only the middle of the screen, the rest of the screen lies beside it. */
function drawPictures(
  { width, height, offsetMs }: Extract<Burning, { kind: 'pictures' }>,
  { width: filmWidth, height: filmHeight, frameRate: { num, den } }: VideoEncode,
): string[] {
  const isSameShape = Math.abs((filmWidth / filmHeight) * (height / width) - 1) < SAME_SHAPE;
  const scale = Math.max(filmWidth / width, filmHeight / height);
  const [shownWidth, shownHeight] = isSameShape ? [filmWidth, filmHeight] : [Math.round(width * scale), Math.round(height * scale)];
  const offsetUs = Math.round(offsetMs * 1000) - EARLY_US;
  const drawn = `[1:s:0]settb=1/1000000,setpts=PTS+(${offsetUs}),scale=${shownWidth}:${shownHeight}[drawn]`;
  return [
    // One graph: the picture so far is the first input of what lays the others over it.
    `settb=1/1000000[film];${drawn};[film][drawn]overlay=x=(W-w)/2:y=(H-h)/2:eof_action=pass`,
    ...['format=yuv420p', `settb=${den}/${num}`],
  ];
}

/** Of a value in a filter (`\`, `'`, `:`), which stands in a graph (`\`, `'`, `[`, `]`, `,`, `;`): ffmpeg takes both off again. */
export const escaped = (value: string): string => value.replace(/[\\':]/g, String.raw`\$&`).replace(/[\\'[\],;]/g, String.raw`\$&`);
