// Files that are renamed, moved, copied, replaced and taken away between scans, and who they are then.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newLibraryId, newUserId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import { makeWorld, scanToEnd, type World } from '../support.ts';
import { stubInspector, writeStub } from './stub-films.ts';

const JPEG = Buffer.from('a picture');

async function stubWorld(t: TestContext, files: readonly string[]): Promise<World & { readonly asked: string[] }> {
  const { inspected: asked, inspect } = stubInspector();
  const world = await makeWorld(t, { inspect, cut: async () => JPEG });
  for (const name of files) await writeStub(world.root, name);
  await world.scan();
  asked.length = 0;
  return { ...world, asked };
}

const byName = (world: World) => Object.fromEntries(world.media().map(media => [media.name, media]));
const idsByName = (world: World) => Object.fromEntries(world.media().map(({ name, id }) => [name, id]));

test('moves: a renamed file and a moved folder keep id, progress, poster and the time they were added, and nothing is probed', async t => {
  const world = await stubWorld(t, ['a.mkv', 'Old/b.mkv', 'Old/Deep/c.mkv', 'stays.mkv']);
  const before = byName(world);
  const userId = newUserId();
  for (const { id } of world.media()) {
    await world.database.progress.put(userId, id, { positionMs: 5, durationMs: 10, watched: false, updatedAtMs: 1 });
  }
  await rename(join(world.root, 'a.mkv'), join(world.root, 'Better Name (1999).mkv'));
  await rename(join(world.root, 'Old'), join(world.root, 'New'));
  const status = await world.scan();
  assert.deepEqual([status.moved, status.unchanged, status.probed, status.removed, world.asked.length], [3, 1, 0, 0, 0]);
  const after = byName(world);
  const pairs = [
    ['a.mkv', 'Better Name (1999).mkv'],
    ['Old/b.mkv', 'New/b.mkv'],
    ['Old/Deep/c.mkv', 'New/Deep/c.mkv'],
  ] as const;
  for (const [old, now] of pairs) {
    assert.deepEqual([after[now]?.id, after[now]?.addedAtMs, after[now]?.hasPoster], [before[old]?.id, before[old]?.addedAtMs, true], now);
    assert.equal(after[now]?.path, join(world.root, now));
    const media = after[now];
    assert.ok(media);
    assert.ok(await world.posters.has(media));
    assert.equal(world.database.progress.get(userId, media.id)?.positionMs, 5);
  }
  assert.deepEqual([after['Better Name (1999).mkv']?.title, after['Better Name (1999).mkv']?.year], ['Better Name', 1999]);
  // And once more to where it came from, while somebody else is at the place in between.
  await rename(join(world.root, 'New'), join(world.root, 'Old'));
  await writeStub(world.root, 'New/b.mkv', 'another');
  await world.scan();
  const third = byName(world);
  assert.equal(third['Old/b.mkv']?.id, before['Old/b.mkv']?.id);
  assert.equal(new Set(world.media().map(({ id }) => id)).size, 5);
});

test('moves: a copy is a new media, a replaced file keeps its id, and two that change places are who they were', async t => {
  const world = await stubWorld(t, ['a.mkv', 'b.mkv', 'c.mkv']);
  const before = idsByName(world);
  await copyFile(join(world.root, 'a.mkv'), join(world.root, 'copy.mkv'));
  await writeFile(join(world.root, 'b.mkv'), 'replaced');
  assert.deepEqual((await world.scan()).probed, 2);
  const after = idsByName(world);
  assert.deepEqual([after['a.mkv'], after['b.mkv']], [before['a.mkv'], before['b.mkv']]);
  assert.ok(!Object.values(before).includes(after['copy.mkv'] ?? before['a.mkv'] ?? ('' as never)));
  await utimes(join(world.root, 'c.mkv'), 2000, 2000);
  await world.scan();
  await rename(join(world.root, 'b.mkv'), join(world.root, 'x'));
  await rename(join(world.root, 'c.mkv'), join(world.root, 'b.mkv'));
  await rename(join(world.root, 'x'), join(world.root, 'c.mkv'));
  world.asked.length = 0;
  assert.equal((await world.scan()).moved, 2);
  const swapped = idsByName(world);
  assert.deepEqual([swapped['b.mkv'], swapped['c.mkv'], world.asked.length], [before['c.mkv'], before['b.mkv'], 0]);
});

