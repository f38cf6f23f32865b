// Numbers that no word calls an episode, where the place in the name does: `Show - 012`, `[Group] Show 05 [1080p]`, `03 - Title`, `show.103.hdtv`.
import type { Token } from '../tokens.ts';
import { isFree, isYearLike } from './free-numbers.ts';
import type { Span } from './marks.ts';
import { firstToLast, plainRunAt } from './runs.ts';
import { OTHER_NUMBERED } from './words.ts';

export type LoneNumber = Span & {
  readonly episodes: readonly number[];
  /** Where the number tells it: `103` is the third of the first. */
  readonly season: number | null;
  /** Between two episodes, as `12.5` is: a special. */
  readonly isBetween: boolean;
};

export type Place = {
  readonly isFansub: boolean;
  /** Of its folder. */
  readonly season: number | null;
  /** A character from which on the name is of the release. */
  readonly releaseFrom: number;
  /** Length of what the name has of the show's title in front, as its folder says it; 0 where they differ. */
  readonly titleLength: number;
  /** The tokens begin behind that. */
  readonly isBehindTitle?: boolean;
};

/** Lines of a picture: no episode where other numbers are. */
const LINES = new Set([360, 480, 540, 576, 720, 1080, 1440, 2160, 4320]);
/** Of one season: a scene number with more is a count through all. */
const MAX_OF_A_SEASON = 50;
const DASHED = /(?:^|[^-–—])[-–—:][\s._]+$/;
const ENDS = /^[\s._]*(?:[-–—]?[\s._]*[[({]|[-–—~:][\s._])/;

type Reader = (tokens: readonly Token[], place: Place) => LoneNumber | null;

/** The surest first. */
const READERS: readonly Reader[] = [inFront, behindDash, inBrackets, behindHash, pairOfNumbers, amongFansubs, sceneNumber, behindTitle];

export function loneNumberIn(tokens: readonly Token[], place: Place): LoneNumber | null {
  for (const read of READERS) {
    const found = read(tokens, place);
    if (found !== null) return found;
  }
  return null;
}

/** `03.mkv`, `02-04 - Title` in a folder of a season; `102 - Title` anywhere. */
function inFront(tokens: readonly Token[], { season, releaseFrom }: Place): LoneNumber | null {
  const at = tokens[0]?.kind === 'gap' ? 1 : 0;
  const first = tokens[at];
  if (first?.kind !== 'digits' || first.text.length > 4 || !isFree(tokens, at) || first.start >= releaseFrom) return null;
  if (isYearLike(first) || (season === null && isPair(tokens, at))) return null;
  const run = runAt(tokens, at);
  const gap = tokens[run.to];
  // `02 Title`, but `09 Movie - Title`.
  const isPadded = gap?.text === ' ' && /^0\d$/.test(first.text) && !OTHER_NUMBERED.has(tokens[run.to + 1]?.word ?? '');
  // `1.1TB`.
  if (gap?.text === '.' && tokens[run.to + 1]?.kind === 'digits') return null;
  const isAlone =
    gap === undefined || isPadded || (gap.text === '-' && /^0\d$/.test(first.text)) || /^\s*[-–—:]\s+$|^\.\s+$/.test(gap.text);
  if (season === null) return isAlone ? run : null;
  return isAlone || run.to > at + 1 || /^[\s._-]/.test(gap?.text ?? '') ? inSeason(run, season) : null;
}

/** `Show - 012v2`; of several the one behind which the title is over. */
function behindDash(tokens: readonly Token[], place: Place): LoneNumber | null {
  const all = candidates(tokens, place).filter(at => at > 0 && DASHED.test(tokens[at - 1]?.text ?? '') && !isDecimalPair(tokens, at));
  const at =
    all.find(one => isEnd(tokens, one, place) || betweenAt(tokens, one) !== null) ??
    all.find(one => !isYearLike(tokens[one] as Token) && (tokens[one]?.text.length ?? 0) > 1);
  if (at === undefined) return null;
  const spaced = place.isFansub ? (spacedRunBefore(tokens, at) ?? spacedRunBehind(tokens, at, place)) : null;
  return spaced ?? inSeason(betweenAt(tokens, at) ?? runAt(tokens, at), place.season);
}

/** `[13]`, `[01-24]`, `(01-25)`. */
function inBrackets(tokens: readonly Token[], place: Place): LoneNumber | null {
  const isFansub = place.isFansub || place.season !== null || place.isBehindTitle === true;
  for (const [at, number] of tokens.entries()) {
    const opening = tokens[at - 1]?.text.at(-1);
    if (number.kind !== 'digits' || (opening !== '[' && opening !== '(') || number.text.length > 4 || LINES.has(number.value)) continue;
    const run = runAt(tokens, at);
    const last = tokens[run.to]?.text === ' ' ? run.to + 1 : run.to;
    const isOver = /^(?:完|end|fin|v|话|話|集)$/.test(tokens[last]?.word ?? '');
    const closing = tokens[isOver ? last + 1 : run.to];
    const isAllowed =
      !isYearLike(number) &&
      (opening === '['
        ? isFansub || (number.text.length > 1 && /^\][\s_]*\[/.test(closing?.text ?? ''))
        : run.episodes.length > 1 && number.text.length > 1);
    if (isAllowed && (/^[\])]/.test(closing?.text ?? '') || isOver) && (at > 1 || tokens[0]?.kind !== 'digits'))
      return inSeason(run, place.season);
  }
  return null;
}

/** `#17`. */
function behindHash(tokens: readonly Token[], place: Place): LoneNumber | null {
  const at = candidates(tokens, place).find(one => tokens[one - 1]?.text.endsWith('#'));
  return at === undefined ? null : { ...runAt(tokens, at), season: place.season ?? 1 };
}

/** `4-13`, `03-20`, `5.01`, `11_06`: a season and an episode, where they end a name, begin it, or stand in brackets. */
function pairOfNumbers(tokens: readonly Token[], place: Place): LoneNumber | null {
  for (const at of candidates(tokens, { ...place, releaseFrom: Number.POSITIVE_INFINITY })) {
    if (!isPair(tokens, at)) continue;
    const [before, season, mark, episode, after] = [tokens[at - 1], tokens[at], tokens[at + 1], tokens[at + 2], tokens[at + 3]];
    if (season === undefined || episode === undefined || season.start >= place.releaseFrom) continue;
    const isInside = before !== undefined && /[[\s_.\-–]$/.test(before.text) && !(before.text === '-' && mark?.text === '-');
    const isLast = after === undefined || ENDS.test(after.text) || (tokens.length === at + 5 && tokens[at + 4]?.text.length === 1);
    // "3.10 to Yuma".
    const isFirst = before === undefined && (mark?.text === '.' ? /^\s+[-–]\s+$/ : /\s$/).test(after?.text ?? ' - ');
    const isClosed = before?.text.endsWith('[') === true && after?.text.startsWith(']') === true;
    if (isClosed || isFirst || (isInside && isLast && place.season === null)) {
      return { from: at, to: at + 3, season: season.value, episodes: [episode.value], isBetween: false };
    }
  }
  return null;
}

/** `[Group] Show 05 [1080p]`. */
function amongFansubs(tokens: readonly Token[], place: Place): LoneNumber | null {
  if (!place.isFansub) return null;
  const all = candidates(tokens, place).filter(at => at > 0 && !isYearLike(tokens[at] as Token));
  const at = all.findLast(one => isEnd(tokens, one, place)) ?? all.findLast(one => /^0\d/.test(tokens[one]?.text ?? ''));
  return at === undefined ? null : inSeason(runAt(tokens, at), place.season);
}

/** `show.103.hdtv`, `show.101.102`: as those write who share shows within hours. */
function sceneNumber(tokens: readonly Token[], place: Place): LoneNumber | null {
  for (const at of candidates(tokens, place)) {
    const number = tokens[at] as Token;
    const isThree = /^[1-9]\d\d$/.test(number.text) && !LINES.has(number.value);
    const isFour =
      (/^0[1-9]\d\d$/.test(number.text) || /^[12]\d\d\d$/.test(number.text)) && !isYearLike(number) && !LINES.has(number.value);
    const [before, after] = [tokens[at - 1], tokens[at + 1]];
    if (
      (!isThree && !isFour) ||
      before === undefined ||
      before.text.length > 1 ||
      place.season !== null ||
      (isFour && place.isBehindTitle === true)
    )
      continue;
    if (at < 2 && place.isBehindTitle !== true) continue;
    const run = sceneRun(tokens, at);
    // The name of a group may follow.
    const isLast =
      (tokens[run.to]?.text === '-' && tokens.length === run.to + 2) ||
      (isThree && /^[._]$/.test(before.text) && tokens[run.to]?.text === before.text);
    const isOver = after === undefined || tokens[run.to] === undefined || isLast || isEnd(tokens, run.to - 1, place);
    if (isOver && run.episodes.every(episode => episode > 0 && episode <= MAX_OF_A_SEASON)) return run;
  }
  return null;
}

/** `Show 12` in the folder `Show`, or of a season; `Show 05` anywhere. */
function behindTitle(tokens: readonly Token[], place: Place): LoneNumber | null {
  const all = candidates(tokens, place).filter(at => at > 0);
  const dotted = all.find(
    at => /^0\d$/.test(tokens[at]?.text ?? '') && /^[)\]]?\.$/.test(tokens[at - 1]?.text ?? '') && tokens[at + 1]?.text === '.',
  );
  const known = place.isBehindTitle === true ? all[0] : undefined;
  const at =
    known ?? dotted ?? all.find(one => isEnd(tokens, one, place) && (place.season !== null || /^0\d/.test(tokens[one]?.text ?? '')));
  return at === undefined || isYearLike(tokens[at] as Token) ? null : inSeason(runAt(tokens, at), place.season);
}

