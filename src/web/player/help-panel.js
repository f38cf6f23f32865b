// The help that `?` shows: the player's keys and what they do.
import { element } from '../dom.js';
import { icon } from '../icons.js';
import { KEY_HELP } from './keyboard.js';

/** @param {() => void} close */
export function helpPanel(close) {
  const rows = KEY_HELP.flatMap(({ shown, does }) => [element('dt', {}, element('kbd', {}, shown)), element('dd', {}, does)]);
  const button = element('button', { class: 'control stats-close', type: 'button', 'aria-label': 'Close', onclick: close }, icon('close'));
  return element(
    'section',
    { class: 'help', hidden: true, 'aria-label': 'Keyboard keys' },
    button,
    element('h2', {}, 'Keyboard'),
    element('dl', { class: 'stats-table' }, ...rows),
  );
}
