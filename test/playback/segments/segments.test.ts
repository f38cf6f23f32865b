import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ErrorCode, FerriteError } from '#domain/errors.ts';
import { type MediaId, newSessionId, type SessionId } from '#domain/ids.ts';
import type { Requests } from '#domain/protocol.ts';
import { renditionKey, type SegmentName } from '#domain/rendition.ts';
import { Emitter } from '#src/events.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import { Segments } from '#src/playback/segments/segments.ts';
import type { HostEvents, MediaHosts, Notification } from '#src/threads/media-hosts.ts';
import { SegmentCache } from '#storage/segments/cache.ts';
import { openStore } from '../../storage/support.ts';
import { aJob, aRung, MEDIA_ID } from '../../support/titles.ts';
import { until } from '../../support/until.ts';

type Asked = {
  readonly input: Requests['segment.prepare']['input'];
  readonly type: keyof Requests;
  readonly signal: AbortSignal | undefined;
  reply(output?: Requests['segment.locate']['output']): void;
  fail(code: ErrorCode): void;
};

/** The thread that owns every media: it does what the test says. */
class ScriptedHosts implements MediaHosts {
  readonly events = new Emitter<HostEvents>();
  readonly isReady = true;
  readonly asked: Asked[] = [];
  readonly told: Notification[] = [];
  readyCalls = 0;

  request: MediaHosts['request'] = (type, input, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<never>();
    signal?.addEventListener('abort', () => reject(new FerriteError('CANCELLED', 'cancelled')));
    this.asked.push({
      type,
      input: input as Asked['input'],
      signal,
      reply: (output = undefined) => resolve((output ?? null) as never),
      fail: code => reject(new FerriteError(code, 'scripted')),
    });
    return promise;
  };

  notify(_mediaId: MediaId, message: Notification): void {
    this.told.push(message);
  }

  owns(): boolean {
    return true;
  }

  async whenReady(): Promise<void> {
    this.readyCalls++;
  }
}

const layout: TrackLayout = {
  track: { kind: 'video', rungId: '720p' },
  rendition: aRung(),
  key: renditionKey('v1', 2_000, aRung()),
  grid: aJob(0, 9).grid,
  work: 1,
  segmentCount: 10,
  isLocated: false,
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
    monotonicMs: () => performance.now(),
  });
  const workers = new ScriptedHosts();
  const segments = new Segments(cache, workers);
  const requestOf = (name: SegmentName, sessionId: SessionId) => ({
    mediaId: MEDIA_ID,
    sessionId,
    layout,
    name,
    positionMs: 0,
    mayEncode: true,
    mayRunBeside: true,
  });
  const publish = (name: SegmentName, bytes: Buffer = BYTES): void =>
    workers.events.emit('segment', {
      kind: 'segment',
      key: layout.key,
      name,
      isEncoded: true,
      isBegun: false,
      bytes: Uint8Array.from(bytes).buffer,
    });
  /** A chunk of a segment that is being made, and the segment that begins with it. */
  const begin = (index: number, bytes: Buffer): void =>
    workers.events.emit('chunk', { kind: 'chunk', key: layout.key, index, bytes: Uint8Array.from(bytes).buffer });
  const finish = (index: number, bytes: Buffer): void =>
    workers.events.emit('segment', {
      kind: 'segment',
      key: layout.key,
      name: index,
      isEncoded: true,
      isBegun: true,
      bytes: Uint8Array.from(bytes).buffer,
    });
  /** The thread is asked a turn later: the disk is looked at first. */
  const asked = async (count: number): Promise<Asked> => {
    await until(() => workers.asked.length >= count, `the thread is asked ${count} times`);
    return workers.asked[count - 1] ?? assert.fail();
  };
  return { cache, segments, workers, requestOf, publish, begin, finish, asked };
}

/** A `moof` and an `mdat` as far as anybody looks. */
function aChunk(text: string): Buffer {
  const [moof, mdat] = [Buffer.alloc(8), Buffer.alloc(8 + text.length)];
  moof.writeUInt32BE(moof.byteLength);
  mdat.writeUInt32BE(mdat.byteLength);
  mdat.write(text, 8);
  return Buffer.concat([moof, mdat]);
}

