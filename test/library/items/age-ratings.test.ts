import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_DESCRIPTION } from '#domain/catalogue/description.ts';
import type { Media } from '#domain/media.ts';
import { aFilm, anEpisode, anIndex } from './support.ts';

const rated = (age: number) => ({ ...NO_DESCRIPTION, ageRating: { label: `${age}+`, age } });

test('age ratings: of a film the strictest of its versions, of an episode its own before that of its show', () => {
  const [sharp, small] = [aFilm('sharp', { title: 'Heat', year: 1995 }), aFilm('small', { title: 'Heat', year: 1995, height: 480 })];
  const [first, second] = [1, 2].map(episode => anEpisode('Lost', { season: 1, episodes: [episode] })) as [Media, Media];
  const extra = aFilm('trailer', { extra: 'trailer' });
  const films = [sharp, small, first, second, extra];
  const { index, descriptions, titles } = anIndex(films);
  const ages = () => films.map(film => index.ratedOf(film).ageRating);
  assert.deepEqual(ages(), [null, null, null, null, null]);
  descriptions.set(sharp.id, rated(12));
  descriptions.set(small.id, rated(16));
  descriptions.set(second.id, rated(18));
  descriptions.set(extra.id, rated(6));
  for (const film of films) index.put(film);
  const showId = index.itemOf(first.id)?.showId ?? assert.fail();
  descriptions.set(showId, rated(10));
  index.putShow(showId);
  titles();
  assert.deepEqual(ages(), [16, 16, 10, 18, 6]);
  assert.equal(index.showOf(showId)?.ageRating, 10);
  assert.deepEqual(titles({ ages: { most: 16, allowsUnrated: false } }), ['Heat', 'Episode 1']);
});
