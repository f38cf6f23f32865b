// A piece of a name as a title to be shown: separators become spaces, signs at its ends go, and a name without a capital gets some.

const OPENING = new Set('([{');
const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };
/** May not stand at either end. */
const SIGNS = new Set(' -–—_.,:;|~*+/\\#=•·');

export type Style = {
  /** Dots stand for spaces, in the whole of the name. */
  readonly isDotted: boolean;
  readonly isHyphenated: boolean;
};

export function styleOf(name: string): Style {
  const text = name.trim();
  const hasSpaces = /[\s_]/.test(text);
  const isDotted = !/\s/.test(text) && /[^.]\.[^.]/.test(text);
  return { isDotted, isHyphenated: !hasSpaces && !isDotted && text.split('-').filter(part => /\p{L}{2}/u.test(part)).length > 2 };
}

/** Empty where nothing is left. */
export function titleText(piece: string, { isDotted: isNameDotted, isHyphenated }: Style): string {
  // A release may go on with spaces: "The.Night.Ferry.2011.x264 GRP".
  const isDotted = isNameDotted || (!/\s/.test(piece.trim()) && (piece.match(/[\p{L}\d]\.(?=[\p{L}\d])/gu)?.length ?? 0) > 1);
  // "11.22.63" is one.
  const undotted = isDotted && /\p{L}/u.test(piece) ? dotsToSpaces(piece) : piece;
  const spaced = undotted.replaceAll('_', ' ');
  const words = (isHyphenated ? spaced.replaceAll('-', ' ') : spaced).split(/\s+/).filter(word => word !== '');
  const text = trimmed(words.join(' '));
  return /\p{Lu}/u.test(text) ? articleInFront(text) : capitalised(text);
}

/** "J.R.R.Tolkien" keeps its initials: a dot between single capitals, or after one at the end of a run, belongs to them. */
function dotsToSpaces(name: string): string {
  const kept = name.replace(/(?<![\p{L}\p{N}])(?:\p{Lu}\.){2,20}/gu, initials => `${initials.replaceAll('.', '\0')} `);
  return kept.replaceAll('.', ' ').replaceAll('\0', '.');
}

/** Signs at the ends, and brackets that lost their other half. A dot stays behind an abbreviation: "P.I.", "Mr.". */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  for (;;) {
    const [first, last] = [text[start] ?? '', text[end - 1] ?? ''];
    if (start >= end) return '';
    if (SIGNS.has(first) || first in CLOSING || (OPENING.has(first) && !closes(text, start, end))) start++;
    else if ((SIGNS.has(last) && !isAbbreviated(text, end)) || OPENING.has(last) || (last in CLOSING && !opens(text, start, end))) end--;
    else return text.slice(start, end);
  }
}

const isAbbreviated = (text: string, end: number): boolean =>
  text[end - 1] === '.' && /(?:^|[\s.])\p{Lu}$/u.test(text.slice(Math.max(0, end - 3), end - 1));
const opens = (text: string, start: number, end: number): boolean => text.slice(start, end).includes(CLOSING[text[end - 1] ?? ''] ?? '\0');
const closes = (text: string, start: number, end: number): boolean =>
  text.slice(start, end).includes({ '(': ')', '[': ']', '{': '}' }[text[start] ?? ''] ?? '\0');

/** "Third Man, The". */
const articleInFront = (text: string): string =>
  text.replace(/^([^,]+), (The|A|An|Der|Die|Das|Le|La|Les|El|Los|Las|Il)$/, (_, title: string, article: string) => `${article} ${title}`);

/** A name without a capital was written for machines. */
const capitalised = (text: string): string => text.replace(/(?<=^|\s)\p{Ll}/gu, letter => letter.toUpperCase());

/** By which two spellings of a title meet: without case, accents and signs. */
export const folded = (title: string): string =>
  title
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll('&', 'and')
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