test('segments: a segment comes with its message, before the thread has replied', async t => {
  const { segments, requestOf, publish, asked } = await world(t);
  const got = segments.get(requestOf(3, newSessionId()), NEVER);
  const { input } = await asked(1);
  assert.deepEqual([input.track, input.name], [layout.track, 3]);
  publish(3);
  assert.deepEqual(await got, BYTES);
  assert.deepEqual(segments.hot(layout, 3), BYTES);
});

test('segments: everybody of a session who wants the same one shares one request', async t => {
  const { segments, workers, requestOf, publish, asked } = await world(t);
  const me = newSessionId();
  const all = [1, 2, 3].map(() => segments.get(requestOf(3, me), NEVER));
  await asked(1);
  publish(3);
  await Promise.all(all);
  assert.equal(workers.asked.length, 1);
});

test('segments: another session asks for itself, and is answered by the same bytes', async t => {
  const { segments, workers, requestOf, publish, asked } = await world(t);
  const all = [segments.get(requestOf(3, newSessionId()), NEVER), segments.get(requestOf(3, newSessionId()), NEVER)];
  await asked(2);
  publish(3);
  const [one, other] = await Promise.all(all);
  assert.equal(one, other);
  assert.equal(workers.asked.length, 2);
});

test('segments: a client that goes away leaves the others waiting, and cancels when it was the last', async t => {
  const { segments, requestOf, publish, asked } = await world(t);
  const me = newSessionId();
  const [first, second] = [new AbortController(), new AbortController()];
  const gone = segments.get(requestOf(3, me), first.signal);
  const waits = segments.get(requestOf(3, me), NEVER);
  const { signal } = await asked(1);
  first.abort();
  await assert.rejects(gone, { code: 'CANCELLED' });
  assert.equal(signal?.aborted, false);
  publish(3);
  assert.deepEqual(await waits, BYTES);

  const last = segments.get(requestOf(4, me), second.signal);
  const request = await asked(2);
  second.abort();
  await assert.rejects(last, { code: 'CANCELLED' });
  assert.equal(request.signal?.aborted, true);
  const again = segments.get(requestOf(4, me), NEVER);
  await asked(3);
  publish(4);
  assert.deepEqual(await again, BYTES, 'a request after that is a new one');
});

test('segments: who was gone before is refused', async t => {
  const { segments, requestOf } = await world(t);
  await assert.rejects(segments.get(requestOf(3, newSessionId()), AbortSignal.abort()), { code: 'CANCELLED' });
});

test('segments: a failure is told to everybody, and the next one tries again', async t => {
  const { segments, requestOf, publish, asked } = await world(t);
  const me = newSessionId();
  const all = [1, 2].map(() => segments.get(requestOf(3, me), NEVER));
  (await asked(1)).fail('ENCODE_FAILED');
  for (const one of all) await assert.rejects(one, { code: 'ENCODE_FAILED' });
  const again = segments.get(requestOf(3, me), NEVER);
  await asked(2);
  publish(3);
  assert.deepEqual(await again, BYTES);
});

test('segments: when the thread is lost, the one that replaces it is asked, once', async t => {
  const { segments, workers, requestOf, publish, asked } = await world(t);
  const got = segments.get(requestOf(3, newSessionId()), NEVER);
  (await asked(1)).fail('WORKER_LOST');
  await asked(2);
  assert.equal(workers.readyCalls, 1);
  publish(3);
  assert.deepEqual(await got, BYTES);
  const lost = segments.get(requestOf(4, newSessionId()), NEVER);
  (await asked(3)).fail('WORKER_LOST');
  (await asked(4)).fail('WORKER_LOST');
  await assert.rejects(lost, { code: 'WORKER_LOST' });
});

test('segments: what is on disk costs no thread', async t => {
  const { cache, segments, workers, requestOf } = await world(t, { maxMemoryBytes: 20 });
  cache.put({ key: layout.key, name: 3, bytes: BYTES, keepOnDisk: true, owner: null, isAwaited: false });
  await cache.close();
  cache.put({ key: layout.key, name: 4, bytes: BYTES, keepOnDisk: false, owner: null, isAwaited: false });
  assert.equal(segments.hot(layout, 3), undefined, 'memory holds one segment');
  assert.deepEqual(await segments.get(requestOf(3, newSessionId()), NEVER), BYTES);
  assert.equal(workers.asked.length, 0);
});

