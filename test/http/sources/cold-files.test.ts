// Segments from disk over real sockets: whole and in parts, gone, cut short, abandoned, many at once, and from a disk that is slow.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { route } from '#http/contract/route.ts';
import { ColdFiles, type ColdFilesOptions } from '#http/sources/cold-files.ts';
import { RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';

const MIB = 1024 * 1024;
const BYTES = 3 * MIB + 17;

async function start(t: TestContext, options: ColdFilesOptions & { byteLength?: number; found?: Promise<void> } = {}) {
  const bytes = randomBytes(options.byteLength ?? BYTES);
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-cold-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, '0.m4s');
  await writeFile(path, bytes);
  const coldFiles = new ColdFiles(options);
  const reply = () => {
    const coldFile = coldFiles.open(path, bytes.byteLength);
    if (coldFile === null) return { status: 410, empty: true } as const;
    return { status: 200, streamed: coldFile, contentType: 'video/mp4', etag: '"cold"' } as const;
  };
  const common = { method: 'GET', auth: 'none', summary: 'test', responses: {} } as const;
  const routes = [
    route({ ...common, path: '/cold', handler: reply }),
    route({
      ...common,
      path: '/cold-later',
      handler: async () => {
        await (options.found ?? new Promise(resolve => setImmediate(resolve)));
        return reply();
      },
    }),
  ];
  const door = await startForTest(t, { routes });
  const allClosed = (): Promise<void> =>
    waitFor(
      () => coldFiles.openCount === 0,
      30_000,
      () => `${coldFiles.openCount} files open`,
    );
  return { bytes, path, coldFiles, door, allClosed };
}

/** Watched from its first read on, each of which is slow. */
function slowDisk(): ColdFilesOptions {
  let nowMs = 0;
  return { now: () => (nowMs += 30), busyMs: () => 0 };
}

for (const [name, options] of [
  ['a disk that answers at once', {}],
  ['a slow disk', slowDisk()],
] as const) {
  test(`from ${name} a segment is whole, in parts, by HEAD and known, and its file is closed each time`, async t => {
    const { bytes, door, coldFiles, allClosed } = await start(t, options);
    for (const path of ['/cold', '/cold-later']) {
      const whole = await fetch(door.url + path);
      assert.deepEqual([whole.status, whole.headers.get('content-length')], [200, String(BYTES)]);
      assert.ok(bytes.equals(Buffer.from(await whole.arrayBuffer())));
      const part = await fetch(door.url + path, { headers: { Range: `bytes=${MIB}-${2 * MIB}` } });
      assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes ${MIB}-${2 * MIB}/${BYTES}`]);
      assert.ok(bytes.subarray(MIB, 2 * MIB + 1).equals(Buffer.from(await part.arrayBuffer())));
      const head = await fetch(door.url + path, { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(BYTES)]);
      assert.equal((await fetch(door.url + path, { headers: { 'If-None-Match': '"cold"' } })).status, 304);
      assert.equal((await fetch(door.url + path, { headers: { Range: `bytes=${BYTES}-` } })).status, 416);
      await allClosed();
    }
    assert.equal(coldFiles.isSlow, name === 'a slow disk');
    assert.deepEqual(door.lines, []);
  });
}

test('a file that is gone or has another size is told before anything is sent', async t => {
  const { coldFiles, path } = await start(t);
  assert.equal(coldFiles.open(path, BYTES - 1), null);
  await rm(path);
  assert.equal(coldFiles.open(path, BYTES), null);
  await writeFile(path, '');
  assert.equal(coldFiles.openCount, 0);
});

test('slow readers hold a descriptor each and no bytes; when they leave in the middle every file is closed', async t => {
  const { door, coldFiles, allClosed } = await start(t, { byteLength: 40 * MIB });
  await (await fetch(`${door.url}/cold`)).arrayBuffer();
  const before = process.memoryUsage.rss();
  const clients = Array.from({ length: 20 }, () => new RawClient(t, door.port));
  for (const [index, client] of clients.entries()) {
    client.ignoreBytes();
    client.socket.pause();
    client.send(request('GET', index % 2 === 0 ? '/cold' : '/cold-later'));
  }
  await waitFor(
    () => coldFiles.openCount === clients.length && door.load().waitingBytes > 20 * 30 * MIB,
    30_000,
    () => `${coldFiles.openCount} open`,
  );
  const perReader = (process.memoryUsage.rss() - before) / clients.length;
  assert.ok(perReader < 8 * MIB, `${Math.round(perReader / 1024)} KiB a reader`);
  clients[0]?.socket.resume();
  await waitFor(
    () => (clients[0]?.socket.bytesRead ?? 0) > 40 * MIB,
    30_000,
    () => 'the reader that went on did not get all',
  );
  for (const client of clients) client.socket.destroy();
  await allClosed();
  assert.deepEqual(door.lines, []);
});

test('a client that left while its reply was being found leaves no file open', async t => {
  const gate = Promise.withResolvers<void>();
  const { door, coldFiles } = await start(t, { found: gate.promise });
  const client = new RawClient(t, door.port);
  client.send(request('GET', '/cold-later'));
  await waitFor(
    () => door.load().repliesInFlight === 1,
    30_000,
    () => 'not asked',
  );
  client.socket.destroy();
  await waitFor(
    () => door.connections() === 0,
    30_000,
    () => 'still connected',
  );
  gate.resolve();
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(coldFiles.openCount, 0);
});

test('a segment cut short while it is sent closes the connection', async t => {
  const { door, path, coldFiles, allClosed } = await start(t, { byteLength: 40 * MIB });
  const client = new RawClient(t, door.port);
  client.ignoreBytes();
  client.socket.pause();
  client.send(request('GET', '/cold'));
  await waitFor(
    () => coldFiles.openCount === 1,
    30_000,
    () => 'not begun',
  );
  await truncate(path, MIB);
  client.socket.resume();
  await client.closed(10_000);
  assert.ok(client.socket.bytesRead < 40 * MIB);
  await allClosed();
});

test('beyond the bound nothing is opened', async t => {
  const { coldFiles, path } = await start(t, { maxOpen: 2 });
  const files = [coldFiles.open(path, BYTES), coldFiles.open(path, BYTES)];
  assert.equal(coldFiles.mayOpen, false);
  for (const file of files) {
    file?.close();
    file?.close();
  }
  assert.deepEqual([coldFiles.mayOpen, coldFiles.openCount], [true, 0]);
});

test('a thread that only lost its core does not take the disk for slow, one that was blocked does, and tries again later', async t => {
  let nowMs = 0;
  let busyMs = 0;
  const { path, bytes } = await start(t);
  const read = (coldFiles: ColdFiles): void => {
    const file = coldFiles.open(path, bytes.byteLength);
    assert.ok(file?.read(0, 100));
    file?.close();
  };
  const preempted = new ColdFiles({ now: () => (nowMs += 50), busyMs: () => (busyMs += 50) });
  const blocked = new ColdFiles({ now: () => (nowMs += 50), busyMs: () => 0 });
  for (let count = 0; count < 5; count++) {
    read(preempted);
    read(blocked);
  }
  assert.deepEqual([preempted.isSlow, preempted.slowReads], [false, 0]);
  assert.ok(blocked.isSlow && !blocked.mayOpen && blocked.slowReads >= 3);
  nowMs += 60_000;
  assert.equal(blocked.isSlow, false);
});
