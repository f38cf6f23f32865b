// "Statistics": the delivery, the picture, and how well the film plays.
import { element, fill } from '../dom.js';
import { formatBitrate, formatSeconds } from '../format.js';
import { icon } from '../icons.js';
import { explainReason } from '../messages.js';
import { WhyList } from './why-list.js';

const REFRESH_MS = 500;

export class StatsPanel {
  #playback;
  #video;
  #table = element('dl', { class: 'stats-table' });
  #why = new WhyList();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  root;

  /**
   * @param {import('../playback/playback.js').Playback} playback
   * @param {HTMLVideoElement} video
   */
  constructor(playback, video) {
    this.#playback = playback;
    this.#video = video;
    const close = element(
      'button',
      { class: 'control stats-close', type: 'button', 'aria-label': 'Close statistics', onclick: () => this.toggle() },
      icon('close'),
    );
    this.root = element('section', { class: 'stats', hidden: true, 'aria-label': 'Statistics' }, close, this.#table, this.#why.root);
  }

  toggle() {
    this.root.hidden = !this.root.hidden;
    clearInterval(this.#timer);
    if (this.root.hidden) return;
    this.#timer = setInterval(() => this.#render(), REFRESH_MS);
    this.#render();
    void this.#why.show(this.#playback);
  }

  close() {
    clearInterval(this.#timer);
  }

  #render() {
    fill(this.#table, ...this.#rows().flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
  }

  /** @returns {[name: string, value: string][]} */
  #rows() {
    const { info, delivery, stats } = this.#playback;
    const level = delivery?.levels.find(candidate => candidate.id === delivery.level);
    const source = info?.tracks?.video?.[0];
    const bitrateBps = level?.bandwidthBps ?? source?.bitrateBps ?? 0;
    /** @param {number | null} ms */
    const seconds = ms => (ms === null ? '–' : formatSeconds(ms));
    return [
      ['Delivery', info === null ? '–' : deliveryText(info)],
      ['Rung', stats.rung === null ? '–' : `${stats.rung}${delivery?.isAutoLevel && delivery.levels.length > 1 ? ' (auto)' : ''}`],
      ['Picture', this.#video.videoWidth > 0 ? `${this.#video.videoWidth} × ${this.#video.videoHeight}` : '–'],
      ['Bit rate', formatBitrate(bitrateBps)],
      ['Buffer', formatSeconds(stats.bufferMs)],
      ['First frame', seconds(stats.ttffMs)],
      ['Last seek', seconds(stats.seekLatencyMs)],
      ['Rebuffers', stats.rebufferCount === 0 ? 'none' : `${stats.rebufferCount} (${formatSeconds(stats.rebufferMs)})`],
      ['Dropped frames', `${stats.droppedFrames} of ${stats.totalFrames}`],
      ['Bandwidth', stats.bandwidthBps === null ? '–' : formatBitrate(stats.bandwidthBps)],
      ['Session', info?.sessionId ?? '–'],
    ];
  }
}

/** @param {import('../playback/session.js').SessionInfo} info */
function deliveryText({ delivery, reasons }) {
  const names = { direct: 'direct play', remux: 'remux', transcode: 'transcode' };
  return reasons.length === 0 ? names[delivery] : `${names[delivery]}: ${reasons.map(explainReason).join(', ')}`;
}
