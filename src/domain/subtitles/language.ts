// Languages as files name them (ISO 639 of two or three letters, BCP 47, an English word) and as players want them (BCP 47).

const NAMES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
/** Not a language: undetermined, no linguistic content, several. */
const NO_LANGUAGE = new Set(['und', 'zxx', 'mul', 'mis']);
/** Whose own name of their language people write into names of files: Deutsch, français, 日本語. */
const NAMED_BY_THEMSELVES =
  'ar bg ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nb nl no pl pt ro ru sk sl sr sv th tr uk vi zh'.split(' ');
/** What they are called besides. */
const ALSO: Readonly<Record<string, string>> = {
  francais: 'fr',
  espanol: 'es',
  castellano: 'es-ES',
  castilian: 'es-ES',
  latino: 'es-419',
  portugues: 'pt',
  brazilian: 'pt-BR',
  brasileiro: 'pt-BR',
  pob: 'pt-BR',
  mandarin: 'zh',
  chs: 'zh-Hans',
  cht: 'zh-Hant',
  简体: 'zh-Hans',
  繁體: 'zh-Hant',
  flemish: 'nl-BE',
};
let tagsByName: ReadonlyMap<string, string> | null = null;

/** The shortest BCP 47 tag of a known language: `eng` and `EN` are `en`, `ger` is `de`, `pt-br` is `pt-BR`. Null for anything else. */
export function languageTag(text: string | null): string | null {
  if (text === null || !/^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$/.test(text)) return null;
  try {
    const [tag] = Intl.getCanonicalLocales(text.replaceAll('_', '-'));
    if (tag === undefined || NO_LANGUAGE.has(tag) || languageName(tag) === null) return null;
    return tag;
  } catch {
    return null;
  }
}

/** The same, where a person may have written the language out: `English`, `german`, `français`. */
export const languageFromWord = (word: string): string | null =>
  languageTag(word) ?? tagsByWord().get(word.normalize('NFC').toLowerCase()) ?? null;

/** In English, as the menus of players show it; null for what is no known language. */
export function languageName(tag: string): string | null {
  try {
    return NAMES.of(tag) ?? null;
  } catch {
    return null;
  }
}

function tagsByWord(): ReadonlyMap<string, string> {
  if (tagsByName !== null) return tagsByName;
  const tags = LETTERS.flatMap(first => LETTERS.map(second => first + second));
  const inEnglish = tags.flatMap(tag => {
    const name = languageName(tag);
    const [canonical] = Intl.getCanonicalLocales(tag);
    return name === null || canonical === undefined ? [] : [[name.toLowerCase(), canonical] as const];
  });
  const byThemselves = NAMED_BY_THEMSELVES.map(
    tag => [(new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag).toLowerCase(), tag] as const,
  );
  tagsByName = new Map([...byThemselves, ...inEnglish, ...Object.entries(ALSO)]);
  return tagsByName;
}
