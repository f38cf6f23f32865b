// One film as a poster with title, year, length, and how much of the film was watched.
import { element } from '../dom.js';
import { formatLength, formatResolution, formatTime } from '../format.js';
import { icon } from '../icons.js';
import { latestProgress } from './versions.js';

/** @typedef {{ positionMs: number, durationMs: number, watched: boolean, updatedAtMs: number }} Progress */
/** @typedef {{ id: string, title: string, year: number | null, durationMs: number, width?: number, height?: number,
 *   posterUrl: string | null, isPosterPending?: boolean, progress: Progress | null,
 *   versions?: import('./versions.js').Version[] }} MediaItem */

/**
 * @param {MediaItem} item
 * @param {{ isRow?: boolean }} [options] in the row of begun films: a press goes on playing
 */
export function filmCard(item, { isRow = false } = {}) {
  const progress = item.versions === undefined ? item.progress : latestProgress(item.versions);
  const count = item.versions?.length ?? 1;
  const href = isRow ? watchPath(item.id, progress?.positionMs ?? 0) : `/film/${encodeURIComponent(item.id)}`;
  const facts = [
    item.year === null ? null : String(item.year),
    formatLength(item.durationMs),
    item.width && item.height ? formatResolution(item.width, item.height) : null,
    count > 1 ? `${count} versions` : null,
  ]
    .filter(Boolean)
    .join(' · ');
  const left = isRow && progress ? `${formatTime(Math.max(0, item.durationMs - progress.positionMs))} left` : facts;
  return element(
    'li',
    { class: 'film-card' },
    element(
      'a',
      { href },
      isRow ? element('span', { class: 'for-ears' }, 'Continue') : null,
      element(
        'div',
        { class: 'poster' },
        posterPicture(item),
        element('div', { class: 'poster-play' }, icon('play')),
        watchedMark(progress),
        progressBar(progress),
      ),
      element('div', { class: 'film-title' }, item.title),
      element('div', { class: 'film-facts' }, left),
    ),
  );
}

/** @param {string} mediaId @param {number} positionMs */
export const watchPath = (mediaId, positionMs) => `/watch/${encodeURIComponent(mediaId)}?t=${Math.round(positionMs)}`;

/** @param {{ title: string, posterUrl: string | null }} item */
export function posterPicture({ title, posterUrl }) {
  const initial = element('div', { class: 'poster-empty', 'aria-hidden': 'true' }, title.slice(0, 1).toUpperCase());
  if (posterUrl === null || posterUrl === undefined) return initial;
  const picture = element('img', { src: posterUrl, alt: '', loading: 'lazy', decoding: 'async' });
  picture.addEventListener('error', () => picture.replaceWith(initial));
  return picture;
}

/** @param {Progress | null} progress */
export function progressBar(progress) {
  if (progress === null || progress === undefined || progress.watched || progress.positionMs <= 0 || progress.durationMs <= 0) return null;
  const bar = element('div', { class: 'progress-fill' });
  bar.style.width = `${Math.min(100, (progress.positionMs / progress.durationMs) * 100)}%`;
  return element('div', { class: 'progress-track' }, bar);
}

/** @param {Progress | null} progress */
function watchedMark(progress) {
  return progress?.watched ? element('div', { class: 'watched-mark', title: 'Watched' }, icon('check')) : null;
}
