// What goes first when the cache is full: not what viewers are about to need, and not what others need because one reads fast.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newSessionId, type SessionId } from '#domain/ids.ts';
import { renditionKey, type SegmentName } from '#domain/rendition.ts';
import { SegmentCache, type SegmentCacheOptions } from '#storage/segments/cache.ts';
import { aRung } from '../../support/titles.ts';
import { until } from '../../support/until.ts';
import { openStore } from '../support.ts';

const KEY = renditionKey('v1', 2_000, aRung());
const OTHER = renditionKey('v2', 2_000, aRung());
const KIB = 1024;
const [ME, YOU] = [newSessionId(), newSessionId()];

type Put = { key?: typeof KEY; name: SegmentName; kib?: number; keepOnDisk?: boolean; owner?: SessionId | null; isAwaited?: boolean };

async function world(t: TestContext, changes: Partial<SegmentCacheOptions> = {}) {
  t.after(() => cache.close());
  const { dataDir, database } = await openStore(t);
  const cache = await SegmentCache.open({
    dir: join(dataDir, 'cache'),
    maxDiskBytes: 100 * KIB,
    maxMemoryBytes: 100 * KIB,
    index: database.segmentIndex,
    log: { warn: (_facts, message) => assert.fail(message) },
    monotonicMs: () => performance.now(),
    ...changes,
  });
  const put = ({ key = KEY, name, kib = 10, keepOnDisk = false, owner = null, isAwaited = false }: Put) =>
    cache.put({ key, name, bytes: Buffer.alloc(kib * KIB), keepOnDisk, owner, isAwaited });
  /** Which of the first segments are in memory; looking is no use. */
  const inMemory = (key = KEY, to = 60): number[] =>
    Array.from({ length: to }, (_, name) => name).filter(name => cache.has(key, name) && !cache.isOnDiskOnly(key, name));
  return { cache, put, inMemory };
}

