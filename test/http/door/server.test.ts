// The front door over real sockets: routing, callers, validation, bodies, failures, CORS and draining.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { type Reply, type Route, route } from '#http/contract/route.ts';
import { type RequestRecord, type ServerOptions, startServer } from '#http/door/server.ts';
import { authenticateForTest, RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';
import { freePort } from '../../support/server.ts';

const get = (path: string, handler: Route['handler'], auth: Route['auth'] = 'none'): Route =>
  route({ method: 'GET', path, auth, summary: 'test', responses: {}, handler });

const json = (value: unknown): Reply => ({ status: 200, json: value });

const echo = (path: string): Route => get(path, ({ params }) => json({ path, params }));

const login = route({
  method: 'POST',
  path: '/login',
  auth: 'none',
  summary: 'test',
  body: Type.Object({
    username: Type.String({ minLength: 2 }),
    age: Type.Optional(Type.Integer()),
    tags: Type.Array(Type.Object({ name: Type.String() })),
  }),
  responses: {},
  handler: ({ body }) => json(body),
});

const stop = route({
  method: 'POST',
  path: '/stop',
  auth: 'none',
  takesBeacon: true,
  summary: 'test',
  body: Type.Object({ everywhere: Type.Optional(Type.Boolean()) }),
  responses: {},
  handler: ({ body }) => json(body),
});

const bareOptions: ServerOptions = {
  host: '127.0.0.1',
  port: 0,
  routes: [],
  sockets: [],
  authenticate: authenticateForTest,
  corsOrigins: [],
  log: { debug() {}, warn() {}, error() {} },
};

type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
};

async function ask(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(60_000) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parseObject(text) };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  return text.startsWith('{') ? JSON.parse(text) : {};
}

const post = (url: string, body: string, contentType = 'application/json'): Promise<Answer> =>
  ask(url, { method: 'POST', body, headers: { 'content-type': contentType } });

test('the most specific path answers, with its parameters decoded and opaque', async t => {
  const door = await startForTest(t, {
    routes: [echo('/a/:first'), echo('/a/fixed'), echo('/a/:first/b/:second'), echo('/files/:id/*'), echo('/')],
  });
  const reached = async (path: string) => (await ask(door.url + path)).body;
  assert.deepEqual(await reached('/'), { path: '/', params: {} });
  assert.deepEqual(await reached('/a/fixed'), { path: '/a/fixed', params: {} });
  assert.deepEqual(await reached('/a/x'), { path: '/a/:first', params: { first: 'x' } });
  assert.deepEqual(await reached('/a/1%2F2/b/%00%C3%A9'), { path: '/a/:first/b/:second', params: { first: '1/2', second: '\0é' } });
  assert.deepEqual(await reached('/files/7/video/720p/1.m4s?x=1'), { path: '/files/:id/*', params: { id: '7', rest: 'video/720p/1.m4s' } });
  assert.deepEqual(await reached('/files/7/'), { path: '/files/:id/*', params: { id: '7', rest: '' } });
  const client = new RawClient(t, door.port);
  client.send(request('GET', '/files/7/../%2e%2e/etc/passwd'));
  assert.match(await client.until(/\}\}$/), /"rest":"\.\.\/\.\.\/etc\/passwd"/);
});

test('two paths of one shape may name their parameters differently', async t => {
  const remove = route({
    method: 'DELETE',
    path: '/a/:other',
    auth: 'none',
    summary: 'test',
    responses: {},
    handler: ({ params }) => json(params),
  });
  const door = await startForTest(t, { routes: [echo('/a/:first'), remove] });
  assert.deepEqual((await ask(`${door.url}/a/1`)).body, { path: '/a/:first', params: { first: '1' } });
  assert.deepEqual((await ask(`${door.url}/a/1`, { method: 'DELETE' })).body, { other: '1' });
});

test("malformed percent-encoding is the client's mistake", async t => {
  const door = await startForTest(t, { routes: [echo('/a/:first'), echo('/files/*')] });
  for (const path of ['/a/%zz', '/a/%', '/files/x/%C3%28']) {
    const { status, body } = await ask(door.url + path);
    assert.equal(status, 400, path);
    assert.equal(body.code, 'INVALID_REQUEST');
  }
});

