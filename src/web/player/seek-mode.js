// The mode of seeks: to the segment start that is ready soonest, or to the very frame. Remembered for the next film.

/** @typedef {'keyframe' | 'precise'} SeekMode */

const KEY = 'ferrite.seekMode';

/** @returns {SeekMode} */
export const readSeekMode = () => (localStorage.getItem(KEY) === 'precise' ? 'precise' : 'keyframe');

/** @param {SeekMode} mode */
export const saveSeekMode = mode => localStorage.setItem(KEY, mode);