test('segments: a segment made a second time has the bytes it had, also for who waits for it', async t => {
  const { cache, segments, requestOf, publish, asked } = await world(t, { maxMemoryBytes: 20 });
  const got = segments.get(requestOf(3, newSessionId()), NEVER);
  const { reply } = await asked(1);
  // Meanwhile another run made it, it went to disk, and out of memory.
  publish(9);
  cache.put({ key: layout.key, name: 3, bytes: BYTES, keepOnDisk: true, owner: null, isAwaited: false });
  await cache.close();
  publish(8);
  publish(3, Buffer.from('other bytes!!'));
  reply();
  assert.deepEqual(await got, BYTES);
});

test('segments: a segment that the memory does not hold is handed on all the same', async t => {
  const { segments, requestOf, publish, asked } = await world(t, { maxMemoryBytes: 2 });
  const got = segments.get(requestOf(3, newSessionId()), NEVER);
  const { reply } = await asked(1);
  publish(3);
  reply();
  assert.deepEqual(await got, BYTES);
});

test('segments: a hint asks once and says that nobody waits, who comes after asks too, and its failure bothers nobody', async t => {
  const { segments, workers, requestOf, publish, asked } = await world(t);
  const me = newSessionId();
  void segments.prefetch(requestOf(3, me));
  void segments.prefetch(requestOf(3, me));
  assert.equal((await asked(1)).input.isHint, true);
  const got = segments.get(requestOf(3, me), NEVER);
  assert.equal((await asked(2)).input.isHint, false);
  publish(3);
  assert.deepEqual(await got, BYTES);
  void segments.prefetch(requestOf(3, me));
  assert.equal(workers.asked.length, 2, 'what is there is not asked for');
  void segments.prefetch(requestOf(5, me));
  (await asked(3)).fail('ENCODE_FAILED');
  await new Promise(resolve => setImmediate(resolve));
});

test('segments: an encode is told where a kept stretch begins, and short islands are no reason to stop', async t => {
  const { segments, requestOf, publish, asked } = await world(t);
  for (const name of [2, 3, 5, 6, 7, 8, 9]) publish(name);
  for (const [at, name] of ([0, 4, 'init'] as const).entries()) {
    void segments.prefetch(requestOf(name, newSessionId()));
    const { input, reply } = await asked(at + 1);
    assert.equal(input.untilIndex, 5, String(name));
    reply();
  }
});

test('segments: what is kept up to the end of the film is worth stopping at, however short', async t => {
  const { segments, requestOf, publish, asked } = await world(t);
  publish(9);
  void segments.prefetch(requestOf(4, newSessionId()));
  const first = await asked(1);
  assert.equal(first.input.untilIndex, 9);
  first.reply();
});

test('segments: with nothing kept ahead an encode goes on to its end', async t => {
  const { segments, requestOf, publish, asked } = await world(t);
  for (const name of [0, 1, 6]) publish(name);
  void segments.prefetch(requestOf(2, newSessionId()));
  const first = await asked(1);
  assert.equal(first.input.untilIndex, null);
  first.reply();
});

test('segments: an encode that makes again what is kept is told so, once what follows is kept too', async t => {
  const { segments, workers, requestOf, publish, asked } = await world(t);
  void segments.prefetch(requestOf(0, newSessionId()));
  const first = await asked(1);
  publish('init');
  for (const name of [0, 3, 4, 5, 6, 7]) publish(name);
  first.reply();
  assert.deepEqual(workers.told, []);
  publish(0);
  publish('init');
  assert.deepEqual(workers.told, [], 'an island of one');
  publish(3);
  assert.deepEqual(workers.told, [{ kind: 'covered', key: layout.key, fromIndex: 4, untilIndex: 8 }]);
  assert.deepEqual(segments.encoded, { made: 8, again: 2 });
});

test('segments: what was pushed out before it could be sent is made anew, once', async t => {
  const { segments, workers, requestOf, publish, asked } = await world(t);
  const got = segments.get(requestOf(3, newSessionId()), NEVER);
  (await asked(1)).reply();
  await asked(2);
  publish(3);
  assert.deepEqual(await got, BYTES);
  const lost = segments.get(requestOf(4, newSessionId()), NEVER);
  (await asked(3)).reply();
  (await asked(4)).reply();
  await assert.rejects(lost, { code: 'ENCODE_STALLED' });
  assert.equal(workers.asked.length, 4);
});

