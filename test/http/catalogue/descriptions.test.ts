// Overviews, people, genres, collections and artwork through a real front door.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_DESCRIPTION, NO_DESCRIPTIONS } from '#domain/catalogue/description.ts';
import type { Media } from '#domain/media.ts';
import { ArtworkFiles } from '#library/metadata/artwork-files.ts';
import { aFilm, anEpisode } from '../../library/items/support.ts';
import type { World } from '../../library/support.ts';
import { type Json, put, serve } from './support.ts';

const FILE = { path: '/films/x.nfo', byteLength: 1, mtimeMs: 1 };

async function describe({ database, index }: World, film: Media, told: Partial<typeof NO_DESCRIPTION>): Promise<void> {
  await database.descriptions.update(film.id, () => ({
    ...NO_DESCRIPTIONS,
    nfo: { file: FILE, description: { ...NO_DESCRIPTION, ...told } },
  }));
  index.put(film);
}

test('descriptions: a film is told of in full, and found by its genres, people and collection', async t => {
  const { world, call } = await serve(t);
  const heat = await put(world, aFilm('heat', { title: 'Heat', year: 1995 }));
  const thief = await put(
    world,
    aFilm('thief', {
      title: 'Thief',
      year: 1981,
      tags: { title: null, show: null, season: null, episode: null, date: null, description: 'From its tags', genres: ['Crime'] },
    }),
  );
  const mann = { name: 'Michael Mann', job: 'director', role: null } as const;
  await describe(world, heat, {
    overview: 'Cops and robbers.',
    genres: ['Crime', 'Drama'],
    people: [{ name: 'Al Pacino', job: 'actor', role: 'Vincent Hanna' }, mann],
    collection: 'Mann Collection',
    ageRating: { label: 'R', age: 17 },
    rating: 7.9,
    ids: { imdb: 'tt0113277' },
  });
  const { body } = await call('GET', `/api/v1/media/${heat.id}`);
  assert.deepEqual(
    [
      body.overview,
      body.genres.map(({ name }: Json) => name),
      body.people[0].role,
      body.ageRating.age,
      body.rating,
      body.match,
      body.collection.name,
    ],
    ['Cops and robbers.', ['Crime', 'Drama'], 'Vincent Hanna', 17, 7.9, { imdb: 'tt0113277' }, 'Mann Collection'],
  );
  assert.equal((await call('GET', `/api/v1/media/${thief.id}`)).body.overview, 'From its tags');
  const idsOf = async (query: string) => (await call('GET', `/api/v1/media?${query}`)).body.items.map(({ id }: Json) => id);
  assert.deepEqual(await idsOf('genre=crime'), [heat.id, thief.id]);
  assert.deepEqual(await idsOf(`genre=${body.genres[1].id}`), [heat.id]);
  assert.deepEqual(await idsOf(`genre=crime&personId=${body.people[1].id}&collectionId=${body.collection.id}`), [heat.id]);
  assert.deepEqual(await idsOf('genre=nothing'), []);
  const genres = await call('GET', '/api/v1/genres');
  assert.deepEqual(
    genres.body.items.map(({ name, count }: Json) => [name, count]),
    [
      ['Crime', 2],
      ['Drama', 1],
    ],
  );
  const people = await call('GET', '/api/v1/people?limit=1');
  assert.equal(people.body.items[0].name, 'Al Pacino');
  const more = await call('GET', `/api/v1/people?limit=1&cursor=${people.body.nextCursor}`);
  assert.deepEqual([more.body.items[0].name, more.body.nextCursor], ['Michael Mann', null]);
  const collections = await call('GET', '/api/v1/collections');
  const [collection] = collections.body.items;
  const one = await call('GET', `/api/v1/collections/${collection.id}`);
  assert.deepEqual([one.body.name, one.body.items.length], ['Mann Collection', 1]);
  assert.equal((await call('GET', '/api/v1/people/abcdefghij')).body.code, 'NOT_FOUND');
  await describe(world, heat, {});
  assert.equal((await call('GET', '/api/v1/collections')).body.items.length, 0);
});

test('descriptions: a person leads to the shows that they had a part in', async t => {
  const { world, call } = await serve(t);
  const episode = await put(world, anEpisode('Heroes', { season: 1, episodes: [1] }));
  const showId = world.index.itemOf(episode.id)?.showId ?? assert.fail();
  const description = {
    ...NO_DESCRIPTION,
    overview: 'Save the cheerleader.',
    people: [{ name: 'Masi Oka', job: 'actor', role: 'Hiro' } as const],
  };
  await world.database.descriptions.update(showId, () => ({ ...NO_DESCRIPTIONS, nfo: { file: FILE, description } }));
  world.index.putShow(showId);
  const show = (await call('GET', `/api/v1/shows/${showId}`)).body;
  assert.deepEqual([show.overview, show.people[0].name], ['Save the cheerleader.', 'Masi Oka']);
  const person = (await call('GET', `/api/v1/people/${show.people[0].id}`)).body;
  assert.deepEqual([person.items.length, person.shows[0].title], [0, 'Heroes']);
  assert.equal((await call('GET', `/api/v1/shows?personId=${show.people[0].id}`)).body.items.length, 1);
});

test('artwork: a poster beside the film is its poster, at an address that nobody can make up', async t => {
  const { world, call, url } = await serve(t);
  const film = await put(world, aFilm('film', { title: 'Film', year: 2000, hasPoster: null }));
  const file = { path: '/films/poster.jpg', byteLength: 3, mtimeMs: 1 };
  const version = await new ArtworkFiles(world.dataDir).write(file, 400, Buffer.from('jpg'));
  await world.database.descriptions.update(film.id, () => ({ ...NO_DESCRIPTIONS, artwork: { poster: { file, version } } }));
  const { posterUrl, isPosterPending } = (await call('GET', `/api/v1/media/${film.id}`)).body;
  assert.equal(isPosterPending, false);
  const response = await fetch(url + posterUrl, { signal: AbortSignal.timeout(60_000) });
  assert.deepEqual([response.status, response.headers.get('content-type'), await response.text()], [200, 'image/jpeg', 'jpg']);
  assert.match(response.headers.get('cache-control') ?? '', /immutable/);
  for (const path of [
    posterUrl.replace(/sig=.{4}/, 'sig=AAAA'),
    posterUrl.replace(version, `0${version.slice(1)}`),
    posterUrl.replace(version, '..%2f..%2fx'),
  ])
    assert.equal((await call('GET', path, { as: '' })).status, 404, path);
});
