// Progress, what is to be continued, marks and history through a real front door over a real store.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnLimits } from '#domain/access/limits.ts';
import { newLibraryId, parseUserId } from '#domain/ids.ts';
import { aMedia } from '../../storage/support.ts';
import { type Answer, type Json, put, serve } from '../catalogue/support.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('progress: is saved, read and forgotten for the caller alone', async t => {
  const { world, call } = await serve(t);
  const { id } = await put(world, aMedia('Film', { durationMs: 100_000 }));
  const path = `/api/v1/media/${id}/progress`;
  assert.deepEqual((await call('GET', path)).body, { positionMs: 0, durationMs: 100_000, watched: false, updatedAtMs: 0 });
  const saved = await call('PUT', path, { body: { positionMs: 5000, updatedAtMs: 1000 } });
  assert.deepEqual(saved.body, { positionMs: 5000, durationMs: 100_000, watched: false, updatedAtMs: 1000 });
  assert.deepEqual((await call('GET', path)).body, saved.body);
  assert.equal((await call('GET', path, { as: 'admin' })).body.positionMs, 0);
  assert.deepEqual((await call('GET', `/api/v1/media/${id}`)).body.progress, saved.body);
  assert.deepEqual((await call('GET', '/api/v1/media')).body.items[0].progress, saved.body);
  assert.equal((await call('DELETE', path, { as: 'admin' })).status, 204);
  assert.equal((await call('GET', path)).body.positionMs, 5000);
  assert.equal((await call('DELETE', path)).status, 204);
  assert.equal((await call('DELETE', path)).status, 204);
  assert.equal((await call('GET', path)).body.positionMs, 0);
});

test('progress: an older time never overwrites a newer one, in whatever order they arrive', async t => {
  const { world, call } = await serve(t);
  const { id } = await put(world, aMedia('Film', { durationMs: 100_000 }));
  const path = `/api/v1/media/${id}/progress`;
  const times = [30, 10, 50, 20, 40];
  await Promise.all(times.map(time => call('PUT', path, { body: { positionMs: time, updatedAtMs: time } })));
  assert.equal((await call('GET', path)).body.positionMs, 50);
  assert.equal((await call('PUT', path, { body: { positionMs: 1, updatedAtMs: 49 } })).body.positionMs, 50);
  for (const body of [
    {},
    { updatedAtMs: 1 },
    { positionMs: -1 },
    { positionMs: 1.5 },
    { positionMs: 1, extra: 1 },
    { positionMs: '1' },
    { positionMs: 1e300 },
  ]) {
    assert.equal((await call('PUT', path, { body })).status, 400, JSON.stringify(body));
  }
  assert.equal((await call('PUT', '/api/v1/media/abcdefghij/progress', { body: { positionMs: 1 } })).body.code, 'MEDIA_NOT_FOUND');
});

test('progress: continue watching lists the caller’s unfinished titles, newest first, in pages', async t => {
  const { world, call } = await serve(t);
  const viewer = parseUserId('viewer-user');
  const save = async (title: string, updatedAtMs: number, watched = false) => {
    const media = await put(world, aMedia(title, { durationMs: HOUR }));
    await world.database.progress.put(viewer, media.id, { positionMs: HOUR / 2, durationMs: HOUR, watched, updatedAtMs });
    return media;
  };
  const one = await save('One', 1);
  await save('Three', 3);
  await save('Two', 2);
  await save('Seen', 9, true);
  const gone = await save('Gone', 8);
  await world.database.media.remove(gone.id);
  const titles = ({ body }: Answer) => body.items.map(({ title }: Json) => title);
  const first = await call('GET', '/api/v1/me/progress?limit=2');
  assert.deepEqual(titles(first), ['Three', 'Two']);
  assert.deepEqual(titles(await call('GET', `/api/v1/me/progress?limit=2&cursor=${first.body.nextCursor}`)), ['One']);
  assert.deepEqual(titles(await call('GET', '/api/v1/me/progress?all=true')), ['Seen', 'Three', 'Two', 'One']);
  assert.deepEqual(titles(await call('GET', '/api/v1/me/progress?all=true', { as: 'admin' })), []);
  assert.equal((await call('GET', `/api/v1/me/progress?cursor=${first.body.nextCursor}`, { as: 'admin' })).status, 400);

  assert.equal((await call('DELETE', `/api/v1/me/continue/${one.id}`)).status, 204);
  assert.equal((await call('DELETE', `/api/v1/me/continue/${one.id}`)).status, 204);
  assert.deepEqual(titles(await call('GET', '/api/v1/me/progress')), ['Three', 'Two']);
  const path = `/api/v1/media/${one.id}/progress`;
  assert.deepEqual((await call('GET', path)).body, { positionMs: HOUR / 2, durationMs: HOUR, watched: false, updatedAtMs: 1 });
  await call('PUT', path, { body: { positionMs: HOUR / 3 } });
  assert.deepEqual(titles(await call('GET', '/api/v1/me/progress')), ['One', 'Three', 'Two'], 'watched again');
});

