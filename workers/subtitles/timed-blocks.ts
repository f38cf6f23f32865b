// SRT and WebVTT: blocks of a line with two times and lines of text.
import type { Cue } from './cue.ts';
import { MAX_CUE_CHARACTERS, MAX_CUES } from './cue.ts';
import { parseTagged } from './tagged-text.ts';

/** Written by hand as often as by programs: a point for the comma, one digit of hours or none, parts of a second of any length. */
const TIME = String.raw`(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,9}))?`;
const TIMES = new RegExp(String.raw`^\s*${TIME}\s*-{1,2}>\s*${TIME}(?![\d:])(.{0,500})`);

/** The settings of a WebVTT cue that are kept, each with the values that it may have (WebVTT, 3.5). */
const SETTINGS: Readonly<Record<string, RegExp>> = {
  line: /^-?\d{1,3}(?:\.\d{1,3})?%?(?:,(?:start|center|end))?$/,
  position: /^\d{1,3}(?:\.\d{1,3})?%(?:,(?:line-left|center|line-right))?$/,
  size: /^\d{1,3}(?:\.\d{1,3})?%$/,
  align: /^(?:start|center|end|left|right)$/,
  vertical: /^(?:rl|lr)$/,
};

export const parseSrt = (text: string): Cue[] => parseBlocks(text, { hasEntities: false });

/** NOTE, STYLE and REGION blocks have no times, and so are no cues. */
export const parseVtt = (text: string): Cue[] => parseBlocks(text, { hasEntities: true });

function parseBlocks(text: string, { hasEntities }: { readonly hasEntities: boolean }): Cue[] {
  const lines = text.split(/\r\n|\r|\n/);
  const cues: Cue[] = [];
  let at = 0;
  while (at < lines.length && cues.length < MAX_CUES) {
    const times = TIMES.exec(lines[at] ?? '');
    at++;
    if (times === null) continue;
    const from = at;
    while (at < lines.length && !endsText(lines, at)) at++;
    const raw = lines.slice(from, at).join('\n').slice(0, MAX_CUE_CHARACTERS);
    const parsed = parseTagged(raw, { hasEntities });
    const settings = hasEntities ? settingsOf(times[9] ?? '') : parsed.settings;
    cues.push({ startMs: milliseconds(times.slice(1, 5)), endMs: milliseconds(times.slice(5, 9)), text: parsed.text, settings });
  }
  return cues;
}

/** A blank line ends the text, and so does the next cue's number where its blank line is missing. */
function endsText(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  if (line.trim() === '' || TIMES.test(line)) return true;
  return /^\s*\d{1,6}\s*$/.test(line) && TIMES.test(lines[at + 1] ?? '');
}

function milliseconds([hours, minutes, seconds, fraction]: readonly (string | undefined)[]): number {
  const whole = (Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1000 + Math.round(Number(`0.${fraction ?? 0}`) * 1000);
}

function settingsOf(text: string): string {
  return text
    .trim()
    .split(/\s+/)
    .filter(setting => {
      const [name = '', value = ''] = setting.split(':', 2);
      return Object.hasOwn(SETTINGS, name) && SETTINGS[name]?.test(value) === true;
    })
    .join(' ');
}
