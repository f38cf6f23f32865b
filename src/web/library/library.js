// The library: films that were begun, then every film as a poster, found by search, sorted, and loaded further while scrolling.
import { request, signOut } from '../api.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { brand } from '../login/login.js';
import { readLogin } from '../login/login-store.js';
import { explainError } from '../messages.js';
import { loadHls } from '../playback/hls-delivery.js';
import { filmCard } from './film-card.js';
import { showLibrariesDialog } from './libraries-dialog.js';
import { PendingPosters } from './pending-posters.js';
import { watchScans } from './scans.js';

const PAGE = 60;
const DEBOUNCE_MS = 220;
const SORTS = [
  { value: 'title', label: 'Title' },
  { value: '-addedAt', label: 'Last added' },
  { value: '-year', label: 'Newest' },
  { value: 'year', label: 'Oldest' },
];

/** The list's query, order and scroll position when a person left it, so that Back returns to them. */
const remembered = { query: '', sort: 'title', count: 0, scrollY: 0 };

/**
 * @param {HTMLElement} root
 * @param {{ navigate: (path: string) => void, signedOut: () => void }} options
 * @returns {() => void}
 */
export function showLibrary(root, options) {
  const screen = new LibraryScreen(root, options);
  return () => screen.close();
}

class LibraryScreen {
  #closed = new AbortController();
  #pendingPosters = new PendingPosters(this.#closed.signal);
  #loading = new AbortController();
  #signedOut;
  /** @type {string | null} */
  #cursor = null;
  #count = 0;
  #isLoading = false;
  #grid = element('ul', { class: 'grid', 'aria-label': 'Films' });
  #continue = element('section', { class: 'continue', hidden: true, 'aria-label': 'Continue watching' });
  #heading = element('h2', {}, 'Films');
  #status = element('div', { class: 'list-status', role: 'status' });
  #scan = element('div', { class: 'scan', hidden: true });
  #sentinel = element('div', { class: 'sentinel' });
  #search;
  #sort;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #debounce;
  #scans;

