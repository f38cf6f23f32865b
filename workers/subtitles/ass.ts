// ASS and SSA: the events with their text, and of styles and override tags what WebVTT can say. Drawings and karaoke are left out.
import type { Cue } from './cue.ts';
import { MAX_CUE_CHARACTERS, MAX_CUES } from './cue.ts';
import { CueText, nearestColour, PLAIN, type Style, settingsOfAlignment } from './markup.ts';
import { oldAlignment } from './tagged-text.ts';

type AssStyle = { readonly style: Style; readonly alignment: number };
const BARE: AssStyle = { style: PLAIN, alignment: 2 };

const EVENT_FIELDS = ['layer', 'start', 'end', 'style', 'name', 'marginl', 'marginr', 'marginv', 'effect', 'text'];
const MAX_STYLES = 1_000;
/** ASS has ten fields an event and some twenty a style; a line is some hundred characters, or a drawing. */
const MAX_FIELDS = 64;
const MAX_LINE_CHARACTERS = 16_384;

export function parseAss(text: string): Cue[] {
  const styles = new Map<string, AssStyle>();
  const cues: Cue[] = [];
  let section = '';
  let fields: readonly string[] = [];
  for (const whole of text.split(/\r\n|\r|\n/)) {
    const line = whole.slice(0, MAX_LINE_CHARACTERS);
    const heading = /^\s*\[([^\]]{1,40})\]/.exec(line)?.[1];
    if (heading !== undefined) {
      section = heading.trim().toLowerCase();
      fields = section === 'events' ? EVENT_FIELDS : [];
      continue;
    }
    const [, key = '', value = ''] = /^\s*(\w{1,20})\s*:(.*)$/.exec(line) ?? [];
    const name = key.toLowerCase();
    if (name === 'format') fields = value.split(',', MAX_FIELDS).map(field => field.trim().toLowerCase());
    else if (name === 'style' && section.includes('styles') && styles.size < MAX_STYLES) addStyle(styles, rowOf(fields, value), section);
    else if (name === 'dialogue' && section === 'events' && cues.length < MAX_CUES) cues.push(cueOf(rowOf(fields, value), styles));
  }
  return cues;
}

/** The last field takes the rest of the line, commas and all. */
function rowOf(fields: readonly string[], value: string): ReadonlyMap<string, string> {
  const parts = value.split(',');
  const last = fields.length - 1;
  return new Map(fields.map((field, at) => [field, (at === last ? parts.slice(at).join(',') : (parts[at] ?? '')).trim()]));
}

function addStyle(styles: Map<string, AssStyle>, row: ReadonlyMap<string, string>, section: string): void {
  const flag = (field: string): boolean => /^-?[1-9]/.test(row.get(field) ?? '');
  const number = Number(row.get('alignment') ?? 2);
  styles.set((row.get('name') ?? '').replace(/^\*/, '').toLowerCase(), {
    style: { i: flag('italic'), b: flag('bold'), u: flag('underline'), colour: colourOf(row.get('primarycolour') ?? '') },
    // The sections of SSA are "V4 Styles", those of ASS "V4+ Styles": their numbers for places differ.
    alignment: section.includes('+') ? number : oldAlignment(number),
  });
}

function cueOf(row: ReadonlyMap<string, string>, styles: ReadonlyMap<string, AssStyle>): Cue {
  const base = styles.get((row.get('style') ?? '').replace(/^\*/, '').toLowerCase()) ?? BARE;
  const { text, alignment } = parseText((row.get('text') ?? '').slice(0, MAX_CUE_CHARACTERS), base, styles);
  return {
    startMs: milliseconds(row.get('start') ?? ''),
    endMs: milliseconds(row.get('end') ?? ''),
    text,
    settings: alignment >= 1 && alignment <= 9 ? settingsOfAlignment(alignment) : '',
  };
}

/** `0:01:02.34`. */
function milliseconds(text: string): number {
  const [, hours, minutes, seconds, fraction] = /^(\d{1,3}):(\d{1,2}):(\d{1,2})(?:[.:](\d{1,6}))?$/.exec(text) ?? [];
  if (seconds === undefined) return Number.NaN;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Math.round(Number(`0.${fraction ?? 0}`) * 1000);
}

function parseText(raw: string, base: AssStyle, styles: ReadonlyMap<string, AssStyle>): { text: string; alignment: number } {
  const out = new CueText();
  let now = base;
  let isDrawing = false;
  // `{…}` holds overrides; what is not closed is text.
  for (const [part] of raw.matchAll(/\{[^{}]*\}|\{|[^{]+/g)) {
    if (part.startsWith('{') && part.endsWith('}')) {
      for (const [, tag = '', value = ''] of part.matchAll(/\\(an?|pos|i|b|u|1?c|r|p)(?![a-z(])([^\\}]{0,60})/gi)) {
        if (tag.toLowerCase() === 'p') isDrawing = Number(value) > 0;
        else now = overridden(now, tag.toLowerCase(), value.trim(), { base, styles });
      }
    } else if (!isDrawing) out.add(part.replace(/\\[Nn]/g, '\n').replaceAll('\\h', '\u00a0'), now.style);
  }
  return { text: out.toString(), alignment: now.alignment };
}

function overridden(
  now: AssStyle,
  tag: string,
  value: string,
  { base, styles }: { base: AssStyle; styles: ReadonlyMap<string, AssStyle> },
): AssStyle {
  const restyled = (change: Partial<Style>): AssStyle => ({ ...now, style: { ...now.style, ...change } });
  switch (tag) {
    case 'i':
    case 'u':
      return restyled({ [tag]: value === '' ? base.style[tag] : Number(value) !== 0 });
    case 'b':
      // A weight, where it is no flag.
      return restyled({ b: value === '' ? base.style.b : Number(value) === 1 || Number(value) >= 600 });
    case 'c':
    case '1c':
      return restyled({ colour: value === '' ? base.style.colour : colourOf(value) });
    case 'an':
      return { ...now, alignment: Number(value) || base.alignment };
    case 'a':
      return { ...now, alignment: oldAlignment(Number(value)) || base.alignment };
    case 'r':
      return { ...(styles.get(value.toLowerCase()) ?? base), alignment: now.alignment };
    default:
      return now;
  }
}

/** `&HAABBGGRR&`, or its number: blue, green, red. */
function colourOf(text: string): string | null {
  const hex = /^&H([0-9a-f]{1,8})&?$/i.exec(text.trim())?.[1];
  const bgr = (hex === undefined ? Number(text.trim() || Number.NaN) : Number.parseInt(hex, 16)) & 0xffffff;
  if (hex === undefined && !/^\d{1,10}$/.test(text.trim())) return null;
  return nearestColour(((bgr & 255) << 16) | (bgr & 0xff00) | (bgr >> 16));
}
