// One server for each data folder, readable by nobody else; a store that was damaged ends in words, never in a signal, and never lets a stranger in.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch } from '../support/launch.ts';
import { spawnersNaming } from '../support/processes.ts';
import { ADMIN, endWith, TestServer, temporaryFolder } from '../support/server.ts';

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

test('data folder: a damaged store ends in words and its exit code or is served, never by a signal, and the setup stays closed', async t => {
  const library = await temporaryFolder(t);
  const scratch = await temporaryFolder(t);
  const dataDir = join(scratch, 'data');
  const server = new TestServer({ library, dataDir });
  endWith(t, server);
  await server.ready();
  for (let user = 0; user < 20; user++) {
    const { accessToken } = (await (await post(server.url, '/api/v1/auth/login', ADMIN)).json()) as { accessToken: string };
    await post(server.url, '/api/v1/users', { username: `viewer-${user}`, password: 'long enough' }, accessToken);
  }
  await server.stop();
  const whole = await readFile(join(dataDir, 'ferrite.lmdb'));
  const endings = { served: 0, refused: 0 };
  for (const [what, bytes] of damages(whole)) {
    const copy = join(scratch, 'copy');
    await rm(copy, { recursive: true, force: true });
    await cp(dataDir, copy, { recursive: true });
    await writeFile(join(copy, 'ferrite.lmdb'), bytes);
    const ended = await launchOn(copy, library);
    assert.equal(ended.signal, null, `${what}: ${ended.errors}`);
    assert.equal(ended.isSetupOpen, false, what);
    if (ended.hasServed) {
      endings.served += 1;
      continue;
    }
    assert.equal(ended.code, 4, `${what}: ${ended.errors}`);
    assert.match(ended.errors, /^ferrite: the store [^\n]* (is damaged|is empty|has no administrator)[^\n]*backup[^\n]*\n$/, what);
    assert.deepEqual(await readFile(join(copy, 'ferrite.lmdb')), bytes, `${what}: left as it was`);
    endings.refused += 1;
  }
  assert.ok(endings.refused >= 7, JSON.stringify(endings));
});

async function launchOn(dataDir: string, library: string) {
  const server = new TestServer({ library, dataDir, env: { FERRITE_WORKERS: '1' }, keepsErrors: true });
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

const post = (url: string, path: string, body: object, accessToken = ''): Promise<Response> =>
  fetch(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(accessToken === '' ? {} : { authorization: `Bearer ${accessToken}` }) },
    body: JSON.stringify(body),
  });

/** Always the same ones. */
function* damages(whole: Buffer): Generator<[what: string, bytes: Buffer]> {
  let seed = 20_261_127;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (const length of [0, 1, 200, 4_096, 8_192, whole.byteLength >> 1, whole.byteLength - 5_000])
    yield [`cut to ${length} bytes`, whole.subarray(0, length)];
  const rounds = Number(process.env.FERRITE_TEST_DAMAGES ?? 2);
  for (let round = 0; round < rounds; round++) {
    for (const [area, from, to] of [
      ['the heads', 0, 8_192],
      ['the pages', 8_192, whole.byteLength],
    ] as const) {
      const at = from + random(to - from - 600);
      const length = 1 + random(600);
      yield [`${length} zeros at ${at} in ${area}`, Buffer.from(whole).fill(0, at, at + length)];
      const scribbled = Buffer.from(whole);
      for (let byte = at; byte < at + length; byte++) scribbled[byte] = random(256);
      yield [`${length} random bytes at ${at} in ${area}`, scribbled];
    }
  }
}
