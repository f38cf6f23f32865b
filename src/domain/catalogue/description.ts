// What others have written of a film, an episode or a show: files beside it, databases, tags within it.
import type { MatchIds } from './correction.ts';

export const PERSON_JOBS = ['actor', 'director', 'writer', 'producer', 'composer'] as const;
export type PersonJob = (typeof PERSON_JOBS)[number];

/** In the order in which they are credited. */
export type Person = { readonly name: string; readonly job: PersonJob; readonly role: string | null };

/** `age`: from how many years on, where the label is known; 0: for everybody. */
export type AgeRating = { readonly label: string; readonly age: number | null };

/** Null and empty: not told. */
export type Description = {
  readonly title: string | null;
  readonly originalTitle: string | null;
  readonly sortTitle: string | null;
  readonly year: number | null;
  readonly overview: string | null;
  readonly tagline: string | null;
  readonly genres: readonly string[];
  readonly people: readonly Person[];
  readonly studios: readonly string[];
  /** 0 to 10. */
  readonly rating: number | null;
  readonly ageRating: AgeRating | null;
  readonly collection: string | null;
  /** YYYY-MM-DD: when it was first shown. */
  readonly premiered: string | null;
  readonly ids: MatchIds;
};

export const NO_DESCRIPTION: Description = {
  title: null,
  originalTitle: null,
  sortTitle: null,
  year: null,
  overview: null,
  tagline: null,
  genres: [],
  people: [],
  studios: [],
  rating: null,
  ageRating: null,
  collection: null,
  premiered: null,
  ids: {},
};

export const ARTWORK_KINDS = ['poster', 'fanart', 'banner', 'logo', 'thumb'] as const;
export type ArtworkKind = (typeof ARTWORK_KINDS)[number];

/** A file beside a film as it was when it was read. */
export type LocalFile = { readonly path: string; readonly byteLength: number; readonly mtimeMs: number };

/** `version` names the picture that was made of it; null: it can not be read as one. */
export type Artwork = { readonly file: LocalFile; readonly version: string | null };

/** What is known of a film, an episode or a show from elsewhere than its name, by source: what is beside it goes before what databases say. */
export type Descriptions = {
  readonly nfo: { readonly file: LocalFile; readonly description: Description } | null;
  /** `description` is null where the database knows no such film. */
  readonly provider: {
    readonly name: string;
    readonly fetchedAtMs: number;
    readonly description: Description | null;
    /** By which it was asked for. */
    readonly soughtIds: MatchIds;
  } | null;
  readonly artwork: Readonly<Partial<Record<ArtworkKind, Artwork>>>;
  /** Posters of a show's seasons, by number. */
  readonly seasons: Readonly<Record<string, Artwork>>;
};

export const NO_DESCRIPTIONS: Descriptions = { nfo: null, provider: null, artwork: {}, seasons: {} };

/** Field by field: what the first one tells, else what the next one does. */
export function firstTold(descriptions: readonly Description[]): Description {
  const merged: Record<string, unknown> = { ...NO_DESCRIPTION };
  for (const description of descriptions.toReversed()) {
    for (const [field, value] of Object.entries(description)) {
      if (field === 'ids') merged.ids = { ...(merged.ids as MatchIds), ...description.ids };
      else if (value !== null && !(Array.isArray(value) && value.length === 0)) merged[field] = value;
    }
  }
  return merged as Description;
}
