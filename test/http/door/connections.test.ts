// What clients do to a connection: half a request, too much of one, a body that never ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import Type from 'typebox';
import { route } from '#http/contract/route.ts';
import { RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';

const KIB = 1024;

const save = route({
  method: 'POST',
  path: '/save',
  auth: 'none',
  summary: 'test',
  body: Type.Object({ text: Type.String() }),
  responses: {},
  handler: ({ body }) => ({ status: 200, json: { length: body.text.length } }),
});

const quick = route({
  method: 'GET',
  path: '/quick',
  auth: 'none',
  summary: 'test',
  responses: {},
  handler: () => ({ status: 204, empty: true }),
});

const guarded = route({ ...save, path: '/guarded', auth: 'user', handler: () => ({ status: 204, empty: true }) });

const JSON_TYPE = { 'Content-Type': 'application/json' };

describe('what takes the library ten seconds', { concurrency: true }, () => {
  test('half a request head and a silent connection are closed, and others are served meanwhile', { timeout: 300_000 }, async t => {
    const door = await startForTest(t, { routes: [quick] });
    const half = new RawClient(t, door.port);
    half.send('GET /quick HTTP/1.1\r\nHost: te');
    const silent = new RawClient(t, door.port);
    const dribbling = new RawClient(t, door.port);
    dribbling.send('GET /quick HTTP/1.1\r\nX-Slow: ');
    const served: Promise<number>[] = [];
    const meanwhile = setInterval(() => {
      dribbling.send('x');
      served.push(fetch(`${door.url}/quick`, { signal: AbortSignal.timeout(20_000) }).then(({ status }) => status));
    }, 250);
    t.after(() => clearInterval(meanwhile));
    await Promise.all([half.closed(40_000), silent.closed(40_000), dribbling.closed(40_000)]);
    clearInterval(meanwhile);
    assert.ok(served.length > 20);
    assert.deepEqual(new Set(await Promise.all(served)), new Set([204]));
  });

  test('a kept connection is answered again just before the time that its answers promise has passed', { timeout: 300_000 }, async t => {
    const door = await startForTest(t, { routes: [quick] });
    const client = new RawClient(t, door.port);
    client.send(request('GET', '/quick'));
    const promisedS = Number(/^Keep-Alive: timeout=(\d+)\r$/im.exec(await client.until(/\r\n\r\n$/))?.[1]);
    assert.ok(promisedS >= 8, `${promisedS} s`);
    // There is no event to wait for: that nothing happens is what is promised.
    const isClosedEarly = await once(client.socket, 'close', { signal: AbortSignal.timeout(promisedS * 1_000 - 500) }).then(
      () => true,
      () => false,
    );
    assert.equal(isClosedEarly, false);
    client.send(request('GET', '/quick'));
    await client.until(/ 204 [\s\S]* 204 /);
    assert.equal(door.connections(), 1);
  });

  test('a header line that is none reaches no handler, gets no answer, and its connection is closed', { timeout: 300_000 }, async t => {
    let asked = 0;
    const counting = route({
      ...quick,
      handler: () => {
        asked += 1;
        return { status: 204, empty: true };
      },
    });
    const door = await startForTest(t, { routes: [counting] });
    const clients = ['no colon', 'bad name: a', ' folded: a', 'a : b', 'a: b\0c'].map(line => {
      const client = new RawClient(t, door.port);
      client.send(`GET /quick HTTP/1.1\r\nHost: test\r\n${line}\r\n\r\n${request('GET', '/quick')}`);
      return { line, client };
    });
    for (const { line, client } of clients) assert.equal(await client.closed(40_000), '', line);
    assert.equal(asked, 0);
  });

  test('a reader that pauses is waited for within the deadline, and given up after it', { timeout: 300_000 }, async t => {
    const bytes = Buffer.alloc(30 * KIB * KIB, 'a');
    const film = route({ ...quick, path: '/film', handler: () => ({ status: 200, bytes, contentType: 'video/mp4' }) });
    const pausedAt = async (stallDeadlineMs: number) => {
      const door = await startForTest(t, { routes: [film], stallDeadlineMs });
      const client = new RawClient(t, door.port);
      client.ignoreBytes();
      client.socket.pause();
      client.send(request('GET', '/film'));
      await waitFor(
        () => door.connections() === 1,
        30_000,
        () => 'not connected',
      );
      return { door, client };
    };
    const patient = await pausedAt(60_000);
    const strict = await pausedAt(0);
    await waitFor(
      () => strict.door.connections() === 0,
      40_000,
      () => 'not given up',
    );
    patient.client.socket.resume();
    await waitFor(
      () => patient.client.socket.bytesRead > bytes.byteLength,
      40_000,
      () => `${patient.client.socket.bytesRead} bytes`,
    );
    assert.equal(patient.door.connections(), 1, 'and the connection is kept');
  });
});

test('a request head that is too large is answered 431 and the connection closed', async t => {
  const door = await startForTest(t, { routes: [quick] });
  for (const head of [
    request('GET', '/quick', { 'X-Long': 'a'.repeat(8 * KIB) }),
    request('GET', `/${'a'.repeat(8 * KIB)}`),
    request('GET', '/quick', Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`X-${index}`, 'a']))),
  ]) {
    const client = new RawClient(t, door.port);
    client.send(head);
    assert.match(await client.closed(), /^HTTP\/1\.1 431/);
  }
});

