// What is lost when something dies: the server, one of its threads, the process starter. Nothing that was acknowledged, and nothing is left running.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { base, Client, type MediaItem, type Started } from '../support/client.ts';
import { loseThread } from '../support/lost-thread.ts';
import { ffmpeg, SAMPLE_480P } from '../support/media.ts';
import { encodesNaming, isRunning, noneLeft, spawnersNaming, until } from '../support/processes.ts';
import { endWith, freePort, startServer, TestServer, temporaryFolder } from '../support/server.ts';
import { readSegment } from '../support/track-check.ts';

const RUNG = 'video/480p';

type World = {
  readonly server: TestServer;
  readonly client: Client;
  readonly film: MediaItem;
  readonly library: string;
  /** Named by everything the server starts. */
  readonly scratch: string;
  /** The server's folder for temporary files, of its own. */
  readonly temporary: string;
};

/** A server with one long film, in folders that nothing else names. */
async function start(t: TestContext, options: { port?: number; env?: Record<string, string> } = {}): Promise<World> {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  const temporary = join(scratch, 'tmp');
  await Promise.all([mkdir(library), mkdir(temporary)]);
  await ffmpeg('-stream_loop', '7', '-i', SAMPLE_480P, '-c', 'copy', join(library, 'long.mp4'));
  const server = await startServer(t, {
    library,
    dataDir: join(scratch, 'data'),
    ...(options.port === undefined ? {} : { port: options.port }),
    env: { TMPDIR: temporary, FERRITE_WARM_ENCODERS: '0', ...options.env },
  });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  return { server, client, film, library, scratch, temporary };
}

/** A request that ffmpeg is working on. */
async function beginEncode({ client, scratch }: World, session: Started, index: number) {
  // The encode that came with the session is there by then, and not taken for the one that is meant.
  await client.segment(session, RUNG, 0);
  let isSettled = false;
  const wanted = client.segment(session, RUNG, index).finally(() => {
    isSettled = true;
  });
  wanted.catch(() => undefined);
  const before = new Set(encodesNaming(scratch).map(({ pid }) => pid));
  const running = await until('an encode', () => encodesNaming(scratch).find(({ pid }) => !before.has(pid)));
  assert.equal(isSettled, false, 'the viewer still waits');
  return { wanted, pid: running.pid };
}

const metric = async (client: Client, line: string): Promise<number> => {
  const text = await client.metrics();
  return Number(
    text
      .split('\n')
      .find(one => one.startsWith(`${line} `))
      ?.slice(line.length + 1) ?? 0,
  );
};

test('a killed server leaves nothing running, and goes on where it was', async t => {
  const port = await freePort();
  const world = await start(t, { port });
  const { server, client, film, scratch, library, temporary } = world;
  const encoded = await client.start(film.id, { delivery: 'transcode' });
  const copied = await client.start(film.id, { delivery: 'remux' });
  const addresses = [
    encoded.streamUrl,
    ...[`${RUNG}/index.m3u8`, `${RUNG}/init.mp4`, `${RUNG}/0.m4s`, `${RUNG}/1.m4s`, 'audio/0/index.m3u8'].map(at => base(encoded) + at),
    copied.streamUrl,
    ...['index.m3u8', 'init.mp4', '10.m4s'].map(at => `${base(copied)}video/original/${at}`),
  ];
  const before = await fetchAll(client, addresses);
  const encodedBytes = before.slice(2, 5).reduce((sum, bytes) => sum + bytes.byteLength, 0);
  await until('its segments are on disk', async () => (await metric(client, 'segment_cache_bytes{tier="disk"}')) >= encodedBytes);
  await client.call('POST', `/api/v1/sessions/${encoded.sessionId}/heartbeat`, { positionMs: 34_567, state: 'playing' });
  const { pid } = await beginEncode(world, encoded, 90);
  // One that hangs notices no closed pipe: it has to be killed.
  process.kill(pid, 'SIGSTOP');
  assert.equal(await server.stop('SIGKILL'), null);
  await noneLeft(scratch);
  assert.deepEqual(await readdir(temporary), [], 'nor a folder of sockets');

  const restarted = new TestServer({
    library,
    dataDir: join(scratch, 'data'),
    port,
    env: { TMPDIR: temporary, FERRITE_WARM_ENCODERS: '0' },
  });
  endWith(t, restarted);
  await restarted.ready();
  const after = await fetchAll(client, addresses);
  for (const [at, bytes] of before.entries()) assert.ok(after[at]?.equals(bytes), `the same bytes at ${addresses[at]}`);
  const { items } = await client.call<{ items: { sessionId: string }[] }>('GET', '/api/v1/sessions');
  assert.deepEqual(items.map(({ sessionId }) => sessionId).sort(), [copied.sessionId, encoded.sessionId].sort());
  assert.equal((await client.call<{ positionMs: number }>('GET', `/api/v1/media/${film.id}/progress`)).positionMs, 34_567);
  readSegment(await client.segment(encoded, RUNG, 90));
  assert.equal(await restarted.stop(), 0);
  await noneLeft(scratch);
});

