// Which card a key leads to. Pure, but for the text that is typed.

/** Longer pauses begin a new word. */
const PAUSE_MS = 1_000;

/**
 * The index; null: the key is none of these.
 * @param {string} key
 * @param {{ active: number, columns: number, rows: number, length: number }} grid `rows`: that are seen at once
 */
export function gridStep(key, { active, columns, rows, length }) {
  const last = length - 1;
  const inColumn = (/** @type {number} */ by) => {
    const to = active + by * columns;
    if (to < 0) return active % columns;
    // From above a last row that is not full, down leads to its end.
    if (to > last) return Math.floor(active / columns) < Math.floor(last / columns) ? last : active;
    return to;
  };
  /** @type {Record<string, () => number>} */
  const steps = {
    ArrowRight: () => Math.min(last, active + 1),
    ArrowLeft: () => Math.max(0, active - 1),
    ArrowDown: () => inColumn(1),
    ArrowUp: () => inColumn(-1),
    PageDown: () => inColumn(rows),
    PageUp: () => inColumn(-rows),
    Home: () => 0,
    End: () => last,
  };
  return length > 0 && Object.hasOwn(steps, key) ? (steps[key]?.() ?? null) : null;
}

/** What is typed without a field, to jump to a title. */
export class TypedText {
  text = '';
  #atMs = Number.NEGATIVE_INFINITY;

  /** The text so far; null: the key is no text. @param {string} key @param {number} nowMs */
  add(key, nowMs) {
    const isNew = nowMs - this.#atMs > PAUSE_MS;
    if ([...key].length !== 1 || (key === ' ' && (isNew || this.text === ''))) return null;
    this.text = isNew ? key : this.text + key;
    this.#atMs = nowMs;
    return this.text;
  }
}
