import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ThrottledLink } from '../../../loadtest/client/throttled-link.ts';

const MIB = 1024 * 1024;
/** What the bucket may give at once, and a packet. */
const BURST_MS = 20;
const PACKET_BYTES = 1_460;

/** A server that answers every path with so many bytes of its own, and the line in front of it. */
async function start(t: TestContext, { byteLength, bitsPerSecond }: { byteLength: number; bitsPerSecond: number | null }) {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => response.end(Buffer.alloc(byteLength, request.url?.slice(1, 2) ?? 'x')));
  server.on('connection', socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const link = await ThrottledLink.open({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bitsPerSecond });
  t.after(async () => {
    await link.close();
    server.closeAllConnections();
    server.close();
  });
  const open = async (path: string): Promise<IncomingMessage> => (await once(get(link.url + path, { agent: false }), 'response'))[0];
  return { link, sockets, open };
}

async function read(response: IncomingMessage, onBytes: (sum: number) => void = () => undefined): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sum = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    sum += part.byteLength;
    onBytes(sum);
  }
  return Buffer.concat(parts);
}

test('throttled link: no more passes than its rate allows, and all of it arrives', async t => {
  const bitsPerSecond = 8_000_000;
  const { link, open } = await start(t, { byteLength: MIB / 2, bitsPerSecond });
  const startedMs = performance.now();
  const bytes = await read(await open('/a'), () => {
    const mostBytes = ((performance.now() - startedMs + BURST_MS) / 8_000) * bitsPerSecond + PACKET_BYTES;
    assert.ok(link.sentBytes <= mostBytes, `${link.sentBytes} of ${mostBytes}`);
  });
  assert.deepEqual(bytes, Buffer.alloc(MIB / 2, 'a'));
});

test('throttled link: connections share it evenly', async t => {
  const { open } = await start(t, { byteLength: MIB / 4, bitsPerSecond: 8_000_000 });
  const got = [0, 0];
  let atHalf: number[] = [];
  const responses = await Promise.all(['/a', '/b'].map(open));
  await Promise.all(
    responses.map((response, at) =>
      read(response, sum => {
        got[at] = sum;
        if (sum > MIB / 8 && atHalf.length === 0) atHalf = [...got];
      }),
    ),
  );
  assert.ok(Math.min(...atHalf) > MIB / 16, `${atHalf}`);
});

test('throttled link: it opens in the middle of an answer, and closes for one', async t => {
  const { link, open } = await start(t, { byteLength: 4 * MIB, bitsPerSecond: 100_000 });
  const response = await open('/a');
  link.bitsPerSecond = null;
  assert.equal((await read(response)).byteLength, 4 * MIB);
  link.bitsPerSecond = 100_000;
  const slow = await open('/b');
  await once(slow, 'readable');
  assert.ok(link.sentBytes < 5 * MIB);
  slow.destroy();
});

test('throttled link: whoever goes away takes the connection to the server along', async t => {
  const { sockets, open } = await start(t, { byteLength: 4 * MIB, bitsPerSecond: 100_000 });
  const response = await open('/a');
  const [socket] = sockets;
  assert.ok(socket);
  // What is on its way to it fails, which is no matter here.
  const closed = new Promise(resolve => socket.once('close', resolve));
  response.on('error', () => undefined);
  response.destroy();
  await closed;
});
