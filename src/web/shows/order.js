// Which episode follows which. Pure.

/** All episodes in the order in which they are watched; the specials of a show follow each other, and never its last season. @param {any} show @returns {any[][]} */
const runs = ({ seasons }) => {
  const regular = seasons.filter((/** @type {any} */ { season }) => season !== 0);
  const specials = seasons.filter((/** @type {any} */ { season }) => season === 0);
  return [regular, specials].map(list => list.flatMap((/** @type {any} */ { episodes }) => episodes));
};

/** @param {any} episode @param {string} mediaId */
const isIt = (episode, mediaId) =>
  episode.id === mediaId || (episode.versions ?? []).some((/** @type {any} */ version) => version.mediaId === mediaId);

/** What follows an episode, by the id of any of its versions; null: it was the last one. @param {any} show @param {string} mediaId */
export function episodeAfter(show, mediaId) {
  for (const run of runs(show)) {
    const at = run.findIndex(episode => isIt(episode, mediaId));
    if (at >= 0) return run[at + 1] ?? null;
  }
  return null;
}

/** Where a person goes on: at what was begun, behind what was watched last, or at the start. @param {any} show */
export function nextToWatch(show) {
  const [regular = [], specials = []] = runs(show);
  const episodes = regular.length > 0 ? regular : specials;
  const newest = episodes
    .filter(({ progress }) => progress && (progress.watched || progress.positionMs > 0))
    .sort((one, other) => other.progress.updatedAtMs - one.progress.updatedAtMs)[0];
  if (newest === undefined) return episodes[0] ?? null;
  if (!newest.progress.watched) return newest;
  const behind = episodes.slice(episodes.indexOf(newest) + 1);
  return (
    behind.find(({ progress }) => progress?.watched !== true) ?? episodes.find(({ progress }) => progress?.watched !== true) ?? episodes[0]
  );
}
