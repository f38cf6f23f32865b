// The part of a title that was searched for: as the server marked it, or found again in the text.
import { element } from '../dom.js';

/** @typedef {{ text: string, isMatch: boolean }} Part */

/** @param {readonly Part[]} parts */
export const marked = parts => parts.map(({ text, isMatch }) => (isMatch ? element('mark', {}, text) : text));

/** Where the words of a query begin words of a title; accents and case do not count. @param {string} title @param {string} query @returns {Part[]} */
export function markWords(title, query) {
  const words = fold(query)
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
  const letters = [...title];
  const folded = letters.map(fold);
  /** @type {boolean[]} */
  const isMatch = letters.map(() => false);
  for (let at = 0; at < letters.length; at++) {
    const isStart = at === 0 || !/[\p{L}\p{N}]/u.test(folded[at - 1] ?? '');
    if (!isStart) continue;
    for (const word of words) {
      const end = endOf(folded, at, word);
      for (let place = at; place < end; place++) isMatch[place] = true;
    }
  }
  return joined(letters, isMatch);
}

/** @param {readonly string[]} letters @param {readonly boolean[]} isMatch @returns {Part[]} */
function joined(letters, isMatch) {
  /** @type {Part[]} */
  const parts = [];
  for (const [at, text] of letters.entries()) {
    const last = parts.at(-1);
    if (last !== undefined && last.isMatch === isMatch[at]) last.text += text;
    else parts.push({ text, isMatch: isMatch[at] === true });
  }
  return parts;
}

/** One letter may fold to several. @param {readonly string[]} folded @param {number} from @param {string} word */
function endOf(folded, from, word) {
  let rest = word;
  for (let at = from; at < folded.length; at++) {
    if (rest === '') return at;
    const letter = folded[at] ?? '';
    if (letter !== '' && !rest.startsWith(letter)) return from;
    rest = rest.slice(letter.length);
  }
  return rest === '' ? folded.length : from;
}

/** @param {string} text */
const fold = text => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
