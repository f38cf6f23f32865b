// Several episodes in one file: what follows the first number of `E01E02`, `E01-E03`, `1x01-02`, `02x03 - 02x04`, `Episodes 1 to 10`.
import type { Token } from '../tokens.ts';
import { isFree } from './free-numbers.ts';
import { RANGE_WORDS, SEVERAL } from './words.ts';

export type First = {
  /** Of the first number. */
  readonly at: number;
  /** That stands before it: `e`, `ep`, `x`, `episode`. */
  readonly word: string;
  readonly season: number | null;
  /** It is spelled out. */
  readonly isWord: boolean;
};

/** No file holds more, and no number of a name may become a list of any length. */
const MAX_EPISODES = 400;
const LETTERS = new Set(['e', 'ep', 'x']);
const TIGHT = new Set(['-', '–', '~', '+', '&']);

/** The numbers of a file are those from its first to its last. */
export const firstToLast = (first: number, last: number): readonly number[] =>
  last > first && last - first < MAX_EPISODES ? Array.from({ length: last - first + 1 }, (_, step) => first + step) : [first];

/** The last number of all, and where they end. */
export function moreEpisodes(tokens: readonly Token[], first: First): { last: number; to: number } {
  let to = behindPart(tokens, first.at + 1);
  let last = tokens[first.at]?.value ?? 0;
  for (;;) {
    const next = nextNumber(tokens, to, first);
    const number = next === null ? undefined : tokens[next];
    if (next === null || number === undefined || number.value <= last || number.value - last >= MAX_EPISODES || isHalfAWord(tokens, next))
      break;
    last = number.value;
    to = behindPart(tokens, next + 1);
  }
  return { last, to };
}

/** `E01b`, `E01v2`: which part or version of it. */
function behindPart(tokens: readonly Token[], at: number): number {
  const word = tokens[at]?.word ?? '';
  if (word === 'v' && tokens[at + 1]?.kind === 'digits') return at + 2;
  return /^[a-c]$/.test(word) && tokens[at + 1]?.kind !== 'digits' ? at + 1 : at;
}

function nextNumber(tokens: readonly Token[], at: number, first: First): number | null {
  const here = tokens[at];
  if (here?.kind === 'letters') return LETTERS.has(here.word) && tokens[at + 1]?.kind === 'digits' ? at + 1 : null;
  if (here?.kind !== 'gap') return null;
  return letteredNext(tokens, at, first) ?? plainNext(tokens, at, first);
}

/** ` - E02`, `.S01E02`, ` - 02x04`. */
function letteredNext(tokens: readonly Token[], at: number, { word, season }: First): number | null {
  const sign = (tokens[at]?.text ?? '').replaceAll(/\s/g, '');
  if (!/^[-–~+&._,]?$/.test(sign)) return null;
  let next = at + 1;
  const [letter, number] = [tokens[next], tokens[next + 1]];
  const isSeasonAgain = season !== null && number?.value === season && letter?.word === 's';
  if (isSeasonAgain) next += 2;
  else if (season !== null && letter?.kind === 'digits' && letter.value === season && number?.word === 'x') next += 1;
  const mark = tokens[next]?.word ?? '';
  const isSame = mark === word || (LETTERS.has(mark) && (isSeasonAgain || sign === '' || tokens[at]?.text === sign));
  const isMark = (LETTERS.has(mark) || mark === word) && isSame;
  return isMark && tokens[next + 1]?.kind === 'digits' ? next + 1 : null;
}

/** `-02`; behind a spelled word also ` to 10`, ` & 4`. */
function plainNext(tokens: readonly Token[], at: number, { word, isWord }: First): number | null {
  const gap = tokens[at]?.text ?? '';
  const next = tokens[at + 1];
  if (next?.kind === 'letters') {
    const isRange = isWord && RANGE_WORDS.has(next.word) && tokens[at + 2]?.kind === 'gap';
    return isRange && tokens[at + 3]?.kind === 'digits' ? at + 3 : null;
  }
  if (next?.kind !== 'digits' || next.text.length > 5) return null;
  if (TIGHT.has(gap) || (word === 'x' && gap === '_' && next.text.length === 2)) return at + 1;
  if (isWord && /^ ?[&+] ?$/.test(gap)) return at + 1;
  return SEVERAL.has(word) && TIGHT.has(gap.trim()) ? at + 1 : null;
}

/** `S01E01-720p`, `E05-10bit`: the number belongs to what follows it. */
function isHalfAWord(tokens: readonly Token[], at: number): boolean {
  const after = tokens[at + 1];
  return after?.kind === 'letters' && /^\p{Script=Latin}/u.test(after.text) && !/^(?:[a-c]|v|e|ep|x|of|iz)$/.test(after.word);
}

/** Numbers without a word: `05`, `01-03`, `01~03`, `215 to 220`; `to`: the token behind them. */
export function plainRunAt(tokens: readonly Token[], at: number): { episodes: readonly number[]; to: number } {
  const [first, mark] = [tokens[at] as Token, tokens[at + 1]];
  const isSpelled = RANGE_WORDS.has(tokens[at + 2]?.word ?? '') && tokens[at + 3]?.kind === 'gap';
  const place = isSpelled ? at + 4 : at + 2;
  const last = tokens[place];
  // `103, 104`.
  const isNext = mark?.text === ' ~ ' || (/^(?:, | & | \+ )$/.test(mark?.text ?? '') && last?.value === first.value + 1);
  const isRun = last?.kind === 'digits' && (isSpelled || isNext || TIGHT.has(mark?.text ?? '')) && isFree(tokens, place);
  const isLike =
    isRun && last.text.length >= first.text.length && last.text.length <= Math.max(first.text.length, 3) && last.value > first.value;
  return isLike ? { episodes: firstToLast(first.value, last.value), to: place + 1 } : { episodes: [first.value], to: at + 1 };
}
