// A name without what its makers and sharers put around it: addresses, tags of groups, an extension.

export type CleanName = {
  readonly text: string;
  /** In brackets in front, as those who translate shows do. */
  readonly group: string | null;
};

/** Longer than any file system allows: what a name costs is bounded whatever it holds. */
const MAX_CHARACTERS = 260;

const WIDE_BRACKETS: Readonly<Record<string, string>> = {
  '【': '[',
  '】': ']',
  '［': '[',
  '］': ']',
  '（': '(',
  '）': ')',
  '「': '[',
  '」': ']',
  '★': ' ',
};
const DOMAIN = String.raw`(?:www\.)?(?:[a-z\d-]{1,63}\.){1,3}(?:com|net|org|info|biz|tv|me|to|cc|io|ca|nz|au|uk|za|es|it|ru|de|fr|nu|li|mx|eu|se|in|is|ws|xyz)`;
/** In brackets, or before a hyphen that stands alone. */
const ADDRESS_IN_FRONT = new RegExp(String.raw`^\s*(?:[\[(]\s*${DOMAIN}\s*[\])]|${DOMAIN}(?=\s+-\s))[\s\-_]*`, 'i');
const WWW_IN_FRONT = new RegExp(String.raw`^\s*(?=www\.)${DOMAIN}[\s\-_.]+`, 'i');
const ADDRESS_BEHIND = new RegExp(String.raw`[\s\-_.]?(?:[\[(]\s*${DOMAIN}\s*[\])]|(?=www\.)${DOMAIN})\s*$`, 'i');
/** Films whose title is in brackets. */
const TITLES_IN_BRACKETS = new Set(['rec']);

/** The dot must be followed by a short extension: "Vol. 2" has none. */
export const withoutExtension = (fileName: string): string => fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '');

/** Brackets and digits of East Asia as others write them. */
export const plainBrackets = (name: string): string =>
  name
    .slice(0, MAX_CHARACTERS)
    .normalize('NFC')
    .replaceAll(/[【】［］（）「」★]/g, bracket => WIDE_BRACKETS[bracket] ?? bracket)
    .replaceAll(/[０-９]/g, digit => digit.normalize('NFKC'));

export function cleanName(stem: string): CleanName {
  const plain = plainBrackets(stem).replace(/^'|'$/g, '').trim();
  const addressed = orWhole(plain.replace(ADDRESS_IN_FRONT, '').replace(WWW_IN_FRONT, ''), plain);
  const text = orWhole(addressed.replace(ADDRESS_BEHIND, ''), addressed);
  const group = /^\s*\[([^[\]]*)\]/.exec(text);
  if (group === null || isNoGroup((group[1] ?? '').trim().toLowerCase())) return { text, group: null };
  const rest = text.slice(group[0].length);
  if (rest.trim() === '' && /[\p{L}\p{N}]/u.test(group[1] ?? '')) return { text: (group[1] ?? '').trim(), group: null };
  return /\p{L}|\p{N}/u.test(rest) ? { text: rest.replace(/^[\s._-]+/, ''), group: (group[1] ?? '').trim() } : { text, group: null };
}

/** `[5.01]`, `[03]`: the episode. */
const isNoGroup = (inside: string): boolean => TITLES_IN_BRACKETS.has(inside) || /^\d{1,2}(?:[.x-]\d{2,3})?$/.test(inside);

const orWhole = (text: string, whole: string): string => (/[\p{L}\p{N}]/u.test(text) ? text : whole);
