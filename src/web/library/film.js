// The page of one film: its poster, the tracks of its file, and Play.
import { request } from '../api.js';
import { correctButton } from '../corrections/correct-button.js';
import { element, fill } from '../dom.js';
import { formatChannels, formatCodec, formatLanguage, formatLength, formatResolution, formatTime } from '../format.js';
import { icon } from '../icons.js';
import { shelf } from '../lists/shelf.js';
import { explainError } from '../messages.js';
import { measureCapabilities } from '../playback/capabilities.js';
import { loadHls } from '../playback/hls-delivery.js';
import { decisionUrl } from '../playback/session-start.js';
import { filmCard, posterPicture, progressBar, progressOf, resumeMs, watchPath } from './film-card.js';
import { counted, episodeCode } from './names.js';
import { PendingPosters } from './pending-posters.js';
import { bestVersion, versionName } from './versions.js';

/**
 * @param {HTMLElement} root
 * @param {{ mediaId: string, navigate: (path: string) => void }} options
 * @returns {() => void}
 */
export function showFilm(root, { mediaId, navigate }) {
  const closed = new AbortController();
  const path = `/api/v1/media/${encodeURIComponent(mediaId)}`;
  const posters = new PendingPosters(closed.signal);
  root.className = 'film';
  void loadHls();
  void load();
  return () => closed.abort();

  async function load() {
    try {
      const media = await request('GET', path, { signal: closed.signal });
      const version = await choose(media);
      if (closed.signal.aborted) return;
      document.title = `${media.show ? `${media.show.title}: ` : ''}${media.title} · Ferrite`;
      show(media, version);
      posters.watch(media, root);
    } catch (error) {
      if (closed.signal.aborted) return;
      const retry = element('button', { class: 'button', type: 'button', onclick: () => void load() }, 'Try again');
      const text = element('h1', { class: 'empty-title' }, explainError(error));
      fill(root, element('div', { class: 'empty', role: 'alert' }, text, retry));
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
    const correct = correctButton({
      kind: 'media',
      item: media,
      onDone: id => (id === undefined || id === mediaId ? load() : navigate(`/film/${id}`)),
    });
    fill(
      root,
      placeLink(media),
      filmBody(shown, { media, change: id => void change(id), setWatched, correct }),
      people(media),
      media.extras?.length > 0
        ? shelf(
            'Extras',
            media.extras.map((/** @type {any} */ item) => filmCard(item)),
          )
        : null,
    );
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

/** Above an episode is its show. @param {any} media */
function placeLink({ show, season }) {
  if (!show) return null;
  const href = `/show/${encodeURIComponent(show.id)}${season === null ? '' : `?season=${season}`}`;
  return element('nav', { class: 'crumbs', 'aria-label': 'Above' }, element('a', { class: 'back-link', href }, icon('back'), show.title));
}

/**
 * @param {any} media
 * @param {{ media: any, change: (mediaId: string) => void, setWatched: (media: any, watched: boolean) => Promise<void>, correct: HTMLElement | null }} options `media`: the item
 */
function filmBody(media, { media: { versions = [], ...item }, change, setWatched, correct }) {
  const facts = [
    item.show ? episodeCode(item) : item.year,
    formatLength(media.durationMs),
    media.height ? formatResolution(media.width, media.height) : null,
    item.ageRating?.label,
    typeof item.rating === 'number' ? `★ ${item.rating.toFixed(1)}` : null,
  ]
    .filter(Boolean)
    .join(' · ');
  const progress = progressOf({ ...item, versions });
  const isWatched = progress?.watched === true;
  const mark = element(
    'button',
    { class: 'button quiet', type: 'button', 'aria-pressed': String(isWatched), onclick: () => void setWatched(media, !isWatched) },
    icon('check'),
    isWatched ? 'Watched' : 'Mark as watched',
  );
  return element(
    'article',
    { class: 'film-body' },
    element('div', { class: 'poster film-poster' }, posterPicture(item), progressBar(progress)),
    element(
      'div',
      { class: 'film-text' },
      element('h1', {}, item.title),
      element('p', { class: 'muted film-line' }, facts),
      item.overview ? element('p', { class: 'overview' }, item.overview) : null,
      genres(item),
      element('div', { class: 'row film-actions' }, ...playButtons(media.id, progress), mark, correct),
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

/** @param {string} id of the version that is shown @param {import('./film-card.js').Progress | null} progress */
function playButtons(id, progress) {
  const positionMs = resumeMs(progress);
  if (positionMs === 0) return [element('a', { class: 'button primary', href: watchPath(id, 0) }, icon('play'), 'Play')];
  return [
    element('a', { class: 'button primary', href: watchPath(id, positionMs) }, icon('play'), `Resume from ${formatTime(positionMs)}`),
    element('a', { class: 'button', href: watchPath(id, 0) }, icon('replay'), 'Start over'),
  ];
}

/** @param {any} item */
function genres({ genres: named = [], collection = null }) {
  const links = [
    ...(collection ? [{ ...collection, path: 'collections' }] : []),
    ...named.map((/** @type {any} */ genre) => ({ ...genre, path: 'genres' })),
  ].map(({ id, name, path }) =>
    element('li', {}, element('a', { class: 'chip', href: `/browse/${path}/${encodeURIComponent(id)}` }, name)),
  );
  return links.length === 0 ? null : element('ul', { class: 'chips', 'aria-label': 'Genres' }, ...links);
}

/** @param {any} item */
function people({ people: named = [] }) {
  if (named.length === 0) return null;
  const links = named
    .slice(0, 24)
    .map((/** @type {any} */ { id, name, role, job }) =>
      element(
        'li',
        {},
        element(
          'a',
          { class: 'tile person', href: `/browse/people/${encodeURIComponent(id)}` },
          element('span', {}, name),
          element('span', { class: 'muted' }, role ?? job ?? ''),
        ),
      ),
    );
  return element(
    'section',
    { class: 'film-people', 'aria-label': counted(links.length, 'person', 'people') },
    element('h2', {}, 'People'),
    element('ul', { class: 'tiles' }, ...links),
  );
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
