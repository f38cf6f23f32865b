// Films that are listed before their poster is cut: asked for again, a few at a time, until each has one or there is none to be had.
import { request } from '../api.js';
import { posterPicture } from './film-card.js';

/** @typedef {import('./film-card.js').MediaItem} MediaItem */

const INTERVAL_MS = 3_000;
/** Of those in sight: the others wait until they are. */
const AT_ONCE = 12;

export class PendingPosters {
  /** @type {Map<string, HTMLElement>} */
  #placeholders = new Map();
  #signal;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {AbortSignal} signal of the screen that shows them */
  constructor(signal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** @param {MediaItem} item @param {HTMLElement} card that was just made for it */
  watch(item, card) {
    const placeholder = item.isPosterPending ? card.querySelector('.poster-empty') : null;
    if (!(placeholder instanceof HTMLElement)) return;
    this.#placeholders.set(item.id, placeholder);
    this.#timer ??= setTimeout(() => void this.#look(), INTERVAL_MS);
  }

  async #look() {
    const inSight = [...this.#placeholders].filter(([, placeholder]) => isInSight(placeholder)).slice(0, AT_ONCE);
    await Promise.all(inSight.map(([id, placeholder]) => this.#renew(id, placeholder)));
    // What has left the page is waited for no more.
    for (const [id, placeholder] of this.#placeholders) if (!placeholder.isConnected) this.#placeholders.delete(id);
    if (this.#signal.aborted) return;
    this.#timer = this.#placeholders.size > 0 ? setTimeout(() => void this.#look(), INTERVAL_MS) : undefined;
  }

  /** @param {string} id @param {HTMLElement} placeholder */
  async #renew(id, placeholder) {
    // A request that fails is made again with the next look.
    const item = await request('GET', `/api/v1/media/${encodeURIComponent(id)}`, { signal: this.#signal }).catch(() => null);
    if (item === null || item.isPosterPending) return;
    this.#placeholders.delete(id);
    placeholder.replaceWith(posterPicture(item));
  }
}

/** @param {HTMLElement} placeholder */
function isInSight(placeholder) {
  const { top, bottom, height } = placeholder.getBoundingClientRect();
  return height > 0 && bottom > 0 && top < innerHeight;
}
