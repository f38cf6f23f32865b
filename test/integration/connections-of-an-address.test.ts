// A whole server and the connections of one address: what the settings say, on this machine's own address and on loopback.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RawClient, request } from '../support/http-server.ts';
import { endWith, TestServer, temporaryFolder } from '../support/server.ts';

const own = Object.values(networkInterfaces())
  .flatMap(addresses => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const skip = process.platform !== 'linux' || own === undefined ? 'needs Linux, and an address beside loopback' : false;

for (const [who, proxies, answers] of [
  ['a client', '', [200, 200, 503]],
  ['a trusted proxy', own ?? '', [200, 200, 200]],
] as const) {
  test(`connections of an address: ${who} has what the settings say, and loopback any number`, { skip }, async t => {
    const env = {
      FERRITE_HOST: '0.0.0.0',
      FERRITE_MAX_CONNECTIONS_PER_ADDRESS: '2',
      FERRITE_TRUSTED_PROXIES: proxies,
      FERRITE_WORKERS: '1',
      FERRITE_WARM_ENCODERS: '0',
    };
    const server = new TestServer({ library: await temporaryFolder(t), dataDir: join(await temporaryFolder(t), 'data'), env });
    endWith(t, server);
    await server.ready();
    const ask = async (host: string): Promise<number> => {
      const client = new RawClient(t, Number(new URL(server.url).port), { host });
      client.send(request('GET', '/healthz'));
      return Number((await client.until(/^HTTP\/1\.1 \d+/)).slice(9, 12));
    };
    const statuses: number[] = [];
    for (let count = 0; count < 3; count++) statuses.push(await ask(own ?? ''));
    assert.deepEqual(statuses, answers);
    for (let count = 0; count < 4; count++) assert.equal(await ask('127.0.0.1'), 200);
  });
}
