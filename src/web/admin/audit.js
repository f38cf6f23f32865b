// For administrators: what happened to accounts, newest first.
import { element, fill } from '../dom.js';
import { loadInto, readIfThere, setTitle } from '../library/page.js';

const PAGE = 100;

/**
 * @param {HTMLElement} root
 * @returns {() => void}
 */
export function showAudit(root) {
  const closed = new AbortController();
  const { signal } = closed;
  root.className = 'page-narrow admin';
  setTitle('Security log');
  const rows = element('ul', { class: 'rows' });
  /** @param {string | null} cursor */
  const load = cursor =>
    readIfThere(`/api/v1/audit?${new URLSearchParams({ limit: String(PAGE), ...(cursor === null ? {} : { cursor }) })}`, signal);
  const more = element('div', { class: 'more' });
  void loadInto(
    root,
    signal,
    () => load(null),
    page => {
      fill(root, element('div', { class: 'list-head' }, element('h1', {}, 'Security log')), rows, more);
      if (page === null) fill(more, element('p', { class: 'muted' }, 'This server keeps no such log.'));
      else show(page);
    },
  );
  return () => closed.abort();

  /** @param {{ items: any[], nextCursor: string | null }} page */
  function show({ items, nextCursor }) {
    rows.append(...items.map(eventRow));
    const next = () =>
      void loadInto(
        more,
        signal,
        () => load(nextCursor),
        page => page !== null && show(page),
      );
    fill(more, nextCursor === null ? null : element('button', { class: 'button', type: 'button', onclick: next }, 'Show earlier events'));
    if (nextCursor === null && rows.childElementCount === 0) fill(more, element('p', { class: 'muted' }, 'Nothing happened yet.'));
  }
}

/** @param {any} event */
function eventRow({ atMs, event, actor, subject, address, detail }) {
  const words = String(event).replaceAll('-', ' ');
  const who = [actor?.username, subject && subject.name !== actor?.username ? subject.name : null].filter(Boolean).join(' → ');
  return element(
    'li',
    { class: `row-line ${/failed|reused/.test(event) ? 'is-bad' : ''}` },
    element(
      'span',
      { class: 'row-text' },
      element(
        'strong',
        {},
        `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`,
        who === '' ? null : element('span', { class: 'row-who' }, who),
      ),
      element('span', { class: 'muted' }, [detail, address].filter(Boolean).join(' · ')),
    ),
    element('time', { class: 'muted', datetime: new Date(atMs).toISOString() }, new Date(atMs).toLocaleString()),
  );
}
