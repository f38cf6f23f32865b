// The page: which address shows which screen, and what happens when the login ends.
import { authEvents } from './api.js';
import { element, fill } from './dom.js';
import { showFilm } from './library/film.js';
import { showLibrary } from './library/library.js';
import { showLogin } from './login/login.js';
import { clearLogin, onSignedOutElsewhere, readLogin } from './login/login-store.js';
import { exposePlayerState } from './playback/player-state.js';
import { showPlayer } from './player/player.js';

/** @typedef {(path: string) => void} Navigate */

const app = document.querySelector('#app') ?? document.body.appendChild(element('div'));
/** Closes the screen that is shown. @type {() => void} */
let closeScreen = () => undefined;
/** When the link to the present screen was pressed: where time to first frame counts from. */
let clickedAtMs = 0;

/** @param {string} path @param {{ replace?: boolean }} [options] */
function navigate(path, { replace = false } = {}) {
  clickedAtMs = performance.now();
  if (replace) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  showScreen();
}

function showScreen() {
  closeScreen();
  closeScreen = () => undefined;
  const { pathname, searchParams } = new URL(location.href);
  if (readLogin() === null && pathname !== '/login')
    return navigate(`/login?next=${encodeURIComponent(pathname + location.search)}`, { replace: true });
  document.title = 'Ferrite';
  const main = element('main', { tabIndex: -1 });
  fill(app, main);
  closeScreen = screenFor(main, pathname, searchParams);
  if (!pathname.startsWith('/watch/')) main.focus({ preventScroll: true });
}

/**
 * @param {HTMLElement} main
 * @param {string} pathname
 * @param {URLSearchParams} query
 * @returns {() => void}
 */
function screenFor(main, pathname, query) {
  const [, screen, id] = pathname.split('/');
  if (screen === 'login') return showLogin(main, { onSignedIn: () => navigate(localPath(query.get('next')), { replace: true }) });
  if (screen === 'film' && id) return showFilm(main, { mediaId: decodeURIComponent(id), navigate });
  if (screen === 'watch' && id) {
    const startMs = query.has('t') ? Number(query.get('t')) : null;
    const leave = () => navigate(`/film/${id}`, { replace: true });
    return showPlayer(main, { mediaId: decodeURIComponent(id), startMs: Number.isFinite(startMs) ? startMs : null, clickedAtMs, leave });
  }
  return showLibrary(main, { navigate, signedOut: () => navigate('/login') });
}

/** Only ever a path of this page: `next` comes from the address bar. @param {string | null} next */
function localPath(next) {
  if (next === null || !next.startsWith('/')) return '/';
  const url = new URL(next, location.origin);
  return url.origin === location.origin ? url.pathname + url.search : '/';
}

/** Links work as links (new tab, copy), and a plain press stays in the page. @param {MouseEvent} event */
function onClick(event) {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.defaultPrevented) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.origin !== location.origin || link.target !== '') return;
  event.preventDefault();
  navigate(link.pathname + link.search, { replace: link.dataset.replace !== undefined });
}

function toLogin() {
  clearLogin();
  if (location.pathname !== '/login') navigate(`/login?next=${encodeURIComponent(location.pathname + location.search)}`, { replace: true });
}

exposePlayerState();
document.addEventListener('click', onClick);
addEventListener('popstate', () => {
  clickedAtMs = performance.now();
  showScreen();
});
authEvents.addEventListener('signed-out', toLogin);
onSignedOutElsewhere(toLogin);
showScreen();
