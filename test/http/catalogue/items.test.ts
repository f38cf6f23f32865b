// Films with their versions, shows with their episodes, and what administrators correct, through a real front door.
import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseUserId } from '#domain/ids.ts';
import { aFilm, anEpisode } from '../../library/items/support.ts';
import { type Json, put, serve } from './support.ts';

const VIEWER = parseUserId('viewer-user');
const titlesOf = ({ body }: { body: Json }) => body.items.map(({ title }: Json) => title);

test('media: one entry a film with all of its versions, and the progress of whichever was watched last', async t => {
  const { world, call } = await serve(t);
  const sharp = await put(world, aFilm('sharp', { title: 'Heat', year: 1995, height: 2160 }));
  const small = await put(world, aFilm('small', { title: 'Heat', year: 1995, height: 480, edition: "Director's Cut" }));
  const { progress } = world.database;
  const at = (positionMs: number, updatedAtMs: number) => ({ positionMs, durationMs: 60_000, watched: false, updatedAtMs });
  await progress.put(VIEWER, sharp.id, at(1_000, 1));
  await progress.put(VIEWER, small.id, at(2_000, 2));
  const { items, total } = (await call('GET', '/api/v1/media')).body;
  assert.deepEqual([items.length, total, items[0].id, items[0].kind, items[0].progress], [1, 1, sharp.id, 'movie', at(2_000, 2)]);
  assert.deepEqual(
    items[0].versions.map((version: Json) => [version.mediaId, version.height, version.edition, version.progress.positionMs, version.path]),
    [
      [sharp.id, 2160, null, 1_000, undefined],
      [small.id, 480, "Director's Cut", 2_000, undefined],
    ],
  );
  assert.equal((await call('GET', '/api/v1/media?versions=apart')).body.items.length, 2);
  const forAdmin = await call('GET', `/api/v1/media/${small.id}`, { as: 'admin' });
  assert.deepEqual([forAdmin.body.versions[0].path, forAdmin.body.progress, forAdmin.body.edition], [sharp.path, null, "Director's Cut"]);
});

test('shows: seasons with their episodes in order, and how many of them the caller has watched', async t => {
  const { world, call } = await serve(t);
  const first = await put(world, anEpisode('Heroes', { season: 1, episodes: [1], title: 'Genesis' }, { year: 2006 }));
  await put(world, anEpisode('Heroes', { season: 1, episodes: [2] }, { year: 2006 }));
  await put(world, anEpisode('Heroes', { season: 0, episodes: [1] }, { year: 2006 }));
  await put(world, anEpisode('Lost', { season: 1, episodes: [1] }));
  await put(world, aFilm('trailer', { extra: 'trailer', name: 'Heroes/x.mkv' }));
  await world.database.progress.put(VIEWER, first.id, { positionMs: 9, durationMs: 10, watched: true, updatedAtMs: 5 });
  const list = (await call('GET', '/api/v1/shows')).body.items;
  assert.deepEqual(
    list.map((show: Json) => [show.title, show.year, show.episodeCount, show.seasonCount]),
    [
      ['Heroes', 2006, 3, 2],
      ['Lost', null, 1, 1],
    ],
  );
  const { body } = await call('GET', `/api/v1/shows/${list[0].id}`);
  assert.deepEqual(
    body.seasons.map((season: Json) => [season.season, season.watchedCount, titlesOf({ body: { items: season.episodes } })]),
    [
      [1, 1, ['Genesis', 'Episode 2']],
      [0, 0, ['Episode 1']],
    ],
  );
  assert.deepEqual(body.progress, { watchedCount: 1, episodeCount: 2, updatedAtMs: 5 });
  const [episode] = body.seasons[0].episodes;
  assert.deepEqual(
    [episode.kind, episode.show, episode.season, episode.episodes],
    ['episode', { id: list[0].id, title: 'Heroes', year: 2006 }, 1, [1]],
  );
  assert.deepEqual(titlesOf(await call('GET', '/api/v1/media?kind=episode&limit=2')), ['Genesis', 'Episode 2']);
  assert.equal((await call('GET', '/api/v1/shows/abcdefghij')).body.code, 'SHOW_NOT_FOUND');
  const renamed = await call('PATCH', `/api/v1/shows/${list[0].id}`, { as: 'admin', body: { title: 'Helden' } });
  assert.deepEqual([renamed.status, renamed.body.title], [200, 'Helden']);
  assert.deepEqual(titlesOf(await call('GET', '/api/v1/shows')), ['Helden', 'Lost']);
});

