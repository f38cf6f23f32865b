import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { newUserId, parseUserId } from '#domain/ids.ts';
import { copyStore, knownFormats, openDatabase, storePath } from '#storage/database.ts';
import { Environment } from '#storage/environment.ts';
import { aMedia, aUser, makeDataDir, openStore } from './support.ts';

const DEADLINE = { timeout: 300_000 };
const progressAt = (updatedAtMs: number) => ({ positionMs: 1, durationMs: 2, watched: false, updatedAtMs });

/** Counts how often a second thread, in the middle of its work, reads old data after being told of new data. */
async function staleReads(t: TestContext, refreshes: boolean): Promise<number> {
  const { dataDir, database } = await openStore(t);
  const [userId, { id: mediaId }] = [newUserId(), aMedia('film')];
  /** The round whose data is in the store. */
  const written = new Int32Array(new SharedArrayBuffer(4));
  const reader = new Worker(new URL('./reader-thread.ts', import.meta.url), {
    workerData: { dataDir, userId, mediaId, refreshes, written },
  });
  await once(reader, 'message');
  let stale = 0;
  for (let round = 1; round <= 200; round++) {
    const pinned = once(reader, 'message');
    reader.postMessage(round);
    await pinned;
    await database.progress.put(userId, mediaId, progressAt(round));
    const answer = once(reader, 'message');
    Atomics.store(written, 0, round);
    Atomics.notify(written, 0);
    const [seen] = await answer;
    if (seen !== round) stale += 1;
  }
  const exit = once(reader, 'exit');
  reader.postMessage('close');
  await exit;
  return stale;
}

test('environment: a thread that refreshes before it reads never sees old data', DEADLINE, async t => {
  assert.equal(await staleReads(t, true), 0);
});

test('environment: without refreshing it does, so the test above can fail', DEADLINE, async t => {
  assert.ok((await staleReads(t, false)) > 0);
});

test('environment: a thread that closes its view leaves the writer at work', DEADLINE, async t => {
  const { dataDir, database } = await openStore(t);
  const reader = await openDatabase(dataDir, { readOnly: true });
  await reader.close();
  const [userId, { id }] = [newUserId(), aMedia('film')];
  await database.progress.put(userId, id, progressAt(7));
  assert.equal(database.progress.get(userId, id)?.updatedAtMs, 7);
});

test('environment: its own writes are seen at once by the writing thread', DEADLINE, async t => {
  const { database } = await openStore(t);
  const [userId, { id }] = [newUserId(), aMedia('film')];
  for (let round = 1; round <= 300; round++) {
    database.progress.get(userId, id);
    const written = database.progress.put(userId, id, progressAt(round));
    database.progress.get(userId, id);
    await written;
    assert.equal(database.progress.get(userId, id)?.updatedAtMs, round);
  }
});

test('environment: nothing that reads holds on to what was there, so the space of old records is used again', DEADLINE, async t => {
  const { dataDir, database } = await openStore(t);
  const [userId, { id }] = [newUserId(), aMedia('film')];
  await database.users.create(aUser('reader', { role: 'admin' }), () => undefined);
  assert.equal(database.users.isEmpty(), false);
  assert.equal(database.users.hasOtherAdministrator(userId), true);
  const write = async (rounds: number): Promise<number> => {
    for (let round = 1; round <= rounds; round++) await database.progress.put(userId, id, progressAt(round));
    return statSync(storePath(dataDir)).size;
  };
  const warm = await write(100);
  assert.ok((await write(400)) < warm + 256 * 1024);
});

test('environment: closing with writes queued writes them all, and refuses those that come later', DEADLINE, async t => {
  const dataDir = await makeDataDir(t);
  const database = await openDatabase(dataDir);
  const userId = newUserId();
  const films = Array.from({ length: 2000 }, (_, index) => aMedia(`film ${index}`));
  const writes = films.map(film => database.progress.put(userId, film.id, progressAt(1)));
  const closed = database.close();
  await assert.rejects(database.progress.put(userId, aMedia('late').id, progressAt(1)), { code: 'STORAGE_FAILED' });
  await closed;
  await database.close();
  await Promise.all(writes);
  assert.throws(() => database.users.isEmpty(), { code: 'STORAGE_FAILED' });
  const again = await openDatabase(dataDir);
  assert.equal(again.progress.list(userId, { limit: 5000, cursor: null }, () => true).items.length, 2000);
  await again.close();
});

test('environment: a writing process killed at once leaves a store with everything it was told is written', DEADLINE, async t => {
  const dataDir = await makeDataDir(t);
  const child = spawn(process.execPath, [fileURLToPath(new URL('./endless-writer.ts', import.meta.url)), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 20) child.kill('SIGKILL');
  }
  const [userId = '', ...counts] = lines;
  const database = await openDatabase(dataDir);
  const { items } = database.progress.list(parseUserId(userId), { limit: 1_000_000, cursor: null }, () => true);
  assert.ok(items.length >= Number(counts.at(-1)) * 50);
  await database.progress.put(parseUserId(userId), aMedia('after').id, progressAt(1));
  await database.close();
});

test('environment: a copy of a store in use opens with the same records', DEADLINE, async t => {
  const { dataDir, database } = await openStore(t);
  const copyDir = await makeDataDir(t);
  const media = aMedia('film');
  await database.media.put(media);
  assert.equal((await copyStore(dataDir, `${copyDir}/ferrite.lmdb`)).media, knownFormats().media);
  const copy = await openDatabase(copyDir);
  assert.deepEqual(copy.media.get(media.id), media);
  await copy.close();
});

test('environment: a transaction that throws leaves nothing of itself behind, and nothing of its neighbours is lost', async t => {
  const dataDir = await makeDataDir(t);
  const environment = new Environment(storePath(dataDir), 'read-write');
  t.after(() => environment.close());
  const table = environment.table<string, number>('numbers');
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, at) =>
      environment.write(tx => {
        tx.put(table, `a-${at}`, at);
        if (at % 3 === 0) throw new Error('changed its mind');
        if (at % 3 === 1) tx.put(table, 'k'.repeat(5_000), at);
        tx.put(table, `b-${at}`, at);
      }),
    ),
  );
  environment.refresh();
  for (const [at, { status }] of outcomes.entries()) {
    const isWhole = at % 3 === 2;
    assert.deepEqual(
      [status, table.has(`a-${at}`), table.has(`b-${at}`)],
      [isWhole ? 'fulfilled' : 'rejected', isWhole, isWhole],
      `write ${at}`,
    );
  }
  assert.equal(table.count(), 6 * 2);
});