test('an unknown address is 404 and an unknown method 405 with Allow, both as problem+json', async t => {
  const door = await startForTest(t, { routes: [echo('/thing'), login] });
  const missing = await ask(`${door.url}/nothing?secret=1`);
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get('content-type'), 'application/problem+json');
  assert.deepEqual(missing.body, {
    type: '/problems/not-found',
    title: 'There is nothing at this address',
    status: 404,
    detail: 'there is nothing at this address',
    code: 'NOT_FOUND',
  });
  const wrongMethod = await ask(`${door.url}/thing`, { method: 'PUT' });
  assert.equal(wrongMethod.status, 405);
  assert.equal(wrongMethod.headers.get('allow'), 'GET, HEAD, OPTIONS');
  assert.equal(wrongMethod.body.code, 'METHOD_NOT_ALLOWED');
  const client = new RawClient(t, door.port);
  client.send(request('BREW', '/thing'));
  assert.match(await client.until(/METHOD_NOT_ALLOWED/), /^HTTP\/1\.1 405/);
});

test('a wildcard does not hide that a more specific address lacks the method', async t => {
  const door = await startForTest(t, { routes: [echo('/*'), login] });
  assert.equal((await ask(`${door.url}/login`)).status, 405);
  assert.equal((await ask(`${door.url}/index.html`)).status, 200);
});

test('two routes for one method and path are refused at the start', async () => {
  await assert.rejects(startServer({ ...bareOptions, routes: [echo('/a/:x'), echo('/a/:y')] }), /two routes for GET/);
});

test('HEAD answers as GET would, without a body, and the connection goes on', async t => {
  const door = await startForTest(t, {
    routes: [
      echo('/sync'),
      get('/later', async () => json({ later: true })),
      get('/fails', () => Promise.reject(new FerriteError('MEDIA_NOT_FOUND', 'gone'))),
    ],
  });
  const client = new RawClient(t, door.port);
  client.send(
    request('HEAD', '/sync') +
      request('HEAD', '/later') +
      request('HEAD', '/fails') +
      request('HEAD', '/nothing') +
      request('GET', '/later'),
  );
  const text = await client.until(/\{"later":true\}$/);
  assert.deepEqual(
    text
      .split('HTTP/1.1 ')
      .slice(1)
      .map(part => [part.slice(0, 3), /Content-Length: (\d+)/.exec(part)?.[1], part.split('\r\n\r\n')[1]?.length]),
    [
      ['200', '28', 0],
      ['200', '14', 0],
      ['404', String(lengthOf(text, 2)), 0],
      ['404', String(lengthOf(text, 3)), 0],
      ['200', '14', 14],
    ],
  );
});

/** A problem's length is not the point: only that one is given. */
function lengthOf(text: string, index: number): number {
  const length = Number(/Content-Length: (\d+)/.exec(text.split('HTTP/1.1 ')[index + 1] ?? '')?.[1]);
  assert.ok(length > 50);
  return length;
}

test('a route asks for a caller, and for an administrator', async t => {
  const who = (path: string, auth: 'user' | 'admin'): Route => get(path, ({ caller }) => json({ name: caller?.username }), auth);
  const door = await startForTest(t, { routes: [who('/user', 'user'), who('/admin', 'admin')] });
  const as = (path: string, authorization: string) => ask(door.url + path, { headers: { authorization } });
  const without = await ask(`${door.url}/user`);
  assert.equal(without.status, 401);
  assert.equal(without.headers.get('www-authenticate'), 'Bearer');
  assert.equal(without.body.code, 'UNAUTHENTICATED');
  assert.equal((await as('/user', 'Basic viewer')).status, 401);
  assert.equal((await as('/user', 'Bearer stranger')).status, 401);
  for (const suffix of ['', '-later']) {
    assert.deepEqual((await as('/user', `Bearer viewer${suffix}`)).body, { name: 'vera' });
    assert.deepEqual((await as('/user', `bearer viewer${suffix}`)).body, { name: 'vera' });
    assert.equal((await as('/admin', `Bearer viewer${suffix}`)).body.code, 'FORBIDDEN');
    assert.deepEqual((await as('/admin', `Bearer admin${suffix}`)).body, { name: 'anna' });
  }
});

