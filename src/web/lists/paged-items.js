// A long list of which few pages are held at a time: entered anywhere where the server counts it, page after page where it has only cursors.

/** @typedef {{ items: any[], nextCursor: string | null, total?: number | null }} Page */
/** @typedef {(place: { offset: number, cursor: string | null, limit: number, signal: AbortSignal }) => Promise<Page>} FetchPage */

const PAGE = 60;
/** Some screens' worth on either side of the one that is shown. */
const MAX_PAGES = 12;

/** Fires `change` when items have come or the length is known better, `failure` when a page can not be had. */
export class PagedItems extends EventTarget {
  #fetchPage;
  /** @type {Map<number, any[]>} by number, those that were wanted last at the end */
  #pages = new Map();
  /** @type {Map<number, AbortController>} */
  #loading = new Map();
  /** Of each page that can be begun by one. @type {(string | null)[]} */
  #cursors = [null];
  #closed = new AbortController();
  /** Null: the end is not known yet. @type {number | null} */
  #total = null;
  /** @type {[from: number, to: number]} */
  #wanted = [0, 0];
  #canEnterAnywhere = false;
  #known = 0;
  /** @type {unknown} */
  failure = null;

  /** @param {FetchPage} fetchPage */
  constructor(fetchPage) {
    super();
    this.#fetchPage = fetchPage;
  }

  /** As many as can be shown now: all, or those that were reached and one more to be reached. */
  get length() {
    return this.#total ?? this.#known;
  }

  get isComplete() {
    return this.#total !== null;
  }

  /** Undefined: not here now. @param {number} index */
  at(index) {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** What is shown: it is loaded, what lies far from it is given up. @param {number} first @param {number} last */
  want(first, last) {
    const [from, to] = [Math.floor(Math.max(0, first) / PAGE), Math.floor(Math.max(0, last) / PAGE)];
    for (const [page, loading] of this.#loading) if (page < from || page > to) loading.abort();
    this.#wanted = [from, to];
    for (let page = from; page <= to; page++) this.#wantPage(page);
    this.#giveUpFar();
  }

  #giveUpFar() {
    const [from, to] = this.#wanted;
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      if (page < from || page > to) this.#pages.delete(page);
    }
  }

  /** Everything anew, as after a scan; what is shown stays until it comes. */
  refresh() {
    for (const loading of this.#loading.values()) loading.abort();
    this.#loading.clear();
    this.#cursors = [null];
    const shown = [...this.#pages.keys()];
    if (!this.#canEnterAnywhere) this.#pages.clear();
    for (const page of this.#canEnterAnywhere ? shown : [0]) void this.#load(page);
  }

  retry() {
    this.failure = null;
    this.dispatchEvent(new Event('change'));
  }

  close() {
    this.#closed.abort();
  }

  /** @param {number} page */
  #wantPage(page) {
    const held = this.#pages.get(page);
    if (held !== undefined) {
      this.#pages.delete(page);
      this.#pages.set(page, held);
      return;
    }
    if (this.#loading.has(page) || this.failure !== null) return;
    if (this.#total !== null && page * PAGE >= this.#total && page > 0) return;
    if (this.#canEnterAnywhere || page < this.#cursors.length) void this.#load(page);
    // By cursors alone the way to a page leads through those before it.
    else if (!this.#loading.has(this.#cursors.length - 1)) void this.#load(this.#cursors.length - 1);
  }

  /** @param {number} page */
  async #load(page) {
    const loading = new AbortController();
    this.#loading.set(page, loading);
    const signal = AbortSignal.any([this.#closed.signal, loading.signal]);
    try {
      const cursor = this.#canEnterAnywhere ? null : (this.#cursors[page] ?? null);
      const answer = await this.#fetchPage({ offset: page * PAGE, cursor, limit: PAGE, signal });
      if (signal.aborted) return;
      this.#take(page, answer);
    } catch (error) {
      if (signal.aborted) return;
      this.failure = error;
      this.dispatchEvent(new Event('failure'));
    } finally {
      if (this.#loading.get(page) === loading) this.#loading.delete(page);
    }
    if (!signal.aborted) this.dispatchEvent(new Event('change'));
  }

  /** @param {number} page @param {Page} answer */
  #take(page, { items, nextCursor, total = null }) {
    this.#pages.delete(page);
    this.#pages.set(page, items);
    this.#giveUpFar();
    if (page === 0) this.#canEnterAnywhere = total !== null;
    if (nextCursor !== null) this.#cursors[page + 1] = nextCursor;
    this.#known = Math.max(this.#known, page * PAGE + items.length + (nextCursor === null ? 0 : 1));
    if (this.#canEnterAnywhere) this.#total = total;
    else if (nextCursor === null) this.#total = page * PAGE + items.length;
  }
}
