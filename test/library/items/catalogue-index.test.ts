// Searching and listing: what matches, in which order, page by page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MediaId, mediaIdFor, newLibraryId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { CatalogueIndex, type IndexQuery } from '#library/items/catalogue-index.ts';
import type { MediaSort } from '#library/items/item-lists.ts';
import type { Position } from '#library/items/sorted-list.ts';
import { aMedia } from '../../storage/support.ts';
import { seededRandom } from '../../support/titles.ts';
import { aFilm, anEpisode, anIndex } from './support.ts';

const libraryId = newLibraryId();
const titled = (title: string, changes: Partial<Media> = {}) => aMedia(title, { libraryId, ...changes });
const ALL: IndexQuery = { text: null, libraryIds: null, sort: 'title', after: null, limit: 50, rows: 'files' };

function indexOf(films: readonly Media[]) {
  const nothing = { get: () => undefined };
  const index = new CatalogueIndex({ media: { all: () => films }, corrections: nothing, descriptions: nothing });
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

test('index: after any changes it is what an index of the same records is from the start', () => {
  const random = seededRandom(7);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const aRecord = (): Media => {
    const id = aFilm(`film-${Math.floor(random() * 60)}`).id;
    const common = {
      id,
      durationMs: pick([1_000_000, 1_001_000, 2_000_000]),
      height: pick([480, 1080]),
      addedAtMs: Math.floor(random() * 5),
    };
    if (random() < 0.1) return aFilm('x', { ...common, extra: 'trailer' });
    if (random() < 0.5) {
      const place = pick([{ season: 1, episodes: [pick([1, 2, 3])] }, { absolute: [pick([1, 2])] }, { airDate: '2019-05-03' }, {}]);
      return anEpisode(pick(['Show', 'The Other']), place, { ...common, year: pick([null, null, 2001, 2002]) });
    }
    return aFilm('x', { ...common, title: pick(['A', 'B', 'Ä']), year: pick([null, 1999]), part: pick([null, null, 1, 2]) });
  };
  const records = new Map<MediaId, Media>();
  const { index, find, corrections } = anIndex([]);
  const sorts = ['title', '-addedAt', 'year'] as const;
  for (let change = 0; change < 600; change++) {
    const media = aRecord();
    if (random() < 0.3) {
      records.delete(media.id);
      index.remove(media.id);
    } else {
      if (random() < 0.2) corrections.set(media.id, pick([{ title: 'A' }, { item: 'own' }, { season: 3 }, {}]));
      records.set(media.id, media);
      index.put(media);
    }
    if (change % 20 !== 0) continue;
    const fresh = anIndex([]);
    for (const [id, correction] of corrections) fresh.corrections.set(id, correction);
    for (const record of records.values()) fresh.index.put(record);
    for (const sort of sorts)
      for (const rows of ['items', 'files'] as const) assert.deepEqual(find({ sort, rows }), fresh.find({ sort, rows }), `${change}`);
    for (const id of records.keys()) assert.deepEqual(index.itemOf(id), fresh.index.itemOf(id));
    const shows = { text: null, libraryIds: null, year: null, among: null, sort: 'title', after: null, limit: 50 } as const;
    assert.deepEqual(index.findShows(shows), fresh.index.findShows(shows));
    assert.equal(index.find({ ...ALL, rows: 'items', limit: 1 }).total, fresh.find({ limit: 200 }).length);
  }
});
