// What is known of a film, an episode or a show beside its name, as a caller sees it: with ids to browse by, and addresses of artwork.
import Type from 'typebox';
import type { Correction, MatchIds } from '#domain/catalogue/correction.ts';
import { type ArtworkKind, type Description, type Descriptions, firstTold, NO_DESCRIPTION } from '#domain/catalogue/description.ts';
import type { MediaId, ShowId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { type FacetKind, facetIdOf } from '#library/items/facets.ts';
import type { Item } from '#library/items/items.ts';
import { describedBy } from '#library/metadata/described.ts';
import type { CatalogueParts } from './parts.ts';

const OptionalText = Type.Union([Type.String(), Type.Null()]);
const Named = Type.Object({ id: Type.String(), name: Type.String() });

/** In lists too. */
export const BriefFields = {
  genres: Type.Array(Named),
  /** 0 to 10. */
  rating: Type.Union([Type.Number(), Type.Null()]),
  /** `age`: from how many years on, where the label is known. */
  ageRating: Type.Union([Type.Object({ label: Type.String(), age: Type.Union([Type.Integer(), Type.Null()]) }), Type.Null()]),
};

export const FullFields = {
  originalTitle: OptionalText,
  overview: OptionalText,
  tagline: OptionalText,
  /** In the order in which they are credited; `job`: actor, director, writer, … */
  people: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), job: Type.String(), role: OptionalText })),
  studios: Type.Array(Type.String()),
  collection: Type.Union([Named, Type.Null()]),
  premiered: OptionalText,
  /** In the databases of films. */
  match: Type.Object({ tmdb: Type.Optional(Type.String()), tvdb: Type.Optional(Type.String()), imdb: Type.Optional(Type.String()) }),
  fanartUrl: OptionalText,
  bannerUrl: OptionalText,
  logoUrl: OptionalText,
};

type Records = {
  readonly description: Description;
  readonly records: readonly Descriptions[];
  /** What the name says that it is. */
  readonly named: MatchIds;
  readonly correction: () => Correction | undefined;
};

/** Of all versions: one of them may be described alone. */
export function recordsOfItem(media: Media, item: Item | undefined, parts: CatalogueParts): Records {
  const others = (item?.versions ?? []).flatMap(version => (version[0].id === media.id ? [] : [version[0].id]));
  return recordsOf([media.id, ...others], parts, media);
}

export const recordsOfShow = (id: ShowId, parts: CatalogueParts): Records => recordsOf([id], parts);

function recordsOf(ids: readonly (MediaId | ShowId)[], { descriptions, corrections }: CatalogueParts, media?: Media): Records {
  const records = ids.map(id => ({ id, record: descriptions.get(id) }));
  const told = records.flatMap(({ id, record }) => describedBy(record, id === media?.id ? media.tags : undefined) ?? []);
  const [first] = ids;
  return {
    description: told.length < 2 ? (told[0] ?? NO_DESCRIPTION) : firstTold(told),
    records: records.flatMap(({ record }) => record ?? []),
    named: media?.ids ?? {},
    correction: () => (first === undefined ? undefined : corrections.get(first)),
  };
}

export const briefly = ({ description: { genres, rating, ageRating } }: Records) => ({
  genres: genres.map(name => facetOf('genre', name)),
  rating,
  ageRating,
});

export function fully({ description, records, named, correction }: Records, parts: CatalogueParts) {
  const { originalTitle, overview, tagline, people, studios, collection, premiered, ids } = description;
  return {
    originalTitle,
    overview,
    tagline,
    people: people.map(({ name, job, role }) => ({ ...facetOf('person', name), job, role })),
    studios,
    collection: collection === null ? null : facetOf('collection', collection),
    premiered,
    match: { ...named, ...ids, ...correction()?.ids },
    fanartUrl: artworkUrl('fanart', records, parts),
    bannerUrl: artworkUrl('banner', records, parts),
    logoUrl: artworkUrl('logo', records, parts),
  };
}

/** Of the first that has such a picture. */
export function artworkUrl(kind: ArtworkKind, records: readonly Descriptions[], { links }: CatalogueParts): string | null {
  const version = records.map(({ artwork }) => artwork[kind]?.version ?? null).find(one => one !== null);
  return version === undefined || version === null ? null : links.artworkUrl(version);
}

const facetOf = (kind: FacetKind, name: string) => ({ id: facetIdOf(kind, name), name });
