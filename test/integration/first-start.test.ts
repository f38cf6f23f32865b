// The first minutes of a server: nobody gets in before its administrator, and no page of another site makes one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { rawRequest } from '../support/raw-request.ts';
import { endWith, freePort, TestServer, temporaryFolder } from '../support/server.ts';

const CREDENTIALS = JSON.stringify({ username: 'first', password: 'long enough' });
const NO_ADMIN = { FERRITE_ADMIN_USERNAME: '', FERRITE_ADMIN_PASSWORD: '', FERRITE_WORKERS: '1', FERRITE_WARM_ENCODERS: '0' };

test('first start: whoever waits for the port finds the administrator of the environment there already', async t => {
  const library = await temporaryFolder(t);
  for (let round = 0; round < 3; round++) {
    const port = await freePort();
    const server = new TestServer({ library, dataDir: join(await temporaryFolder(t), 'data'), port, env: { FERRITE_WORKERS: '1' } });
    endWith(t, server);
    const url = `http://127.0.0.1:${port}`;
    let isOver = false;
    const claim = async (): Promise<number> => {
      while (!isOver) {
        const answer = await rawRequest(url, {
          method: 'POST',
          path: '/api/v1/setup',
          headers: { 'content-type': 'application/json' },
          body: CREDENTIALS,
        }).catch(() => null);
        if (answer !== null) return answer.status;
        await new Promise(resolve => setImmediate(resolve));
      }
      return 0;
    };
    const claims = Promise.all([claim(), claim()]);
    await server.ready();
    assert.deepEqual(await claims, [409, 409]);
    isOver = true;
    await server.stop();
  }
});

test('first start: on loopback no page of another site can claim the server, and one at the machine itself can', async t => {
  const server = new TestServer({ library: await temporaryFolder(t), dataDir: await temporaryFolder(t), env: NO_ADMIN });
  endWith(t, server);
  await server.ready();
  const host = new URL(server.url).host;
  const claim = (headers: Record<string, string>) =>
    rawRequest(server.url, { method: 'POST', path: '/api/v1/setup', headers, body: CREDENTIALS });
  const json = { 'content-type': 'application/json' };
  for (const [what, headers, status] of [
    ['another origin', { ...json, origin: 'https://evil.test' }, 403],
    ['plain text', { 'content-type': 'text/plain' }, 415],
    ['both', { 'content-type': 'text/plain', origin: 'https://evil.test' }, 403],
    [
      'a name made to point here',
      { ...json, host: 'evil.test:8096', origin: 'http://evil.test:8096', 'sec-fetch-site': 'same-origin' },
      403,
    ],
  ] as const)
    assert.equal((await claim(headers)).status, status, what);
  assert.equal((await claim({ ...json, origin: `http://${host}` })).status, 201);
});

test('first start: on another address the setup asks for the code of the log, which shows it at every level', async t => {
  const server = new TestServer({
    library: await temporaryFolder(t),
    dataDir: await temporaryFolder(t),
    env: { ...NO_ADMIN, FERRITE_HOST: '0.0.0.0', FERRITE_LOG_LEVEL: 'silent' },
  });
  endWith(t, server);
  await server.ready();
  const code = String((await server.line(({ msg }) => msg.startsWith('setup code'))).code);
  const asked = await rawRequest(server.url, { path: '/api/v1/setup' });
  assert.deepEqual(JSON.parse(asked.text), { required: true, codeRequired: true });
  const claim = async (body: object): Promise<[number, string]> => {
    const answer = await rawRequest(server.url, {
      method: 'POST',
      path: '/api/v1/setup',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return [answer.status, String(JSON.parse(answer.text).code ?? '')];
  };
  const credentials = JSON.parse(CREDENTIALS) as object;
  assert.deepEqual(await claim(credentials), [403, 'SETUP_CODE_NEEDED']);
  assert.deepEqual(await claim({ ...credentials, code: 'AAAA-BBBB-CCCC' }), [403, 'SETUP_CODE_NEEDED']);
  assert.deepEqual(await claim({ ...credentials, code: code.toLowerCase() }), [201, '']);
  assert.deepEqual((await claim({ ...credentials, code }))[0], 409);
});
