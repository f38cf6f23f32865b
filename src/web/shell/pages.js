// Which address shows which page.
import { showAccount } from '../account/account.js';
import { showAudit } from '../admin/audit.js';
import { showLibraries } from '../admin/libraries.js';
import { showUsers } from '../admin/users.js';
import { showBrowse } from '../browse/browse.js';
import { element, fill } from '../dom.js';
import { showHome } from '../home/home.js';
import { showFilm } from '../library/film.js';
import { showLibrary } from '../library/library.js';
import { isAdmin } from '../login/login-store.js';
import { showSearch } from '../search/search-page.js';
import { showShow } from '../shows/show.js';

/** @typedef {{ pathname: string, query: URLSearchParams, navigate: (path: string, options?: { replace?: boolean }) => void, librariesChanged: () => void }} PageRequest */

/**
 * @param {HTMLElement} main
 * @param {PageRequest} request
 * @returns {() => void} closes it
 */
export function pageFor(main, { pathname, query, navigate, librariesChanged }) {
  const [, screen = '', first, second] = pathname.split('/').map(decoded);
  if (screen === 'film' && first) return showFilm(main, { mediaId: first, navigate });
  if (screen === 'show' && first) return showShow(main, { showId: first, query });
  if (screen === 'library' && first) return showLibrary(main, { libraryId: first, query, navigate });
  if (screen === 'browse') return showBrowse(main, { kind: first, id: second });
  if (screen === 'search') return showSearch(main, { query });
  if (screen === 'account') return showAccount(main, { navigate });
  if (screen === 'admin' && !isAdmin()) return showRefusal(main);
  if (screen === 'admin' && first === 'users') return showUsers(main);
  if (screen === 'admin' && first === 'audit') return showAudit(main);
  if (screen === 'admin') return showLibraries(main, { librariesChanged });
  return showHome(main);
}

/** @param {HTMLElement} main */
function showRefusal(main) {
  main.className = 'page';
  fill(
    main,
    element(
      'div',
      { class: 'empty' },
      element('h1', { class: 'empty-title' }, 'For administrators'),
      element('p', {}, 'Your account may not do this.'),
    ),
  );
  return () => undefined;
}

/** @param {string} part of a path; one that is no text is nothing we know */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
