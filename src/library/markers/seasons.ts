// Which files are episodes of one season, as the catalogue has them now.
import type { MediaId } from '#domain/ids.ts';
import type { CatalogueIndex } from '../items/catalogue-index.ts';

/** A file; several may be versions of one item. */
export type Episode = { readonly id: MediaId; readonly item: MediaId };

export class Seasons {
  readonly #index: Pick<CatalogueIndex, 'itemOf' | 'episodesOf'>;

  constructor(index: Pick<CatalogueIndex, 'itemOf' | 'episodesOf'>) {
    this.#index = index;
  }

  /** In the order in which they are watched; none where the file is no episode of a show. */
  of(id: MediaId): readonly Episode[] {
    const item = this.#index.itemOf(id);
    if (item?.kind !== 'episode' || item.showId === null) return [];
    const { season } = item.place;
    const items = this.#index.episodesOf(item.showId).filter(({ place }) => place.season === season);
    return items.flatMap(one => one.versions.flat().map(file => ({ id: file.id, item: one.id })));
  }
}

/** The nearest on both sides, one file of each: never another version of the same episode, which has everything in common with it. */
export function neighboursOf<E extends Episode>(season: readonly E[], at: number, most: number): E[] {
  const items = new Set([season[at]?.item]);
  const found: E[] = [];
  for (let distance = 1; distance < season.length && found.length < most; distance++) {
    for (const near of [season[at - distance], season[at + distance]]) {
      if (near === undefined || items.has(near.item) || found.length === most) continue;
      items.add(near.item);
      found.push(near);
    }
  }
  return found;
}
