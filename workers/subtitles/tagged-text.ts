// The text of SRT and WebVTT cues: a few HTML-like tags, and the `{\an8}` that SRT has from ASS. Whatever is none of them is text.
import { CueText, colourClass, PLAIN, type Style, settingsOfAlignment, unescaped } from './markup.ts';

/** One of ours, with what may stand in it; or a tag of WebVTT that is dropped and leaves its text. */
const TAG =
  /<(\/?)(i|b|u|em|strong|font|c|v|lang|ruby|rt|span|p|div|s|br)((?:[.\s/][^<>]{0,300})?)>|<\d{1,3}:\d\d[\d:.]{0,12}>|\{\\[^{}\n]{0,200}\}/gi;

type Open = { readonly name: string; readonly style: Style };

/** `hasEntities`: `&amp;` stands for `&`, as in WebVTT. */
export function parseTagged(raw: string, { hasEntities }: { readonly hasEntities: boolean }): { text: string; settings: string } {
  const out = new CueText();
  const open: Open[] = [];
  let style = PLAIN;
  let settings = '';
  let at = 0;
  const add = (until: number): void => {
    const text = raw.slice(at, until);
    out.add(hasEntities ? unescaped(text) : unescapedSpaces(text), style);
  };
  for (const match of raw.matchAll(TAG)) {
    add(match.index);
    at = match.index + match[0].length;
    const name = match[2]?.toLowerCase();
    const alignment = /^\{\\an?(\d{1,2})/.exec(match[0])?.[1];
    if (alignment !== undefined)
      settings = settingsOfAlignment(match[0].startsWith('{\\an') ? Number(alignment) : oldAlignment(Number(alignment)));
    if (name === 'br') out.add('\n', style);
    if (name === undefined || name === 'br') continue;
    if (match[1] === '/') style = closed(open, name, style);
    else if (open.length < 32) {
      open.push({ name, style });
      style = styled(style, name, match[3] ?? '');
    }
  }
  add(raw.length);
  return { text: out.toString(), settings };
}

const unescapedSpaces = (text: string): string => text.replaceAll('&nbsp;', '\u00a0');

function styled(style: Style, name: string, rest: string): Style {
  switch (name) {
    case 'i':
    case 'em':
      return { ...style, i: true };
    case 'b':
    case 'strong':
      return { ...style, b: true };
    case 'u':
      return { ...style, u: true };
    case 'font': {
      const colour = /color\s*=\s*["']?([#\w]{3,20})/i.exec(rest)?.[1];
      return colour === undefined ? style : { ...style, colour: colourClass(colour) };
    }
    case 'c': {
      const colour = rest
        .split('.')
        .map(colourClass)
        .find(one => one !== null);
      return colour === undefined ? style : { ...style, colour };
    }
    default:
      return style;
  }
}

/** The style that was there before the tag was opened; unchanged for one that never was. */
function closed(open: Open[], name: string, style: Style): Style {
  const at = open.findLastIndex(one => one.name === name);
  const before = open[at]?.style;
  if (before === undefined) return style;
  open.length = at;
  return before;
}

/** SSA's own numbers: 1 to 3 below, 5 to 7 above, 9 to 11 in the middle. */
export const oldAlignment = (number: number): number => (number >= 9 ? number - 5 : number >= 5 ? number + 2 : number);
