// Descriptions and artwork beside films and shows: found, read once, followed when they change, and gone with their files.
import assert from 'node:assert/strict';
import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Media } from '#domain/media.ts';
import { LocalMetadata } from '#library/metadata/local-metadata.ts';
import { aFilm, anEpisode } from '../items/support.ts';
import { makeWorld } from '../support.ts';

async function open(t: TestContext) {
  const world = await makeWorld(t);
  const { media, descriptions } = world.database;
  const made: string[] = [];
  const local = new LocalMetadata({
    media,
    descriptions,
    index: world.index,
    makeArtwork: async (kind, { path }) => {
      made.push(path.slice(world.root.length + 1));
      return path.endsWith('broken.jpg') ? null : `${kind} of ${path.slice(world.root.length + 1)}`;
    },
    log: { warn: (_, message) => assert.fail(message) },
  });
  t.after(() => local.stop());
  /** Where it says to lie. */
  const put = async (film: Media): Promise<Media> => {
    const media = { ...film, libraryId: world.library.id, path: join(world.root, film.name) };
    await world.database.media.put(media);
    world.index.put(media);
    await write(film.name, '');
    return media;
  };
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(world.root, name)), { recursive: true });
    await writeFile(join(world.root, name), text);
  };
  const look = async (...films: readonly Media[]): Promise<void> => {
    for (const { id } of films) local.look(id);
    await local.whenIdle();
  };
  const titleOf = ({ id }: Media) => world.index.itemOf(id)?.title;
  return { world, made, put, write, look, titleOf, descriptions, local };
}

const nfo = (title: string, more = ''): string => `<movie><title>${title}</title>${more}</movie>`;

test('beside films: a description and pictures of a film alone in its folder, read once and again when they change', async t => {
  const { world, made, put, write, look, titleOf, descriptions, local } = await open(t);
  const film = await put(aFilm('heat', { title: 'Heat', year: 1995, name: 'Heat (1995)/heat.mkv' }));
  await write('Heat (1995)/movie.nfo', nfo('Heat: the film', '<genre>Crime</genre>'));
  await write('Heat (1995)/Poster.JPG', 'x');
  await write('Heat (1995)/heat-fanart.png', 'x');
  await look(film);
  assert.deepEqual([titleOf(film), made.toSorted()], ['Heat: the film', ['Heat (1995)/Poster.JPG', 'Heat (1995)/heat-fanart.png']]);
  const record = descriptions.get(film.id);
  assert.deepEqual(
    [record?.artwork.poster?.version, record?.artwork.fanart?.version],
    ['poster of Heat (1995)/Poster.JPG', 'fanart of Heat (1995)/heat-fanart.png'],
  );
  assert.equal(world.index.facets.list('genre').size, 1);

  local.lookAtLibrary(world.library.id);
  await local.whenIdle();
  assert.deepEqual([made.length, descriptions.get(film.id)], [2, record], 'nothing is made or written twice');

  await write('Heat (1995)/movie.nfo', nfo('Heat again'));
  await utimes(join(world.root, 'Heat (1995)/Poster.JPG'), 1, 1);
  await look(film);
  assert.deepEqual([titleOf(film), made.length, world.index.facets.list('genre').size], ['Heat again', 3, 0]);

  await rm(join(world.root, 'Heat (1995)/movie.nfo'));
  await rm(join(world.root, 'Heat (1995)/Poster.JPG'));
  await look(film);
  assert.deepEqual([titleOf(film), Object.keys(descriptions.get(film.id)?.artwork ?? {})], ['Heat', ['fanart']]);
});

