// Scans of real folders: what is found, what is left alone, what goes away.
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, readdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ErrorCode, FerriteError } from '#domain/errors.ts';
import { newUserId } from '#domain/ids.ts';
import type { Inspection } from '#domain/protocol.ts';
import { PosterQueue } from '#library/poster-queue.ts';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import { cutPoster } from '#workers/inspect/poster.ts';
import { makeFilm, runTool, temporaryFolder } from '../../support/run-tool.ts';
import { makeWorld, scanToEnd, within } from '../support.ts';

const cleanups: (() => Promise<void>)[] = [];
let film = '';
before(async () => {
  film = join(await temporaryFolder({ after: async clean => void cleanups.push(clean) }), 'film.mp4');
  await makeFilm(film);
});
after(async () => {
  for (const clean of cleanups) await clean();
});

const STRANGE_NAMES = ['it\'s “quoted” "twice".mp4', 'two\nlines.mkv', '-dash first.mp4', 'Élan 映画 🎬 (2001).mp4', '100% of $(x).mp4'];

test('scanner: films with strange names in nested folders are catalogued with title, poster and keyframe map', async t => {
  const world = await makeWorld(t);
  await mkdir(join(world.root, 'Deep', 'Heat (1995)'), { recursive: true });
  for (const name of [...STRANGE_NAMES, 'Deep/Heat (1995)/movie.MP4']) await copyFile(film, join(world.root, name));
  const status = await world.scan();
  assert.deepEqual([status.state, status.found, status.probed, status.failed, status.total], ['done', 6, 6, 0, 6]);
  const titles = world.media().map(({ title, year }) => `${title} ${year}`);
  assert.deepEqual(
    new Set(titles),
    new Set(['It\'s “quoted” "twice" null', 'Two Lines null', 'Dash First null', 'Élan 映画 🎬 2001', '100% Of $(x) null', 'Heat 1995']),
  );
  for (const media of world.media()) {
    assert.equal(media.hasPoster, true);
    assert.equal(world.database.keyframeMaps.get(media)?.video.keyframes.length, 3);
    assert.ok(await world.posters.has(media));
  }
  assert.ok((await readdir(join(world.dataDir, 'posters'))).every(name => name.endsWith('.jpg')));
});

test('scanner: a library of shows lists seasons and episodes, names after its own folder what nothing else names, and leaves samples out', async t => {
  const world = await makeWorld(t, { kind: 'shows' });
  await mkdir(join(world.root, 'Harbour Lights (2014)', 'Season 2', 'Sample'), { recursive: true });
  const names = ['Harbour Lights (2014)/Season 2/03.mp4', 'S01E02.mp4', 'Harbour Lights (2014)/Season 2/Sample/hl.mp4', 'sample.mp4'];
  for (const name of names) await copyFile(film, join(world.root, name));
  assert.equal((await world.scan()).found, 2);
  assert.deepEqual(
    new Set(world.media().map(({ title, year, episode }) => `${title} ${year} ${episode?.season} ${episode?.episodes}`)),
    new Set(['Harbour Lights 2014 2 3', 'films null 1 2']),
  );
});

test('scanner: broken files are listed with a reason and without the path, and the others are catalogued', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'good.mp4'));
  await copyFile(film, join(world.root, 'truncated.mp4'));
  await truncate(join(world.root, 'truncated.mp4'), 10_000);
  await writeFile(join(world.root, 'text.mkv'), 'just text');
  await writeFile(join(world.root, 'empty.avi'), '');
  await writeFile(join(world.root, 'notes.txt'), 'no film');
  const status = await world.scan();
  assert.equal(status.state, 'done');
  assert.deepEqual([status.probed, status.failed], [1, 3]);
  const reasons = new Map(status.errors.map(({ name, code, message }) => [name, `${code} ${message}`]));
  assert.match(reasons.get('truncated.mp4') ?? '', /^MEDIA_UNREADABLE .*moov/);
  assert.match(reasons.get('text.mkv') ?? '', /^MEDIA_UNREADABLE not a media file/);
  assert.match(reasons.get('empty.avi') ?? '', /^MEDIA_UNREADABLE the file is empty/);
  assert.ok(!JSON.stringify(status).includes(world.root));
  assert.equal(world.media().length, 1);
});

