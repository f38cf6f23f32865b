// For administrators: the button that opens what can be corrected of a film, an episode or a show.
import { element } from '../dom.js';
import { icon } from '../icons.js';
import { isAdmin } from '../login/login-store.js';
import { showCorrections } from './corrections-dialog.js';

/** @param {{ kind: 'media' | 'show', item: any, onDone: (next?: string) => unknown }} options `next`: where the title is now */
export function correctButton(options) {
  if (!isAdmin()) return null;
  return element('button', { class: 'button quiet', type: 'button', onclick: () => showCorrections(options) }, icon('edit'), 'Correct');
}
