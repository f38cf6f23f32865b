// The bar under the picture: where we are, what is loaded, where chapters begin; the time and the picture under the pointer. Dragged to the end and back, or moved by keys.
import { element, fill } from '../dom.js';
import { formatTime, speakTime } from '../format.js';
import { chapterAt } from './chapters.js';
import { PreviewTiles } from './preview-tiles.js';

/** @typedef {import('./chapters.js').Chapter} Chapter */
/** @typedef {{ positionMs: number, durationMs: number, buffered: TimeRanges }} SeekBarState */

/**
 * `onSeek`: the knob was let go, with Shift to land on the very frame. `onScrub`: the knob is being dragged. `onCancel`: the drag was given up.
 * `onStep`: a key moved it.
 * @typedef {{ onSeek(positionMs: number, isPrecise: boolean): void, onScrub(positionMs: number): void, onCancel(): void, onStep(deltaMs: number): void }} SeekBarListener
 */

/** Of the keys that only the bar has while it has the focus. @type {Record<string, number>} */
const STEPS_MS = { ArrowUp: 10_000, ArrowDown: -10_000, PageUp: 60_000, PageDown: -60_000 };
/** The player's own, which move the knob too. */
const PLAYER_KEYS = new Set(['ArrowLeft', 'ArrowRight', 'j', 'J', 'l', 'L', ...'0123456789']);
const KEY_PREVIEW_MS = 1_500;

export class SeekBar {
  #listener;
  #durationMs = 0;
  #positionMs = 0;
  /** @type {readonly Chapter[]} */
  #chapters = [];
  /** Where the pointer holds the knob, or null. @type {number | null} */
  #draggedMs = null;
  /** What the tooltip tells of. @type {number | null} */
  #pointedMs = null;
  #buffered = element('div', { class: 'seek-buffered' });
  #played = element('div', { class: 'seek-played' });
  #marks = element('div', { class: 'seek-marks', 'aria-hidden': 'true' });
  #knob = element('div', { class: 'seek-knob' });
  #picture = element('canvas', { class: 'seek-picture', hidden: true });
  #chapter = element('div', { class: 'seek-chapter', hidden: true });
  #clock = element('div', { class: 'seek-clock' });
  #tooltip = element('div', { class: 'seek-tooltip', hidden: true, 'aria-hidden': 'true' }, this.#picture, this.#chapter, this.#clock);
  #tiles = new PreviewTiles(() => this.#drawPicture());
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #keyTimer;
  root;

