// The web player's files: read once at start, served from memory under a policy that lets the page run nothing but these.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Route, route } from '#http/contract/route.ts';
import { subtitleRendererRoutes } from '#http/vendor/subtitle-renderers.ts';

type WebFile = { readonly bytes: Uint8Array; readonly contentType: string; readonly etag: string };

const STYLE = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const WEB_FOLDER = new URL('../../web/', import.meta.url);
const INDEX = 'index.html';

/** Everything that is served, and nothing else is: a file's presence in the folder does not publish it. */
const FILES: Readonly<Record<string, string>> = {
  'api.js': SCRIPT,
  'app.js': SCRIPT,
  'dom.js': SCRIPT,
  'favicon.svg': 'image/svg+xml',
  'format.js': SCRIPT,
  'icons.js': SCRIPT,
  'menu.js': SCRIPT,
  'messages.js': SCRIPT,
  'style.css': STYLE,
  'account/account.css': STYLE,
  'account/account.js': SCRIPT,
  'account/history.js': SCRIPT,
  'account/passkeys.js': SCRIPT,
  'admin/admin.css': STYLE,
  'admin/audit.js': SCRIPT,
  'admin/folder-chooser.js': SCRIPT,
  'admin/libraries.js': SCRIPT,
  'admin/limits.js': SCRIPT,
  'admin/user-dialog.js': SCRIPT,
  'admin/users.js': SCRIPT,
  'browse/browse.js': SCRIPT,
  'corrections/correct-button.js': SCRIPT,
  'corrections/corrections-dialog.js': SCRIPT,
  'corrections/corrections.css': STYLE,
  'home/entries.js': SCRIPT,
  'home/home.js': SCRIPT,
  'library/film-card.js': SCRIPT,
  'library/film.css': STYLE,
  'library/film.js': SCRIPT,
  'library/letters.js': SCRIPT,
  'library/library.css': STYLE,
  'library/library.js': SCRIPT,
  'library/names.js': SCRIPT,
  'library/page.js': SCRIPT,
  'library/pending-posters.js': SCRIPT,
  'library/scan-rows.js': SCRIPT,
  'library/scans.js': SCRIPT,
  'library/versions.js': SCRIPT,
  'lists/grid-keys.js': SCRIPT,
  'lists/lists.css': STYLE,
  'lists/paged-items.js': SCRIPT,
  'lists/shelf.js': SCRIPT,
  'lists/virtual-grid.js': SCRIPT,
  'login/login-store.js': SCRIPT,
  'login/login.css': STYLE,
  'login/login.js': SCRIPT,
  'login/passkey.js': SCRIPT,
  'login/providers.js': SCRIPT,
  'next-episode/next-episode-machine.js': SCRIPT,
  'next-episode/next-episode.css': STYLE,
  'next-episode/next-episode.js': SCRIPT,
  'playback/capabilities.js': SCRIPT,
  'playback/control-socket.js': SCRIPT,
  'playback/delivery-choice.js': SCRIPT,
  'playback/delivery.js': SCRIPT,
  'playback/hls-delivery.js': SCRIPT,
  'playback/landing.js': SCRIPT,
  'playback/measurements.js': SCRIPT,
  'playback/playback-machine.js': SCRIPT,
  'playback/playback-state.js': SCRIPT,
  'playback/playback.js': SCRIPT,
  'playback/player-state.js': SCRIPT,
  'playback/retry-policy.js': SCRIPT,
  'playback/session-start.js': SCRIPT,
  'playback/session.js': SCRIPT,
  'playback/stream.js': SCRIPT,
  'player/address.js': SCRIPT,
  'player/controls.css': STYLE,
  'player/controls.js': SCRIPT,
  'player/help-panel.js': SCRIPT,
  'player/keyboard.js': SCRIPT,
  'player/player.css': STYLE,
  'player/player.js': SCRIPT,
  'player/screen-modes.js': SCRIPT,
  'player/scrubbing.js': SCRIPT,
  'player/seek-mode.js': SCRIPT,
  'player/skip-button.js': SCRIPT,
  'player/stats-panel.js': SCRIPT,
  'player/touch-gestures.js': SCRIPT,
  'player/track-menus.js': SCRIPT,
  'player/volume.js': SCRIPT,
  'player/why-list.js': SCRIPT,
  'search/groups.js': SCRIPT,
  'search/latest.js': SCRIPT,
  'search/marked.js': SCRIPT,
  'search/search-box.js': SCRIPT,
  'search/search-page.js': SCRIPT,
  'search/search.css': STYLE,
  'seek-bar/chapters.js': SCRIPT,
  'seek-bar/preview-tiles.js': SCRIPT,
  'seek-bar/seek-bar.js': SCRIPT,
  'shell/header.js': SCRIPT,
  'shell/pages.js': SCRIPT,
  'shell/scroll-place.js': SCRIPT,
  'shell/shell.css': STYLE,
  'shows/episode-row.js': SCRIPT,
  'shows/order.js': SCRIPT,
  'shows/show.css': STYLE,
  'shows/show.js': SCRIPT,
  'shows/watched.js': SCRIPT,
  'subtitles/choice.js': SCRIPT,
  'subtitles/cue-text.js': SCRIPT,
  'subtitles/drawing.js': SCRIPT,
  'subtitles/style.js': SCRIPT,
  'subtitles/subtitles.js': SCRIPT,
};