/** Numbers that stand by themselves, before the words of the release. */
function candidates(tokens: readonly Token[], { releaseFrom }: Place): number[] {
  return [...tokens.keys()].filter(at => {
    const token = tokens[at] as Token;
    const [before, after] = [tokens[at - 1], tokens[at + 1]];
    if (token.kind !== 'digits' || token.text.length > 5 || token.start >= releaseFrom || !isFree(tokens, at)) return false;
    if (before?.kind === 'letters' || OTHER_NUMBERED.has(tokens[at - 2]?.word ?? '')) return false;
    if (tokens[at - 2]?.kind === 'digits' && runAt(tokens, at - 2).to > at) return false;
    if (/[([]$/.test(before?.text ?? '') && /^[)\]]/.test(after?.text ?? '')) return false;
    // The first half of a decimal, which `7.5` is not.
    const isDecimal = token.text.length === 1 && after?.text === '.' && tokens[at + 2]?.kind === 'digits' && tokens[at + 2]?.text !== '5';
    if (isDecimal && !isPair(tokens, at)) return false;
    // The second half of a decimal, or of a pair.
    return !(before !== undefined && /^[.\-_]$/.test(before.text) && tokens[at - 2]?.kind === 'digits' && isPair(tokens, at - 2));
  });
}

/** Two numbers of which the first may be a season, with one sign between them. */
function isPair(tokens: readonly Token[], at: number): boolean {
  const [first, mark, second, after] = [tokens[at], tokens[at + 1], tokens[at + 2], tokens[at + 3]];
  if (first?.kind !== 'digits' || second?.kind !== 'digits' || !/^[.\-_]$/.test(mark?.text ?? '')) return false;
  if (
    first.text.length > 2 ||
    second.text.length < 2 ||
    second.text.length > (mark?.text === '.' ? 3 : 2) ||
    first.value === 0 ||
    !isFree(tokens, at + 2)
  )
    return false;
  return !(after?.text === mark?.text && tokens[at + 4]?.kind === 'digits');
}

