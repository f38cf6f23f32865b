// A grid of cards of which only those around the screen are in the page, however many there are; arrows, Home, End and typing move through all of them.
import { element } from '../dom.js';
import { gridStep, TypedText } from './grid-keys.js';

/** @typedef {import('./paged-items.js').PagedItems} PagedItems */
/**
 * @typedef {{ label: string, items: PagedItems, card: (item: any) => HTMLElement, minWidth?: number, ratio?: number, textHeight?: number,
 *   find?: (text: string) => Promise<number | null> }} GridOptions `ratio`: of a picture's height to its width; `find`: where typed text leads
 */

const GAP_X = 18;
const GAP_Y = 22;
/** Rows beyond either edge of the screen. */
const OVERSCAN = 2;
/** What flies past is not asked for. */
const SETTLE_MS = 90;

export class VirtualGrid {
  root;
  #options;
  #closed = new AbortController();
  /** @type {Map<number, { node: HTMLElement, item: any }>} */
  #shown = new Map();
  #active = 0;
  #columns = 1;
  #rowHeight = 1;
  #cardWidth = 1;
  #frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  #scrolledAtMs = Number.NEGATIVE_INFINITY;
  #typed = new TypedText();

  /** @param {GridOptions} options */
  constructor(options) {
    this.#options = options;
    this.root = element('ul', { class: 'virtual-grid', 'aria-label': options.label });
    const { signal } = this.#closed;
    options.items.addEventListener('change', () => this.#draw(), { signal });
    addEventListener('scroll', () => this.#onScroll(), { signal, passive: true });
    const resized = new ResizeObserver(() => this.#draw());
    resized.observe(this.root);
    addEventListener('resize', () => this.#draw(), { signal });
    signal.addEventListener('abort', () => resized.disconnect());
    this.root.addEventListener('keydown', event => this.#onKey(event));
    this.root.addEventListener('focusin', event => this.#onFocus(event));
    this.#drawSoon();
  }

  close() {
    this.#closed.abort();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settling);
  }

  /** Scrolls to a card and puts the focus on it. @param {number} index @param {{ hasFocus?: boolean }} [options] */
  show(index, { hasFocus = true } = {}) {
    const { length } = this.#options.items;
    if (length === 0) return;
    this.#active = Math.min(Math.max(0, index), length - 1);
    const top = this.#top() + Math.floor(this.#active / this.#columns) * this.#rowHeight;
    const head = headHeight();
    if (hasFocus) {
      if (top < scrollY + head) scrollTo(0, top - head - GAP_Y);
      else if (top + this.#rowHeight > scrollY + innerHeight) scrollTo(0, top + this.#rowHeight - innerHeight + GAP_Y);
    } else scrollTo(0, top - head - GAP_Y);
    this.#draw();
    if (hasFocus) this.#linkOf(this.#active)?.focus({ preventScroll: true });
  }

  #onScroll() {
    this.#scrolledAtMs = performance.now();
    this.#drawSoon();
  }

  #drawSoon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    if (this.#closed.signal.aborted || !this.root.isConnected) return;
    this.#measure();
    const { items } = this.#options;
    const rows = Math.ceil(items.length / this.#columns);
    const height = `${Math.max(0, rows * this.#rowHeight - GAP_Y)}px`;
    if (this.root.style.height !== height) this.root.style.height = height;
    const top = scrollY - this.#top();
    const firstRow = Math.max(0, Math.floor(top / this.#rowHeight) - OVERSCAN);
    const lastRow = Math.max(0, Math.ceil((top + innerHeight) / this.#rowHeight) + OVERSCAN);
    const [first, end] = [firstRow * this.#columns, Math.min(items.length, lastRow * this.#columns)];
    this.#keepActiveNear(first, end);
    for (const [index, { node }] of this.#shown) {
      if ((index >= first && index < end) || index === this.#active) continue;
      node.remove();
      this.#shown.delete(index);
    }
    for (let index = first; index < end; index++) this.#place(index);
    if (this.#active < items.length) this.#place(this.#active);
    this.#wantSoon(first, Math.max(first, end - 1));
  }

  /** Tab leads to where a person looks, unless the focus is in the list. @param {number} first @param {number} end */
  #keepActiveNear(first, end) {
    if (this.root.contains(document.activeElement) || (this.#active >= first && this.#active < end)) return;
    const visible = first + OVERSCAN * this.#columns;
    this.#active = Math.min(first === 0 ? 0 : visible, Math.max(0, end - 1));
  }

  /** @param {number} index */
  #place(index) {
    const { items, card } = this.#options;
    const item = items.at(index);
    const before = this.#shown.get(index);
    const isSame = before !== undefined && (before.item === item || item === undefined);
    const node = isSame ? before.node : item === undefined ? emptyCard() : card(item);
    if (!isSame) this.#put(index, node, item, before?.node);
    const [row, column] = [Math.floor(index / this.#columns), index % this.#columns];
    node.style.width = `${this.#cardWidth}px`;
    node.style.transform = `translate(${column * (this.#cardWidth + GAP_X)}px, ${row * this.#rowHeight}px)`;
    node.setAttribute('aria-setsize', String(items.isComplete ? items.length : -1));
    const link = linkIn(node);
    if (link !== null) link.tabIndex = index === this.#active ? 0 : -1;
  }

  /** In the order of the list, as a screen reader reads it. @param {number} index @param {HTMLElement} node @param {any} item @param {HTMLElement | undefined} before */
  #put(index, node, item, before) {
    const hadFocus = before?.contains(document.activeElement);
    node.classList.add('in-grid');
    node.dataset.index = String(index);
    node.setAttribute('aria-posinset', String(index + 1));
    if (before !== undefined) before.replaceWith(node);
    else {
      const next = [...this.#shown.keys()].filter(other => other > index);
      const behind = next.length === 0 ? null : (this.#shown.get(Math.min(...next))?.node ?? null);
      this.root.insertBefore(node, behind);
    }
    this.#shown.set(index, { node, item });
    if (hadFocus) linkIn(node)?.focus({ preventScroll: true });
  }

  /** @param {number} first @param {number} last */
  #wantSoon(first, last) {
    clearTimeout(this.#settling);
    const waitMs = this.#scrolledAtMs + SETTLE_MS - performance.now();
    if (waitMs <= 0) this.#options.items.want(first, last);
    else this.#settling = setTimeout(() => this.#options.items.want(first, last), waitMs);
  }

  #measure() {
    const { minWidth = 210, ratio = 9 / 16, textHeight = 58 } = this.#options;
    const width = this.root.clientWidth;
    this.#columns = Math.max(width < 300 ? 1 : 2, Math.floor((width + GAP_X) / (minWidth + GAP_X)));
    this.#cardWidth = Math.max(1, (width - GAP_X * (this.#columns - 1)) / this.#columns);
    this.#rowHeight = Math.round(this.#cardWidth * ratio) + textHeight + GAP_Y;
  }

  #top() {
    return this.root.getBoundingClientRect().top + scrollY;
  }

  /** @param {number} index */
  #linkOf(index) {
    const node = this.#shown.get(index)?.node;
    return node === undefined ? null : linkIn(node);
  }

  /** @param {FocusEvent} event */
  #onFocus({ target }) {
    const node = target instanceof Element ? target.closest('li') : null;
    const index = Number(node?.dataset.index ?? Number.NaN);
    if (!Number.isInteger(index) || index === this.#active) return;
    this.#active = index;
    for (const [other, { node: shown }] of this.#shown) {
      const link = linkIn(shown);
      if (link !== null) link.tabIndex = other === index ? 0 : -1;
    }
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = Math.max(1, Math.floor((innerHeight - headHeight()) / this.#rowHeight));
    const index = gridStep(event.key, { active: this.#active, columns: this.#columns, rows, length: this.#options.items.length });
    const text = index === null ? this.#typed.add(event.key, event.timeStamp) : null;
    if (index === null && text === null) return;
    event.preventDefault();
    if (index !== null) this.show(index);
    else if (text !== null) void this.#goTo(text);
  }

  /** @param {string} text */
  async #goTo(text) {
    // Where it can not be told now, the focus stays where it is.
    const index = (await this.#options.find?.(text).catch(() => null)) ?? null;
    if (index !== null && this.#typed.text === text && !this.#closed.signal.aborted) this.show(index);
  }
}

/** Until its item comes; the focus may stand on it meanwhile. */
function emptyCard() {
  const poster = element('div', { class: 'poster is-coming' });
  return element(
    'li',
    { class: 'film-card' },
    element('div', { 'data-focus': true, tabIndex: -1, 'aria-label': 'Loading', role: 'img' }, poster),
  );
}

/** @param {HTMLElement} node @returns {HTMLElement | null} */
const linkIn = node => node.querySelector('a, [data-focus]');

const headHeight = () => document.querySelector('.site-header')?.clientHeight ?? 0;
