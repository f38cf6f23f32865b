// What a name says of its place in a show: the surest notation that it has, and where the titles before and behind it end and begin.
import type { Token } from '../tokens.ts';
import { airDateIn, type DateMark } from './air-dates.ts';
import { isFree } from './free-numbers.ts';
import { type LoneNumber, loneNumberIn, type Place } from './lone-numbers.ts';
import { type EpisodeMark, episodesIn, type Mark, pairIn, type SeasonMark, type Span, seasonAt, seasonIn } from './marks.ts';
import { firstToLast } from './runs.ts';
import { NUMBER_WORDS, PART_WORDS, SEASON_WORDS } from './words.ts';

export type Numbering = {
  readonly season: number | null;
  readonly episodes: readonly number[];
  readonly absolute: readonly number[];
  readonly airDate: string | null;
  /** Characters: the show's title is before the first, the episode's own behind the second. */
  readonly start: number;
  readonly end: number;
  /** Called by its words or letters, not by its place alone. */
  readonly isCertain: boolean;
};

/** `all`: the tokens of a name. */
export function numberingOf(all: readonly Token[], place: Place): Numbering | null {
  const date = airDateIn(all, false);
  const tokens = without(all, date);
  const pair = pairIn(tokens);
  if (pair !== null) return fromPair(tokens, pair, { date, isFansub: place.isFansub });
  const season = ofTitle(seasonIn(tokens), tokens, place);
  const chapter = chapterIn(tokens);
  if (chapter !== null) return numbering(tokens, { spans: [chapter, season], date, ...chapter });
  const episodes = ofTitle(episodesIn(tokens), tokens, place);
  if (season !== null && episodes !== null)
    return numbering(tokens, {
      spans: isTagBefore(tokens, episodes, season) ? [season] : [season, episodes],
      date,
      season: season.season,
      episodes: episodes.episodes,
    });
  if (episodes !== null) return fromEpisodes(tokens, episodes, { date, season: episodes.season ?? place.season });
  const day = date ?? (season === null ? airDateIn(all, true) : null);
  if (day !== null) return numbering(tokens, { spans: [season], date: day, season: season?.season ?? null, episodes: [] });
  const parts = season === null ? partsIn(tokens) : null;
  return (
    fromLoneNumber(tokens, season, place) ??
    (parts === null ? fromSeason(tokens, season) : fromEpisodes(tokens, parts, { date, season: place.season }))
  );
}

/** What is told already says nothing else. */
const without = (tokens: readonly Token[], span: Span | null): readonly Token[] =>
  span === null
    ? tokens
    : tokens.map((token, at) => (at >= span.from && at < span.to ? { ...token, kind: 'gap', word: token.text, value: Number.NaN } : token));

/** `1080p-S56`: behind the words of a release a hyphen leads to the name of its group. */
function ofTitle<Found extends Span>(found: Found | null, tokens: readonly Token[], { releaseFrom }: Place): Found | null {
  const isOfGroup = found !== null && (tokens[found.from]?.start ?? 0) > releaseFrom && tokens[found.from - 1]?.text === '-';
  return isOfGroup ? null : found;
}

/** `名侦探[第01-15集].Show.S01`: the title is between the two. */
const isTagBefore = (tokens: readonly Token[], episodes: Span, season: Span): boolean =>
  episodes.to < season.from &&
  tokens[episodes.from - 1]?.text.endsWith('[') === true &&
  tokens.slice(episodes.to, season.from).some(({ text }) => /^\p{Script=Latin}/u.test(text));

/** `Show Part02`: a show of few episodes. */
function partsIn(tokens: readonly Token[]): EpisodeMark | null {
  for (const [at, { word }] of tokens.entries()) {
    if (at === 0 || !PART_WORDS.has(word)) continue;
    const place = tokens[at + 1]?.kind === 'gap' ? at + 2 : at + 1;
    const number = tokens[place];
    const value = number?.kind === 'digits' && number.text.length < 3 ? number.value : NUMBER_WORDS.indexOf(number?.word ?? '') + 1;
    if (value > 0 && tokens[place + 1]?.kind !== 'letters') return { from: at, to: place + 1, episodes: [value], isWord: true };
  }
  return null;
}

function fromPair(tokens: readonly Token[], pair: Mark, { date, isFansub }: { date: DateMark | null; isFansub: boolean }): Numbering {
  const { season, episodes, isBare } = pair;
  const count = isBare ? null : absoluteBeside(tokens, pair, isFansub);
  return numbering(tokens, { spans: [pair, count], date, season, episodes, absolute: count?.episodes ?? (isBare ? episodes : []) });
}

/** `10x14 214`, `214 10x14`, `S01E01-02 (001-002)`, `S01E01 - 001 - Title`. */
function absoluteBeside(tokens: readonly Token[], { from, to }: Mark, isFansub: boolean): EpisodeMark | null {
  const before = absoluteBefore(tokens, from);
  if (before !== null) return before;
  for (const at of isFansub ? [to + 1, from - 2] : [to + 1]) {
    if (!isCount(tokens, at)) continue;
    const isPadded = tokens[at]?.text.startsWith('0') === true;
    const gap = tokens[at < from ? from - 1 : to]?.text ?? '';
    const last = tokens[at + 1]?.text === '-' && tokens[at + 2]?.kind === 'digits' ? at + 2 : at;
    const isDashed = /^\s+[-–]\s+$/.test(gap) && (isPadded || /^\s+[-–]\s+$/.test(tokens[last + 1]?.text ?? ''));
    if (gap.trim() !== '(' && !isDashed && !(/^[\s._]$/.test(gap) && (isFansub || isPadded))) continue;
    return { from: at, to: last + 1, episodes: firstToLast(tokens[at]?.value ?? 0, tokens[last]?.value ?? 0), isWord: false };
  }
  return null;
}