test('scanner: an unchanged file is not probed again, a touched one is, and keeps its id and the time it was added', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await copyFile(film, join(world.root, 'b.mp4'));
  await world.scan();
  const before = world.media();
  assert.deepEqual([world.inspected.length, (await world.scan()).unchanged], [2, 2]);
  assert.equal(world.inspected.length, 2);
  await utimes(join(world.root, 'a.mp4'), 1000, 1000);
  const status = await world.scan();
  assert.deepEqual([status.probed, status.unchanged, world.inspected.length], [1, 1, 3]);
  const old = before.find(({ path }) => path.endsWith('a.mp4'));
  const changed = world.media().find(({ path }) => path.endsWith('a.mp4'));
  assert.deepEqual([changed?.id, changed?.addedAtMs], [old?.id, old?.addedAtMs]);
  assert.notEqual(changed?.version, old?.version);
  assert.equal((await readdir(join(world.dataDir, 'posters'))).length, 2);
});

test('scanner: a lost poster or keyframe map is made again', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  const [media] = world.media();
  assert.ok(media);
  await world.posters.remove(media);
  assert.deepEqual([(await world.scan()).unchanged, world.inspected.length], [1, 1]);
  assert.ok(await world.posters.has(media));
  await world.database.keyframeMaps.remove(media.id);
  assert.equal((await world.scan()).probed, 1);
  assert.ok(world.database.keyframeMaps.get(media));
});

test('scanner: a removed file leaves the catalogue with all that was made from it, but not what was watched of it', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  const [media] = world.media();
  assert.ok(media);
  const userId = newUserId();
  await world.database.progress.put(userId, media.id, { positionMs: 5, durationMs: 10, watched: false, updatedAtMs: 1 });
  await rename(join(world.root, 'a.mp4'), join(world.root, '.a.mp4'));
  assert.equal((await world.scan()).removed, 1);
  assert.deepEqual([world.media(), world.database.keyframeMaps.get(media), await world.posters.has(media)], [[], undefined, false]);
  assert.equal(world.index.find({ text: null, libraryIds: null, sort: 'title', after: null, limit: 1, rows: 'items' }).ids.length, 0);
  await rename(join(world.root, '.a.mp4'), join(world.root, 'a.mp4'));
  await world.scan();
  assert.equal(world.media()[0]?.id, media.id);
  assert.equal(world.database.progress.get(userId, media.id)?.positionMs, 5);
});

test('scanner: a film that becomes unreadable leaves the catalogue', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  await truncate(join(world.root, 'a.mp4'), 10_000);
  const status = await world.scan();
  assert.deepEqual([status.failed, status.removed, world.media().length], [1, 1, 0]);
});

test('scanner: links are followed only inside the library, loops end, and nothing is listed twice', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'real.mp4'));
  await mkdir(join(world.root, 'folder'));
  await copyFile(film, join(world.root, 'folder', 'inner.mp4'));
  await mkdir(join(world.root, '.store'));
  await copyFile(film, join(world.root, '.store', 'stored.mp4'));
  await symlink(join(world.root, 'real.mp4'), join(world.root, 'a-link.mp4'));
  await symlink(world.root, join(world.root, 'folder', 'loop'));
  await symlink(join(world.root, '.store', 'stored.mp4'), join(world.root, 'shown.mp4'));
  await symlink(film, join(world.root, 'outside.mp4'));
  await symlink('/etc', join(world.root, 'etc'));
  await symlink(`${world.root}-sibling`, join(world.root, 'sibling'));
  await symlink(join(world.root, 'nowhere.mp4'), join(world.root, 'broken.mp4'));
  const status = await world.scan();
  assert.deepEqual(
    world.media().map(({ title }) => title),
    ['Inner', 'Real', 'Shown'],
  );
  const messages = new Map(status.errors.map(({ name, message }) => [name, message]));
  assert.match(messages.get('outside.mp4') ?? '', /out of the library/);
  assert.match(messages.get('etc') ?? '', /out of the library/);
  assert.match(messages.get('broken.mp4') ?? '', /nowhere/);
  assert.ok(!world.inspected.includes(film));
});

