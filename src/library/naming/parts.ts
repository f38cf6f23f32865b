// Films in several files: `cd1`, `disc 2`, `part1`, `pt2`, `parta`.
import type { Word } from './tokens.ts';

/** Media; a title has none with a number behind it. */
const DISCS = new Set(['cd', 'disc', 'disk', 'dvd']);
/** Of titles too, so that a space before the number leaves them there: "Dune Part 2". */
const PARTS = new Set(['part', 'pt']);
/** `cd1of2` as well. */
const GLUED = /^(cd|disc|disk|dvd|part|pt)(\d{1,2}|[a-d])(?:of\d{1,2})?$/;

export type PartAt = { readonly part: number /** Words. */; readonly from: number; readonly to: number };

/** `behind`: a word from which on nothing is of the title, such as the one behind the year; 0: there is no title. */
export function partIn(words: readonly Word[], behind: number): PartAt | null {
  for (let at = words.length - 1; at >= Math.min(behind, 1); at--) {
    const found = partAt(words, at, behind);
    if (found !== null) return found;
  }
  return null;
}

function partAt(words: readonly Word[], at: number, behind: number): PartAt | null {
  const [word, next] = [words[at] as Word, words[at + 1]];
  const isLast = at === words.length - 1;
  const glued = GLUED.exec(word.text);
  if (glued !== null && (isLast || at >= behind)) return { part: numberOf(glued[2] ?? ''), from: at, to: at + 1 };
  if (next === undefined || !/^(?:\d{1,2}|[a-d])$/.test(next.text) || next.gap.length > 1) return null;
  const isDisc = DISCS.has(word.text) && (at + 2 === words.length || at >= behind);
  const isPart = PARTS.has(word.text) && at >= behind && (at + 2 === words.length || /[[(]/.test(words[at + 2]?.gap ?? ''));
  return isDisc || isPart ? { part: numberOf(next.text), from: at, to: at + 2 } : null;
}

const numberOf = (text: string): number => (/^\d/.test(text) ? Number(text) : text.charCodeAt(0) - 'a'.charCodeAt(0) + 1);