test('a body that says it is too large is refused before it comes, and one that does not say so as soon as it is', async t => {
  const door = await startForTest(t, { routes: [save] });
  const announced = new RawClient(t, door.port);
  announced.send(request('POST', '/save', { ...JSON_TYPE, 'Content-Length': String(64 * KIB + 1) }));
  assert.match(await announced.closed(), /^HTTP\/1\.1 413[\s\S]*Connection: close[\s\S]*BODY_TOO_LARGE/i);
  const chunked = new RawClient(t, door.port);
  chunked.send(request('POST', '/save', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }));
  for (let sent = 0; sent < 80; sent++) chunked.send(`400\r\n${'a'.repeat(KIB)}\r\n`);
  assert.match(await chunked.closed(), /^HTTP\/1\.1 413[\s\S]*BODY_TOO_LARGE/);
});

test('a body of just the limit is taken, in pieces', async t => {
  const door = await startForTest(t, { routes: [save] });
  const body = JSON.stringify({ text: 'a'.repeat(64 * KIB - 11) });
  assert.equal(body.length, 64 * KIB);
  const client = new RawClient(t, door.port);
  client.send(request('POST', '/save', { ...JSON_TYPE, 'Content-Length': String(body.length) }, body.slice(0, 100)));
  await waitFor(
    () => door.connections() === 1,
    30_000,
    () => 'not connected',
  );
  client.send(body.slice(100));
  assert.match(await client.until(/\{"length":\d+\}$/), /"length":65525/);
});

test('a body that comes too slowly closes the connection', async t => {
  const door = await startForTest(t, { routes: [save], bodyDeadlineMs: 150 });
  const client = new RawClient(t, door.port);
  client.send(request('POST', '/save', { ...JSON_TYPE, 'Content-Length': '100' }, '{"te'));
  const startedMs = performance.now();
  assert.equal(await client.closed(30_000), '');
  assert.ok(performance.now() - startedMs >= 140);
  assert.deepEqual(door.lines, []);
});

test('a client that leaves in the middle of its body leaves nothing behind', async t => {
  const door = await startForTest(t, { routes: [save] });
  const client = new RawClient(t, door.port);
  client.send(request('POST', '/save', { ...JSON_TYPE, 'Content-Length': '100' }, '{"te'));
  await waitFor(
    () => door.connections() === 1,
    30_000,
    () => 'not connected',
  );
  client.socket.destroy();
  await waitFor(
    () => door.connections() === 0,
    30_000,
    () => 'still counted',
  );
  await door.close(5_000);
  assert.deepEqual(door.lines, []);
});

test('a caller who is refused is told before the body has come, and the connection stays usable', async t => {
  const door = await startForTest(t, { routes: [guarded, quick] });
  for (const token of ['stranger', 'stranger-later']) {
    const client = new RawClient(t, door.port);
    const headers = { ...JSON_TYPE, Authorization: `Bearer ${token}`, 'Content-Length': '12' };
    client.send(request('POST', '/guarded', headers, '{"text"'));
    await client.until(/UNAUTHENTICATED/);
    client.send(`:"x"}${request('GET', '/quick')}`);
    await client.until(/HTTP\/1\.1 204/);
  }
});

test('what is not HTTP closes the connection', async t => {
  const door = await startForTest(t, { routes: [quick] });
  const client = new RawClient(t, door.port);
  client.send(request('GET', '/quick'));
  await client.until(/HTTP\/1\.1 204/);
  client.send('POST /quick HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n');
  assert.match(await client.closed(), /HTTP\/1\.1 400/);
});

test('one connection too many is answered 503 and closed; when another goes there is room again', async t => {
  const door = await startForTest(t, { routes: [quick], maxConnections: 3 });
  const clients = Array.from({ length: 3 }, () => new RawClient(t, door.port));
  await waitFor(
    () => door.connections() === 3,
    30_000,
    () => `${door.connections()} connections`,
  );
  for (let count = 0; count < 5; count++) {
    const refused = new RawClient(t, door.port);
    refused.send(request('GET', '/quick'));
    assert.match(await refused.closed(), /^HTTP\/1\.1 503[\s\S]*Retry-After: 5[\s\S]*Connection: close/i);
  }
  assert.deepEqual([door.connections(), door.load().refusedConnections], [3, 5]);
  assert.equal(door.lines.filter(({ level }) => level === 'warn').length, 1, 'said once a minute');
  for (const client of clients) {
    client.send(request('GET', '/quick'));
    await client.until(/HTTP\/1\.1 204/);
  }
  clients[0]?.socket.destroy();
  await waitFor(
    () => door.connections() === 2,
    30_000,
    () => 'still counted',
  );
  const next = new RawClient(t, door.port);
  next.send(request('GET', '/quick'));
  await next.until(/HTTP\/1\.1 204/);
});

test('a thousand idle connections cost little memory and disturb nobody', async t => {
  const door = await startForTest(t, { routes: [quick] });
  const before = process.memoryUsage.rss();
  const clients = Array.from({ length: 1_000 }, () => new RawClient(t, door.port));
  await waitFor(
    () => door.connections() === clients.length,
    30_000,
    () => `${door.connections()} connections`,
  );
  assert.equal((await fetch(`${door.url}/quick`)).status, 204);
  const each = (process.memoryUsage.rss() - before) / clients.length;
  assert.ok(each < 64 * KIB, `${Math.round(each / KIB)} KiB a connection, both of its ends`);
});
