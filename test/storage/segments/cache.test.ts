import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type RenditionKey, renditionKey, type SegmentName } from '#domain/rendition.ts';
import { type NewSegment, SegmentCache, type SegmentCacheOptions } from '#storage/segments/cache.ts';
import { aRung } from '../../support/titles.ts';
import { until } from '../../support/until.ts';
import { openStore } from '../support.ts';

const KEY = renditionKey('v1', 2_000, aRung());
const OTHER = renditionKey('v2', 2_000, aRung());
const KIB = 1024;

async function world(t: TestContext, changes: Partial<SegmentCacheOptions> = {}) {
  const caches: SegmentCache[] = [];
  // Registered first, so that it comes before the folder goes.
  t.after(async () => {
    for (const cache of caches) await cache.close();
  });
  const { dataDir, database } = await openStore(t);
  const dir = join(dataDir, 'cache');
  const warnings: string[] = [];
  const options: SegmentCacheOptions = {
    dir,
    maxDiskBytes: 100 * KIB,
    maxMemoryBytes: 100 * KIB,
    index: database.segmentIndex,
    log: { warn: (_facts, message) => warnings.push(message) },
    monotonicMs: () => performance.now(),
    ...changes,
  };
  const open = async (more: Partial<SegmentCacheOptions> = {}): Promise<SegmentCache> => {
    const cache = await SegmentCache.open({ ...options, ...more });
    caches.push(cache);
    return cache;
  };
  return {
    dir,
    warnings,
    open,
    index: database.segmentIndex,
    records: () => [...database.segmentIndex.all()].map(({ rendition, name }) => `${rendition}/${name}`),
  };
}

const bytes = (byteLength: number, fill = 1): Buffer => Buffer.alloc(byteLength, fill);
const DISK = { keepOnDisk: true, owner: null, isAwaited: false };
const MEMORY = { ...DISK, keepOnDisk: false };
const segment = (key: RenditionKey, name: SegmentName, bytes: Buffer, how: Pick<NewSegment, 'keepOnDisk' | 'owner' | 'isAwaited'>) => ({
  key,
  name,
  bytes,
  ...how,
});
const pathOf = (dir: string, key: RenditionKey, name: SegmentName): string =>
  join(dir, key.slice(0, 2), key, name === 'init' ? 'init.mp4' : `${name}.m4s`);
const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
const bytesIn = (dir: string): number => filesIn(dir).reduce((sum, path) => sum + statSync(path).size, 0);

test('segment cache: what was put is hot at once, and on disk after a while', async t => {
  const { open, dir } = await world(t);
  const cache = await open();
  cache.put(segment(KEY, 3, bytes(10), DISK));
  assert.deepEqual(cache.hot(KEY, 3), bytes(10));
  assert.equal(cache.hot(KEY, 4), undefined);
  await cache.close();
  assert.deepEqual(await readFile(pathOf(dir, KEY, 3)), bytes(10));
  assert.equal(statSync(pathOf(dir, KEY, 3)).mode & 0o077, 0, 'nobody else may read it');
});

test('segment cache: what is cheap to make is never on disk', async t => {
  const { open, dir, records } = await world(t);
  const cache = await open();
  cache.put(segment(KEY, 3, bytes(10), MEMORY));
  await cache.close();
  assert.deepEqual([filesIn(dir), records()], [[], []]);
});

test('segment cache: the first one published stays', async t => {
  const { open, dir } = await world(t);
  const cache = await open();
  const first = cache.put(segment(KEY, 0, bytes(10, 1), DISK));
  assert.equal(cache.put(segment(KEY, 0, bytes(10, 2), DISK)), first);
  assert.equal(cache.hot(KEY, 0), first);
  await cache.close();
  assert.deepEqual(await readFile(pathOf(dir, KEY, 0)), bytes(10, 1));
});

test('segment cache: memory is bounded to the byte, and the unused go first', async t => {
  const { open } = await world(t);
  const cache = await open();
  for (let name = 0; name < 10; name++) cache.put(segment(KEY, name, bytes(10 * KIB), MEMORY));
  assert.equal(cache.memoryBytes, 100 * KIB);
  assert.ok(cache.hot(KEY, 0), 'used again');
  cache.put(segment(KEY, 10, bytes(1), MEMORY));
  assert.equal(cache.hot(KEY, 1), undefined);
  assert.ok(cache.hot(KEY, 0) && cache.hot(KEY, 10));
  assert.equal(cache.memoryBytes, 90 * KIB + 1);
});

test('segment cache: a segment larger than the memory is handed on but not kept', async t => {
  const { open } = await world(t);
  const cache = await open();
  const large = bytes(100 * KIB + 1);
  cache.put(segment(KEY, 0, bytes(10), MEMORY));
  assert.equal(cache.put(segment(KEY, 1, large, MEMORY)), large);
  assert.equal(cache.hot(KEY, 1), undefined);
  assert.ok(cache.hot(KEY, 0));
});

test('segment cache: the disk is bounded to the byte; what goes, goes with its record', async t => {
  const { open, dir, records } = await world(t);
  const cache = await open();
  for (let name = 0; name < 30; name++) cache.put(segment(KEY, name, bytes(10 * KIB, name), DISK));
  await cache.close();
  assert.equal(cache.diskBytes, 100 * KIB);
  assert.equal(bytesIn(dir), 100 * KIB);
  assert.deepEqual(
    records(),
    Array.from({ length: 10 }, (_, at) => `${KEY}/${20 + at}`),
  );
  assert.ok(!existsSync(pathOf(dir, KEY, 19)));
});

