// Marks as watched, or not watched, for one title or many.
import { request } from '../api.js';

/** Requests on their way at once. */
const AT_ONCE = 4;

/** @param {string} showId @param {{ season: number | null, episodes: any[] }} season @param {boolean} watched */
export async function setSeasonWatched(showId, { season, episodes }, watched) {
  // What says nothing of a season has no address of its own.
  if (season === null) return setWatched(episodes, watched);
  await request('PUT', `/api/v1/shows/${encodeURIComponent(showId)}/seasons/${season}/watched`, { body: { watched } });
}

/** @param {readonly any[]} items @param {boolean} watched */
export async function setWatched(items, watched) {
  const left = items.filter(item => (item.progress?.watched === true) !== watched);
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const body = { positionMs: 0, durationMs: item.durationMs, watched };
      await request('PUT', `/api/v1/media/${encodeURIComponent(item.id)}/progress`, { body });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
