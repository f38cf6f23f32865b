// Which files are versions of one film.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LibraryId, MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { CatalogueIndex } from '#library/catalogue-index.ts';
import { type VersionFacts, versionGroups } from '#library/versions.ts';
import { aTitle, aVideoStream } from '../support/titles.ts';

const version = (id: string, changes: Partial<VersionFacts> = {}): VersionFacts => ({
  id: id as MediaId,
  libraryId: 'films' as LibraryId,
  words: 'heat',
  year: 1995,
  durationMs: 7_200_000,
  size: 1920 * 1080,
  bitrateBps: 5_000_000,
  ...changes,
});

const names = (groups: readonly (readonly VersionFacts[])[]): string[] => groups.map(group => group.map(({ id }) => id).join(' '));

test('versions: films of one title and year are one film, however long its cuts are, the sharpest first', () => {
  const all = [version('dvd', { size: 720 * 576 }), version('cut', { durationMs: 9_000_000 }), version('best', { bitrateBps: 9_000_000 })];
  assert.deepEqual(names(versionGroups(all)), ['best cut dvd']);
});

test('versions: without a year, only those that last as long are one film', () => {
  const noYear = { year: null };
  const all = [
    version('a', { ...noYear, durationMs: 30_000 }),
    version('b', { ...noYear, durationMs: 30_100, size: 1 }),
    version('c', { ...noYear, durationMs: 5_400_000 }),
    version('d', { ...noYear, durationMs: 5_500_000, size: 1 }),
    version('e', { ...noYear, durationMs: 7_200_000 }),
  ];
  assert.deepEqual(names(versionGroups(all)), ['a b', 'c d', 'e']);
  assert.deepEqual(names(versionGroups(all.toReversed())), ['a b', 'c d', 'e'], 'in whatever order they are found');
});

test('versions: a list may have one entry for each film, pages through all of them, and knows of every change', () => {
  const film = (id: string, title: string, width: number, changes: Partial<Media> = {}): Media =>
    aTitle({
      id: id as MediaId,
      libraryId: 'films' as LibraryId,
      title,
      year: 2008,
      streams: { video: [aVideoStream({ width, height: width / 2 })], audio: [], subtitles: [] },
      ...changes,
    });
  const index = new CatalogueIndex({
    all: function* () {
      yield* [film('a1', 'Aa', 640), film('a2', 'AA', 1920), film('b', 'Bb', 640), film('a3', 'Áa', 1280)];
    },
  });
  const list = (isByFilm: boolean, limit = 10): string[] => {
    const ids: string[] = [];
    let after = null;
    do {
      const page = index.find({ text: null, libraryIds: null, sort: 'title', after, limit, isByFilm });
      ids.push(...page.ids);
      after = page.next;
    } while (after !== null);
    return ids;
  };
  assert.deepEqual(list(true), ['a2', 'b']);
  assert.deepEqual(list(true, 1), ['a2', 'b']);
  assert.equal(list(false).length, 4);
  assert.deepEqual(index.versionsOf('a1' as MediaId), ['a2', 'a3', 'a1']);
  index.remove('a2' as MediaId);
  assert.deepEqual(list(true), ['a3', 'b']);
  index.put(film('a3', 'Something else', 1280));
  assert.deepEqual(list(true), ['a1', 'b', 'a3']);
  assert.deepEqual(index.versionsOf('a1' as MediaId), ['a1']);
});