test('segment cache: a segment larger than the disk cap is not written, and evicts nothing', async t => {
  const { open, dir } = await world(t, { maxMemoryBytes: 1024 * KIB });
  const cache = await open();
  cache.put(segment(KEY, 0, bytes(10), DISK));
  cache.put(segment(KEY, 1, bytes(100 * KIB + 1), DISK));
  await cache.close();
  assert.deepEqual(filesIn(dir), [pathOf(dir, KEY, 0)]);
});

test('segment cache: with no bytes for the disk everything lives in memory', async t => {
  const { open, dir, records } = await world(t);
  const before = await open();
  before.put(segment(KEY, 0, bytes(10), DISK));
  await before.close();
  const cache = await open({ maxDiskBytes: 0 });
  cache.put(segment(KEY, 1, bytes(10), DISK));
  await cache.close();
  assert.deepEqual([filesIn(dir), records()], [[], []]);
  assert.ok(cache.hot(KEY, 1));
});

test('segment cache: what left the memory comes back from disk, and is hot again', async t => {
  const { open } = await world(t, { maxMemoryBytes: 20 * KIB });
  const cache = await open();
  for (let name = 0; name < 4; name++) cache.put(segment(KEY, name, bytes(10 * KIB, name), DISK));
  await cache.close();
  assert.equal(cache.hot(KEY, 0), undefined);
  assert.ok(cache.has(KEY, 0) && cache.isOnDiskOnly(KEY, 0));
  assert.deepEqual(await cache.cold(KEY, 0), bytes(10 * KIB, 0));
  assert.ok(cache.hot(KEY, 0));
  assert.equal(await cache.cold(OTHER, 0), undefined);
});

test('segment cache: it survives being opened again, init segments and all', async t => {
  const { open } = await world(t);
  const before = await open();
  before.put(segment(KEY, 'init', bytes(5, 7), DISK));
  before.put(segment(KEY, 12, bytes(10, 8), DISK));
  await before.close();
  const after = await open();
  assert.equal(after.hot(KEY, 12), undefined);
  assert.deepEqual(await after.cold(KEY, 'init'), bytes(5, 7));
  assert.deepEqual(await after.cold(KEY, 12), bytes(10, 8));
  assert.equal(after.diskBytes, 15);
});

test('segment cache: opened again with a smaller cap, the oldest go', async t => {
  const { open, dir, index } = await world(t);
  const before = await open();
  for (let name = 0; name < 5; name++) before.put(segment(KEY, name, bytes(10 * KIB), DISK));
  await before.close();
  for (let name = 0; name < 5; name++)
    await index.put({ rendition: KEY, name }, { byteLength: 10 * KIB, lastUsedAtMs: name === 0 ? 99 : name });
  const after = await open({ maxDiskBytes: 20 * KIB });
  await after.close();
  assert.deepEqual(filesIn(dir).sort(), [pathOf(dir, KEY, 0), pathOf(dir, KEY, 4)]);
});

test('segment cache: half-written files and files without a record are removed, records without a file too; what is not ours stays', async t => {
  const { open, dir, records } = await world(t);
  const before = await open();
  for (const name of [0, 1]) before.put(segment(KEY, name, bytes(10), DISK));
  await before.close();
  await rm(pathOf(dir, KEY, 1));
  await writeFile(`${pathOf(dir, KEY, 2)}.tmp`, 'half');
  await writeFile(pathOf(dir, KEY, 3), 'nobody knows me');
  await mkdir(join(dir, 'zz'));
  await writeFile(join(dir, 'zz', 'stray'), 'x');
  const after = await open();
  assert.deepEqual(filesIn(dir).sort(), [pathOf(dir, KEY, 0), join(dir, 'zz', 'stray')].sort());
  assert.deepEqual(records(), [`${KEY}/0`]);
  assert.equal(after.has(KEY, 1), false);
});

test('segment cache: a file that was cut off or removed is not served, and can be made anew', async t => {
  const { open, dir, records } = await world(t);
  const before = await open();
  for (const name of [0, 1]) before.put(segment(KEY, name, bytes(10), DISK));
  await before.close();
  const cache = await open();
  await truncate(pathOf(dir, KEY, 0), 4);
  await rm(pathOf(dir, KEY, 1));
  for (const name of [0, 1]) {
    assert.equal(await cache.cold(KEY, name), undefined);
    assert.equal(cache.has(KEY, name), false);
  }
  await until(() => records().length === 0, 'their records are gone');
  for (const name of [0, 1]) cache.put(segment(KEY, name, bytes(10, 9), DISK));
  await cache.close();
  assert.deepEqual(await (await open()).cold(KEY, 0), bytes(10, 9));
});

test('segment cache: a segment that is made again right after it went stays', async t => {
  const { open, dir, records } = await world(t, { maxDiskBytes: 10 * KIB, maxMemoryBytes: 10 * KIB });
  const cache = await open();
  for (let round = 0; round < 40; round++) cache.put(segment(KEY, round % 2, bytes(10 * KIB, round), DISK));
  await cache.close();
  const files = filesIn(dir);
  assert.equal(files.length, 1);
  assert.deepEqual(
    records().map(record => join(dir, record.slice(0, 2), `${record}.m4s`)),
    files,
    'what is on disk is what the records say',
  );
});

test('segment cache: a disk that can not be written is told in the log, and playing goes on from memory', async t => {
  const { open, dir, warnings, records } = await world(t);
  const cache = await open();
  // A file where the folder should be: root's rights do not help.
  await writeFile(join(dir, KEY.slice(0, 2)), 'in the way');
  cache.put(segment(KEY, 0, bytes(10), DISK));
  cache.put(segment(OTHER, 0, bytes(10), DISK));
  await cache.close();
  assert.deepEqual(warnings, ['a segment could not be kept on disk']);
  assert.ok(cache.hot(KEY, 0));
  assert.deepEqual(records(), [`${OTHER}/0`]);
  assert.equal(cache.diskBytes, 10);
});
