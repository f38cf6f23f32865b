// Bytes and files over real sockets: ranges, conditions, readers that are slow, go away, or ask for what is no more.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Reply, type Route, route } from '#http/contract/route.ts';
import { RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';

const MIB = 1024 * 1024;

const get = (path: string, handler: Route['handler']): Route =>
  route({ method: 'GET', path, auth: 'none', summary: 'test', responses: {}, handler });

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function temporaryFile(t: TestContext, bytes: Uint8Array): Promise<{ path: string; reply: Reply; lastModified: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-streams-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'film.mp4');
  await writeFile(path, bytes);
  const { mtimeMs } = await stat(path);
  const file = { path, byteLength: bytes.byteLength, etag: '"film"', lastModifiedMs: mtimeMs, contentType: 'video/mp4' };
  return { path, reply: { status: 200, file }, lastModified: new Date(mtimeMs).toUTCString() };
}

async function fetchPart(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(20_000) });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** The same behaviour from memory, at once and later, and from disk. */
async function startWithBody(t: TestContext, bytes: Buffer) {
  const { path, reply, lastModified } = await temporaryFile(t, bytes);
  const ready: Reply = { status: 200, bytes, contentType: 'video/mp4', etag: '"film"' };
  const door = await startForTest(t, {
    routes: [
      get('/bytes', () => ready),
      get('/bytes-later', async () => ready),
      get('/file', () => reply),
      get('/file-later', async () => reply),
    ],
  });
  return { door, path, lastModified, urls: ['/bytes', '/bytes-later', '/file', '/file-later'].map(name => door.url + name) };
}

for (const [size, byteLength] of [
  ['small', 1_000],
  ['large', 3 * MIB + 17],
] as const) {
  test(`a ${size} body is whole, in parts, and refused outside, from memory and from disk`, async t => {
    const bytes = randomBytes(byteLength);
    const { urls } = await startWithBody(t, bytes);
    for (const url of urls) {
      const whole = await fetchPart(url);
      assert.equal(whole.status, 200);
      assert.equal(digest(whole.bytes), digest(bytes), url);
      assert.deepEqual(
        [whole.headers.get('accept-ranges'), whole.headers.get('etag'), whole.headers.get('content-length')],
        ['bytes', '"film"', String(byteLength)],
      );
      const parts: [string, number, number][] = [
        ['bytes=0-0', 0, 1],
        ['bytes=10-', 10, byteLength],
        ['bytes=-7', byteLength - 7, byteLength],
        ['bytes=5-99999999', 5, byteLength],
        [`bytes=-${byteLength + 5}`, 0, byteLength],
        [`bytes=100-${byteLength - 2}`, 100, byteLength - 1],
      ];
      for (const [range, start, end] of parts) {
        const part = await fetchPart(url, { range });
        assert.equal(part.status, 206, `${url} ${range}`);
        assert.equal(part.headers.get('content-range'), `bytes ${start}-${end - 1}/${byteLength}`);
        assert.equal(digest(part.bytes), digest(bytes.subarray(start, end)), `${url} ${range}`);
      }
      for (const range of [`bytes=${byteLength}-`, 'bytes=-0', 'bytes=9-3']) {
        const outside = await fetchPart(url, { range });
        assert.equal(outside.status, 416, `${url} ${range}`);
        assert.equal(outside.headers.get('content-range'), `bytes */${byteLength}`);
        assert.match(outside.bytes.toString(), /RANGE_NOT_SATISFIABLE/);
      }
      for (const range of ['bytes=0-1,5-6', 'items=0-1', 'bytes=a-b']) assert.equal((await fetchPart(url, { range })).status, 200, range);
    }
  });
}

