// ferrite import-progress, import and export over a real data folder and real files of other servers.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import { loadConfig } from '#src/config.ts';
import { DataFolder } from '#src/data-folder.ts';
import type { ImportReport } from '#src/progress/transfer/import-report.ts';
import { exportTo, type ImportOptions, importProgress, importUser } from '#src/transfer-commands.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { sqlite } from '#storage/sqlite.ts';
import { aMedia, aUser, makeDataDir } from '../../storage/support.ts';

const HOUR = 3_600_000;
const AT = Date.UTC(2024, 4, 6);

async function makeWorld(t: TestContext) {
  const folder = await makeDataDir(t);
  const config = loadConfig({ FERRITE_DATA_DIR: join(folder, 'data') });
  const [anna, ben] = [aUser('anna', { role: 'admin' }), aUser('Ben')];
  const films = ['Alien', 'Brazil', 'Casablanca'].map(title =>
    aMedia(title, { path: `/media/films/${title}.mkv`, name: `${title}.mkv`, fingerprint: `bytes of ${title}`, durationMs: HOUR, title }),
  );
  const withStore = async <T>(use: (database: Database) => T | Promise<T>): Promise<T> => {
    const database = await openDatabase(config.dataDir);
    return await (async () => await use(database))().finally(() => database.close());
  };
  await withStore(async database => {
    for (const user of [anna, ben]) await database.users.create(user, () => undefined);
    for (const film of films) await database.media.put(film);
  });
  const records = (user: User) =>
    withStore(database =>
      [...database.progress.ofUser(user.id)]
        .map(({ mediaId, progress }) => {
          const title = films.find(({ id }) => id === mediaId)?.title;
          return `${title} ${progress.positionMs / 1_000} ${progress.watched ? 'watched' : 'begun'} ${(progress.updatedAtMs - AT) / 1_000}`;
        })
        .sort(),
    );
  const options = (file: string, changes: Partial<ImportOptions> = {}): ImportOptions => ({
    file: join(folder, file),
    user: null,
    isDryRun: false,
    report: join(folder, 'report.json'),
    unit: null,
    ...changes,
  });
  const report = async () => JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as ImportReport;
  return { folder, config, anna, ben, films, withStore, records, options, report };
}

async function makeOldDatabase(path: string, sql: string): Promise<string> {
  const database = new (sqlite().DatabaseSync)(path);
  database.exec(sql);
  database.close();
  return hashOf(path);
}

const hashOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

test('import-progress: an old database with users becomes one record a user and title, and is left as it was', async t => {
  const { folder, config, anna, ben, records, options, report } = await makeWorld(t);
  const seconds = AT / 1_000;
  const before = await makeOldDatabase(
    join(folder, 'old.db'),
    `PRAGMA journal_mode = WAL;
     CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT);
     INSERT INTO users VALUES (1, 'ANNA'), (2, 'ben'), (3, 'carl');
     CREATE TABLE media (id INTEGER PRIMARY KEY, path TEXT);
     INSERT INTO media VALUES (10, '/old/disk/Alien.mkv'), (11, '/media/films/Brazil.mkv'), (12, '/old/gone.mkv'), (13, '/older/Alien.mkv');
     CREATE TABLE playback_progress (media_id INTEGER, user_id INTEGER, position_seconds REAL, duration_seconds REAL, completed INTEGER, updated_at INTEGER);
     INSERT INTO playback_progress VALUES
       (10, 1, 600.5, 3600, 0, ${seconds + 10}),
       (13, 1, 900, 3600, 0, ${seconds + 5}),
       (11, 1, 3500, 3600, 1, ${seconds + 20}),
       (10, 2, 60, 3600, 0, ${seconds + 30}),
       (12, 2, 60, 3600, 0, ${seconds + 30}),
       (10, 3, 60, 3600, 0, ${seconds + 30}),
       (11, NULL, 120, 3600, 0, ${seconds + 40}),
       (11, 2, -5, 3600, 0, ${seconds + 40});`,
  );
  const files = await readdir(folder);
  assert.match(await importProgress(config, options('old.db', { isDryRun: true })), /^would import 3, 0 unchanged, 5 left out/);
  assert.deepEqual(await records(anna), [], 'nothing is written');
  assert.match(await importProgress(config, options('old.db')), /^imported 3, 0 unchanged, 5 left out/);
  assert.deepEqual(await records(anna), ['Alien 600.5 begun 10', 'Brazil 3500 watched 20']);
  assert.deepEqual(await records(ben), ['Alien 60 begun 30']);
  const { rows, ...facts } = await report();
  assert.deepEqual(rows.map(({ row, reason }) => `${row}: ${reason}`).sort(), [
    'row 2: superseded by a later row',
    'row 5: no such title',
    'row 6: no such user',
    'row 7: no user told',
    'row 8: not a position',
  ]);
  assert.deepEqual([facts.imported, facts.isDryRun], [3, false]);
  assert.match(await importProgress(config, options('old.db')), /^imported 0, 3 unchanged, 5 left out/, 'again it changes nothing');
  assert.match(await importProgress(config, options('old.db', { user: 'Ben' })), /^imported 1, 3 unchanged, 4 left out/);
  assert.deepEqual(await records(ben), ['Alien 60 begun 30', 'Brazil 120 begun 40']);
  assert.equal(await hashOf(join(folder, 'old.db')), before);
  assert.deepEqual(
    (await readdir(folder)).filter(name => name.startsWith('old')),
    files.filter(name => name.startsWith('old')),
    'nothing beside it',
  );
});