const copied: TrackLayout = { ...layout, key: renditionKey('v2', 2_000, aRung()), isLocated: true, isEncoded: false };
const LOCATED = { head: new Uint8Array(10), stretches: Float64Array.of(0, 990), byteLength: 1_000 };

for (const [maxMemoryBytes, comesIntoMemory] of [
  [1_000_000, true],
  [999, false],
] as const) {
  test(`segments: a copied segment is located once; asked for again it ${comesIntoMemory ? 'comes into memory' : 'stays in its file where memory can not hold it'}`, async t => {
    const { segments, workers, asked } = await world(t, { maxMemoryBytes });
    const locateRequest = { mediaId: MEDIA_ID, sessionId: newSessionId(), layout: copied, index: 4 };
    const first = segments.locate(locateRequest, NEVER);
    (await asked(1)).reply(LOCATED);
    assert.equal(await first, LOCATED);
    assert.deepEqual([workers.asked.map(({ type }) => type), segments.hot(copied, 4)], [['segment.locate'], undefined]);
    assert.equal(segments.locate({ ...locateRequest, sessionId: newSessionId() }, NEVER), LOCATED, 'no promise');
    if (!comesIntoMemory) {
      await new Promise(resolve => setImmediate(resolve));
      return assert.equal(workers.asked.length, 1);
    }
    assert.equal((await asked(2)).type, 'segment.prepare');
    workers.events.emit('segment', {
      kind: 'segment',
      key: copied.key,
      name: 4,
      isEncoded: false,
      isBegun: false,
      bytes: new ArrayBuffer(1_000),
    });
    assert.equal(segments.hot(copied, 4)?.byteLength, 1_000);
  });
}

test('segments: a copied segment that was hinted at is located for who asks then, and comes into memory for the next', async t => {
  const { segments, workers, requestOf, asked } = await world(t);
  const hint = { ...requestOf(4, newSessionId()), layout: copied };
  const hinted = segments.prefetch(hint);
  (await asked(1)).reply(LOCATED);
  await hinted;
  await segments.prefetch(hint);
  assert.equal(segments.locate({ ...hint, index: 4 }, NEVER), LOCATED, 'no promise');
  assert.equal(segments.locate({ ...hint, index: 4 }, NEVER), LOCATED);
  await asked(2);
  assert.deepEqual(
    workers.asked.map(({ type }) => type),
    ['segment.locate', 'segment.prepare'],
  );
});

test('segments: a thread that is lost while it locates is asked again when it is replaced', async t => {
  const { segments, workers, asked } = await world(t);
  const located = segments.locate({ mediaId: MEDIA_ID, sessionId: newSessionId(), layout: copied, index: 0 }, NEVER);
  (await asked(1)).fail('WORKER_LOST');
  (await asked(2)).reply(LOCATED);
  assert.equal(await located, LOCATED);
  assert.equal(workers.readyCalls, 1);
});

const [FIRST, REST] = [aChunk('first'), aChunk('the rest')];
const WHOLE = Buffer.concat([FIRST, REST]);

const [VIEWER, OTHER_VIEWER] = [newSessionId(), newSessionId()];
const FIRST_OF_3 = { index: 3, chunk: 0 } as const;
const REST_OF_3 = { index: 3, chunk: 1 } as const;
const OTHER_FIRST = aChunk('other');
const OTHER_WHOLE = Buffer.concat([OTHER_FIRST, aChunk('encode')]);
const never = <T>(): Promise<T> => new Promise(() => undefined);

