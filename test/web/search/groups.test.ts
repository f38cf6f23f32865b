// What a search found, as the page shows it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hitOf } from '../../../src/web/search/groups.js';

const segments = (...texts: string[]) => texts.map((text, at) => ({ text, isMatch: at % 2 === 1 }));

test('a hit leads to its page, marked as the server marked it', () => {
  const media = { id: 'm1', title: 'The Matrix', year: 1999, posterUrl: '/p.jpg', show: null };
  const film = hitOf(
    'movie',
    { id: 'm1', kind: 'movie', title: 'The Matrix', titleSegments: segments('The ', 'Mat', 'rix'), match: null, media, show: null },
    'mat',
  );
  assert.deepEqual(
    [film.href, film.parts, film.note, film.posterUrl],
    ['/film/m1', segments('The ', 'Mat', 'rix'), segments('1999'), '/p.jpg'],
  );
  const cast = { field: 'people', segments: segments('', 'Keanu', ' Reeves') };
  assert.deepEqual(
    hitOf('movie', { id: 'm1', title: 'The Matrix', titleSegments: segments('The Matrix'), match: cast, media, show: null }, 'keanu').note,
    cast.segments,
  );
  const person = hitOf(
    'person',
    { id: 'p 1', title: 'Keanu Reeves', titleSegments: segments('', 'Keanu', ' Reeves'), match: null, media: null, show: null },
    'keanu',
  );
  assert.deepEqual([person.href, person.posterUrl], ['/browse/people/p%201', null]);
  const show = { id: 's1', title: 'Dark', year: 2017, posterUrl: null };
  assert.equal(
    hitOf('show', { id: 's1', title: 'Dark', titleSegments: segments('', 'Dark'), match: null, media: null, show }, 'dark').href,
    '/show/s1',
  );
});

test('items of plain lists are marked here; an episode says where it belongs', () => {
  const episode = { id: 'e1', title: 'Gate', show: { id: 's1', title: 'Dark' }, season: 1, episodes: [4], posterUrl: null };
  const hit = hitOf('episode', episode, 'ga');
  assert.deepEqual(
    [hit.href, hit.parts, hit.note],
    [
      '/film/e1',
      [
        { text: 'Ga', isMatch: true },
        { text: 'te', isMatch: false },
      ],
      segments('Dark · S1 E4'),
    ],
  );
});
