// One episode in the list of its season: picture, number, title, length, and the mark that it was watched.
import { element } from '../dom.js';
import { formatLength, formatTime } from '../format.js';
import { icon } from '../icons.js';
import { posterPicture, progressBar, progressOf, resumeMs, watchPath } from '../library/film-card.js';
import { episodeCode, episodeNumber } from '../library/names.js';
import { setWatched } from './watched.js';

/**
 * @param {any} episode
 * @param {(work: () => Promise<unknown>) => Promise<void>} act
 */
export function episodeRow(episode, act) {
  const progress = progressOf(episode);
  const positionMs = resumeMs(progress);
  const isWatched = progress?.watched === true;
  const facts = [
    formatLength(episode.durationMs),
    positionMs > 0 ? `${formatTime(episode.durationMs - positionMs)} left` : null,
    episode.versions?.length > 1 ? `${episode.versions.length} versions` : null,
  ];
  const number = episodeNumber(episode);
  const name = [episodeCode(episode), episode.title].filter(Boolean).join(', ');
  return element(
    'li',
    { class: isWatched ? 'episode is-watched' : 'episode' },
    element(
      'a',
      { class: 'episode-play', href: watchPath(episode.id, positionMs), 'aria-label': `${positionMs > 0 ? 'Resume' : 'Play'} ${name}` },
      element(
        'div',
        { class: 'poster' },
        posterPicture(episode),
        element('div', { class: 'poster-play' }, icon('play')),
        progressBar(progress),
      ),
    ),
    element(
      'a',
      { class: 'episode-text', href: `/film/${encodeURIComponent(episode.id)}` },
      element(
        'span',
        { class: 'episode-title' },
        number === '' ? null : element('span', { class: 'episode-number' }, number),
        episode.title,
      ),
      element('span', { class: 'muted' }, facts.filter(Boolean).join(' · ')),
      episode.overview ? element('span', { class: 'muted episode-overview' }, episode.overview) : null,
    ),
    element(
      'button',
      {
        class: 'control watched-button',
        type: 'button',
        'aria-pressed': String(isWatched),
        'aria-label': `Watched: ${name}`,
        title: isWatched ? 'Watched' : 'Mark as watched',
        onclick: () => void act(() => setWatched([episode], !isWatched)),
      },
      icon('check'),
    ),
  );
}
