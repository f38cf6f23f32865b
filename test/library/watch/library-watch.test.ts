// Real folders under a real watcher: what comes, changes, moves and goes is noticed, and only what changed is read.
import assert from 'node:assert/strict';
import { appendFile, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LibraryWatch, type WatchOptions } from '#library/watch/library-watch.ts';
import { until } from '../../support/until.ts';
import { stubInspector, writeStub } from '../scan/stub-films.ts';
import { makeWorld } from '../support.ts';

const DEADLINE_MS = 60_000;

async function watched(t: TestContext, files: readonly string[], changes: Partial<WatchOptions> = {}) {
  const { inspected, inspect } = stubInspector();
  const world = await makeWorld(t, { inspect, cut: async () => Buffer.from('x') });
  for (const name of files) await writeStub(world.root, name);
  await world.scan();
  inspected.length = 0;
  const beside: string[] = [];
  const watch = new LibraryWatch(world.library, {
    mode: 'auto',
    pollMs: 3_600_000,
    scanner: world.scanner,
    places: world.database.media.places,
    onBesideChanged: id => void beside.push(world.database.media.get(id)?.name ?? id),
    log: { info: () => undefined, warn: () => undefined },
    ...{ settleMs: 100, quietMs: 50, gatherMs: 500, checkMs: 50 },
    ...changes,
  });
  t.after(() => watch.close());
  await watch.whenOpen();
  const names = (): string[] =>
    world
      .media()
      .map(({ name }) => name)
      .toSorted();
  const idOf = (name: string) => world.media().find(media => media.name === name)?.id;
  const see = (wanted: readonly string[], what: string) =>
    until(async () => names().join('\n') === wanted.toSorted().join('\n'), what, DEADLINE_MS);
  return { ...world, inspected, watch, beside, names, idOf, see };
}

test('watch: files that come, change, are renamed and go away are noticed, and those alone are read whose bytes changed', async t => {
  const world = await watched(t, ['a.mkv', 'Folder/b.mkv', 'Folder/Deep/c.mkv', 'stays.mkv']);
  const scanId = world.scanner.status(world.library.id).scanId;
  const ids = ['a.mkv', 'Folder/b.mkv', 'Folder/Deep/c.mkv'].map(world.idOf);
  await writeStub(world.root, 'new.mkv');
  await rename(join(world.root, 'a.mkv'), join(world.root, 'renamed.mkv'));
  await rename(join(world.root, 'Folder'), join(world.root, 'Moved'));
  await world.see(['new.mkv', 'renamed.mkv', 'Moved/b.mkv', 'Moved/Deep/c.mkv', 'stays.mkv'], 'what was renamed is listed');
  assert.deepEqual(['renamed.mkv', 'Moved/b.mkv', 'Moved/Deep/c.mkv'].map(world.idOf), ids);
  assert.deepEqual(world.inspected, [join(world.root, 'new.mkv')]);
  await rm(join(world.root, 'Moved'), { recursive: true });
  await appendFile(join(world.root, 'new.mkv'), 'more');
  await world.see(['new.mkv', 'renamed.mkv', 'stays.mkv'], 'what was deleted is gone');
  await until(async () => world.inspected.length === 2, 'what was written is read again', DEADLINE_MS);
  assert.equal(world.database.goneMedia.count(), 2);
  assert.equal(world.scanner.status(world.library.id).scanId, scanId);
  const { probed, moved, removed, roots } = world.watch.status;
  assert.deepEqual([probed, moved, removed, roots.map(({ mode }) => mode)], [2, 3, 2, ['events']]);
});

test('watch: a folder that is made and filled at once is found whole', async t => {
  const world = await watched(t, ['stays.mkv']);
  const names = Array.from({ length: 201 }, (_, at) => `New/${at % 7}/${at}.mkv`);
  await Promise.all(names.map(name => writeStub(world.root, name)));
  await world.see([...names, 'stays.mkv'], 'all are listed');
  assert.equal(new Set(world.inspected).size, 201);
});

