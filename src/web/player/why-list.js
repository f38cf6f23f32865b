// "Why": what the server delivers of each track to this browser, and why nothing cheaper.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { formatChannels, formatCodec } from '../format.js';
import { explainError, explainReason } from '../messages.js';

const ACTIONS = { direct: 'as it is in the file', copy: 'copied as it is', encode: 'converted' };

/**
 * @typedef {{ kind: 'video' | 'audio', track: number, isSelected: boolean, codec: string, action: 'direct' | 'copy' | 'encode', reasons: string[],
 *   renditions: { path: string, codecs: string, channels?: number }[] }} TrackDecision
 */

export class WhyList {
  #list = element('ul', { class: 'why-list' });
  root = element('section', { class: 'why', 'aria-label': 'Why it is delivered this way' }, element('h2', {}, 'Why'), this.#list);

  /** Asks anew: what is wanted may have changed since. @param {import('../playback/playback.js').Playback} playback */
  async show(playback) {
    try {
      /** @type {{ tracks: TrackDecision[] }} */
      const { tracks } = await request('GET', playback.decisionUrl);
      fill(this.#list, ...tracks.map(track => element('li', {}, describe(track))));
    } catch (error) {
      fill(this.#list, element('li', {}, explainError(error)));
    }
  }
}

/** @param {TrackDecision} decision */
function describe({ kind, track, codec, action, reasons, renditions }) {
  const name = kind === 'video' ? 'Picture' : `Sound ${track + 1}`;
  const why = reasons.length === 0 ? '' : ` (${reasons.map(explainReason).join(', ')})`;
  const forms = kind === 'audio' && renditions.length > 1 ? `; offered as ${renditions.map(formOf).join(' and ')}` : '';
  return `${name}, ${formatCodec(codec)}: ${ACTIONS[action]}${why}${forms}`;
}

/** @param {{ codecs: string, channels?: number }} rendition */
const formOf = ({ codecs, channels }) => `${codecs} ${formatChannels(channels ?? 2)}`;
