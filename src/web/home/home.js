// The first page: what goes on, what comes next, what is new, and the libraries.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { filmCard, showCard } from '../library/film-card.js';
import { counted } from '../library/names.js';
import { loadInto, readIfThere, setTitle } from '../library/page.js';
import { PendingPosters } from '../library/pending-posters.js';
import { scanRows } from '../library/scan-rows.js';
import { readLibraries, watchScans } from '../library/scans.js';
import { shelf } from '../lists/shelf.js';
import { isAdmin } from '../login/login-store.js';
import { loadHls } from '../playback/hls-delivery.js';
import { itemsOf, onePerItem } from './entries.js';

const ROW = 20;
const PLAYER_AFTER_MS = 1_500;

/**
 * @param {HTMLElement} root
 * @returns {() => void}
 */
export function showHome(root) {
  const closed = new AbortController();
  const { signal } = closed;
  const posters = new PendingPosters(signal);
  const scan = element('div', { class: 'scan', hidden: true });
  const content = element('div');
  root.className = 'home page-wide';
  setTitle('');
  fill(root, element('h1', { class: 'for-ears' }, 'Home'), scan, content);
  const refresh = () =>
    loadInto(
      content,
      signal,
      () => loadHome(signal),
      home => fill(content, ...sections(home, posters, refresh)),
    );
  void refresh();
  // Only administrators are told of scans.
  if (isAdmin())
    watchScans({
      onProgress: scans => {
        scan.hidden = scans.length === 0;
        fill(scan, ...scanRows(scans));
      },
      onFilmsAdded: () => void refresh(),
      signal,
    });
  // The first Play should not wait for the player's code.
  const timer = setTimeout(() => void loadHls(), PLAYER_AFTER_MS);
  signal.addEventListener('abort', () => clearTimeout(timer));
  return () => closed.abort();
}

/** @param {AbortSignal} signal */
async function loadHome(signal) {
  const read = (/** @type {string} */ path) => readIfThere(`/api/v1/${path}`, signal);
  const [libraries, begun, next, films, shows] = await Promise.all([
    readLibraries(signal),
    read(`me/progress?limit=${ROW}`),
    read(`me/up-next?limit=${ROW}`),
    read(`media?kind=movie&sort=-addedAt&limit=${ROW}&versions=together`),
    read(`shows?sort=-addedAt&limit=${ROW}`),
  ]);
  const goingOn = onePerItem(itemsOf(begun));
  const isGoingOn = new Set(goingOn.map(({ id }) => id));
  const upNext = onePerItem(itemsOf(next)).filter(({ id }) => !isGoingOn.has(id));
  return { libraries, goingOn, upNext, films: films?.items ?? [], shows: shows?.items ?? [] };
}

/**
 * @param {Awaited<ReturnType<typeof loadHome>>} home
 * @param {PendingPosters} posters
 * @param {() => void} refresh
 */
function sections({ libraries, goingOn, upNext, films, shows }, posters, refresh) {
  /** @param {import('../library/film-card.js').MediaItem} item @param {boolean} isRow */
  const card = (item, isRow) => {
    const node = filmCard(item, { isRow });
    posters.watch(item, node);
    return node;
  };
  const begun = goingOn.map(item => {
    const node = card(item, true);
    node.append(takeOff(item, refresh));
    return node;
  });
  const first = films.length + shows.length === 0 ? nothingYet(libraries.length > 0) : null;
  return [
    begun.length > 0 ? shelf('Continue watching', begun) : null,
    upNext.length > 0
      ? shelf(
          'Next up',
          upNext.map(item => card(item, true)),
        )
      : null,
    films.length > 0
      ? shelf(
          'Recently added films',
          films.map((/** @type {any} */ item) => card(item, false)),
        )
      : null,
    shows.length > 0 ? shelf('Shows with new episodes', shows.map(showCard)) : null,
    first,
    libraries.length > 0 ? libraryTiles(libraries) : null,
  ];
}

/** @param {import('../library/film-card.js').MediaItem} item @param {() => void} refresh */
function takeOff(item, refresh) {
  const title = item.show?.title ?? item.title;
  const label = `Take ${title} off this row`;
  const press = async () => {
    // When it can not be taken off it stays, as the row shows.
    const isGone = await request('DELETE', `/api/v1/me/continue/${encodeURIComponent(item.id)}`).then(
      () => true,
      () => false,
    );
    if (isGone) refresh();
  };
  return element(
    'button',
    { class: 'card-button', type: 'button', 'aria-label': label, title: label, onclick: () => void press() },
    icon('close'),
  );
}

/** @param {{ id: string, name: string, kind: string }[]} libraries */
function libraryTiles(libraries) {
  const tiles = libraries.map(({ id, name, kind }) =>
    element(
      'li',
      {},
      element(
        'a',
        { class: 'tile', href: `/library/${encodeURIComponent(id)}` },
        icon(kind === 'shows' ? 'shows' : 'film'),
        element('span', {}, name),
      ),
    ),
  );
  return element(
    'section',
    { class: 'shelf', 'aria-label': counted(libraries.length, 'library', 'libraries') },
    element('div', { class: 'section-head' }, element('h2', {}, 'Libraries')),
    element('ul', { class: 'tiles' }, ...tiles),
  );
}

/** @param {boolean} hasLibraries */
function nothingYet(hasLibraries) {
  const add = element('a', { class: 'button primary', href: '/admin/libraries' }, hasLibraries ? 'Libraries' : 'Add a library');
  const text = isAdmin()
    ? hasLibraries
      ? 'No films yet. What is scanned appears here.'
      : 'No films yet. Choose a folder with films or shows to begin.'
    : 'No films yet. Ask an administrator to add some.';
  return element('div', { class: 'empty' }, element('p', {}, text), isAdmin() ? add : null);
}
