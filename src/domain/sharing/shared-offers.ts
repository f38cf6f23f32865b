// Equal offers, kept once: the sessions of a film have a handful of them between them.
import { LRUCache } from 'lru-cache';
import type { Offer } from '../session.ts';

/** Some 4 KB each. */
const MAX_OFFERS = 500;

export class SharedOffers {
  readonly #offers = new LRUCache<string, Offer>({ max: MAX_OFFERS });

  /** The first offer seen that equals this one. */
  share(offer: Offer): Offer {
    const text = JSON.stringify(offer);
    const known = this.#offers.get(text);
    if (known) return known;
    this.#offers.set(text, offer);
    return offer;
  }
}
