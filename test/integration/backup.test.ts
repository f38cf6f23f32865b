// A backup of a server that is being written to: everything acknowledged before it began is in it, and a server starts on what comes of it.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { launch } from '../support/launch.ts';
import { ffmpeg } from '../support/media.ts';
import { until } from '../support/processes.ts';
import { ADMIN, endWith, startServer, TestServer, temporaryFolder } from '../support/server.ts';

const FILMS = 3;

test('backup: of a server under load holds every write acknowledged before it began; passwords and tokens work on what is restored', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  for (let at = 0; at < FILMS; at++)
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      `color=s=64x64:r=5:d=${100 + at}`,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      join(library, `Film ${at}.mp4`),
    );
  const env = { FERRITE_WORKERS: '1', FERRITE_WARM_ENCODERS: '0' };
  const server = await startServer(t, { library, dataDir: join(scratch, 'data'), env });
  const client = await Client.signIn(server.url);
  const login = await client.call<{ refreshToken: string }>('POST', '/api/v1/auth/login', ADMIN);
  const films = await client.media();
  assert.equal(films.length, FILMS);
  const acknowledged = new Map(films.map(({ id }) => [id, 0]));
  let isOver = false;
  const write = async (id: string): Promise<void> => {
    for (let positionMs = 1; !isOver; positionMs++) {
      const updatedAtMs = Date.now();
      await client.call('PUT', `/api/v1/media/${id}/progress`, { positionMs, durationMs: 100_000, watched: false, updatedAtMs });
      acknowledged.set(id, positionMs);
    }
  };
  const writers = films.map(({ id }) => write(id));
  await until('every film has been written to', () => [...acknowledged.values()].every(count => count >= 20));
  const before = new Map(acknowledged);
  const backup = join(scratch, 'backup');
  const made = await launch({ FERRITE_DATA_DIR: join(scratch, 'data') }, ['backup', backup]);
  assert.equal(made.code, 0, made.errors);
  assert.match(made.output, /as secret as the data folder/);
  assert.ok(
    films.some(({ id }) => (acknowledged.get(id) ?? 0) > (before.get(id) ?? 0)),
    'it was written to meanwhile',
  );
  const refused = await launch({ FERRITE_DATA_DIR: join(scratch, 'data') }, ['restore', backup, '--replace']);
  assert.deepEqual([refused.code, /a server uses/.test(refused.errors)], [3, true], refused.errors);
  isOver = true;
  await Promise.all(writers);
  await server.stop('SIGKILL');

  const restored = await launch({ FERRITE_DATA_DIR: join(scratch, 'new') }, ['restore', backup]);
  assert.equal(restored.code, 0, restored.errors);
  const second = new TestServer({ library, dataDir: join(scratch, 'new'), env });
  endWith(t, second);
  await second.ready();
  const again = await Client.signIn(second.url);
  for (const { id } of films) {
    const { positionMs } = await again.call<{ positionMs: number }>('GET', `/api/v1/media/${id}/progress`);
    assert.ok(positionMs >= (before.get(id) ?? 0), `${positionMs} of ${before.get(id)}`);
    assert.ok(positionMs <= (acknowledged.get(id) ?? 0));
  }
  again.accessToken = client.accessToken;
  assert.equal((await again.call<{ username: string }>('GET', '/api/v1/me')).username, ADMIN.username, 'an access token from before');
  again.accessToken = '';
  await again.call('POST', '/api/v1/auth/refresh', { refreshToken: login.refreshToken });
});
