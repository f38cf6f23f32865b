// What an administrator corrects of a title: its name and place, and which files are versions of it.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { fullTitle } from '../library/names.js';
import { versionName } from '../library/versions.js';
import { field } from '../login/login.js';
import { explainError } from '../messages.js';
import { Latest } from '../search/latest.js';

const DEBOUNCE_MS = 200;
const MAX_FOUND = 8;

/** @param {{ kind: 'media' | 'show', item: any, onDone: (next?: string) => unknown }} options */
export function showCorrections({ kind, item, onDone }) {
  const closed = new AbortController();
  const path = `/api/v1/${kind === 'show' ? 'shows' : 'media'}/${encodeURIComponent(item.id)}`;
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  const close = element(
    'button',
    { class: 'control', type: 'button', 'aria-label': 'Close', onclick: () => dialog.close() },
    icon('close'),
  );
  const dialog = element(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'corrections-title' },
    element('div', { class: 'section-head' }, element('h2', { id: 'corrections-title' }, `Correct “${item.title}”`), close),
    nameForm(kind, item, body => act(() => request('PATCH', path, { body }))),
    failure,
    kind === 'media' && item.kind !== 'extra' ? versionsPart(item, path, act, closed.signal) : null,
  );
  dialog.addEventListener('close', () => {
    closed.abort();
    dialog.remove();
  });
  dialog.addEventListener('click', event => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();

  /** @param {() => Promise<any>} work */
  async function act(work) {
    failure.hidden = true;
    try {
      const answer = await work();
      dialog.close();
      onDone(answer?.id);
    } catch (error) {
      failure.textContent = explainError(error);
      failure.hidden = false;
    }
  }
}

/** @param {'media' | 'show'} kind @param {any} item @param {(body: Record<string, unknown>) => Promise<void>} send */
function nameForm(kind, item, send) {
  const title = field('Title', { name: 'title', value: item.title, maxlength: 500, required: true });
  const year = field('Year', { name: 'year', type: 'number', min: 1800, max: 3000, value: item.year ?? '' });
  const season = field('Season', { name: 'season', type: 'number', min: 0, max: 9999, value: item.season ?? '' });
  const episodes = field('Episodes', {
    name: 'episodes',
    value: (item.episodes ?? []).join(', '),
    placeholder: '4, or 4, 5',
    maxlength: 200,
  });
  const isEpisode = kind === 'media' && item.kind === 'episode';
  const back = element(
    'button',
    {
      class: 'button quiet',
      type: 'button',
      onclick: () => void send(isEpisode ? { title: null, season: null, episodes: null } : { title: null, year: null }),
    },
    'As the files say',
  );
  const form = element(
    'form',
    { class: 'corrections-form' },
    title.row,
    element('div', { class: 'row' }, ...(isEpisode ? [season.row, episodes.row] : [year.row])),
    element('div', { class: 'row' }, element('button', { class: 'button primary', type: 'submit' }, 'Save'), back),
  );
  form.addEventListener('submit', event => {
    event.preventDefault();
    // Only what was changed becomes a correction: what was left alone follows the files.
    const changed = [title, year, season, episodes].filter(({ input }) => form.contains(input) && input.value !== input.defaultValue);
    void send(Object.fromEntries(changed.map(({ input }) => [input.name, toldBy(input)])));
  });
  for (const { input } of [title, year, season, episodes]) input.defaultValue = input.value;
  return form;
}

/** @param {HTMLInputElement} input @returns {unknown} */
function toldBy({ name, value }) {
  const text = value.trim();
  if (text === '') return null;
  if (name === 'title') return text;
  if (name !== 'episodes') return Number(text);
  return text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);
}

/**
 * @param {any} item
 * @param {string} path
 * @param {(work: () => Promise<any>) => Promise<void>} act
 * @param {AbortSignal} signal
 */
function versionsPart(item, path, act, signal) {
  const versions = item.versions ?? [];
  const rows = versions.map((/** @type {any} */ version) =>
    element(
      'li',
      { class: 'version-row' },
      element(
        'span',
        { class: 'version-text' },
        element('span', {}, versionName(version)),
        version.path ? element('span', { class: 'muted path' }, version.path.split('/').slice(-2).join('/')) : null,
      ),
      versions.length > 1
        ? element(
            'button',
            {
              class: 'button small',
              type: 'button',
              onclick: () => void act(() => request('POST', `${path}/split`, { body: { mediaIds: [version.mediaId] } })),
            },
            'A title of its own',
          )
        : null,
    ),
  );
  return element(
    'div',
    { class: 'versions-part' },
    element('h3', {}, 'Files'),
    element('ul', {}, ...rows),
    element('h3', {}, 'The same as another title'),
    mergeChoice(item, path, act, signal),
  );
}

/**
 * @param {any} item
 * @param {string} path
 * @param {(work: () => Promise<any>) => Promise<void>} act
 * @param {AbortSignal} signal
 */
function mergeChoice(item, path, act, signal) {
  const latest = new Latest(DEBOUNCE_MS, signal);
  const found = element('ul', { class: 'merge-found', 'aria-live': 'polite' });
  const search = field('Search for it', { name: 'merge', type: 'search', autocomplete: 'off' });
  search.input.addEventListener('input', () => {
    const text = search.input.value.trim();
    if (text === '') {
      latest.cancel();
      return fill(found);
    }
    const query = new URLSearchParams({
      query: text,
      kind: item.kind,
      libraryId: item.libraryId,
      limit: String(MAX_FOUND),
      versions: 'together',
    });
    void latest.run(
      stopped => request('GET', `/api/v1/media?${query}`, { signal: stopped }),
      ({ items }) => show(items),
      error => fill(found, element('li', {}, explainError(error))),
    );
  });
  return element('div', {}, search.row, found);

  /** @param {any[]} items */
  function show(items) {
    const others = items.filter(
      ({ id }) => id !== item.id && !(item.versions ?? []).some((/** @type {any} */ version) => version.mediaId === id),
    );
    const rows = others.map(other =>
      element(
        'li',
        { class: 'version-row' },
        element('span', { class: 'version-text' }, [fullTitle(other), other.year].filter(Boolean).join(' · ')),
        element(
          'button',
          {
            class: 'button small',
            type: 'button',
            onclick: () => void act(() => request('POST', `${path}/merge`, { body: { mediaIds: [other.id] } })),
          },
          'Make one title',
        ),
      ),
    );
    fill(found, ...rows, rows.length === 0 ? element('li', { class: 'muted' }, 'Nothing found.') : null);
  }
}
