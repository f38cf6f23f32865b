// Subtitles drawn as they were authored: styles, places and movement by libass, pictures of discs by libpgs, over the picture and in its shape. Both come with the first film that needs them.

/** @typedef {import('./choice.js').SubtitleTrack} SubtitleTrack */
/** @typedef {{ track: SubtitleTrack, sourceUrl: URL, fontsUrl: URL | null, signal: AbortSignal, onFailed: () => void }} Drawn */

const VENDOR = '/vendor/';
const RETRY_MS = 3_000;
/** In a row, of one file. */
const MAX_FAILURES = 10;
/** No answer of the worker within so long: it will never draw. */
const READY_MS = 30_000;
/** Animation frames: the picture before is drawn by then. */
const MAX_BUSY_TURNS = 120;
const FALLBACK_FONT = 'liberation sans';

/** Whether a track is more than its text. @param {SubtitleTrack} track */
export const isDrawn = track => track.kind === 'image' || track.fontsUrl !== null;

/**
 * Draws until `signal` aborts. Calls `onFailed` when nothing can be drawn.
 * @param {HTMLVideoElement} video @param {Drawn} drawn
 */
export async function draw(video, drawn) {
  try {
    await (drawn.track.kind === 'image' ? drawPictures(video, drawn) : drawStyled(video, drawn));
  } catch {
    if (!drawn.signal.aborted) drawn.onFailed();
  }
}

/** @param {HTMLVideoElement} video @param {Drawn} drawn */
async function drawStyled(video, { track, sourceUrl, fontsUrl, signal, onFailed }) {
  const [{ default: Jassub }, script, fonts] = await Promise.all([
    import('/vendor/jassub.js'),
    load(sourceUrl, signal).then(response => response.text()),
    fontsUrl === null ? [] : loadFonts(fontsUrl, signal),
  ]);
  signal.throwIfAborted();
  const renderer = new Jassub({
    video,
    subContent: script,
    fonts,
    timeOffset: -track.sourceOffsetMs / 1000,
    workerUrl: `${VENDOR}jassub-worker.js`,
    wasmUrl: absolute('jassub-worker.wasm'),
    modernWasmUrl: absolute('jassub-worker-modern.wasm'),
    legacyWasmUrl: '',
    availableFonts: { [FALLBACK_FONT]: absolute('jassub-font.woff2') },
    fallbackFont: FALLBACK_FONT,
    // It would ask the person for leave.
    useLocalFonts: false,
  });
  const deadline = setTimeout(failed, READY_MS);
  const end = () => {
    clearTimeout(deadline);
    renderer.destroy();
  };
  function failed() {
    if (signal.aborted) return;
    signal.removeEventListener('abort', end);
    end();
    onFailed();
  }
  /** It draws with every new picture, and where something has changed: of a paused film none comes, and what was asked before it was ready is lost. */
  const redraw = (turns = MAX_BUSY_TURNS) => {
    if (signal.aborted || !video.paused) return;
    const { busy } = /** @type {{ busy?: boolean }} */ (/** @type {unknown} */ (renderer));
    if (busy && turns > 0) return void requestAnimationFrame(() => redraw(turns - 1));
    renderer.setCurrentTime(true, video.currentTime - track.sourceOffsetMs / 1000);
    // With `force`, which its types leave out.
    /** @type {{ resize(...args: unknown[]): void }} */ (/** @type {unknown} */ (renderer)).resize(0, 0, 0, 0, true);
  };
  renderer.addEventListener('ready', () => {
    clearTimeout(deadline);
    redraw();
  });
  renderer.addEventListener('error', failed);
  signal.addEventListener('abort', end, { once: true });
}

