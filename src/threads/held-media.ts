// Media that made their host stop answering: after the second time nobody may try them for a while.
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';

const STRIKES = 2;
/** Strikes further apart have nothing to do with each other. */
const REMEMBERED_MS = 15 * 60_000;
const HELD_MS = 5 * 60_000;
const MAX_MEDIA = 1_000;

export class HeldMedia {
  readonly #strikes = new LRUCache<MediaId, number>({ max: MAX_MEDIA, ttl: REMEMBERED_MS });
  readonly #held = new LRUCache<MediaId, true>({ max: MAX_MEDIA, ttl: HELD_MS });

  strike(media: Iterable<MediaId>): void {
    for (const id of new Set(media)) {
      const strikes = (this.#strikes.get(id) ?? 0) + 1;
      this.#strikes.set(id, strikes);
      if (strikes >= STRIKES) this.#held.set(id, true);
    }
  }

  /** @throws MEDIA_HELD */
  requireFree(id: MediaId): void {
    if (!this.#held.has(id)) return;
    const message = 'this media made its session host stop answering twice; it is held back for some minutes';
    throw new FerriteError('MEDIA_HELD', message, { retryAfterMs: Math.max(1_000, Math.ceil(this.#held.getRemainingTTL(id))) });
  }
}
