// Whoever may watch no more is refused within a second, whatever is under way: the next request, one that waits, a film being sent, a control connection; and a restart brings nothing back.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { base, Client, type MediaItem, type Started } from '../support/client.ts';
import { ControlSocket } from '../support/control-socket.ts';
import { RawClient, request, waitFor } from '../support/http-server.ts';
import { ffmpeg, SAMPLE_480P } from '../support/media.ts';
import { endWith, freePort, startServer, TestServer, temporaryFolder } from '../support/server.ts';

const SECOND_MS = 1_000;
const PASSWORD = 'a long enough password';

type World = { readonly server: TestServer; readonly admin: Client; readonly film: MediaItem; readonly restart: () => Promise<TestServer> };

/** An ffmpeg that never brings a picture: whoever asks for one waits. */
const HANGING_FFMPEG = `#!/bin/sh
case "$*" in *libx264*) exec sleep 600 ;; esac
exec ffmpeg "$@"
`;

async function start(t: TestContext): Promise<World> {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await ffmpeg('-stream_loop', '12', '-i', SAMPLE_480P, '-c', 'copy', join(library, 'long.mp4'));
  const program = join(scratch, 'ffmpeg');
  await writeFile(program, HANGING_FFMPEG, { mode: 0o755 });
  const options = { library, dataDir: join(scratch, 'data'), port: await freePort(), env: { FERRITE_FFMPEG: program } };
  const server = await startServer(t, options);
  const admin = await Client.signIn(server.url);
  const [film] = await admin.media();
  assert.ok(film);
  const restart = async (): Promise<TestServer> => {
    await server.stop();
    const again = new TestServer(options);
    endWith(t, again);
    return again.ready();
  };
  return { server, admin, film, restart };
}

type Watching = { readonly userId: string; readonly viewer: Client; readonly copied: Started; readonly urls: readonly string[] };

/** A viewer in the middle of everything. */
async function watch(t: TestContext, { server, admin, film }: World, username: string) {
  const { id: userId } = await admin.call<{ id: string }>('POST', '/api/v1/users', {
    username,
    password: PASSWORD,
    role: 'viewer',
    enabled: true,
  });
  const viewer = await Client.signIn(server.url, { username, password: PASSWORD });
  const copied = await viewer.start(film.id, { delivery: 'remux' });
  const [rung] = copied.ladder;
  const urls = [copied.streamUrl, `${base(copied)}video/${rung?.rung}/init.mp4`, `${base(copied)}video/${rung?.rung}/0.m4s`];
  for (const url of [...urls, ...urls]) await viewer.bytes(url);
  const encoded = await viewer.start(film.id, { delivery: 'transcode' });
  const waiting = viewer.fetch(`${base(encoded)}video/${encoded.ladder[0]?.rung}/3.m4s`).then(({ status }) => status);
  // Of one who is not revoked, it fails when the server ends.
  waiting.catch(() => undefined);
  const direct = await viewer.start(film.id, { delivery: 'direct' });
  const download = new RawClient(t, Number(new URL(server.url).port));
  download.ignoreBytes();
  download.send(request('GET', direct.streamUrl));
  await waitFor(
    () => download.socket.bytesRead > 0,
    5_000,
    () => 'the film does not come',
  );
  download.socket.pause();
  const control = await ControlSocket.open(server.url, copied);
  return { userId, viewer, copied, urls, encoded, waiting, direct, download, control };
}

type Watched = Awaited<ReturnType<typeof watch>>;

const REVOCATIONS: [string, (admin: Client, watching: Watched) => Promise<unknown>][] = [
  ['signing out everywhere', (_, { viewer }) => viewer.call('POST', '/api/v1/auth/logout', { everywhere: true })],
  ['a disabled account', (admin, { userId }) => admin.call('PATCH', `/api/v1/users/${userId}`, { enabled: false })],
  ['another role', (admin, { userId }) => admin.call('PATCH', `/api/v1/users/${userId}`, { role: 'admin' })],
  ['a removed account', (admin, { userId }) => admin.call('DELETE', `/api/v1/users/${userId}`)],
  [
    'the end of the sessions',
    (_, { viewer, copied, encoded, direct }) => Promise.all([copied, encoded, direct].map(({ sessionId }) => viewer.stop(sessionId))),
  ],
];

test('who may watch no more is refused within a second wherever a request is, also after a restart, and nobody else is', {
  timeout: 600_000,
}, async t => {
  const world = await start(t);
  const other = await watch(t, world, 'somebody-else');
  const revoked: Watching[] = [];
  for (const [index, [name, revoke]] of REVOCATIONS.entries()) {
    const watching = await watch(t, world, `viewer-${index}`);
    const { viewer, urls, waiting, download, control } = watching;
    const sinceMs = performance.now();
    await revoke(world.admin, watching);
    const statuses = await Promise.all([...urls.map(async url => (await viewer.fetch(url)).status), waiting]);
    assert.deepEqual(statuses, [401, 401, 401, 401], name);
    await control.assertClosed();
    download.socket.resume();
    await download.closed();
    const tookMs = performance.now() - sinceMs;
    assert.ok(download.socket.bytesRead < 40_000_000, `${name}: ${download.socket.bytesRead} bytes of the film`);
    t.diagnostic(`${name}: ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < SECOND_MS, `${name}: after ${Math.round(tookMs)} ms`);
    revoked.push(watching);
  }
  for (const url of other.urls) assert.equal((await other.viewer.fetch(url)).status, 200);
  assert.equal(other.download.isClosed, false);
  const again = await world.restart();
  const visitor = new Client(again.url);
  for (const { urls } of revoked) for (const url of urls) assert.equal((await visitor.fetch(url)).status, 401);
  for (const url of other.urls) assert.equal((await visitor.fetch(url)).status, 200);
  const metrics = await visitor.metrics();
  assert.match(metrics, /^stream_token_verifications_total 0$/m, 'every decision was recalled');
});
