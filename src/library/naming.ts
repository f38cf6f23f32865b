// The title and year of a film, from the names of its file and folder. Pure; nothing is looked up.

import type { NameFacts } from '#domain/catalogue/name-facts.ts';

type Naming = Pick<NameFacts, 'title' | 'year'>;

/** Words of release names that say how a film was made, not which film it is. The first one ends the title. */
const QUALITY_WORDS = new Set(
  (
    '480p 540p 576p 720p 1080p 1080i 1440p 2160p 4320p 4k 8k uhd fhd hdr hdr10 hdr10plus hlg sdr dv dolbyvision 10bit 8bit hi10p ' +
    'x264 x265 h264 h265 avc hevc av1 vp9 xvid divx mpeg2 ' +
    'bluray bdrip brrip bdremux remux webrip webdl web-dl web-rip hdtv hdrip dvdrip dvdscr dvd5 dvd9 ' +
    'aac aac2 ac3 eac3 dd5 ddp ddp5 dts dts-hd truehd atmos flac opus ' +
    'proper repack unrated extended remastered internal limited multi dubbed subbed'
  ).split(' '),
);
/** Release words that are words of titles too: they end a title only after a year or next to another quality word. */
const AMBIGUOUS_WORDS = new Set([
  'web',
  'cam',
  'ts',
  'dvd',
  'dd',
  'extended',
  'unrated',
  'remastered',
  'internal',
  'limited',
  'multi',
  'proper',
]);
const RATE_OR_LENGTH = /^(?:\d{2,3}(?:\.\d+)?fps|\d+sec|\d{3,4}x\d{3,4})$/i;
const EPISODE = /^s\d{1,2}e\d{1,3}(?:-?e\d{1,3})?$/i;
const YEAR = /^(?:18[89]\d|19\d\d|20\d\d)$/;
const BRACKETED_YEAR = /[([]((?:18[89]|19\d|20\d)\d)[)\]]/g;
/** Folder or file names that say nothing. */
const NOTHING_NAMES = /^(?:movie|film|video|title|main|feature|index|cd\d|disc ?\d|vts \d+ \d+|video ts|\d{5})$/i;

/** `relativePath` is the file's path inside its library folder, with `/` between names. */
export const nameFacts = (relativePath: string): NameFacts => ({
  ...naming(relativePath),
  edition: null,
  part: null,
  extra: null,
  episode: null,
});

function naming(relativePath: string): Naming {
  const parts = relativePath.normalize('NFC').split('/');
  const stem = withoutExtension(parts.at(-1) ?? '');
  const fromFile = parseName(stem === '' ? relativePath : stem);
  const folder = parts.at(-2);
  if (folder === undefined) return fromFile;
  const fromFolder = parseName(folder);
  if (NOTHING_NAMES.test(fromFile.title)) return fromFolder;
  // "Heat (1995)/heat.mkv": the folder knows the year of the same title.
  const isSameTitle = fromFolder.title.toLowerCase() === fromFile.title.toLowerCase();
  return isSameTitle && fromFile.year === null ? fromFolder : fromFile;
}

function parseName(name: string): Naming {
  const plain = withoutGroupTags(name);
  const bracketed = bracketedYear(plain);
  if (bracketed !== null) return bracketed;
  const words = wordsOf(plain);
  const end = titleEnd(words);
  const yearAt = words.findLastIndex((word, at) => at > 0 && at <= end && YEAR.test(bare(word)));
  const isYearLast = yearAt > 0 && (yearAt === end || yearAt === end - 1);
  const titleWords = words.slice(0, isYearLast ? yearAt : end);
  return { title: titleFrom(titleWords, plain), year: isYearLast ? Number(bare(words[yearAt] ?? '')) : null };
}

/** "Title (1999) …": the last year in brackets is the film's, and what stands before it the title. */
function bracketedYear(name: string): Naming | null {
  const match = [...name.matchAll(BRACKETED_YEAR)].findLast(({ index }) => index > 0);
  if (match === undefined) return null;
  const words = wordsOf(name.slice(0, match.index));
  const title = titleFrom(words.slice(0, titleEnd(words)), '');
  return title === '' ? null : { title, year: Number(match[1]) };
}

/** Position of the first word that is no part of the title; the first word always is. */
function titleEnd(words: readonly string[]): number {
  const end = words.findIndex((word, at) => at > 0 && isQuality(word, words[at - 1], words[at + 1]));
  const episode = words.findIndex((word, at) => at > 0 && EPISODE.test(word));
  return end === -1 ? words.length : Math.max(end, episode + 1);
}

function isQuality(word: string, before: string | undefined, after: string | undefined): boolean {
  const text = bare(word).toLowerCase();
  if (AMBIGUOUS_WORDS.has(text)) return YEAR.test(bare(before ?? '')) || isCertainQuality(after ?? '');
  return isCertainQuality(word);
}

function isCertainQuality(word: string): boolean {
  const text = bare(word).toLowerCase();
  if (AMBIGUOUS_WORDS.has(text)) return false;
  // "x264-GRP" is a codec and the group that used it.
  return QUALITY_WORDS.has(text) || QUALITY_WORDS.has(text.split('-')[0] ?? '') || RATE_OR_LENGTH.test(text);
}

/** Dots, underscores and, where there is no space at all, hyphens stand for spaces; dots of initials stay. */
function wordsOf(name: string): string[] {
  const hasSpaces = /\s/.test(name.trim());
  const isDotted = !hasSpaces && /[^.]\.[^.]/.test(name);
  const joined = isDotted ? dotsToSpaces(name) : name;
  const spaced = joined.replaceAll('_', ' ');
  const isHyphenated = !/\s/.test(spaced.trim()) && spaced.split('-').length > 2;
  return (isHyphenated ? spaced.replaceAll('-', ' ') : spaced).split(/\s+/).filter(word => word !== '');
}

/** "J.R.R.Tolkien" keeps its initials: a dot between single capitals, or after one at the end of a run, belongs to them. */
function dotsToSpaces(name: string): string {
  const kept = name.replace(/(?<![\p{L}\p{N}])(?:\p{Lu}\.){2,}/gu, initials => `${initials.replaceAll('.', '\0')} `);
  return kept.replaceAll('.', ' ').replaceAll('\0', '.');
}

/** "[Group] Title - 01 [A1B2C3D4]": brackets at either end that hold no year. */
function withoutGroupTags(name: string): string {
  const plain = name.replace(/^\s*\[[^\]]*\]/, '').replace(/(?:\s*\[(?!\d{4}\])[^\]]*\])+\s*$/, '');
  return plain.trim() === '' ? name.trim() || 'Untitled' : plain.trim();
}

function titleFrom(words: readonly string[], fallback: string): string {
  const text = words
    .join(' ')
    .replace(/^[\s\-–([]+|[\s\-–([]+$/g, '')
    .replace(/^[^([]*$/, unopened => unopened.replace(/[)\]\s]+$/, ''));
  if (text === '') return fallback.trim();
  return /\p{Lu}/u.test(text) ? text : capitalised(text);
}

/** A name without a capital was written for machines. */
const capitalised = (text: string): string => text.replace(/(?<=^|\s)\p{Ll}/gu, letter => letter.toUpperCase());

const bare = (word: string): string => word.replace(/^[([{]+|[)\]},]+$/g, '');

/** The dot must be followed by a short extension: "Vol. 2" has none. */
const withoutExtension = (fileName: string): string => fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '');