const XSTATE_NAMES = ['and', 'assign', 'createActor', 'fromCallback', 'fromPromise', 'not', 'or', 'raise', 'setup', 'stateIn'] as const;

/** Addresses that the page itself understands: each gives the same document. */
const PAGES = [
  '/',
  '/index.html',
  '/login',
  '/film/:mediaId',
  '/watch/:mediaId',
  '/show/:showId',
  '/library/:libraryId',
  '/browse',
  '/browse/:kind',
  '/browse/:kind/:id',
  '/search',
  '/account',
  '/admin/libraries',
  '/admin/users',
  '/admin/audit',
];

/** hls.js appends segments through `blob:` object URLs; the player's own styles are set through the DOM, not as text. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cache-Control': 'no-cache',
};

export function webRoutes(): Route[] {
  const index = readWebFile(new URL(INDEX, WEB_FOLDER), 'text/html; charset=utf-8');
  const hls = readWebFile(new URL(import.meta.resolve('hls.js/dist/hls.min.mjs')), SCRIPT);
  const files = Object.entries(FILES).map(([name, contentType]) =>
    fileRoute(`/${name}`, readWebFile(new URL(name, WEB_FOLDER), contentType)),
  );
  return [
    ...PAGES.map(path => fileRoute(path, index)),
    ...files,
    fileRoute('/vendor/hls.js', hls),
    fileRoute('/vendor/xstate.js', xstateModule()),
    ...subtitleRendererRoutes(HEADERS),
  ];
}

/** xstate's one minified file is UMD, its modules are seven files with hashes in their names: this module exports the names of the file that the page uses. */
function xstateModule(): WebFile {
  const umd = readFileSync(new URL('xstate.umd.min.js', import.meta.resolve('xstate')), 'utf8');
  const module = `const module = {}, exports = {};\n${umd}\nexport const { ${XSTATE_NAMES.join(', ')} } = exports;\n`;
  return webFile(Buffer.from(module), SCRIPT);
}

function fileRoute(path: string, { bytes, contentType, etag }: WebFile): Route {
  return route({
    method: 'GET',
    path,
    auth: 'none',
    summary: 'The web player',
    responses: { 200: contentType },
    handler: () => ({ status: 200, bytes, contentType, etag, headers: HEADERS }),
  });
}

const readWebFile = (url: URL, contentType: string): WebFile => webFile(readFileSync(url), contentType);

function webFile(bytes: Uint8Array, contentType: string): WebFile {
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 27);
  return { bytes, contentType, etag: `"${digest}"` };
}
