// How far users have come: whoever writes what, in whatever order, over a real store.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newUserId, type UserId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { openDatabase } from '#storage/database.ts';
import { randomOf, savedIn, startProgress } from './support.ts';

const PAGE = { limit: 50, cursor: null };
const SHOWN = { all: false, isShown: () => true };
const MINUTE = 60_000;

test('progress: fifty users send positions in two hundred films at once, and each record is its user’s last', async t => {
  const { saved, database, film } = await startProgress(t);
  const users = Array.from({ length: 50 }, newUserId);
  const films: Media[] = [];
  for (let count = 0; count < 200; count++) films.push(...(await film(`Film ${count}`)));
  const random = randomOf(1);
  const last = new Map<string, number>();
  const writes: Promise<unknown>[] = [];
  for (let count = 0; count < 40_000; count++) {
    const [user, media] = [users[random(users.length)] as UserId, films[random(films.length)] as Media];
    const positionMs = 1 + random(800_000);
    last.set(`${user} ${media.id}`, positionMs);
    writes.push(random(4) === 0 ? saved.save(user, media, { positionMs }) : saved.beat(user, media, { positionMs }));
    // So that transactions end in the midst of them.
    if (count % 500 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  await Promise.all(writes);
  const found = new Map(
    users.flatMap(user => [...database.progress.ofUser(user)].map(entry => [`${user} ${entry.mediaId}`, entry.progress.positionMs])),
  );
  assert.deepEqual(found, last);
  assert.ok(last.size > 9_000, `${last.size} records`);
});

test('progress: whoever writes, the later time stands, and what stands is answered', async t => {
  const { saved, film } = await startProgress(t);
  const [user, [media]] = [newUserId(), await film('Film')];
  assert.ok(media);
  const now = Date.now();
  await saved.save(user, media, { positionMs: 5 * MINUTE, updatedAtMs: now - 1_000 });
  assert.equal((await saved.save(user, media, { positionMs: 1, updatedAtMs: now - 2_000 })).positionMs, 5 * MINUTE);
  await saved.beat(user, media, { positionMs: 2, updatedAtMs: now - 3_000 });
  assert.equal(saved.get(user, media.id)?.positionMs, 5 * MINUTE);
  await saved.beat(user, media, { positionMs: 6 * MINUTE });
  assert.equal(saved.get(user, media.id)?.positionMs, 6 * MINUTE);
  const ahead = await saved.save(user, media, { positionMs: 7 * MINUTE, updatedAtMs: now + 365 * 24 * 60 * MINUTE });
  assert.ok(ahead.updatedAtMs <= Date.now());
  assert.equal((await saved.save(user, media, { positionMs: 8 * MINUTE })).positionMs, 8 * MINUTE);
});

test('progress: the server’s clock was wrong by a year and is set right: what is watched now is saved', async t => {
  let now = Date.UTC(2027, 0, 1);
  const { saved, film } = await startProgress(t, { now: () => now });
  const [user, [media]] = [newUserId(), await film('Film')];
  assert.ok(media);
  await saved.beat(user, media, { positionMs: MINUTE });
  now = Date.UTC(2026, 0, 1);
  await saved.beat(user, media, { positionMs: 2 * MINUTE });
  assert.deepEqual([saved.get(user, media.id)?.positionMs, saved.get(user, media.id)?.updatedAtMs], [2 * MINUTE, now]);
});

test('progress: versions of a film share it: one entry, the newest; forgotten and hidden together', async t => {
  const { saved, film } = await startProgress(t);
  const [user, [sharp, small], [other]] = [newUserId(), await film('Film', 2), await film('Other')];
  assert.ok(sharp && small && other);
  const titles = () => saved.list(user, PAGE, SHOWN).items.map(({ mediaId, progress }) => [mediaId, progress.positionMs]);
  await saved.beat(user, sharp, { positionMs: 2 * MINUTE, updatedAtMs: 1_000 });
  await saved.beat(user, other, { positionMs: 2 * MINUTE, updatedAtMs: 2_000 });
  await saved.beat(user, small, { positionMs: 3 * MINUTE, updatedAtMs: 3_000 });
  assert.deepEqual(titles(), [
    [small.id, 3 * MINUTE],
    [other.id, 2 * MINUTE],
  ]);
  assert.equal(saved.ofItem(user, sharp)?.progress.positionMs, 3 * MINUTE);
  await saved.hide(user, sharp.id);
  assert.deepEqual(titles(), [[other.id, 2 * MINUTE]]);
  assert.equal(saved.ofItem(user, sharp)?.progress.positionMs, 3 * MINUTE, 'how far the viewer is stays');
  assert.equal(saved.list(user, PAGE, { ...SHOWN, all: true }).items.length, 2);
  await saved.save(user, sharp, { positionMs: 9 * MINUTE, updatedAtMs: 500 });
  assert.equal(titles().length, 1, 'what is older says nothing new');
  await saved.beat(user, sharp, { positionMs: 4 * MINUTE });
  assert.deepEqual(titles()[0], [sharp.id, 4 * MINUTE]);
  await saved.save(user, small, { watched: true });
  assert.deepEqual(titles(), [[other.id, 2 * MINUTE]], 'watched in another version');
  await saved.forget(user, sharp.id);
  assert.equal(saved.ofItem(user, small), null);
});

test('progress: what is hardly begun, at its end, or a trailer is not to be continued', async t => {
  const { saved, film } = await startProgress(t);
  const user = newUserId();
  const titled = async (title: string, positionMs: number, changes: Partial<Media> = {}) => {
    const [media] = await film(title, 1, changes);
    assert.ok(media);
    await saved.beat(user, media, { positionMs });
  };
  await titled('Opened', 29_999);
  await titled('Begun', 30_000);
  await titled('Nearly seen', 899_999);
  await titled('Seen', 900_000);
  await titled('Trailer', 60_000, { extra: 'trailer' });
  const titles = (all: boolean) => saved.list(user, PAGE, { ...SHOWN, all }).items.map(({ media }) => media.title);
  assert.deepEqual(titles(false).sort(), ['Begun', 'Nearly seen']);
  assert.equal(titles(true).length, 5);
});

test('progress: history tells what was watched, once each time, and keeps a bounded number', async t => {
  const { saved, database, film } = await startProgress(t);
  const [user, [media]] = [newUserId(), await film('Film')];
  assert.ok(media);
  const history = () => saved.history(user, PAGE).items.map(({ kind, atMs, title }) => [kind, atMs, title]);
  for (const [positionMs, updatedAtMs] of [
    [MINUTE, 1_000],
    [950_000, 2_000],
    [980_000, 3_000],
    [MINUTE, 4_000],
    [990_000, 5_000],
  ] as const)
    await saved.beat(user, media, { positionMs, updatedAtMs });
  assert.deepEqual(history(), [
    ['watched', 5_000, 'Film'],
    ['watched', 2_000, 'Film'],
  ]);
  await saved.ended(user, media, 5_000);
  await saved.ended(user, media, 990_000);
  assert.equal(history().length, 2, 'neither hardly begun nor told twice');
  await saved.ended(user, media, 5 * MINUTE);
  assert.equal(history()[0]?.[0], 'played');
  const [entry] = saved.history(user, PAGE).items;
  assert.ok(entry);
  await database.progress.change(tx => {
    for (let atMs = 10_000; atMs < 20_100; atMs++) database.history.addIn(tx, user, { ...entry, atMs });
    assert.equal(database.history.addIn(tx, user, { ...entry, atMs: 20_099 }), false, 'the same entry twice is one');
  });
  const kept = [...database.history.ofUser(user)];
  assert.equal(kept.length, 10_000);
  assert.ok(!kept.some(({ atMs }) => atMs < 10_000), 'the oldest go');
  assert.equal(kept[0]?.atMs, entry.atMs, 'the newest stay');
  const first = saved.history(user, { limit: 3, cursor: null });
  const second = saved.history(user, { limit: 3, cursor: first.nextCursor });
  assert.equal(new Set([...first.items, ...second.items].map(({ atMs }) => atMs)).size, 6);
  await saved.forgetHistory(user);
  assert.deepEqual([saved.history(user, PAGE).items.length, saved.get(user, media.id)?.positionMs], [0, 990_000]);
});

test('progress: what waits to be written is in the store when closing has ended', async t => {
  const { saved, dataDir, database, films, film } = await startProgress(t);
  const [user, [media]] = [newUserId(), await film('Film')];
  assert.ok(media);
  const writes = Array.from({ length: 30 }, (_, at) => saved.beat(user, media, { positionMs: at }));
  await new Promise(resolve => setImmediate(resolve));
  writes.push(saved.beat(user, media, { positionMs: 777_000 }));
  await saved.close();
  await database.close();
  await Promise.all(writes);
  const again = await openDatabase(dataDir);
  t.after(() => again.close());
  assert.equal(savedIn(again, films).get(user, media.id)?.positionMs, 777_000);
});
