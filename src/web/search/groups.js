// What a search finds, in groups: films, shows, episodes, people.
import { request } from '../api.js';
import { episodeCode } from '../library/names.js';
import { readIfThere } from '../library/page.js';
import { markRanges, markWords } from './marked.js';

/** @typedef {{ href: string, parts: import('./marked.js').Part[], note: string, posterUrl: string | null, item: any }} Hit */
/** @typedef {{ kind: string, name: string, hits: Hit[] }} Group */

const NAMES = {
  movie: 'Films',
  movies: 'Films',
  show: 'Shows',
  shows: 'Shows',
  episode: 'Episodes',
  episodes: 'Episodes',
  person: 'People',
  people: 'People',
  collection: 'Collections',
  collections: 'Collections',
  genre: 'Genres',
  genres: 'Genres',
};

/** False once this server said that it has no search across kinds. */
let hasSearch = true;

/** @param {string} text @param {number} limit of each group @param {AbortSignal} signal @returns {Promise<Group[]>} */
export async function readGroups(text, limit, signal) {
  const query = new URLSearchParams({ query: text, limit: String(limit) });
  const answer = hasSearch ? await readIfThere(`/api/v1/search?${query}`, signal) : null;
  if (answer === null) {
    hasSearch = false;
    return groupsOfLists(text, query, signal);
  }
  const groups = answer.groups ?? answer.items ?? [];
  return groups
    .map((/** @type {any} */ group) => ({
      kind: group.kind,
      name: nameOf(group.kind),
      hits: (group.items ?? group.hits ?? []).slice(0, limit).map((/** @type {any} */ found) => hitOf(group.kind, found, text)),
    }))
    .filter((/** @type {Group} */ { hits }) => hits.length > 0);
}

/** @param {string} text @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<Group[]>} */
async function groupsOfLists(text, query, signal) {
  const [shows, films, episodes] = await Promise.all(
    [`shows?${query}`, `media?kind=movie&versions=together&${query}`, `media?kind=episode&versions=together&${query}`].map(path =>
      request('GET', `/api/v1/${path}`, { signal }),
    ),
  );
  const groups = [
    { kind: 'movie', items: films.items },
    { kind: 'show', items: shows.items },
    { kind: 'episode', items: episodes.items },
  ];
  return groups
    .filter(({ items }) => items.length > 0)
    .map(({ kind, items }) => ({ kind, name: nameOf(kind), hits: items.map((/** @type {any} */ item) => hitOf(kind, item, text)) }));
}

/** @param {string} kind @param {any} found an item, or what holds one @param {string} text @returns {Hit} */
function hitOf(kind, found, text) {
  const item = found.media ?? found.show_ ?? found.item ?? found;
  const title = String(item.title ?? item.name ?? found.title ?? '');
  const ranges = found.matches ?? found.highlights ?? found.ranges ?? found.marks;
  return {
    href: hrefOf(kind, item.id ?? item.mediaId),
    parts: Array.isArray(ranges) ? markRanges(title, ranges) : markWords(title, text),
    note: noteOf(kind, item),
    posterUrl: item.posterUrl ?? null,
    item,
  };
}

/** @param {string} kind @param {string} id */
function hrefOf(kind, id) {
  const to = encodeURIComponent(id);
  if (kind.startsWith('show')) return `/show/${to}`;
  if (kind === 'person' || kind === 'people') return `/browse/people/${to}`;
  if (kind.startsWith('collection')) return `/browse/collections/${to}`;
  if (kind.startsWith('genre')) return `/browse/genres/${to}`;
  return `/film/${to}`;
}

/** @param {string} kind @param {any} item */
function noteOf(kind, item) {
  if (kind.startsWith('episode')) return [item.show?.title, episodeCode(item)].filter(Boolean).join(' · ');
  if (item.year) return String(item.year);
  return typeof item.count === 'number' ? `${item.count} titles` : '';
}

/** @param {string} kind */
const nameOf = kind => Object.entries(NAMES).find(([key]) => key === kind)?.[1] ?? kind;