test('watch: what lies beside a film changes its record alone, and nothing is read', async t => {
  const world = await watched(t, ['One/a.mkv', 'Two/b.mkv']);
  const version = world.database.media.get(world.idOf('Two/b.mkv') ?? ('' as never));
  const sidecars = () => world.media().find(({ name }) => name === 'One/a.mkv')?.sidecars.length;
  await mkdir(join(world.root, 'One/Subs'));
  await writeFile(join(world.root, 'One/a.de.srt'), '1\n00:00:01,000 --> 00:00:02,000\nJa\n');
  await writeFile(join(world.root, 'One/Subs/en.srt'), '1\n00:00:01,000 --> 00:00:02,000\nYes\n');
  await writeFile(join(world.root, 'One/a.nfo'), '<movie/>');
  await until(async () => sidecars() === 2 && world.beside.length > 0, 'the subtitles are found', DEADLINE_MS);
  await rm(join(world.root, 'One/a.de.srt'));
  await until(async () => sidecars() === 1, 'those that went away are gone', DEADLINE_MS);
  assert.deepEqual([new Set(world.beside), world.inspected], [new Set(['One/a.mkv']), []]);
  assert.deepEqual(world.database.media.get(world.idOf('Two/b.mkv') ?? ('' as never)), version);
});

test('watch: a file that is still being written is read once it has come to rest', async t => {
  const world = await watched(t, ['stays.mkv'], { settleMs: 600 });
  const path = join(world.root, 'growing.mkv');
  for (let part = 0; part < 12; part++) {
    await appendFile(path, 'part');
    // Its own time says that it was written now, whatever the machine is busy with.
    await utimes(path, new Date(Date.now() + 3_600_000), new Date(Date.now() + 3_600_000 + part));
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  await world.see(['growing.mkv', 'stays.mkv'], 'it is listed');
  assert.equal(world.media().find(({ name }) => name === 'growing.mkv')?.byteLength, 48);
  assert.equal(world.inspected.length, 1);
});

test('watch: a folder that goes away takes no film along, and what has changed meanwhile is found when it is back', async t => {
  const world = await watched(t, ['a.mkv', 'b.mkv']);
  await rename(world.root, `${world.root}-away`);
  await until(async () => world.watch.status.roots[0]?.mode === 'unreachable', 'the loss is noticed', DEADLINE_MS);
  assert.deepEqual(world.names(), ['a.mkv', 'b.mkv']);
  await rm(join(`${world.root}-away`, 'a.mkv'));
  await writeStub(`${world.root}-away`, 'c.mkv');
  await rename(`${world.root}-away`, world.root);
  await world.see(['b.mkv', 'c.mkv'], 'what changed is noticed');
  assert.deepEqual(world.inspected, [join(world.root, 'c.mkv')]);
  assert.equal(world.watch.status.roots[0]?.mode, 'events');
  await writeStub(world.root, 'd.mkv');
  await world.see(['b.mkv', 'c.mkv', 'd.mkv'], 'it is listened to again');
});

test('watch: without events a folder is looked through now and then, with the same outcome, and without writes where nothing changed', async t => {
  const world = await watched(t, ['a.mkv', 'b.mkv'], { mode: 'poll', pollMs: 100 });
  const { writeCount } = world.database;
  const looks = world.watch.status.lastChangeAtMs;
  await until(async () => world.watch.status.lastChangeAtMs !== looks, 'it was looked through', DEADLINE_MS);
  assert.deepEqual([world.database.writeCount, world.inspected], [writeCount, []]);
  const id = world.idOf('a.mkv');
  await rename(join(world.root, 'a.mkv'), join(world.root, 'moved.mkv'));
  await rm(join(world.root, 'b.mkv'));
  await world.see(['moved.mkv'], 'what changed is noticed');
  assert.deepEqual([world.idOf('moved.mkv'), world.inspected], [id, []]);
});
