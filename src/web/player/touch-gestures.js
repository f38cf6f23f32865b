// Taps on the picture: one shows or hides the controls (a mouse: play or pause), two on a side skip, two in the middle of a mouse: full screen.

const DOUBLE_TAP_MS = 300;

/** @typedef {{ tap(): void, click(): void, doubleClick(): void, skip(direction: -1 | 1, x: number, y: number): void }} GestureListener */

/**
 * @param {HTMLElement} surface
 * @param {GestureListener} listener
 * @param {AbortSignal} signal
 */
export function bindGestures(surface, listener, signal) {
  let lastTapMs = 0;
  let lastSide = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let singleTap;
  surface.addEventListener(
    'pointerup',
    event => {
      if (event.pointerType === 'mouse') return;
      const { left, width } = surface.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      const side = share < 0.36 ? -1 : share > 0.64 ? 1 : 0;
      const isDouble = event.timeStamp - lastTapMs < DOUBLE_TAP_MS && side !== 0 && side === lastSide;
      lastTapMs = event.timeStamp;
      lastSide = side;
      clearTimeout(singleTap);
      if (isDouble) listener.skip(side === 1 ? 1 : -1, event.clientX, event.clientY);
      else singleTap = setTimeout(() => listener.tap(), side === 0 ? 0 : DOUBLE_TAP_MS);
    },
    { signal },
  );
  surface.addEventListener(
    'click',
    event => {
      if (event instanceof PointerEvent && event.pointerType === 'mouse') listener.click();
    },
    { signal },
  );
  surface.addEventListener(
    'dblclick',
    event => {
      if (matchMedia('(hover: hover)').matches && event.detail > 0) listener.doubleClick();
    },
    { signal },
  );
  signal.addEventListener('abort', () => clearTimeout(singleTap));
}
