// Replies that lie ready: sent at once to whoever asks plainly, and with every condition, range and method like any other.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { PreparedReply } from '#http/contract/prepared.ts';
import { route } from '#http/contract/route.ts';
import { acceptedEncoding } from '#http/stream/accept-encoding.ts';
import { Playlist } from '#src/playback/offer/playlist.ts';
import { RawClient, request, startForTest, waitFor } from '../../support/http-server.ts';

const MIB = 1024 * 1024;

const ready = (bytes: Uint8Array): PreparedReply =>
  new PreparedReply({ bytes, contentType: 'video/mp4', etag: '"one"', headers: { 'Cache-Control': 'private, immutable' } });

async function start(t: TestContext, bytes: Uint8Array, options: { corsOrigins?: string[]; isDraining?: () => boolean } = {}) {
  const reply = ready(bytes);
  const asked = { atOnce: 0, handler: 0 };
  const routes = [
    route({
      method: 'GET',
      path: '/stream/:name',
      auth: 'none',
      summary: 'test',
      responses: {},
      atOnce: line => {
        asked.atOnce += 1;
        if (line.getUrl() === '/stream/broken') throw new Error('broken');
        return line.getUrl() === '/stream/ready' ? reply : null;
      },
      handler: () => {
        asked.handler += 1;
        return { status: 200, prepared: reply };
      },
    }),
  ];
  const door = await startForTest(t, { routes, ...options });
  return { door, asked, url: (name: string) => `${door.url}/stream/${name}` };
}

const headersOf = (response: Response): Record<string, string> =>
  Object.fromEntries([...response.headers].filter(([name]) => name !== 'date' && name !== 'content-length'));

for (const byteLength of [1_000, 5 * MIB]) {
  test(`a ready reply of ${byteLength} bytes is the same at once and by its handler`, async t => {
    const bytes = randomBytes(byteLength);
    const { asked, url } = await start(t, bytes, { corsOrigins: ['*'] });
    const [atOnce, handled, broken] = await Promise.all(['ready', 'other', 'broken'].map(name => fetch(url(name))));
    assert.ok(atOnce && handled && broken);
    assert.deepEqual(headersOf(atOnce), headersOf(handled));
    assert.equal(atOnce.headers.get('etag'), '"one"');
    assert.equal(atOnce.headers.get('cross-origin-resource-policy'), 'cross-origin');
    for (const response of [atOnce, handled, broken]) assert.ok(bytes.equals(Buffer.from(await response.arrayBuffer())));
    assert.deepEqual(asked, { atOnce: 3, handler: 2 });
  });
}

test('conditions, ranges, HEAD, listed origins and a drain are answered as ever', async t => {
  const bytes = randomBytes(100_000);
  const { asked, url } = await start(t, bytes, { corsOrigins: ['https://player.example'] });
  const known = await fetch(url('ready'), { headers: { 'If-None-Match': 'W/"one"' } });
  assert.deepEqual([known.status, known.headers.get('cache-control')], [304, 'private, immutable']);
  const part = await fetch(url('ready'), { headers: { Range: 'bytes=5-9' } });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 5-9/100000']);
  assert.ok(bytes.subarray(5, 10).equals(Buffer.from(await part.arrayBuffer())));
  const head = await fetch(url('ready'), { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '100000']);
  const listed = await fetch(url('ready'), { headers: { Origin: 'https://player.example' } });
  await listed.arrayBuffer();
  assert.equal(listed.headers.get('access-control-allow-origin'), 'https://player.example');
  assert.equal(asked.atOnce, 0);
  const draining = await start(t, bytes, { isDraining: () => true });
  assert.equal((await fetch(draining.url('ready'))).status, 503);
});

test('a reader that does not read holds no copy of a ready reply, and what waits for it is told', async t => {
  const bytes = Buffer.alloc(40 * MIB, 'a');
  const { door, url } = await start(t, bytes);
  await (await fetch(url('ready'))).arrayBuffer();
  const before = process.memoryUsage.rss();
  const clients = Array.from({ length: 20 }, () => new RawClient(t, door.port));
  for (const client of clients) {
    client.ignoreBytes();
    client.socket.pause();
    client.send(request('GET', '/stream/ready'));
  }
  await waitFor(
    () => door.load().waitingBytes > 20 * 30 * MIB,
    30_000,
    () => JSON.stringify(door.load()),
  );
  assert.equal(door.load().repliesInFlight, clients.length);
  const perReader = (process.memoryUsage.rss() - before) / clients.length;
  assert.ok(perReader < 8 * MIB, `${Math.round(perReader / 1024)} KiB a reader`);
  for (const client of clients) client.socket.destroy();
  await waitFor(
    () => door.load().repliesInFlight === 0 && door.load().waitingBytes === 0 && door.connections() <= 1,
    30_000,
    () => JSON.stringify(door.load()),
  );
});

test('the encoding of the highest weight is chosen, the smallest of equals, and the plain bytes where nothing better is accepted', () => {
  const accepted: [string, string][] = [
    ['', 'identity'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['GZIP;q=1.0, BR;q=0.5', 'gzip'],
    ['gzip;q=0', 'identity'],
    ['*', 'br'],
    ['br;q=0, *;q=0.1', 'gzip'],
    ['identity;q=1, gzip;q=0.5', 'identity'],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['gzip;q=nonsense', 'identity'],
    ['deflate, zstd', 'identity'],
  ];
  for (const [header, encoding] of accepted) assert.equal(acceptedEncoding(header), encoding, header);
});

test('a playlist is compressed once into each encoding, has a tag for each, and stays plain where nothing is gained', () => {
  const text = Array.from({ length: 2_000 }, (_, index) => `#EXTINF:2.000000,\n${index}.m4s\n`).join('');
  const playlist = new Playlist(text);
  const [gzip, br] = [playlist.as('gzip'), playlist.as('br')];
  assert.equal(gunzipSync(gzip.bytes).toString(), text);
  assert.equal(brotliDecompressSync(br.bytes).toString(), text);
  assert.ok(br.bytes.byteLength < gzip.bytes.byteLength && gzip.bytes.byteLength < text.length / 5);
  assert.equal(new Set([gzip.etag, br.etag, playlist.plain.etag]).size, 3);
  assert.equal(playlist.as('gzip'), gzip);
  assert.equal(new Playlist('#EXTM3U\n').as('gzip').encoding, 'identity');
});
