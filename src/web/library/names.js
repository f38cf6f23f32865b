// What films, shows and their episodes are called on cards and pages.

/** @typedef {{ season?: number | null, episodes?: number[], absolute?: number[], airDate?: string | null }} Place */

/** `S1 E2`, `S1 E2–3`, `Special 4`, `Episode 112`, `14 March 2024`; empty where its files tell nothing. @param {Place} place */
export function episodeCode({ season = null, episodes = [], absolute = [], airDate = null }) {
  const numbers = range(episodes);
  if (numbers !== '' && season === 0) return `Special ${numbers}`;
  if (numbers !== '' && season !== null) return `S${season} E${numbers}`;
  if (airDate !== null) return formatDay(airDate);
  const counted = numbers === '' ? range(absolute) : numbers;
  return counted === '' ? '' : `Episode ${counted}`;
}

/** In a list of one season. @param {Place} place */
export function episodeNumber({ episodes = [], absolute = [], airDate = null }) {
  if (episodes.length > 0) return range(episodes);
  return airDate === null ? range(absolute) : formatDay(airDate);
}

/** @param {number | null} season */
export function seasonName(season) {
  if (season === null) return 'Other episodes';
  if (season === 0) return 'Specials';
  return season > 1900 ? String(season) : `Season ${season}`;
}

/** Of an episode: its show, where it stands, and its own title. @param {any} item */
export function fullTitle(item) {
  if (!item.show) return item.title;
  return [item.show.title, episodeCode(item), item.title].filter(Boolean).join(' · ');
}

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** @param {number[]} numbers */
function range(numbers) {
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (first === undefined) return '';
  return first === last ? String(first) : `${first}–${last}`;
}

/** @param {string} day `2024-03-14` */
function formatDay(day) {
  const date = new Date(`${day}T12:00:00`);
  return Number.isNaN(date.getTime()) ? day : date.toLocaleDateString('en', { day: 'numeric', month: 'long', year: 'numeric' });
}
