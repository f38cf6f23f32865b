// Cues as an ASS script of our own, for libass to draw: what WebVTT says of places and looks, and the words of the author as words.
import type { Cue } from '#workers/subtitles/cue.ts';

const HEAD = `[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 216
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Sans,14,&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,1,0.5,2,16,16,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`;

/** The colour classes of WebVTT (5.1), as ASS writes them: blue, green, red. */
const COLOURS: Readonly<Record<string, string>> = {
  white: 'FFFFFF',
  lime: '00FF00',
  cyan: 'FFFF00',
  red: '0000FF',
  yellow: '00FFFF',
  magenta: 'FF00FF',
  blue: 'FF0000',
  black: '000000',
};
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: '\u00a0', lrm: '\u200e', rlm: '\u200f' };

export function writeScript(cues: readonly Cue[]): Buffer {
  const lines = cues.map(
    ({ startMs, endMs, text, settings }) =>
      `Dialogue: 0,${clock(startMs)},${clock(endMs)},Default,,0,0,0,,${placeOf(settings)}${text
        .split(/(<[^>]*>)/)
        .map(piece)
        .join('')}`,
  );
  return Buffer.from(`${HEAD}${lines.join('\n')}\n`, 'utf8');
}

/** A tag of ours, or words. */
function piece(text: string): string {
  if (!text.startsWith('<')) return words(text);
  const [, end, name = '', classes = ''] = /^<(\/?)([ibuc])((?:\.[a-z]+)*)/.exec(text) ?? [];
  if (name === 'c') {
    const colour = classes
      .split('.')
      .flatMap(one => COLOURS[one] ?? [])
      .at(-1);
    return end === '/' ? '{\\c}' : colour === undefined ? '' : `{\\c&H${colour}&}`;
  }
  return name === '' ? '' : `{\\${name}${end === '/' ? 0 : 1}}`;
}

/** Braces and backslashes begin what the author did not write: lookalikes stand for them. */
const words = (text: string): string =>
  text
    .replace(/&(\w{2,4});/g, (entity, name: string) => ENTITIES[name] ?? entity)
    .replaceAll('\\', '\u29f5')
    .replaceAll('{', '\uff5b')
    .replaceAll('}', '\uff5d')
    .replace(/\r?\n/g, '\\N');

function placeOf(settings: string): string {
  const line = /(?:^| )line:(-?[\d.]+)(%?)/.exec(settings);
  if (line === null) return '';
  const percent = line[2] === '%' ? Number(line[1]) : Number(line[1]) >= 0 ? 0 : 100;
  return percent < 34 ? '{\\an8}' : percent < 67 ? '{\\an5}' : '';
}

function clock(ms: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const hundredths = Math.round(ms / 10);
  const seconds = Math.floor(hundredths / 100);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${two(hundredths % 100)}`;
}