test('segments: the first chunk is there before its segment, and the same bytes as when it is whole', async t => {
  const { segments, begin, finish } = await world(t);
  const waiting = segments.chunkFor(VIEWER, layout, FIRST_OF_3, never());
  assert.equal(segments.hotChunk(layout, FIRST_OF_3, VIEWER), undefined);
  begin(3, FIRST);
  assert.deepEqual(await waiting, FIRST);
  assert.deepEqual(await segments.chunkFor(OTHER_VIEWER, layout, FIRST_OF_3, never()), FIRST, 'also for who comes later');
  assert.deepEqual(segments.hotChunk(layout, FIRST_OF_3, VIEWER), FIRST);
  assert.equal(segments.hotChunk(layout, REST_OF_3, VIEWER), undefined);
  assert.equal(segments.hot(layout, 3), undefined);
  finish(3, WHOLE);
  assert.deepEqual([segments.hotChunk(layout, FIRST_OF_3, VIEWER), segments.hotChunk(layout, REST_OF_3, VIEWER)], [FIRST, REST]);
  assert.equal(segments.hotChunk(layout, REST_OF_3, VIEWER), segments.hotChunk(layout, REST_OF_3, OTHER_VIEWER), 'cut once');
});

test('segments: who waits for a first chunk has the failure of its segment', async t => {
  const { segments, begin } = await world(t);
  await assert.rejects(segments.chunkFor(VIEWER, layout, FIRST_OF_3, Promise.reject(new FerriteError('CANCELLED', 'gone'))), {
    code: 'CANCELLED',
  });
  begin(3, FIRST);
});

test("segments: who holds the first chunk of one encode has the rest of that one, also when another's segment came first", async t => {
  const { segments, publish, begin, finish } = await world(t);
  begin(3, FIRST);
  assert.deepEqual(segments.hotChunk(layout, FIRST_OF_3, VIEWER), FIRST);
  const rest = segments.chunkFor(VIEWER, layout, REST_OF_3, Promise.resolve(OTHER_WHOLE));
  publish(3, OTHER_WHOLE);
  assert.deepEqual(segments.hot(layout, 3), OTHER_WHOLE, 'kept at once');
  assert.equal(segments.hotChunk(layout, REST_OF_3, VIEWER), undefined, 'not that of another');
  assert.deepEqual(segments.hotChunk(layout, FIRST_OF_3, OTHER_VIEWER), OTHER_FIRST);
  assert.deepEqual(segments.hotChunk(layout, REST_OF_3, OTHER_VIEWER), aChunk('encode'));
  finish(3, WHOLE);
  assert.deepEqual(await rest, REST);
  assert.deepEqual(segments.hotChunk(layout, REST_OF_3, VIEWER), REST);
  assert.deepEqual(segments.hot(layout, 3), OTHER_WHOLE, 'the address keeps the bytes it had');
});

test('segments: of two encodes that begin the same segment, each viewer has the rest of the one it was given', async t => {
  const { segments, begin, finish } = await world(t);
  begin(3, FIRST);
  assert.deepEqual(segments.hotChunk(layout, FIRST_OF_3, VIEWER), FIRST);
  begin(3, OTHER_FIRST);
  assert.deepEqual(segments.hotChunk(layout, FIRST_OF_3, OTHER_VIEWER), OTHER_FIRST);
  finish(3, OTHER_WHOLE);
  assert.equal(segments.hotChunk(layout, REST_OF_3, VIEWER), undefined);
  assert.deepEqual(segments.hotChunk(layout, REST_OF_3, OTHER_VIEWER), aChunk('encode'));
  finish(3, WHOLE);
  assert.deepEqual(segments.hotChunk(layout, REST_OF_3, VIEWER), REST);
  segments.hotChunk(layout, FIRST_OF_3, VIEWER);
  assert.deepEqual(segments.hotChunk(layout, REST_OF_3, VIEWER), aChunk('encode'), 'who asks for the first again has the kept one');
});

test('segments: where the encode of a first chunk was given up, its viewer has the whole segment of another in place of the rest', async t => {
  const { segments, publish, begin } = await world(t);
  begin(3, FIRST);
  segments.hotChunk(layout, FIRST_OF_3, VIEWER);
  publish(3, OTHER_WHOLE);
  assert.deepEqual(await segments.chunkFor(VIEWER, layout, REST_OF_3, Promise.resolve(OTHER_WHOLE)), OTHER_WHOLE);
});

test('segments: what is kept stays, whoever begins it again', async t => {
  const { segments, publish, begin } = await world(t);
  publish(3, OTHER_WHOLE);
  begin(3, FIRST);
  assert.deepEqual(segments.hotChunk(layout, FIRST_OF_3, VIEWER), OTHER_FIRST);
});