/** `6.01`: no sixth. */
const isDecimalPair = (tokens: readonly Token[], at: number): boolean => tokens[at + 1]?.text === '.' && isPair(tokens, at);

const isEnd = (tokens: readonly Token[], at: number, { releaseFrom }: Place): boolean => {
  const next = runAt(tokens, at).to;
  const after = tokens[next];
  return (
    after === undefined ||
    next === tokens.length - 1 ||
    ENDS.test(after.text) ||
    (tokens[next + 1]?.start ?? Number.POSITIVE_INFINITY) >= releaseFrom
  );
};

const behindVersion = (tokens: readonly Token[], at: number): number =>
  tokens[at]?.word === 'v' && tokens[at + 1]?.kind === 'digits'
    ? at + 2
    : /^(?:[a-c]|[^a-z].*)$/.test(tokens[at]?.word ?? '') && tokens[at]?.kind === 'letters'
      ? at + 1
      : at;

/** `05`, `01-03`, `01~03`, `215 to 220`. */
function runAt(tokens: readonly Token[], at: number): LoneNumber {
  const { episodes, to } = plainRunAt(tokens, at);
  return { from: at, to: episodes.length > 1 ? to : behindVersion(tokens, at + 1), episodes, season: null, isBetween: false };
}

/** `01 - 119` of a batch. */
function spacedRunBefore(tokens: readonly Token[], at: number): LoneNumber | null {
  const [first, last] = [tokens[at - 2], tokens[at]];
  if (first?.kind !== 'digits' || last === undefined || !/^0\d/.test(first.text) || last.value <= first.value) return null;
  return { from: at - 2, to: at + 1, episodes: firstToLast(first.value, last.value), season: null, isBetween: false };
}