test('HEAD tells the length of the whole and of a part', async t => {
  const { urls } = await startWithBody(t, randomBytes(2 * MIB));
  for (const url of urls) {
    const whole = await fetchPart(url, {}, 'HEAD');
    assert.deepEqual([whole.status, whole.headers.get('content-length'), whole.bytes.byteLength], [200, String(2 * MIB), 0]);
    const part = await fetchPart(url, { range: 'bytes=0-99' }, 'HEAD');
    assert.deepEqual(
      [part.status, part.headers.get('content-length'), part.headers.get('content-range')],
      [206, '100', `bytes 0-99/${2 * MIB}`],
    );
  }
});

test('what the client has is not sent again, and a range of another version is the whole', async t => {
  const { urls, lastModified } = await startWithBody(t, randomBytes(1_000));
  for (const url of urls) {
    for (const tag of ['"film"', 'W/"film"', '"other", "film"', '*']) {
      const known = await fetchPart(url, { 'if-none-match': tag });
      assert.deepEqual(
        [known.status, known.headers.get('etag'), known.headers.get('content-length')],
        [304, '"film"', null],
        `${url} ${tag}`,
      );
    }
    assert.equal((await fetchPart(url, { 'if-none-match': '"other"' })).status, 200);
    assert.equal((await fetchPart(url, { range: 'bytes=0-1', 'if-range': '"film"' })).status, 206);
    assert.equal((await fetchPart(url, { range: 'bytes=0-1', 'if-range': 'W/"film"' })).status, 200);
    assert.equal((await fetchPart(url, { range: 'bytes=0-1', 'if-range': '"other"' })).status, 200);
    const isFile = url.includes('/file');
    assert.equal((await fetchPart(url, { 'if-modified-since': lastModified })).status, isFile ? 304 : 200);
    assert.equal((await fetchPart(url, { 'if-modified-since': new Date(0).toUTCString() })).status, 200);
    assert.equal((await fetchPart(url, { range: 'bytes=0-1', 'if-range': lastModified })).status, isFile ? 206 : 200);
    assert.equal(
      (await fetchPart(url, { 'if-none-match': '"other"', 'if-modified-since': lastModified })).status,
      200,
      'the tag decides alone',
    );
  }
});

test('an empty file is an empty answer', async t => {
  const { urls } = await startWithBody(t, Buffer.alloc(0));
  for (const url of urls) {
    const { status, bytes, headers } = await fetchPart(url);
    assert.deepEqual([status, bytes.byteLength, headers.get('content-length')], [200, 0, '0']);
  }
});

test('several replies follow each other on one connection', async t => {
  const bytes = randomBytes(2 * MIB);
  const { door } = await startWithBody(t, bytes);
  const client = new RawClient(t, door.port);
  for (const path of ['/file', '/bytes', '/file-later', '/bytes-later']) {
    const before = client.socket.bytesRead;
    client.send(request('GET', path));
    await waitFor(
      () => client.received.byteLength > before + bytes.byteLength,
      30_000,
      () => `${path} is not whole`,
    );
    assert.equal(digest(client.received.subarray(-bytes.byteLength)), digest(bytes), path);
  }
});

test('a file that is gone is an answer, and one cut short while it is sent a closed connection', async t => {
  const bytes = randomBytes(40 * MIB);
  const { path, reply } = await temporaryFile(t, bytes);
  const door = await startForTest(t, { routes: [get('/file', () => reply)] });
  const client = new RawClient(t, door.port);
  client.socket.pause();
  client.send(request('GET', '/file'));
  await waitFor(
    () => door.connections() === 1 && openFiles(path) === 1,
    30_000,
    () => 'not begun',
  );
  await truncate(path, 5 * MIB);
  client.socket.resume();
  await client.closed(15_000);
  assert.ok(client.received.byteLength < bytes.byteLength);
  assert.equal(openFiles(path), 0);
  const shorter = await fetchPart(`${door.url}/file`, { range: `bytes=${10 * MIB}-` });
  assert.equal(shorter.status, 410);
  assert.match(shorter.bytes.toString(), /MEDIA_CHANGED/);
  await rm(path);
  const missing = await fetchPart(`${door.url}/file`);
  assert.equal(missing.status, 404);
  assert.doesNotMatch(missing.bytes.toString(), /ferrite-streams|ENOENT/);
});

