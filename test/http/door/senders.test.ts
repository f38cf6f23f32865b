// Who may change something: our own pages, listed origins and programs. And requests that a proxy before us might read otherwise than we do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { route } from '#http/contract/route.ts';
import { RawClient, request, startForTest } from '../../support/http-server.ts';
import { rawRequest } from '../../support/raw-request.ts';

const made: string[] = [];
const routes = (['none', 'user'] as const).flatMap(auth =>
  (['POST', 'PUT', 'PATCH', 'DELETE'] as const).map(method =>
    route({
      method,
      path: `/${auth}`,
      auth,
      summary: 'test',
      body: Type.Object({}),
      responses: {},
      handler: () => {
        made.push(method);
        return { status: 200, json: {} };
      },
    }),
  ),
);
const beacon = route({
  method: 'POST',
  path: '/beacon',
  auth: 'none',
  takesBeacon: true,
  summary: 'test',
  body: Type.Object({}),
  responses: {},
  handler: () => ({ status: 204, empty: true }),
});

const JSON_TYPE = { 'content-type': 'application/json', authorization: 'Bearer viewer' };

test('senders: a page of another site changes nothing, whatever the method; our own, listed ones and programs do', async t => {
  const door = await startForTest(t, { routes, corsOrigins: ['https://app.test'] });
  const host = `127.0.0.1:${door.port}`;
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const path of ['/none', '/user']) {
      const ask = async (headers: Record<string, string>): Promise<number> =>
        (await rawRequest(door.url, { method, path, headers: { ...JSON_TYPE, ...headers }, body: '{}' })).status;
      made.length = 0;
      for (const origin of [
        'https://evil.test',
        'http://127.0.0.1:1',
        'null',
        `http://${host}.evil.test`,
        `http://evil.test/${host}`,
        'nonsense',
      ])
        assert.equal(await ask({ origin }), 403, `${method} ${path} from ${origin}`);
      assert.deepEqual(made, []);
      for (const headers of [
        {},
        { origin: `http://${host}` },
        { origin: 'https://app.test' },
        { origin: 'https://films.test', host: 'films.test' },
        { origin: 'https://films.test', 'sec-fetch-site': 'same-origin' },
      ] as Record<string, string>[])
        assert.equal(await ask(headers), 200, `${method} ${path} ${JSON.stringify(headers)}`);
    }
  }
});

test('senders: where any origin may call, it needs a token to change something', async t => {
  const door = await startForTest(t, { routes: [...routes, beacon], corsOrigins: ['*'] });
  const headers = { ...JSON_TYPE, origin: 'https://evil.test' };
  const ask = async (path: string): Promise<number> => (await rawRequest(door.url, { method: 'POST', path, headers, body: '{}' })).status;
  assert.deepEqual([await ask('/none'), await ask('/user'), await ask('/beacon')], [403, 200, 204]);
});

test('senders: a body is JSON and says so, but for the beacon', async t => {
  const door = await startForTest(t, { routes: [...routes, beacon] });
  for (const type of [
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    '',
  ]) {
    const ask = async (path: string): Promise<number> =>
      (await rawRequest(door.url, { method: 'POST', path, headers: type === '' ? {} : { 'content-type': type }, body: '{}' })).status;
    assert.equal(await ask('/none'), 415, type);
    assert.equal(await ask('/beacon'), type.startsWith('text/plain') ? 204 : 415, type);
  }
});

test('senders: a request that can be read in two ways is refused, and its connection closed', async t => {
  const door = await startForTest(t, { routes: [...routes, beacon] });
  const json = 'Content-Type: application/json\r\n';
  for (const [what, text] of Object.entries({
    'two lengths': `POST /none HTTP/1.1\r\nHost: t\r\n${json}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}`,
    'the same length twice': `POST /none HTTP/1.1\r\nHost: t\r\n${json}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
    'two lengths of a GET': 'GET /none HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\nabc',
    'a list of lengths': `POST /none HTTP/1.1\r\nHost: t\r\n${json}Content-Length: 2, 2\r\n\r\n{}`,
    'a length and chunks': `POST /none HTTP/1.1\r\nHost: t\r\n${json}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    'an unknown encoding': `POST /none HTTP/1.1\r\nHost: t\r\n${json}Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    'no host': 'GET /none HTTP/1.1\r\nX-A: 1\r\n\r\n',
    'an empty host': 'GET /none HTTP/1.1\r\nHost:\r\n\r\n',
    'two hosts': 'GET /none HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'a host below a line without a name': 'GET /none HTTP/1.1\r\n: b\r\nHost: a\r\n\r\n',
    'a host that is none': 'GET /none HTTP/1.1\r\nHost: a b/c@d\r\n\r\n',
  })) {
    const client = new RawClient(t, door.port);
    client.send(text);
    assert.match(await client.closed(), /^HTTP\/1\.1 400 /, what);
    assert.equal(client.text.split('HTTP/1.1 ').length, 2, `${what}: answered once`);
  }
  const client = new RawClient(t, door.port);
  client.send(request('POST', '/none', { 'content-type': 'application/json', 'content-length': '2' }, '{}'));
  await client.until(/200 OK/);
});
