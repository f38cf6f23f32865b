// For administrators: the folders that make up the library, scanning them again, and the files that could not be read.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { setTitle } from '../library/page.js';
import { readLibraries, readScan } from '../library/scans.js';
import { field } from '../login/login.js';
import { explain, explainError } from '../messages.js';
import { chooseFolder } from './folder-chooser.js';

const REFRESH_MS = 1_000;

/** @typedef {(work: () => Promise<unknown>) => Promise<boolean>} Act */

/**
 * @param {HTMLElement} root
 * @param {{ librariesChanged: () => void }} options
 * @returns {() => void}
 */
export function showLibraries(root, { librariesChanged }) {
  const closed = new AbortController();
  const list = element('div', { class: 'library-list' });
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  root.className = 'page-narrow admin';
  setTitle('Libraries');
  fill(root, element('div', { class: 'list-head' }, element('h1', {}, 'Libraries')), list, failure, addForm(act));
  const timer = setInterval(() => void refresh(), REFRESH_MS);
  closed.signal.addEventListener('abort', () => clearInterval(timer));
  /** What the list shows now: it is drawn again only when it would be another. */
  let shown = '';
  void refresh();
  return () => closed.abort();

  async function refresh() {
    try {
      const libraries = await readLibraries(closed.signal);
      const scans = await Promise.all(libraries.map(readScan));
      const text = JSON.stringify([libraries, scans]);
      // A press would hit a button that was replaced.
      if (closed.signal.aborted || text === shown || list.contains(document.activeElement)) return;
      shown = text;
      const isOpen = new Set(Array.from(list.querySelectorAll('details[open]'), node => node.getAttribute('data-id')));
      fill(list, ...libraries.map((library, index) => libraryRow(library, scans[index], isOpen, act)));
      if (libraries.length === 0) fill(list, element('p', { class: 'muted' }, 'No library yet: choose a folder with films or shows.'));
    } catch (error) {
      if (!closed.signal.aborted) showError(error);
    }
  }

  /** @param {() => Promise<unknown>} work */
  async function act(work) {
    failure.hidden = true;
    try {
      await work();
      // The focus leaves the list, which is drawn anew.
      if (list.contains(document.activeElement)) root.focus({ preventScroll: true });
      librariesChanged();
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

/**
 * @param {{ id: string, name: string, paths: string[] }} library
 * @param {import('../library/scans.js').Scan | undefined} scan
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
    'section',
    { class: 'library-row', 'aria-label': name },
    element(
      'div',
      { class: 'library-name' },
      element('h2', {}, element('a', { href: `/library/${encodeURIComponent(id)}` }, name)),
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

/** @param {import('../library/scans.js').Scan | undefined} scan */
function scanText(scan) {
  if (scan === undefined || scan.state === 'idle') return 'Not scanned since the server started.';
  const failed = scan.failed > 0 ? `, ${scan.failed} could not be read` : '';
  if (scan.state === 'running') return `Scanning: ${scan.probed + scan.failed} of ${scan.total || scan.found}${failed}`;
  return scan.state === 'failed'
    ? 'The last scan failed: can the folder be read?'
    : `${scan.probed} of ${scan.total} files scanned${failed}.`;
}

/** @param {string} id @param {import('../library/scans.js').Scan} scan @param {boolean} open */
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
  const name = field('Name', { name: 'name', placeholder: 'Films', maxlength: 100 });
  const kind = element(
    'select',
    { class: 'select', 'aria-label': 'Kind' },
    element('option', { value: 'movies' }, 'Films'),
    element('option', { value: 'shows' }, 'Shows'),
  );
  const choose = element(
    'button',
    {
      class: 'button',
      type: 'button',
      onclick: () =>
        void chooseFolder(path.input.value.trim()).then(folder => {
          if (folder === null) return;
          path.input.value = folder;
          if (/\b(shows?|series|tv)\b/i.test(folder.split('/').at(-1) ?? '')) kind.value = 'shows';
          name.input.focus();
        }),
    },
    'Choose…',
  );
  const form = element(
    'form',
    { class: 'add-library' },
    element('h2', {}, 'Add a library'),
    element('div', { class: 'row' }, path.row, choose),
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
