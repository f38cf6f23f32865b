// Jumping to a letter of a long list: a row of letters, or on a phone a choice of them.
import { element } from '../dom.js';

/** @typedef {{ letter: string, offset: number }} Letter */

/** @param {Letter[]} letters @param {(offset: number) => void} jump */
export function letterButtons(letters, jump) {
  const buttons = letters.map(({ letter, offset }) =>
    element('button', { type: 'button', 'aria-label': `Jump to ${spoken(letter)}`, onclick: () => jump(offset) }, letter),
  );
  return element('nav', { class: 'letters', 'aria-label': 'Letters' }, ...buttons);
}

/** @param {Letter[]} letters @param {(offset: number) => void} jump */
export function letterChoice(letters, jump) {
  const choice = element(
    'select',
    { class: 'select', 'aria-label': 'Jump to letter', onchange: () => choice.value !== '' && jump(Number(choice.value)) },
    element('option', { value: '' }, 'A–Z'),
    ...letters.map(({ letter, offset }) => element('option', { value: String(offset) }, letter)),
  );
  return choice;
}

/** @param {string} letter */
const spoken = letter => ({ '#': 'numbers and signs', '…': 'other scripts' })[letter] ?? letter;
