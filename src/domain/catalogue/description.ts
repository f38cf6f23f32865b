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
