// How far down a page was: kept in its entry of the history, so that Back and a reload return there once the page is long enough again.

const DEADLINE_MS = 5_000;
const QUIET_MS = 150;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Of the page that is shown. */
export function keepScroll() {
  clearTimeout(timer);
  history.replaceState({ ...history.state, scrollY: Math.round(scrollY) }, '');
}

/** @returns {() => void} stops it, and the keeping of this page's place */
export function restoreScroll() {
  const wanted = Number(history.state?.scrollY ?? 0);
  const stopped = new AbortController();
  const { signal } = stopped;
  scrollTo(0, 0);
  const onScroll = () => {
    clearTimeout(timer);
    timer = setTimeout(keepScroll, QUIET_MS);
  };
  const begin = () => !signal.aborted && addEventListener('scroll', onScroll, { signal, passive: true });
  signal.addEventListener('abort', () => clearTimeout(timer));
  if (wanted > 0) follow(wanted, signal, begin);
  else begin();
  return () => stopped.abort();
}

/** Until the page reaches there, or somebody scrolls. @param {number} wanted @param {AbortSignal} closed @param {() => void} done */
function follow(wanted, closed, done) {
  const over = new AbortController();
  const signal = AbortSignal.any([closed, over.signal]);
  const end = () => {
    if (signal.aborted) return;
    over.abort();
    done();
  };
  const look = () => {
    const reach = document.documentElement.scrollHeight - innerHeight;
    if (reach < wanted) return;
    scrollTo(0, wanted);
    end();
  };
  const grown = new ResizeObserver(look);
  grown.observe(document.body);
  const deadline = setTimeout(end, DEADLINE_MS);
  signal.addEventListener('abort', () => {
    grown.disconnect();
    clearTimeout(deadline);
  });
  for (const event of ['wheel', 'touchmove', 'keydown', 'pointerdown']) addEventListener(event, end, { signal, passive: true });
}
