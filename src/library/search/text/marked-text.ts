// Which parts of a text matched: as segments, never as markup. Pure.

import type { Segment } from '../search-document.ts';
import { fold, partsOf, wordsOf } from './folding.ts';

/** What is looked for: the words, folded, and whether a word may go on behind it. */
export type Marker = { readonly text: string; readonly isPrefix: boolean };

const MAX_EXCERPT = 160;
const BEFORE_MATCH = 40;

export function segmentsOf(text: string, markers: readonly Marker[]): Segment[] {
  const segments: Segment[] = [];
  let end = 0;
  for (const [from, to] of stretchesOf(text, markers)) {
    if (from > end) segments.push({ text: text.slice(end, from), isMatch: false });
    segments.push({ text: text.slice(from, to), isMatch: true });
    end = to;
  }
  if (end < text.length || segments.length === 0) segments.push({ text: text.slice(end), isMatch: false });
  return segments;
}

/** Of a long text the part around its first match. */
export function excerptOf(text: string, markers: readonly Marker[]): Segment[] {
  if (text.length <= MAX_EXCERPT) return segmentsOf(text, markers);
  const [first] = stretchesOf(text, markers);
  const from = wordStart(text, Math.max(0, (first?.[0] ?? 0) - BEFORE_MATCH));
  const to = wordEnd(text, Math.min(text.length, from + MAX_EXCERPT));
  const part = segmentsOf(text.slice(from, to), markers);
  return [...(from > 0 ? [{ text: '…', isMatch: false }] : []), ...part, ...(to < text.length ? [{ text: '…', isMatch: false }] : [])];
}

export const hasMatch = (segments: readonly Segment[]): boolean => segments.some(({ isMatch }) => isMatch);

function stretchesOf(text: string, markers: readonly Marker[]): (readonly [from: number, to: number])[] {
  const found: (readonly [number, number])[] = [];
  for (const word of wordsOf(text)) {
    for (const stretch of stretchesOfWord(text.slice(word.start, word.end), word.text, markers)) {
      const [from, to] = [word.start + stretch[0], word.start + stretch[1]];
      const last = found.at(-1);
      if (last !== undefined && from <= last[1]) found[found.length - 1] = [last[0], Math.max(last[1], to)];
      else found.push([from, to]);
    }
  }
  return found;
}

function stretchesOfWord(word: string, folded: string, markers: readonly Marker[]): (readonly [number, number])[] {
  const isUnspaced = partsOf(folded).some(part => part.isUnspaced);
  const places = markers.flatMap(({ text, isPrefix }) => {
    const at = isUnspaced ? folded.indexOf(text) : folded.startsWith(text) ? 0 : -1;
    if (text === '' || at < 0 || (!isUnspaced && !isPrefix && folded !== text)) return [];
    return [[at, at + text.length] as const];
  });
  return places
    .sort((a, b) => a[0] - b[0] || b[1] - a[1])
    .map(([from, to]) => [lengthThatFolds(word, folded, from), lengthThatFolds(word, folded, to)] as const);
}

/** How many letters as they are written make so many folded ones. */
function lengthThatFolds(word: string, folded: string, wanted: number): number {
  if (wanted === 0) return 0;
  if (wanted >= folded.length) return word.length;
  let length = 0;
  for (const letter of word) {
    const made = fold(word.slice(0, length)).length;
    if (made >= wanted && !/^\p{M}/u.test(word.slice(length))) return length;
    length += letter.length;
  }
  return length;
}

function wordStart(text: string, at: number): number {
  if (at === 0) return 0;
  const space = text.indexOf(' ', at);
  return space < 0 || space - at > BEFORE_MATCH / 2 ? wholeAt(text, at) : space + 1;
}

function wordEnd(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const space = text.lastIndexOf(' ', at);
  return at - space > BEFORE_MATCH / 2 ? wholeAt(text, at) : space;
}

/** Not between the halves of one letter. */
const wholeAt = (text: string, at: number): number => (/[\udc00-\udfff]/.test(text[at] ?? '') ? at + 1 : at);
