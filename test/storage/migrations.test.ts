import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UNTOLD_COLOUR } from '#domain/colour/colour.ts';
import { FerriteError } from '#domain/errors.ts';
import { newUserId } from '#domain/ids.ts';
import type { Media, SubtitleStream, VideoStream } from '#domain/media.ts';
import { openDatabase, storePath } from '#storage/database.ts';
import { Environment } from '#storage/environment.ts';
import { checkFormats, type Family, migrate, unconvertedTable } from '#storage/migrations.ts';
import { PROGRESS } from '#storage/records/progress.ts';
import { aVideoStream } from '../support/titles.ts';
import { aKeyframeMap, aMedia, makeDataDir } from './support.ts';

const FORMAT_1: Family = { name: 'films', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

let conversions = 0;
const FORMAT_3: Family = {
  ...FORMAT_1,
  format: 3,
  upgrades: [
    ({ key, value }) => {
      conversions += 1;
      return typeof value === 'string' ? { key, value: { title: value } } : null;
    },
    // The keys of format 3 are the neighbours' old ones: records must not overwrite each other.
    ({ key, value }) => ({ key: key === 'a' ? 'b' : 'a', value: { value, format: 3 } }),
  ],
};

async function withFormat1(t: TestContext): Promise<Environment> {
  const environment = new Environment(join(await makeDataDir(t), 'films.lmdb'), 'read-write');
  t.after(() => environment.close());
  migrate(environment, [FORMAT_1]);
  const films = environment.table<string, unknown>('films');
  await films.put('a', 'Alien');
  await films.put('b', 'Brazil');
  await films.put('odd', 17);
  return environment;
}

test('migrations: records go through every step, and what cannot be converted is kept aside', async t => {
  const environment = await withFormat1(t);
  migrate(environment, [FORMAT_3]);
  const films = environment.table<string, unknown>('films');
  assert.deepEqual(
    [...films.entries()],
    [
      { key: 'a', value: { value: { title: 'Brazil' }, format: 3 } },
      { key: 'b', value: { value: { title: 'Alien' }, format: 3 } },
    ],
  );
  assert.deepEqual([...environment.table(unconvertedTable('films')).entries()], [{ key: [1, 'odd'], value: { value: 17, format: 1 } }]);
});

test('migrations: a second run changes nothing', async t => {
  const environment = await withFormat1(t);
  migrate(environment, [FORMAT_3]);
  const before = [...environment.table('films').entries()];
  conversions = 0;
  migrate(environment, [FORMAT_3]);
  assert.equal(conversions, 0);
  assert.deepEqual([...environment.table('films').entries()], before);
});

test('migrations: one that throws half-way leaves the old records and the old format', async t => {
  const environment = await withFormat1(t);
  const failing: Family = {
    ...FORMAT_1,
    format: 2,
    upgrades: [
      ({ key, value }) => {
        if (key === 'b') throw new Error('half-way');
        return { key, value: [value] };
      },
    ],
  };
  assert.throws(() => migrate(environment, [failing]), /half-way/);
  assert.deepEqual(
    [...environment.table('films').entries()].map(({ value }) => value),
    ['Alien', 'Brazil', 17],
  );
  migrate(environment, [FORMAT_3]);
  assert.equal(environment.table('films').count(), 2);
});

test('migrations: records of a newer version are refused with STORAGE_FAILED and left alone', async t => {
  const environment = await withFormat1(t);
  migrate(environment, [FORMAT_3]);
  const isRefusal = (error: unknown) =>
    error instanceof FerriteError && error.code === 'STORAGE_FAILED' && /newer version/.test(error.message);
  assert.throws(() => migrate(environment, [FORMAT_1]), isRefusal);
  assert.throws(() => checkFormats(environment, [FORMAT_1]), isRefusal);
  assert.equal(environment.table('films').count(), 2);
});

test('migrations: a read-only opener refuses records that still wait for their conversion', async t => {
  const environment = await withFormat1(t);
  checkFormats(environment, [FORMAT_1]);
  assert.throws(() => checkFormats(environment, [FORMAT_3]), { code: 'STORAGE_FAILED' });
});

test('database: opening twice keeps every record, and a store written by a newer version is refused', async t => {
  const dataDir = await makeDataDir(t);
  const media = aMedia('film');
  const first = await openDatabase(dataDir);
  await first.media.put(media);
  await first.close();
  const second = await openDatabase(dataDir);
  assert.deepEqual(second.media.get(media.id), media);
  await second.close();
  const environment = new Environment(storePath(dataDir), 'read-write');
  await environment.table('meta').put(['format', 'users'], 1000);
  await environment.close();
  await assert.rejects(openDatabase(dataDir), { code: 'STORAGE_FAILED' });
  await assert.rejects(openDatabase(dataDir, { readOnly: true }), { code: 'STORAGE_FAILED' });
});

test('database: the data folder is closed to everybody else, whether it was there or not', async t => {
  const parent = await makeDataDir(t);
  mkdirSync(join(parent, 'open'), { mode: 0o755 });
  for (const name of ['new', 'open']) {
    await (await openDatabase(join(parent, name))).close();
    assert.equal(statSync(join(parent, name)).mode & 0o777, 0o700, name);
  }
});

test('database: read-only finds no store where none was made, and makes none', async t => {
  const dataDir = await makeDataDir(t);
  await assert.rejects(openDatabase(dataDir, { readOnly: true }), { code: 'STORAGE_FAILED' });
  await assert.rejects(openDatabase(join(dataDir, 'missing'), { readOnly: true }), { code: 'STORAGE_FAILED' });
});

test('migrations: media of format 1 get the facts of their keyframe maps, once', async t => {
  const dataDir = await makeDataDir(t);
  const first = await openDatabase(dataDir);
  const [known, unknown] = [aMedia('Metropolis'), aMedia('Nosferatu')];
  const before = ({ keyframes: _, ...media }: Media) => media as Media;
  await first.media.put(before(known));
  await first.media.put(before(unknown));
  await first.keyframeMaps.put(known.id, aKeyframeMap([0, 8_910_000]));
  await first.keyframeMaps.put(unknown.id, { ...aKeyframeMap([0]), version: 'of another file' });
  await first.close();
  const formats = new Environment(storePath(dataDir), 'read-write');
  await formats.table<string[], number>('meta').put(['format', 'media'], 1);
  await formats.close();
  for (const round of ['first', 'second']) {
    const database = await openDatabase(dataDir);
    assert.deepEqual(database.media.get(known.id)?.keyframes, { count: 2, longestGapMs: 99_000, copyMethod: 'mp4' }, round);
    assert.equal(database.media.get(unknown.id)?.keyframes, null, round);
    await database.close();
  }
});

test('migrations: media of format 4 know their range, and are inspected anew for the rest of their colours', async t => {
  const dataDir = await makeDataDir(t);
  const first = await openDatabase(dataDir);
  const keyframes = { count: 2, longestGapMs: 1, copyMethod: 'mp4' } as const;
  const { colour: _, ...video } = aVideoStream({ hdr: 'hlg' });
  const film = aMedia('Metropolis', { keyframes });
  await first.media.put({ ...film, streams: { ...film.streams, video: [video as VideoStream] } });
  await first.close();
  const formats = new Environment(storePath(dataDir), 'read-write');
  await formats.table<string[], number>('meta').put(['format', 'media'], 4);
  await formats.close();
  for (const round of ['first', 'second']) {
    const database = await openDatabase(dataDir);
    const now = database.media.get(film.id);
    assert.equal(now?.keyframes, null, round);
    assert.deepEqual(now?.streams.video[0]?.colour, { ...UNTOLD_COLOUR, transfer: 'arib-std-b67' }, round);
    await database.close();
  }
});

test('migrations: media of format 5 are not known to carry captions, and are inspected anew for them', async t => {
  const dataDir = await makeDataDir(t);
  const first = await openDatabase(dataDir);
  const { hasCaptions: _, ...video } = aVideoStream();
  const film = aMedia('Metropolis', { keyframes: { count: 2, longestGapMs: 1, copyMethod: 'mp4' } });
  await first.media.put({ ...film, streams: { ...film.streams, video: [video as VideoStream] } });
  await first.close();
  const formats = new Environment(storePath(dataDir), 'read-write');
  await formats.table<string[], number>('meta').put(['format', 'media'], 5);
  await formats.close();
  for (const round of ['first', 'second']) {
    const database = await openDatabase(dataDir);
    const now = database.media.get(film.id);
    assert.deepEqual([now?.keyframes, now?.streams.video[0]?.hasCaptions], [null, false], round);
    await database.close();
  }
});

test('migrations: media of format 2 have no subtitle files yet, and are inspected anew where streams may be marked', async t => {
  const dataDir = await makeDataDir(t);
  const first = await openDatabase(dataDir);
  const keyframes = { count: 2, longestGapMs: 1, copyMethod: 'mp4' } as const;
  const [silent, titled] = [aMedia('Metropolis', { keyframes }), aMedia('Nosferatu', { keyframes })];
  const stream = { index: 2, codec: 'subrip', language: 'ger', title: null, isDefault: false, kind: 'text', isForced: false } as const;
  const before = ({ sidecars: _, ...media }: Media) => media as Media;
  await first.media.put(before(silent));
  await first.media.put(before({ ...titled, streams: { ...titled.streams, subtitles: [stream as unknown as SubtitleStream] } }));
  await first.close();
  const formats = new Environment(storePath(dataDir), 'read-write');
  await formats.table<string[], number>('meta').put(['format', 'media'], 2);
  await formats.close();
  for (const round of ['first', 'second']) {
    const database = await openDatabase(dataDir);
    assert.deepEqual(database.media.get(silent.id), { ...silent, fingerprint: '' }, round);
    const now = database.media.get(titled.id);
    assert.deepEqual([now?.sidecars, now?.keyframes, now?.streams.subtitles], [[], null, [{ ...stream, isHearingImpaired: false }]], round);
    await database.close();
  }
});

test('migrations: progress of format 1 is listed by what is begun, as newer progress is', async t => {
  const dataDir = await makeDataDir(t);
  const [userId, begun, seen] = [newUserId(), aMedia('begun').id, aMedia('seen').id];
  const old = new Environment(storePath(dataDir), 'read-write');
  migrate(old, [{ ...PROGRESS, format: 1, upgrades: [] }]);
  for (const [id, watched, updatedAtMs] of [
    [begun, false, 1],
    [seen, true, 2],
  ] as const) {
    await old.table<[string, string], unknown>('progress').put([userId, id], { positionMs: 5, durationMs: 9, watched, updatedAtMs });
    await old.table<[string, number, string], null>('progress.by-time').put([userId, -updatedAtMs, id], null);
  }
  await old.close();
  const { progress, ...database } = await reopened(t, dataDir);
  const ids = (list: 'all' | 'begun') =>
    progress.list(userId, { limit: 9, cursor: null }, () => true, list).items.map(({ mediaId }) => mediaId);
  assert.deepEqual([ids('begun'), ids('all')], [[begun], [seen, begun]]);
  assert.equal([...database.history.ofUser(userId)].length, 0);
});

async function reopened(t: TestContext, dataDir: string) {
  const database = await openDatabase(dataDir);
  t.after(() => database.close());
  return database;
}
