// The disk tier against what disks and processes do: death in the middle of a write, no room, and time.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RenditionKey, renditionKey, type SegmentName } from '#domain/rendition.ts';
import { openDatabase } from '#storage/database.ts';
import { SegmentCache, type SegmentCacheOptions } from '#storage/segments/cache.ts';
import { aRung } from '../../support/titles.ts';
import { makeDataDir } from '../support.ts';
import { patternOf } from './segment-pattern.ts';

const WRITER = fileURLToPath(new URL('./segment-writer.ts', import.meta.url));
const MAX_DISK_BYTES = 1_500_000;
const KEY = renditionKey('v1', 2_000, aRung());
const KIB = 1024;
const ROUNDS = 5;

const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
const bytesIn = (dir: string): number => filesIn(dir).reduce((sum, path) => sum + statSync(path).size, 0);
const put = (cache: SegmentCache, name: SegmentName, bytes: Buffer, key: RenditionKey = KEY): Buffer =>
  cache.put({ key, name, bytes, keepOnDisk: true, owner: null, isAwaited: false });

async function openCache(t: TestContext, dataDir: string, changes: Partial<SegmentCacheOptions> = {}) {
  const database = await openDatabase(dataDir);
  const warnings: string[] = [];
  const cache = await SegmentCache.open({
    dir: join(dataDir, 'cache'),
    maxDiskBytes: MAX_DISK_BYTES,
    maxMemoryBytes: 1_000_000,
    index: database.segmentIndex,
    log: { warn: (facts, message) => warnings.push(`${message} ${JSON.stringify(facts)}`) },
    monotonicMs: () => performance.now(),
    ...changes,
  });
  const close = async (): Promise<void> => {
    await cache.close();
    await database.close();
  };
  t.after(close);
  return { cache, database, warnings, close };
}

