// Collections, genres and people by name, and what belongs to one of them.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { filmCard, showCard } from '../library/film-card.js';
import { counted } from '../library/names.js';
import { failed, loadInto, setTitle } from '../library/page.js';
import { PagedItems } from '../lists/paged-items.js';
import { VirtualGrid } from '../lists/virtual-grid.js';

const KINDS = [
  { path: 'genres', name: 'Genres', none: 'No genres are known yet. They come with descriptions (NFO files, tags) of the films.' },
  { path: 'collections', name: 'Collections', none: 'No collections are known yet. They come with descriptions of the films.' },
  { path: 'people', name: 'People', none: 'No people are known yet. They come with descriptions of the films.' },
];

/**
 * @param {HTMLElement} root
 * @param {{ kind: string | undefined, id: string | undefined }} options
 * @returns {() => void}
 */
export function showBrowse(root, { kind = 'genres', id }) {
  const closed = new AbortController();
  root.className = 'browse page';
  const known = KINDS.find(({ path }) => path === kind) ?? { path: 'genres', name: 'Genres', none: '' };
  if (id === undefined) listFacets(root, known, closed.signal);
  else void showFacet(root, known, id, closed.signal);
  return () => closed.abort();
}

/** @param {HTMLElement} root @param {typeof KINDS[number]} kind @param {AbortSignal} signal */
function listFacets(root, kind, signal) {
  setTitle(kind.name);
  const items = new PagedItems(({ cursor, limit, signal: stopped }) => {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor === null ? {} : { cursor }) });
    return request('GET', `/api/v1/${kind.path}?${query}`, { signal: stopped });
  });
  const grid = new VirtualGrid({ label: kind.name, items, card: facet => tile(kind.path, facet), ratio: 0, textHeight: 64, minWidth: 230 });
  const status = element('div');
  const tell = () => {
    const isEmpty = items.isComplete && items.length === 0;
    if (items.failure !== null) fill(status, failed(items.failure, retry));
    else fill(status, isEmpty ? element('p', { class: 'empty' }, kind.none) : null);
  };
  const retry = () => {
    items.retry();
    items.want(0, 0);
  };
  items.addEventListener('change', tell, { signal });
  items.addEventListener('failure', tell, { signal });
  signal.addEventListener('abort', () => {
    grid.close();
    items.close();
  });
  fill(root, element('div', { class: 'list-head' }, element('h1', {}, 'Browse')), tabs(kind.path), grid.root, status);
  items.want(0, 0);
}

/** @param {string} here */
function tabs(here) {
  const links = KINDS.map(({ path, name }) =>
    element('a', { href: `/browse/${path}`, 'aria-current': path === here ? 'page' : null }, name),
  );
  return element('nav', { class: 'tabs', 'aria-label': 'Browse by' }, ...links);
}

/** @param {string} path @param {{ id: string, name: string, count: number }} facet */
function tile(path, { id, name, count }) {
  return element(
    'li',
    {},
    element(
      'a',
      { class: 'tile', href: `/browse/${path}/${encodeURIComponent(id)}` },
      element('span', {}, name),
      element('span', { class: 'muted' }, String(count)),
    ),
  );
}

/** @param {HTMLElement} root @param {typeof KINDS[number]} kind @param {string} id @param {AbortSignal} signal */
function showFacet(root, kind, id, signal) {
  return loadInto(
    root,
    signal,
    () => request('GET', `/api/v1/${kind.path}/${encodeURIComponent(id)}`, { signal }),
    facet => {
      setTitle(facet.name);
      const { items, shows } = facet;
      fill(
        root,
        element(
          'nav',
          { class: 'crumbs', 'aria-label': 'Above' },
          element('a', { class: 'back-link', href: `/browse/${kind.path}` }, kind.name),
        ),
        element(
          'div',
          { class: 'list-head' },
          element('h1', {}, facet.name),
          element('span', { class: 'muted' }, counted(items.length + shows.length, 'title')),
        ),
        section('Shows', shows.map(showCard)),
        section(
          shows.length > 0 ? 'Films and episodes' : 'Films',
          items.map((/** @type {any} */ item) => filmCard(item)),
        ),
      );
    },
  );
}

/** @param {string} name @param {HTMLElement[]} cards */
function section(name, cards) {
  if (cards.length === 0) return null;
  return element(
    'section',
    { class: 'search-kind', 'aria-label': name },
    element('h2', {}, name),
    element('ul', { class: 'grid' }, ...cards),
  );
}
