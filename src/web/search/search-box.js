// The search field of every page: answers as one types in a list under it, chosen by keys or a press; Enter leads to all of them.
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { explainError } from '../messages.js';
import { readGroups } from './groups.js';
import { Latest } from './latest.js';
import { marked } from './marked.js';

const DEBOUNCE_MS = 150;
const IN_LIST = 5;

/**
 * @param {{ navigate: (path: string, options?: { replace?: boolean }) => void, signal: AbortSignal }} options
 * @returns {{ root: HTMLElement, leave: () => void }}
 */
export function searchBox({ navigate, signal }) {
  const latest = new Latest(DEBOUNCE_MS, signal);
  const list = element('div', { class: 'search-list', id: 'search-list', role: 'listbox', 'aria-label': 'Found', hidden: true });
  const status = element('div', { class: 'for-ears', role: 'status' });
  const input = element('input', {
    type: 'search',
    class: 'search-input',
    placeholder: 'Search',
    'aria-label': 'Search',
    role: 'combobox',
    'aria-controls': 'search-list',
    'aria-expanded': 'false',
    'aria-autocomplete': 'list',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 200,
    value: new URLSearchParams(location.search).get('q') ?? '',
  });
  const root = element('div', { class: 'search', role: 'search' }, icon('search'), input, list, status);
  let active = -1;

  input.addEventListener('input', () => look());
  input.addEventListener('focus', () => input.value.trim() !== '' && list.childElementCount > 0 && open(true));
  input.addEventListener('keydown', onKey);
  root.addEventListener('focusout', event => !root.contains(/** @type {Node | null} */ (event.relatedTarget)) && open(false));
  addEventListener('keydown', onSlash, { signal });
  return { root, leave };

  function leave() {
    latest.cancel();
    input.value = '';
    fill(list);
    open(false);
  }

  function look() {
    const text = input.value.trim();
    if (text === '') {
      latest.cancel();
      fill(list);
      open(false);
      return;
    }
    void latest.run(
      stopped => readGroups(text, IN_LIST, stopped),
      groups => show(text, groups),
      error => showText(explainError(error)),
    );
  }

  /** @param {string} text @param {import('./groups.js').Group[]} groups */
  function show(text, groups) {
    const count = groups.reduce((sum, group) => sum + group.hits.length, 0);
    if (count === 0) return showText(`Nothing found for “${text}”.`);
    const nodes = groups.map(({ name, hits }, at) => {
      const title = element('div', { class: 'search-group', id: `search-group-${at}` }, name);
      return element('div', { role: 'group', 'aria-labelledby': title.id }, title, ...hits.map(option));
    });
    const all = element(
      'a',
      { class: 'search-option search-all', role: 'option', tabIndex: -1, href: pathOf(text), 'aria-selected': 'false' },
      'Show all',
    );
    fill(list, ...nodes, all);
    for (const [at, node] of options().entries()) node.id = `search-option-${at}`;
    status.textContent = `${count} found`;
    activate(-1);
    open(true);
  }

  /** @param {string} text */
  function showText(text) {
    fill(list, element('div', { class: 'search-none', role: 'option', 'aria-disabled': 'true', 'aria-selected': 'false' }, text));
    status.textContent = text;
    activate(-1);
    open(true);
  }

  /** @param {boolean} isOpen */
  function open(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) activate(-1);
  }

  function options() {
    return [...list.querySelectorAll('a')];
  }

  /** @param {number} index */
  function activate(index) {
    active = index;
    for (const [at, node] of options().entries()) node.setAttribute('aria-selected', String(at === index));
    const node = options()[index];
    if (node === undefined) input.removeAttribute('aria-activedescendant');
    else input.setAttribute('aria-activedescendant', node.id);
    node?.scrollIntoView({ block: 'nearest' });
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const count = options().length;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (count === 0) return;
      open(true);
      const by = event.key === 'ArrowDown' ? 1 : -1;
      // Above the first and below the last one is the field itself.
      activate(((active + 1 + by + count + 1) % (count + 1)) - 1);
    } else if (event.key === 'Enter') {
      const text = input.value.trim();
      const chosen = options()[active];
      event.preventDefault();
      open(false);
      if (chosen !== undefined) navigate(chosen.pathname + chosen.search);
      else if (text !== '') navigate(pathOf(text), { replace: location.pathname === '/search' });
    } else if (event.key === 'Escape' && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      open(false);
    }
  }

  /** @param {KeyboardEvent} event */
  function onSlash(event) {
    const isTyping = event.target instanceof Element && event.target.closest('input, textarea, select, dialog') !== null;
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey || !root.isConnected) return;
    event.preventDefault();
    input.focus();
  }
}

/** @param {import('./groups.js').Hit} hit */
function option({ href, parts, note, posterUrl }) {
  const picture = posterUrl ? element('img', { src: posterUrl, alt: '', loading: 'lazy' }) : element('span', { class: 'search-blank' });
  return element(
    'a',
    { class: 'search-option', role: 'option', tabIndex: -1, href, 'aria-selected': 'false' },
    picture,
    element(
      'span',
      { class: 'search-text' },
      element('span', { class: 'search-title' }, ...marked(parts)),
      element('span', { class: 'muted' }, ...marked(note)),
    ),
  );
}

/** @param {string} text */
const pathOf = text => `/search?q=${encodeURIComponent(text)}`;