test('scanner: a folder that is missing fails the scan and takes nothing out of the catalogue', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  await rename(world.root, `${world.root}-unmounted`);
  const status = await world.scan();
  assert.equal(status.state, 'failed');
  assert.deepEqual(
    status.errors.map(({ name, code, message }) => [name, code, message]),
    [['', 'MEDIA_UNREADABLE', 'a folder of the library is missing or can not be read']],
  );
  assert.equal(world.media().length, 1);
});

test('scanner: a folder in which there is nothing at all, as of a drive that is not mounted, loses no film', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  await rename(world.root, `${world.root}-unmounted`);
  await mkdir(world.root);
  assert.deepEqual([(await world.scan()).removed, world.media().length], [0, 1]);
  await writeFile(join(world.root, 'lost+found'), '');
  assert.deepEqual([(await world.scan()).removed, world.media().length], [1, 0]);
});

// The superuser reads every folder.
test('scanner: a folder inside that can not be read is listed, and its films stay', { skip: process.getuid?.() === 0 }, async t => {
  const world = await makeWorld(t);
  await mkdir(join(world.root, 'locked'));
  await copyFile(film, join(world.root, 'locked', 'a.mp4'));
  await world.scan();
  await chmod(join(world.root, 'locked'), 0);
  const status = await world.scan();
  await chmod(join(world.root, 'locked'), 0o755);
  assert.deepEqual([status.state, status.removed, world.media().length], ['done', 0, 1]);
  assert.deepEqual(
    status.errors.map(({ name, message }) => [name, message]),
    [['locked', 'the folder can not be read']],
  );
});

test('scanner: two folders of a library may hold files of the same name', async t => {
  const world = await makeWorld(t, { paths: root => [join(root, 'one'), join(root, 'two')] });
  for (const folder of ['one', 'two']) {
    await mkdir(join(world.root, folder));
    await copyFile(film, join(world.root, folder, 'same.mp4'));
  }
  await world.scan();
  assert.equal(new Set(world.media().map(({ id }) => id)).size, 2);
  assert.equal((await world.scan()).unchanged, 2);
});

/** Inspections that wait until they are told to go on. */
function heldInspections() {
  const waiting: { path: string; reject: (error: unknown) => void }[] = [];
  const { promise: bothWaiting, resolve } = Promise.withResolvers<void>();
  const inspect = (_: string, path: string, signal: AbortSignal): Promise<Inspection> => {
    const { promise, reject } = Promise.withResolvers<Inspection>();
    waiting.push({ path, reject });
    signal.addEventListener('abort', () => reject(signal.reason));
    if (waiting.length === 2) resolve();
    return promise;
  };
  return { waiting, bothWaiting, inspect };
}

test('scanner: one scan a library runs at a time, two inspections a scan, and stop ends them', async t => {
  const held = heldInspections();
  const world = await makeWorld(t, { inspect: held.inspect });
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4']) await copyFile(film, join(world.root, name));
  const first = world.scanner.start(world.library);
  assert.equal(world.scanner.start(world.library), first);
  await within(5000, held.bothWaiting);
  assert.equal(world.scanner.status(world.library.id).state, 'running');
  assert.equal(world.scanner.status(world.library.id).total, 4);
  assert.equal(held.waiting.length, 2);
  await within(5000, world.scanner.stop());
  const status = world.scanner.status(world.library.id);
  assert.deepEqual([status.state, status.errors.map(({ code }) => code)], ['failed', ['CANCELLED']]);
  assert.equal(held.waiting.length, 2);
  assert.notEqual(world.scanner.start(world.library), first);
  assert.equal((await within(5000, world.scanner.whenDone(world.library.id))).state, 'failed');
});

test('scanner: stop does not wait for ever for an inspection that never ends', async t => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const inspect = () => {
    resolve();
    return new Promise<Inspection>(() => {});
  };
  const world = await makeWorld(t, { inspect });
  await copyFile(film, join(world.root, 'a.mp4'));
  world.scanner.start(world.library);
  await within(5000, asked);
  await within(5000, world.scanner.stop(50));
  assert.equal(world.scanner.status(world.library.id).state, 'running');
});

