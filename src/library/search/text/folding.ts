// Text as it is searched for: words without case, accents and punctuation, and pairs of letters where a script writes no spaces. Pure.
import { foldLetters } from '#domain/catalogue/title-text.ts';

/** Where a word stands in the text it was taken from. */
export type Word = { readonly text: string; readonly start: number; readonly end: number };

/** Of Latin, Greek, Cyrillic, Hebrew and Arabic: of Devanagari and Thai they are vowels, without which other words are left. */
const ACCENTS =
  /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]|[\u0591-\u05c7]|[\u0610-\u061a\u064b-\u065f]|\u0670|[\u06d6-\u06ed]/gu;
const KATAKANA = /[\u30a1-\u30f6]/gu;
const TO_HIRAGANA = 0x60;
const HANGUL = /[\uac00-\ud7af]+/gu;
const WORD = /(?:[\p{L}\p{N}\p{M}]|(?<=[\p{L}\p{N}\p{M}])['’](?=[\p{L}\p{N}]))+|&/gu;
const SIGNS = /[^\p{L}\p{N}\p{M}\p{Z}\p{C}]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
/** Signs become letters of nobody, so that "!!!" and "$" are words too. */
const PRIVATE_USE = 0xe000;
const PRIVATE_USE_SIZE = 0x1900;

/** One word, or a stretch of text, letter by letter. A syllable of Hangul is its letters, so that one half typed is the beginning of it. */
export const fold = (text: string): string =>
  foldLetters(text.normalize('NFKD').replaceAll(ACCENTS, '').normalize('NFC').toLowerCase())
    .replaceAll(/['’]/g, '')
    .replaceAll(KATAKANA, letter => String.fromCodePoint((letter.codePointAt(0) ?? 0) - TO_HIRAGANA))
    .replaceAll(HANGUL, syllables => syllables.normalize('NFD'));

/** Folded, with their places in `text`; of a text of signs alone, those. */
export function wordsOf(text: string): Word[] {
  const words = Array.from(text.matchAll(WORD), ({ 0: word, index }) => ({
    text: word === '&' ? 'and' : fold(word),
    start: index,
    end: index + word.length,
  })).filter(word => word.text !== '');
  if (words.some(({ end, start }) => text.slice(start, end) !== '&')) return words;
  return Array.from(text.matchAll(SIGNS), ({ 0: signs, index }) => ({
    text: Array.from(signs, sign => String.fromCodePoint(PRIVATE_USE + ((sign.codePointAt(0) ?? 0) % PRIVATE_USE_SIZE))).join(''),
    start: index,
    end: index + signs.length,
  }));
}

/** A word in parts: as it is, or what is written without spaces apart from the rest. */
export function partsOf(word: string): { readonly text: string; readonly isUnspaced: boolean }[] {
  const parts: { text: string; isUnspaced: boolean }[] = [];
  let end = 0;
  for (const { 0: text, index } of word.matchAll(UNSPACED)) {
    if (index > end) parts.push({ text: word.slice(end, index), isUnspaced: false });
    parts.push({ text, isUnspaced: true });
    end = index + text.length;
  }
  if (end < word.length) parts.push({ text: word.slice(end), isUnspaced: false });
  return parts;
}

/** Each letter with the next one, and the last alone: so every letter begins a token, and every stretch is a phrase. */
export function pairsOf(text: string): string[] {
  const letters = [...text];
  return letters.map((letter, at) => letter + (letters[at + 1] ?? ''));
}

/** What is written into the index for a text. */
export const tokensOf = (text: string): string[] =>
  wordsOf(text).flatMap(word => partsOf(word.text).flatMap(part => (part.isUnspaced ? pairsOf(part.text) : [part.text])));

/** A text as it is compared with another one as a whole. */
export const foldedText = (text: string): string =>
  wordsOf(text)
    .map(word => word.text)
    .join(' ');

/** "Spider-Man" is looked for as "spiderman", "M*A*S*H" as "mash", "Star Wars" as "starwars". */
export function joinedWords(text: string): string[] {
  const joined = new Set<string>();
  for (const chunk of text.split(/\s+/u)) {
    const words = wordsOf(chunk);
    if (words.length > 1) joined.add(words.map(word => word.text).join(''));
  }
  const words = wordsOf(text);
  if (words.length <= MAX_JOINED) for (const [at, word] of words.entries()) if (words[at + 1]) joined.add(word.text + words[at + 1]?.text);
  return [...joined];
}

const MAX_JOINED = 5;
