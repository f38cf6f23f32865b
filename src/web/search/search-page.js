// Everything that a search finds, by kind.
import { element, fill } from '../dom.js';
import { filmCard, showCard } from '../library/film-card.js';
import { loadInto, setTitle } from '../library/page.js';
import { readGroups } from './groups.js';
import { marked } from './marked.js';

const OF_A_KIND = 50;

/**
 * @param {HTMLElement} root
 * @param {{ query: URLSearchParams }} options
 * @returns {() => void}
 */
export function showSearch(root, { query }) {
  const closed = new AbortController();
  const text = (query.get('q') ?? '').trim().slice(0, 200);
  root.className = 'search-page page';
  setTitle(text === '' ? 'Search' : text);
  if (text === '') fill(root, element('h1', {}, 'Search'), element('p', { class: 'muted' }, 'Type a title, a person or a show.'));
  else
    void loadInto(
      root,
      closed.signal,
      () => readGroups(text, OF_A_KIND, closed.signal),
      groups => show(root, text, groups),
    );
  return () => closed.abort();
}

/** @param {HTMLElement} root @param {string} text @param {import('./groups.js').Group[]} groups */
function show(root, text, groups) {
  const none = groups.length === 0 ? element('p', { class: 'empty' }, `Nothing found for “${text}”.`) : null;
  const sections = groups.map(({ kind, name, hits }) =>
    element(
      'section',
      { class: 'search-kind', 'aria-label': name },
      element('h2', {}, name),
      element('ul', { class: 'grid' }, ...hits.map(hit => cardOf(kind, hit))),
    ),
  );
  fill(root, element('div', { class: 'list-head' }, element('h1', {}, `Results for “${text}”`)), ...sections, none);
}

/** @param {string} kind @param {import('./groups.js').Hit} hit */
function cardOf(kind, { item, href, parts, note }) {
  if (kind.startsWith('show')) return withMarks(showCard({ episodeCount: 0, seasonCount: 0, ...item }), parts);
  if (typeof item.durationMs === 'number') {
    const card = filmCard({ versions: [], progress: null, ...item });
    return item.show ? card : withMarks(card, parts);
  }
  return element(
    'li',
    {},
    element('a', { class: 'tile', href }, element('span', {}, ...marked(parts)), element('span', { class: 'muted' }, ...marked(note))),
  );
}

/** @param {HTMLElement} card @param {import('./marked.js').Part[]} parts */
function withMarks(card, parts) {
  const title = card.querySelector('.film-title');
  if (title !== null) fill(title, ...marked(parts));
  return card;
}
