// A title as it is compared and as it is sorted. Pure.

/** Letters that no decomposition takes apart. */
const FOLDED_LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  ς: 'σ',
};
const FOLDED = new RegExp(`[${Object.keys(FOLDED_LETTERS).join('')}]`, 'gu');

export const foldLetters = (lowerCase: string): string => lowerCase.replaceAll(FOLDED, letter => FOLDED_LETTERS[letter] ?? letter);

/** Without case, accents and punctuation; a title of signs alone is compared by those signs. */
export function searchable(text: string): string {
  const words = plain(text)
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^\p{Letter}\p{Number}]+/gu, ' ')
    .trim();
  return words === '' ? text.trim().toLowerCase() : words;
}

/** As `searchable`, with numbers that sort by value. */
export const sortable = (text: string): string => searchable(text).replaceAll(/\d+/g, digits => digits.padStart(10, '0'));

/** In the order of a shelf: an article in front does not count. `languages` of its sound decide on words that only some of them begin with as an article. */
export const sortableTitle = (title: string, languages: readonly string[] = []): string => sortable(withoutArticle(title, languages));

/** Words that begin hardly any title but as an article. */
const ARTICLES = new Set('the a an le la les un une der das ein eine el los las una il lo gli uno het een den det'.split(' '));
/** "Die Hard" and "As Good as It Gets" begin with none. By ISO 639. */
const ARTICLES_OF: readonly (readonly [languages: readonly string[], articles: readonly string[]])[] = [
  [['de', 'ger', 'deu'], ['die']],
  [
    ['pt', 'por'],
    ['o', 'a', 'os', 'as', 'um', 'uma'],
  ],
  [['it', 'ita'], ['i']],
  [['nl', 'dut', 'nld'], ['de']],
  [
    ['sv', 'swe', 'no', 'nor', 'nb', 'nob', 'da', 'dan'],
    ['en', 'ett', 'et'],
  ],
  [['fr', 'fre', 'fra'], ['des']],
  [
    ['es', 'spa'],
    ['unos', 'unas'],
  ],
];
/** Names that are no article and a noun. */
const NAMES = /^(?:los angeles|las vegas|la la|el paso|a i|le mans)\b/;
const GERMAN = /[äöüß]|\s(?:der|des|dem|den|das|und|von|vom|im|mit|ist|zum|zur)\s/iu;
const ELIDED = /^l['’](?=\p{Letter})/iu;

function withoutArticle(title: string, languages: readonly string[]): string {
  const trimmed = title.trim();
  const elided = trimmed.replace(ELIDED, '');
  if (elided !== trimmed) return elided;
  const match = /^(\p{Letter}+)\s+(?=\S)/u.exec(trimmed);
  const [whole = '', word = ''] = match ?? [];
  if (whole === '' || NAMES.test(searchable(trimmed))) return trimmed;
  return isArticle(word.toLowerCase(), trimmed, languages) ? trimmed.slice(whole.length) : trimmed;
}

function isArticle(word: string, title: string, languages: readonly string[]): boolean {
  if (ARTICLES.has(word)) return true;
  if (word === 'die' && GERMAN.test(`${title} `)) return true;
  return ARTICLES_OF.some(([codes, articles]) => articles.includes(word) && languages.some(code => codes.includes(baseOf(code))));
}

const baseOf = (language: string): string => language.toLowerCase().split('-')[0] ?? '';

const plain = (text: string): string =>
  foldLetters(
    text
      .normalize('NFKD')
      .replaceAll(/\p{Mark}/gu, '')
      .toLowerCase(),
  );

/** The same text in memory of its own: one that was cut out of a record keeps all of the record. */
export const detached = (text: string): string => Buffer.from(text).toString();
