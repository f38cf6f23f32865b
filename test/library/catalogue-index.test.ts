// Searching and listing: what matches, in which order, page by page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaIdFor, newLibraryId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { CatalogueIndex, type IndexQuery, type MediaSort, type Position } from '#library/catalogue-index.ts';
import { aMedia } from '../storage/support.ts';

const libraryId = newLibraryId();
const titled = (title: string, changes: Partial<Media> = {}) => aMedia(title, { libraryId, ...changes });
const ALL: IndexQuery = { text: null, libraryIds: null, sort: 'title', after: null, limit: 50 };

function indexOf(films: readonly Media[]) {
  const index = new CatalogueIndex({
    *all() {
      yield* films;
    },
  });
  const titles = new Map(films.map(({ id, title }) => [id, title]));
  const find = (query: Partial<IndexQuery>) => index.find({ ...ALL, ...query }).ids.map(id => titles.get(id));
  return { index, find };
}

test('search: the title itself comes first, then its beginning, then the beginning of words, then any part', () => {
  const { find } = indexOf(['The Heat', 'Cheat', 'Heat', 'Heat Wave', 'Wheat Heaters'].map(title => titled(title)));
  assert.deepEqual(find({ text: 'heat', sort: 'relevance' }), ['Heat', 'Heat Wave', 'The Heat', 'Wheat Heaters', 'Cheat']);
});

test('search: case, accents, punctuation and the order of words do not count', () => {
  const { find } = indexOf(
    ['Le Fabuleux Destin d’Amélie', 'WALL·E', 'Straße', "Ocean's Eleven", '千と千尋の神隠し', '...'].map(title => titled(title)),
  );
  assert.deepEqual(find({ text: 'AMELIE destin', sort: 'relevance' }), ['Le Fabuleux Destin d’Amélie']);
  assert.deepEqual(find({ text: 'wall e', sort: 'relevance' }), ['WALL·E']);
  assert.deepEqual(find({ text: 'oceans', sort: 'relevance' }), ["Ocean's Eleven"]);
  assert.deepEqual(find({ text: '千尋', sort: 'relevance' }), ['千と千尋の神隠し']);
  assert.deepEqual(find({ text: '...', sort: 'relevance' }), ['...']);
  assert.deepEqual(find({ text: 'nothing like it', sort: 'relevance' }), []);
});

test('list: sorts by title with numbers by value, by time added and by year with unknown years last', () => {
  const { find } = indexOf([
    titled('Part 10', { year: 1990, addedAtMs: 3 }),
    titled('élan', { addedAtMs: 1 }),
    titled('Part 9', { year: 2010, addedAtMs: 2 }),
  ]);
  assert.deepEqual(find({ sort: 'title' }), ['élan', 'Part 9', 'Part 10']);
  assert.deepEqual(find({ sort: '-addedAt' }), ['Part 10', 'Part 9', 'élan']);
  assert.deepEqual(find({ sort: 'addedAt' }), ['élan', 'Part 9', 'Part 10']);
  assert.deepEqual(find({ sort: 'year' }), ['Part 10', 'Part 9', 'élan']);
  assert.deepEqual(find({ sort: '-year' }), ['Part 9', 'Part 10', 'élan']);
});

test('list: pages neither repeat nor skip a title, not even while others come and go', () => {
  const films = Array.from({ length: 95 }, (_, number) =>
    titled(`Film ${number % 10}`, { id: mediaIdFor(libraryId, String(number)), addedAtMs: number % 7 }),
  );
  for (const sort of ['title', '-addedAt', 'year', 'relevance'] satisfies MediaSort[]) {
    const { index } = indexOf(films);
    const seen: string[] = [];
    let after: Position | null = null;
    do {
      const page = index.find({ ...ALL, text: sort === 'relevance' ? 'film' : null, sort, after, limit: 10 });
      seen.push(...page.ids);
      assert.ok(page.ids.length <= 10);
      const last = films.find(({ id }) => id === page.ids.at(seen.length % 20 === 0 ? -1 : -2));
      if (last !== undefined) index.remove(last.id);
      index.put(titled('AAA', { id: mediaIdFor(libraryId, `early ${seen.length}`), addedAtMs: 1_000_000 }));
      after = page.next;
    } while (after !== null);
    const old = seen.filter(id => films.some(film => film.id === id));
    assert.equal(old.length, 95, sort);
    assert.equal(new Set(old).size, 95, sort);
  }
});

test('list: a library filter and changes show at once', () => {
  const { index, find } = indexOf([titled('One'), aMedia('Other')]);
  assert.deepEqual(find({ libraryIds: new Set([libraryId]) }), ['One']);
  assert.deepEqual(find({ libraryIds: new Set() }), []);
  const one = titled('One');
  index.put({ ...one, title: 'Changed' });
  assert.deepEqual(find({ text: 'one', sort: 'relevance' }), []);
  assert.equal(find({ text: 'changed', sort: 'relevance' }).length, 1);
  index.remove(one.id);
  assert.equal(find({}).length, 1);
});
