// One address, and how many connections it may have; real sockets of several loopback addresses.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { route } from '#http/contract/route.ts';
import { RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';

const quick = route({
  method: 'GET',
  path: '/quick',
  auth: 'none',
  summary: 'test',
  responses: {},
  handler: () => ({ status: 204, empty: true }),
});

const onlyLinux = { skip: process.platform !== 'linux' };

test(
  'address shares: an address that has its share is refused, others are not, and it is let in when one of its own has gone',
  onlyLinux,
  async t => {
    const isCounted = (address: string): boolean => address !== '127.0.0.9';
    const door = await startForTest(t, { routes: [quick], connectionsPerAddress: { max: 3, isCounted } });
    const from = (localAddress: string): RawClient => {
      const client = new RawClient(t, door.port, { localAddress });
      client.send(request('GET', '/quick'));
      return client;
    };
    const kept = Array.from({ length: 3 }, () => from('127.0.0.2'));
    for (const client of kept) await client.until(/ 204 /);
    for (let count = 0; count < 4; count++)
      assert.match(await from('127.0.0.2').closed(), /^HTTP\/1\.1 503[\s\S]*Retry-After: 5[\s\S]*Connection: close/i);
    for (const other of ['127.0.0.3', ...Array.from({ length: 5 }, () => '127.0.0.9')]) await from(other).until(/ 204 /);
    assert.deepEqual([door.connections(), door.load().refusedConnections], [9, 4]);
    assert.deepEqual(
      door.lines.map(({ level, fields }) => [level, 'address' in fields && fields.address]),
      [['warn', '127.0.0.2']],
    );
    for (const client of kept) {
      client.send(request('GET', '/quick'));
      await client.until(/ 204 [\s\S]* 204 /);
    }
    kept[0]?.socket.destroy();
    // It is counted again within a second.
    let next = from('127.0.0.2');
    await waitFor(
      () => {
        if (next.isClosed) next = from('127.0.0.2');
        return / 204 /.test(next.text);
      },
      10_000,
      () => 'not let in again',
    );
    assert.match(await from('127.0.0.2').closed(), / 503 /, 'and no further one');
  },
);

test(
  'address shares: no address has more than half of all, and one that closes what it opens is not refused for it',
  onlyLinux,
  async t => {
    const door = await startForTest(t, {
      routes: [quick],
      maxConnections: 8,
      connectionsPerAddress: { max: 2_000, isCounted: () => true },
    });
    for (let count = 0; count < 4; count++) {
      const client = new RawClient(t, door.port);
      client.send(request('GET', '/quick'));
      await client.until(/ 204 /);
      client.socket.destroy();
      await waitFor(
        () => door.connections() === 0,
        30_000,
        () => 'still counted',
      );
    }
    const clients = Array.from({ length: 5 }, () => new RawClient(t, door.port));
    for (const client of clients) client.send(request('GET', '/quick'));
    await waitFor(
      () => clients.every(({ text }) => text !== ''),
      30_000,
      () => 'not all answered',
    );
    assert.equal(clients.filter(({ text }) => text.includes(' 503 ')).length, 1, clients.map(({ text }) => text.slice(0, 15)).join());
  },
);

const hasIPv6 = Object.values(networkInterfaces()).some(all => all?.some(({ address }) => address === '::1'));

test('address shares: a /64 of IPv6 counts as one address', { skip: !onlyLinux.skip && hasIPv6 ? false : 'no IPv6 here' }, async t => {
  const door = await startForTest(t, { host: '::1', routes: [quick], connectionsPerAddress: { max: 1, isCounted: () => true } });
  const open = (): RawClient => {
    const client = new RawClient(t, door.port, { host: '::1' });
    client.send(request('GET', '/quick'));
    return client;
  };
  await open().until(/ 204 /);
  assert.match(await open().closed(), / 503 /);
});