test('beside films: where several lie together, each has what is called after it; a version that is described describes all of them', async t => {
  const { put, write, look, titleOf, descriptions } = await open(t);
  const alien = await put(aFilm('alien', { title: 'Alien', year: 1979, name: 'alien.mkv' }));
  const small = await put(aFilm('small', { title: 'Alien', year: 1979, name: 'alien.480p.mkv', height: 480 }));
  const other = await put(aFilm('other', { title: 'Brazil', year: 1985, name: 'brazil.mkv' }));
  for (const [name, text] of [
    ['movie.nfo', nfo('Nobody’s')],
    ['folder.jpg', ''],
    ['alien.480p.nfo', nfo('Alien (described)')],
    ['brazil-poster.jpg', ''],
    ['brazil.tbn', ''],
  ] as const)
    await write(name, text);
  await look(alien, small, other);
  assert.deepEqual([titleOf(alien), titleOf(small), titleOf(other)], ['Alien (described)', 'Alien (described)', 'Brazil']);
  assert.deepEqual(
    [descriptions.get(alien.id), descriptions.get(other.id)?.artwork.poster?.version],
    [undefined, 'poster of brazil-poster.jpg'],
  );
});

test('beside films: what is no file, leads elsewhere, is no description or no picture counts as nothing, and is not tried again', async t => {
  const { world, made, put, write, look, titleOf, descriptions } = await open(t);
  const film = await put(aFilm('film', { title: 'Film', year: 2000, name: 'Film/film.mkv' }));
  await mkdir(join(world.root, 'Film/poster.jpg'));
  await write('secret.nfo', nfo('Secret'));
  await symlink(join(world.root, 'secret.nfo'), join(world.root, 'Film/film.nfo'));
  await write('Film/banner.jpg', 'x');
  await look(film);
  assert.deepEqual([titleOf(film), descriptions.get(film.id)?.artwork.poster], ['Film', undefined]);
  await write('Film/fanart.jpg', 'x');
  await symlink('/dev/zero', join(world.root, 'Film/movie.nfo'));
  await look(film);
  await look(film);
  assert.deepEqual(made, ['Film/banner.jpg', 'Film/fanart.jpg']);
});

test('beside shows: the show, its seasons and its episodes, several in one file', async t => {
  const { put, write, look, titleOf, descriptions, world } = await open(t);
  const first = await put(anEpisode('Heroes', { season: 1, episodes: [1] }, { name: 'Heroes/Season 1/h.s01e01.mkv' }));
  const double = await put(anEpisode('Heroes', { season: 1, episodes: [2, 3] }, { name: 'Heroes/Season 1/h.s01e02-e03.mkv' }));
  await write('Heroes/tvshow.nfo', '<tvshow><title>HEROES</title><year>2006</year><actor><name>Masi Oka</name></actor></tvshow>');
  await write('Heroes/poster.jpg', 'x');
  await write('Heroes/season01-poster.jpg', 'x');
  await write('Heroes/Season 1/h.s01e01.nfo', '<episodedetails><title>Genesis</title></episodedetails>');
  await write('Heroes/Season 1/h.s01e01-thumb.jpg', 'x');
  await write(
    'Heroes/Season 1/h.s01e02-e03.nfo',
    '<episodedetails><title>Don’t Look Back</title><episode>2</episode></episodedetails><episodedetails><title>One Giant Leap</title><episode>3</episode></episodedetails>',
  );
  await look(first, double);
  assert.deepEqual([titleOf(first), titleOf(double)], ['Genesis', 'Don’t Look Back / One Giant Leap']);
  const showId = world.index.itemOf(first.id)?.showId ?? assert.fail();
  assert.deepEqual([world.index.showOf(showId)?.title, world.index.showOf(showId)?.year], ['HEROES', 2006]);
  const record = descriptions.get(showId);
  assert.deepEqual(
    [record?.artwork.poster?.version, record?.seasons[1]?.version, descriptions.get(first.id)?.artwork.thumb?.version],
    ['poster of Heroes/poster.jpg', 'poster of Heroes/season01-poster.jpg', 'thumb of Heroes/Season 1/h.s01e01-thumb.jpg'],
  );
  const [person] = world.index.facets.list('person').from(null);
  assert.deepEqual([person?.name, person?.subjects], ['Masi Oka', new Set([showId])]);
});
