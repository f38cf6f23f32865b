// A name as that of an episode: the show's title in front, its place, and the episode's own title behind.
import { latinPart, unbracketed } from './bracketed-names.ts';
import { cleanName, plainBrackets } from './clean-name.ts';
import { editionAt, editionsFrom } from './editions.ts';
import { type Numbering, numberingOf } from './numbering/numbering.ts';
import { SPECIAL_WORDS } from './numbering/words.ts';
import { partIn } from './parts.ts';
import { releaseStart } from './release-words.ts';
import { folded, type Style, styleOf, titleText } from './title-text.ts';
import { type Token, tokensOf, type Word, wordsOf } from './tokens.ts';
import { bracketedYear, plainYear, yearOf } from './years.ts';

export type EpisodeName = Omit<Numbering, 'start' | 'end'> & {
  /** Of the show; empty where the name has none. */
  readonly title: string;
  readonly year: number | null;
  readonly ownTitle: string | null;
  readonly part: number | null;
  readonly edition: string | null;
  /** It is of the extras of a season. */
  readonly isExtra: boolean;
};

export type Known = {
  /** Of the folder. */
  readonly season: number | null;
  /** Of the show, as its folder has it. */
  readonly show: string | null;
};

/** Null where the name says nothing of a place in a show. `name`: without an extension. */
export function episodeName(name: string, known: Known): EpisodeName | null {
  const { text, group } = cleanName(unbracketed(plainBrackets(name)));
  const found = readName(text, group, known);
  // Some turn names around, against those who look for them.
  return found ?? (/\d\dE[-. ]?\d\d?S/.test(text) ? readName([...text].reverse().join(''), null, known) : null);
}

function readName(text: string, group: string | null, known: Known): EpisodeName | null {
  const tokens = tokensOf(text);
  const words = wordsOf(tokens);
  const releaseFrom = words[releaseStart(words)]?.start ?? text.length;
  const place = { isFansub: group !== null, season: known.season, releaseFrom, titleLength: lengthOfTitle(text, words, known.show) };
  const numbering = specialIn(text, tokens) ?? numberingOf(tokens, place);
  if (numbering === null) return null;
  const style = styleOf(text);
  const piece = text.slice(0, numbering.start);
  const isOfTwo =
    group !== null || (style.isDotted && /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(piece));
  const show = showTitle(isOfTwo ? latinPart(piece) : piece, style);
  const rest = behind(text.slice(numbering.end), style);
  const isSpecial = /^(?:specials?|ovas?|oad)$/.test(rest.first) && !(numbering.season !== null && numbering.episodes.length > 0);
  const { season, episodes, absolute, airDate, isCertain } = numbering;
  const isExtra = rest.first === 'extras' && episodes.length === 0;
  return {
    ...show,
    year: show.year ?? rest.year,
    season: isSpecial ? 0 : season,
    episodes,
    absolute,
    airDate,
    isCertain,
    ownTitle: rest.title,
    part: rest.part,
    edition: rest.edition,
    isExtra,
  };
}