test('scanner: a file is tried again when the thread that read it was lost, and kept when it is lost again', async t => {
  let losses = 1;
  let attempts = 0;
  const world = await makeWorld(t, {
    inspect: async (_, path, signal) => {
      attempts++;
      if (losses-- > 0) throw new FerriteError('WORKER_LOST', 'the thread died', { retryAfterMs: 1 });
      return inspectMedia(path, { runTool, openRemuxSource: async () => null, signal });
    },
  });
  await copyFile(film, join(world.root, 'a.mp4'));
  assert.equal((await world.scan()).probed, 1);
  assert.equal(attempts, 2);
  losses = 2;
  await utimes(join(world.root, 'a.mp4'), 1000, 1000);
  const status = await world.scan();
  assert.deepEqual(
    status.errors.map(({ code }) => code),
    ['WORKER_LOST'],
  );
  assert.equal(world.media().length, 1);
});

test('scanner: a file that twice ends what reads it is unreadable and not opened again before it changes; the others are listed', async t => {
  const opened: string[] = [];
  const world = await makeWorld(t, {
    inspect: async (_, path, signal) => {
      opened.push(basename(path));
      if (path.endsWith('b.mp4')) throw new FerriteError('INSPECTOR_LOST', 'the file stalled its inspector');
      return inspectMedia(path, { runTool, openRemuxSource: async () => null, signal });
    },
  });
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) await copyFile(film, join(world.root, name));
  const expected = /^MEDIA_UNREADABLE .*stalled its inspector, twice/;
  for (const timesOpened of [2, 2]) {
    const status = await world.scan();
    assert.deepEqual([status.state, status.failed, world.media().map(({ title }) => title)], ['done', 1, ['A', 'C']]);
    assert.deepEqual(
      status.errors.map(({ name, code, message }) => [name, expected.test(`${code} ${message}`)]),
      [['b.mp4', true]],
    );
    assert.equal(opened.filter(name => name === 'b.mp4').length, timesOpened);
  }
  await utimes(join(world.root, 'b.mp4'), 1000, 1000);
  assert.equal((await world.scan()).failed, 1);
  assert.equal(opened.filter(name => name === 'b.mp4').length, 4);
  await rm(join(world.root, 'b.mp4'));
  await world.scan();
  assert.deepEqual([...world.database.refusedFiles.ofLibrary(world.library.id)], []);
});

test('scanner: a file that could not be read in time is tried again after the others, and is not blamed', async t => {
  const opened: string[] = [];
  let isStarved = false;
  const world = await makeWorld(t, {
    parallel: 1,
    inspect: async (_, path, signal) => {
      opened.push(basename(path));
      if (path.endsWith('a.mp4') && (isStarved || opened.length === 1)) throw new FerriteError('INSPECTION_DEFERRED', 'too slow');
      return inspectMedia(path, { runTool, openRemuxSource: async () => null, signal });
    },
  });
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) await copyFile(film, join(world.root, name));
  const status = await world.scan();
  assert.deepEqual([status.probed, status.failed, status.total], [3, 0, 3]);
  assert.deepEqual([opened.filter(name => name === 'a.mp4').length, opened.at(-1)], [2, 'a.mp4']);
  // A film that is known to be good stays listed while it has to wait, and the next scan reads it.
  await utimes(join(world.root, 'a.mp4'), 1000, 1000);
  isStarved = true;
  const starved = await world.scan();
  assert.deepEqual([starved.state, starved.failed, starved.errors.map(({ code }) => code)], ['done', 1, ['INSPECTION_DEFERRED']]);
  assert.deepEqual([world.media().length, [...world.database.refusedFiles.ofLibrary(world.library.id)]], [3, []]);
  isStarved = false;
  assert.deepEqual([(await world.scan()).probed, world.media().length], [1, 3]);
});

test('scanner: a poster that could not be cut in time is cut by the next scan', async t => {
  let isStarved = true;
  const world = await makeWorld(t, {
    cut: ({ path }, atMs, signal) =>
      isStarved
        ? Promise.reject(new FerriteError('INSPECTION_DEFERRED', 'too slow'))
        : cutPoster(path, { runTool, atMs, width: 400, signal }),
  });
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  assert.equal(world.media()[0]?.hasPoster, null);
  isStarved = false;
  await world.scan();
  assert.equal(world.media()[0]?.hasPoster, true);
});

