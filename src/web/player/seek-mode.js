// How seeks land: on the nearest place that is ready soonest, or on the very frame; remembered for the next film.

/** @typedef {'keyframe' | 'precise'} SeekMode */

const KEY = 'ferrite.seekMode';

/** @returns {SeekMode} */
export const readSeekMode = () => (localStorage.getItem(KEY) === 'precise' ? 'precise' : 'keyframe');

/** @param {SeekMode} mode */
export const saveSeekMode = mode => localStorage.setItem(KEY, mode);