/** Starts the writer, and kills it once it has said `lines` lines. */
async function writeUntilKilled(dataDir: string, lines: number): Promise<void> {
  const writer = spawn(process.execPath, [WRITER, dataDir, String(MAX_DISK_BYTES)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(writer, 'exit');
  const deadline = setTimeout(() => writer.kill('SIGKILL'), 30_000);
  let said = 0;
  for await (const _line of createInterface({ input: writer.stdout })) if (++said === lines) writer.kill('SIGKILL');
  await exited;
  clearTimeout(deadline);
  assert.ok(said >= lines, `the writer said ${said} lines`);
}

test('segment cache: killed in the middle of writes, it serves nothing half-written and its account is exact', async t => {
  const dataDir = await makeDataDir(t);
  let leftUnfinished = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await writeUntilKilled(dataDir, 8 + 5 * round);
    const found = filesIn(join(dataDir, 'cache'));
    assert.ok(bytesIn(join(dataDir, 'cache')) <= MAX_DISK_BYTES, 'the cap holds at any moment');
    const { cache, database, close } = await openCache(t, dataDir);
    const records = [...database.segmentIndex.all()];
    leftUnfinished += found.length - filesIn(join(dataDir, 'cache')).length;
    assert.ok(records.length > 10, `${records.length} segments survived`);
    for (const { rendition, name, byteLength } of records) {
      const file = cache.file(rendition, name) ?? assert.fail('a record without a segment');
      assert.equal(file.byteLength, byteLength);
      assert.deepEqual(readFileSync(file.path), patternOf(rendition, name));
    }
    const onDisk = filesIn(join(dataDir, 'cache'));
    assert.equal(onDisk.length, records.length, 'no file without a record');
    assert.equal(cache.diskBytes, bytesIn(join(dataDir, 'cache')));
    await close();
  }
  t.diagnostic(`${leftUnfinished} files without a record were left by ${ROUNDS} kills`);
});

test('segment cache: what a power cut may leave behind a record is not taken over', async t => {
  const dataDir = await makeDataDir(t);
  const before = await openCache(t, dataDir);
  for (const name of [0, 1, 2, 3]) put(before.cache, name, patternOf(KEY, name));
  await before.cache.close();
  const pathOf = (name: number): string => before.cache.file(KEY, name)?.path ?? assert.fail();
  await truncate(pathOf(0), 0);
  await truncate(pathOf(1), 100);
  await writeFile(pathOf(2), Buffer.concat([patternOf(KEY, 2), Buffer.alloc(1)]));
  await before.close();
  const { cache, database } = await openCache(t, dataDir);
  assert.deepEqual(
    [0, 1, 2, 3].map(name => cache.has(KEY, name)),
    [false, false, false, true],
  );
  assert.equal([...database.segmentIndex.all()].length, 1);
  assert.equal(cache.diskBytes, bytesIn(join(dataDir, 'cache')));
});

test('segment cache: the order of use survives a restart', async t => {
  const dataDir = await makeDataDir(t);
  const before = await openCache(t, dataDir);
  for (const name of [0, 1, 2, 3]) put(before.cache, name, Buffer.alloc(10 * KIB, name));
  await before.cache.close();
  // In memory too: one notion of use.
  assert.ok(before.cache.hot(KEY, 0));
  assert.ok(before.cache.file(KEY, 1));
  await before.close();
  const { cache } = await openCache(t, dataDir, { maxDiskBytes: 20 * KIB });
  assert.deepEqual(
    [0, 1, 2, 3].map(name => cache.has(KEY, name)),
    [true, true, false, false],
  );
});

test('segment cache: what is used in memory is not what goes from disk', async t => {
  const { cache } = await openCache(t, await makeDataDir(t), { maxDiskBytes: 40 * KIB });
  for (const name of [0, 1, 2, 3]) put(cache, name, Buffer.alloc(10 * KIB));
  await cache.close();
  assert.ok(cache.hot(KEY, 0));
  put(cache, 4, Buffer.alloc(10 * KIB));
  await cache.close();
  assert.ok(cache.file(KEY, 0));
  assert.equal(cache.file(KEY, 1), undefined);
});

test('segment cache: the cap holds while segments come and go', async t => {
  const dataDir = await makeDataDir(t);
  const { cache, close } = await openCache(t, dataDir, { maxDiskBytes: 100 * KIB });
  let isDone = false;
  const watched = (async () => {
    let most = 0;
    while (!isDone) {
      assert.ok(cache.diskBytes <= 100 * KIB, `${cache.diskBytes} on the account`);
      // Files go while they are looked at.
      most = Math.max(most, bytesNow(join(dataDir, 'cache')));
      await new Promise(resolve => setImmediate(resolve));
    }
    return most;
  })();
  for (let name = 0; name < 100; name++) {
    put(cache, name, Buffer.alloc(5 * KIB + name));
    if (name % 10 === 0) await cache.close();
  }
  await close();
  isDone = true;
  const most = await watched;
  assert.ok(most > 50 * KIB && most <= 100 * KIB, `${most} bytes were on disk at the most`);
  assert.equal(cache.diskBytes, bytesIn(join(dataDir, 'cache')));
});

function bytesNow(dir: string): number {
  try {
    return bytesIn(dir);
  } catch {
    return 0;
  }
}

/** A file system of a few KiB of its own; null where this user may not have one. */
async function tinyDisk(t: TestContext, sizeKib: number): Promise<string | null> {
  const dir = await mkdtemp(join(tmpdir(), 'ferrite-tiny-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKib}k`, 'tmpfs', dir], { stdio: 'ignore' });
    t.after(() => execFileSync('umount', ['-l', dir]));
    return dir;
  } catch {
    return null;
  } finally {
    t.after(() => rm(dir, { recursive: true, force: true }));
  }
}

test('segment cache: a full disk is told once, playing goes on from memory, and it is used again when it has room', async t => {
  const disk = await tinyDisk(t, 256);
  if (disk === null) return t.skip('needs the right to mount');
  let nowMs = 0;
  const { cache, warnings } = await openCache(t, await makeDataDir(t), { dir: join(disk, 'cache'), monotonicMs: () => nowMs });
  await writeFile(join(disk, 'filler'), Buffer.alloc(200 * KIB));
  await mkdir(join(disk, 'cache'), { recursive: true });
  const parts = Array.from({ length: 12 }, (_, name) => name);
  for (const name of parts) put(cache, name, Buffer.alloc(20 * KIB, name));
  await cache.close();
  // The disk has room for two: each new one took the place of an old one.
  const kept = parts.filter(name => cache.file(KEY, name));
  assert.ok(kept.length >= 1 && kept.includes(11), `on disk: ${kept}`);
  assert.equal(cache.facts.diskState, 'writing');
  assert.equal(cache.diskBytes, bytesIn(join(disk, 'cache')));
  for (const name of parts) assert.ok(cache.hot(KEY, name));

  await writeFile(join(disk, 'filler'), Buffer.alloc(256 * KIB)).catch(() => undefined);
  for (const name of parts) put(cache, 100 + name, Buffer.alloc(60 * KIB, name));
  await cache.close();
  assert.equal(cache.facts.diskState, 'paused');
  assert.equal(warnings.length, 1, warnings.join('\n'));
  assert.match(warnings[0] ?? '', /memory.*ENOSPC/);
  for (const name of parts) assert.ok(cache.hot(KEY, 100 + name), 'served from memory');
  assert.equal(cache.diskBytes, bytesIn(join(disk, 'cache')));

  await rm(join(disk, 'filler'));
  put(cache, 200, Buffer.alloc(60 * KIB, 7));
  await cache.close();
  assert.equal(cache.file(KEY, 200), undefined, 'it is left alone for a while');
  nowMs += 60_000;
  put(cache, 201, Buffer.alloc(60 * KIB, 7));
  await cache.close();
  assert.equal(readFileSync(cache.file(KEY, 201)?.path ?? '').byteLength, 60 * KIB);
  assert.equal(cache.facts.diskState, 'writing');
  assert.equal(warnings.length, 2, 'and that it goes on is told too');
});

test('segment cache: a disk that became read-only costs no segment, and its files count until they can be removed', async t => {
  const disk = await tinyDisk(t, 1024);
  if (disk === null) return t.skip('needs the right to mount');
  let nowMs = 0;
  const maxDiskBytes = 100 * KIB;
  const dir = join(disk, 'cache');
  const { cache, warnings } = await openCache(t, await makeDataDir(t), { dir, maxDiskBytes, monotonicMs: () => nowMs });
  for (let name = 0; name < 5; name++) put(cache, name, Buffer.alloc(20 * KIB, name));
  await cache.close();
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  for (let name = 5; name < 9; name++) put(cache, name, Buffer.alloc(20 * KIB, name));
  await cache.close();
  assert.equal(cache.facts.diskState, 'paused');
  assert.equal(warnings.length, 1, warnings.join('\n'));
  assert.equal(cache.diskBytes, bytesIn(dir), 'what could not be removed still counts');
  for (let name = 0; name < 9; name++) assert.ok(cache.hot(KEY, name));
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  nowMs += 60_000;
  put(cache, 10, Buffer.alloc(20 * KIB, 10));
  await cache.close();
  assert.equal(cache.facts.diskState, 'writing');
  assert.ok(cache.file(KEY, 10));
  assert.equal(cache.diskBytes, bytesIn(dir));
  assert.ok(cache.diskBytes <= maxDiskBytes);
});