test('a body is checked and every offending field is named, unknown ones too', async t => {
  const door = await startForTest(t, { routes: [login] });
  const good = { username: 'anna', age: 3, tags: [{ name: 'x' }] };
  assert.deepEqual((await post(`${door.url}/login`, JSON.stringify(good))).body, good);
  const bad = await post(
    `${door.url}/login`,
    '{"username":"a","age":1.5,"tags":[{"name":1,"colour":2}],"admin":true,"__proto__":{"admin":true}}',
  );
  assert.equal(bad.status, 400);
  assert.equal(bad.body.code, 'INVALID_REQUEST');
  const paths = Array.isArray(bad.body.errors) ? bad.body.errors.map(({ path }: { path: string }) => path) : [];
  assert.deepEqual(paths.sort(), ['/__proto__', '/admin', '/age', '/tags/0/colour', '/tags/0/name', '/username']);
  assert.equal(Object.getPrototypeOf({}).admin, undefined);
});

test('an empty body is an object without fields, and a beacon may send JSON as text', async t => {
  const door = await startForTest(t, { routes: [stop, login] });
  assert.deepEqual(await post(`${door.url}/stop`, '', 'text/plain;charset=UTF-8').then(({ status, body }) => [status, body]), [200, {}]);
  assert.deepEqual((await post(`${door.url}/stop`, '{"everywhere":true}', 'text/plain;charset=UTF-8')).body, { everywhere: true });
  assert.deepEqual((await ask(`${door.url}/login`, { method: 'POST' })).body.errors, [
    { path: '/username', message: 'is required' },
    { path: '/tags', message: 'is required' },
  ]);
});

test('a body that is not JSON is refused by type, by syntax and by encoding', async t => {
  const door = await startForTest(t, { routes: [stop, login] });
  assert.equal((await post(`${door.url}/stop`, 'a=b', 'application/x-www-form-urlencoded')).body.code, 'UNSUPPORTED_MEDIA_TYPE');
  assert.equal((await post(`${door.url}/stop`, '{"everywhere":')).body.code, 'INVALID_REQUEST');
  assert.equal((await post(`${door.url}/stop`, 'null')).body.code, 'INVALID_REQUEST');
  const client = new RawClient(t, door.port);
  const latin1 = Buffer.from('{"username":"Ren\xe9","tags":[]}', 'latin1');
  client.send(request('POST', '/login', { 'Content-Type': 'application/json', 'Content-Length': String(latin1.byteLength) }));
  client.send(latin1);
  assert.match(await client.until(/\}$/), /HTTP\/1\.1 400[\s\S]*not valid JSON/);
});

test('query values are converted by the schema and refused by name', async t => {
  const query = Type.Object({
    limit: Type.Integer({ default: 50, maximum: 200 }),
    all: Type.Optional(Type.Boolean()),
    query: Type.Optional(Type.String()),
  });
  const list = route({
    method: 'GET',
    path: '/list',
    auth: 'none',
    summary: 'test',
    query,
    responses: {},
    handler: request => json(request.query),
  });
  const door = await startForTest(t, { routes: [list, echo('/free')] });
  assert.deepEqual((await ask(`${door.url}/list`)).body, { limit: 50 });
  assert.deepEqual((await ask(`${door.url}/list?limit=7&all=true&query=12+%C3%A9`)).body, { limit: 7, all: true, query: '12 é' });
  const bad = await ask(`${door.url}/list?limit=1.5&all=maybe&nope=1`);
  assert.equal(bad.status, 400);
  assert.deepEqual(Array.isArray(bad.body.errors) && bad.body.errors.map(({ path }: { path: string }) => path).sort(), [
    '/all',
    '/limit',
    '/nope',
  ]);
  assert.equal((await ask(`${door.url}/list?limit=1&limit=2`)).status, 400);
  assert.equal((await ask(`${door.url}/free?CMCD=bl%3D1`)).status, 200, 'a route without a query schema does not care');
});

