// Places of a library: a path inside one of its folders. Two folders may hold the same relative name: all but the first add their own path.
import { type MediaId, type PlaceId, placeIdFor } from '#domain/ids.ts';
import { type Library, type Media, placeOf } from '#domain/media.ts';

export type Spot = { readonly rootIndex: number; readonly name: string };

export const placeIn = ({ id, paths }: Library, { rootIndex, name }: Spot): PlaceId =>
  placeIdFor(id, (rootIndex === 0 ? '' : `${paths[rootIndex] ?? ''}\0`) + name);

/** Ids are made of the first place of all, where that is free. */
export const firstIdOf = (place: PlaceId): MediaId => place as string as MediaId;

/** Null where its record does not know the name that it was found by. */
export function spotOf(library: Library, media: Pick<Media, 'id' | 'place' | 'name'>): Spot | null {
  const place = placeOf(media);
  for (const rootIndex of library.paths.keys()) {
    const spot = { rootIndex, name: media.name };
    if (placeIn(library, spot) === place) return spot;
  }
  return null;
}

/** Whether one is the other, or lies in it; an empty name is the whole folder of the library. */
export const isIn = (spot: Spot, outer: Spot): boolean =>
  spot.rootIndex === outer.rootIndex && (outer.name === '' || spot.name === outer.name || spot.name.startsWith(`${outer.name}/`));
