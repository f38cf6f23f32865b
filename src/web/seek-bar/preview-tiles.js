// The small pictures of a film, out of tiles: fetched as they are looked at, one at a time, and kept while they are near.

/** @typedef {{ playlistUrl: string, intervalMs: number, count: number, width: number, height: number, columns: number, rows: number }} Previews */

/** One takes some 5 MB. */
const MAX_TILES = 6;
const RETRY_MS = 3_000;

export class PreviewTiles {
  #onLoaded;
  #closed = new AbortController();
  /** @type {Previews | null} */
  #previews = null;
  /** The latest last. @type {Map<number, ImageBitmap>} */
  #tiles = new Map();
  #isLoading = false;
  /** @type {number | null} */
  #wanted = null;
  #isHopeless = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;

  /** @param {() => void} onLoaded called when a tile has come: what is shown may be drawn anew */
  constructor(onLoaded) {
    this.#onLoaded = onLoaded;
  }

  /** Those of the present session; another one of the same film has the same pictures. @param {Previews | null} previews */
  use(previews) {
    if (previews?.playlistUrl === this.#previews?.playlistUrl) return;
    this.#previews = previews;
    this.#isHopeless = false;
  }

  /** Width to height; null where the film has no small pictures. */
  get shape() {
    return this.#previews === null || this.#isHopeless ? null : { width: this.#previews.width, height: this.#previews.height };
  }

  /**
   * Draws the picture of a position. False while it is not there: its tile is being fetched, or made.
   * @param {HTMLCanvasElement} canvas
   * @param {number} positionMs
   */
  draw(canvas, positionMs) {
    if (this.#previews === null) return false;
    const { intervalMs, count, width, height, columns, rows } = this.#previews;
    const picture = Math.min(Math.max(Math.floor(positionMs / intervalMs), 0), count - 1);
    const tile = this.#tileOf(Math.floor(picture / (columns * rows)));
    if (tile === null) return false;
    const place = picture % (columns * rows);
    canvas.width = width;
    canvas.height = height;
    const from = { x: (place % columns) * width, y: Math.floor(place / columns) * height };
    canvas.getContext('2d')?.drawImage(tile, from.x, from.y, width, height, 0, 0, width, height);
    return true;
  }

  close() {
    this.#closed.abort();
    clearTimeout(this.#retry);
    for (const tile of this.#tiles.values()) tile.close();
    this.#tiles.clear();
  }

  /** @param {number} number @returns {ImageBitmap | null} */
  #tileOf(number) {
    const tile = this.#tiles.get(number);
    if (tile === undefined) {
      this.#wanted = number;
      void this.#load();
      return null;
    }
    this.#tiles.delete(number);
    this.#tiles.set(number, tile);
    return tile;
  }

  /** The tile that was looked at last: what the pointer passed over meanwhile is not fetched. */
  async #load() {
    const number = this.#wanted;
    if (this.#isLoading || this.#isHopeless || number === null || this.#previews === null || this.#closed.signal.aborted) return;
    this.#isLoading = true;
    this.#wanted = null;
    clearTimeout(this.#retry);
    try {
      const { signal } = this.#closed;
      const answer = await fetch(new URL(`${number}.jpg`, new URL(this.#previews.playlistUrl, location.href)), { signal });
      if (answer.ok) this.#keep(number, await createImageBitmap(await answer.blob()));
      else if (answer.status === 503) this.#tryAgain(number);
      else this.#isHopeless = true;
    } catch {
      // No connection at the moment, or the player is closed: the next look asks again.
    } finally {
      this.#isLoading = false;
    }
    if (!this.#closed.signal.aborted) void this.#load();
  }

  /** @param {number} number @param {ImageBitmap} tile */
  #keep(number, tile) {
    if (this.#closed.signal.aborted) return tile.close();
    this.#tiles.set(number, tile);
    for (const [oldest, bitmap] of this.#tiles) {
      if (this.#tiles.size <= MAX_TILES) break;
      this.#tiles.delete(oldest);
      bitmap.close();
    }
    this.#onLoaded();
  }

  /** It is still being made. @param {number} number */
  #tryAgain(number) {
    this.#retry = setTimeout(() => {
      this.#wanted ??= number;
      void this.#load();
    }, RETRY_MS);
  }
}
