// Disks that are not mounted and shares that do not answer: what lay on them is unknown, not gone.
import assert from 'node:assert/strict';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeWorld } from '../support.ts';
import { stubInspector, writeStub } from './stub-films.ts';

const stubWorld = async (t: Parameters<typeof makeWorld>[0]) =>
  await makeWorld(t, { inspect: stubInspector().inspect, cut: async () => Buffer.from('x') });

test('mounts: a folder that lies on another device than it did has lost no film, unless one of them is still there', async t => {
  const world = await stubWorld(t);
  for (const name of ['a.mkv', 'b.mkv']) await writeStub(world.root, name);
  await world.scan();
  const { id } = world.library;
  const { dev } = await lstat(world.root);
  assert.deepEqual(world.database.libraryDevices.get(id), { [world.root]: dev });
  // As if the disk had been another: its folder holds somebody else's files by now.
  await world.database.libraryDevices.put(id, { [world.root]: dev + 1 });
  for (const name of ['a.mkv', 'b.mkv']) await rename(join(world.root, name), join(world.root, `.${name}`));
  await writeStub(world.root, 'other.mkv');
  assert.deepEqual([(await world.scan()).removed, world.media().length], [0, 3]);
  await world.database.libraryDevices.put(id, { [world.root]: dev + 1 });
  await rename(join(world.root, '.a.mkv'), join(world.root, 'a.mkv'));
  assert.deepEqual([(await world.scan()).removed, world.media().length], [1, 2]);
  assert.deepEqual(world.database.libraryDevices.get(id), { [world.root]: dev });
});

test('mounts: a disk that is not mounted somewhere below has lost no film, and films beside it are gone when they are', async t => {
  const world = await stubWorld(t);
  for (const name of ['Disk/a.mkv', 'Disk/Deep/b.mkv', 'gone.mkv', 'stays.mkv']) await writeStub(world.root, name);
  await world.scan();
  const { dev } = await lstat(world.root);
  await world.database.libraryDevices.put(world.library.id, { [world.root]: dev, [join(world.root, 'Disk')]: dev + 1 });
  await rename(join(world.root, 'Disk'), join(world.root, '.Disk'));
  await rm(join(world.root, 'gone.mkv'));
  const kept = (): string[] => world.media().map(({ name }) => name);
  assert.equal((await world.scan()).removed, 1);
  await mkdir(join(world.root, 'Disk'));
  assert.equal((await world.scan()).removed, 0);
  assert.deepEqual(new Set(kept()), new Set(['Disk/a.mkv', 'Disk/Deep/b.mkv', 'stays.mkv']));
});

test('mounts: nobody takes the id of a film whose disk is not there for now', async t => {
  const world = await stubWorld(t);
  await writeStub(world.root, 'a.mkv', 'the same bytes');
  await world.scan();
  const [first] = world.media();
  const other = { ...world.library, id: 'other-library' as typeof world.library.id, name: 'Other', paths: [`${world.root}-other`] };
  await writeStub(`${world.root}-other`, 'copy.mkv', 'the same bytes');
  await world.database.libraries.put(other);
  await rename(world.root, `${world.root}-unmounted`);
  await mkdir(world.root);
  world.scanner.start(other);
  await world.scanner.whenDone(other.id);
  const [copy] = [...world.database.media.ofLibrary(other.id)];
  assert.ok(copy && first && copy.id !== first.id);
  assert.equal(world.media().length, 1);
});