test('corrections: of a film they hold for all of its versions and for what is made of the file later, until they are taken back', async t => {
  const { world, call } = await serve(t);
  const film = await put(world, aFilm('film', { title: 'Heet', year: null }));
  await put(world, aFilm('other', { title: 'Heet', year: null, height: 480 }));
  const path = `/api/v1/media/${film.id}`;
  const body = { title: ' Heat ', year: 1995, sortTitle: 'Zzz', match: { imdb: 'tt0113277' }, edition: 'Cut' };
  assert.equal((await call('PATCH', path, { body })).status, 403);
  const corrected = await call('PATCH', path, { as: 'admin', body });
  assert.deepEqual([corrected.status, corrected.body.title, corrected.body.year, corrected.body.versions.length], [200, 'Heat', 1995, 2]);
  assert.deepEqual(
    corrected.body.versions.map(({ edition }: Json) => edition),
    ['Cut', null],
  );
  await put(world, { ...film, durationMs: 61_000 });
  await put(world, aFilm('early', { title: 'Yard', year: 2000 }));
  assert.deepEqual(titlesOf(await call('GET', '/api/v1/media')), ['Yard', 'Heat']);
  assert.deepEqual(world.database.corrections.get(film.id)?.ids, { imdb: 'tt0113277' });
  const back = await call('PATCH', path, { as: 'admin', body: { title: null, year: null, sortTitle: null, match: null, edition: null } });
  assert.deepEqual([back.body.title, back.body.year, world.database.corrections.get(film.id)], ['Heet', null, undefined]);
  for (const wrong of [{ title: ' ' }, { year: 3 }, { match: { tmdb: '../1' } }, { surprise: 1 }])
    assert.equal((await call('PATCH', path, { as: 'admin', body: wrong })).body.code, 'INVALID_REQUEST');
});

test('merge and split: make one film of several and several of one, and lose no progress', async t => {
  const { world, call } = await serve(t);
  const one = await put(world, aFilm('one', { title: 'Alien', year: 1979 }));
  const two = await put(world, aFilm('two', { title: 'Otherwise', year: null, height: 480 }));
  await world.database.progress.put(VIEWER, two.id, { positionMs: 7, durationMs: 10, watched: false, updatedAtMs: 5 });
  const post = (id: string, what: string, body: object) => call('POST', `/api/v1/media/${id}/${what}`, { as: 'admin', body });
  const merged = await post(one.id, 'merge', { mediaIds: [two.id] });
  assert.deepEqual([merged.status, merged.body.title, merged.body.versions.length], [200, 'Alien', 2]);
  assert.equal((await call('GET', `/api/v1/media/${one.id}`)).body.progress.positionMs, 7);
  await put(world, aFilm('three', { title: 'Alien', year: 1979 }));
  assert.equal((await call('GET', `/api/v1/media/${one.id}`)).body.versions.length, 3);
  const split = await post(one.id, 'split', { mediaIds: [two.id] });
  assert.deepEqual([split.status, split.body.title, split.body.versions.length], [200, 'Otherwise', 1]);
  assert.deepEqual(titlesOf(await call('GET', '/api/v1/media')), ['Alien', 'Otherwise']);
  assert.equal((await post(two.id, 'split', {})).body.code, 'CONFLICT');
  const episode = await put(world, anEpisode('Lost', { season: 1, episodes: [1] }));
  assert.equal((await post(one.id, 'merge', { mediaIds: [episode.id] })).body.code, 'INVALID_REQUEST');
  assert.equal((await post(one.id, 'merge', { mediaIds: ['abcdefghij'] })).body.code, 'MEDIA_NOT_FOUND');
});

test('folders: an administrator is shown those that libraries may lie in, by name, and no other', async t => {
  const { world, call } = await serve(t, ({ root }) => [root]);
  for (const name of ['Films', 'shows 10', 'shows 9', '.hidden']) await mkdir(join(world.root, name));
  await symlink('/', join(world.root, 'out'));
  await symlink(join(world.root, 'Films'), join(world.root, 'in'));
  const list = (path?: string, as = 'admin') =>
    call('GET', `/api/v1/folders${path === undefined ? '' : `?path=${encodeURIComponent(path)}`}`, { as });
  assert.equal((await list(undefined, 'viewer')).status, 403);
  const { body } = await list();
  assert.deepEqual([body.path, body.parent, body.isComplete], [world.root, null, true]);
  assert.deepEqual(
    body.items.map(({ name }: Json) => name),
    ['Films', 'in', 'shows 9', 'shows 10'],
  );
  assert.deepEqual((await list(join(world.root, 'Films'))).body.parent, world.root);
  for (const path of ['/', join(world.root, 'out'), join(world.root, '..'), '/proc'])
    assert.equal((await list(path)).body.code, 'FORBIDDEN', path);
  for (const path of ['relative', join(world.root, 'none')]) assert.equal((await list(path)).body.code, 'INVALID_REQUEST', path);
  const outside = await call('POST', '/api/v1/libraries', { as: 'admin', body: { name: 'X', kind: 'movies', paths: ['/'] } });
  assert.equal(outside.status, 400);
});