test('progress: a mark alone is enough, and answers are of the film, whichever version was told of', async t => {
  const { world, call } = await serve(t);
  const libraryId = newLibraryId();
  const film = { title: 'Film', year: 1999, durationMs: HOUR, libraryId };
  const sharp = await put(world, aMedia('Film 2160p', film));
  const small = await put(world, aMedia('Film 480p', film));
  const path = ({ id }: { id: string }) => `/api/v1/media/${id}/progress`;
  await call('PUT', path(sharp), { body: { positionMs: 20 * MINUTE, updatedAtMs: 2_000 } });
  assert.equal((await call('PUT', path(small), { body: { positionMs: 1, updatedAtMs: 1_000 } })).body.positionMs, 20 * MINUTE);
  assert.equal((await call('GET', path(small))).body.positionMs, 20 * MINUTE);
  assert.equal((await call('GET', '/api/v1/me/progress')).body.items.length, 1);
  assert.deepEqual((await call('PUT', path(small), { body: { watched: true, updatedAtMs: 3_000 } })).body, {
    positionMs: 0,
    durationMs: HOUR,
    watched: true,
    updatedAtMs: 3_000,
  });
  assert.equal((await call('GET', '/api/v1/me/progress')).body.items.length, 0);
  assert.equal((await call('PUT', path(sharp), { body: { positionMs: HOUR * 0.9 } })).body.watched, true, 'from 90 % on');
  assert.equal((await call('DELETE', path(sharp))).status, 204);
  assert.equal((await call('GET', path(small))).body.updatedAtMs, 0, 'forgotten in all versions');
  const sentAtMs = Date.now() - 365 * 24 * HOUR;
  const { updatedAtMs } = (await call('PUT', path(small), { body: { positionMs: 5, updatedAtMs: sentAtMs - 5_000, sentAtMs } })).body;
  assert.ok(Math.abs(Date.now() - updatedAtMs) < 5 * MINUTE, 'a clock that is a year behind');
});

test('shows: an episode, a season and a show are marked, and the next episode is up', async t => {
  const { world, call } = await serve(t);
  const libraryId = newLibraryId();
  const episode = async (season: number, number: number) =>
    await put(
      world,
      aMedia(`Show S${season}E${number}`, {
        title: 'Show',
        libraryId,
        durationMs: HOUR,
        episode: { season, episodes: [number], absolute: [], airDate: null, title: null },
      }),
    );
  const [first] = [await episode(1, 1), await episode(1, 2), await episode(2, 1), await episode(2, 2), await episode(0, 1)];
  const { body: shows } = await call('GET', '/api/v1/shows');
  const show = `/api/v1/shows/${shows.items[0].id}`;
  const up = async () => (await call('GET', '/api/v1/me/up-next')).body.items.map(({ season, episodes }: Json) => `${season}x${episodes}`);
  const counts = async () => (await call('GET', show)).body.seasons.map(({ season, watchedCount }: Json) => [season, watchedCount]);
  assert.deepEqual(await up(), []);
  await call('PUT', `/api/v1/media/${first?.id}/progress`, { body: { watched: true } });
  assert.deepEqual(await up(), ['1x2']);
  assert.deepEqual((await call('PUT', `${show}/seasons/1/watched`, { body: { watched: true } })).body, { episodes: 2, changed: 1 });
  assert.deepEqual(
    [await up(), await counts()],
    [
      ['2x1'],
      [
        [1, 2],
        [2, 0],
        [0, 0],
      ],
    ],
  );
  assert.deepEqual((await call('PUT', `${show}/watched`, { body: { watched: true } })).body, { episodes: 4, changed: 2 });
  assert.deepEqual(
    [await up(), await counts()],
    [
      [],
      [
        [1, 2],
        [2, 2],
        [0, 0],
      ],
    ],
  );
  assert.deepEqual((await call('PUT', `${show}/seasons/0/watched`, { body: { watched: true } })).body, { episodes: 1, changed: 1 });
  assert.deepEqual((await call('PUT', `${show}/seasons/2/watched`, { body: { watched: false } })).body, { episodes: 2, changed: 2 });
  assert.deepEqual(
    [await up(), await counts()],
    [
      ['2x1'],
      [
        [1, 2],
        [2, 0],
        [0, 1],
      ],
    ],
  );
  assert.deepEqual((await call('GET', '/api/v1/me/up-next', { as: 'admin' })).body.items, [], 'of the caller alone');
  assert.deepEqual((await call('PUT', `${show}/watched`, { body: { watched: false } })).body, { episodes: 5, changed: 3 });
  assert.deepEqual(await up(), []);
  for (const [path, code] of [
    [`${show}/seasons/9/watched`, 'SEASON_NOT_FOUND'],
    [`${show}/seasons/one/watched`, 'INVALID_REQUEST'],
    ['/api/v1/shows/abcdefghij/watched', 'SHOW_NOT_FOUND'],
  ] as const)
    assert.equal((await call('PUT', path, { body: { watched: true } })).body.code, code);
  assert.equal((await call('PUT', `${show}/watched`, { body: {} })).status, 400);
});

