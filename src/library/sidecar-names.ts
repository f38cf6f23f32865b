// Subtitle and sound files beside a film and in folders beside it, and what their names say: `Film.de.forced.srt` is the German forced text of `Film.mkv`.

import { SIDECAR_FORMATS, type Sidecar, type SidecarFormat } from '#domain/media.ts';
import { languageFromWord } from '#domain/subtitles/language.ts';

/** Extension → format. */
const FORMATS: ReadonlyMap<string, SidecarFormat> = new Map([
  ...SIDECAR_FORMATS.map(format => [format, format] as const),
  ['dfxp', 'ttml'],
  ['webvtt', 'vtt'],
]);
/** Sound beside a film: `Film.de.ac3`, `Film.Director's Commentary.en.m4a`. Its names are read; no session plays it yet. */
const AUDIO_FORMATS: ReadonlyMap<string, string> = new Map(
  ['mka', 'ac3', 'eac3', 'dts', 'dtshd', 'truehd', 'thd', 'flac', 'aac', 'm4a', 'mp3', 'mp2', 'ogg', 'oga', 'opus', 'wav', 'wma'].map(
    format => [format, format],
  ),
);
const HEARING_IMPAIRED = new Set(['sdh', 'cc', 'hi']);
const FORCED = new Set(['forced', 'foreign']);
const DEFAULT = new Set(['default']);

