// One server for each data folder, readable by nobody else; a store that was damaged ends in words, never in a signal, and never lets a stranger in.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DataFolder } from '#src/data-folder.ts';
import { aKeyframeMap, aMedia, aUser } from '../storage/support.ts';
import type { DamageVerdict } from '../support/damaged-store-process.ts';
import { launch } from '../support/launch.ts';
import { spawnersNaming } from '../support/processes.ts';
import { endWith, TestServer, temporaryFolder } from '../support/server.ts';
import { cuts, type StoreDamage, scribbles } from '../support/store-damages.ts';

const DAMAGED_STORE_PROCESS = fileURLToPath(new URL('../support/damaged-store-process.ts', import.meta.url));

const settings = (dataDir: string, library: string): Record<string, string> => ({
  FERRITE_DATA_DIR: dataDir,
  FERRITE_LIBRARY: `movies=${library}`,
  FERRITE_WORKERS: '1',
  FERRITE_WARM_ENCODERS: '0',
});

test('data folder: a second server is refused while the first lives, and welcome once it was killed', async t => {
  const library = await temporaryFolder(t);
  const dataDir = join(await temporaryFolder(t), 'data');
  const first = new TestServer({ library, dataDir });
  endWith(t, first);
  await first.ready();
  const second = await launch(settings(dataDir, library));
  assert.equal(second.code, 3);
  assert.match(second.errors, /^ferrite: another server uses the data folder [^\n]*\n$/);
  assert.equal((await fetch(new URL('/healthz', first.url))).status, 200);
  const doctor = await launch(settings(dataDir, library), ['doctor', '--json']);
  const checks = (JSON.parse(doctor.output) as { checks: { name: string; isGood: boolean }[] }).checks;
  assert.ok(
    checks.every(({ name, isGood }) => isGood || !name.endsWith('folder')),
    doctor.output,
  );
  const exited = once(first.process, 'exit');
  first.process.kill('SIGKILL');
  await exited;
  const third = await launch(settings(dataDir, library));
  assert.deepEqual([third.code, third.hasServed], [0, true], third.errors);
});

test('data folder: a cache folder belongs to one server too, whatever their data folders, and loses nothing to the one that is refused', async t => {
  const library = await temporaryFolder(t);
  const scratch = await temporaryFolder(t);
  const cacheDir = join(scratch, 'cache');
  const first = new TestServer({ library, dataDir: join(scratch, 'one'), env: { FERRITE_CACHE_DIR: cacheDir, FERRITE_WORKERS: '1' } });
  endWith(t, first);
  await first.ready();
  const segment = join(cacheDir, 'a0', 'a-segment');
  await mkdir(join(cacheDir, 'a0'), { recursive: true });
  await writeFile(segment, 'of the first');
  const second = await launch({ ...settings(join(scratch, 'two'), library), FERRITE_CACHE_DIR: cacheDir });
  assert.equal(second.code, 3, second.errors);
  assert.match(second.errors, /^ferrite: another server uses the cache folder [^\n]*\n$/);
  assert.equal(await readFile(segment, 'utf8'), 'of the first');
  await first.stop();
  await rm(cacheDir, { recursive: true });
  const third = await launch({ ...settings(join(scratch, 'two'), library), FERRITE_CACHE_DIR: cacheDir });
  assert.deepEqual([third.code, third.hasServed], [0, true], third.errors);
  const same = join(scratch, 'three');
  const fourth = await launch({ ...settings(same, library), FERRITE_CACHE_DIR: same });
  assert.deepEqual([fourth.code, fourth.hasServed], [0, true], 'a data folder may be its own cache folder');
});

