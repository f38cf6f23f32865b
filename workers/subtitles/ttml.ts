// TTML and its kin (DFXP, IMSC, EBU-TT-D): paragraphs with times, spans with a style. Read tag by tag: no entity is ever resolved but the five of XML.
import type { Rational } from '#domain/media.ts';
import type { Cue } from './cue.ts';
import { MAX_CUES } from './cue.ts';
import { CueText, colourClass, PLAIN, type Style, unescaped } from './markup.ts';

const TAG = /<(\/?)(?:[\w.-]{1,40}:)?([\w.-]{1,40})((?:\s[^<>]{0,4000})?)(\/?)>|<[^<>]{0,4000}>/g;
const MAX_DEPTH = 64;

type Clock = { readonly frameRate: number; readonly tickRate: number };
type Look = { readonly style: Style; readonly isTop: boolean };
type Open = { readonly name: string; readonly look: Look; readonly beginMs: number; readonly endMs: number };
type Paragraph = { readonly out: CueText; readonly startMs: number; readonly endMs: number };

export function parseTtml(text: string, frameRate: Rational): Cue[] {
  return new TtmlReader(frameRate).read(text);
}

class TtmlReader {
  readonly #cues: Cue[] = [];
  readonly #open: Open[] = [];
  readonly #looks = new Map<string, Look>();
  readonly #tops = new Set<string>();
  #clock: Clock;
  #paragraph: Paragraph | null = null;
  /** Whose layout or style is being read: a region's, whose own styles follow inside it. */
  #region: string | null = null;

  constructor({ num, den }: Rational) {
    this.#clock = { frameRate: num / den, tickRate: 1 };
  }

  read(text: string): Cue[] {
    let at = 0;
    const plain = withoutSections(text);
    for (const match of plain.matchAll(TAG)) {
      this.#text(plain.slice(at, match.index));
      at = match.index + match[0].length;
      const [, slash, name, rest = '', isEmpty] = match;
      if (name === undefined) continue;
      if (slash === '/') this.#end(name);
      else this.#begin(name, attributesOf(rest), isEmpty === '/' || rest.endsWith('/'));
      if (this.#cues.length === MAX_CUES) break;
    }
    return this.#cues;
  }

  get #now(): Open {
    return this.#open.at(-1) ?? { name: '', look: { style: PLAIN, isTop: false }, beginMs: 0, endMs: Number.POSITIVE_INFINITY };
  }