/** `Show OVA 2`, `Show - SP1`: a special by its word, where nothing numbers it better. */
function specialIn(text: string, tokens: readonly Token[]): Numbering | null {
  const at = tokens.findIndex(({ kind, word }, here) => {
    if (kind !== 'letters' || here === 0 || !SPECIAL_WORDS.has(word)) return false;
    const isOfItsOwn = /^(?:ovas?|oad|ncop|nced)$/.test(word);
    if (isOfItsOwn) return !/\d\s?[-–]\s?$/.test(text.slice(0, tokens[here]?.start));
    const place = /^[\s._]$/.test(tokens[here + 1]?.text ?? '') && word.length > 2 ? here + 2 : here + 1;
    const isLast = place === here + 1 || tokens[place + 1] === undefined || /[[(]|\s[-–]\s/.test(tokens[place + 1]?.text ?? '');
    return tokens[place]?.kind === 'digits' && isLast && tokens[here - 1]?.kind === 'gap';
  });
  if (at === -1 || isNumbered(tokens.slice(0, at))) return null;
  const next = tokens[at + 1]?.kind === 'digits' ? at + 1 : /^[\s._-]+$/.test(tokens[at + 1]?.text ?? '') ? at + 2 : at;
  const number = tokens[next];
  const hasNumber = number?.kind === 'digits' && number.text.length < 3 && tokens[next + 1]?.kind !== 'letters';
  const end = tokens[hasNumber ? next + 1 : at + 1]?.start ?? text.length;
  return {
    season: 0,
    episodes: hasNumber ? [number.value] : [],
    absolute: [],
    airDate: null,
    start: tokens[at]?.start ?? 0,
    end,
    isCertain: true,
  };
}

const isNumbered = (tokens: readonly Token[]): boolean =>
  numberingOf(tokens, { isFansub: false, season: null, releaseFrom: Number.POSITIVE_INFINITY, titleLength: 0 })?.isCertain === true;

function showTitle(piece: string, style: Style): { title: string; year: number | null } {
  const plain = piece.replaceAll(/\[(?!(?:19|20)\d\d\])[^[\]]*\]/g, ' ').replace(/^\s*\d{6}\s+(?=\S*\p{L})/u, '');
  const words = wordsOf(tokensOf(plain));
  const bracketed = bracketedYear(plain, words);
  const release = releaseStart(words);
  const year = bracketed !== null && bracketed.at > 0 ? bracketed : plainYear(words, release);
  const alias = words.findIndex(({ text }, at) => at > 0 && text === 'aka');
  const end = withoutComplete(words, Math.min(release, year?.at ?? words.length, alias === -1 ? words.length : alias));
  return { title: titleText(plain.slice(0, words[end]?.start ?? plain.length), style), year: year?.year ?? null };
}

/** `The Complete Season 3`, `Season S01`: words of the number behind the title. */
function withoutComplete(words: readonly Word[], end: number): number {
  let last = end;
  while (last > 1 && /^(?:complete|completa|komplett|seasons?|temporadas?)$/.test(words[last - 1]?.text ?? '')) last--;
  if (last > 2 && words[last - 1]?.text === 'series' && words[last - 2]?.text === 'complete') last -= 2;
  return last < end && last > 1 && words[last - 1]?.text === 'the' ? last - 1 : last;
}

type Behind = {
  readonly title: string | null;
  readonly first: string;
  readonly part: number | null;
  readonly edition: string | null;
  readonly year: number | null;
};

/** What stands behind the number, up to what is of the release. */
function behind(rest: string, style: Style): Behind {
  const words = wordsOf(tokensOf(rest));
  const release = releaseStart(words, 0);
  const part = partIn(words, release) ?? partIn(words.slice(0, 1), 0);
  const tag = words.findIndex(({ gap }) => /\[/.test(gap));
  const edition = editionBefore(words, release);
  const found = Math.min(edition ?? release, part?.from ?? words.length, tag === -1 ? words.length : tag);
  // `S01E02 2011 1080p`: the year of the release.
  const end = found === 1 && release === 1 && words.length > 1 && yearOf(words[0] as Word) !== null ? 0 : found;
  // `07 (2016)`: the show's.
  const year = end === 1 && /^[\s._-]*\($/.test(words[0]?.gap ?? '') ? yearOf(words[0] as Word) : null;
  const title = year === null ? titleText(rest.slice(0, words[end]?.start ?? rest.length), style) : '';
  return {
    title: title === '' ? null : title,
    year,
    first: words[0]?.text ?? '',
    part: part?.part ?? null,
    edition: edition === null ? null : editionsFrom(words.slice(0, release), edition),
  };
}

/** The word at which editions begin that lead up to the release, or are all that there is. */
function editionBefore(words: readonly Word[], release: number): number | null {
  for (let at = 0; at < release; at++) {
    let to = at;
    for (let found = editionAt(words, to); found !== null && to < release; found = editionAt(words, to)) to = found.to;
    if (to > at && to >= release && (release < words.length || at === 0)) return at;
  }
  return null;
}

/** Of the folder's title in front of the name, in characters. */
function lengthOfTitle(text: string, words: readonly Word[], show: string | null): number {
  if (show === null || folded(show) === '') return 0;
  const count = folded(show).split(' ').length;
  const end = words[count - 1]?.end ?? 0;
  return folded(text.slice(0, end)) === folded(show) ? end : 0;
}
