// Which file is meant by what another server, or an earlier one, called it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Media } from '#domain/media.ts';
import { type CalledMedia, MediaMatcher } from '#src/progress/transfer/media-matcher.ts';
import { aMedia } from '../../storage/support.ts';

const at = (name: string, changes: Partial<Media> = {}) =>
  aMedia(name, { path: `/media/films/${name}`, name, fingerprint: `bytes of ${name}`, ...changes });
const FILMS = [
  at('Alien (1979)/Alien.mkv'),
  at('Brazil.mkv'),
  at('Show/Season 1/01.mkv'),
  at('Other/Season 1/01.mkv'),
  at('Amélie.mkv'),
  at('twice.mkv', { path: '/media/a/twice.mkv' }),
  at('twice.mkv', { path: '/media/b/twice.mkv', id: 'another-twice' as Media['id'] }),
];

test('matching: by id, path, bytes, or the path within a library that lies elsewhere now', async () => {
  const matcher = await MediaMatcher.read({ get: id => FILMS.find(film => film.id === id), all: () => FILMS });
  const match = (called: CalledMedia) => {
    const found = matcher.match(called);
    return 'media' in found ? found.media.path : found.reason;
  };
  const [alien, brazil] = FILMS;
  assert.equal(match({ mediaId: alien?.id ?? '' }), alien?.path);
  assert.equal(match({ path: '/media/films/Brazil.mkv' }), brazil?.path);
  assert.equal(match({ mediaId: 'gone-id', fingerprint: 'bytes of Brazil.mkv' }), brazil?.path);
  assert.equal(match({ path: '/old/disk/Alien (1979)/Alien.mkv' }), alien?.path);
  assert.equal(match({ path: 'D:\\Films\\Alien (1979)\\Alien.mkv' }), alien?.path);
  assert.equal(match({ path: '/old/Ame\u0301lie.mkv' }), '/media/films/Amélie.mkv', 'names of macOS are decomposed');
  assert.equal(match({ path: '/old/tv/Other/Season 1/01.mkv' }), '/media/films/Other/Season 1/01.mkv');
  assert.equal(match({ path: '/old/tv/Third/Season 1/01.mkv' }), 'no such title', 'a number is no show');
  assert.equal(match({ path: '/old/Alien.mkv' }), 'no such title');
  assert.equal(match({ path: '/old/twice.mkv' }), 'several titles');
  assert.equal(match({ path: '/media/b/twice.mkv' }), '/media/b/twice.mkv');
  assert.equal(match({ fingerprint: '' }), 'no such title');
  assert.equal(match({}), 'no such title');
});
