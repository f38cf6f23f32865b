// What stands over every page but the player: where one can go, the search, and the caller's own menu.
import { signOut } from '../api.js';
import { element, fill } from '../dom.js';
import { readLibraries } from '../library/scans.js';
import { brand } from '../login/login.js';
import { isAdmin, readLogin } from '../login/login-store.js';
import { Menu } from '../menu.js';
import { searchBox } from '../search/search-box.js';

/** More than these have no place in a row. */
const MAX_LINKS = 5;

/** @typedef {(path: string, options?: { replace?: boolean }) => void} Navigate */

export class Header {
  root;
  #nav = element('nav', { class: 'site-nav', 'aria-label': 'Pages' });
  #search;
  #closed = new AbortController();

  /** @param {{ navigate: Navigate, signedOut: () => void }} options */
  constructor({ navigate, signedOut }) {
    const menu = new Menu(readLogin()?.user.username ?? 'Account', 'person', () => items(navigate, signedOut));
    this.#search = searchBox({ navigate, signal: this.#closed.signal });
    addEventListener('click', event => closeFrom(event, menu.root), { signal: this.#closed.signal });
    this.root = element(
      'header',
      { class: 'site-header' },
      element('a', { class: 'skip-link', href: '#main', onclick: skip }, 'Skip to the content'),
      element('a', { class: 'home-link', href: '/', 'aria-label': 'Ferrite, home' }, brand()),
      this.#nav,
      this.#search.root,
      menu.root,
    );
    this.#show([]);
    void this.refresh();
  }

  close() {
    this.#closed.abort();
  }

  /** The libraries may be others now. */
  async refresh() {
    // Without them the page works all the same: the first page lists them again.
    const libraries = await readLibraries(this.#closed.signal).catch(() => []);
    if (!this.#closed.signal.aborted) this.#show(libraries);
  }

  /** @param {string} pathname of the page that is shown */
  mark(pathname) {
    for (const link of this.#nav.querySelectorAll('a')) {
      const isHere = link.pathname === '/' ? pathname === '/' : pathname.startsWith(link.pathname);
      if (isHere) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    if (!pathname.startsWith('/search')) this.#search.leave();
  }

  /** @param {{ id: string, name: string }[]} libraries */
  #show(libraries) {
    const links = libraries.slice(0, MAX_LINKS).map(({ id, name }) => element('a', { href: `/library/${encodeURIComponent(id)}` }, name));
    fill(this.#nav, element('a', { href: '/' }, 'Home'), ...links, element('a', { href: '/browse' }, 'Browse'));
    this.mark(location.pathname);
  }
}

/** @param {Navigate} navigate @param {() => void} signedOut */
function items(navigate, signedOut) {
  const leave = async () => {
    // This browser is signed out even when the server refuses the request.
    await signOut().catch(() => undefined);
    signedOut();
  };
  const go = (/** @type {string} */ label, /** @type {string} */ path) => ({ label, act: () => navigate(path) });
  return [
    go('Account', '/account'),
    ...(isAdmin() ? [go('Libraries', '/admin/libraries'), go('Users', '/admin/users'), go('Security log', '/admin/audit')] : []),
    { label: 'Log out', act: () => void leave() },
  ];
}

/** @param {MouseEvent} event @param {HTMLElement} menu */
function closeFrom({ target }, menu) {
  if (target instanceof Node && !menu.contains(target)) Menu.closeOpen();
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.querySelector('main')?.focus();
}
