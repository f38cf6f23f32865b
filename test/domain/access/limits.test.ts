import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsOf, mayWatch, NO_LIMITS, type OwnLimits, type Rated } from '#domain/access/limits.ts';
import { parseLibraryId } from '#domain/ids.ts';

const [FILMS, KIDS] = [parseLibraryId('films-1'), parseLibraryId('kids-01')];

test("limits: a user's own win, what is absent is the group's, and null lifts the group's", () => {
  const group: OwnLimits = { maxSessions: 2, maxBitrateBps: 5_000_000, libraryIds: [KIDS] };
  assert.deepEqual(limitsOf({}, {}), NO_LIMITS);
  assert.deepEqual(limitsOf({ maxSessions: 4, libraryIds: null }, group), { ...NO_LIMITS, maxSessions: 4, maxBitrateBps: 5_000_000 });
  const [untold] = [{ maxSessions: undefined } as unknown as OwnLimits];
  assert.equal(limitsOf(untold, group).maxSessions, 2, 'what is absent by value is absent');
});

const TABLE: readonly (readonly [why: string, limits: OwnLimits, title: Rated, expected: boolean])[] = [
  ['without limits everything', {}, { libraryId: FILMS, ageRating: 18 }, true],
  ['a library of theirs', { libraryIds: [KIDS] }, { libraryId: KIDS, ageRating: 18 }, true],
  ['no other library', { libraryIds: [KIDS] }, { libraryId: FILMS, ageRating: 0 }, false],
  ['no library at all', { libraryIds: [] }, { libraryId: FILMS, ageRating: null }, false],
  ['below the age', { maxAgeRating: 12 }, { libraryId: FILMS, ageRating: 6 }, true],
  ['of the age itself', { maxAgeRating: 12 }, { libraryId: FILMS, ageRating: 12 }, true],
  ['above the age', { maxAgeRating: 12 }, { libraryId: FILMS, ageRating: 13 }, false],
  ['an age of 0 is a limit', { maxAgeRating: 0 }, { libraryId: FILMS, ageRating: 6 }, false],
  ['with an age nothing that nobody has rated', { maxAgeRating: 18 }, { libraryId: FILMS, ageRating: null }, false],
  ['but where that is allowed', { maxAgeRating: 6, allowsUnrated: true }, { libraryId: FILMS, ageRating: null }, true],
  ['both have to allow it', { maxAgeRating: 12, libraryIds: [KIDS] }, { libraryId: FILMS, ageRating: 6 }, false],
];

for (const [why, limits, title, expected] of TABLE) {
  test(`limits: a viewer may watch: ${why}`, () => {
    assert.equal(mayWatch({ role: 'viewer', limits: limitsOf(limits) }, title), expected);
    assert.equal(mayWatch({ role: 'admin', limits: limitsOf(limits) }, title), true, 'an administrator sees everything');
  });
}