  /**
   * @param {HTMLElement} root
   * @param {{ navigate: (path: string) => void, signedOut: () => void }} options
   */
  constructor(root, { signedOut }) {
    this.#signedOut = signedOut;
    this.#search = element('input', {
      type: 'search',
      class: 'search-input',
      placeholder: 'Search',
      'aria-label': 'Search the library',
      value: remembered.query,
    });
    this.#sort = element(
      'select',
      { class: 'select', 'aria-label': 'Sort by' },
      ...SORTS.map(({ value, label }) => element('option', { value }, label)),
    );
    this.#sort.value = remembered.sort;
    root.className = 'library';
    const tools = element('div', { class: 'section-head' }, this.#heading, this.#sort);
    fill(
      root,
      this.#header(),
      element('h1', { class: 'for-ears' }, 'Library'),
      this.#scan,
      this.#continue,
      element('section', { 'aria-label': 'All films' }, tools, this.#grid, this.#status, this.#sentinel),
    );
    this.#listen();
    // Only administrators are told of scans.
    this.#scans = isAdmin()
      ? watchScans({ onProgress: scans => this.#showScans(scans), onFilmsAdded: () => this.#refresh(), signal: this.#closed.signal })
      : null;
    void this.#load(remembered.count, remembered.scrollY);
    void this.#loadContinue();
  }

  close() {
    remembered.count = this.#count;
    remembered.scrollY = scrollY;
    clearTimeout(this.#debounce);
    this.#loading.abort();
    this.#closed.abort();
  }

  #header() {
    const user = readLogin()?.user;
    const libraries = element(
      'button',
      { class: 'button quiet', type: 'button', onclick: () => this.#openLibraries() },
      icon('folder'),
      element('span', { class: 'wide-only' }, 'Libraries'),
    );
    libraries.setAttribute('aria-label', 'Libraries');
    const leave = element(
      'button',
      { class: 'button quiet', type: 'button', title: user ? `Signed in as ${user.username}` : '', onclick: () => void this.#logOut() },
      'Log out',
    );
    return element(
      'header',
      { class: 'site-header' },
      brand(),
      element('label', { class: 'search' }, icon('search'), this.#search),
      element('div', { class: 'row' }, isAdmin() ? libraries : null, leave),
    );
  }

  #listen() {
    const { signal } = this.#closed;
    this.#search.addEventListener(
      'input',
      () => {
        clearTimeout(this.#debounce);
        this.#debounce = setTimeout(() => this.#changeList(), DEBOUNCE_MS);
      },
      { signal },
    );
    this.#sort.addEventListener('change', () => this.#changeList(), { signal });
    const observer = new IntersectionObserver(entries => entries.some(entry => entry.isIntersecting) && void this.#loadMore(), {
      rootMargin: '600px',
    });
    observer.observe(this.#sentinel);
    signal.addEventListener('abort', () => observer.disconnect());
    // The first Play should not wait for the player's code.
    setTimeout(() => void loadHls(), 1_500);
  }

  #changeList() {
    remembered.query = this.#search.value.trim();
    remembered.sort = this.#sort.value;
    scrollTo(0, 0);
    void this.#load(0, 0);
  }

  #refresh() {
    void this.#loadContinue();
    void this.#load(this.#count, scrollY);
  }

  /**
   * The list from its start.
   * @param {number} count how many to have at least
   * @param {number} toScrollY
   */
  async #load(count, toScrollY) {
    this.#loading.abort();
    const loading = new AbortController();
    this.#loading = loading;
    this.#isLoading = true;
    try {
      let page = await this.#fetchPage(null, loading.signal);
      const items = [...page.items];
      while (items.length < count && page.nextCursor !== null) {
        page = await this.#fetchPage(page.nextCursor, loading.signal);
        items.push(...page.items);
      }
      if (loading.signal.aborted) return;
      fill(this.#grid, ...items.map(item => this.#card(item)));
      this.#took(items.length, page.nextCursor);
      this.#showEmpty();
      if (toScrollY > 0) scrollTo(0, toScrollY);
    } catch (error) {
      this.#showFailure(error, loading.signal, () => void this.#load(count, toScrollY));
    } finally {
      if (this.#loading === loading) this.#isLoading = false;
    }
  }

  async #loadMore() {
    if (this.#isLoading || this.#cursor === null) return;
    this.#isLoading = true;
    const { signal } = this.#loading;
    try {
      const page = await this.#fetchPage(this.#cursor, signal);
      if (signal.aborted) return;
      this.#grid.append(...page.items.map(item => this.#card(item)));
      this.#took(this.#count + page.items.length, page.nextCursor);
    } catch (error) {
      this.#showFailure(error, signal, () => void this.#loadMore());
    } finally {
      if (!signal.aborted) this.#isLoading = false;
    }
  }

  /** @param {import('./film-card.js').MediaItem} item */
  #card(item) {
    const card = filmCard(item);
    this.#pendingPosters.watch(item, card);
    return card;
  }

  /** @param {number} count @param {string | null} cursor */
  #took(count, cursor) {
    this.#count = count;
    this.#cursor = cursor;
    fill(this.#status);
    // The end of the page may still be in sight: observing again asks for more.
    if (cursor !== null)
      requestAnimationFrame(() => this.#sentinel.getBoundingClientRect().top < innerHeight + 600 && void this.#loadMore());
  }

  /**
   * @param {string | null} cursor
   * @param {AbortSignal} signal
   * @returns {Promise<{ items: import('./film-card.js').MediaItem[], nextCursor: string | null }>}
   */
  async #fetchPage(cursor, signal) {
    const query = new URLSearchParams({ limit: String(PAGE), versions: 'together' });
    if (remembered.query !== '') query.set('query', remembered.query);
    else query.set('sort', remembered.sort);
    if (cursor !== null) query.set('cursor', cursor);
    const { items, nextCursor } = await request('GET', `/api/v1/media?${query}`, { signal });
    return { items, nextCursor: nextCursor ?? null };
  }

  async #loadContinue() {
    const { signal } = this.#closed;
    // When the row of begun films can not be loaded, the library is shown without it.
    const answer = await request('GET', '/api/v1/me/progress?limit=12', { signal }).catch(() => null);
    if (signal.aborted || answer === null) return;
    const items = onePerFilm(answer.items.map(asFilm));
    const row = element(
      'ul',
      { class: 'row-scroll' },
      ...items.map((/** @type {import('./film-card.js').MediaItem} */ item) => filmCard(item, { isRow: true })),
    );
    fill(this.#continue, element('h2', {}, 'Continue watching'), row);
    this.#continue.hidden = items.length === 0 || remembered.query !== '';
  }

  #showEmpty() {
    const isSearch = remembered.query !== '';
    this.#continue.hidden = isSearch || this.#continue.querySelector('li') === null;
    this.#heading.textContent = isSearch ? 'Results' : 'Films';
    this.#sort.hidden = isSearch;
    if (this.#count > 0) return;
    const add = element('button', { class: 'button primary', type: 'button', onclick: () => this.#openLibraries() }, 'Add a folder');
    const text = isSearch
      ? `Nothing found for “${remembered.query}”.`
      : isAdmin()
        ? 'No films yet. Add a folder with films to begin.'
        : 'No films yet. Ask an administrator to add some.';
    fill(this.#status, element('div', { class: 'empty' }, element('p', {}, text), !isSearch && isAdmin() ? add : null));
  }

  /** @param {unknown} error @param {AbortSignal} signal @param {() => void} retry */
  #showFailure(error, signal, retry) {
    if (signal.aborted) return;
    const button = element('button', { class: 'button', type: 'button', onclick: retry }, 'Try again');
    fill(this.#status, element('div', { class: 'empty' }, element('p', {}, explainError(error)), button));
  }

  /** @param {import('./scans.js').Scan[]} scans that are running */
  #showScans(scans) {
    this.#scan.hidden = scans.length === 0;
    const rows = scans.map(scan => {
      const done = scan.probed + scan.failed;
      const text =
        scan.total > 0 ? `Scanning ${scan.name}: ${done} of ${scan.total} films` : `Scanning ${scan.name}: ${scan.found} files found`;
      return element(
        'div',
        { class: 'scan-row' },
        element('span', {}, text),
        element('progress', { max: Math.max(scan.total, 1), value: done, 'aria-label': text }),
      );
    });
    fill(this.#scan, ...rows);
  }

  #openLibraries() {
    showLibrariesDialog({ onChanged: () => this.#scans?.refresh() });
  }

  async #logOut() {
    // This browser is signed out even when the server refuses the request.
    await signOut().catch(() => undefined);
    this.#signedOut();
  }
}

const isAdmin = () => readLogin()?.user.role === 'admin';

/** Versions of a film that were begun one after the other: the latest comes first. @param {import('./film-card.js').MediaItem[]} items */
function onePerFilm(items) {
  const films = new Map();
  for (const item of items) {
    const key = JSON.stringify([item.title, item.year, item.year === null ? Math.round(item.durationMs / 10_000) : null]);
    if (!films.has(key)) films.set(key, item);
  }
  return [...films.values()];
}

/** An entry of the continue-watching list. @param {any} entry @returns {import('./film-card.js').MediaItem} */
function asFilm({ mediaId, title, year, posterUrl, ...progress }) {
  return { id: mediaId, title, year, posterUrl, durationMs: progress.durationMs, progress };
}
