// Limits as requests and answers have them: of a user, of a group, and those that hold for a user in the end.
import Type from 'typebox';
import type { LibraryId } from '#domain/ids.ts';

const MaxSessions = Type.Integer({ minimum: 0, maximum: 1_000_000 });
const MaxBitrateBps = Type.Integer({ minimum: 100_000, maximum: 100_000_000_000 });
const LibraryIds = Type.Array(Type.Unsafe<LibraryId>(Type.String({ pattern: '^[A-Za-z0-9_-]{6,40}$' })), { maxItems: 1_000 });
const MaxAgeRating = Type.Integer({ minimum: 0, maximum: 21 });
const orNone = <T extends typeof MaxSessions | typeof LibraryIds>(limit: T) => Type.Union([limit, Type.Null()]);

/** Null: no limit. */
export const LimitsSchema = Type.Object({
  maxSessions: orNone(MaxSessions),
  maxBitrateBps: orNone(MaxBitrateBps),
  libraryIds: orNone(LibraryIds),
  maxAgeRating: orNone(MaxAgeRating),
  /** With `maxAgeRating`: whether also titles are there that nobody has rated. */
  allowsUnrated: Type.Boolean(),
});

/** As a whole: what is absent is inherited from the group, and null lifts the group's limit. */
export const OwnLimitsSchema = Type.Partial(LimitsSchema);
