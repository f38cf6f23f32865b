// From the bytes of a subtitle file to cues, by what it is; a name that says otherwise does not matter.
import type { Rational } from '#domain/media.ts';
import { decodeText } from '#domain/subtitles/charset.ts';
import { parseAss } from './ass.ts';
import { type Cue, tidied } from './cue.ts';
import { parseMicroDvd } from './microdvd.ts';
import { parseSami } from './sami.ts';
import { parseSrt, parseVtt } from './timed-blocks.ts';
import { parseTtml } from './ttml.ts';

/** Times are the file's own. */
export function parseSubtitles(bytes: Uint8Array, frameRate: Rational): Cue[] {
  const text = decodeText(bytes);
  return tidied(parserFor(text.slice(0, 4_096))(text, frameRate));
}

function parserFor(head: string): (text: string, frameRate: Rational) => Cue[] {
  const start = head.replace(/^[\ufeff\s]+/, '');
  if (start.startsWith('WEBVTT')) return parseVtt;
  if (/^\[script info\]|^\s*\[(?:v4\+? styles|events)\]/im.test(head)) return parseAss;
  if (/^<\?xml|^<(?:\w{1,20}:)?tt[\s>]/i.test(start)) return parseTtml;
  if (/^<sami[\s>]/i.test(start)) return parseSami;
  if (/^[{[]\d{1,8}[}\]][{[]\d{0,8}[}\]]/.test(start)) return parseMicroDvd;
  return parseSrt;
}