test('data folder: nobody else on the machine can read what is in it, whatever the umask and however it was before', async t => {
  const library = await temporaryFolder(t);
  const dataDir = join(await temporaryFolder(t), 'data');
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const open = async (): Promise<string[]> => {
    const names = await readdir(dataDir, { recursive: true });
    const modes = await Promise.all(names.map(async name => [name, (await lstat(join(dataDir, name))).mode & 0o077] as const));
    return modes.flatMap(([name, mode]) => (mode === 0 ? [] : [name]));
  };
  for (let round = 0; round < 2; round++) {
    const server = new TestServer({ library, dataDir, env: { FERRITE_WORKERS: '1' } });
    endWith(t, server);
    await server.ready();
    assert.deepEqual(await open(), []);
    await server.stop();
    await Promise.all(
      ['ferrite.lmdb', 'set-up'].map(async name => {
        const bytes = await readFile(join(dataDir, name));
        await rm(join(dataDir, name));
        await writeFile(join(dataDir, name), bytes, { mode: 0o644 });
      }),
    );
  }
});

test('data folder: what the server starts has none of its settings, and no secret, in its environment', async t => {
  const temporary = await temporaryFolder(t);
  const server = new TestServer({
    library: await temporaryFolder(t),
    dataDir: join(await temporaryFolder(t), 'data'),
    env: { TMPDIR: temporary, FERRITE_WORKERS: '1', FERRITE_METRICS_TOKEN: 'of the metrics', SECRET_OF_THE_SHELL: 'sesame' },
  });
  endWith(t, server);
  await server.ready();
  const [starter] = spawnersNaming(temporary);
  assert.ok(starter);
  const environment = await readFile(`/proc/${starter.pid}/environ`, 'utf8');
  assert.match(environment, /PATH=/);
  assert.doesNotMatch(environment, /FERRITE_|SECRET|sesame|of the metrics/);
  assert.equal((await fetch(new URL('/metrics', server.url))).status, 401);
  const withToken = { headers: { authorization: 'Bearer of the metrics' } };
  assert.equal((await fetch(new URL('/metrics', server.url), withToken)).status, 200);
});

test('data folder: a mistake of the operator is one line and an exit code', async t => {
  const library = await temporaryFolder(t);
  const scratch = await temporaryFolder(t);
  const file = join(scratch, 'a-file');
  await writeFile(file, '');
  const dataDir = join(scratch, 'data');
  for (const [env, code] of [
    [{ FERRITE_DATA_DIR: join(file, 'data') }, 1],
    [{ FERRITE_DATA_DIR: '/proc/nowhere/data' }, 1],
    [{ FERRITE_DATA_DIR: dataDir, FERRITE_CACHE_DIR: file }, 1],
    [{ FERRITE_DATA_DIR: dataDir, FERRITE_HOST: '203.0.113.9' }, 1],
    [{ FERRITE_DATA_DIR: join(scratch, 'other'), FERRITE_ADMIN_USERNAME: 'root', FERRITE_ADMIN_PASSWORD: 'short' }, 2],
    [{ FERRITE_DATA_DIR: dataDir, FERRITE_PORT: 'eighty' }, 2],
  ] as const) {
    const ended = await launch({ ...settings(dataDir, library), ...env });
    assert.deepEqual([ended.code, ended.signal], [code, null], `${JSON.stringify(env)}: ${ended.errors}`);
    assert.match(ended.errors, /^[^\n]+\n$/, JSON.stringify(env));
    assert.doesNotMatch(ended.errors, / at .*\.ts/);
  }
});