/** Of all seasons: written with three digits or four. */
const isCount = (tokens: readonly Token[], at: number): boolean => /^\d{3,4}$/.test(tokens[at]?.text ?? '') && isFree(tokens, at);

/** `Show - 13 (S02E01)`, `Show - 013 - S02E01`, and `07.5`, which is no number of an episode. */
function absoluteBefore(tokens: readonly Token[], from: number): EpisodeMark | null {
  const gap = tokens[from - 1]?.text ?? '';
  const isBracketed = /^[\s._]*[([]$/.test(gap);
  const isHalf = tokens[from - 3]?.text === '.';
  const at = isHalf ? from - 4 : from - 2;
  const number = tokens[at];
  if (number?.kind !== 'digits' || number.text.length > 4 || !/^[\s._]*[-–][\s._]+$/.test(tokens[at - 1]?.text ?? '')) return null;
  if (!isBracketed && !(/^\s+[-–]\s+$/.test(gap) && isCount(tokens, at))) return null;
  return { from: at, to: from, episodes: isHalf ? [] : [number.value], isWord: false };
}

/** `Cap.408`: the eighth of the fourth, as Spanish releases number. */
function chapterIn(tokens: readonly Token[]): Mark | null {
  const at = tokens.findIndex(
    ({ word }, here) => word === 'cap' && /^[1-9]\d{2,3}$/.test(tokens[here + 2]?.text ?? '') && tokens[here + 1]?.text === '.',
  );
  const value = tokens[at + 2]?.value ?? 0;
  return at === -1 ? null : { from: at, to: at + 3, season: Math.floor(value / 100), episodes: [value % 100], isBare: false };
}

/** A show without seasons has one. */
function fromEpisodes(
  tokens: readonly Token[],
  { from, to, episodes }: EpisodeMark,
  { date, season }: { date: DateMark | null; season: number | null },
): Numbering {
  const absolute = season === null ? episodes : [];
  return numbering(tokens, { spans: [{ from, to }], date, season: season ?? 1, episodes, absolute });
}

function fromLoneNumber(tokens: readonly Token[], season: SeasonMark | null, place: Place): Numbering | null {
  if (season?.isSeveral === true) return null;
  const found = season === null ? (behindTitle(tokens, place) ?? loneNumberIn(tokens, place)) : behindSeason(tokens, season, place);
  if (found === null) return null;
  const told = found.season ?? season?.season ?? place.season;
  return numbering(tokens, {
    spans: [season, found],
    season: told,
    episodes: found.episodes,
    // `S2 - 07`: names that count so often count on through the seasons.
    absolute: told === null || (season !== null && found.season === null) ? found.episodes : [],
    isCertain: season !== null,
  });
}

/** "11.22.63 - 01" in the folder of that show: what is of its title is no number. */
function behindTitle(tokens: readonly Token[], place: Place): LoneNumber | null {
  const from = place.titleLength === 0 ? 0 : tokens.findIndex(({ start }) => start >= place.titleLength);
  if (from < 1) return null;
  const found = loneNumberIn(tokens.slice(from), { ...place, titleLength: 0, isBehindTitle: true });
  return found === null ? null : { ...found, from: found.from + from, to: found.to + from };
}

function behindSeason(tokens: readonly Token[], { season, to }: SeasonMark, place: Place): LoneNumber | null {
  const found = loneNumberIn(tokens.slice(to), { ...place, season, titleLength: 0 });
  return found === null ? null : { ...found, from: found.from + to, to: found.to + to };
}

const fromSeason = (tokens: readonly Token[], season: SeasonMark | null): Numbering | null =>
  season === null ? null : numbering(tokens, { spans: [season], season: season.season, episodes: [] });

type Told = {
  readonly spans: readonly ({ readonly from: number; readonly to: number } | null)[];
  readonly date?: DateMark | null;
  readonly season: number | null;
  readonly episodes: readonly number[];
  readonly absolute?: readonly number[];
  readonly isCertain?: boolean;
};

function numbering(tokens: readonly Token[], { spans, date = null, season, episodes, absolute = [], isCertain = true }: Told): Numbering {
  const told = [...spans, date].filter(span => span !== null);
  const from = Math.min(...told.map(span => span.from));
  const earlier = tokens.findIndex((_, at) => at < from && seasonAt(tokens, at)?.season === season);
  const to = Math.max(...told.map(span => span.to));
  return {
    season,
    episodes,
    absolute,
    airDate: date?.airDate ?? null,
    start: startOf(tokens, earlier === -1 ? from : earlier),
    end: tokens[to]?.start ?? tokens.at(-1)?.end ?? 0,
    isCertain,
  };
}

/** `titles01e02`: the last letter is the season's. */
function startOf(tokens: readonly Token[], at: number): number {
  const token = tokens[at];
  const isGlued = token?.kind === 'letters' && token.word.length > 2 && token.word.endsWith('s') && tokens[at + 2]?.word === 'e';
  return isGlued && tokens[at + 1]?.kind === 'digits' && !SEASON_WORDS.has(token.word) ? token.end - 1 : (token?.start ?? 0);
}
