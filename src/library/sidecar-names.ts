// Subtitle files beside a film, and what their names say: `Film.de.forced.srt` is the German forced text of `Film.mkv`.

import { SIDECAR_FORMATS, type Sidecar, type SidecarFormat } from '#domain/media.ts';
import { languageFromWord } from '#domain/subtitles/language.ts';

/** Extension → format. */
const FORMATS: ReadonlyMap<string, SidecarFormat> = new Map([
  ...SIDECAR_FORMATS.map(format => [format, format] as const),
  ['dfxp', 'ttml'],
  ['webvtt', 'vtt'],
]);
const HEARING_IMPAIRED = new Set(['sdh', 'cc', 'hi']);
const FORCED = new Set(['forced', 'foreign']);

export type NamedSidecar = Omit<Sidecar, 'path' | 'byteLength' | 'mtimeMs'> & { readonly fileName: string };

export const isSidecar = (fileName: string): boolean => formatOf(fileName) !== undefined;

/**
 * Those of the film among the files of its folder. A file belongs to the film whose name is the longest that it begins with:
 * `Film 2.en.srt` is none of `Film.mkv`. The `.sub` of a pair with `.idx` holds pictures (VobSub), which are no text.
 */
export function sidecarsOf(film: string, { films, others }: { films: readonly string[]; others: readonly string[] }): NamedSidecar[] {
  const stem = stemOf(film);
  const longer = films.map(stemOf).filter(other => other.length > stem.length && begins(other, stem));
  const pictures = new Set(others.filter(name => /\.idx$/i.test(name)).map(name => stemOf(name).toLowerCase()));
  return others.flatMap(fileName => {
    const format = formatOf(fileName);
    if (format === undefined || !begins(stemOf(fileName), stem) || longer.some(other => begins(stemOf(fileName), other))) return [];
    if (format === 'sub' && pictures.has(stemOf(fileName).toLowerCase())) return [];
    return [{ fileName, format, ...marksOf(stemOf(fileName).slice(stem.length)) }];
  });
}

/** What stands between the film's name and the extension. */
function marksOf(rest: string): Pick<Sidecar, 'language' | 'title' | 'isDefault' | 'isForced' | 'isHearingImpaired'> {
  const words = rest.split(/[._\s[\]()]+/).flatMap(wordsOf);
  const marks = { language: null as string | null, isDefault: false, isForced: false, isHearingImpaired: false };
  const others: string[] = [];
  for (const [at, word] of words.entries()) {
    const plain = word.toLowerCase();
    // Hindi where no other language is named.
    const isHindi = plain === 'hi' && !words.some((other, where) => where !== at && languageFromWord(other) !== null);
    if (HEARING_IMPAIRED.has(plain) && !isHindi) marks.isHearingImpaired = true;
    else if (FORCED.has(plain)) marks.isForced = true;
    else if (plain === 'default') marks.isDefault = true;
    else if (marks.language === null && languageFromWord(word) !== null) marks.language = languageFromWord(word);
    else others.push(word);
  }
  return { ...marks, title: others.length === 0 ? null : others.join(' ').slice(0, 200) };
}

/** Hyphens part words, but for those of a language tag: `pt-BR`. */
function wordsOf(text: string): string[] {
  const word = text.replace(/^-+|-+$/g, '');
  if (word === '') return [];
  return languageFromWord(word) !== null ? [word] : word.split('-').filter(part => part !== '');
}

/** The whole name, or with a sign behind it. */
const begins = (name: string, stem: string): boolean =>
  name.toLowerCase() === stem.toLowerCase() ||
  (name.toLowerCase().startsWith(stem.toLowerCase()) && /^[.\-_\s[(]/.test(name.slice(stem.length)));

const stemOf = (fileName: string): string => fileName.replace(/\.[^.]*$/, '');
const formatOf = (fileName: string): SidecarFormat | undefined => FORMATS.get(/\.([^.]+)$/.exec(fileName)?.[1]?.toLowerCase() ?? '');