  /** @param {SeekBarListener} listener */
  constructor(listener) {
    this.#listener = listener;
    const track = element('div', { class: 'seek-track' }, this.#buffered, this.#played, this.#marks);
    this.root = element(
      'div',
      { class: 'seek', role: 'slider', tabIndex: 0, 'aria-label': 'Position', 'aria-orientation': 'horizontal', 'aria-valuemin': 0 },
      track,
      this.#knob,
      this.#tooltip,
    );
    this.root.addEventListener('pointerdown', event => this.#grab(event));
    this.root.addEventListener('pointermove', event => this.#move(event));
    this.root.addEventListener('pointerup', event => this.#release(event));
    this.root.addEventListener('pointercancel', () => this.#cancel());
    this.root.addEventListener('pointerleave', () => this.#draggedMs === null && this.#hide());
    this.root.addEventListener('keydown', event => this.#onKey(event));
    this.root.addEventListener('blur', () => this.#draggedMs === null && this.#hide());
  }

  /** Somebody drags the knob, or looks for a place. */
  get isPointedAt() {
    return this.#draggedMs !== null || this.#pointedMs !== null;
  }

  /** @param {import('./preview-tiles.js').Previews | null} previews */
  set previews(previews) {
    this.#tiles.use(previews);
  }

  /** So that they are made before somebody looks for them. */
  prepare() {
    this.#tiles.draw(document.createElement('canvas'), this.#positionMs);
  }

  close() {
    clearTimeout(this.#keyTimer);
    this.#tiles.close();
  }

  /** @param {SeekBarState} state */
  update({ positionMs, durationMs, buffered }) {
    const hasLength = this.#durationMs !== durationMs;
    this.#durationMs = durationMs;
    this.#positionMs = positionMs;
    const shownMs = this.#draggedMs ?? positionMs;
    const share = durationMs > 0 ? Math.min(shownMs / durationMs, 1) : 0;
    this.#played.style.transform = `scaleX(${share})`;
    this.#knob.style.left = `${share * 100}%`;
    this.root.setAttribute('aria-valuemax', String(Math.round(durationMs / 1000)));
    this.root.setAttribute('aria-valuenow', String(Math.min(Math.round(shownMs / 1000), Math.round(durationMs / 1000))));
    const chapter = chapterAt(this.#chapters, shownMs);
    const place = `${speakTime(shownMs)} of ${speakTime(durationMs)}`;
    this.root.setAttribute('aria-valuetext', chapter === null ? place : `${place}, ${chapter.title}`);
    this.#drawBuffered(buffered, durationMs);
    if (hasLength) this.#drawMarks();
  }

  /** @param {readonly Chapter[]} chapters */
  set chapters(chapters) {
    this.#chapters = chapters;
    this.#drawMarks();
  }

  /** A gap in the bar where a chapter begins, but for the first. */
  #drawMarks() {
    const durationMs = this.#durationMs;
    const marks = this.#chapters.filter(({ startMs }) => startMs > 0 && startMs < durationMs);
    fill(
      this.#marks,
      ...marks.map(({ startMs }) => {
        const mark = element('div');
        mark.style.left = `${(startMs / durationMs) * 100}%`;
        return mark;
      }),
    );
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
    } else if (event.pointerType === 'mouse') this.#point(this.#timeAt(event));
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    this.#draggedMs = this.#timeAt(event);
    const share = this.#draggedMs / this.#durationMs;
    this.#played.style.transform = `scaleX(${share})`;
    this.#knob.style.left = `${share * 100}%`;
    this.#point(this.#draggedMs);
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const positionMs = this.#draggedMs;
    if (positionMs === null) return;
    this.#letGo();
    if (event.pointerType === 'mouse') this.#point(this.#timeAt(event));
    this.#listener.onSeek(positionMs, event.shiftKey);
  }

  #cancel() {
    if (this.#draggedMs !== null) this.#listener.onCancel();
    this.#letGo();
  }

  #letGo() {
    this.#draggedMs = null;
    this.#hide();
    this.root.classList.remove('is-dragging');
  }

  /** A slider's keys (WAI-ARIA); what all of the player has moves the knob too, and is shown here. @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#durationMs <= 0) return;
    const stepMs = STEPS_MS[event.key];
    if (stepMs !== undefined) this.#listener.onStep(stepMs);
    else if (event.key === 'Home') this.#listener.onSeek(0, false);
    else if (event.key === 'End') this.#listener.onSeek(this.#durationMs, false);
    else if (!PLAYER_KEYS.has(event.key)) return;
    if (!PLAYER_KEYS.has(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
    // The player hears of its keys behind the bar.
    setTimeout(() => this.#pointForAWhile());
  }

  #pointForAWhile() {
    this.#point(this.#positionMs);
    clearTimeout(this.#keyTimer);
    this.#keyTimer = setTimeout(() => this.#draggedMs === null && this.#hide(), KEY_PREVIEW_MS);
  }

  #hide() {
    this.#tooltip.hidden = true;
    this.#pointedMs = null;
  }

  /** @param {number} positionMs */
  #point(positionMs) {
    if (this.#durationMs <= 0) return;
    this.#pointedMs = positionMs;
    this.#tooltip.hidden = false;
    this.#clock.textContent = formatTime(positionMs);
    const chapter = chapterAt(this.#chapters, positionMs);
    this.#chapter.hidden = chapter === null;
    this.#chapter.textContent = chapter?.title ?? '';
    this.#drawPicture();
    const width = this.root.clientWidth;
    const half = this.#tooltip.offsetWidth / 2;
    this.#tooltip.style.left = `${Math.min(Math.max((positionMs / this.#durationMs) * width, half), width - half)}px`;
  }

  #drawPicture() {
    const { shape } = this.#tiles;
    this.#picture.hidden = shape === null;
    if (this.#pointedMs === null || shape === null) return;
    const isThere = this.#tiles.draw(this.#picture, this.#pointedMs);
    this.#picture.classList.toggle('is-coming', !isThere);
    if (isThere) return;
    // Of the right shape, so that nothing moves when it comes.
    this.#picture.width = shape.width;
    this.#picture.height = shape.height;
  }

  /** @param {PointerEvent} event */
  #timeAt(event) {
    const { left, width } = this.root.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / width, 0), 1) * this.#durationMs;
  }
}
