// The year in a name, and which of several it is.
import type { Word } from './tokens.ts';

/** Films are older than neither; later numbers are of titles: "Blade Runner 2049". */
const FIRST = 1880;
const LAST = 2039;

export type YearAt = { readonly year: number /** Of the word. */; readonly at: number };

export function yearOf({ text }: Word): number | null {
  const year = /^\d{4}(?:г|года?|年)?$/.test(text) ? Number(text.slice(0, 4)) : 0;
  return year >= FIRST && year <= LAST ? year : null;
}

/** "Title (1999)", "Title [1999]", "Title *1999*", "Title (1999-2004)": the last, for it is the one that was added. */
export function bracketedYear(name: string, words: readonly Word[]): YearAt | null {
  for (let at = words.length - 1; at >= 0; at--) {
    const word = words[at] as Word;
    const year = yearOf(word);
    if (year === null || !/[([*]\s*$/.test(word.gap)) continue;
    const until = words[at + 1];
    const isRange = until !== undefined && /^\s*[-–]\s*$/.test(until.gap) && /^\d{2}(?:\d{2})?$/.test(until.text);
    const end = isRange ? until.end : word.end;
    if (/^\s*[-–]?\s*[)\]*]/.test(name.slice(end, end + 4))) return { year, at };
  }
  return null;
}

/** "Title 1999 1080p": right before what is not of the title any more; none that is a part of a date or of a range. */
export function plainYear(words: readonly Word[], end: number): YearAt | null {
  for (const at of [end, end - 1]) {
    const word = words[at];
    const year = word === undefined || at === 0 ? null : yearOf(word);
    if (word !== undefined && year !== null && !isOfDate(words, at)) return { year, at };
  }
  return null;
}

function isOfDate(words: readonly Word[], at: number): boolean {
  const [before, word, after] = [words[at - 1], words[at], words[at + 1]];
  const isAfterNumber = /^[-–/]$/.test(word?.gap ?? '') && /^(?:\d{1,2}|(?:19|20)\d\d)$/.test(before?.text ?? '');
  const isBeforeNumber = /^[-–./]$/.test(after?.gap ?? '') && /^\d{1,2}$/.test(after?.text ?? '');
  return isAfterNumber || isBeforeNumber || (/^[-–]$/.test(after?.gap ?? '') && /^\d{4}$/.test(after?.text ?? ''));
}
