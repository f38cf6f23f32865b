// What a search finds, in groups: films, shows, episodes, people.
import { request } from '../api.js';
import { episodeCode } from '../library/names.js';
import { readIfThere } from '../library/page.js';
import { markWords } from './marked.js';

/** @typedef {{ href: string, parts: import('./marked.js').Part[], note: import('./marked.js').Part[], posterUrl: string | null, item: any }} Hit */
/** @typedef {{ kind: string, name: string, hits: Hit[] }} Group */

/** @type {Record<string, string>} */
const NAMES = { movie: 'Films', show: 'Shows', episode: 'Episodes', person: 'People', collection: 'Collections' };

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
  return answer.groups
    .map((/** @type {any} */ group) => ({
      kind: group.kind,
      name: nameOf(group.kind),
      hits: group.items.map((/** @type {any} */ found) => hitOf(group.kind, found, text)),
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

/** A hit says what of it matched; where there is no search across kinds it is the item itself. @param {string} kind @param {any} found @param {string} text @returns {Hit} */
export function hitOf(kind, found, text) {
  const item = found.media ?? (kind === 'show' ? found.show : null) ?? found;
  const title = String(found.title ?? item.title ?? item.name ?? '');
  return {
    href: hrefOf(kind, found.id ?? item.id),
    parts: found.titleSegments ?? markWords(title, text),
    note:
      found.match && !['title', 'showTitle'].includes(found.match.field)
        ? found.match.segments
        : [{ text: noteOf(kind, item), isMatch: false }],
    posterUrl: item.posterUrl ?? null,
    item,
  };
}

/** @param {string} kind @param {string} id */
function hrefOf(kind, id) {
  const pages = { show: 'show', person: 'browse/people', collection: 'browse/collections' };
  const page = Object.entries(pages).find(([name]) => name === kind)?.[1] ?? 'film';
  return `/${page}/${encodeURIComponent(id)}`;
}

/** @param {string} kind @param {any} item */
function noteOf(kind, item) {
  if (kind === 'episode') return [item.show?.title, episodeCode(item)].filter(Boolean).join(' · ');
  return item.year ? String(item.year) : '';
}

/** @param {string} kind */
const nameOf = kind => NAMES[kind] ?? kind;
