// The position stands in the page's address, so that a reload, or a copy of the address, goes on where the film is.

const INTERVAL_MS = 1_000;

/**
 * @param {HTMLVideoElement} video
 * @param {() => number} positionMs
 * @param {AbortSignal} signal
 */
export function keepPosition(video, positionMs, signal) {
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  const write = () => {
    writtenAtMs = performance.now();
    const url = new URL(location.href);
    // Who has seen the end begins anew.
    url.searchParams.set('t', String(video.ended ? 0 : Math.round(positionMs())));
    if (url.href !== location.href) history.replaceState(history.state, '', url);
  };
  // Before anything is shown the address knows better than the element.
  const writeSoon = () => {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && performance.now() - writtenAtMs >= INTERVAL_MS) write();
  };
  const writeNow = () => {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) write();
  };
  video.addEventListener('timeupdate', writeSoon, { signal });
  for (const event of ['seeked', 'pause', 'ended']) video.addEventListener(event, writeNow, { signal });
  addEventListener('pagehide', writeNow, { signal });
}
