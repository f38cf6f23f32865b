// The page of one film: its poster, the tracks of its file, and Play.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { formatChannels, formatCodec, formatLanguage, formatLength, formatResolution, formatTime } from '../format.js';
import { icon } from '../icons.js';
import { explainError } from '../messages.js';
import { measureCapabilities } from '../playback/capabilities.js';
import { loadHls } from '../playback/hls-delivery.js';
import { decisionUrl } from '../playback/session-start.js';
import { posterPicture, progressBar, watchPath } from './film-card.js';
import { bestVersion, versionName } from './versions.js';

/**
 * @param {HTMLElement} root
 * @param {{ mediaId: string, navigate: (path: string) => void }} options
 * @returns {() => void}
 */
export function showFilm(root, { mediaId }) {
  const closed = new AbortController();
  const path = `/api/v1/media/${encodeURIComponent(mediaId)}`;
  root.className = 'film';
  void loadHls();
  void load();
  return () => closed.abort();

  async function load() {
    try {
      const media = await request('GET', path, { signal: closed.signal });
      const version = await choose(media);
      if (closed.signal.aborted) return;
      document.title = `${media.title} · Ferrite`;
      show(media, version);
    } catch (error) {
      if (closed.signal.aborted) return;
      const retry = element('button', { class: 'button', type: 'button', onclick: () => void load() }, 'Try again');
      fill(root, backLink(), element('div', { class: 'empty', role: 'alert' }, element('p', {}, explainError(error)), retry));
    }
  }

  /**
   * The page of one version; another one can be chosen on it.
   * @param {any} media @param {any} shown the version's own facts
   */
  function show(media, shown) {
    /** @param {string} id */
    const change = async id => {
      try {
        const other = await request('GET', `/api/v1/media/${encodeURIComponent(id)}`, { signal: closed.signal });
        show(media, other);
        root.querySelector('select')?.focus();
      } catch (error) {
        complain(error);
      }
    };
    fill(root, backLink(), filmBody(shown, { versions: media.versions, change: id => void change(id), setWatched }));
  }

  /** The best one for this browser, with its facts. @param {any} media */
  async function choose(media) {
    /** @type {import('./versions.js').Version[]} */
    const versions = media.versions ?? [];
    if (versions.length < 2) return media;
    const capabilities = measureCapabilities();
    const deliveries = await Promise.all(versions.map(({ mediaId: id }) => deliveryOf(id, capabilities, closed.signal)));
    const best = bestVersion(versions, deliveries);
    if (best === undefined || best.mediaId === media.id) return media;
    return request('GET', `/api/v1/media/${encodeURIComponent(best.mediaId)}`, { signal: closed.signal });
  }

  /** @param {unknown} error */
  function complain(error) {
    root.querySelector('.form-error')?.remove();
    root.append(element('p', { class: 'form-error', role: 'alert' }, explainError(error)));
  }

  /** @param {any} media @param {boolean} watched */
  async function setWatched(media, watched) {
    const body = { positionMs: 0, durationMs: media.durationMs, watched };
    try {
      await request('PUT', `/api/v1/media/${encodeURIComponent(media.id)}/progress`, { body });
      await load();
    } catch (error) {
      complain(error);
    }
  }
}

const backLink = () => element('a', { class: 'back-link', href: '/' }, icon('back'), 'Library');

/**
 * @param {any} media
 * @param {{ versions: import('./versions.js').Version[] | undefined, change: (mediaId: string) => void, setWatched: (media: any, watched: boolean) => Promise<void> }} options
 */
function filmBody(media, { versions = [], change, setWatched }) {
  const facts = [media.year, formatLength(media.durationMs), media.height ? formatResolution(media.width, media.height) : null]
    .filter(Boolean)
    .join(' · ');
  const isWatched = media.progress?.watched === true;
  const mark = element(
    'button',
    { class: 'button quiet', type: 'button', 'aria-pressed': String(isWatched), onclick: () => void setWatched(media, !isWatched) },
    icon('check'),
    isWatched ? 'Watched' : 'Mark as watched',
  );
  return element(
    'article',
    { class: 'film-body' },
    element('div', { class: 'poster film-poster' }, posterPicture(media), progressBar(media.progress)),
    element(
      'div',
      { class: 'film-text' },
      element('h1', {}, media.title),
      element('p', { class: 'muted film-line' }, facts),
      element('div', { class: 'row film-actions' }, ...playButtons(media), mark),
      versions.length > 1 ? versionChoice(media.id, versions, change) : null,
      factList(media),
    ),
  );
}

