// Searching over HTTP: groups of every kind with what matched, and the list of media by page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newLibraryId, parseMediaId } from '#domain/ids.ts';
import { aFilm, anEpisode } from '../../library/items/support.ts';
import { type Json, put, serve } from './support.ts';

const ask = (path: string, query: Record<string, string>): string => `${path}?${new URLSearchParams(query)}`;
const ids = (page: Json): string[] => page.items.map(({ id }: Json) => id.replace(/-file$/, ''));

test('search: answers films, shows and episodes in groups, with the matched part apart from the rest, and the caller’s item', async t => {
  const { world, call } = await serve(t);
  await put(world, aFilm('amelie', { title: 'Amélie <b>', year: 2001 }));
  await put(world, aFilm('lost-city', { title: 'The Lost City' }));
  await put(world, anEpisode('Lost', { season: 1, episodes: [1], title: 'Pilot' }, { id: parseMediaId('lost1-file') }));
  const { status, body } = await call('GET', ask('/api/v1/search', { query: 'amel' }));
  assert.equal(status, 200);
  assert.equal(body.groups.length, 1);
  const [hit] = body.groups[0].items;
  assert.deepEqual(hit.titleSegments, [
    { text: 'Amél', isMatch: true },
    { text: 'ie <b>', isMatch: false },
  ]);
  assert.deepEqual([hit.kind, hit.id, hit.title, hit.by, hit.match, hit.show], ['movie', 'amelie-file', 'Amélie <b>', 'title', null, null]);
  assert.deepEqual([hit.media.year, hit.media.progress], [2001, null]);

  const lost = (await call('GET', ask('/api/v1/search', { query: 'lost' }))).body;
  assert.deepEqual(
    lost.groups.map(({ kind, items }: Json) => [kind, items.map(({ title }: Json) => title)]),
    [
      ['show', ['Lost']],
      ['movie', ['The Lost City']],
      ['episode', ['Pilot']],
    ],
  );
  assert.equal(lost.groups[0].items[0].show.episodeCount, 1);
  const only = (await call('GET', ask('/api/v1/search', { query: 'lost', kind: 'episode' }))).body;
  assert.deepEqual(
    only.groups.map(({ kind }: Json) => kind),
    ['episode'],
  );
  const misspelt = (await call('GET', ask('/api/v1/search', { query: 'amleie' }))).body;
  assert.deepEqual([misspelt.groups[0].items[0].title, misspelt.groups[0].items[0].by], ['Amélie <b>', 'spelling']);
  assert.deepEqual((await call('GET', ask('/api/v1/search', { query: ' "* ' }))).body, { groups: [] });
  for (const query of [{}, { query: 'x'.repeat(201) }, { query: 'x', kind: 'y' }, { query: 'x', limit: '0' }] as Record<string, string>[])
    assert.equal((await call('GET', ask('/api/v1/search', query))).status, 400);
  assert.equal((await call('GET', ask('/api/v1/search', { query: 'x' }), { as: '' })).status, 401);
});

test('search: another library is not searched', async t => {
  const { world, call } = await serve(t);
  const other = newLibraryId();
  await world.database.libraries.put({ ...world.library, id: other, name: 'Other' });
  await put(world, aFilm('here', { title: 'Winter', libraryId: world.library.id }));
  await put(world, aFilm('there', { title: 'Winter', libraryId: other }));
  const found = async (libraryId: string) => (await call('GET', ask('/api/v1/search', { query: 'winter', libraryId }))).body.groups;
  assert.deepEqual(
    (await found(world.library.id))[0].items.map(({ id }: Json) => id),
    ['here-file'],
  );
  assert.deepEqual(
    (await found(other))[0].items.map(({ id }: Json) => id),
    ['there-file'],
  );
  assert.deepEqual(await found(newLibraryId()), []);
  assert.deepEqual(ids((await call('GET', ask('/api/v1/media', { query: 'winter', libraryId: world.library.id }))).body), ['here']);
});

test('search: the list of media is ranked, pages through every match once, files apart too, and keeps to another order', async t => {
  const { world, call } = await serve(t);
  const wanted: string[] = [];
  for (let at = 0; at < 45; at++) {
    const id = `winter-${String(at).padStart(2, '0')}`;
    await put(world, aFilm(id, { title: `Winter ${at}`, year: 2000 - at, addedAtMs: at }));
    wanted.push(id);
  }
  await put(world, aFilm('exact', { title: 'Winter', year: 1950 }));
  await put(world, aFilm('exact-720', { title: 'Winter', year: 1950, height: 720 }));
  await put(world, aFilm('none', { title: 'Summer' }));
  const walk = async (query: Record<string, string>): Promise<string[]> => {
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { status, body } = await call('GET', ask('/api/v1/media', { ...query, ...(cursor === '' ? {} : { cursor }) }));
      assert.equal(status, 200);
      seen.push(...ids(body));
      if (body.nextCursor === null) return seen;
      cursor = body.nextCursor;
    }
  };
  const together = await walk({ query: 'wint', limit: '7' });
  assert.equal(together[0], 'exact');
  assert.deepEqual(together.toSorted(), [...wanted, 'exact'].toSorted());
  const apart = await walk({ query: 'wint', limit: '1', versions: 'apart' });
  assert.deepEqual(apart.slice(0, 2).toSorted(), ['exact', 'exact-720']);
  assert.deepEqual(apart.toSorted(), [...wanted, 'exact', 'exact-720'].toSorted());
  assert.deepEqual(await walk({ query: 'wint', limit: '9', sort: 'year' }), ['exact', ...wanted.toReversed()]);
  assert.equal((await walk({ query: 'wintre 44' }))[0], 'winter-44');
  assert.deepEqual(await walk({ query: 'winter', year: '1950' }), ['exact']);
  assert.equal((await walk({ query: ' ' })).length, 47, 'nothing typed is no search');
});
