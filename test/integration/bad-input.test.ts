// Whatever comes in from the network: a coded answer that tells nothing of the host, nothing crashes, and the next request works.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { base } from '../support/client.ts';
import { rawRequest } from '../support/raw-request.ts';
import { makeFilm } from '../support/run-tool.ts';
import { readSegment } from '../support/track-check.ts';
import { assertHealthy, assertProblem, assertTellsNothing, startWorld } from '../support/world.ts';

test('requests that make no sense', async t => {
  const world = await startWorld(t, async library => {
    await makeFilm(join(library, 'good.mp4'), { seconds: 20 });
    await makeFilm(join(library, 'second.mp4'), { seconds: 20 });
  });
  const { client, server, scratch, film } = world;
  const authorization = `Bearer ${client.accessToken}`;
  const mediaId = film('good').id;
  const raw = (path: string, options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}) =>
    rawRequest(server.url, { path, ...options, headers: { authorization, ...options.headers } });
  const post = (path: string, body: unknown) =>
    raw(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const session = await client.start(mediaId, { delivery: 'transcode' });
  const second = await client.start(film('second').id, { delivery: 'transcode' });
  const rung = `video/${session.ladder.at(-1)?.rung}`;
  readSegment(await client.segment(session, rung, 0));

  await t.test('capabilities of any shape', async () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `codec-${at}`);
    const refused: unknown[] = [
      { videoCodecs: 'h264' },
      { videoCodecs: many },
      { videoCodecs: [1, null, {}] },
      { videoCodecs: ['x'.repeat(1_000)] },
      { maxWidth: -1 },
      { maxWidth: 1e308 },
      { maxWidth: '1920' },
      { maxHeight: 1.5 },
      { maxBandwidthBps: -1 },
      { maxBandwidthBps: Number.MAX_SAFE_INTEGER },
      { hls: 'everything' },
      { hdr: { a: 1 } },
      { containers: null },
      { unknown: true },
      [],
      null,
      'all',
      7,
    ];
    for (const capabilities of refused) {
      const what = JSON.stringify(capabilities).slice(0, 100);
      const problem = assertProblem(what, await post('/api/v1/sessions', { mediaId, client: { capabilities } }), scratch);
      assert.ok(['INVALID_REQUEST', 'BODY_TOO_LARGE'].includes(problem.code), what);
    }
    const taken: unknown[] = [
      {},
      { videoCodecs: [], audioCodecs: [], containers: [] },
      { maxWidth: 1, maxHeight: 1, maxBandwidthBps: 1 },
      { videoCodecs: ['__proto__', ''] },
    ];
    for (const capabilities of taken) {
      const started = await client.start(mediaId, { client: { capabilities } });
      await client.stop(started.sessionId);
    }
    const fields: [string, unknown][] = [
      ['startPositionMs', -1],
      ['startPositionMs', 1e300],
      ['startPositionMs', 'soon'],
      ['audioTrack', 99],
      ['audioTrack', -1],
      ['subtitleTrack', 0],
      ['burnSubtitles', true],
      ['delivery', 'pigeon'],
      ['seekMode', 'wild'],
      ['priority', 'me-first'],
      ['client', 'web-chrome'],
      ['__proto__x', 1],
      ['mediaId', ['a']],
    ];
    for (const [name, value] of fields) {
      const problem = assertProblem(name, await post('/api/v1/sessions', { mediaId, [name]: value }), scratch);
      assert.equal(problem.code, 'INVALID_REQUEST', `${name} ${value}`);
      assert.ok(
        problem.errors?.some(({ path }) => path.startsWith(`/${name}`)),
        `${name} is named: ${problem.detail}`,
      );
    }
  });

  await t.test('tokens that are forged, foreign, expired or of another session', async () => {
    const token = session.streamUrl.split('/')[3] ?? '';
    const [head = '', body = '', signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const bad: Record<string, string> = {
      'another session': second.streamUrl.split('/')[3] ?? '',
      'no algorithm': `${encode({ alg: 'none' })}.${body}.`,
      'no algorithm, old signature': `${encode({ alg: 'none' })}.${body}.${signature}`,
      'symmetric with a public key': `${encode({ alg: 'HS256', kid: JSON.parse(Buffer.from(head, 'base64url').toString()).kid })}.${body}.${signature}`,
      'another key': `${encode({ alg: 'EdDSA', kid: 'elsewhere' })}.${body}.${signature}`,
      'later expiry': `${head}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`,
      expired: `${head}.${encode({ ...claims, exp: 1 })}.${signature}`,
      'another subject': `${head}.${encode({ ...claims, sub: 'somebody-else' })}.${signature}`,
      'no signature': `${head}.${body}.`,
      'a changed signature': `${head}.${body}.${signature.split('').reverse().join('')}`,
      'an access token': client.accessToken,
      'no token at all': 'x',
      dots: '...',
      'a path': '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
      NUL: '%00',
      long: 'a'.repeat(2_500),
    };
    for (const [what, forged] of Object.entries(bad)) {
      for (const rest of ['main.m3u8', `${rung}/index.m3u8`, `${rung}/init.mp4`, `${rung}/0.m4s`, 'audio/0/0.m4s', 'file.mp4']) {
        const problem = assertProblem(`${what} ${rest}`, await raw(`/stream/${session.sessionId}/${forged}/${rest}`), scratch);
        assert.ok(['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'TOKEN_REVOKED'].includes(problem.code), `${what} ${rest}: ${problem.code}`);
        assert.equal(problem.status, 401);
      }
      const upgrade = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      const control = await raw(`/api/v1/sessions/${session.sessionId}/control?token=${forged}`, { headers: upgrade });
      assert.equal(assertProblem(`${what} control`, control, scratch).status, 401, what);
      const beacon = await rawRequest(server.url, { method: 'POST', path: `/api/v1/sessions/${session.sessionId}/stop?token=${forged}` });
      assert.equal(assertProblem(`${what} beacon`, beacon, scratch).status, 401, what);
      const bearer = forged === client.accessToken ? token : forged;
      const me = await rawRequest(server.url, { path: '/api/v1/me', headers: { authorization: `Bearer ${bearer}` } });
      assert.equal(assertProblem(`${what} bearer`, me, scratch).status, 401, what);
    }
    readSegment(await client.segment(session, rung, 0));
  });

  await t.test('segments and renditions that are not there', async () => {
    const names = [
      '-1.m4s',
      '1000000000.m4s',
      '01.m4s',
      '1.5.m4s',
      'NaN.m4s',
      '1e0.m4s',
      '+1.m4s',
      ' 1.m4s',
      '%31%00.m4s',
      '.m4s',
      '0.ts',
      '0',
      'init.m4s',
      '0x1.m4s',
      '99999999999999999999.m4s',
      '０.m4s',
    ];
    const addresses = [
      ...names.map(name => `${rung}/${encodeURI(name).replaceAll('%25', '%')}`),
      ...[
        'video/8k/0.m4s',
        'video/original/0.m4s',
        'audio/9/0.m4s',
        'audio/-1/0.m4s',
        'video/__proto__/0.m4s',
        'constructor/0.m4s',
        'subtitles/0/0.vtt',
      ],
      ...[
        '',
        '/',
        'main.m3u',
        'index.m3u8',
        'video/8k/index.m3u8',
        'file.mp4',
        'file.',
        'file.%2e%2e',
        '../../../etc/passwd',
        '..%2f..%2f..%2fetc%2fpasswd',
      ],
      ...[
        '%2e%2e/%2e%2e/main.m3u8',
        `${rung}/../../main.m3u8`,
        `${rung}//0.m4s`,
        'main.m3u8%00',
        `${'a/'.repeat(600)}0.m4s`,
        '%',
        '%ff%fe',
        '%c0%ae%c0%ae/',
      ],
    ];
    for (const address of addresses) {
      const problem = assertProblem(address.slice(0, 80), await raw(`${base(session)}${address}`), scratch);
      assert.ok([400, 401, 404].includes(problem.status), `${address}: ${problem.status}`);
    }
    readSegment(await client.segment(session, rung, 1));
  });

  await t.test('any value in the path of any route', async () => {
    const { paths } = await client.call<{ paths: Record<string, Record<string, object>> }>('GET', '/openapi.json');
    const values = [
      '../',
      '%2e%2e%2f',
      '..%2f..%2fetc%2fpasswd',
      '%00',
      'a%00b',
      '%',
      '%ff',
      'a'.repeat(900),
      '__proto__',
      '-1',
      '%F0%9F%8E%AC',
      '%0d%0aX-Evil:1',
      "'",
      'null',
      '{}',
    ];
    // The player's own pages are the same whatever stands behind them.
    const templates = Object.entries(paths).filter(([path]) => path.includes('{') && /^\/(api|stream)\//.test(path));
    assert.ok(templates.length > 8, 'the document lists the routes');
    for (const [template, methods] of templates) {
      for (const method of Object.keys(methods)) {
        for (const value of values) {
          const path = template.replaceAll(/\{[^}]+\}/g, value);
          const what = `${method} ${path.slice(0, 100)}`;
          const headers = { 'content-type': 'application/json' };
          const answer = await raw(path, {
            method: method.toUpperCase(),
            ...(method === 'get' || method === 'delete' ? {} : { headers, body: '{}' }),
          });
          assert.equal(answer.headers['x-evil'], undefined, what);
          // Deleting what is not there is no error.
          if (answer.status === 204 && method === 'delete') continue;
          const problem = assertProblem(what, answer, scratch);
          assert.ok([400, 401, 404, 405].includes(problem.status), `${what}: ${problem.status}`);
        }
      }
    }
    // More than the head of a request may hold: the socket library's own answer.
    const long = await raw(`/api/v1/media/${'a'.repeat(20_000)}`);
    assert.ok(long.status >= 400 && long.status < 500, String(long.status));
    assertTellsNothing('a very long path', long.text, scratch);
    await assertHealthy(world);
  });

  await t.test('any body for any route', async () => {
    const { paths } = await client.call<{ paths: Record<string, Record<string, { requestBody?: object }>> }>('GET', '/openapi.json');
    const bodies: [what: string, contentType: string, body: string | Buffer][] = [
      ['unknown fields', 'application/json', JSON.stringify({ surprise: 1, mediaId: 'aaaaaaaa' })],
      ['a list', 'application/json', '[]'],
      ['null', 'application/json', 'null'],
      ['a number', 'application/json', '1e999'],
      ['no JSON', 'application/json', '{"a":'],
      ['no text', 'application/json', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
      ['deeply nested', 'application/json', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
      ['a form', 'application/x-www-form-urlencoded', 'a=1'],
      ['a prototype', 'application/json', '{"__proto__":{"role":"admin"},"constructor":1}'],
      ['too much', 'application/json', JSON.stringify({ text: 'x'.repeat(200_000) })],
    ];
    for (const [template, methods] of Object.entries(paths)) {
      for (const [method, { requestBody }] of Object.entries(methods)) {
        if (!requestBody) continue;
        const path = template
          .replace('{sessionId}', session.sessionId)
          .replace('{mediaId}', mediaId)
          .replace('{userId}', 'nobody-at-all')
          .replaceAll(/\{[^}]+\}/g, 'none-such');
        for (const [what, contentType, body] of bodies) {
          const answer = await raw(path, { method: method.toUpperCase(), headers: { 'content-type': contentType }, body });
          const problem = assertProblem(`${method} ${path}: ${what}`, answer, scratch);
          assert.ok([400, 401, 404, 413, 415].includes(problem.status), `${method} ${path}: ${what}: ${problem.status}`);
        }
      }
    }
    readSegment(await client.segment(session, rung, 0));
    await assertHealthy(world);
  });

  await t.test('connections that stop half way', async () => {
    const sockets = await Promise.all(
      [
        'GET /healthz HTTP/1.1\r\nHost: x\r\n',
        'GET ',
        '',
        'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"username":',
        `GET ${session.streamUrl} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n`,
        'NONSENSE\r\n\r\n',
        '\0\0\0\0\0\0\0\0',
        'POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n',
        'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      ].flatMap(text => Array.from({ length: 10 }, () => half(server.url, text))),
    );
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    readSegment(await client.segment(session, rung, 0));
    await assertHealthy(world);
    for (const [at, socket] of sockets.entries()) {
      if (at % 2 === 0) socket.resetAndDestroy();
      else socket.end();
    }
    readSegment(await client.segment(session, rung, 2));
    await assertHealthy(world);
    for (const socket of sockets) socket.destroy();
  });

  await client.stop(session.sessionId);
  assert.equal(await server.stop(), 0);
});

/** Sends so much and no more, and keeps the connection. */
async function half(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => socket.destroy());
  socket.resume();
  await once(socket, 'connect', { signal: AbortSignal.timeout(10_000) });
  socket.write(text);
  return socket;
}
