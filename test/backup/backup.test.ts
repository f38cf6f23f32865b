// What a backup holds and what a restore refuses: real folders, real stores, no server.
import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { backUp } from '#src/backup/backup.ts';
import { restore } from '#src/backup/restore.ts';
import { DataFolder } from '#src/data-folder.ts';
import { openDatabase } from '#storage/database.ts';
import { FolderLock } from '#storage/folder-lock.ts';
import { aMedia } from '../storage/support.ts';
import { temporaryFolder } from '../support/server.ts';

type World = { readonly scratch: string; readonly dataDir: string; readonly target: string; readonly film: ReturnType<typeof aMedia> };

const foldersOf = (dataDir: string) => ({ dataDir, cacheDir: join(dataDir, 'cache') });
const backUpTo = ({ dataDir }: World, target: string) => backUp({ ...foldersOf(dataDir), target, withPreviews: false, program: 'test' });
const restoreTo = (source: string, dataDir: string, replaces = false) => restore({ ...foldersOf(dataDir), source, replaces });

/** A data folder as a server leaves it, and where its backup is to go. */
async function makeWorld(t: TestContext): Promise<World> {
  const scratch = await temporaryFolder(t);
  const dataDir = join(scratch, 'data');
  const database = await openDatabase(dataDir);
  const film = aMedia('film');
  await database.media.put(film);
  await database.close();
  const files = {
    'keys/a.json': 'a key',
    'posters/p.jpg': 'a poster',
    'something-new/deep/er/file': 'of a later version',
    'cache/a0/segment': 'derived',
    'previews/tiles': 'derived',
    'posters/half.tmp': 'unfinished',
    'ferrite.lock': '',
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(dataDir, path, '..'), { recursive: true });
    await writeFile(join(dataDir, path), content);
  }
  return { scratch, dataDir, target: join(scratch, 'backups', 'today'), film };
}

async function tree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const editManifest = async (target: string, edit: (manifest: Record<string, unknown>) => unknown): Promise<void> => {
  const path = join(target, 'manifest.json');
  await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, 'utf8')))));
};

test('backup: holds the store and every file that is not made anew from it, for nobody else to read, and comes back as it was', async t => {
  const world = await makeWorld(t);
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const { files } = await backUpTo(world, world.target);
  const kept = ['ferrite.lmdb', 'keys/a.json', 'posters/p.jpg', 'something-new/deep/er/file'];
  assert.deepEqual(await tree(world.target), [...kept.map(path => `data/${path}`), 'manifest.json']);
  assert.equal(files, kept.length);
  const restored = join(world.scratch, 'restored');
  assert.equal((await restoreTo(world.target, restored)).aside, null);
  assert.deepEqual(await tree(restored), ['ferrite.lmdb', 'ferrite.lock', ...kept.slice(1)]);
  for (const folder of [world.target, restored]) {
    const names = ['.', ...(await readdir(folder, { recursive: true }))];
    for (const name of names) assert.equal((await lstat(join(folder, name))).mode & 0o077, 0, `${folder}/${name}`);
  }
  const data = await DataFolder.open(foldersOf(restored));
  assert.deepEqual(data.database.media.get(world.film.id), world.film);
  await data.close();
});

test('backup: never goes where something is, nor into the folder that it is of, and one that was not finished is none', async t => {
  const world = await makeWorld(t);
  await backUpTo(world, world.target);
  await assert.rejects(backUpTo(world, world.target), /holds a backup already/);
  await rm(join(world.target, 'manifest.json'));
  await assert.rejects(backUpTo(world, world.target), /not finished/);
  await assert.rejects(restoreTo(world.target, join(world.scratch, 'new')), /is no backup, or one that was not finished/);
  await assert.rejects(backUpTo(world, join(world.scratch, 'backups')), /not empty/);
  await symlink(world.dataDir, join(world.scratch, 'link'));
  for (const inside of [world.dataDir, join(world.dataDir, 'a', 'b'), join(world.scratch, 'link', 'a')])
    await assert.rejects(backUpTo(world, inside), /would lie in the data folder/);
  await assert.rejects(backUpTo({ ...world, dataDir: world.scratch }, join(world.scratch, 'x')), /no store/);
  assert.deepEqual((await readdir(world.scratch)).sort(), ['backups', 'data', 'link'], 'nothing was left of what was refused');
});

test('backup: a store that is damaged is told of, not copied', async t => {
  const world = await makeWorld(t);
  const store = join(world.dataDir, 'ferrite.lmdb');
  await writeFile(store, (await readFile(store)).subarray(0, 9_000));
  await assert.rejects(backUpTo(world, world.target), { kind: 'damaged' });
  assert.ok(!(await readdir(world.scratch)).includes('backups'));
});

