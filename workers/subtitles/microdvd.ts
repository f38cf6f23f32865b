// MicroDVD: `{frame}{frame}text|text`. Its times are frames of the film, unless its first line says how many of them make a second.
import type { Rational } from '#domain/media.ts';
import type { Cue } from './cue.ts';
import { MAX_CUE_CHARACTERS, MAX_CUES } from './cue.ts';
import { CueText, nearestColour, PLAIN, type Style } from './markup.ts';

const LINE = /^\s*[{[](\d{1,8})[}\]][{[](\d{0,8})[}\]](.*)$/;
/** Text without an end is shown for so long. */
const DEFAULT_S = 4;
/** A first line of text that is only a number is the rate. */
const RATE = /^\d{1,3}(?:\.\d{1,6})?$/;

export function parseMicroDvd(text: string, frameRate: Rational): Cue[] {
  let rate = frameRate.num / frameRate.den;
  const cues: Cue[] = [];
  let isFirst = true;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const [, start, end, raw = ''] = LINE.exec(line) ?? [];
    if (start === undefined || cues.length === MAX_CUES) continue;
    const told = isFirst && RATE.test(raw.trim()) ? Number(raw) : 0;
    isFirst = false;
    if (told > 1) {
      rate = told;
      continue;
    }
    const startMs = Math.round((Number(start) * 1000) / rate);
    const endMs = end ? Math.round((Number(end) * 1000) / rate) : startMs + DEFAULT_S * 1000;
    cues.push({ startMs, endMs, text: textOf(raw.slice(0, MAX_CUE_CHARACTERS)), settings: '' });
  }
  return cues;
}

/** `{Y:i}` styles the cue, `{y:i}` its line; `/` before a line means italics. */
function textOf(raw: string): string {
  const out = new CueText();
  let whole = PLAIN;
  raw.split('|').forEach((part, at) => {
    let line = whole;
    const text = part.replace(/\{([a-z]):([^{}]{0,40})\}/gi, (_, key: string, value: string) => {
      line = styled(line, key, value);
      if (key === 'Y' || key === 'C') whole = styled(whole, key, value);
      return '';
    });
    if (at > 0) out.add('\n', PLAIN);
    out.add(text.replace(/^\//, ''), text.startsWith('/') ? { ...line, i: true } : line);
  });
  return out.toString();
}

function styled(style: Style, key: string, value: string): Style {
  const has = (letter: string): boolean => value.toLowerCase().includes(letter);
  if (key.toLowerCase() === 'y') return { ...style, i: style.i || has('i'), b: style.b || has('b'), u: style.u || has('u') };
  // `$BBGGRR`.
  const bgr = key.toLowerCase() === 'c' ? /^\$([0-9a-f]{6})$/i.exec(value)?.[1] : undefined;
  if (bgr === undefined) return style;
  const number = Number.parseInt(bgr, 16);
  return { ...style, colour: nearestColour(((number & 255) << 16) | (number & 0xff00) | (number >> 16)) };
}