/** @param {HTMLVideoElement} video @param {Drawn} drawn */
async function drawPictures(video, { track, sourceUrl, signal }) {
  const [{ PgsRenderer }, bytes] = await Promise.all([
    import('/vendor/libpgs.js'),
    load(sourceUrl, signal).then(response => response.arrayBuffer()),
  ]);
  signal.throwIfAborted();
  const screen = screenOf(bytes);
  if (screen === null) return;
  const canvas = document.createElement('canvas');
  canvas.className = 'drawn-subtitles';
  canvas.width = screen.width;
  canvas.height = screen.height;
  video.after(canvas);
  const renderer = new PgsRenderer({ canvas, workerUrl: `${VENDOR}libpgs-worker.js` });
  const place = () => placeOver(video, canvas, screen);
  const sizes = new ResizeObserver(place);
  const show = () => renderer.renderAtTimestamp(video.currentTime - track.sourceOffsetMs / 1000);
  const clock = new AbortController();
  const end = () => {
    clock.abort();
    sizes.disconnect();
    renderer.dispose();
    canvas.remove();
  };
  signal.addEventListener('abort', end, { once: true });
  sizes.observe(video);
  for (const event of ['loadedmetadata', 'resize']) video.addEventListener(event, place, { signal: clock.signal });
  for (const event of ['timeupdate', 'seeking', 'seeked', 'loadeddata']) video.addEventListener(event, show, { signal: clock.signal });
  onEveryPicture(video, show, clock.signal);
  // It takes the first picture for drawn until it has drawn another, or none.
  show();
  await renderer.loadFromBuffer(bytes);
  place();
  show();
}

/** @param {HTMLVideoElement} video @param {() => void} show @param {AbortSignal} signal */
function onEveryPicture(video, show, signal) {
  if (!('requestVideoFrameCallback' in video)) return;
  const next = () => {
    if (signal.aborted) return;
    show();
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
}

/** The size of the screen that the pictures were made for: it stands in the first segment. @param {ArrayBuffer} bytes */
function screenOf(bytes) {
  if (bytes.byteLength < 17) return null;
  const view = new DataView(bytes);
  const [width, height] = [view.getUint16(13), view.getUint16(15)];
  return width > 0 && height > 0 ? { width, height } : null;
}

/**
 * Over the film as it is shown. Where bars were cut off the film, the screen reaches over it above and below, or on both sides.
 * @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas @param {{ width: number, height: number }} screen
 */
function placeOver(video, canvas, screen) {
  const { offsetWidth, offsetHeight, videoWidth, videoHeight } = video;
  if (videoWidth === 0 || videoHeight === 0) return;
  const shown = Math.min(offsetWidth / videoWidth, offsetHeight / videoHeight);
  const film = { width: videoWidth * shown, height: videoHeight * shown };
  const scale = Math.max(film.width / screen.width, film.height / screen.height);
  const isSameShape = Math.abs((film.width / film.height) * (screen.height / screen.width) - 1) < 0.02;
  const size = isSameShape ? film : { width: screen.width * scale, height: screen.height * scale };
  canvas.style.width = `${size.width}px`;
  canvas.style.height = `${size.height}px`;
  canvas.style.left = `${(offsetWidth - size.width) / 2}px`;
  canvas.style.top = `${(offsetHeight - size.height) / 2}px`;
}

/** One that can not be had is done without. @param {URL} listUrl @param {AbortSignal} signal @returns {Promise<Uint8Array[]>} */
async function loadFonts(listUrl, signal) {
  try {
    const { fonts } = await (await load(listUrl, signal)).json();
    const base = new URL('../', listUrl);
    const loaded = fonts.map(async (/** @type {string} */ path) => {
      const response = await fetch(new URL(path, base), { signal });
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
    });
    const settled = await Promise.allSettled(loaded);
    return settled.flatMap(one => (one.status === 'fulfilled' && one.value !== null ? [one.value] : []));
  } catch (error) {
    if (signal.aborted) throw error;
    return [];
  }
}

/** Comes back while the server still reads the film for it. @param {URL} url @param {AbortSignal} signal @returns {Promise<Response>} */
async function load(url, signal) {
  for (let failures = 0; ; ) {
    const response = await fetch(url, { signal });
    if (response.ok) return response;
    // What is not there, or can not be read, will not be in a moment.
    if (response.status < 500 || ++failures === MAX_FAILURES) throw new Error(String(response.status));
    await new Promise(resolve => setTimeout(resolve, RETRY_MS));
    signal.throwIfAborted();
  }
}

/** For workers, whose own address is another. @param {string} name */
const absolute = name => new URL(VENDOR + name, location.href).href;
