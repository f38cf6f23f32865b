// Copied segments read from their media file as they are sent: whole, in parts, to slow readers and many at once, and from a file that was replaced.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { route } from '#http/contract/route.ts';
import { LocatedSegments } from '#http/sources/located-segments.ts';
import { RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';

const MIB = 1024 * 1024;
const FILE_BYTES = 12 * MIB;
const HEAD_BYTES = 5_001;

/** Pieces of the file with gaps of every kind between them: none, small, larger than what is read over, and backwards. */
const STRETCHES = [
  [100, 1],
  [200, 2 * MIB + 3],
  [2 * MIB + 203, 70_000],
  [4 * MIB, 3_000],
  [4 * MIB + 3_100, MIB],
  [3 * MIB, 500_000],
  [FILE_BYTES - 10, 10],
] as const;

/** `times`: what the stretches tell, so often: more than a socket takes of a reader that has stopped. */
async function start(t: TestContext, times = 1) {
  const file = randomBytes(FILE_BYTES);
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-located-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'film.mp4');
  await writeFile(path, file);
  const { size, mtimeMs } = await stat(path);
  const scanned = { path, byteLength: size, mtimeMs: Math.trunc(mtimeMs) };
  const head = Uint8Array.from(randomBytes(HEAD_BYTES));
  const stretches = Array.from({ length: times }, () => STRETCHES).flat();
  const bytes = Buffer.concat([head, ...stretches.map(([from, length]) => file.subarray(from, from + length))]);
  const segment = { head, stretches: Float64Array.from(stretches.flat()), byteLength: bytes.byteLength };
  const located = new LocatedSegments();
  const door = await startForTest(t, {
    routes: [
      route({
        method: 'GET',
        path: '/segment',
        auth: 'none',
        summary: 'test',
        responses: {},
        handler: () => ({ status: 200, streamed: located.body(scanned, segment), contentType: 'video/mp4', etag: '"located"' }),
      }),
    ],
  });
  return { bytes, path, door, url: `${door.url}/segment` };
}

test('a located segment is its head and its stretches, whole, in any part, by HEAD and known', async t => {
  const { bytes, door, url } = await start(t);
  const whole = await fetch(url);
  assert.deepEqual([whole.status, whole.headers.get('content-length')], [200, String(bytes.byteLength)]);
  assert.ok(bytes.equals(Buffer.from(await whole.arrayBuffer())));
  const edges = [0, 1, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 1, HEAD_BYTES + 2, MIB, 2 * MIB + 70_000, bytes.byteLength - 1];
  for (const from of edges) {
    for (const to of edges.filter(edge => edge >= from)) {
      const part = await fetch(url, { headers: { Range: `bytes=${from}-${to}` } });
      assert.equal(part.status, 206);
      assert.ok(bytes.subarray(from, to + 1).equals(Buffer.from(await part.arrayBuffer())), `${from}-${to}`);
    }
  }
  const head = await fetch(url, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes.byteLength)]);
  assert.equal((await fetch(url, { headers: { 'If-None-Match': '"located"' } })).status, 304);
  assert.equal((await fetch(url, { headers: { Range: `bytes=${bytes.byteLength}-` } })).status, 416);
  assert.deepEqual(door.lines, []);
});

test('many readers at once, some that stop and go on, all get the same bytes', async t => {
  const { bytes, door } = await start(t, 4);
  const slow = Array.from({ length: 12 }, () => new RawClient(t, door.port));
  for (const client of slow) {
    client.ignoreBytes();
    client.socket.pause();
    client.send(request('GET', '/segment'));
  }
  const quick = await Promise.all(
    Array.from({ length: 12 }, async () => Buffer.from(await (await fetch(`${door.url}/segment`)).arrayBuffer())),
  );
  for (const got of quick) assert.ok(bytes.equals(got), 'those who wait hold nothing that others need');
  for (const client of slow) client.socket.resume();
  await waitFor(
    () => slow.every(({ socket }) => socket.bytesRead > bytes.byteLength),
    30_000,
    () => 'a slow reader did not get all',
  );
  const again = Buffer.from(await (await fetch(`${door.url}/segment`)).arrayBuffer());
  assert.ok(bytes.equals(again));
  assert.deepEqual(door.lines, []);
});

test('readers that leave in the middle free what they held', async t => {
  const { bytes, door, url } = await start(t, 4);
  const clients = Array.from({ length: 30 }, () => new RawClient(t, door.port));
  for (const client of clients) {
    client.ignoreBytes();
    client.socket.pause();
    client.send(request('GET', '/segment'));
  }
  await waitFor(
    () => door.load().repliesInFlight === clients.length,
    30_000,
    () => `${door.load().repliesInFlight} in flight`,
  );
  for (const client of clients) client.socket.destroy();
  await waitFor(
    () => door.load().repliesInFlight === 0,
    30_000,
    () => `${door.load().repliesInFlight} in flight`,
  );
  assert.ok(bytes.equals(Buffer.from(await (await fetch(url)).arrayBuffer())));
});

test('a media file that was replaced, even in place, is told and never sent', async t => {
  const { path, url } = await start(t);
  await (await fetch(url)).arrayBuffer();
  await utimes(path, new Date(), new Date(Date.now() + 5_000));
  assert.equal((await fetch(url)).status, 410);
  await rm(path);
  assert.equal((await fetch(url)).status, 410);
});

test('a media file cut short while it is sent closes the connection', async t => {
  const { bytes, door, path } = await start(t, 12);
  const client = new RawClient(t, door.port);
  client.ignoreBytes();
  client.socket.pause();
  client.send(request('GET', '/segment'));
  await waitFor(
    () => door.load().waitingBytes > 0,
    30_000,
    () => 'nothing waits',
  );
  await truncate(path, 0);
  client.socket.resume();
  await waitFor(
    () => client.isClosed,
    30_000,
    () => 'still open',
  );
  assert.ok(client.socket.bytesRead < bytes.byteLength);
});
