import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { storePath } from '#storage/database.ts';
import { Environment } from '#storage/environment.ts';
import { findDamage } from '#storage/integrity/store-check.ts';
import { aKeyframeMap, aMedia, aUser, makeDataDir, openStore } from '../support.ts';

const WRITER = fileURLToPath(new URL('../endless-writer.ts', import.meta.url));

const check = (dataDir: string): string | null => findDamage(storePath(dataDir), dataDir, join(dataDir, 'cache'));

test('store check: a store is whole after any number of writes, removals and long records, while it is open and after', async t => {
  const dataDir = await makeDataDir(t);
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 3; round++) {
    const environment = new Environment(storePath(dataDir), 'read-write');
    const tables = ['one', 'two', 'three'].map(name => environment.table<[string, number], string>(name));
    const pending: Promise<void>[] = [];
    for (let step = 0; step < 1_500; step++) {
      const table = tables[random(3)];
      const key: [string, number] = ['record', random(800)];
      pending.push(
        random(5) < 2
          ? (table?.remove(key) ?? Promise.resolve())
          : (table?.put(key, 'x'.repeat(random(10) === 0 ? random(60_000) : random(200))) ?? Promise.resolve()),
      );
      if (step % 300 !== 299) continue;
      await Promise.all(pending.splice(0));
      assert.equal(check(dataDir), null, `round ${round}, step ${step}`);
    }
    await environment.close();
    assert.equal(check(dataDir), null);
  }
});

test('store check: a store whose writer was killed is whole', async t => {
  const dataDir = await makeDataDir(t);
  for (let round = 0; round < 3; round++) {
    const writer = spawn(process.execPath, [WRITER, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(writer.stdout, 'data');
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    assert.equal(check(dataDir), null);
  }
});

test('store check: what is cut off, blanked or scribbled over where it is in use is found, and nothing else is', async t => {
  const { dataDir, database } = await openStore(t);
  for (let at = 0; at < 200; at++) {
    await database.users.create(aUser(`user-${at}`), () => undefined);
    const media = aMedia(`Film ${at}`);
    await database.media.put(media);
    await database.keyframeMaps.put(media.id, aKeyframeMap(Array.from({ length: 3_000 }, (_, index) => index * 90_000)));
  }
  await database.close();
  const whole = await readFile(storePath(dataDir));
  const damagedDir = await makeDataDir(t);
  const verdict = async (bytes: Buffer): Promise<string | null> => {
    await writeFile(storePath(damagedDir), bytes);
    return check(damagedDir);
  };
  assert.equal(await verdict(whole), null);
  for (const share of [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9])
    assert.match((await verdict(whole.subarray(0, Math.floor(whole.byteLength * share)))) ?? '', /damaged/, `${share} of it`);
  const pageBytes = whole.readUInt32LE(24 + 24);
  let found = 0;
  for (let page = 0; page < whole.byteLength / pageBytes; page++) {
    const blank = Buffer.from(whole);
    blank.fill(0, page * pageBytes, (page + 1) * pageBytes);
    const isFound = (await verdict(blank)) !== null;
    if (isFound) found += 1;
    assert.ok(isFound || page > 1, 'a blank head is found');
  }
  assert.ok(found > whole.byteLength / pageBytes / 4, `${found} blank pages were found`);
});

test('store check: a store that is gone, or empty, is no new one where keys or segments are left', async t => {
  const dataDir = await makeDataDir(t);
  assert.equal(check(dataDir), null, 'a first start');
  await mkdir(join(dataDir, 'keys'));
  await mkdir(join(dataDir, 'cache'));
  assert.equal(check(dataDir), null, 'folders tell nothing');
  await writeFile(join(dataDir, 'keys', 'one.json'), '{}');
  assert.match(check(dataDir) ?? '', /is missing, though/);
  await writeFile(storePath(dataDir), '');
  assert.match(check(dataDir) ?? '', /is empty, though/);
  await rm(join(dataDir, 'keys'), { recursive: true });
  assert.equal(check(dataDir), null);
  await cp(import.meta.dirname, join(dataDir, 'cache', 'a0'), { recursive: true });
  assert.match(check(dataDir) ?? '', /is empty, though/);
  await truncate(storePath(dataDir), 100);
  assert.match(check(dataDir) ?? '', /damaged/);
});