test('failures say what the client needs and nothing of the inside', async t => {
  const overloaded = new FerriteError('OVERLOADED', 'every transcoder is busy', { retryAfterMs: 1_200, details: { queueDepth: 3 } });
  const door = await startForTest(t, {
    routes: [
      get('/overloaded', () => Promise.reject(overloaded)),
      get('/bug', () => {
        throw new TypeError('/srv/secret/path is not a function');
      }),
      get('/bug-later', () => Promise.reject(new TypeError('/srv/secret/path'))),
      get('/header', () => ({ status: 200, empty: true, headers: { 'X-Name': 'a\r\nSet-Cookie: b' } })),
    ],
  });
  const busy = await ask(`${door.url}/overloaded`);
  assert.equal(busy.status, 503);
  assert.equal(busy.headers.get('retry-after'), '2');
  assert.deepEqual(
    [busy.body.code, busy.body.retryAfterMs, busy.body.queueDepth, busy.body.type],
    ['OVERLOADED', 1_200, 3, '/problems/overloaded'],
  );
  assert.equal(door.lines.length, 0, 'a known failure is not a bug');
  for (const path of ['/bug', '/bug-later']) {
    const bug = await ask(door.url + path);
    assert.equal(bug.status, 500);
    assert.equal(bug.body.code, 'INTERNAL');
    assert.doesNotMatch(bug.text, /secret|TypeError|stack/);
  }
  assert.equal(door.lines.filter(({ fields }) => 'err' in fields && fields.err instanceof TypeError).length, 2);
  await assert.rejects(fetch(`${door.url}/header`), 'a header with a line break is never sent');
});

test('a client that goes away aborts the signal and is neither answered nor logged', async t => {
  let reason: unknown;
  const records: RequestRecord[] = [];
  const door = await startForTest(t, {
    onRequest: record => records.push(record),
    routes: [
      get('/wait', ({ signal }) => {
        const { promise, reject } = Promise.withResolvers<Reply>();
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(signal.reason);
        });
        return promise;
      }),
    ],
  });
  const client = new RawClient(t, door.port);
  client.send(request('GET', '/wait'));
  await waitFor(
    () => door.connections() === 1,
    30_000,
    () => 'not connected',
  );
  client.socket.end();
  client.socket.destroy();
  await waitFor(
    () => reason !== undefined,
    30_000,
    () => 'not aborted',
  );
  assert.ok(reason instanceof FerriteError && reason.code === 'CANCELLED');
  await waitFor(
    () => records.length === 1 && door.connections() === 0,
    30_000,
    () => 'not forgotten',
  );
  assert.deepEqual([records[0]?.route, records[0]?.method, records[0]?.status], ['/wait', 'GET', 499]);
  assert.deepEqual(door.lines, []);
});

test('a handler reads headers and the address before and after waiting', async t => {
  const door = await startForTest(t, {
    routes: [
      get('/later', async ({ header, remoteAddress }) => {
        const before = header('x-name');
        await new Promise(resolve => setImmediate(resolve));
        return json({ before, after: header('x-name'), missing: header('x-none'), remoteAddress });
      }),
    ],
  });
  const { body } = await ask(`${door.url}/later`, { headers: { 'X-Name': 'vera' } });
  assert.deepEqual(body, { before: 'vera', after: 'vera', missing: '', remoteAddress: '127.0.0.1' });
  const client = new RawClient(t, door.port);
  client.send('GET /later HTTP/1.1\r\nHost: test\r\nX-Name: first\r\nX-Name: second\r\n\r\n');
  assert.match(await client.until(/\}$/), /"before":"first","after":"first"/);
});

test('a request is recorded once, by its route', async t => {
  const records: RequestRecord[] = [];
  const door = await startForTest(t, { routes: [echo('/sync')], onRequest: record => records.push(record) });
  await ask(`${door.url}/sync`);
  await ask(`${door.url}/none`);
  assert.deepEqual(
    records.map(({ route, method, status }) => [route, method, status]),
    [
      ['/sync', 'GET', 200],
      ['unmatched', 'GET', 404],
    ],
  );
  assert.ok(records.every(({ durationMs }) => durationMs >= 0 && durationMs < 1_000));
});