test('segment cache: what a session is about to need stays while anything else can go', async t => {
  const { cache, put, inMemory } = await world(t);
  for (let name = 0; name < 10; name++) put({ name });
  cache.pin(ME, [{ key: KEY, from: 0, to: 3 }]);
  for (let name = 10; name < 30; name++) put({ name });
  assert.deepEqual(inMemory(), [0, 1, 2, 23, 24, 25, 26, 27, 28, 29]);
  cache.pin(ME, [{ key: KEY, from: 2, to: 3 }]);
  for (let name = 30; name < 50; name++) put({ name });
  assert.deepEqual(inMemory(), [2, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
  cache.pin(ME, []);
  assert.equal(cache.facts.memory.pinnedBytes, 0);
  for (let name = 50; name < 60; name++) put({ name });
  assert.equal(cache.has(KEY, 2), false);
});

test('segment cache: what is pinned before it is made is pinned when it comes, its init segment too', async t => {
  const { cache, put, inMemory } = await world(t);
  cache.pin(ME, [{ key: KEY, from: 4, to: 5 }]);
  put({ name: 'init', kib: 1 });
  for (let name = 0; name < 40; name++) put({ name });
  assert.ok(inMemory().includes(4));
  assert.ok(cache.hot(KEY, 'init'));
  assert.equal(cache.facts.memory.pinnedBytes, 11 * KIB);
});

test('segment cache: two viewers of one stretch pin it until both have moved on', async t => {
  const { cache, put, inMemory } = await world(t);
  put({ name: 0 });
  cache.pin(ME, [{ key: KEY, from: 0, to: 1 }]);
  cache.pin(YOU, [{ key: KEY, from: 0, to: 1 }]);
  cache.pin(ME, []);
  for (let name = 1; name < 20; name++) put({ name });
  assert.ok(inMemory().includes(0));
  cache.pin(YOU, []);
  for (let name = 20; name < 40; name++) put({ name });
  assert.ok(!inMemory().includes(0));
});

test('segment cache: pins hold half of a tier at most, and the oldest lose', async t => {
  const { cache, put, inMemory } = await world(t);
  cache.pin(ME, [{ key: KEY, from: 0, to: 8 }]);
  for (let name = 0; name < 10; name++) put({ name });
  assert.equal(cache.facts.memory.pinnedBytes, 50 * KIB);
  for (let name = 10; name < 30; name++) put({ name });
  assert.deepEqual(inMemory(), [3, 4, 5, 6, 7, 25, 26, 27, 28, 29]);
});

test('segment cache: pins hold on disk too', async t => {
  const { cache, put } = await world(t, { maxMemoryBytes: 20 * KIB });
  for (let name = 0; name < 10; name++) put({ name, keepOnDisk: true });
  await cache.close();
  cache.pin(ME, [{ key: KEY, from: 0, to: 2 }]);
  for (let name = 10; name < 25; name++) put({ name, keepOnDisk: true });
  await cache.close();
  assert.deepEqual(
    [0, 1, 2, 24].map(name => cache.file(KEY, name) !== undefined),
    [true, true, false, true],
  );
  assert.equal(cache.facts.disk.pinnedBytes, 20 * KIB);
});

test('segment cache: one session beyond its window gives up its own before anybody else’s', async t => {
  const { put, inMemory } = await world(t);
  for (let name = 0; name < 5; name++) put({ key: OTHER, name, owner: YOU });
  for (let name = 0; name < 40; name++) put({ name, owner: ME });
  assert.deepEqual(inMemory(OTHER), [0, 1, 2, 3, 4], 'the other’s are all there');
  assert.deepEqual(inMemory(), [35, 36, 37, 38, 39]);
});

test('segment cache: alone, a session may have all of the memory; then it gives way', async t => {
  const { put, inMemory } = await world(t);
  for (let name = 0; name < 20; name++) put({ name, owner: ME });
  assert.equal(inMemory().length, 10);
  for (let name = 0; name < 3; name++) put({ key: OTHER, name, owner: YOU });
  assert.deepEqual(inMemory(), [13, 14, 15, 16, 17, 18, 19]);
});

test('segment cache: what was asked for twice is no one session’s any more', async t => {
  const { cache, put, inMemory } = await world(t);
  for (let name = 0; name < 4; name++) put({ name, owner: ME, isAwaited: true });
  for (let name = 0; name < 4; name++) assert.ok(cache.hot(KEY, name), 'another viewer');
  for (let name = 4; name < 40; name++) put({ name, owner: ME });
  assert.deepEqual(inMemory().slice(0, 4), [0, 1, 2, 3]);
});

test('segment cache: a file that is asked for twice comes into memory by itself', async t => {
  let nowMs = 0;
  const { cache, put } = await world(t, { maxMemoryBytes: 20 * KIB, monotonicMs: () => nowMs });
  for (let name = 0; name < 5; name++) put({ name, keepOnDisk: true });
  await cache.close();
  assert.ok(cache.file(KEY, 0));
  nowMs += 600_000;
  assert.ok(cache.file(KEY, 0));
  await cache.close();
  assert.equal(cache.isOnDiskOnly(KEY, 0), true, 'once in ten minutes is not often');
  nowMs += 20_000;
  assert.ok(cache.file(KEY, 0));
  await until(() => !cache.isOnDiskOnly(KEY, 0), 'it is in memory');
  assert.equal(cache.hot(KEY, 0)?.byteLength, 10 * KIB);
  assert.equal(cache.facts.disk.hits, 3);
});

test('segment cache: files in turn, more than memory holds, do not push each other in and out of it', async t => {
  let nowMs = 0;
  const { cache, put, inMemory } = await world(t, { maxMemoryBytes: 10 * KIB, monotonicMs: () => nowMs });
  for (let name = 0; name < 3; name++) put({ name, keepOnDisk: true });
  await cache.close();
  const ask = (...names: number[]): void => {
    for (const name of names) cache.hot(KEY, name) ?? cache.file(KEY, name);
  };
  nowMs += 20_000;
  ask(0, 0);
  await until(() => inMemory().includes(0), 'the first is in memory');
  const before = cache.facts.memory.evictions;
  for (let turn = 0; turn < 30; turn++) {
    nowMs += 1_000;
    ask(2, 1, 2, 1, 0);
    await cache.close();
  }
  assert.deepEqual([inMemory(), cache.facts.memory.evictions], [[0], before], 'what is used stays');
  nowMs += 20_000;
  ask(1);
  await until(() => inMemory().includes(1), 'what nobody used for a while gives way');
});

test('segment cache: bytes that wait for the disk are served, and never made anew, though memory has no room', async t => {
  const { cache, put } = await world(t, { maxMemoryBytes: 1 });
  const first = put({ name: 0, keepOnDisk: true });
  assert.equal(cache.hot(KEY, 0), first);
  assert.equal(put({ name: 0, keepOnDisk: true }), first);
  assert.equal(cache.facts.unwrittenBytes, 10 * KIB);
  await cache.close();
  assert.equal(cache.facts.unwrittenBytes, 0);
  assert.equal(cache.hot(KEY, 0), undefined);
  assert.ok(cache.file(KEY, 0));
});
