// The chapters of a film as the player shows them: each with a name, in order.

/** @typedef {{ startMs: number, title: string }} Chapter */

/** A film of one chapter has none to choose from. @param {{ startMs: number, title: string | null }[] | undefined} chapters @returns {Chapter[]} */
export function namedChapters(chapters = []) {
  const inOrder = [...chapters].sort((one, other) => one.startMs - other.startMs);
  return inOrder.length < 2 ? [] : inOrder.map(({ startMs, title }, at) => ({ startMs, title: title?.trim() || `Chapter ${at + 1}` }));
}

/** @param {readonly Chapter[]} chapters @param {number} positionMs */
export const chapterAt = (chapters, positionMs) => chapters.findLast(({ startMs }) => startMs <= positionMs) ?? null;
