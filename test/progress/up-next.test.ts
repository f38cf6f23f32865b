// The next episode of a show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaId, ShowId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';
import { nextEpisode, upNext } from '#src/progress/up-next.ts';

const episode = (name: string) => ({
  id: name as MediaId,
  place: { season: Number(name.split('x')[0]) },
  versions: [[{ id: name as MediaId, durationMs: 100 }], [{ id: `${name}-small` as MediaId, durationMs: 100 }]],
});
const SHOW = ['1x1', '1x2', '1x3', '2x1', '2x2', '0x1', '0x2'].map(episode);
const watchedAt = (updatedAtMs: number): Progress => ({ positionMs: 0, durationMs: 100, watched: true, updatedAtMs });
const begunAt = (updatedAtMs: number): Progress => ({ ...watchedAt(updatedAtMs), positionMs: 50, watched: false });
const next = (saved: Record<string, Progress>) => nextEpisode(SHOW, id => saved[id])?.episode.id ?? null;

test('up next: the episode after the last watched one, over the end of a season, specials aside', () => {
  assert.equal(next({}), null);
  assert.equal(next({ '1x1': begunAt(1) }), null, 'what is begun is continued');
  assert.equal(next({ '1x1': watchedAt(1) }), '1x2');
  assert.equal(next({ '1x1': watchedAt(1), '1x2': begunAt(2) }), '1x2');
  assert.equal(next({ '1x1': watchedAt(1), '1x3': watchedAt(2) }), '2x1');
  assert.equal(next({ '1x3-small': watchedAt(2) }), '2x1', 'in whichever version');
  assert.equal(next({ '2x2': watchedAt(1) }), null, 'the last one was watched');
  assert.equal(next({ '1x1': watchedAt(1), '0x1': watchedAt(9) }), '1x2');
  assert.equal(next({ '0x1': watchedAt(9) }), null);
});

test('up next: who watches a show again goes on there, past what is watched still; of a season marked at once its end counts', () => {
  assert.equal(next({ '1x1': watchedAt(9), '1x2': watchedAt(2), '1x3': watchedAt(3), '2x1': watchedAt(4) }), '2x2');
  assert.equal(next({ '1x1': watchedAt(9), '2x1': watchedAt(4) }), '1x2');
  assert.equal(next({ '1x1': watchedAt(5), '1x2': watchedAt(5), '1x3': watchedAt(5) }), '2x1');
});

test('up next: shows by when they were watched last, as many as are wanted', () => {
  const saved: Record<string, Progress> = { '1x1': watchedAt(5) };
  const shows = (limit: number) =>
    upNext(
      {
        recent: ['film', 'b/1x1', 'a/1x1', 'b/1x2', 'c/1x1'].map(id => id as MediaId),
        showOf: id => (id === 'film' ? null : (id.split('/')[0] as ShowId)),
        episodesOf: id => (id === 'c' ? [] : SHOW),
        progressOf: id => saved[id],
      },
      limit,
    ).map(({ showId, episode: { id }, lastWatchedAtMs }) => `${showId} ${id} ${lastWatchedAtMs}`);
  assert.deepEqual(shows(9), ['b 1x2 5', 'a 1x2 5']);
  assert.deepEqual(shows(1), ['b 1x2 5']);
});