test('data folder: a damaged store ends in words and its exit code or is served, and the setup stays closed', async t => {
  const library = await temporaryFolder(t);
  const scratch = await temporaryFolder(t);
  const dataDir = await filledDataDir(join(scratch, 'data'));
  const unharmed = await launchOn(dataDir, library);
  assert.deepEqual([unharmed.hasServed, unharmed.isSetupOpen], [true, false], unharmed.errors);
  const whole = await readFile(join(dataDir, 'ferrite.lmdb'));
  const endings = { served: 0, refused: 0 };
  const begin = async ({ what, bytes }: StoreDamage, copy: string): Promise<void> => {
    await cp(dataDir, copy, { recursive: true });
    await writeFile(join(copy, 'ferrite.lmdb'), bytes);
    const ended = await launchOn(copy, library);
    assert.equal(ended.signal, null, `${what}: ${ended.errors}`);
    assert.equal(ended.isSetupOpen, false, what);
    if (ended.hasServed) {
      endings.served += 1;
      return;
    }
    assert.equal(ended.code, 4, `${what}: ${ended.errors}`);
    assert.match(ended.errors, /^ferrite: the store [^\n]* (is damaged|is empty|has no administrator)[^\n]*backup[^\n]*\n$/, what);
    assert.ok(bytes.equals(await readFile(join(copy, 'ferrite.lmdb'))), `${what}: left as it was`);
    endings.refused += 1;
  };
  const damages = [...cuts(whole, [0, whole.byteLength >> 1]), ...scribbles(whole, 1)];
  const next = damages.entries();
  const inTurn = async (): Promise<void> => {
    for (const [index, damage] of next) await begin(damage, join(scratch, `copy-${index}`));
  };
  await Promise.all([inTurn(), inTurn()]);
  assert.ok(endings.refused >= 2, JSON.stringify(endings));
});

test('data folder: of many damages to a store each is used or refused in words, and none ends the process', {
  timeout: 300_000,
}, async t => {
  const scratch = await temporaryFolder(t);
  const dataDir = await filledDataDir(join(scratch, 'data'));
  const rounds = process.env.FERRITE_TEST_DAMAGES ?? '20';
  const child = spawn(process.execPath, [DAMAGED_STORE_PROCESS, dataDir, join(scratch, 'copy'), rounds], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const verdicts = (await text(child.stdout))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as DamageVerdict);
  assert.deepEqual(await exited, [0, null], `ended by: ${JSON.stringify(verdicts.at(-1))}`);
  const ended = verdicts.filter(({ code }) => code !== -1);
  assert.equal(ended.length, verdicts.length / 2);
  for (const { what, code, message } of ended) {
    if (code === 0) assert.equal(message, 'used', what);
    else {
      assert.equal(code, 4, `${what}: ${message}`);
      assert.match(message, /^the store [^\n]* (is damaged|is empty|is missing|has no administrator)[^\n]*backup[^\n]*$/, what);
    }
  }
  // LMDB keeps no checksums: what falls into a value, or where nothing is, is not noticed.
  const used = ended.filter(({ code }) => code === 0).length;
  assert.ok(used > 0 && ended.length - used > 20, `${used} of ${ended.length} were used`);
});

/** A store with records of every kind that a server reads when it starts, as one has left it. */
async function filledDataDir(dataDir: string): Promise<string> {
  const folder = await DataFolder.open({ dataDir, cacheDir: join(dataDir, 'cache') });
  const { users, media, keyframeMaps } = folder.database;
  await users.create(aUser('admin', { role: 'admin' }), () => undefined);
  for (let count = 0; count < 20; count++) {
    await users.create(aUser(`viewer-${count}`, { passwordHash: 'x'.repeat(100 * count) }), () => undefined);
    const film = aMedia(`Film ${count}`);
    await media.put(film);
    await keyframeMaps.put(film.id, aKeyframeMap(Array.from({ length: 200 * count + 2 }, (_, index) => index * 90_000)));
  }
  for (const user of users.list({ limit: 5, cursor: null }).items) if (user.role === 'viewer') await users.remove(user.id, () => undefined);
  await folder.close();
  // The second time it notes that there is an administrator.
  await (await DataFolder.open({ dataDir, cacheDir: join(dataDir, 'cache') })).close();
  return dataDir;
}

async function launchOn(dataDir: string, library: string) {
  const server = new TestServer({ library, dataDir, env: { FERRITE_WORKERS: '1', FERRITE_WARM_ENCODERS: '0' }, keepsErrors: true });
  const exited = once(server.process, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const hasServed = await server.ready().then(
    () => true,
    () => false,
  );
  const isSetupOpen = hasServed && ((await (await fetch(new URL('/api/v1/setup', server.url))).json()) as { required: boolean }).required;
  if (hasServed) await server.stop();
  const [code, signal] = await exited;
  return { code, signal, hasServed, isSetupOpen, errors: server.errors };
}
