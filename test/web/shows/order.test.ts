// Which episode follows which, and where a person goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { episodeAfter, nextToWatch } from '../../../src/web/shows/order.js';

type Seen = { watched?: boolean; positionMs?: number; updatedAtMs: number };

const episode = (id: string, seen: Seen | null = null) => ({
  id,
  versions: [{ mediaId: id }, { mediaId: `${id}-other` }],
  progress: seen && { watched: false, positionMs: 0, ...seen },
});
const show = (...seasons: [number | null, ...ReturnType<typeof episode>[]][]) => ({
  seasons: seasons.map(([season, ...episodes]) => ({ season, episodes })),
});

test('the next season follows a season, specials follow specials, and nothing follows the end', () => {
  const expanse = show([1, episode('a'), episode('b')], [2, episode('c')], [0, episode('x'), episode('y')]);
  const after = (id: string) => episodeAfter(expanse, id)?.id ?? null;
  assert.deepEqual(['a', 'b', 'c', 'x', 'y', 'a-other', 'nowhere'].map(after), ['b', 'c', null, 'y', null, 'b', null]);
});

test('one goes on at what was begun last, else behind what was watched last, else at the start', () => {
  const next = (...episodes: ReturnType<typeof episode>[]) => nextToWatch(show([1, ...episodes], [0, episode('special')]))?.id;
  assert.equal(next(episode('a'), episode('b')), 'a');
  assert.equal(next(episode('a', { watched: true, updatedAtMs: 1 }), episode('b'), episode('c')), 'b');
  assert.equal(next(episode('a', { positionMs: 9, updatedAtMs: 1 }), episode('b', { watched: true, updatedAtMs: 2 }), episode('c')), 'c');
  assert.equal(next(episode('a', { watched: true, updatedAtMs: 1 }), episode('b', { positionMs: 5, updatedAtMs: 2 })), 'b');
  // What was left out before comes when the end is reached; a show that is through begins anew.
  assert.equal(next(episode('a'), episode('b', { watched: true, updatedAtMs: 2 })), 'a');
  assert.equal(next(episode('a', { watched: true, updatedAtMs: 1 }), episode('b', { watched: true, updatedAtMs: 2 })), 'a');
});
