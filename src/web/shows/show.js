// One show: its seasons, and the episodes of one of them with how far each was watched.
import { request } from '../api.js';
import { correctButton } from '../corrections/correct-button.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { filmCard, posterPicture, resumeMs, watchPath } from '../library/film-card.js';
import { counted, episodeCode, seasonName } from '../library/names.js';
import { loadInto, setTitle } from '../library/page.js';
import { PendingPosters } from '../library/pending-posters.js';
import { shelf } from '../lists/shelf.js';
import { explainError } from '../messages.js';
import { episodeRow } from './episode-row.js';
import { nextToWatch } from './order.js';
import { setSeasonWatched } from './watched.js';

/**
 * @param {HTMLElement} root
 * @param {{ showId: string, query: URLSearchParams }} options
 * @returns {() => void}
 */
export function showShow(root, { showId, query }) {
  const closed = new AbortController();
  const path = `/api/v1/shows/${encodeURIComponent(showId)}`;
  const posters = new PendingPosters(closed.signal);
  root.className = 'show page';
  /** The season that is shown, by its place; null: of the episode that comes next. @type {number | null} */
  let chosen = query.has('season') ? Number(query.get('season')) : null;
  const refresh = () => loadInto(root, closed.signal, () => request('GET', path, { signal: closed.signal }), render);
  void refresh();
  return () => closed.abort();

  /** @param {any} show */
  function render(show) {
    setTitle(show.title);
    const next = nextToWatch(show);
    const seasons = show.seasons;
    const own = seasons.findIndex((/** @type {any} */ { season }) => String(season) === String(chosen));
    const ofNext = seasons.findIndex((/** @type {any} */ { episodes }) => episodes.includes(next));
    const at = Math.max(0, own >= 0 ? own : ofNext);
    const choose = (/** @type {any} */ season) => {
      chosen = season.season;
      // The address says which season is shown, for a reload and for a copy of it.
      const url = new URL(location.href);
      url.searchParams.set('season', String(season.season));
      history.replaceState(history.state, '', url);
      render(show);
      root.querySelector(/** @type {'button'} */ ('[role=tab][aria-selected=true]'))?.focus();
    };
    fill(
      root,
      head(show, next, refresh),
      ...(seasons.length === 0 ? [] : [tabs(seasons, at, choose), panel(seasons[at], at, { showId, act, posters })]),
      extras(show),
    );
  }

  /** @param {() => Promise<unknown>} work */
  async function act(work) {
    try {
      await work();
      await refresh();
    } catch (error) {
      root.querySelector('.form-error')?.remove();
      root.append(element('p', { class: 'form-error', role: 'alert' }, explainError(error)));
    }
  }
}

/** @param {any} show @param {any} next @param {() => unknown} refresh */
function head(show, next, refresh) {
  const { watchedCount, episodeCount } = show.progress;
  const facts = [
    show.year,
    show.seasonCount > 1 ? counted(show.seasonCount, 'season') : null,
    counted(show.episodeCount, 'episode'),
    watchedCount > 0 ? `${watchedCount} of ${episodeCount} watched` : null,
  ];
  return element(
    'div',
    { class: 'show-head' },
    element('div', { class: 'poster show-poster' }, posterPicture(show)),
    element(
      'div',
      { class: 'film-text' },
      element('h1', {}, show.title),
      element('p', { class: 'muted film-line' }, facts.filter(Boolean).join(' · ')),
      show.overview ? element('p', { class: 'overview' }, show.overview) : null,
      element(
        'div',
        { class: 'row film-actions' },
        next ? playNext(next, watchedCount > 0) : null,
        correctButton({ kind: 'show', item: show, onDone: refresh }),
      ),
    ),
  );
}

/** @param {any} next @param {boolean} isBegun */
function playNext(next, isBegun) {
  const positionMs = resumeMs(next.progress);
  const verb = positionMs > 0 ? 'Resume' : isBegun ? 'Next' : 'Play';
  return element(
    'a',
    { class: 'button primary', href: watchPath(next.id, positionMs) },
    icon('play'),
    [verb, episodeCode(next)].filter(Boolean).join(' '),
  );
}

/** @param {any[]} seasons @param {number} at @param {(season: any) => void} choose */
function tabs(seasons, at, choose) {
  const list = element(
    'div',
    { class: 'tabs', role: 'tablist', 'aria-label': 'Seasons' },
    ...seasons.map((season, index) =>
      element(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `season-tab-${index}`,
          'aria-selected': String(index === at),
          'aria-controls': 'season',
          tabIndex: index === at ? 0 : -1,
          onclick: () => choose(season),
        },
        seasonName(season.season),
      ),
    ),
  );
  list.addEventListener('keydown', event => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: seasons.length - 1 }[event.key];
    const season = to === undefined ? undefined : seasons[(to + seasons.length) % seasons.length];
    if (season === undefined) return;
    event.preventDefault();
    choose(season);
  });
  return list;
}

/** @param {any} season @param {number} at @param {{ showId: string, act: (work: () => Promise<unknown>) => Promise<void>, posters: PendingPosters }} options */
function panel(season, at, { showId, act, posters }) {
  /** @param {any} episode */
  const row = episode => {
    const node = episodeRow(episode, act);
    posters.watch(episode, node);
    return node;
  };
  const isWatched = season.watchedCount >= season.episodeCount;
  const mark = element(
    'button',
    {
      class: 'button small quiet',
      type: 'button',
      'aria-pressed': String(isWatched),
      onclick: () => void act(() => setSeasonWatched(showId, season, !isWatched)),
    },
    icon('check'),
    isWatched ? 'All watched' : 'Mark all as watched',
  );
  const count = element('p', { class: 'muted' }, `${season.watchedCount} of ${season.episodeCount} watched`);
  return element(
    'section',
    { class: 'season', id: 'season', role: 'tabpanel', 'aria-labelledby': `season-tab-${at}` },
    element('div', { class: 'section-head' }, count, mark),
    element('ol', { class: 'episodes' }, ...season.episodes.map(row)),
  );
}

/** @param {any} show */
function extras({ extras: items = [] }) {
  return items.length === 0
    ? null
    : shelf(
        'Extras',
        items.map((/** @type {any} */ item) => filmCard(item)),
      );
}