  /** White space counts as one space, as in XML text by default. */
  #text(raw: string): void {
    this.#paragraph?.out.add(unescaped(raw).replace(/\s+/g, ' '), this.#now.look.style);
  }

  #begin(name: string, attributes: ReadonlyMap<string, string>, isEmpty: boolean): void {
    if (name === 'tt') this.#clock = clockOf(attributes, this.#clock);
    if (name === 'br') this.#paragraph?.out.add('\n', PLAIN);
    if (name === 'style') this.#define(attributes);
    if (name === 'region') {
      this.#region = attributes.get('id') ?? null;
      if (attributes.get('displayAlign') === 'before' && this.#region !== null) this.#tops.add(this.#region);
    }
    if (isEmpty || this.#open.length >= MAX_DEPTH) return;
    const parent = this.#now;
    const beginMs = parent.beginMs + (timeOf(attributes.get('begin'), this.#clock) ?? 0);
    const look = this.#lookOf(attributes, parent.look);
    const endMs = Math.min(parent.endMs, this.#endOf(attributes, beginMs, parent.beginMs));
    this.#open.push({ name, look, beginMs, endMs });
    if (name === 'p') this.#paragraph = { out: new CueText(), startMs: beginMs, endMs };
  }

  #end(name: string): void {
    const at = this.#open.findLastIndex(one => one.name === name);
    if (at === -1) return;
    const { look } = this.#open[at] as Open;
    this.#open.length = at;
    if (name === 'region') this.#region = null;
    if (name !== 'p' || this.#paragraph === null) return;
    const { out, startMs, endMs } = this.#paragraph;
    this.#cues.push({ startMs, endMs, text: out.toString(), settings: look.isTop ? 'line:0' : '' });
    this.#paragraph = null;
  }

  #endOf(attributes: ReadonlyMap<string, string>, beginMs: number, parentMs: number): number {
    const end = timeOf(attributes.get('end'), this.#clock);
    const length = timeOf(attributes.get('dur'), this.#clock);
    return Math.min(
      end === null ? Number.POSITIVE_INFINITY : parentMs + end,
      length === null ? Number.POSITIVE_INFINITY : beginMs + length,
    );
  }

  #define(attributes: ReadonlyMap<string, string>): void {
    const id = attributes.get('id');
    if (id !== undefined && this.#looks.size < 1_000) this.#looks.set(id, this.#lookOf(attributes, { style: PLAIN, isTop: false }));
    if (this.#region !== null && attributes.get('displayAlign') === 'before') this.#tops.add(this.#region);
  }

  #lookOf(attributes: ReadonlyMap<string, string>, inherited: Look): Look {
    const named = (attributes.get('style') ?? '').split(/\s+/).flatMap(id => this.#looks.get(id) ?? []);
    let { style } = inherited;
    for (const look of named)
      style = {
        i: style.i || look.style.i,
        b: style.b || look.style.b,
        u: style.u || look.style.u,
        colour: look.style.colour ?? style.colour,
      };
    const isTop = inherited.isTop || this.#tops.has(attributes.get('region') ?? '');
    const [slant, weight, decoration, colour] = ['fontStyle', 'fontWeight', 'textDecoration', 'color'].map(name => attributes.get(name));
    return {
      isTop,
      style: {
        i: slant === undefined ? style.i : slant === 'italic' || slant === 'oblique',
        b: weight === undefined ? style.b : weight === 'bold',
        u: decoration === undefined ? style.u : decoration.includes('underline') && !decoration.includes('noUnderline'),
        colour:
          colour === undefined
            ? style.colour
            : colourClass(colour.slice(0, 7).length === 7 && colour.startsWith('#') ? colour.slice(0, 7) : colour),
      },
    };
  }
}

/** Comments left out, and what stands in CDATA as text; what never ends is left out too. */
function withoutSections(text: string): string {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const from = text.indexOf('<!', at);
    parts.push(text.slice(at, from === -1 ? text.length : from));
    if (from === -1) return parts.join('');
    const isData = text.startsWith('<![CDATA[', from);
    const end = isData ? ']]>' : text.startsWith('<!--', from) ? '-->' : '<';
    const to = text.indexOf(end, from + (isData ? 9 : 4));
    if (to === -1) return parts.join('');
    if (isData)
      parts.push(
        text
          .slice(from + 9, to)
          .replaceAll('&', '&amp;')
          .replaceAll('<', '&lt;'),
      );
    at = end === '<' ? to : to + end.length;
  }
}

/** By local name: prefixes differ from file to file. */
function attributesOf(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/(?:[\w.-]{1,40}:)?([\w.-]{1,40})\s{0,20}=\s{0,20}(?:"([^"]{0,1000})"|'([^']{0,1000})')/g);
  return new Map([...found].map(([, name = '', double, single]) => [name, unescaped(double ?? single ?? '')] as const));
}

function clockOf(attributes: ReadonlyMap<string, string>, before: Clock): Clock {
  const [numerator = 1, denominator = 1] = (attributes.get('frameRateMultiplier') ?? '1 1').split(/[\s:]+/).map(Number);
  const told = Number(attributes.get('frameRate') ?? Number.NaN);
  const frameRate = told > 0 && numerator > 0 && denominator > 0 ? (told * numerator) / denominator : before.frameRate;
  const ticks = Number(attributes.get('tickRate') ?? Number.NaN);
  return { frameRate, tickRate: ticks > 0 ? ticks : told > 0 ? frameRate : before.tickRate };
}

/** `00:01:02.345`, `00:01:02:12` (frames), `62.5s`, `1500ms`, `90f`, `620000t` (TTML, 12.3.1). */
function timeOf(text: string | undefined, { frameRate, tickRate }: Clock): number | null {
  const clock = /^(\d{2,4}):(\d{2}):(\d{2})(?:(\.\d{1,9})|:(\d{1,3})(?:\.\d{1,3})?)?$/.exec(text ?? '');
  if (clock !== null) {
    const [, hours, minutes, seconds, fraction = '0', frames = '0'] = clock;
    const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
    return Math.round((whole + Number(fraction) + Number(frames) / frameRate) * 1000);
  }
  const [, count, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)(h|m|s|ms|f|t)$/.exec(text ?? '') ?? [];
  if (count === undefined) return null;
  const seconds: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, f: 1 / frameRate, t: 1 / tickRate };
  return Math.round(Number(count) * (seconds[unit] ?? 0) * 1000);
}
