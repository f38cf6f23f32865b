// The button that passes over an intro, a recap or the credits: there while the film is in one of them.
import { element } from '../dom.js';

/** @typedef {{ kind: 'intro' | 'recap' | 'credits', startMs: number, endMs: number }} SkippedPart */

const LABELS = { intro: 'Skip intro', recap: 'Skip recap', credits: 'Skip credits' };
/** What is left of a part so short is over before anybody has pressed. */
const LEAST_LEFT_MS = 1_500;

/** The part that the film is in. @param {readonly SkippedPart[]} parts @param {number} positionMs */
export const partAt = (parts, positionMs) =>
  parts.find(({ startMs, endMs }) => positionMs >= startMs && positionMs < endMs - LEAST_LEFT_MS) ?? null;

export class SkipButton {
  /** Polite: a screen reader says what can be skipped when it has come to an end of what it says. */
  root = element('div', { class: 'skip', 'aria-live': 'polite' });
  /** @type {readonly SkippedPart[]} */
  #parts = [];
  /** @type {SkippedPart | null} */
  #part = null;
  #button;
  #seekTo;

  /** @param {(positionMs: number) => void} seekTo */
  constructor(seekTo) {
    this.#seekTo = seekTo;
    this.#button = element('button', { class: 'button skip-button', type: 'button', onclick: () => this.skip() });
  }

  /** @param {readonly SkippedPart[]} parts */
  set parts(parts) {
    this.#parts = parts;
  }

  /** @param {number} positionMs */
  update(positionMs) {
    const part = partAt(this.#parts, positionMs);
    if (part === this.#part) return;
    this.#part = part;
    if (part === null) this.#button.remove();
    else {
      this.#button.textContent = LABELS[part.kind];
      this.root.append(this.#button);
    }
  }

  /** Also by its key; false: there is nothing to skip now. */
  skip() {
    const part = this.#part;
    if (part === null) return false;
    this.update(part.endMs);
    this.#seekTo(part.endMs);
    return true;
  }
}
