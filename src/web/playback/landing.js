// The landing of a seek: the wanted frame itself where the picture is loaded already, else the position that the server answers.

/** @typedef {import('../player/seek-mode.js').SeekMode} SeekMode */
/** @typedef {import('./session.js').PlaybackSession} PlaybackSession */

/** No answer takes longer, unless the connection is lost; the seek then lands on the wanted position. */
const ANSWER_MS = 300;
/** A frame's start, rounded to a whole millisecond, may lie just before the frame. */
const ROUNDING_FRAMES = 1e-3;

/**
 * @param {{ video: HTMLVideoElement, session: PlaybackSession }} player
 * @param {{ fromMs: number, targetMs: number, mode: SeekMode }} seek
 * @returns {Promise<number>} in media time
 */
export async function landingOf({ video, session }, { fromMs, targetMs, mode }) {
  const [picture] = session.info.tracks.video;
  const exactMs = frameCentreMs(picture, targetMs);
  // The frame is loaded already: showing it needs no request.
  if (isBuffered(video, exactMs)) return exactMs;
  const answer = session.hintSeek(targetMs, mode);
  if (mode === 'precise') return exactMs;
  const landedMs = await withinTime(answer, ANSWER_MS);
  // A step must not land on the other side of its start, as it could with keyframes far apart.
  const isWrongWay = landedMs !== null && targetMs > fromMs === landedMs <= fromMs;
  return landedMs === null || isWrongWay ? exactMs : frameCentreMs(picture, landedMs);
}

/** @param {HTMLVideoElement} video @param {number} positionMs */
export function isBuffered({ buffered }, positionMs) {
  for (let index = 0; index < buffered.length; index++) {
    if (buffered.start(index) * 1000 <= positionMs && positionMs < buffered.end(index) * 1000) return true;
  }
  return false;
}

/**
 * The middle of the frame that is shown at that time: its edges are where players disagree.
 * @param {{ frameRate: { num: number, den: number }, isVariableFrameRate: boolean } | undefined} picture
 * @param {number} positionMs
 */
export function frameCentreMs(picture, positionMs) {
  if (picture === undefined || picture.isVariableFrameRate) return positionMs;
  const frameMs = (1000 * picture.frameRate.den) / picture.frameRate.num;
  return (Math.floor(positionMs / frameMs + ROUNDING_FRAMES) + 0.5) * frameMs;
}

/** @param {Promise<number | null>} answer @param {number} ms */
function withinTime(answer, ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise(resolve => {
    timer = setTimeout(() => resolve(null), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
