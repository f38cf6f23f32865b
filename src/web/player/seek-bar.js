// The bar under the picture: where we are, what is loaded, the time under the pointer; dragged to the end and back.
import { element } from '../dom.js';
import { formatTime, speakTime } from '../format.js';

/** @typedef {{ positionMs: number, durationMs: number, buffered: TimeRanges }} SeekBarState */

/**
 * `onSeek`: the knob was let go, with Shift to land on the very frame. `onScrub`: the knob is being dragged. `onCancel`: the drag was given up.
 * @typedef {{ onSeek(positionMs: number, isPrecise: boolean): void, onScrub(positionMs: number): void, onCancel(): void }} SeekBarListener
 */

export class SeekBar {
  #listener;
  #durationMs = 0;
  /** Where the pointer holds the knob, or null. @type {number | null} */
  #draggedMs = null;
  #buffered = element('div', { class: 'seek-buffered' });
  #played = element('div', { class: 'seek-played' });
  #knob = element('div', { class: 'seek-knob' });
  #tooltip = element('div', { class: 'seek-tooltip', hidden: true, 'aria-hidden': 'true' });
  root;

  /** @param {SeekBarListener} listener */
  constructor(listener) {
    this.#listener = listener;
    const track = element('div', { class: 'seek-track' }, this.#buffered, this.#played);
    this.root = element(
      'div',
      { class: 'seek', role: 'slider', tabIndex: 0, 'aria-label': 'Position', 'aria-valuemin': 0 },
      track,
      this.#knob,
      this.#tooltip,
    );
    this.root.addEventListener('pointerdown', event => this.#grab(event));
    this.root.addEventListener('pointermove', event => this.#move(event));
    this.root.addEventListener('pointerup', event => this.#release(event));
    this.root.addEventListener('pointercancel', () => this.#cancel());
    this.root.addEventListener('pointerleave', () => {
      if (this.#draggedMs === null) this.#tooltip.hidden = true;
    });
  }

  get isDragging() {
    return this.#draggedMs !== null;
  }

  /** @param {SeekBarState} state */
  update({ positionMs, durationMs, buffered }) {
    this.#durationMs = durationMs;
    const shownMs = this.#draggedMs ?? positionMs;
    const share = durationMs > 0 ? Math.min(shownMs / durationMs, 1) : 0;
    this.#played.style.transform = `scaleX(${share})`;
    this.#knob.style.left = `${share * 100}%`;
    this.root.setAttribute('aria-valuemax', String(Math.round(durationMs / 1000)));
    this.root.setAttribute('aria-valuenow', String(Math.round(shownMs / 1000)));
    this.root.setAttribute('aria-valuetext', `${speakTime(shownMs)} of ${speakTime(durationMs)}`);
    this.#drawBuffered(buffered, durationMs);
  }

  /** @param {TimeRanges} buffered @param {number} durationMs */
  #drawBuffered(buffered, durationMs) {
    const bars = this.#buffered;
    const count = durationMs > 0 ? buffered.length : 0;
    while (bars.childElementCount > count) bars.lastElementChild?.remove();
    for (let index = 0; index < count; index++) {
      const bar = bars.children[index] ?? bars.appendChild(element('div'));
      if (!(bar instanceof HTMLElement)) continue;
      bar.style.left = `${(buffered.start(index) * 100_000) / durationMs}%`;
      bar.style.width = `${((buffered.end(index) - buffered.start(index)) * 100_000) / durationMs}%`;
    }
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (event.button !== 0 || this.#durationMs <= 0) return;
    event.preventDefault();
    this.root.setPointerCapture(event.pointerId);
    this.root.classList.add('is-dragging');
    this.#drag(event);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.#draggedMs !== null) {
      this.#drag(event);
      this.#listener.onScrub(this.#draggedMs);
    } else if (event.pointerType === 'mouse') this.#point(event);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    this.#draggedMs = this.#timeAt(event);
    const share = this.#draggedMs / this.#durationMs;
    this.#played.style.transform = `scaleX(${share})`;
    this.#knob.style.left = `${share * 100}%`;
    this.#point(event);
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const positionMs = this.#draggedMs;
    if (positionMs === null) return;
    this.#letGo();
    if (event.pointerType === 'mouse') this.#point(event);
    this.#listener.onSeek(positionMs, event.shiftKey);
  }

  #cancel() {
    if (this.#draggedMs !== null) this.#listener.onCancel();
    this.#letGo();
  }

  #letGo() {
    this.#draggedMs = null;
    this.#tooltip.hidden = true;
    this.root.classList.remove('is-dragging');
  }

  /** @param {PointerEvent} event */
  #point(event) {
    if (this.#durationMs <= 0) return;
    this.#tooltip.hidden = false;
    this.#tooltip.textContent = formatTime(this.#timeAt(event));
    const { left, width } = this.root.getBoundingClientRect();
    const half = this.#tooltip.offsetWidth / 2;
    this.#tooltip.style.left = `${Math.min(Math.max(event.clientX - left, half), width - half)}px`;
  }

  /** @param {PointerEvent} event */
  #timeAt(event) {
    const { left, width } = this.root.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / width, 0), 1) * this.#durationMs;
  }
}
