// One library, or all films: every title as a card, sorted, entered at any letter, with the progress of its scan.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { PagedItems } from '../lists/paged-items.js';
import { VirtualGrid } from '../lists/virtual-grid.js';
import { isAdmin } from '../login/login-store.js';
import { filmCard, showCard } from './film-card.js';
import { letterButtons, letterChoice } from './letters.js';
import { counted } from './names.js';
import { failed, loadInto, setTitle } from './page.js';
import { PendingPosters } from './pending-posters.js';
import { scanRows } from './scan-rows.js';
import { readLibraries, watchScans } from './scans.js';

/** @typedef {{ id: string, name: string, kind: 'movies' | 'shows', paths: string[] }} Library */

const SORTS = [
  { value: 'title', label: 'Title' },
  { value: '-addedAt', label: 'Last added' },
  { value: '-year', label: 'Newest' },
  { value: 'year', label: 'Oldest' },
];

/**
 * @param {HTMLElement} root
 * @param {{ libraryId: string, query: URLSearchParams, navigate: (path: string, options?: { replace?: boolean }) => void }} options
 * @returns {() => void}
 */
export function showLibrary(root, { libraryId, query, navigate }) {
  const closed = new AbortController();
  root.className = 'library page';
  const load = async () => {
    const library = (await readLibraries(closed.signal)).find(({ id }) => id === libraryId);
    if (library === undefined) throw Object.assign(new Error('That library is not there any more.'), { code: 'LIBRARY_NOT_FOUND' });
    return library;
  };
  void loadInto(root, closed.signal, load, library => new LibraryPage(root, library, query, navigate, closed.signal));
  return () => closed.abort();
}

class LibraryPage {
  #library;
  #signal;
  #sort;
  #items;
  #grid;
  #posters;
  #count = element('span', { class: 'muted', role: 'status' });
  #status = element('div');
  #letters = element('div');
  #letterChoice = element('div', { class: 'letter-choice' });

  /**
   * @param {HTMLElement} root
   * @param {Library} library
   * @param {URLSearchParams} query
   * @param {(path: string, options?: { replace?: boolean }) => void} navigate
   * @param {AbortSignal} signal
   */
  constructor(root, library, query, navigate, signal) {
    this.#library = library;
    this.#signal = signal;
    this.#posters = new PendingPosters(signal);
    this.#sort = SORTS.find(({ value }) => value === query.get('sort'))?.value ?? 'title';
    this.#items = new PagedItems(place => this.#fetchPage(place));
    const isShows = library.kind === 'shows';
    this.#grid = new VirtualGrid({
      label: library.name,
      items: this.#items,
      card: item => (isShows ? showCard(item) : this.#filmCard(item)),
      ...(isShows || this.#sort !== 'title' ? {} : { find: text => this.#offsetOf(text) }),
    });
    signal.addEventListener('abort', () => {
      this.#grid.close();
      this.#items.close();
    });
    this.#items.addEventListener('change', () => this.#render(), { signal });
    this.#items.addEventListener('failure', () => this.#render(), { signal });
    setTitle(library.name);
    const scan = element('div', { class: 'scan', hidden: true });
    const choice = element(
      'select',
      {
        class: 'select',
        'aria-label': 'Sort by',
        onchange: () => navigate(`/library/${library.id}?sort=${choice.value}`, { replace: true }),
      },
      ...SORTS.map(({ value, label }) => element('option', { value, selected: value === this.#sort }, label)),
    );
    fill(
      root,
      element('div', { class: 'list-head' }, element('h1', {}, library.name), this.#count, this.#letterChoice, choice),
      scan,
      this.#letters,
      this.#grid.root,
      this.#status,
    );
    // Only administrators are told of scans.
    if (isAdmin())
      watchScans({
        libraryId: library.id,
        onProgress: scans => fillScans(scan, scans),
        onFilmsAdded: () => this.#items.refresh(),
        signal,
      });
    this.#items.want(0, 0);
  }

  /** @param {import('./film-card.js').MediaItem} item */
  #filmCard(item) {
    const card = filmCard(item);
    this.#posters.watch(item, card);
    return card;
  }

  /** @param {{ offset: number, cursor: string | null, limit: number, signal: AbortSignal }} place */
  async #fetchPage({ offset, cursor, limit, signal }) {
    const isShows = this.#library.kind === 'shows';
    const query = new URLSearchParams({ libraryId: this.#library.id, sort: this.#sort, limit: String(limit) });
    if (cursor !== null) query.set('cursor', cursor);
    else if (!isShows) query.set('offset', String(offset));
    if (!isShows && offset === 0 && this.#sort === 'title') query.set('letters', 'true');
    const page = await request('GET', `/api/v1/${isShows ? 'shows' : 'media'}?${query}`, { signal });
    if (page.letters && !signal.aborted) this.#showLetters(page.letters);
    return page;
  }

  /** @param {{ letter: string, offset: number }[]} letters */
  #showLetters(letters) {
    // A list of few screens needs none.
    const isLong = (letters.at(-1)?.offset ?? 0) > 30;
    const jump = (/** @type {number} */ offset) => this.#grid.show(offset, { hasFocus: false });
    fill(this.#letters, isLong ? letterButtons(letters, jump) : null);
    fill(this.#letterChoice, isLong ? letterChoice(letters, jump) : null);
  }

  /** @param {string} text */
  async #offsetOf(text) {
    const query = new URLSearchParams({ libraryId: this.#library.id, sort: 'title', limit: '1', from: text });
    const { offset } = await request('GET', `/api/v1/media?${query}`, { signal: this.#signal });
    return offset ?? null;
  }

  #render() {
    const { length, isComplete, failure } = this.#items;
    const isShows = this.#library.kind === 'shows';
    this.#count.textContent = isComplete && length > 0 ? counted(length, isShows ? 'show' : 'title') : '';
    if (failure !== null)
      fill(
        this.#status,
        failed(failure, () => this.#retry()),
      );
    else fill(this.#status, isComplete && length === 0 ? nothingYet() : null);
  }

  #retry() {
    this.#items.retry();
    if (this.#items.length === 0) this.#items.want(0, 0);
  }
}

/** @param {HTMLElement} place @param {import('./scans.js').Scan[]} scans */
function fillScans(place, scans) {
  place.hidden = scans.length === 0;
  fill(place, ...scanRows(scans));
}

function nothingYet() {
  const where = element('a', { class: 'button', href: '/admin/libraries' }, 'Libraries');
  return element('div', { class: 'empty' }, element('p', {}, 'Nothing in this library yet.'), isAdmin() ? where : null);
}
