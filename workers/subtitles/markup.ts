// Text with a style, written as WebVTT cue text (W3C WebVTT, 3.2): whatever a file said is escaped, so that nothing of it is ever a tag.
import { MAX_CUE_CHARACTERS } from './cue.ts';

/** Players know these eight as classes (WebVTT, 5.1). */
const COLOURS: readonly (readonly [name: string, rgb: number])[] = [
  ['white', 0xffffff],
  ['lime', 0x00ff00],
  ['cyan', 0x00ffff],
  ['red', 0xff0000],
  ['yellow', 0xffff00],
  ['magenta', 0xff00ff],
  ['blue', 0x0000ff],
  ['black', 0x000000],
];
const NAMED: ReadonlyMap<string, string> = new Map([
  ...COLOURS.map(([name]) => [name, name] as const),
  ['aqua', 'cyan'],
  ['fuchsia', 'magenta'],
  ['green', 'lime'],
]);

export type Style = { readonly i: boolean; readonly b: boolean; readonly u: boolean; readonly colour: string | null };
export const PLAIN: Style = { i: false, b: false, u: false, colour: null };

/** The colour that is nearest to `#rrggbb`, or a name; null for white, which text has anyway, and for what is no colour. */
export function colourClass(text: string): string | null {
  const plain = text.trim().toLowerCase();
  const named = NAMED.get(plain);
  if (named !== undefined) return named === 'white' ? null : named;
  const hex = /^#?([0-9a-f]{6})$/.exec(plain)?.[1];
  return hex === undefined ? null : nearestColour(Number.parseInt(hex, 16));
}

export function nearestColour(rgb: number): string | null {
  const distance = (other: number): number =>
    [16, 8, 0].reduce((sum, shift) => sum + (((rgb >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
  const [nearest] = COLOURS.toSorted(([, a], [, b]) => distance(a) - distance(b));
  // Black would not be seen on the black that most players put behind text.
  return nearest === undefined || nearest[0] === 'white' || nearest[0] === 'black' ? null : nearest[0];
}

/** Collects runs of text with their style; tags are opened and closed around each, so that they always nest. */
export class CueText {
  #text = '';
  #length = 0;

  add(raw: string, style: Style): void {
    const room = MAX_CUE_CHARACTERS - this.#length;
    // These end a line, and so a cue, for some readers.
    const plain = raw.slice(0, Math.max(0, room)).replace(/[\r\u2028\u2029]/g, ' ');
    this.#length += plain.length;
    if (plain === '') return;
    if (plain.trim() === '') {
      this.#text += plain;
      return;
    }
    const names = [...(style.colour === null ? [] : [`c.${style.colour}`]), ...(['i', 'b', 'u'] as const).filter(name => style[name])];
    const open = names.map(name => `<${name}>`).join('');
    const close = names
      .toReversed()
      .map(name => `</${name.split('.')[0]}>`)
      .join('');
    this.#text += open + escaped(plain) + close;
  }

  /** Lines trimmed, blank ones left out: a blank line would end the cue. */
  toString(): string {
    return this.#text
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '' && line.replace(/<[^>]*>/g, '').trim() !== '')
      .join('\n');
  }
}

/** `-->` can not be written in a cue, so that `>` is escaped too; control characters have no place in text. */
const escaped = (text: string): string =>
  text
    .replace(/[^\P{Cc}\n\t]|\ufeff/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: '\u00a0',
  lrm: '\u200e',
  rlm: '\u200f',
  quot: '"',
  apos: "'",
};

/** What stands for a character in the file, before it is escaped for ours. */
export const unescaped = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (whole, decimal: string, hex: string, name: string) => {
    if (name) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : '';
  });

/** Where ASS puts text, by the number pad: the top and the middle are said, the bottom is where players put it anyway. */
export function settingsOfAlignment(alignment: number): string {
  const row = Math.ceil(alignment / 3);
  const column = (alignment - 1) % 3;
  const line = row === 3 ? ['line:0'] : row === 2 ? ['line:50%'] : [];
  const side = column === 0 ? ['align:start'] : column === 2 ? ['align:end'] : [];
  return [...line, ...side].join(' ');
}