/** `01 ~ 12`. */
function spacedRunBehind(tokens: readonly Token[], at: number, place: Place): LoneNumber | null {
  const last = at + 2;
  const isSpaced = tokens[last]?.kind === 'digits' && /^\s[-–~]\s$/.test(tokens[at + 1]?.text ?? '') && isEnd(tokens, last, place);
  return isSpaced ? spacedRunBefore(tokens, last) : null;
}

/** `12.5`. */
function betweenAt(tokens: readonly Token[], at: number): LoneNumber | null {
  const isHalf = tokens[at + 1]?.text === '.' && tokens[at + 2]?.text === '5' && (tokens[at + 3]?.kind ?? 'gap') === 'gap';
  return isHalf ? { from: at, to: at + 3, episodes: [], season: 0, isBetween: true } : null;
}

function sceneRun(tokens: readonly Token[], at: number): LoneNumber {
  const first = tokens[at] as Token;
  const season = Math.floor(first.value / 100);
  const next = tokens[at + 2];
  const isMore =
    next?.kind === 'digits' &&
    next.text.length === first.text.length &&
    Math.floor(next.value / 100) === season &&
    next.value > first.value;
  const episodes = firstToLast(first.value % 100, isMore ? next.value % 100 : 0);
  return { from: at, to: isMore ? at + 3 : at + 1, episodes, season, isBetween: false };
}

/** `201` in the folder of season 2 is its first. */
function inSeason(run: LoneNumber, season: number | null): LoneNumber {
  const isCounted =
    season !== null &&
    season > 0 &&
    run.episodes.every(one => Math.floor(one / 100) === season && one % 100 > 0 && one % 100 <= MAX_OF_A_SEASON);
  return isCounted ? { ...run, episodes: run.episodes.map(one => one % 100), season } : run;
}