test('a lost session host is replaced, and its sessions go on', async t => {
  const inspectorPort = await freePort();
  const world = await start(t, { env: { FERRITE_WORKERS: '1', NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectorPort}` } });
  const { server, client, film, scratch } = world;
  const encoded = await client.start(film.id, { delivery: 'transcode' });
  const copied = await client.start(film.id, { delivery: 'remux' });
  const first = await client.segment(encoded, RUNG, 0);
  const { wanted, pid } = await beginEncode(world, encoded, 60);
  // One that hangs notices no closed pipe: it has to be killed.
  process.kill(pid, 'SIGSTOP');
  await loseThread(Number(server.process.pid), inspectorPort);
  readSegment(await wanted);
  await until('what the lost thread had running is gone', () => !isRunning(pid));
  assert.ok(first.equals(await client.segment(encoded, RUNG, 0)));
  readSegment(await client.segment(encoded, RUNG, 20));
  readSegment(await client.segment(copied, 'video/original', 12));
  await until('the encode is listed again', async () => {
    const { encodes } = await client.call<{ encodes: unknown[] }>('GET', `/api/v1/sessions/${encoded.sessionId}`);
    return encodes.length > 0;
  });
  assert.equal(await metric(client, 'workers_lost_total{kind="thread"}'), 1);
  assert.equal((await client.fetch('/readyz')).status, 200);
  await Promise.all([client.stop(encoded.sessionId), client.stop(copied.sessionId)]);
  await until('no encode', () => encodesNaming(scratch).length === 0);
  assert.equal(await server.stop(), 0);
  await noneLeft(scratch);
});

test('a session host that stops answering is ended and replaced, and its sessions go on', async t => {
  const inspectorPort = await freePort();
  const world = await start(t, { env: { FERRITE_WORKERS: '1', NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectorPort}` } });
  const { server, client, film, scratch } = world;
  const encoded = await client.start(film.id, { delivery: 'transcode' });
  const copied = await client.start(film.id, { delivery: 'remux' });
  const first = await client.segment(encoded, RUNG, 0);
  const { pid } = await beginEncode(world, encoded, 60);
  await loseThread(Number(server.process.pid), inspectorPort, 'stalls');
  readSegment(await client.segment(encoded, RUNG, 20));
  readSegment(await client.segment(copied, 'video/original', 12));
  await until('what the lost thread had running is gone', () => !isRunning(pid));
  assert.ok(first.equals(await client.segment(encoded, RUNG, 0)));
  assert.equal(await metric(client, 'workers_lost_total{kind="thread"}'), 1);
  assert.equal((await client.fetch('/readyz')).status, 200);
  await Promise.all([client.stop(encoded.sessionId), client.stop(copied.sessionId)]);
  assert.equal(await server.stop(), 0);
  await noneLeft(scratch);
});

