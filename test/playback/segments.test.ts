import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ErrorCode, FerriteError } from '#domain/errors.ts';
import { newSessionId, type SessionId } from '#domain/ids.ts';
import type { Requests } from '#domain/protocol.ts';
import { renditionKey, type SegmentName } from '#domain/rendition.ts';
import type { TrackLayout } from '#src/playback/layout.ts';
import { Segments } from '#src/playback/segments.ts';
import type { WorkerPool } from '#src/worker-pool.ts';
import { SegmentCache } from '#storage/segment-cache.ts';
import { openStore } from '../storage/support.ts';
import { aJob, aRung, MEDIA_ID } from '../support/titles.ts';

type Asked = {
  readonly input: Requests['segment.prepare']['input'];
  readonly signal: AbortSignal | undefined;
  reply(): void;
  fail(code: ErrorCode): void;
};

/** The thread that owns every media: it does what the test says. */
class ScriptedWorkers implements Pick<WorkerPool, 'request' | 'whenReady'> {
  readonly asked: Asked[] = [];
  readyCalls = 0;

  request: WorkerPool['request'] = (_type, input, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<never>();
    signal?.addEventListener('abort', () => reject(new FerriteError('CANCELLED', 'cancelled')));
    this.asked.push({
      input: input as Asked['input'],
      signal,
      reply: () => resolve(null as never),
      fail: code => reject(new FerriteError(code, 'scripted')),
    });
    return promise;
  };

  async whenReady(): Promise<void> {
    this.readyCalls++;
  }
}

const layout: TrackLayout = {
  track: { kind: 'video', rungId: '720p' },
  rendition: aRung(),
  key: renditionKey('v1', 2_000, aRung()),
  grid: aJob(0, 9).grid,
  segmentCount: 10,
  isEncoded: true,
  rung: '720p',
};
const BYTES = Buffer.from('segment bytes');
const NEVER = new AbortController().signal;

async function world(t: TestContext, { maxMemoryBytes = 1_000_000 } = {}) {
  // Registered first, so that it comes before the folder goes.
  t.after(() => cache.close());
  const { dataDir, database } = await openStore(t);
  const cache = await SegmentCache.open({
    dir: join(dataDir, 'cache'),
    maxDiskBytes: 1_000_000,
    maxMemoryBytes,
    index: database.segmentIndex,
    log: { warn: () => undefined },
  });
  const workers = new ScriptedWorkers();
  // The narrow part of the pool that is used here.
  const segments = new Segments(cache, () => workers as unknown as WorkerPool);
  const wish = (name: SegmentName, sessionId: SessionId) => ({ mediaId: MEDIA_ID, sessionId, layout, name, positionMs: 0 });
  const publish = (name: SegmentName, bytes: Buffer = BYTES): void =>
    segments.published({ kind: 'segment', key: layout.key, name, isEncoded: true, bytes: Uint8Array.from(bytes).buffer });
  /** The thread is asked a turn later: the disk is looked at first. */
  const asked = async (count: number): Promise<Asked> => {
    for (let turns = 0; workers.asked.length < count; turns++) {
      assert.ok(turns < 1_000, `the thread was asked ${workers.asked.length} times, not ${count}`);
      await new Promise(resolve => setImmediate(resolve));
    }
    return workers.asked[count - 1] ?? assert.fail();
  };
  return { cache, segments, workers, wish, publish, asked };
}

test('segments: a segment comes with its message, before the thread has replied', async t => {
  const { segments, wish, publish, asked } = await world(t);
  const got = segments.get(wish(3, newSessionId()), NEVER);
  const { input } = await asked(1);
  assert.deepEqual([input.track, input.name], [layout.track, 3]);
  publish(3);
  assert.deepEqual(await got, BYTES);
  assert.deepEqual(segments.hot(layout, 3), BYTES);
});

test('segments: everybody of a session who wants the same one shares one request', async t => {
  const { segments, workers, wish, publish, asked } = await world(t);
  const me = newSessionId();
  const all = [1, 2, 3].map(() => segments.get(wish(3, me), NEVER));
  await asked(1);
  publish(3);
  await Promise.all(all);
  assert.equal(workers.asked.length, 1);
});

test('segments: another session asks for itself, and is answered by the same bytes', async t => {
  const { segments, workers, wish, publish, asked } = await world(t);
  const all = [segments.get(wish(3, newSessionId()), NEVER), segments.get(wish(3, newSessionId()), NEVER)];
  await asked(2);
  publish(3);
  const [one, other] = await Promise.all(all);
  assert.equal(one, other);
  assert.equal(workers.asked.length, 2);
});