test('import-progress: an old database without users is whose it is told to be; units are told by the lengths of the films', async t => {
  const { folder, config, anna, withStore, films, records, options, report } = await makeWorld(t);
  await makeOldDatabase(
    join(folder, 'old.db'),
    `CREATE TABLE playback_progress (media_path TEXT UNIQUE, position INTEGER, duration INTEGER, watched INTEGER, updated_at TEXT);
     INSERT INTO playback_progress VALUES
       ('/media/films/Alien.mkv', 600000, 3600000, 0, '2024-05-06 00:00:10'),
       ('/media/films/Brazil.mkv', 1800000, 3600000, 0, '2024-05-06T00:00:20Z'),
       ('/media/films/Casablanca.mkv', 0, 3600000, 1, NULL);`,
  );
  await withStore(({ progress }) =>
    progress.put(anna.id, films[1]?.id ?? ('' as never), { positionMs: 5_000, durationMs: HOUR, watched: false, updatedAtMs: AT + 60_000 }),
  );
  assert.match(await importProgress(config, options('old.db')), /^imported 0, 0 unchanged, 3 left out \(3 no user told\)/);
  assert.match(await importProgress(config, options('old.db', { user: 'anna' })), /^imported 2, 0 unchanged, 1 left out \(1 older/);
  assert.deepEqual((await records(anna)).slice(0, 2), ['Alien 600 begun 10', 'Brazil 5 begun 60']);
  assert.match((await records(anna))[2] ?? '', /^Casablanca 0 watched/);
  assert.equal((await report()).rows[0]?.row, 'row 2');
});

test('import-progress: a table as text, positions in seconds, and a report beside the store where none is asked for', async t => {
  const { folder, config, ben, records, options } = await makeWorld(t);
  await writeFile(
    join(folder, 'old.csv'),
    `user,path,position,watched,updated_at\nBEN,/x/Alien.mkv,0:10:00,,2024-05-06T00:00:10Z\nben,"/x/Brazil.mkv",1200,no,${AT + 20_000}\nben,/x/Unknown.mkv,5,,\nben,/x/Casablanca.mkv,3400,,soon\n`,
  );
  const text = await importProgress(config, options('old.csv', { report: null }));
  assert.match(text, /^imported 2, 0 unchanged, 2 left out/);
  assert.deepEqual(await records(ben), ['Alien 600 begun 10', 'Brazil 1200 begun 20']);
  const [kept] = await readdir(join(config.dataDir, 'imports'));
  assert.ok(kept !== undefined && text.includes(kept));
});

test('import-progress: while the server runs it says so, and what is no table of progress is told in a sentence', async t => {
  const { folder, config, options } = await makeWorld(t);
  await writeFile(join(folder, 'empty.csv'), '');
  await writeFile(join(folder, 'other.csv'), 'name,age\nanna,7\n');
  await makeOldDatabase(join(folder, 'other.db'), 'CREATE TABLE films (id INTEGER)');
  await writeFile(join(folder, 'broken.db'), 'SQLite format 3\0 and then nothing of the kind');
  for (const [file, message] of [
    ['empty.csv', /no column for the title/],
    ['other.csv', /its columns are: name, age/],
    ['other.db', /no table playback_progress; its tables are: films/],
    ['broken.db', /can not be read as an SQLite database/],
    ['missing.db', /can not be read/],
  ] as const)
    await assert.rejects(importProgress(config, options(file)), { name: 'StartFailure', message });
  await writeFile(join(folder, 'old.csv'), 'path,position\n/x/Alien.mkv,600\n');
  await assert.rejects(importProgress(config, options('old.csv', { user: 'nobody' })), { message: 'there is no user nobody' });
  await assert.rejects(importProgress({ ...config, dataDir: join(folder, 'none') }, options('old.csv')), /there is no store/);
  const server = await DataFolder.open(config);
  t.after(() => server.close());
  await assert.rejects(importProgress(config, options('old.csv', { user: 'anna' })), { exitCode: 3, message: /the server is running/ });
  assert.match(await importProgress(config, options('old.csv', { user: 'anna', isDryRun: true })), /^would import 1/);
});

test('export and import: everything of a user, onto another server whose ids and folders are others, once', async t => {
  const [here, there] = [await makeWorld(t), await makeWorld(t)];
  const [alien, brazil, casablanca] = here.films;
  assert.ok(alien && brazil && casablanca);
  const add = (database: Database, userId: UserId) =>
    database.progress.change(tx => {
      database.progress.putIn(
        tx,
        userId,
        { mediaId: alien.id, progress: { positionMs: 600_000, durationMs: HOUR, watched: false, updatedAtMs: AT } },
        AT,
      );
      database.progress.putIn(
        tx,
        userId,
        { mediaId: brazil.id, progress: { positionMs: 0, durationMs: HOUR, watched: true, updatedAtMs: AT + 1_000 } },
        AT,
      );
      database.progress.hideIn(tx, userId, alien.id);
      for (const atMs of [AT, AT + 5_000])
        database.history.addIn(tx, userId, {
          mediaId: brazil.id,
          atMs,
          kind: 'watched',
          positionMs: 0,
          durationMs: HOUR,
          title: 'Brazil',
          year: 1985,
          episode: null,
        });
    });
  await here.withStore(database => add(database, here.ben.id));
  const pieces: string[] = [];
  const running = await DataFolder.open(here.config);
  await exportTo(here.config, { user: 'ben', write: piece => pieces.push(piece) });
  await running.close();
  await writeFile(join(there.folder, 'ben.json'), pieces.join(''));
  assert.notEqual(alien.id, there.films[0]?.id);
  assert.equal(
    await importUser(there.config, there.options('ben.json')),
    `imported 2, 0 unchanged, no row was left out; the report is ${join(there.folder, 'report.json')}; 2 new in the history`,
  );
  assert.deepEqual(await there.records(there.ben), ['Alien 600 begun 0', 'Brazil 0 watched 1']);
  assert.match(await importUser(there.config, there.options('ben.json')), /^imported 0, 2 unchanged.* 0 new in the history$/);
  assert.match(await importUser(there.config, there.options('ben.json', { user: 'anna', report: null })), /^imported 2/);
  await there.withStore(database => {
    const [, entry] = [...database.progress.ofUser(there.ben.id)];
    assert.equal(entry?.isHidden, true);
    assert.deepEqual(
      [...database.history.ofUser(there.anna.id)].map(({ mediaId, atMs }) => [mediaId, atMs - AT]),
      [
        [there.films[1]?.id, 5_000],
        [there.films[1]?.id, 0],
      ],
    );
  });
  await writeFile(join(there.folder, 'other.json'), '{"format":"something-else","progress":[]}');
  await assert.rejects(importUser(there.config, there.options('other.json')), /not what ferrite export writes/);
});
