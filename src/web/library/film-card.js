// A film, an episode or a show as a picture with title and facts, and how much of it was watched.
import { element } from '../dom.js';
import { formatLength, formatResolution, formatTime } from '../format.js';
import { icon } from '../icons.js';
import { counted, episodeCode } from './names.js';
import { latestProgress } from './versions.js';

/** @typedef {{ positionMs: number, durationMs: number, watched: boolean, updatedAtMs: number }} Progress */
/** @typedef {{ id: string, title: string, year: number | null, durationMs: number, width?: number, height?: number,
 *   kind?: string, show?: { id: string, title: string, year: number | null } | null, season?: number | null, episodes?: number[], absolute?: number[], airDate?: string | null,
 *   posterUrl: string | null, isPosterPending?: boolean, progress: Progress | null,
 *   versions?: import('./versions.js').Version[] }} MediaItem */
/** @typedef {{ id: string, title: string, year: number | null, posterUrl: string | null, episodeCount: number, seasonCount: number,
 *   progress?: { watchedCount: number, episodeCount: number } | null }} ShowItem */

/**
 * @param {MediaItem} item
 * @param {{ isRow?: boolean }} [options] in a row of what goes on: a press plays
 */
export function filmCard(item, { isRow = false } = {}) {
  const progress = progressOf(item);
  const count = item.versions?.length ?? 1;
  const code = item.show ? [episodeCode(item), item.title].filter(Boolean).join(' · ') : null;
  const facts = code ?? [
    item.year,
    formatLength(item.durationMs),
    item.width && item.height ? formatResolution(item.width, item.height) : null,
    count > 1 ? `${count} versions` : null,
  ];
  const positionMs = resumeMs(progress);
  const left = positionMs > 0 ? `${formatTime(Math.max(0, item.durationMs - positionMs))} left` : null;
  return card({
    href: isRow ? watchPath(item.id, positionMs) : `/film/${encodeURIComponent(item.id)}`,
    title: item.show?.title ?? item.title,
    facts: isRow && !item.show ? [left] : isRow ? [code, left] : [facts].flat(),
    posterUrl: item.posterUrl,
    spoken: isRow ? (positionMs > 0 ? 'Continue' : 'Play') : null,
    isPlay: true,
    marks: [watchedMark(progress), progressBar(progress)],
  });
}

/** @param {ShowItem} show */
export function showCard(show) {
  const { watchedCount = 0, episodeCount = show.episodeCount } = show.progress ?? {};
  const isWatched = episodeCount > 0 && watchedCount >= episodeCount;
  return card({
    href: `/show/${encodeURIComponent(show.id)}`,
    title: show.title,
    facts: [show.year, show.seasonCount > 1 ? counted(show.seasonCount, 'season') : null, counted(show.episodeCount, 'episode')],
    posterUrl: show.posterUrl,
    spoken: null,
    isPlay: false,
    marks: [isWatched ? watchedMark({ positionMs: 0, durationMs: 0, watched: true, updatedAtMs: 0 }) : null],
  });
}

/** @param {{ href: string, title: string, facts: (string | number | null)[], posterUrl: string | null, spoken: string | null, isPlay: boolean, marks: (HTMLElement | null)[] }} options */
function card({ href, title, facts, posterUrl, spoken, isPlay, marks }) {
  return element(
    'li',
    { class: 'film-card' },
    element(
      'a',
      { href },
      spoken === null ? null : element('span', { class: 'for-ears' }, spoken),
      element(
        'div',
        { class: 'poster' },
        posterPicture({ title, posterUrl }),
        isPlay ? element('div', { class: 'poster-play' }, icon('play')) : null,
        ...marks,
      ),
      element('div', { class: 'film-title', title }, title),
      element('div', { class: 'film-facts' }, facts.filter(Boolean).join(' · ')),
    ),
  );
}

/** Of whichever version was watched last. @param {MediaItem} item @returns {Progress | null} */
export const progressOf = item => item.progress ?? latestProgress(item.versions ?? []);

/** Where to go on; 0: at the start. @param {Progress | null} progress */
export const resumeMs = progress => (progress && !progress.watched && progress.positionMs > 0 ? progress.positionMs : 0);

/** @param {string} mediaId @param {number} positionMs */
export const watchPath = (mediaId, positionMs) => `/watch/${encodeURIComponent(mediaId)}?t=${Math.round(positionMs)}`;

/** @param {{ title: string, posterUrl: string | null }} item */
export function posterPicture({ title, posterUrl }) {
  const initial = element('div', { class: 'poster-empty', 'aria-hidden': 'true' }, title.slice(0, 1).toUpperCase());
  if (posterUrl === null || posterUrl === undefined) return initial;
  const picture = element('img', { src: posterUrl, alt: '', loading: 'lazy', decoding: 'async' });
  picture.addEventListener('error', () => picture.replaceWith(initial));
  picture.addEventListener('load', () => picture.naturalHeight > picture.naturalWidth && standUpright(picture, posterUrl), { once: true });
  return picture;
}

/** A poster is shown whole, over itself out of focus. @param {HTMLImageElement} picture @param {string} url */
function standUpright(picture, url) {
  picture.before(element('img', { class: 'poster-blur', src: url, alt: '' }));
  picture.parentElement?.classList.add('is-upright');
}

/** @param {Progress | null} progress */
export function progressBar(progress) {
  if (progress === null || progress === undefined || progress.watched || progress.positionMs <= 0 || progress.durationMs <= 0) return null;
  const bar = element('div', { class: 'progress-fill' });
  bar.style.width = `${Math.min(100, (progress.positionMs / progress.durationMs) * 100)}%`;
  return element('div', { class: 'progress-track' }, bar);
}

/** @param {Progress | null} progress */
export function watchedMark(progress) {
  return progress?.watched
    ? element('div', { class: 'watched-mark', title: 'Watched' }, icon('check'), element('span', { class: 'for-ears' }, 'Watched'))
    : null;
}
