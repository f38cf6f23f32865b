// The day on which an episode was shown: `2010.05.14`, `14-05-2010`, `20100514`, `14 May 2010`, `9th Dec 2019`.
import type { Token } from '../tokens.ts';
import type { Span } from './marks.ts';
import { ORDINALS } from './words.ts';

export type DateMark = Span & { /** YYYY-MM-DD. */ readonly airDate: string };

const MONTHS: readonly (readonly string[])[] = [
  ['jan', 'january', 'januar', 'janvier', 'enero'],
  ['feb', 'february', 'februar', 'février', 'febrero'],
  ['mar', 'march', 'märz', 'mars', 'marzo'],
  ['apr', 'april', 'avril', 'abril'],
  ['may', 'mai', 'mayo'],
  ['jun', 'june', 'juni', 'juin', 'junio'],
  ['jul', 'july', 'juli', 'juillet', 'julio'],
  ['aug', 'august', 'août', 'agosto'],
  ['sep', 'sept', 'september', 'septembre', 'septiembre'],
  ['oct', 'october', 'oktober', 'octobre', 'octubre'],
  ['nov', 'november', 'novembre', 'noviembre'],
  ['dec', 'december', 'dezember', 'décembre', 'diciembre'],
];
const MONTH_OF = new Map(MONTHS.flatMap((names, at) => names.map(name => [name, at + 1] as const)));
const FIRST_YEAR = 1900;
const LAST_YEAR = 2099;
const MARK = /^[.\-_ /]$/;

/** `isShortAllowed`: with a year of two digits, which anything with three numbers looks like. */
export function airDateIn(tokens: readonly Token[], isShortAllowed: boolean): DateMark | null {
  for (const at of tokens.keys()) {
    const found = wholeAt(tokens, at) ?? numbersAt(tokens, at) ?? namedAt(tokens, at);
    if (found !== null) return found;
  }
  if (!isShortAllowed) return null;
  for (const at of tokens.keys()) {
    const found = at === 0 ? null : (shortAt(tokens, at) ?? wholeShortAt(tokens, at));
    if (found !== null) return found;
  }
  return null;
}

/** `20190820`. */
function wholeAt(tokens: readonly Token[], at: number): DateMark | null {
  const digits = tokens[at];
  if (digits?.kind !== 'digits' || digits.text.length !== 8 || tokens[at - 1]?.kind === 'letters' || tokens[at + 1]?.kind === 'letters')
    return null;
  const { text } = digits;
  return dated({ from: at, to: at + 1 }, Number(text.slice(0, 4)), Number(text.slice(4, 6)), Number(text.slice(6)));
}

/** Three numbers with the same sign between them. A day goes before a month, where both may be either. */
function numbersAt(tokens: readonly Token[], at: number): DateMark | null {
  const found = threeAt(tokens, at);
  if (found === null) return null;
  const { span, first, second, third } = found;
  if (first.text.length === 4 && third.text.length <= 2) {
    return dated(span, first.value, second.value, third.value) ?? dated(span, first.value, third.value, second.value);
  }
  if (third.text.length !== 4 || first.text.length > 2) return null;
  return dated(span, third.value, second.value, first.value) ?? dated(span, third.value, first.value, second.value);
}

/** `10-19-12`: as Americans write it, or with the day first where that is impossible. */
function shortAt(tokens: readonly Token[], at: number): DateMark | null {
  const found = threeAt(tokens, at);
  if (found === null || [found.first, found.third].some(({ text }) => text.length !== 2)) return null;
  const { span, first, second, third } = found;
  const year = third.value + (third.value > 60 ? 1900 : 2000);
  return dated(span, year, first.value, second.value) ?? dated(span, year, second.value, first.value);
}

/** `140722`: year, month and day, between two words. */
function wholeShortAt(tokens: readonly Token[], at: number): DateMark | null {
  const [before, digits, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
  if (digits?.text.length !== 6 || digits.kind !== 'digits' || before?.kind !== 'gap' || after?.kind !== 'gap') return null;
  const { text } = digits;
  return dated({ from: at, to: at + 1 }, 2000 + Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4)));
}

function threeAt(tokens: readonly Token[], at: number): { span: Span; first: Token; second: Token; third: Token } | null {
  const [first, mark, second, again, third] = tokens.slice(at, at + 5);
  if (first?.kind !== 'digits' || second?.kind !== 'digits' || third?.kind !== 'digits') return null;
  if (mark === undefined || !MARK.test(mark.text) || again?.text !== mark.text || second.text.length > 2) return null;
  if (tokens[at - 1]?.kind === 'letters' || tokens[at + 5]?.kind === 'letters') return null;
  // A version or an address has four numbers.
  if (
    mark.text !== ' ' &&
    tokens[at + 5]?.text === mark.text &&
    tokens[at + 6]?.kind === 'digits' &&
    third.text.length < 3 &&
    first.text.length < 4
  )
    return null;
  return { span: { from: at, to: at + 5 }, first, second, third };
}

/** `9th Dec 2019`, `16-Feb-17`, `May 14, 2010`. */
function namedAt(tokens: readonly Token[], at: number): DateMark | null {
  const month = MONTH_OF.get(tokens[at]?.word ?? '');
  if (month === undefined || tokens[at + 1]?.kind !== 'gap') return null;
  const hasOrdinal = tokens[at - 2]?.kind === 'letters' && ORDINALS.has(tokens[at - 2]?.word ?? '');
  const before = at - (hasOrdinal ? 3 : 2);
  const day = tokens[before];
  const after = tokens[at + 2];
  if (day?.kind === 'digits' && day.text.length <= 2 && after?.kind === 'digits') {
    const year = yearOf(after);
    return year === null ? null : dated({ from: before, to: at + 3 }, year, month, day.value);
  }
  const year = tokens[at + 4];
  // "September 30 1955" is a film.
  if (at === 0 || after?.kind !== 'digits' || after.text.length > 2 || year?.text.length !== 4 || year.kind !== 'digits') return null;
  return dated({ from: at, to: at + 5 }, year.value, month, after.value);
}

const yearOf = ({ text, value }: Token): number | null => (text.length === 4 ? value : text.length === 2 ? 2000 + value : null);

function dated(span: Span, year: number, month: number, day: number): DateMark | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  const isReal = year >= FIRST_YEAR && year <= LAST_YEAR && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isReal ? { ...span, airDate: date.toISOString().slice(0, 10) } : null;
}
