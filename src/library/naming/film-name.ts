// A name as that of a film: its title, its year, and which edition and part of it a file is.
import { latinPart } from './bracketed-names.ts';
import { cleanName } from './clean-name.ts';
import { editionAt, editionsFrom, taggedEdition } from './editions.ts';
import { partIn } from './parts.ts';
import { releaseStart } from './release-words.ts';
import { styleOf, titleText } from './title-text.ts';
import { tokensOf, type Word, wordsOf } from './tokens.ts';
import { bracketedYear, plainYear, type YearAt, yearOf } from './years.ts';

export type FilmName = {
  /** Empty where there is none in the name. */
  readonly title: string;
  readonly year: number | null;
  /** In brackets: nobody writes a title so. */
  readonly isYearCertain: boolean;
  readonly edition: string | null;
  readonly part: number | null;
  /** Behind the year and a hyphen: which version it is, where the folder has the rest of the name. */
  readonly label: string | null;
};

/** `name`: without an extension. */
export function filmName(name: string): FilmName {
  const tagged = taggedEdition(name);
  const { text, group } = cleanName(tagged.text);
  const words = wordsOf(tokensOf(text));
  const bracketed = words.length > 1 ? bracketedYear(text, words) : null;
  const leading = bracketed === null ? leadingYear(words) : null;
  const isInFront = bracketed?.at === 0 || leading !== null;
  const first = isInFront ? 1 : 0;
  const release = releaseStart(words, first + 1);
  const limit = bracketed === null || isInFront ? words.length : bracketed.at;
  const edition = editionStart(words, { from: first + 1, release, limit });
  const part = partIn(words, Math.min(release, bracketed === null || isInFront ? plainYearBehind(words, release) : bracketed.at + 1));
  const end = Math.min(limit, release, edition, part?.from ?? words.length, tagBehind(words, first + 1));
  const year = bracketed ?? leading ?? plainYear(words, end) ?? yearOfRelease(words, release);
  const until = year !== null && !isInFront && year.at < end ? year.at : end;
  const piece = text.slice(isInFront ? afterBracket(text, words) : numberLength(text), words[until]?.start ?? text.length);
  const title = titleText(group === null ? piece : latinPart(piece), styleOf(text));
  return {
    title,
    year: year?.year ?? null,
    isYearCertain: bracketed !== null,
    edition: tagged.edition ?? editionsFrom(words, editionsBegin(words, { until, edition, year })),
    part: part?.part ?? null,
    label: bracketed === null ? null : labelOf(text, words.slice(bracketed.at + 1, Math.min(release, part?.from ?? words.length))),
  };
}

/** "(1999) - Open Air Version - 1080p". */
function labelOf(text: string, words: readonly Word[]): string | null {
  const [first, last] = [words[0], words.at(-1)];
  if (first === undefined || last === undefined || !/^[)\]]\s+[-–]\s+$/.test(first.gap)) return null;
  return titleText(text.slice(first.start, last.end), styleOf(text)) || null;
}

/** "1962 - Title". */
function leadingYear(words: readonly Word[]): YearAt | null {
  const [first, second] = words;
  const year = first === undefined || second === undefined || !/^\s+[-–]\s+$/.test(second.gap) ? null : yearOf(first);
  return year === null || /^\d+$/.test(second?.text ?? '') ? null : { year, at: 0 };
}

/** "01 - Title": of a row of films. */
const numberLength = (text: string): number => /^0\d\s+[-–]\s+(?=\p{L})/u.exec(text)?.[0].length ?? 0;

const afterBracket = (text: string, words: readonly Word[]): number => Math.min(text.length, (words[0]?.end ?? 0) + 1);

/** An edition of a word that titles have too counts behind the year or next to what is of the release. */
function editionStart(words: readonly Word[], { from, release, limit }: { from: number; release: number; limit: number }): number {
  for (let at = from; at < Math.min(limit, words.length); at++) {
    const found = editionAt(words, at);
    if (found === null) continue;
    const next = words[found.to];
    const isBeside =
      found.to >= Math.min(release, limit) ||
      editionAt(words, found.to)?.to === release ||
      (next !== undefined && yearOf(next) !== null) ||
      /[-–([]\s*$/.test(words[at]?.gap ?? '') ||
      plainYear(words, at)?.at === at - 1;
    const isArticle = at === 1 && /^(?:the|a|an)$/.test(words[0]?.text ?? '');
    // "Title 1982 The Final Cut".
    const isNamed = words[at - 1]?.text === 'the' && plainYear(words, at - 1)?.at === at - 2;
    if (isNamed) return at - 1;
    if (!isArticle && (found.isCertain || (isBeside && at < release))) return at;
  }
  return words.length;
}

/** Behind the title; where there is no year, from the first that ended it. */
function editionsBegin(words: readonly Word[], { until, edition, year }: { until: number; edition: number; year: YearAt | null }): number {
  if (year !== null && year.at > 0) return Math.min(year.at + 1, edition);
  return until >= words.length ? words.length : until;
}

/** The word behind the year, from which on a spaced part is none of the title's. */
function plainYearBehind(words: readonly Word[], release: number): number {
  const year = plainYear(words, release) ?? plainYear(words, words.length - 2) ?? plainYear(words, words.length - 1);
  return year === null ? words.length : year.at + 1;
}

/** Beside words of a release a year is the film's wherever it stands: "Title 480p 2001", "Title 2001 STV QC DVDRip". */
function yearOfRelease(words: readonly Word[], release: number): YearAt | null {
  if (release === words.length) return null;
  const behind = plainYear(words, release + 1);
  for (let at = release - 1; behind === null && at > 0; at--) {
    const year = plainYear(words, at);
    if (year !== null) return year;
  }
  return behind;
}

/** Square brackets behind the title hold nothing of it. */
function tagBehind(words: readonly Word[], from: number): number {
  const at = words.findIndex(({ gap }, place) => place >= from && gap.includes('['));
  return at === -1 ? words.length : at;
}