/** @param {string} chosen @param {import('./versions.js').Version[]} versions @param {(mediaId: string) => void} change */
function versionChoice(chosen, versions, change) {
  const select = element(
    'select',
    { class: 'select', 'aria-label': 'Version', onchange: () => change(select.value) },
    ...versions.map(version => element('option', { value: version.mediaId, selected: version.mediaId === chosen }, versionName(version))),
  );
  return element('label', { class: 'row film-version' }, element('span', { class: 'muted' }, 'Version'), select);
}

/** How this browser would get it; null where that can not be told now. @param {string} mediaId @param {import('../playback/capabilities.js').Capabilities} capabilities @param {AbortSignal} signal */
async function deliveryOf(mediaId, capabilities, signal) {
  const url = decisionUrl(mediaId, capabilities, { delivery: 'auto', rung: null, audioTrack: null });
  const decision = await request('GET', url, { signal }).catch(() => null);
  return decision?.delivery ?? null;
}

/** @param {any} media */
function playButtons({ id, progress }) {
  const resumeMs = progress && !progress.watched && progress.positionMs > 0 ? progress.positionMs : 0;
  if (resumeMs === 0) return [element('a', { class: 'button primary', href: watchPath(id, 0) }, icon('play'), 'Play')];
  return [
    element('a', { class: 'button primary', href: watchPath(id, resumeMs) }, icon('play'), `Resume from ${formatTime(resumeMs)}`),
    element('a', { class: 'button', href: watchPath(id, 0) }, icon('replay'), 'Start over'),
  ];
}

/** @param {any} media */
function factList(media) {
  const { video = [], audio = [], subtitles = [] } = media.streams ?? {};
  const [picture] = video;
  /** @type {[string, string][]} */
  const rows = [['Picture', pictureText(media, picture)]];
  rows.push([
    audio.length > 1 ? 'Audio tracks' : 'Audio',
    audio.length > 0 ? audio.map(audioText).join('\n') : (media.audioCodecs ?? []).map(formatCodec).join(', ') || 'none',
  ]);
  if (subtitles.length > 0)
    rows.push([
      'Subtitles',
      subtitles
        .map(
          (/** @type {any} */ track, /** @type {number} */ index) => formatLanguage(track.language) ?? track.title ?? `Track ${index + 1}`,
        )
        .join(', '),
    ]);
  rows.push(['Container', containerName(media.container)]);
  return element('dl', { class: 'facts' }, ...rows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
}

/** @param {any} media @param {any} picture the first video stream, where known */
function pictureText(media, picture) {
  const rate = picture?.frameRate ? `${Number((picture.frameRate.num / picture.frameRate.den).toFixed(2))} fps` : null;
  const hdr = picture?.hdr ? { hdr10: 'HDR10', hlg: 'HLG', 'dolby-vision': 'Dolby Vision' }[String(picture.hdr)] : null;
  return [media.width ? `${media.width} × ${media.height}` : null, formatCodec(media.videoCodec ?? ''), rate, hdr]
    .filter(Boolean)
    .join(', ');
}

/** @param {any} track @param {number} index */
function audioText(track, index) {
  const name = track.title ?? formatLanguage(track.language) ?? `Track ${index + 1}`;
  return `${name} (${formatCodec(track.codec)}, ${formatChannels(track.channels)})`;
}

/** @param {string} container */
function containerName(container) {
  const names = { mp4: 'MP4', matroska: 'Matroska', webm: 'WebM', mpegts: 'MPEG-TS', avi: 'AVI' };
  return Object.entries(names).find(([name]) => name === container)?.[1] ?? container;
}