test('history: what the caller has watched, newest first, in pages, also when the file is gone', async t => {
  const { world, call } = await serve(t);
  const films = [await put(world, aMedia('One', { durationMs: HOUR })), await put(world, aMedia('Two', { durationMs: HOUR }))];
  for (const [at, { id }] of films.entries())
    await call('PUT', `/api/v1/media/${id}/progress`, { body: { watched: true, updatedAtMs: 1_000 + at } });
  await world.database.media.remove(films[1]?.id ?? ('' as never));
  const first = await call('GET', '/api/v1/me/history?limit=1');
  assert.deepEqual(
    first.body.items.map(({ title, kind, atMs, isThere }: Json) => [title, kind, atMs, isThere]),
    [['Two', 'watched', 1_001, false]],
  );
  const second = await call('GET', `/api/v1/me/history?limit=1&cursor=${first.body.nextCursor}`);
  assert.deepEqual([second.body.items[0].title, second.body.items[0].isThere, second.body.nextCursor], ['One', true, null]);
  assert.equal((await call('GET', `/api/v1/me/history?cursor=${first.body.nextCursor}`, { as: 'admin' })).status, 400);
  assert.equal((await call('DELETE', '/api/v1/me/history')).status, 204);
  assert.deepEqual((await call('GET', '/api/v1/me/history')).body.items, []);
});
test('export and import: the caller’s own file, without paths of the host, and nothing of what they may not watch', async t => {
  let limits: OwnLimits = {};
  const { world, call } = await serve(t, undefined, () => limits);
  const hidden = newLibraryId();
  const films = [
    await put(world, aMedia('One', { durationMs: HOUR, fingerprint: 'one' })),
    await put(world, aMedia('Two', { durationMs: HOUR, fingerprint: 'two', libraryId: hidden })),
  ];
  for (const { id } of films) await call('PUT', `/api/v1/media/${id}/progress`, { body: { positionMs: HOUR, updatedAtMs: 1_000 } });
  const { body: file, text } = await call('GET', '/api/v1/me/export');
  assert.deepEqual([file.format, file.progress.length, file.history.length], ['ferrite-user-1', 2, 2]);
  assert.ok(!text.includes('.mkv'));
  assert.match((await call('GET', '/api/v1/me/export', { as: 'admin' })).text, /"progress":\[\],"history":\[\]/);
  assert.deepEqual((await call('POST', '/api/v1/me/import', { body: file })).body, {
    imported: 0,
    unchanged: 2,
    history: 0,
    refused: 0,
    rows: [],
  });
  for (const { id } of films) await call('DELETE', `/api/v1/media/${id}/progress`);
  await call('DELETE', '/api/v1/me/history');
  limits = { libraryIds: [films[0]?.libraryId ?? hidden] };
  const { body } = await call('POST', '/api/v1/me/import', { body: file });
  assert.deepEqual([body.imported, body.history, body.rows[0]?.reason], [1, 2, 'no such title']);
  assert.equal((await call('GET', `/api/v1/media/${films[0]?.id}/progress`)).body.watched, true);
  const many = { ...file, progress: Array.from({ length: 2_000 }, (_, at) => ({ ...file.progress[0], updatedAtMs: at })) };
  assert.equal((await call('POST', '/api/v1/me/import', { body: many })).status, 200, 'more than other bodies may have');
  assert.equal(
    (await call('POST', '/api/v1/me/import', { body: { ...file, username: 'x'.repeat(5_000_000) } })).body.code,
    'BODY_TOO_LARGE',
  );
  assert.equal((await call('POST', '/api/v1/me/import', { body: { format: 'other', progress: [] } })).status, 400);
});
