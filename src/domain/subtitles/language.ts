// Languages as files name them (ISO 639 of two or three letters, BCP 47, an English word) and as players want them (BCP 47).

const NAMES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
/** Not a language: undetermined, no linguistic content, several. */
const NO_LANGUAGE = new Set(['und', 'zxx', 'mul', 'mis']);
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

/** The same, where a person may have written the language out: `English`, `german`. */
export const languageFromWord = (word: string): string | null => languageTag(word) ?? tagsByEnglishName().get(word.toLowerCase()) ?? null;

/** In English, as the menus of players show it; null for what is no known language. */
export function languageName(tag: string): string | null {
  try {
    return NAMES.of(tag) ?? null;
  } catch {
    return null;
  }
}

function tagsByEnglishName(): ReadonlyMap<string, string> {
  if (tagsByName !== null) return tagsByName;
  const tags = LETTERS.flatMap(first => LETTERS.map(second => first + second));
  tagsByName = new Map(
    tags.flatMap(tag => {
      const name = languageName(tag);
      const [canonical] = Intl.getCanonicalLocales(tag);
      return name === null || canonical === undefined ? [] : [[name.toLowerCase(), canonical] as const];
    }),
  );
  return tagsByName;
}