test('moves: who went away comes back as who he was, at his place and elsewhere, with the time he was added', async t => {
  const world = await stubWorld(t, ['a.mkv', 'b.mkv', 'stays.mkv']);
  const before = byName(world);
  const aside = `${world.root}-aside`;
  await mkdir(aside);
  for (const name of ['a.mkv', 'b.mkv']) await rename(join(world.root, name), join(aside, name));
  assert.equal((await world.scan()).removed, 2);
  assert.equal(world.database.goneMedia.count(), 2);
  await writeStub(world.root, 'a.mkv', 'a better encode of it');
  await rename(join(aside, 'b.mkv'), join(world.root, 'elsewhere.mkv'));
  await world.scan();
  const after = byName(world);
  assert.deepEqual([after['a.mkv']?.id, after['elsewhere.mkv']?.id], [before['a.mkv']?.id, before['b.mkv']?.id]);
  assert.equal(after['elsewhere.mkv']?.addedAtMs, before['b.mkv']?.addedAtMs);
  assert.equal(world.database.goneMedia.count(), 0);
});

test('moves: a file that moves to another library takes its id along, whichever of the two is scanned first', async t => {
  const world = await stubWorld(t, ['a.mkv', 'stays.mkv']);
  const other: Library = { ...world.library, id: newLibraryId(), name: 'Other', paths: [`${world.root}-other`] };
  await mkdir(`${world.root}-other`);
  await writeStub(`${world.root}-other`, 'theirs.mkv');
  await world.database.libraries.put(other);
  await scanToEnd(world.scanner, other);
  const id = idsByName(world)['a.mkv'];
  await rename(join(world.root, 'a.mkv'), join(`${world.root}-other`, 'a.mkv'));
  await scanToEnd(world.scanner, other);
  assert.deepEqual([...world.database.media.ofLibrary(other.id)].map(media => media.id).includes(id ?? ('' as never)), true);
  assert.deepEqual([(await world.scan()).removed, Object.keys(idsByName(world))], [0, ['stays.mkv']]);
});

test('moves: a scan of an unchanged library writes nothing to the store and probes nothing', async t => {
  const world = await stubWorld(t, ['a.mkv', 'Show/Season 1/b.mkv', 'Show/Season 1/b.de.srt']);
  const { writeCount } = world.database;
  const status = await world.scan();
  assert.deepEqual([status.unchanged, status.moved, world.asked.length, world.database.writeCount - writeCount], [2, 0, 0, 0]);
  await writeStub(world.root, 'new.mkv');
  await world.scan();
  assert.ok(world.database.writeCount > writeCount);
});

test('moves: a scan that was stopped goes on from where it was', async t => {
  const { inspected, inspect } = stubInspector();
  const { promise: third, resolve } = Promise.withResolvers<void>();
  let isHeld = true;
  const world = await makeWorld(t, {
    cut: async () => JPEG,
    parallel: 1,
    inspect: async (id, path, signal) => {
      if (isHeld && inspected.length === 2) {
        resolve();
        return await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      }
      return await inspect(id, path);
    },
  });
  for (const name of ['a.mkv', 'b.mkv', 'c.mkv', 'd.mkv']) await writeStub(world.root, name);
  world.scanner.start(world.library);
  await third;
  assert.equal(world.scanner.cancel(world.library.id), true);
  const stopped = await world.scanner.whenDone(world.library.id);
  assert.deepEqual([stopped.state, stopped.errors.map(({ code }) => code), stopped.probed], ['failed', ['CANCELLED'], 2]);
  isHeld = false;
  const status = await world.scan();
  assert.deepEqual([status.unchanged, status.probed, inspected.length], [2, 2, 4]);
  assert.equal(world.scanner.cancel(world.library.id), false);
});

test('moves: what went away leaves nothing behind but who it was, and removing everything empties the indexes', async t => {
  const world = await stubWorld(t, ['a.mkv', 'Folder/b.mkv']);
  const { places } = world.database.media;
  assert.equal([...places.below(world.library.id, 'Folder')].length, 1);
  assert.equal([...places.below(world.library.id, '')].length, 2);
  await rm(join(world.root, 'Folder'), { recursive: true });
  await world.scan();
  assert.deepEqual([...places.below(world.library.id, 'Folder')], []);
  assert.equal((await readdir(join(world.dataDir, 'posters'))).length, 1);
});
