// What a viewer may not watch is not there: in no list, under no address, in no count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnLimits } from '#domain/access/limits.ts';
import { newLibraryId, parseUserId } from '#domain/ids.ts';
import { aFilm, anEpisode } from '../../library/items/support.ts';
import { type Json, put, serve } from './support.ts';

const VIEWER = parseUserId('viewer-user');
const PROGRESS = { positionMs: 40_000, durationMs: 60_000, watched: false, updatedAtMs: 1 };

test('limits: of a library that is not theirs a viewer is told nothing, and an administrator everything', async t => {
  let limits: OwnLimits = {};
  const { world, call } = await serve(t, undefined, () => limits);
  const { library } = world;
  const hidden = { ...library, id: newLibraryId(), name: 'Hidden' };
  await world.database.libraries.put(hidden);
  const open = await put(world, aFilm('open', { title: 'Open', libraryId: library.id }));
  const secret = await put(world, aFilm('secret', { title: 'Secret', libraryId: hidden.id }));
  const episode = await put(world, anEpisode('Secret Show', { season: 1, episodes: [1] }, { libraryId: hidden.id }));
  for (const { id } of [open, secret]) await world.database.progress.put(VIEWER, id, PROGRESS);
  const showId = (await call('GET', `/api/v1/media/${episode.id}`)).body.show.id;
  const seen = async (as: string) => {
    const answers = await Promise.all(
      [
        '/api/v1/libraries',
        '/api/v1/media',
        '/api/v1/shows',
        '/api/v1/me/progress',
        '/api/v1/media?query=secret',
        `/api/v1/media?libraryId=${hidden.id}`,
      ].map(path => call('GET', path, { as })),
    );
    return [...answers.map(({ body }: Json) => body.items.length), answers[1]?.body.total];
  };
  const statuses = (as: string) =>
    Promise.all(
      [
        call('GET', `/api/v1/media/${secret.id}`, { as }),
        call('GET', `/api/v1/shows/${showId}`, { as }),
        call('GET', `/api/v1/media/${secret.id}/progress`, { as }),
        call('PUT', `/api/v1/media/${secret.id}/progress`, { as, body: { positionMs: 5, updatedAtMs: 0 } }),
        call('PUT', `/api/v1/shows/${showId}/watched`, { as, body: { watched: false } }),
        call('PUT', `/api/v1/shows/${showId}/seasons/1/watched`, { as, body: { watched: false } }),
      ].map(async answer => (await answer).status),
    );
  assert.deepEqual(await seen('viewer'), [2, 3, 1, 2, 2, 2, 3]);
  assert.deepEqual(await statuses('viewer'), [200, 200, 200, 200, 200, 200]);
  limits = { libraryIds: [library.id] };
  assert.deepEqual(await seen('viewer'), [1, 1, 0, 1, 0, 0, 1]);
  assert.deepEqual(await statuses('viewer'), [404, 404, 404, 404, 404, 404]);
  assert.equal((await call('GET', `/api/v1/media/${open.id}`)).status, 200);
  assert.deepEqual(await seen('admin'), [2, 3, 1, 0, 2, 2, 3]);
  assert.deepEqual(await statuses('admin'), [200, 200, 200, 200, 200, 200]);
});

test('limits: with an age, what nobody has rated is there only where that is allowed', async t => {
  let limits: OwnLimits = { maxAgeRating: 12 };
  const { world, call } = await serve(t, undefined, () => limits);
  const film = await put(world, aFilm('unrated', { title: 'Unrated' }));
  const look = async () => {
    const { body } = await call('GET', '/api/v1/media?offset=0&letters=true');
    return [body.items.length, body.total, body.letters.length, (await call('GET', `/api/v1/media/${film.id}`)).status];
  };
  assert.deepEqual(await look(), [0, 0, 0, 404]);
  limits = { ...limits, allowsUnrated: true };
  assert.deepEqual(await look(), [1, 1, 1, 200]);
});

test('limits: a search finds what a viewer may watch alone, also through people', async t => {
  let limits: OwnLimits = {};
  const { world, call } = await serve(t, undefined, () => limits);
  const { library } = world;
  const hidden = { ...library, id: newLibraryId(), name: 'Hidden' };
  await world.database.libraries.put(hidden);
  await put(world, aFilm('open', { title: 'Winter Open', libraryId: library.id }));
  await put(world, aFilm('secret', { title: 'Winter Secret', libraryId: hidden.id }));
  await put(world, anEpisode('Winter Show', { season: 1, episodes: [1], title: 'Pilot' }, { libraryId: hidden.id }));
  const found = async (query: string) =>
    (await call('GET', `/api/v1/search?query=${query}`)).body.groups
      .flatMap(({ items }: Json) => items.map(({ title }: Json) => title))
      .sort();
  assert.deepEqual(await found('winter'), ['Pilot', 'Winter Open', 'Winter Secret', 'Winter Show']);
  limits = { libraryIds: [library.id] };
  for (const query of ['winter', 'wintre', 'w']) assert.deepEqual(await found(query), ['Winter Open'], query);
  assert.deepEqual(await found('secret'), []);
  assert.equal((await call('GET', '/api/v1/media?query=winter')).body.items.length, 1);
  limits = { maxAgeRating: 12 };
  assert.deepEqual(await found('winter'), [], 'nobody has rated them');
  limits = { maxAgeRating: 12, allowsUnrated: true };
  assert.equal((await found('winter')).length, 4);
});
