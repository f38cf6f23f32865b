// The session host threads: who waits for a lost one hears so, the others notice nothing, and it is replaced.

import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { type MediaId, mediaIdFor, newLibraryId, newSessionId } from '#domain/ids.ts';
import { SpawnerProcess } from '#src/threads/spawner-process.ts';
import { WorkerPool } from '#src/threads/worker-pool.ts';
import { temporaryFolder } from '../support/run-tool.ts';
import { STALLS_AT_MS } from '../support/stalling-host.ts';

const DEADLINE_MS = 30_000;

async function start(t: TestContext, threads: number, program?: URL) {
  const spawner = await SpawnerProcess.start(() => assert.fail('the process starter was lost'));
  t.after(() => spawner.close());
  const lost: unknown[] = [];
  const replaced = Promise.withResolvers<(mediaId: MediaId) => boolean>();
  const pool = new WorkerPool({
    threads,
    ...(program && { program }),
    host: {
      ...{ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', spawnerSocketPath: spawner.socketPath, maxWarmEncoders: 0 },
      extracted: { dir: join(tmpdir(), 'ferrite-never-made'), maxBytes: 0 },
    },
  });
  t.after(() => pool.close(DEADLINE_MS));
  pool.events.on('lost', error => lost.push(error));
  pool.events.on('replaced', host => replaced.resolve(mediaId => pool.owns(host, mediaId)));
  await pool.start();
  return { pool, lost, replaced: replaced.promise };
}

const library = newLibraryId();
const media = Array.from({ length: 16 }, (_, at) => mediaIdFor(library, `${at}.mp4`));

const isAlive = (pool: WorkerPool, mediaId: MediaId): Promise<boolean> =>
  pool.request('session.close', { mediaId, sessionId: newSessionId(), reason: 'stopped' }).then(
    () => true,
    () => false,
  );

/** A message that no host can read is a bug there: it dies of it, as it would of any other. */
const kill = (pool: WorkerPool, mediaId: MediaId): void => pool.notify(mediaId, null as never);

test('a lost thread fails its own requests alone, and is replaced', { timeout: 300_000 }, async t => {
  const { pool, lost, replaced } = await start(t, 2);
  assert.equal(pool.isReady, true);
  const [mediaId] = media;
  assert.ok(mediaId);
  kill(pool, mediaId);
  const asked = media.map(async id => [id, await isAlive(pool, id)] as const);
  // The first is the lost one: looked at the moment it fails, before there can be another.
  const [first] = await Promise.all(asked.slice(0, 1));
  assert.deepEqual(first, [mediaId, false], 'what was asked of the lost thread fails');
  assert.equal(pool.isReady, false);
  await assert.rejects(
    pool.request('session.describe', { mediaId, sessionId: newSessionId() }),
    error => error instanceof FerriteError && error.code === 'WORKER_LOST',
  );
  const outcomes = await Promise.all(asked);
  const failed = outcomes.filter(([, alive]) => !alive).map(([id]) => id);
  assert.ok(failed.length < media.length, 'the other thread answers');

  const owns = await replaced;
  assert.deepEqual(media.filter(owns), failed, 'told whose media the new thread has');
  await pool.whenReady(DEADLINE_MS);
  assert.equal(pool.isReady, true);
  assert.equal(lost.length, 1);
  assert.deepEqual(
    await Promise.all(media.map(id => isAlive(pool, id))),
    media.map(() => true),
  );
});

test('whoever waits for a replacement is told when there is none in time', { timeout: 300_000 }, async t => {
  const { pool, replaced } = await start(t, 1);
  const [mediaId] = media;
  assert.ok(mediaId);
  kill(pool, mediaId);
  assert.equal(await isAlive(pool, mediaId), false);
  await assert.rejects(pool.whenReady(1), error => error instanceof FerriteError && error.code === 'WORKER_LOST');
  await replaced;
});

test('a failure keeps its code on the way between threads', async t => {
  const { pool } = await start(t, 1);
  const [mediaId] = media;
  assert.ok(mediaId);
  await assert.rejects(
    pool.request('session.describe', { mediaId, sessionId: newSessionId() }),
    error => error instanceof FerriteError && error.code === 'SESSION_NOT_FOUND',
  );
});

const STALLING_HOST = new URL('../support/stalling-host.ts', import.meta.url);

function prepare(pool: WorkerPool, mediaId: MediaId, positionMs: number): Promise<string> {
  const track = { kind: 'audio', track: 0 } as const;
  const input = {
    mediaId,
    sessionId: newSessionId(),
    track,
    name: 0,
    positionMs,
    isHint: false,
    isAhead: false,
    mayEncode: false,
    mayRunBeside: false,
    untilIndex: null,
  };
  return pool.request('segment.prepare', input).then(
    () => 'made',
    error => (error instanceof FerriteError ? error.code : String(error)),
  );
}

test('a thread that stops answering is replaced; the media that stopped it twice is held back, no other', { timeout: 300_000 }, async t => {
  const { pool, lost } = await start(t, 2, STALLING_HOST);
  const [mediaId] = media;
  assert.ok(mediaId);
  const host = [0, 1].find(slot => pool.owns(slot, mediaId)) ?? 0;
  const beside = media.find(id => id !== mediaId && pool.owns(host, id));
  const elsewhere = media.find(id => !pool.owns(host, id));
  assert.ok(beside && elsewhere);
  const replaced: number[] = [];
  pool.events.on('replaced', slot => replaced.push(slot));
  for (const time of [1, 2]) {
    const stopped = prepare(pool, mediaId, STALLS_AT_MS);
    // Asked of a thread that stands still already: it is not what stopped it.
    const behind = prepare(pool, beside, 0);
    assert.equal(await prepare(pool, elsewhere, 0), 'SESSION_NOT_FOUND', 'the other thread answers meanwhile');
    assert.deepEqual([await stopped, await behind, pool.isReady], ['WORKER_LOST', 'WORKER_LOST', false]);
    await pool.whenReady(DEADLINE_MS);
    assert.equal(lost.length, time);
  }
  assert.deepEqual(replaced, [host, host]);
  assert.equal(await prepare(pool, mediaId, 0), 'MEDIA_HELD');
  assert.equal(await isAlive(pool, mediaId), true, 'what does not read it is answered');
  for (const other of [beside, elsewhere]) assert.equal(await prepare(pool, other, 0), 'SESSION_NOT_FOUND');
});

test('a replacement that takes long to start still takes its place', { timeout: 300_000 }, async t => {
  const gate = join(await temporaryFolder(t), 'gate');
  await writeFile(gate, '');
  process.env.FERRITE_TEST_HOST_GATE = gate;
  t.after(() => {
    delete process.env.FERRITE_TEST_HOST_GATE;
  });
  const { pool } = await start(t, 1, new URL('../support/slow-host.ts', import.meta.url));
  const [mediaId] = media;
  assert.ok(mediaId);
  await rm(gate);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const gone = new Promise<void>(resolve => pool.events.on('lost', () => resolve()));
  kill(pool, mediaId);
  await gone;
  // The delay before it is started, then far longer than any start should take.
  t.mock.timers.tick(1_000);
  t.mock.timers.tick(60_000);
  assert.equal(pool.isReady, false);
  const replaced = new Promise<void>(resolve => pool.events.on('replaced', () => resolve()));
  await writeFile(gate, '');
  await replaced;
  assert.equal(pool.isReady, true);
  assert.equal(await isAlive(pool, mediaId), true);
});
