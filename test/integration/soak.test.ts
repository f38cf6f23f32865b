// Many sessions leave nothing behind; an ffmpeg that floods, hangs or writes garbage hurts nobody but its own viewer.
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { open } from 'lmdb';
import { storePath } from '#storage/database.ts';
import { base, Client, type MediaItem } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { encodesNaming, noneLeft, openFiles, residentBytes, spawnersNaming, until } from '../support/processes.ts';
import { makeFilm } from '../support/run-tool.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { readSegment } from '../support/track-check.ts';

const SESSIONS = 200;
const AT_ONCE = 4;
const FILMS = 12;
/** Connections that a client's pool has not let go yet, and what a library opened on first use. */
const SPARE_FILES = 12;
const MAX_GROWTH_BYTES = 150 * 1024 * 1024;

test(`${SESSIONS} sessions leave nothing behind`, { timeout: 600_000 }, async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  // Different lengths make different films: each is encoded anew. Longer than an encode runs ahead: none ends by itself.
  const longest = join(scratch, 'longest.mp4');
  await makeFilm(longest, { seconds: 60 + FILMS });
  for (let at = 0; at < FILMS; at++) await ffmpeg('-i', longest, '-t', String(60 + at), '-c', 'copy', join(library, `film-${at}.mp4`));
  const dataDir = join(scratch, 'data');
  const server = await startServer(t, { library, dataDir, env: { TMPDIR: scratch, FERRITE_WARM_ENCODERS: '0' } });
  const pid = Number(server.process.pid);
  const [spawner] = spawnersNaming(scratch);
  assert.ok(spawner);
  const client = await Client.signIn(server.url);
  const films = await client.media();
  assert.equal(films.length, FILMS);

  // What is opened once and kept, such as the index of each film, is no leak.
  for (const [at, film] of films.entries()) await playABit(client, film, at);
  const before = { server: openFiles(pid), spawner: openFiles(spawner.pid), bytes: residentBytes(pid) };
  const turns = Array.from({ length: SESSIONS }, (_, at) => at).values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const at of turns) await playABit(client, films[at % FILMS] as MediaItem, at);
    }),
  );

  assert.deepEqual((await client.call<{ items: unknown[] }>('GET', '/api/v1/sessions')).items, []);
  assert.match(await client.metrics(), /^playback_sessions 0$/m);
  await until('no encode', () => encodesNaming(scratch).length === 0);
  await until('its files are closed', () => openFiles(pid) <= before.server + SPARE_FILES, 20_000);
  await until("the starter's files are closed", () => openFiles(spawner.pid) <= before.spawner + 2);
  const grownBytes = residentBytes(pid) - before.bytes;
  assert.ok(grownBytes < MAX_GROWTH_BYTES, `grew by ${Math.round(grownBytes / 2 ** 20)} MiB`);
  assert.deepEqual(
    server.lines.filter(({ level }) => Number(level) >= 50),
    [],
    'no error was logged',
  );
  assert.ok(readersOf(storePath(dataDir)) > 0, 'it reads while it runs');
  assert.equal(await server.stop(), 0);
  await noneLeft(scratch);
  assert.equal(readersOf(storePath(dataDir)), 0);
});

/** Starts, seeks about, goes away from some requests, stops. */
async function playABit(client: Client, film: MediaItem, turn: number): Promise<void> {
  const delivery = (['remux', 'transcode', 'direct'] as const)[turn % 3] ?? 'remux';
  const session = await client.start(film.id, { delivery, startPositionMs: (turn * 1_700) % 15_000 });
  if (delivery === 'direct') {
    const response = await client.fetch(session.streamUrl, { headers: { range: 'bytes=100-299' } });
    assert.equal((await response.arrayBuffer()).byteLength, 200);
  } else {
    const path = delivery === 'remux' ? 'video/original' : `video/${session.ladder.at(-1)?.rung}`;
    await client.call('POST', `/api/v1/sessions/${session.sessionId}/seek`, { positionMs: (turn * 2_300) % 18_000 });
    for (const index of [turn % 8, (turn * 3) % 8]) readSegment(await client.segment(session, path, index));
    await client
      .fetch(`${base(session)}${path}/${(turn * 5) % 8}.m4s`, { signal: AbortSignal.timeout(1 + (turn % 20)) })
      .then(response => response.arrayBuffer())
      .catch(error => assert.ok(error instanceof DOMException, String(error)));
  }
  await client.stop(session.sessionId);
}

/** Slots of readers that are not gone. The list names one a line below its head. */
function readersOf(path: string): number {
  const environment = open({ path, noSubdir: true, readOnly: true });
  try {
    environment.readerCheck();
    return environment
      .readerList()
      .split('\n')
      .filter(line => /^\s*\d+/.test(line) && !line.includes(String(process.pid))).length;
  } finally {
    void environment.close();
  }
}