test('segments: a client that goes away leaves the others waiting, and cancels when it was the last', async t => {
  const { segments, wish, publish, asked } = await world(t);
  const me = newSessionId();
  const [first, second] = [new AbortController(), new AbortController()];
  const gone = segments.get(wish(3, me), first.signal);
  const waits = segments.get(wish(3, me), NEVER);
  const { signal } = await asked(1);
  first.abort();
  await assert.rejects(gone, { code: 'CANCELLED' });
  assert.equal(signal?.aborted, false);
  publish(3);
  assert.deepEqual(await waits, BYTES);

  const last = segments.get(wish(4, me), second.signal);
  const request = await asked(2);
  second.abort();
  await assert.rejects(last, { code: 'CANCELLED' });
  assert.equal(request.signal?.aborted, true);
  const again = segments.get(wish(4, me), NEVER);
  await asked(3);
  publish(4);
  assert.deepEqual(await again, BYTES, 'a wish after that is a new one');
});

test('segments: who was gone before is refused', async t => {
  const { segments, wish } = await world(t);
  await assert.rejects(segments.get(wish(3, newSessionId()), AbortSignal.abort()), { code: 'CANCELLED' });
});

test('segments: a failure is told to everybody, and the next one tries again', async t => {
  const { segments, wish, publish, asked } = await world(t);
  const me = newSessionId();
  const all = [1, 2].map(() => segments.get(wish(3, me), NEVER));
  (await asked(1)).fail('ENCODE_FAILED');
  for (const one of all) await assert.rejects(one, { code: 'ENCODE_FAILED' });
  const again = segments.get(wish(3, me), NEVER);
  await asked(2);
  publish(3);
  assert.deepEqual(await again, BYTES);
});

test('segments: when the thread is lost, the one that replaces it is asked, once', async t => {
  const { segments, workers, wish, publish, asked } = await world(t);
  const got = segments.get(wish(3, newSessionId()), NEVER);
  (await asked(1)).fail('WORKER_LOST');
  await asked(2);
  assert.equal(workers.readyCalls, 1);
  publish(3);
  assert.deepEqual(await got, BYTES);
  const lost = segments.get(wish(4, newSessionId()), NEVER);
  (await asked(3)).fail('WORKER_LOST');
  (await asked(4)).fail('WORKER_LOST');
  await assert.rejects(lost, { code: 'WORKER_LOST' });
});

test('segments: what is on disk costs no thread', async t => {
  const { cache, segments, workers, wish } = await world(t, { maxMemoryBytes: 20 });
  cache.put(layout.key, 3, BYTES, true);
  await cache.close();
  cache.put(layout.key, 4, BYTES, false);
  assert.equal(segments.hot(layout, 3), undefined, 'memory holds one segment');
  assert.deepEqual(await segments.get(wish(3, newSessionId()), NEVER), BYTES);
  assert.equal(workers.asked.length, 0);
});

test('segments: a segment made a second time has the bytes it had, also for who waits for it', async t => {
  const { cache, segments, wish, publish, asked } = await world(t, { maxMemoryBytes: 20 });
  const got = segments.get(wish(3, newSessionId()), NEVER);
  const { reply } = await asked(1);
  // Meanwhile another run made it, it went to disk, and out of memory.
  publish(9);
  cache.put(layout.key, 3, BYTES, true);
  await cache.close();
  publish(8);
  publish(3, Buffer.from('other bytes!!'));
  reply();
  assert.deepEqual(await got, BYTES);
});

test('segments: a segment that the memory does not hold is handed on all the same', async t => {
  const { segments, wish, publish, asked } = await world(t, { maxMemoryBytes: 2 });
  const got = segments.get(wish(3, newSessionId()), NEVER);
  const { reply } = await asked(1);
  publish(3);
  reply();
  assert.deepEqual(await got, BYTES);
});

test('segments: a hint asks once, is shared with who comes after, and its failure bothers nobody', async t => {
  const { segments, workers, wish, publish, asked } = await world(t);
  const me = newSessionId();
  segments.prefetch(wish(3, me));
  const got = segments.get(wish(3, me), NEVER);
  await asked(1);
  publish(3);
  assert.deepEqual(await got, BYTES);
  segments.prefetch(wish(3, me));
  assert.equal(workers.asked.length, 1, 'what is there is not asked for');
  segments.prefetch(wish(5, me));
  (await asked(2)).fail('ENCODE_FAILED');
  await new Promise(resolve => setImmediate(resolve));
});
