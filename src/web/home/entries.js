// Entries of a person's lists as cards show them: what goes on, what comes next.

/** @typedef {import('../library/film-card.js').MediaItem} MediaItem */

/** @param {any} answer null: this server has no such list @returns {MediaItem[]} */
export const itemsOf = answer => (answer?.items ?? []).map(itemOf);

/** An entry is an item, holds one, or is flat with the progress in it. @param {any} entry @returns {MediaItem} */
function itemOf(entry) {
  const item = entry.media ?? entry.item ?? entry.episode ?? entry;
  const { positionMs, durationMs, watched, updatedAtMs } = entry.progress ?? item.progress ?? entry;
  return {
    ...item,
    id: item.id ?? item.mediaId ?? entry.mediaId,
    durationMs: item.durationMs ?? durationMs ?? 0,
    posterUrl: item.posterUrl ?? entry.posterUrl ?? null,
    show: item.show ?? entry.show ?? null,
    progress: typeof positionMs === 'number' ? { positionMs, durationMs, watched: watched === true, updatedAtMs } : null,
  };
}

/** Versions of a film that were begun one after the other: the latest comes first. @param {MediaItem[]} items */
export function onePerItem(items) {
  const films = new Map();
  for (const item of items) {
    const { title, year, durationMs, show, season, episodes } = item;
    const length = year === null || year === undefined ? Math.round(durationMs / 10_000) : null;
    const key = JSON.stringify(show ? [show.id, season, episodes, title] : [title, year, length]);
    if (!films.has(key)) films.set(key, item);
  }
  return /** @type {MediaItem[]} */ ([...films.values()]);
}
