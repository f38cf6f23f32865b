// What the caller has watched, newest first.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { episodeCode } from '../library/names.js';
import { readIfThere } from '../library/page.js';

const SHOWN = 30;

/** Hidden where this server keeps none. @param {AbortSignal} signal */
export function historyPart(signal) {
  const list = element('ul', { class: 'rows' });
  const part = element('section', { class: 'part', hidden: true }, element('h2', {}, 'Watched lately'), list);
  void load();
  return part;

  async function load() {
    // Without it the rest of the page stands.
    const page = await readIfThere(`/api/v1/me/history?limit=${SHOWN}`, signal).catch(() => null);
    if (signal.aborted || page === null || page.items.length === 0) return;
    fill(list, ...page.items.map(row));
    part.append(
      element('div', {}, element('button', { class: 'button quiet', type: 'button', onclick: () => void forget() }, 'Forget all of it')),
    );
    part.hidden = false;
  }

  async function forget() {
    if (!confirm('Forget what was watched? How far you are in each title stays.')) return;
    const isGone = await request('DELETE', '/api/v1/me/history').then(
      () => true,
      () => false,
    );
    if (isGone) part.hidden = true;
  }
}

/** @param {any} entry */
function row({ mediaId, title, year, episode, atMs, kind, isThere = true }) {
  const facts = episode ? [episodeCode(episode), episode.title] : [year];
  const name = element('strong', {}, title);
  return element(
    'li',
    { class: 'row-line' },
    element(
      'span',
      { class: 'row-text' },
      isThere ? element('a', { href: `/film/${encodeURIComponent(mediaId)}` }, name) : name,
      element('span', { class: 'muted' }, [...facts, kind === 'played' ? 'in part' : null].filter(Boolean).join(' · ')),
    ),
    element('time', { class: 'muted', datetime: new Date(atMs).toISOString() }, new Date(atMs).toLocaleString()),
  );
}
