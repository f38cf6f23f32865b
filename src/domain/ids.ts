// Identifiers as branded strings: made only by a `parse…` (from outside) or a `new…Id` (here), so that an id of one kind is never taken for one of another.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { FerriteError } from './errors.ts';

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type UserId = Id<'user'>;
export type LibraryId = Id<'library'>;
export type MediaId = Id<'media'>;
export type SessionId = Id<'session'>;
/** Of a path inside a folder of a library: which media lies there may change. */
export type PlaceId = Id<'place'>;
export type ShowId = Id<'show'>;
/** Of a person, a genre or a collection: what one browses by. */
export type FacetId = Id<'facet'>;
export type GroupId = Id<'group'>;

const OPAQUE = /^[A-Za-z0-9_-]{6,40}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function parseWith<T extends string>(pattern: RegExp, name: string, value: string): T {
  if (!pattern.test(value)) throw new FerriteError('INVALID_REQUEST', `${name} is not a valid identifier`);
  return value as T;
}

export const parseUserId = (value: string): UserId => parseWith(OPAQUE, 'userId', value);
export const parseLibraryId = (value: string): LibraryId => parseWith(OPAQUE, 'libraryId', value);
export const parseGroupId = (value: string): GroupId => parseWith(OPAQUE, 'groupId', value);
export const parseMediaId = (value: string): MediaId => parseWith(OPAQUE, 'mediaId', value);
export const parseShowId = (value: string): ShowId => parseWith(OPAQUE, 'showId', value);
export const parseFacetId = (value: string): FacetId => parseWith(OPAQUE, 'id', value);
export const parseSessionId = (value: string): SessionId => parseWith(UUID, 'sessionId', value);

export const newUserId = (): UserId => randomBytes(9).toString('base64url') as UserId;
export const newGroupId = (): GroupId => randomBytes(9).toString('base64url') as GroupId;
export const newLibraryId = (): LibraryId => randomBytes(9).toString('base64url') as LibraryId;
export const newSessionId = (): SessionId => randomUUID() as SessionId;

/** For versions that a person has put together: no name can say the same. */
export const newItemKey = (): string => `own ${randomBytes(9).toString('base64url')}`;

/** The id of whatever is first found at a place: the same again where everything else about it was lost. It keeps it wherever it goes. */
export const mediaIdFor = (libraryId: LibraryId, relativePath: string): MediaId => hashOfPlace(libraryId, relativePath) as MediaId;
export const placeIdFor = (libraryId: LibraryId, relativePath: string): PlaceId => hashOfPlace(libraryId, relativePath) as PlaceId;
export const newMediaId = (): MediaId => randomBytes(12).toString('base64url') as MediaId;

const hashOfPlace = (libraryId: LibraryId, relativePath: string): string =>
  createHash('sha256').update(`${libraryId}\0${relativePath}`).digest('base64url').slice(0, 16);

/** A show is what its episodes say: it keeps its id as long as they name it so. */
export function showIdFor(libraryId: LibraryId, title: string, year: number | null): ShowId {
  return createHash('sha256')
    .update(`show\0${libraryId}\0${title}\0${year ?? ''}`)
    .digest('base64url')
    .slice(0, 16) as ShowId;
}

export function facetIdFor(kind: string, name: string): FacetId {
  return createHash('sha256').update(`${kind}\0${name}`).digest('base64url').slice(0, 16) as FacetId;
}
