// Names of fansub groups: all in brackets (`[Group][Title][12][1080p]`), or with the title in two scripts.

const GROUP = /\[([^[\]]*)\]/g;
const NUMBER = /^第?\d{1,4}(?:\s?[-~]\s?\d{1,4})?(?:v\d)?\s?(?:完|end|fin|话|話|集)?$/i;
const OTHER_LETTERS = /[\p{L}--\p{Script=Latin}]+/gv;
const YEAR = /^(?:19|20)\d\d$/;
/** Of the season in which a show began, and how it came. */
const NOT_A_TITLE = /\d{1,2}月新?番|国漫|国产|漫画|dvd|bd|web|tv|\d{3,4}p|\d{3,4}x\d{3,4}|x26[45]|简|繁|字幕/i;

/** The same in the usual way: the title, then the number in brackets. */
export function unbracketed(name: string): string {
  const groups = [...name.matchAll(GROUP)];
  const at = groups.findIndex(([, inside = ''], place) => place > 0 && NUMBER.test(inside.trim()) && !YEAR.test(inside));
  const number = groups[at];
  if (number === undefined) return name;
  const before = name.slice(0, number.index);
  const outside = before
    .replaceAll(GROUP, ' ')
    .replaceAll(/\d{1,2}月新?番|[_\s]/g, ' ')
    .trim();
  if (/\p{L}/u.test(outside)) return name;
  const insides = groups.slice(0, at).map(([, inside = '']) => inside.trim());
  // The first is the group's own, where there is one more.
  const titles = (insides.length > 1 ? insides.slice(1) : insides).filter(inside => !NOT_A_TITLE.test(inside) && !YEAR.test(inside));
  const title = titles.find(isLatin) ?? titles.find(hasLatin) ?? titles.at(-1);
  if (title === undefined) return name;
  const year = insides.find(inside => YEAR.test(inside));
  const [group] = insides;
  const tag = insides.length > 1 ? `[${group}] ` : '';
  return `${tag}${title}${year === undefined ? '' : ` (${year})`} ${name.slice(number.index)}`;
}

/** Of "名侦探 Detective" the second, where a title is written in both. */
export function latinPart(title: string): string {
  const last = [...title.matchAll(OTHER_LETTERS)].at(-1);
  if (last === undefined) return title;
  const behind = title.slice(last.index + last[0].length).replace(/^[\])！？!?…]+/, ' ');
  // "刀剑 Alicization _ Sword Art".
  const tail = behind.slice(Math.max(behind.lastIndexOf(' _ '), behind.lastIndexOf(' / '), -1) + 1);
  if ((tail !== behind || /^[\s·_/|.[(]/.test(tail)) && lettersOf(tail) > 3) return tail;
  const head = title.slice(0, title.search(OTHER_LETTERS));
  return lettersOf(head) > 3 && lettersOf(behind) === 0 && /[\s·_/|]$/.test(head) ? head : title;
}

const lettersOf = (text: string): number => text.match(/\p{Script=Latin}/gu)?.length ?? 0;
const isLatin = (text: string): boolean => hasLatin(text) && text.search(OTHER_LETTERS) === -1;
const hasLatin = (text: string): boolean => /\p{Script=Latin}{2}/u.test(text);
