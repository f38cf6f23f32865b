// What a user may have of the server: own limits, those of a group for whatever the user has none of, and the rule for one title. Pure.
import type { LibraryId } from '../ids.ts';

/** Null: no limit. */
export type Limits = {
  /** Sessions that are open at once. */
  readonly maxSessions: number | null;
  readonly maxBitrateBps: number | null;
  /** The libraries that are there for the user. */
  readonly libraryIds: readonly LibraryId[] | null;
  /** In years: what is rated for older ones is not there for the user. */
  readonly maxAgeRating: number | null;
  /** With a limit of age: also what nobody has rated. */
  readonly allowsUnrated: boolean;
};

/** An absent limit is that of the group, null none whatever the group has. */
export type OwnLimits = { readonly [L in keyof Limits]?: Limits[L] };

export const NO_LIMITS: Limits = { maxSessions: null, maxBitrateBps: null, libraryIds: null, maxAgeRating: null, allowsUnrated: false };

export function limitsOf(own: OwnLimits = {}, group: OwnLimits = {}): Limits {
  return { ...NO_LIMITS, ...given(group), ...given(own) };
}

/** Who asks for a title. Administrators see everything: they make the limits. */
export type Viewer = { readonly role: 'admin' | 'viewer'; readonly limits: Limits };
/** `ageRating`: from how many years on; null: nobody has said. */
export type Rated = { readonly libraryId: LibraryId; readonly ageRating: number | null };

/** What a viewer may not watch is not there for that viewer: in no list, and no address tells of it. */
export const mayWatch = (viewer: Viewer, title: Rated): boolean => mayEnter(viewer, title.libraryId) && isOfAge(ageLimitOf(viewer), title);

export const mayEnter = ({ role, limits: { libraryIds } }: Viewer, libraryId: LibraryId): boolean =>
  role === 'admin' || libraryIds === null || libraryIds.includes(libraryId);

/** What a viewer's age leaves of the titles. */
export type AgeLimit = { readonly most: number; readonly allowsUnrated: boolean };

/** Null: any title. */
export const ageLimitOf = ({ role, limits: { maxAgeRating, allowsUnrated } }: Viewer): AgeLimit | null =>
  role === 'admin' || maxAgeRating === null ? null : { most: maxAgeRating, allowsUnrated };

export function isOfAge(ages: AgeLimit | null, { ageRating }: Pick<Rated, 'ageRating'>): boolean {
  if (ages === null) return true;
  return ageRating === null ? ages.allowsUnrated : ageRating <= ages.most;
}

const given = (limits: OwnLimits): OwnLimits => Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