const damages: Readonly<Record<string, (target: string) => Promise<unknown>>> = {
  'a byte of a key has changed': target => writeFile(join(target, 'data/keys/a.json'), 'b key'),
  'a poster has grown': target => writeFile(join(target, 'data/posters/p.jpg'), 'a poster and more'),
  'a file is missing': target => rm(join(target, 'data/something-new/deep/er/file')),
  'the store is missing': target => rm(join(target, 'data/ferrite.lmdb')),
  'a byte of the store has changed': async target => {
    const path = join(target, 'data/ferrite.lmdb');
    const bytes = await readFile(path);
    bytes[bytes.byteLength - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);
  },
  'the manifest is cut short': async target => {
    const path = join(target, 'manifest.json');
    await writeFile(path, (await readFile(path)).subarray(0, 100));
  },
  'the manifest is no object': target => editManifest(target, () => 'x'),
  'the manifest names no store': target => editManifest(target, manifest => ({ ...manifest, files: [] })),
  'the manifest names a file outside': target =>
    editManifest(target, manifest => ({
      ...manifest,
      files: [...(manifest.files as object[]), { path: '../outside', byteLength: 0, sha256: '' }],
    })),
};

test('restore: a backup that is not as it was written is refused, and nothing is begun', async t => {
  for (const [what, damage] of Object.entries(damages)) {
    await t.test(what, async t => {
      const world = await makeWorld(t);
      await backUpTo(world, world.target);
      await damage(world.target);
      await assert.rejects(restoreTo(world.target, join(world.scratch, 'new')), { kind: 'damaged' });
      const before = await tree(world.dataDir);
      await assert.rejects(restoreTo(world.target, world.dataDir, true), { kind: 'damaged' });
      assert.deepEqual(await tree(world.dataDir), before);
      assert.ok(!(await readdir(world.scratch)).includes('new'));
    });
  }
});

test('restore: a backup of a newer version is refused and left as it is, and so is the data folder', async t => {
  const world = await makeWorld(t);
  await backUpTo(world, world.target);
  const original = JSON.parse(await readFile(join(world.target, 'manifest.json'), 'utf8')) as { recordFormats: Record<string, number> };
  const newer = [
    { format: 2, program: '9.0.0', files: 'in another form' },
    { ...original, recordFormats: { ...original.recordFormats, media: 1_000 } },
    { ...original, recordFormats: { ...original.recordFormats, 'of a later version': 1 } },
  ];
  for (const manifest of newer) {
    await editManifest(world.target, () => manifest);
    const before = [await tree(world.dataDir), await tree(world.target)];
    await assert.rejects(restoreTo(world.target, world.dataDir, true), { kind: 'refused', message: /newer version/ });
    await assert.rejects(restoreTo(world.target, join(world.scratch, 'new')), /newer version/);
    assert.deepEqual([await tree(world.dataDir), await tree(world.target)], before);
  }
  assert.ok(!(await readdir(world.scratch)).includes('new'));
});

test('restore: a folder that is not empty is replaced only where it is said, and what was in it stays aside; never under a server', async t => {
  const world = await makeWorld(t);
  await backUpTo(world, world.target);
  await writeFile(join(world.dataDir, 'keys', 'later.json'), 'made since');
  await assert.rejects(restoreTo(world.target, world.dataDir), /not empty/);
  const lock = FolderLock.take(world.dataDir);
  await assert.rejects(restoreTo(world.target, world.dataDir, true), { kind: 'in use' });
  lock?.release();
  const { aside } = await restoreTo(world.target, world.dataDir, true);
  assert.ok(aside !== null);
  assert.equal(await readFile(join(aside, 'keys', 'later.json'), 'utf8'), 'made since');
  assert.ok((await tree(aside)).includes('ferrite.lmdb'));
  assert.deepEqual(await readdir(join(world.dataDir, 'keys')), ['a.json']);
  assert.deepEqual(await readdir(join(world.dataDir, 'cache')), ['a0'], 'the cache is left where it is');
  // What lies aside is no part of the next backup.
  const { files } = await backUpTo(world, join(world.scratch, 'next'));
  assert.equal(files, 4);
});

test('restore: one that was interrupted is noticed by the server, and done again', async t => {
  const world = await makeWorld(t);
  await backUpTo(world, world.target);
  await writeFile(join(world.dataDir, 'unfinished-restore'), '');
  await mkdir(join(world.dataDir, 'restoring-abc'));
  await assert.rejects(DataFolder.open(foldersOf(world.dataDir)), /run "ferrite restore"/);
  await restoreTo(world.target, world.dataDir, true);
  assert.deepEqual(
    (await readdir(world.dataDir)).filter(name => /restor/.test(name)),
    [],
  );
  await (await DataFolder.open(foldersOf(world.dataDir))).close();
});
