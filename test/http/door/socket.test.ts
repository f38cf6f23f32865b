// WebSockets over real connections: who gets in, what messages are let through, and what a reader that stops reading costs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import type { Socket, SocketRoute } from '#http/contract/route.ts';
import { RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';

const message = Type.Union([
  Type.Object({ type: Type.Literal('ping'), id: Type.Optional(Type.Union([Type.String(), Type.Integer()])) }),
  Type.Object({ type: Type.Literal('seek'), positionMs: Type.Integer({ minimum: 0 }), id: Type.Optional(Type.String()) }),
]);

type Opened = { readonly sockets: Socket[]; readonly received: unknown[]; closed: number };

/** A route that lets in who brings `?token=good`, answers pings and remembers the rest. */
function control(seen: Opened): SocketRoute {
  return {
    path: '/sessions/:id/control',
    summary: 'test',
    message,
    authorize: ({ params, query }) => {
      if (query('token') === 'good') return params.id;
      if (query('token') === 'good-later') return new Promise(resolve => setImmediate(resolve, params.id));
      if (query('token') === 'bad-later') return Promise.reject(new FerriteError('SESSION_NOT_FOUND', 'no such session'));
      throw new FerriteError('UNAUTHENTICATED', 'the token is not good');
    },
    open: (socket, context) => {
      seen.sockets.push(socket);
      socket.send({ type: 'hello', context });
      return {
        message: received => {
          seen.received.push(received);
          if (JSON.stringify(received).includes('"positionMs":13')) throw new TypeError('a bug with 13');
          if (JSON.stringify(received).includes('"positionMs":14')) throw new FerriteError('MEDIA_CHANGED', 'the file changed');
          if (JSON.stringify(received).includes('ping')) socket.send({ type: 'pong' });
        },
        close: () => {
          seen.closed++;
        },
      };
    },
  };
}

const nothingSeen = (): Opened => ({ sockets: [], received: [], closed: 0 });

/** A connected client and a queue of what it was sent. */
async function connectTo(t: TestContext, url: string): Promise<{ socket: WebSocket; next: () => Promise<unknown> }> {
  const socket = new WebSocket(url.replace('http', 'ws'));
  t.after(() => socket.close());
  const queue: unknown[] = [];
  socket.addEventListener('message', ({ data }) => queue.push(JSON.parse(String(data))));
  await once(socket, 'open', { signal: AbortSignal.timeout(60_000) });
  const next = async (): Promise<unknown> => {
    await waitFor(
      () => queue.length > 0,
      30_000,
      () => 'no message',
    );
    return queue.shift();
  };
  return { socket, next };
}

const upgradeRequest = (path: string): string =>
  request('GET', path, {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
  });

test('a socket opens with what authorize gave, at once or later, and is counted', async t => {
  const seen = nothingSeen();
  const door = await startForTest(t, { sockets: [control(seen)] });
  for (const token of ['good', 'good-later']) {
    const { socket, next } = await connectTo(t, `${door.url}/sessions/7%2F8/control?token=${token}`);
    assert.deepEqual(await next(), { type: 'hello', context: '7/8' });
    assert.equal(door.connections(), 1);
    socket.close();
    await waitFor(
      () => door.connections() === 0,
      30_000,
      () => `${door.connections()} connections`,
    );
  }
  assert.equal(seen.closed, 2);
  assert.equal(seen.sockets[0]?.send({ type: 'late' }), false, 'a closed socket takes nothing');
});

test('who is refused gets the reason as a problem, and a plain GET is told what speaks here', async t => {
  const door = await startForTest(t, { sockets: [control(nothingSeen())] });
  for (const [token, pattern] of [
    ['bad', /^HTTP\/1\.1 401[\s\S]*UNAUTHENTICATED/],
    ['bad-later', /^HTTP\/1\.1 404[\s\S]*SESSION_NOT_FOUND/],
  ] as const) {
    const client = new RawClient(t, door.port);
    client.send(upgradeRequest(`/sessions/7/control?token=${token}`));
    await client.until(pattern);
  }
  const client = new RawClient(t, door.port);
  client.send(upgradeRequest('/sessions/%zz/control?token=good'));
  await client.until(/^HTTP\/1\.1 400[\s\S]*INVALID_REQUEST/);
  assert.equal((await fetch(`${door.url}/sessions/7/control?token=good`)).status, 400);
});

test('messages are checked; what is refused is answered with its id and not delivered', async t => {
  const seen = nothingSeen();
  const door = await startForTest(t, { sockets: [control(seen)] });
  const { socket, next } = await connectTo(t, `${door.url}/sessions/7/control?token=good`);
  await next();
  socket.send('{"type":"ping"}');
  assert.deepEqual(await next(), { type: 'pong' });
  const refused: [string | Uint8Array, object][] = [
    ['{"type":', { type: 'error', code: 'INVALID_REQUEST', message: 'the message is not valid JSON' }],
    [
      '{"type":"seek","positionMs":-1,"id":"a"}',
      {
        type: 'error',
        code: 'INVALID_REQUEST',
        message: '/positionMs must be >= 0',
        errors: [{ path: '/positionMs', message: 'must be >= 0' }],
        id: 'a',
      },
    ],
    [
      '{"type":"ping","id":4,"extra":1}',
      {
        type: 'error',
        code: 'INVALID_REQUEST',
        message: '/extra is not a known field',
        errors: [{ path: '/extra', message: 'is not a known field' }],
        id: 4,
      },
    ],
    [new Uint8Array([123, 125]), { type: 'error', code: 'INVALID_REQUEST', message: 'messages are text frames of JSON' }],
  ];
  for (const [sent, expected] of refused) {
    socket.send(sent);
    assert.deepEqual(await next(), expected);
  }
  assert.deepEqual(seen.received, [{ type: 'ping' }]);
});

test('a failing handler is answered and the socket stays open; only bugs are logged', async t => {
  const door = await startForTest(t, { sockets: [control(nothingSeen())] });
  const { socket, next } = await connectTo(t, `${door.url}/sessions/7/control?token=good`);
  await next();
  socket.send('{"type":"seek","positionMs":14,"id":"b"}');
  assert.deepEqual(await next(), { type: 'error', code: 'MEDIA_CHANGED', message: 'the file changed', id: 'b' });
  assert.equal(door.lines.length, 0);
  socket.send('{"type":"seek","positionMs":13,"id":"c"}');
  assert.deepEqual(await next(), { type: 'error', code: 'INTERNAL', message: 'an unexpected failure', id: 'c' });
  assert.equal(door.lines.length, 1);
  socket.send('{"type":"ping"}');
  assert.deepEqual(await next(), { type: 'pong' });
});

test('a frame that is too large closes the connection', async t => {
  const seen = nothingSeen();
  const door = await startForTest(t, { sockets: [control(seen)] });
  const { socket, next } = await connectTo(t, `${door.url}/sessions/7/control?token=good`);
  await next();
  socket.send(JSON.stringify({ type: 'ping', id: 'a'.repeat(17 * 1024) }));
  await once(socket, 'close', { signal: AbortSignal.timeout(60_000) });
  assert.deepEqual(seen.received, []);
});

test('to a peer that does not read, messages are dropped past a bound, and go again once it reads', async t => {
  const seen = nothingSeen();
  const door = await startForTest(t, { sockets: [control(seen)] });
  const client = new RawClient(t, door.port);
  client.send(upgradeRequest('/sessions/7/control?token=good'));
  await client.until(/101 Switching/);
  client.ignoreBytes();
  client.socket.pause();
  const [socket] = seen.sockets;
  assert.ok(socket);
  const big = { type: 'progress', text: 'a'.repeat(64 * 1024) };
  const before = process.memoryUsage().rss;
  let taken = 0;
  while (socket.send(big) && taken < 2_000) taken++;
  assert.ok(taken < 500, `${taken} messages of 64 KiB were taken`);
  for (let count = 0; count < 2_000; count++) assert.equal(socket.send(big), false);
  assert.ok(process.memoryUsage().rss - before < 40 * 1024 * 1024);
  client.socket.resume();
  await waitFor(
    () => client.socket.bytesRead > taken * 64 * 1024,
    30_000,
    () => 'not read',
  );
  await waitFor(
    () => socket.send({ type: 'progress' }),
    30_000,
    () => 'still refused',
  );
});

test('draining closes sockets with 1001 and lets no new one in', async t => {
  const seen = nothingSeen();
  let isDraining = false;
  const door = await startForTest(t, { sockets: [control(seen)], isDraining: () => isDraining });
  const { socket, next } = await connectTo(t, `${door.url}/sessions/7/control?token=good`);
  await next();
  isDraining = true;
  const late = new RawClient(t, door.port);
  late.send(upgradeRequest('/sessions/7/control?token=good'));
  await late.until(/^HTTP\/1\.1 503[\s\S]*DRAINING/);
  const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
  await door.close(1_000);
  const { code, reason } = await promise;
  assert.deepEqual([code, reason], [1001, 'the server is shutting down']);
  assert.equal(seen.closed, 1);
  assert.equal(door.connections(), 0);
});

test('a peer that sends too fast is told once, heard no more than the limit, and closed when it goes on', async t => {
  const seen = nothingSeen();
  const door = await startForTest(t, { sockets: [control(seen)] });
  const { socket } = await connectTo(t, `${door.url}/sessions/7/control?token=good`);
  const told: string[] = [];
  socket.addEventListener('message', ({ data }) => told.push(String(data)));
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(20_000) }) as Promise<[{ code: number }]>;
  for (let sent = 0; sent < 2_000; sent++) socket.send(JSON.stringify({ type: 'seek', positionMs: 1 }));
  const [{ code }] = await closed;
  assert.equal(code, 1008);
  assert.ok(seen.received.length >= 100 && seen.received.length < 1_500, `${seen.received.length} were heard`);
  assert.ok(told.some(text => text.includes('TOO_MANY_REQUESTS')));
});
