// WebVTT as the server writes it: cues with times, settings and text whose tags the browser knows. A browser parses the text as cue text, never as HTML.

const CUE = /^(?:(\d+):)?(\d\d):(\d\d\.\d{3}) --> (?:(\d+):)?(\d\d):(\d\d\.\d{3})(.*)\n((?:.+\n)+)/gm;

/** @typedef {{ startS: number, endS: number, settings: string, text: string }} ParsedCue */

/** @param {string} vtt @returns {ParsedCue[]} */
export function parseCues(vtt) {
  return Array.from(vtt.matchAll(CUE), ([, h1, m1, s1, h2, m2, s2, settings = '', text = '']) => ({
    startS: seconds(h1, m1, s1),
    endS: seconds(h2, m2, s2),
    settings: settings.trim(),
    text: text.trimEnd(),
  }));
}

/** The seconds at which each segment of a media playlist begins, and where the last ends. @param {string} playlist */
export function startsOf(playlist) {
  const starts = [0];
  for (const [, duration] of playlist.matchAll(/^#EXTINF:([\d.]+)/gm)) starts.push((starts.at(-1) ?? 0) + Number(duration));
  return starts;
}

/** @param {VTTCue} cue @param {string} settings */
export function applySettings(cue, settings) {
  for (const setting of settings.split(' ')) {
    const [name, value = ''] = setting.split(':');
    const number = Number.parseFloat(value);
    if (name === 'line' && Number.isFinite(number)) {
      cue.snapToLines = !value.includes('%');
      cue.line = number;
    } else if (name === 'position' && Number.isFinite(number)) cue.position = number;
    else if (name === 'size' && Number.isFinite(number)) cue.size = number;
    else if (name === 'align' && ['start', 'center', 'end', 'left', 'right'].includes(value))
      cue.align = /** @type {AlignSetting} */ (value);
    else if (name === 'vertical' && (value === 'rl' || value === 'lr')) cue.vertical = value;
  }
}

/** @param {string | undefined} hours @param {string | undefined} minutes @param {string | undefined} rest */
const seconds = (hours, minutes, rest) => (Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(rest);