/** Folders of subtitles beside films, as those who share films call them. */
const SUBTITLE_FOLDER = /^(?:subs?|subtitles?|vobsubs?)$/i;
/** What may follow a film's name in that of a file which belongs to it. */
const SEPARATOR = /[.\-_\s[(]/g;

type Marks = Pick<Sidecar, 'language' | 'title' | 'isDefault' | 'isForced' | 'isHearingImpaired'>;

export type NamedSidecar<Format = SidecarFormat> = Marks & {
  readonly format: Format;
  /** From the film's folder on, `/` between names. */
  readonly name: string;
};

export type FolderNames = {
  readonly films: readonly string[];
  /** Files that are no films: beside them by name, in a folder of subtitles as `Subs/<file>` or `Subs/<folder>/<file>`. */
  readonly others: readonly string[];
};

export const isSidecar = (fileName: string): boolean => FORMATS.has(extensionOf(fileName));
export const isIndex = (fileName: string): boolean => /\.idx$/i.test(fileName);
export const isSubtitleFolder = (name: string): boolean => SUBTITLE_FOLDER.test(name);

/**
 * Which subtitle file of a folder belongs to which film: to the one whose name is the longest that its own, or that of its folder below
 * `Subs`, begins with: `Film 2.en.srt` is none of `Film.mkv`. Where there is one film, all of `Subs` is its own.
 */
export class FolderSidecars<Format = SidecarFormat> {
  readonly #films: Films;
  readonly #byFilm = new Map<string, NamedSidecar<Format>[]>();

  private constructor({ films, others }: FolderNames, formats: ReadonlyMap<string, Format>) {
    this.#films = new Films(films);
    const pictures = new Set(others.filter(isIndex).map(keyOf));
    for (const name of others) {
      const format = formats.get(extensionOf(name));
      // The `.sub` of a pair with `.idx` holds pictures (VobSub), which are no text.
      if (format === undefined || (format === 'sub' && pictures.has(keyOf(name)))) continue;
      const owned = this.#ownerOf(name);
      if (owned === null) continue;
      const named = { name, format, ...marksOf(owned) };
      const known = this.#byFilm.get(owned.film);
      if (known === undefined) this.#byFilm.set(owned.film, [named]);
      else known.push(named);
    }
  }

  static subtitles(names: FolderNames): FolderSidecars {
    return new FolderSidecars(names, FORMATS);
  }

  static sounds(names: FolderNames): FolderSidecars<string> {
    return new FolderSidecars(names, AUDIO_FORMATS);
  }

  of(film: string): readonly NamedSidecar<Format>[] {
    return this.#byFilm.get(keyOf(film)) ?? [];
  }

  #ownerOf(name: string): Owned | null {
    const parts = name.split('/');
    const stem = stemOf(parts.at(-1) ?? '');
    const owned = this.#films.ownerOf(stem);
    if (parts.length === 1) return owned;
    const folder = parts.length > 2 ? (parts[1] ?? '') : null;
    const owner = folder === null ? null : this.#films.ownerOf(folder);
    const film = owner?.film ?? owned?.film ?? this.#films.only;
    if (film === undefined) return null;
    const said = [folder === null ? '' : (owner?.rest ?? folder), owned?.film === film ? owned.rest : withoutNumber(stem)];
    return { film, rest: said.join('.'), isFree: owned?.film !== film };
  }
}

type Owned = {
  readonly film: string;
  /** What the name says beside the film's. */
  readonly rest: string;
  /** It does not begin with the film's name, so that any word may stand in it. */
  readonly isFree: boolean;
};

class Films {
  readonly #keys: ReadonlySet<string>;

  constructor(films: readonly string[]) {
    this.#keys = new Set(films.map(keyOf));
  }

  /** Undefined where there are several. */
  get only(): string | undefined {
    return this.#keys.size === 1 ? [...this.#keys][0] : undefined;
  }

  /** The longest name that this one is, or begins with. */
  ownerOf(stem: string): Owned | null {
    const key = stem.toLowerCase();
    const ends = [...key.matchAll(SEPARATOR)].map(({ index }) => index);
    for (const end of [key.length, ...ends.reverse()]) {
      const film = key.slice(0, end);
      if (this.#keys.has(film)) return { film, rest: stem.slice(end), isFree: false };
    }
    return null;
  }
}

/** What stands between the film's name and the extension. */
function marksOf({ rest, isFree }: Owned): Marks {
  const pieces = rest.split(/[.[\]()]+/).map(piece => piece.split(/[_\s]+/).flatMap(wordsOf));
  const words = pieces.flat();
  const place = languagePlace(pieces, isFree);
  const marks = { isDefault: false, isForced: false, isHearingImpaired: false };
  const others: string[] = [];
  for (const [at, word] of words.entries()) {
    const plain = word.toLowerCase();
    if (at === place) continue;
    if (HEARING_IMPAIRED.has(plain)) marks.isHearingImpaired = true;
    else if (FORCED.has(plain)) marks.isForced = true;
    else if (DEFAULT.has(plain)) marks.isDefault = true;
    else others.push(word);
  }
  const language = place === null ? null : languageFromWord(words[place] ?? '');
  return { ...marks, language, title: titleOf(others) };
}

/**
 * Which of the words is the language: the last that stands by itself (`Film.What is it.en.srt`); of a film's title in front, or of a
 * comment, a word may be one too: `It.Is.eng`.
 */
function languagePlace(pieces: readonly (readonly string[])[], isFree: boolean): number | null {
  const words = pieces.flat();
  const alone = pieces.flatMap(piece => piece.map(() => piece.length === 1));
  const all = [...words.keys()].filter(at => isLanguage(words[at] ?? '', words[at + 1]));
  const unmarked = all.filter(at => !HEARING_IMPAIRED.has(words[at]?.toLowerCase() ?? ''));
  // Hindi where no other language is named.
  const languages = unmarked.length > 0 ? unmarked : all.filter(at => words[at]?.toLowerCase() === 'hi');
  const lone = languages.filter(at => alone[at]);
  return (lone.length > 0 ? lone.at(-1) : isFree ? languages.at(-1) : languages[0]) ?? null;
}

/** A number behind it counts files of one name: `Comments - 2`. */
function titleOf(words: readonly string[]): string | null {
  const isCounted = words.length > 1 && /^\d{1,2}$/.test(words.at(-1) ?? '');
  const title = (isCounted ? words.slice(0, -1) : words).join(' ').slice(0, 200);
  return title === '' ? null : title;
}

/** Latin is one, Latin American is none. */
const isLanguage = (word: string, next = ''): boolean =>
  languageFromWord(word) !== null && !(/^latin$/i.test(word) && /^america/i.test(next));

/** Of the track, as `2_English` has it. */
const withoutNumber = (stem: string): string => stem.replace(/^\d{1,3}(?:[._\s-]+|$)/, '');

/** Hyphens part words, but for those of a language tag: `pt-BR`. */
function wordsOf(text: string): string[] {
  const word = text.replace(/^-+|-+$/g, '');
  if (word === '') return [];
  return languageFromWord(word) !== null ? [word] : word.split('-').filter(part => part !== '');
}

const stemOf = (fileName: string): string => fileName.replace(/\.[^./]*$/, '');
/** By which a film and what belongs to it meet. */
const keyOf = (fileName: string): string => stemOf(fileName).toLowerCase();
const extensionOf = (fileName: string): string => /\.([^.]+)$/.exec(fileName)?.[1]?.toLowerCase() ?? '';
