// Seasons and episodes that a name calls so: `S01E02-E03`, `1x02`, `Season 3 Episode 9`, `3.sezon.22.seria`. One grammar over tokens, whatever the words.
import type { Token } from '../tokens.ts';
import { isFree, isYearLike } from './free-numbers.ts';
import { firstToLast, moreEpisodes, plainRunAt } from './runs.ts';
import {
  EPISODE_LETTERS,
  EPISODE_SUFFIXES,
  EPISODE_WORDS,
  NUMBER_WORDS,
  OF_WORDS,
  ORDINALS,
  SEASON_LETTERS,
  SEASON_WORDS,
  SEVERAL,
  TITLE_WORDS,
} from './words.ts';

/** From token `from` up to, and without, token `to`. */
export type Span = { readonly from: number; readonly to: number };
export type SeasonMark = Span & { readonly season: number; readonly isSeveral: boolean };
export type EpisodeMark = Span & {
  readonly episodes: readonly number[];
  readonly isWord: boolean;
  /** Written with its number: `Episode 1.22`. */
  readonly season?: number;
};
export type Mark = Span & {
  readonly season: number;
  readonly episodes: readonly number[];
  /** `S2 - 07`: names that count so often count on through the seasons. */
  readonly isBare: boolean;
};

/** `1920x800` is a picture, and no season 1920. */
const MAX_PLAIN_SEASON = 99;
/** May stand between a word and its number. */
const NEAR = /^(?:[\s._-]|[\s.]*[#№]|\. |: ?|\()$/u;
/** May stand between a season and its episode. */
const JOINT = /^[\s._\-–,;:[(]{1,4}$/u;

/** A season with its episodes right behind it. */
export function pairIn(tokens: readonly Token[]): Mark | null {
  for (const at of tokens.keys()) {
    const found = crossAt(tokens, at) ?? fourDigitsAt(tokens, at) ?? pairAt(tokens, at);
    if (found !== null) return found;
  }
  return null;
}

export const seasonIn = (tokens: readonly Token[]): SeasonMark | null => firstOf(tokens, seasonAt);
export const episodesIn = (tokens: readonly Token[]): EpisodeMark | null => firstOf(tokens, episodesAt);

function firstOf<Found>(tokens: readonly Token[], read: (tokens: readonly Token[], at: number) => Found | null): Found | null {
  for (const at of tokens.keys()) {
    const found = read(tokens, at);
    if (found !== null) return found;
  }
  return null;
}

function pairAt(tokens: readonly Token[], at: number): Mark | null {
  const season = seasonAt(tokens, at);
  if (season === null || season.isSeveral) return null;
  const joint = tokens[season.to];
  const next = joint?.kind === 'gap' && JOINT.test(joint.text) ? season.to + 1 : season.to;
  const called = episodesAt(tokens, next, season);
  const episodes = called ?? (next > season.to ? bareEpisodeAt(tokens, next, joint) : null);
  const isBare = called === null && (/[-[(]/.test(joint?.text ?? '') || (tokens[next]?.text.length ?? 0) > 2);
  return episodes === null ? null : { from: season.from, to: episodes.to, season: season.season, episodes: episodes.episodes, isBare };
}

/** `S01.07` and `S3 - 12`: but for `S01-07`, which is several seasons. */
function bareEpisodeAt(tokens: readonly Token[], at: number, joint: Token | undefined): EpisodeMark | null {
  const number = tokens[at];
  if (number?.kind !== 'digits' || number.text.length > 3 || !isFree(tokens, at)) return null;
  // Several seasons, but for `S2-07`.
  if (joint?.text === '-' && tokens[at - 2]?.text.length !== 1) return null;
  const after = tokens[at + 1];
  // `S01 5.1`, `S01 10-bit`.
  const isPartOfMore = after?.kind === 'gap' && /^[.-]$/.test(after.text) && tokens[at + 2] !== undefined && number.text.length < 2;
  if (isPartOfMore || /^bits?$/.test(tokens[at + 2]?.word ?? '')) return null;
  return { from: at, ...plainRunAt(tokens, at), isWord: false };
}

/** `S01`, `Season 1`, `3rd Season`, `Seasons 1-5`. */
export function seasonAt(tokens: readonly Token[], at: number): SeasonMark | null {
  const token = tokens[at];
  if (token === undefined || token.kind === 'gap') return null;
  return token.kind === 'digits' ? numberedSeasonAt(tokens, at) : (letteredSeasonAt(tokens, at) ?? spelledSeasonAt(tokens, at));
}

function letteredSeasonAt(tokens: readonly Token[], at: number): SeasonMark | null {
  const letter = tokens[at];
  // The s of `Marvel's 2` belongs to Marvel; an O is often written for the zero.
  if (letter === undefined || /['’]$/.test(tokens[at - 1]?.text ?? '') || tokens[at - 1]?.kind === 'digits') return null;
  const isZero = letter.word === 'so';
  const ends = letter.word.length > 2 && letter.word.endsWith('s') && tokens[at + 2]?.word === 'e' && isEpisodeBehind(tokens, at + 2);
  if (!isZero && !ends && !SEASON_LETTERS.has(letter.word)) return null;
  const spaced = letter.text === 'S' && tokens[at + 1]?.text === ' ' && /^0\d$/.test(tokens[at + 2]?.text ?? '');
  const place = spaced ? at + 2 : at + 1;
  const number = tokens[place];
  if (number?.kind !== 'digits' || !isSeasonNumber(number)) return null;
  if (letter.word === 't' && !isEpisodeBehind(tokens, place + 1)) return null;
  const isSeasonBehind = tokens[place + 1]?.word === 's' && tokens[place + 2]?.kind === 'digits';
  if (!isFree(tokens, place) && !isSeasonBehind && !isEpisodeBehind(tokens, place + 1)) return null;
  return severalSeasons(tokens, { from: at, to: place + 1, season: number.value, isSeveral: false });
}

/** Its letter or word stands right here, and a number behind it. */
const isEpisodeBehind = (tokens: readonly Token[], at: number): boolean =>
  /^(?:e|ep|x|xe)$/.test(tokens[at]?.word ?? '') && tokens[at + 1]?.kind === 'digits';

function spelledSeasonAt(tokens: readonly Token[], at: number): SeasonMark | null {
  const word = tokens[at]?.word ?? '';
  if (!SEASON_WORDS.has(word)) return null;
  const spelled = tokens[at + 1]?.kind === 'gap' ? NUMBER_WORDS.indexOf(tokens[at + 2]?.word ?? '') + 1 : 0;
  if (spelled > 0 && !TITLE_WORDS.has(word)) return { from: at, to: at + 3, season: spelled, isSeveral: false };
  const place = numberNear(tokens, at + 1);
  const number = place === null ? undefined : tokens[place];
  if (place === null || number === undefined || !isSeasonNumber(number)) return null;
  if (TITLE_WORDS.has(word) && (isYearLike(number) || /[:(]/.test(tokens[at + 1]?.text ?? ''))) return null;
  return severalSeasons(tokens, { from: at, to: place + 1, season: number.value, isSeveral: false });
}

/** `3 сезон`, `10º Temporada`. What follows the word may be its number as well: `Friends 3 Season 4`, but `3 сезон 5 серия`. */
function numberedSeasonAt(tokens: readonly Token[], at: number): SeasonMark | null {
  const number = tokens[at];
  if (number === undefined || number.text.length > 2 || tokens[at - 1]?.kind === 'letters') return null;
  const ordinal = behindOrdinal(tokens, at + 1);
  const hasOrdinal = ordinal > at + 1;
  const word = behindGap(tokens, ordinal);
  const text = tokens[word]?.word ?? '';
  if (!SEASON_WORDS.has(text) || (TITLE_WORDS.has(text) && !hasOrdinal)) return null;
  const behind = numberNear(tokens, word + 1);
  const isBehindItsOwn = behind !== null && !hasOrdinal && isSeasonNumber(tokens[behind]) && !isFollowedByEpisodeWord(tokens, behind);
  return isBehindItsOwn ? null : { from: at, to: word + 1, season: number.value, isSeveral: false };
}

/** `rd`, ` rd`, `-й`: the token behind it; the same where there is none. */
function behindOrdinal(tokens: readonly Token[], at: number): number {
  if (ORDINALS.has(tokens[at]?.word ?? '')) return at + 1;
  return /^[ -]$/.test(tokens[at]?.text ?? '') && /^(?:st|nd|rd|th|й|я|ый|ой|ая)$/.test(tokens[at + 1]?.word ?? '') ? at + 2 : at;
}

const behindGap = (tokens: readonly Token[], at: number): number =>
  tokens[at]?.kind === 'gap' && /^[\s._°-]{1,3}$/.test(tokens[at]?.text ?? '') ? at + 1 : at;

function isFollowedByEpisodeWord(tokens: readonly Token[], at: number): boolean {
  const word = tokens[at + 1]?.kind === 'gap' ? at + 2 : at + 1;
  return EPISODE_WORDS.has(tokens[word]?.word ?? '') && numberNear(tokens, word + 1) === null;
}

/** `S01-S07`, `Season 1 to 6`, `Seasons 1, 2 & 3`: the first stands for all. */
function severalSeasons(tokens: readonly Token[], mark: SeasonMark): SeasonMark {
  let { to } = mark;
  const isLetter = SEASON_LETTERS.has(tokens[mark.from]?.word ?? '');
  for (;;) {
    // `S01S02`.
    if (tokens[to]?.word === 's' && tokens[to + 1]?.kind === 'digits' && tokens[to + 2]?.word !== 'e') {
      to += 2;
      continue;
    }
    const gap = tokens[to];
    if (gap?.kind !== 'gap') break;
    let next = to + 1;
    const isSpelled = RANGE_WORDS_OF_SEASONS.has(tokens[next]?.word ?? '');
    if (isSpelled) next += 2;
    const isWordAgain = !isLetter && SEASON_WORDS.has(tokens[next]?.word ?? '') && tokens[next + 1]?.kind === 'gap';
    const isAgain = SEASON_LETTERS.has(tokens[next]?.word ?? '') || isWordAgain;
    if (isAgain) next += isWordAgain ? 2 : 1;
    const number = tokens[next];
    const isTight =
      ((isSpelled || isAgain) && gap.text.length === 1) ||
      /^\s?[-–~:+&,]{1,2}\s?$/.test(gap.text) ||
      (!isLetter && /^(?: ?[,&+:] ?(?:& )?| )$/.test(gap.text));
    // `Season 1 - 4`, but `Season 2 - 10` and `S2-07`.
    const first = tokens[mark.to - 1]?.text.length;
    const isOther = /-/.test(gap.text) && !isAgain && (number?.text.length !== first || (!isLetter && /\s/.test(gap.text) && first !== 1));
    const isDashed = isOther || (isLetter && !isAgain && /\s/.test(gap.text));
    if (!isTight || isDashed || number?.kind !== 'digits' || number.text.length > 2 || !isFree(tokens, next) || number.value <= mark.season)
      break;
    if (EPISODE_WORDS.has(tokens[next + 2]?.word ?? '')) break;
    to = next + 1;
  }
  return to === mark.to ? mark : { ...mark, to, isSeveral: true };
}

const RANGE_WORDS_OF_SEASONS = new Set(['to', 'a', 'bis', 'до']);

/** `E02`, `Ep. 2`, `Episode 2`, `22.seria`, `5of6`, with all that follow. */
export function episodesAt(tokens: readonly Token[], at: number, season: SeasonMark | null = null): EpisodeMark | null {
  const token = tokens[at];
  if (token?.kind === 'digits') return season?.to === at ? null : numberedEpisodeAt(tokens, at);
  if (token?.kind !== 'letters') return null;
  const isLetter = EPISODE_LETTERS.has(token.word) || (/^xe?$/.test(token.word) && season?.to === at);
  if (!isLetter && (!EPISODE_WORDS.has(token.word) || EPISODE_SUFFIXES.has(token.word))) return null;
  const isGlued = tokens[at - 1]?.kind === 'letters' || tokens[at - 1]?.kind === 'digits';
  if (isGlued && season?.to !== at) return null;
  const place = /^(?:e|xe?)$/.test(token.word) ? at + 1 : numberNear(tokens, at + 1);
  const number = place === null ? undefined : tokens[place];
  if (place === null || number?.kind !== 'digits' || number.text.length > 5) return null;
  if (place > at + 1 && tokens[place + 1]?.text === '.' && isSecondOfPair(tokens, place + 2) && number.text.length < 3) {
    return { from: at, to: place + 3, episodes: [tokens[place + 2]?.value ?? 0], isWord: true, season: number.value };
  }
  const isWord = !isLetter || SEVERAL.has(token.word);
  const more = moreEpisodes(tokens, { at: place, word: token.word, season: season?.season ?? null, isWord });
  if (!isFree(tokens, more.to - 1)) return null;
  return { from: at, to: more.to, episodes: firstToLast(number.value, more.last), isWord };
}

/** `Episode 1.22`, `EP #1.2`. */
const isSecondOfPair = (tokens: readonly Token[], at: number): boolean =>
  tokens[at]?.kind === 'digits' &&
  (tokens[at]?.text.length ?? 0) < 3 &&
  isFree(tokens, at) &&
  !(tokens[at + 1]?.text === '.' && tokens[at + 2]?.kind === 'digits');

function numberedEpisodeAt(tokens: readonly Token[], at: number): EpisodeMark | null {
  const number = tokens[at];
  const before = tokens[at - 1];
  if (number === undefined || number.text.length > 4 || (before?.kind === 'letters' && before.word !== '第')) return null;
  // `第01-15集`.
  const isRun = before?.word === '第' && /^[-~]$/.test(tokens[at + 1]?.text ?? '') && tokens[at + 2]?.kind === 'digits';
  const last = isRun ? at + 2 : at;
  const word = behindGap(tokens, behindOrdinal(tokens, last + 1));
  const text = tokens[word]?.word ?? '';
  const isPlaced =
    EPISODE_SUFFIXES.has(text) ||
    (EPISODE_WORDS.has(text) && (word === last + 1 || behindOrdinal(tokens, last + 1) > last + 1 || numberNear(tokens, word + 1) === null));
  const episodes = firstToLast(number.value, tokens[last]?.value ?? 0);
  if (isPlaced) return { from: before?.word === '第' ? at - 1 : at, to: word + 1, episodes, isWord: true };
  const total = OF_WORDS.has(text) ? numberNear(tokens, word + 1) : null;
  const isOf = total !== null && text !== 'de' && number.text.length < 3 && (tokens[total]?.value ?? 0) >= number.value;
  return isOf && isFree(tokens, total) ? { from: at, to: total + 1, episodes: [number.value], isWord: true } : null;
}

/** `1x02`, `02x03-04`, `2009x05`; letters may come right before it: `Castle1x01`. */
function crossAt(tokens: readonly Token[], at: number): Mark | null {
  const [before, season, cross, number] = [tokens[at - 1], tokens[at], tokens[at + 1], tokens[at + 2]];
  if (season?.kind !== 'digits' || !/^[x×]$/.test(cross?.text.toLowerCase() ?? '') || number?.kind !== 'digits') return null;
  const isYear = isYearLike(season) && number.text.length < 3;
  if ((season.text.length > 2 && !isYear) || number.text.length > 3) return null;
  // `AC3x2`, `5.1x2`.
  if (before?.kind === 'letters' && (number.text.length < 2 || before.text.length < 4)) return null;
  if (before?.text === '.' && tokens[at - 2]?.kind === 'digits' && number.text.length < 2) return null;
  const more = moreEpisodes(tokens, { at: at + 2, word: 'x', season: season.value, isWord: false });
  const isWhole = isFree(tokens, more.to - 1) || (tokens[more.to]?.text.length === 1 && tokens[more.to]?.kind === 'letters');
  return isWhole ? { from: at, to: more.to, season: season.value, episodes: firstToLast(number.value, more.last), isBare: false } : null;
}

/** `S0615`. */
function fourDigitsAt(tokens: readonly Token[], at: number): Mark | null {
  const number = tokens[at + 1];
  if (tokens[at]?.word !== 's' || !/^[01]\d{3}$/.test(number?.text ?? '') || tokens[at - 1]?.kind === 'digits') return null;
  if (number === undefined || isYearLike(number) || !isFree(tokens, at + 1)) return null;
  return { from: at, to: at + 2, season: Math.floor(number.value / 100), episodes: [number.value % 100], isBare: false };
}

/** Where the number of a word stands, glued to it or near. */
function numberNear(tokens: readonly Token[], at: number): number | null {
  const token = tokens[at];
  if (token?.kind === 'digits') return at;
  return token?.kind === 'gap' && NEAR.test(token.text) && tokens[at + 1]?.kind === 'digits' ? at + 1 : null;
}

const isSeasonNumber = (token: Token | undefined): boolean =>
  token?.kind === 'digits' && (isYearLike(token) || (token.value <= MAX_PLAIN_SEASON && token.text.length <= 3));