/** By the height of the picture: an encoder is not told what film it is fed. */
const MANNERS = { flood: 72, 'stalls-once': 74, hang: 76, garbage: 78, dies: 80, good: 82 };
const encoding = (name: keyof typeof MANNERS): string => `scale=128:${MANNERS[name]}:`;

/** An encoder whose manners depend on the picture's height; everything else it is asked for goes to the real one. */
const BAD_FFMPEG = `#!/bin/bash
case "$*" in
  *frag_every_frame*) ;;
  *) exec ffmpeg "$@" ;;
esac
case "$*" in
  *${encoding('flood')}*)
    # Ends with the process that this shell becomes.
    ( while kill -0 $$; do head -c 65536 /dev/zero; sleep 0.01; done ) >&2 2>/dev/null </dev/null &
    head -c 5000000 /dev/zero >&2
    exec ffmpeg "$@" ;;
  *${encoding('stalls-once')}*)
    mkdir "$(dirname "$0")/stalled" 2>/dev/null && exec sleep 600
    exec ffmpeg "$@" ;;
  *${encoding('hang')}*) exec sleep 600 ;;
  *${encoding('garbage')}*)
    # The quick encoder's output is read first, where there is one.
    { head -c 300000 /dev/urandom >&3; } 2>/dev/null
    exec head -c 300000 /dev/urandom ;;
  *${encoding('dies')}*) echo "no such encoder" >&2; exit 1 ;;
  *) exec ffmpeg "$@" ;;
esac
`;

test('an ffmpeg with bad manners', { timeout: 600_000, concurrency: true }, async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  for (const [name, height] of Object.entries(MANNERS))
    await makeFilm(join(library, `${name}.mp4`), { seconds: 20, output: ['-vf', `scale=128:${height},setsar=1`] });
  const wrapper = join(scratch, 'ffmpeg-with-bad-manners');
  await writeFile(wrapper, BAD_FFMPEG);
  await chmod(wrapper, 0o755);
  const server = await startServer(t, { library, env: { TMPDIR: scratch, FERRITE_FFMPEG: wrapper, FERRITE_WARM_ENCODERS: '0' } });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const start = async (title: string) => {
    const film = films.find(one => one.title.toLowerCase().replaceAll('-', ' ') === title);
    assert.ok(film, `no film ${title} among ${films.map(one => one.title).join(', ')}`);
    const session = await client.start(film.id, { delivery: 'transcode' });
    return { session, path: `video/${session.ladder.at(-1)?.rung}` };
  };
  const run = (name: string, work: (t: TestContext) => Promise<void>): Promise<void> => t.test(name, work);

  await Promise.all([
    run('one that floods stderr without end never holds its viewer up', async () => {
      const { session, path } = await start('flood');
      for (let index = 0; index < 10; index++) readSegment(await client.segment(session, path, index));
      await client.stop(session.sessionId);
      await until('it is gone, flood and all', () => encodesNaming(encoding('flood')).length === 0);
    }),
    run('one that hangs is ended and started again', async () => {
      const { session, path } = await start('stalls once');
      readSegment(await client.segment(session, path, 0));
      await client.stop(session.sessionId);
    }),
    run('one that always hangs is reported as stalled', async () => {
      const { session, path } = await start('hang');
      const problem = await client.problem('GET', `${base(session)}${path}/0.m4s`);
      assert.equal(problem.code, 'ENCODE_STALLED');
      assert.equal(problem.status, 504);
      await client.stop(session.sessionId);
    }),
    run('one that writes garbage is reported as failed', async () => {
      const { session, path } = await start('garbage');
      assert.equal((await client.problem('GET', `${base(session)}${path}/0.m4s`)).code, 'ENCODE_FAILED');
      await client.stop(session.sessionId);
    }),
    run('one that ends with an error is reported as failed, and says nothing of the host', async () => {
      const { session, path } = await start('dies');
      const problem = await client.problem('GET', `${base(session)}${path}/0.m4s`);
      assert.equal(problem.code, 'ENCODE_FAILED');
      assert.ok(!JSON.stringify(problem).includes('no such encoder'));
      await server.line(({ msg, stderr }) => msg === 'ffmpeg failed' && String(stderr).includes('no such encoder'));
      await client.stop(session.sessionId);
    }),
  ]);
  await run('the server is fine after all that', async () => {
    const { session, path } = await start('good');
    for (let index = 0; index < 4; index++) readSegment(await client.segment(session, path, index));
    assert.equal((await client.fetch('/readyz')).status, 200);
    await client.stop(session.sessionId);
    await until('no encode', () => encodesNaming(scratch).length === 0);
    assert.equal(await server.stop(), 0);
    await noneLeft(scratch);
  });
});