test('a killed process starter is replaced, and encodes are begun again', async t => {
  const world = await start(t);
  const { server, client, film, scratch, temporary } = world;
  const session = await client.start(film.id, { delivery: 'transcode' });
  const { wanted, pid } = await beginEncode(world, session, 60);
  const [spawner] = spawnersNaming(scratch);
  assert.ok(spawner);
  // ffmpeg would write on without its starter: it is killed too, so that another has to be started.
  process.kill(spawner.pid, 'SIGKILL');
  process.kill(pid, 'SIGKILL');
  readSegment(await wanted);
  await until('another starter', () => spawnersNaming(scratch).some(({ pid }) => pid !== spawner.pid));
  readSegment(await client.segment(session, RUNG, 100));
  assert.equal(await metric(client, 'workers_lost_total{kind="spawner"}'), 1);
  await client.stop(session.sessionId);
  await until('no encode', () => encodesNaming(scratch).length === 0);
  assert.equal(await server.stop(), 0);
  await noneLeft(scratch);
  assert.deepEqual(await readdir(temporary), []);
});

test('an encode that hangs when its process starter is killed is ended with its session', async t => {
  const world = await start(t);
  const { client, film, scratch } = world;
  const session = await client.start(film.id, { delivery: 'transcode' });
  const { pid } = await beginEncode(world, session, 60);
  const [spawner] = spawnersNaming(scratch);
  assert.ok(spawner);
  process.kill(pid, 'SIGSTOP');
  process.kill(spawner.pid, 'SIGKILL');
  await until('another starter', () => spawnersNaming(scratch).some(one => one.pid !== spawner.pid));
  await client.stop(session.sessionId);
  await until('no encode', () => encodesNaming(scratch).length === 0);
  assert.ok(!isRunning(pid));
});

test('SIGTERM ends everything in order, encodes and all', async t => {
  const world = await start(t);
  const { server, client, film, scratch, temporary } = world;
  const sessions = await Promise.all([0, 80_000].map(startPositionMs => client.start(film.id, { delivery: 'transcode', startPositionMs })));
  await until('two viewers are being encoded for', () => encodesNaming(scratch).length >= 2);
  assert.equal(sessions.length, 2);
  assert.equal(await server.stop('SIGTERM'), 0);
  await noneLeft(scratch);
  assert.deepEqual(await readdir(temporary), []);
});

test('a second signal ends the server at once', async t => {
  const world = await start(t);
  const { server, client, film, scratch, temporary } = world;
  await client.start(film.id, { delivery: 'transcode' });
  await until('a viewer is being encoded for', () => encodesNaming(scratch).length > 0);
  const direct = await client.start(film.id, { delivery: 'direct' });
  const reader = await startSlowReader(new URL(direct.streamUrl, client.url));
  t.after(() => reader.destroy());
  // With all that it said.
  const exited = once(server.process, 'close') as Promise<[number | null]>;
  server.process.kill('SIGTERM');
  // It waits for the slow reader now.
  await server.line(({ msg }) => msg === 'closing');
  assert.equal(server.process.exitCode, null);
  server.process.kill('SIGTERM');
  assert.deepEqual((await exited)[0], 1);
  const said = server.lines.map(({ msg }) => msg);
  assert.ok(!said.includes('closed') && !said.includes('closing takes too long'), 'it was neither done nor out of time');
  await noneLeft(scratch);
  assert.deepEqual(await readdir(temporary), []);
});

const fetchAll = (client: Client, addresses: readonly string[]): Promise<Buffer[]> =>
  Promise.all(addresses.map(address => client.bytes(address)));

/** Asks for a whole film and reads nothing but the first bytes. */
async function startSlowReader(url: URL) {
  const socket = connect(Number(url.port), url.hostname);
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  await once(socket, 'readable', { signal: AbortSignal.timeout(10_000) });
  return socket;
}
