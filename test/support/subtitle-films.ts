// Subtitles of every kind that ffmpeg does not write by itself, and a font.
import { execFileSync } from 'node:child_process';
import type { Bitmap, Canvas } from '#workers/subtitles/pictures/bitmap.ts';
import { displaySets } from '#workers/subtitles/pictures/pgs.ts';

/** A rectangle of one colour: what stands where, and from when to when. */
export type Box = {
  readonly startMs: number;
  readonly endMs: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: readonly [red: number, green: number, blue: number];
};

/** As Blu-rays have them. */
export const supOf = (boxes: readonly Box[], canvas: Canvas): Buffer =>
  Buffer.concat(
    boxes.flatMap(({ startMs, endMs, ...box }, number) =>
      displaySets(
        { startMs, endMs, bitmap: bitmapOf(box) },
        { number, nextMs: boxes[number + 1]?.startMs ?? Number.POSITIVE_INFINITY, canvas },
      ),
    ),
  );

function bitmapOf({ x, y, width, height, colour: [red, green, blue] }: Omit<Box, 'startMs' | 'endMs'>): Bitmap {
  return { x, y, width, height, indexes: new Uint8Array(width * height).fill(1), palette: [{ red, green, blue, alpha: 255 }] };
}

/** Any font of this machine; null where it has none. */
export function someFont(): string | null {
  try {
    return execFileSync('fc-match', ['-f', '%{file}', 'sans'], { encoding: 'utf8' }) || null;
  } catch {
    return null;
  }
}

/** `script` is what stands between the head and the end: styles of its own, or none. */
export const assOf = (events: readonly string[], { width = 320, height = 180, font = 'Sans' } = {}): string => `[Script Info]
ScriptType: v4.00+
PlayResX: ${width}
PlayResY: ${height}
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,${font},24,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,0,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
${events.join('\n')}
`;

/** A filled rectangle, drawn by libass without any font. */
export const assBox = (times: string, { x, y, width, height }: Pick<Box, 'x' | 'y' | 'width' | 'height'>, colour: string): string =>
  `Dialogue: 0,${times},Default,,0,0,0,,{\\an7\\pos(${x},${y})\\bord0\\shad0\\1c&H${colour}&\\p1}m 0 0 l ${width} 0 ${width} ${height} 0 ${height}{\\p0}`;
