// Which subtitles are shown: what the person chose last, in whatever film; and with none chosen, the forced ones of the language that is spoken.

/**
 * @typedef {{ track: number, name: string, language: string | null, isForced: boolean, isHearingImpaired: boolean,
 *   kind: 'text' | 'image', sourceUrl: string, sourceOffsetMs: number, fontsUrl: string | null }} SubtitleTrack
 */
/** @typedef {{ language: string | null, isHearingImpaired: boolean }} Preference */

const KEY = 'ferrite.subtitles';

/** @returns {Preference | null} null: off */
export function readPreference() {
  try {
    const { language = null, isHearingImpaired = false } = JSON.parse(localStorage.getItem(KEY) ?? '');
    return { language: typeof language === 'string' ? language : null, isHearingImpaired: isHearingImpaired === true };
  } catch {
    return null;
  }
}

/** @param {SubtitleTrack | null} track */
export function savePreference(track) {
  if (track === null) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, JSON.stringify({ language: track.language, isHearingImpaired: track.isHearingImpaired }));
}

/** @param {readonly SubtitleTrack[]} tracks @param {Preference | null} preference @returns {SubtitleTrack | null} */
export function preferredTrack(tracks, preference) {
  if (preference === null) return null;
  const full = tracks.filter(({ isForced, language }) => !isForced && isSameLanguage(language, preference.language));
  return full.find(({ isHearingImpaired }) => isHearingImpaired === preference.isHearingImpaired) ?? full[0] ?? null;
}

/** Signs and foreign speech, shown by themselves. @param {readonly SubtitleTrack[]} tracks @param {string | null} spoken */
export function forcedTrack(tracks, spoken) {
  const forced = tracks.filter(({ isForced }) => isForced);
  return forced.find(({ language }) => isSameLanguage(language, spoken)) ?? (spoken === null ? forced[0] : undefined) ?? null;
}

/** `eng` and `en-GB` are both English. @param {string | null} one @param {string | null} other */
export const isSameLanguage = (one, other) => baseLanguage(one) === baseLanguage(other);

/** @param {string | null} tag */
function baseLanguage(tag) {
  if (!tag) return null;
  try {
    return new Intl.Locale(tag).language;
  } catch {
    return tag.toLowerCase();
  }
}