/** How many descriptors of this process lead to the file. */
function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter(descriptor => linkOf(descriptor).startsWith(path)).length;
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return ''; // closed since it was listed
  }
}

test('a thousand aborted downloads leave no descriptor, no connection and no memory behind', async t => {
  const bytes = randomBytes(8 * MIB);
  const { path, reply } = await temporaryFile(t, bytes);
  const door = await startForTest(t, {
    routes: [get('/file', () => reply), get('/bytes', () => ({ status: 200, bytes, contentType: 'video/mp4' }))],
  });
  const abortMany = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 50) {
      const clients = Array.from({ length: 50 }, () => new RawClient(t, door.port));
      for (const [index, client] of clients.entries()) client.send(request('GET', index % 2 === 0 ? '/file' : '/bytes'));
      await Promise.all(clients.map((client, index) => (index % 5 === 0 ? undefined : once(client.socket, 'data'))));
      for (const client of clients) client.socket.destroy();
      await waitFor(
        () => door.connections() === 0,
        30_000,
        () => `${door.connections()} connections left`,
      );
      for (const client of clients) client.ignoreBytes();
    }
  };
  await abortMany(200);
  await waitFor(
    () => openFiles(path) === 0,
    30_000,
    () => 'files open after the first 200',
  );
  const before = { descriptors: readdirSync('/proc/self/fd').length, memory: heldMemory() };
  await abortMany(1_000);
  await waitFor(
    () => openFiles(path) === 0,
    30_000,
    () => `${openFiles(path)} files open`,
  );
  assert.ok(readdirSync('/proc/self/fd').length <= before.descriptors + 2);
  const grown = (): number => heldMemory().buffers - before.memory.buffers;
  await waitFor(
    () => grown() < 5 * MIB,
    20_000,
    () => `buffers grew by ${Math.round(grown() / MIB)} MiB`,
  );
  // What is freed goes back to the system when the allocator likes; 8 GB went out.
  const resident = heldMemory().resident - before.memory.resident;
  assert.ok(resident < 400 * MIB, `grew by ${Math.round(resident / MIB)} MiB`);
  assert.deepEqual(door.lines, []);
});

/** After a collection: what is left is held by somebody. */
function heldMemory(): { buffers: number; resident: number } {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  // What the first one frees is freed beside it, by a thread that may have to wait for a core; the second one waits for that.
  for (let time = 0; time < 2; time++) collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { buffers: heapUsed + external, resident: rss };
}

test('twenty readers that stop reading cost no copy of a 50 MB body, from memory or from disk', async t => {
  const bytes = randomBytes(50 * MIB);
  const { path, reply } = await temporaryFile(t, bytes);
  const door = await startForTest(t, {
    routes: [get('/file', () => reply), get('/bytes', () => ({ status: 200, bytes, contentType: 'video/mp4' }))],
  });
  for (const target of ['/bytes', '/file']) {
    const before = heldMemory().resident;
    const clients = Array.from({ length: 20 }, () => new RawClient(t, door.port));
    for (const client of clients) {
      client.socket.pause();
      client.send(request('GET', target));
    }
    await waitFor(
      () => door.connections() === 20 && (target === '/bytes' || openFiles(path) === 20),
      30_000,
      () => 'not all begun',
    );
    const [first] = clients;
    assert.ok(first);
    // One of them reads on: its whole body passes while the others stand still.
    first.ignoreBytes();
    first.socket.resume();
    await waitFor(
      () => first.socket.bytesRead > bytes.byteLength,
      20_000,
      () => `only ${first.socket.bytesRead} bytes read`,
    );
    const grown = heldMemory().resident - before;
    assert.ok(grown < 20 * MIB, `${target}: grew by ${Math.round(grown / MIB)} MiB`);
    for (const client of clients) client.socket.destroy();
    await waitFor(
      () => door.connections() === 0,
      30_000,
      () => 'connections left',
    );
  }
});