test('every answer carries the security headers; streams may be embedded where CORS allows', async t => {
  const door = await startForTest(t, { routes: [echo('/api'), echo('/stream/:id')], corsOrigins: ['*'] });
  for (const path of ['/api', '/stream/1', '/nothing']) {
    const { headers } = await ask(door.url + path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('access-control-allow-origin'), '*');
    assert.match(headers.get('access-control-expose-headers') ?? '', /Content-Range, Content-Length.*Retry-After/);
    assert.equal(headers.get('cross-origin-resource-policy'), path === '/stream/1' ? 'cross-origin' : null);
  }
});

test('CORS: only the listed origins are named, and a preflight tells what is allowed', async t => {
  const door = await startForTest(t, { routes: [echo('/stream/:id'), login], corsOrigins: ['https://app.test'] });
  const from = (origin: string, init?: RequestInit) => ask(`${door.url}/stream/1`, { ...init, headers: { origin } });
  const listed = await from('https://app.test');
  assert.equal(listed.headers.get('access-control-allow-origin'), 'https://app.test');
  assert.equal(listed.headers.get('vary'), 'Origin');
  assert.equal(listed.headers.get('cross-origin-resource-policy'), 'cross-origin');
  const other = await from('https://evil.test');
  assert.equal(other.headers.get('access-control-allow-origin'), null);
  assert.equal(other.headers.get('vary'), 'Origin');
  const preflight = await from('https://app.test', { method: 'OPTIONS' });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.test');
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'GET, HEAD, OPTIONS');
  assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Authorization.*Range/);
});

test('without CORS origins nothing is allowed to other origins', async t => {
  const door = await startForTest(t, { routes: [echo('/stream/:id')] });
  const { headers } = await ask(`${door.url}/stream/1`, { headers: { origin: 'https://evil.test' } });
  assert.equal(headers.get('access-control-allow-origin'), null);
  assert.equal(headers.get('vary'), null);
});

test('a port in use is refused, not shared', async t => {
  // Only a port asked for by number can be shared.
  const port = await freePort();
  await startForTest(t, { port });
  await assert.rejects(startForTest(t, { port }), /is in use/);
});

test('while draining, kept-alive connections are refused and running replies end', async t => {
  const { promise: finished, resolve: finish } = Promise.withResolvers<Reply>();
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const slowly = get('/slow', () => {
    start();
    return finished;
  });
  const door = await startForTest(t, { routes: [slowly, echo('/quick')] });
  const slow = new RawClient(t, door.port);
  slow.send(request('GET', '/slow'));
  await started;
  const kept = new RawClient(t, door.port);
  kept.send(request('GET', '/quick'));
  await kept.until(/"\/quick"/);
  await waitFor(
    () => door.connections() === 2,
    30_000,
    () => 'not connected',
  );
  const closed = door.close(10_000);
  kept.send(request('GET', '/quick'));
  const refusal = await kept.closed();
  assert.match(refusal, /HTTP\/1\.1 503[\s\S]*Connection: close/i);
  assert.match(refusal, /Retry-After: 5[\s\S]*DRAINING/);
  await assert.rejects(fetch(`${door.url}/quick`), 'nobody listens any more');
  finish(json({ late: true }));
  assert.match(await slow.closed(), /200 OK[\s\S]*\{"late":true\}$/);
  await closed;
  assert.equal(door.connections(), 0);
});

test("a reply that does not end is ended at the drain's deadline", { timeout: 300_000 }, async t => {
  const seen: string[] = [];
  const door = await startForTest(t, {
    routes: [
      get('/never', ({ signal }) => {
        seen.push('started');
        signal.addEventListener('abort', () => seen.push('aborted'));
        return new Promise(() => {});
      }),
    ],
  });
  const client = new RawClient(t, door.port);
  client.send(request('GET', '/never'));
  await waitFor(
    () => seen.length === 1,
    30_000,
    () => 'not asked',
  );
  // Without a deadline it would never resolve.
  await door.close(100);
  assert.equal(await client.closed(), '');
  assert.deepEqual(seen, ['started', 'aborted']);
});

test('isDraining refuses new work before the door is closed', async t => {
  let isDraining = false;
  const door = await startForTest(t, { routes: [echo('/quick')], isDraining: () => isDraining });
  assert.equal((await ask(`${door.url}/quick`)).status, 200);
  isDraining = true;
  assert.equal((await ask(`${door.url}/quick`)).body.code, 'DRAINING');
});
