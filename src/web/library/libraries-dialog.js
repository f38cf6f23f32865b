// For administrators: the folders that make up the library, scanning them again, and the files that could not be read.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { field } from '../login/login.js';
import { explain, explainError } from '../messages.js';
import { readLibraries, readScan } from './scans.js';

const REFRESH_MS = 1_000;

/** @param {{ onChanged: () => void }} options */
export function showLibrariesDialog({ onChanged }) {
  const list = element('div', { class: 'library-list' });
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  const close = element(
    'button',
    { class: 'control', type: 'button', 'aria-label': 'Close', onclick: () => dialog.close() },
    icon('close'),
  );
  const dialog = element(
    'dialog',
    { class: 'dialog', 'aria-label': 'Libraries' },
    element('div', { class: 'section-head' }, element('h2', {}, 'Libraries'), close),
    list,
    failure,
    addForm(act),
  );
  dialog.addEventListener('close', () => {
    clearInterval(timer);
    dialog.remove();
  });
  dialog.addEventListener('click', event => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  const timer = setInterval(() => void refresh(), REFRESH_MS);
  void refresh();

  async function refresh() {
    try {
      const libraries = await readLibraries();
      const scans = await Promise.all(libraries.map(readScan));
      const isOpen = new Set(Array.from(list.querySelectorAll('details[open]'), node => node.getAttribute('data-id')));
      // Drawn again only while no element of the list has the focus: a press would hit a button that was replaced.
      if (list.contains(document.activeElement) && document.activeElement?.matches('summary')) return;
      fill(list, ...libraries.map((library, index) => libraryRow(library, scans[index], isOpen, act)));
      if (libraries.length === 0) fill(list, element('p', { class: 'muted' }, 'No library yet.'));
    } catch (error) {
      showError(error);
    }
  }

  /** @param {() => Promise<unknown>} work */
  async function act(work) {
    failure.hidden = true;
    try {
      await work();
      onChanged();
      await refresh();
      return true;
    } catch (error) {
      showError(error);
      return false;
    }
  }

  /** @param {unknown} error */
  function showError(error) {
    failure.textContent = explainError(error);
    failure.hidden = false;
  }
}

/** @typedef {(work: () => Promise<unknown>) => Promise<boolean>} Act */

/**
 * @param {{ id: string, name: string, paths: string[] }} library
 * @param {import('./scans.js').Scan | undefined} scan
 * @param {Set<string | null>} isOpen
 * @param {Act} act
 */
function libraryRow({ id, name, paths }, scan, isOpen, act) {
  const path = `/api/v1/libraries/${encodeURIComponent(id)}`;
  const isRunning = scan?.state === 'running';
  const rescan = element(
    'button',
    { class: 'button small', type: 'button', disabled: isRunning, onclick: () => void act(() => request('POST', `${path}/scan`)) },
    'Scan again',
  );
  const remove = element(
    'button',
    {
      class: 'button small quiet',
      type: 'button',
      onclick: () => confirm(`Remove “${name}” from Ferrite? The files stay where they are.`) && void act(() => request('DELETE', path)),
    },
    'Remove',
  );
  return element(
    'div',
    { class: 'library-row' },
    element(
      'div',
      { class: 'library-name' },
      element('strong', {}, name),
      element('div', { class: 'muted path' }, paths.join(', ')),
      element('div', { class: 'muted' }, scanText(scan)),
    ),
    element('div', { class: 'row' }, rescan, remove),
    isRunning && scan
      ? element('progress', { max: Math.max(scan.total, 1), value: scan.probed + scan.failed, 'aria-label': scanText(scan) })
      : null,
    scan && scan.errors.length > 0 ? failures(id, scan, isOpen.has(id)) : null,
  );
}

/** @param {import('./scans.js').Scan | undefined} scan */
function scanText(scan) {
  if (scan === undefined || scan.state === 'idle') return 'Not scanned yet.';
  const failed = scan.failed > 0 ? `, ${scan.failed} could not be read` : '';
  if (scan.state === 'running') return `Scanning: ${scan.probed + scan.failed} of ${scan.total || scan.found}${failed}`;
  return scan.state === 'failed'
    ? 'The last scan failed: can the folder be read?'
    : `${scan.probed} of ${scan.total} files scanned${failed}.`;
}

/** @param {string} id @param {import('./scans.js').Scan} scan @param {boolean} open */
function failures(id, { errors }, open) {
  const rows = errors.map(error =>
    element(
      'li',
      {},
      element('span', { class: 'path' }, error.name),
      element('span', { class: 'muted' }, error.message || explain(error.code, '')),
    ),
  );
  return element(
    'details',
    { class: 'scan-errors', open, 'data-id': id },
    element('summary', {}, `Files that could not be read (${errors.length})`),
    element('ul', {}, ...rows),
  );
}

/** @param {Act} act */
function addForm(act) {
  const path = field('Folder on the server', {
    name: 'path',
    required: true,
    placeholder: '/media/films',
    spellcheck: 'false',
    autocapitalize: 'none',
  });
  const name = field('Name', { name: 'name', placeholder: 'Films', maxlength: 80 });
  const kind = element(
    'select',
    { class: 'select', 'aria-label': 'Kind' },
    element('option', { value: 'movies' }, 'Films'),
    element('option', { value: 'shows' }, 'Shows'),
  );
  const form = element(
    'form',
    { class: 'add-library' },
    element('h3', {}, 'Add a library'),
    path.row,
    element('div', { class: 'row' }, name.row, kind, element('button', { class: 'button primary', type: 'submit' }, 'Add')),
  );
  form.addEventListener('submit', event => {
    event.preventDefault();
    const folder = path.input.value.trim();
    const body = {
      name: name.input.value.trim() || folder.split('/').filter(Boolean).at(-1) || 'Films',
      kind: kind.value,
      paths: [folder],
    };
    void act(() => request('POST', '/api/v1/libraries', { body })).then(isDone => isDone && form.reset());
  });
  return form;
}
