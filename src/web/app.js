// The page: which address shows which screen, and what happens when the login ends.
import { authEvents } from './api.js';
import { element, fill } from './dom.js';
import { showLogin } from './login/login.js';
import { clearLogin, onSignedOutElsewhere, readLogin } from './login/login-store.js';
import { exposePlayerState } from './playback/player-state.js';
import { showPlayer } from './player/player.js';
import { Header } from './shell/header.js';
import { pageFor } from './shell/pages.js';
import { keepScroll, restoreScroll } from './shell/scroll-place.js';

/** @typedef {(path: string) => void} Navigate */

const app = document.querySelector('#app') ?? document.body.appendChild(element('div'));
/** Closes the screen that is shown. @type {() => void} */
let closeScreen = () => undefined;
/** Over all pages but the player; of one login. @type {Header | null} */
let header = null;
/** When the link to the present screen was pressed: where time to first frame counts from. */
let clickedAtMs = 0;

/** @param {string} path @param {{ replace?: boolean }} [options] */
function navigate(path, { replace = false } = {}) {
  clickedAtMs = performance.now();
  keepScroll();
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
  const main = element('main', { tabIndex: -1, id: 'main' });
  const [, screen, id] = pathname.split('/');
  if (screen === 'login' || (screen === 'watch' && id)) {
    closeHeader(screen === 'login');
    fill(app, main);
    closeScreen = screen === 'login' ? openLogin(main, searchParams) : openPlayer(main, decodeURIComponent(id ?? ''), searchParams);
  } else {
    header ??= new Header({ navigate, signedOut: () => navigate('/login') });
    if (!header.root.isConnected) fill(app, header.root);
    app.querySelector('main')?.remove();
    app.append(main);
    header.mark(pathname);
    closeScreen = pageFor(main, { pathname, query: searchParams, navigate, librariesChanged: () => void header?.refresh() });
    const stop = restoreScroll();
    const close = closeScreen;
    closeScreen = () => {
      stop();
      close();
    };
  }
  if (screen !== 'watch') main.focus({ preventScroll: true });
}

/** @param {boolean} isForGood another person may sign in */
function closeHeader(isForGood) {
  if (!isForGood || header === null) return;
  header.close();
  header = null;
}

/** @param {HTMLElement} main @param {URLSearchParams} query */
function openLogin(main, query) {
  return showLogin(main, { onSignedIn: () => navigate(localPath(query.get('next')), { replace: true }) });
}

/** @param {HTMLElement} main @param {string} mediaId @param {URLSearchParams} query */
function openPlayer(main, mediaId, query) {
  const startMs = query.has('t') ? Number(query.get('t')) : null;
  const leave = () => navigate(`/film/${encodeURIComponent(mediaId)}`, { replace: true });
  return showPlayer(main, { mediaId, startMs: Number.isFinite(startMs) ? startMs : null, clickedAtMs, leave, navigate });
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
history.scrollRestoration = 'manual';
document.addEventListener('click', onClick);
addEventListener('popstate', () => {
  clickedAtMs = performance.now();
  showScreen();
});
authEvents.addEventListener('signed-out', toLogin);
onSignedOutElsewhere(toLogin);
showScreen();
