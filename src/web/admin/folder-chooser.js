// A folder of the server, found by going through its folders.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { explainError } from '../messages.js';

/** @param {string} start where to begin, if it is there @returns {Promise<string | null>} null: none was chosen */
export function chooseFolder(start) {
  const closed = new AbortController();
  const { promise, resolve } = Promise.withResolvers();
  const here = element('p', { class: 'path folder-here', 'aria-live': 'polite' });
  const list = element('ul', { class: 'folders', 'aria-label': 'Folders' });
  /** @type {string | null} */
  let path = null;
  const choose = element(
    'button',
    { class: 'button primary', type: 'button', disabled: true, onclick: () => end(path) },
    'Choose this folder',
  );
  const close = element('button', { class: 'control', type: 'button', 'aria-label': 'Close', onclick: () => end(null) }, icon('close'));
  const dialog = element(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'folder-title' },
    element('div', { class: 'section-head' }, element('h2', { id: 'folder-title' }, 'Choose a folder'), close),
    here,
    list,
    choose,
  );
  dialog.addEventListener('close', () => end(null));
  document.body.append(dialog);
  dialog.showModal();
  void open(start, true);
  return promise;

  /** @param {string | null} folder */
  function end(folder) {
    closed.abort();
    resolve(folder);
    dialog.remove();
  }

  /** @param {string} folder @param {boolean} isGuess what was typed may not be there */
  async function open(folder, isGuess = false) {
    const query = folder === '' ? '' : `?${new URLSearchParams({ path: folder })}`;
    try {
      show(await request('GET', `/api/v1/folders${query}`, { signal: closed.signal }));
    } catch (error) {
      if (closed.signal.aborted) return;
      if (isGuess && folder !== '') return open('');
      here.textContent = explainError(error);
    }
  }

  /** @param {{ path: string | null, parent: string | null, items: { name: string, path: string }[], isComplete: boolean }} answer */
  function show(answer) {
    path = answer.path;
    here.textContent = path ?? 'Where libraries may lie';
    choose.disabled = path === null;
    const up = path === null ? null : row('..', () => void open(answer.parent ?? ''), 'Up');
    fill(
      list,
      up,
      ...answer.items.map(({ name, path: folder }) => row(name, () => void open(folder))),
      answer.items.length === 0 ? element('li', { class: 'muted folder-none' }, 'No folders in it.') : null,
      answer.isComplete ? null : element('li', { class: 'muted folder-none' }, 'There are more: type the path instead.'),
    );
    list.querySelector('button')?.focus();
  }
}

/** @param {string} name @param {() => void} act @param {string} [spoken] */
function row(name, act, spoken) {
  return element(
    'li',
    {},
    element(
      'button',
      { class: 'folder', type: 'button', onclick: act, 'aria-label': spoken ?? null },
      icon('folder'),
      element('span', {}, name),
    ),
  );
}