test('scanner: one loss of an inspector and one of a thread are no two strikes', async t => {
  const losses: ErrorCode[] = ['INSPECTOR_LOST', 'WORKER_LOST'];
  const world = await makeWorld(t, {
    inspect: async (_, path, signal) => {
      const loss = losses.shift();
      if (loss !== undefined) throw new FerriteError(loss, 'lost', { retryAfterMs: 1 });
      return inspectMedia(path, { runTool, openRemuxSource: async () => null, signal });
    },
  });
  await copyFile(film, join(world.root, 'a.mp4'));
  assert.equal((await world.scan()).probed, 1);
});

test('scanner: a film is listed before its poster is cut, and has it later without another scan', async t => {
  const { promise: mayCut, resolve } = Promise.withResolvers<void>();
  const world = await makeWorld(t, {
    cut: async ({ path }, atMs, signal) => {
      await mayCut;
      return cutPoster(path, { runTool, atMs, width: 400, signal });
    },
  });
  await copyFile(film, join(world.root, 'a.mp4'));
  assert.equal((await scanToEnd(world.scanner, world.library)).probed, 1);
  assert.equal(world.media()[0]?.hasPoster, null);
  resolve();
  await within(10_000, world.posterQueue.whenIdle());
  const [media] = world.media();
  assert.ok(media?.hasPoster && (await world.posters.has(media)));
});

test('scanner: a poster that was not cut when the server stopped is cut after its next start', async t => {
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const world = await makeWorld(t, {
    cut: (_, __, signal) => {
      resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  await copyFile(film, join(world.root, 'a.mp4'));
  await scanToEnd(world.scanner, world.library);
  await within(5_000, begun);
  await within(5_000, world.posterQueue.stop());
  assert.equal(world.media()[0]?.hasPoster, null);
  const { database, posters } = world;
  const next = new PosterQueue({
    media: database.media,
    keyframes: database.keyframeMaps,
    posters,
    cut: ({ path }, atMs, signal) => cutPoster(path, { runTool, atMs, width: 400, signal }),
    parallel: 1,
    log: { warn: () => {} },
  });
  next.resume();
  await within(10_000, next.whenIdle());
  assert.equal(world.media()[0]?.hasPoster, true);
});

test('scanner: forgetting a library empties the catalogue and ends its scan', async t => {
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  await copyFile(film, join(world.root, 'b.mp4'));
  world.scanner.start(world.library);
  await within(10_000, world.scanner.forget(world.library.id));
  assert.deepEqual([world.media(), await readdir(join(world.dataDir, 'posters'))], [[], []]);
  assert.equal(world.scanner.status(world.library.id).state, 'idle');
});

test('scanner: progress is told while it runs and at its end', async t => {
  const told: string[] = [];
  const world = await makeWorld(t, { onProgress: (_, { state, probed, total }) => told.push(`${state} ${probed}/${total}`) });
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  assert.ok(told.some(line => line.startsWith('running')));
  assert.equal(told.at(-1), 'done 1/1');
});

test('scanner: a film without a poster is still a film', async t => {
  const world = await makeWorld(t, { cut: () => Promise.reject(new FerriteError('MEDIA_UNREADABLE', 'no picture')) });
  await copyFile(film, join(world.root, 'a.mp4'));
  assert.equal((await world.scan()).probed, 1);
  assert.equal(world.media()[0]?.hasPoster, false);
  assert.equal((await world.scan()).unchanged, 1);
  await rm(join(world.root, 'a.mp4'));
});

test('scanner: what is found out about a film while a scan writes its subtitle files is not lost', async t => {
  const world = await makeWorld(t);
  await makeFilm(join(world.root, 'a.mp4'));
  await world.scan();
  const { media } = world.database;
  const real = { put: media.put.bind(media), update: media.update.bind(media) };
  const rates = { format: 1, targetMs: 2_000, videoCopy: null, audioCopy: [], audioEncode: [], demand: null };
  // Another's write is before that of the scan, which has read the record already.
  media.put = async changed => {
    await real.update(changed, { rates });
    return real.put(changed);
  };
  media.update = async (changed, change) => {
    await real.update(changed, { rates });
    return real.update(changed, change);
  };
  await writeFile(join(world.root, 'a.en.srt'), '1\n00:00:00,000 --> 00:00:01,000\nhello\n');
  await world.scan();
  assert.deepEqual(
    world.media().map(one => [one.sidecars.length, one.rates]),
    [[1, rates]],
  );
});
