import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { newLibraryId, newSessionId, newUserId } from '#domain/ids.ts';
import { renditionKey } from '#domain/rendition.ts';
import type { SessionRecord } from '#domain/session.ts';
import { aMedia, aUser, openStore } from '../support.ts';

const failsWith = (code: string) => (error: unknown) => error instanceof FerriteError && error.code === code;
const noCheck = () => {};

test('users: a name is found in any case, and taken in any case', async t => {
  const { database } = await openStore(t);
  const user = aUser('Zoé');
  await database.users.create(user, noCheck);
  assert.deepEqual(database.users.findByUsername('zOÉ'), user);
  await assert.rejects(database.users.create(aUser('ZOÉ'), noCheck), failsWith('CONFLICT'));
});

test('users: of two made at once with one name exactly one comes to be', async t => {
  const { database } = await openStore(t);
  const results = await Promise.allSettled(['anna', 'Anna', 'ANNA'].map(name => database.users.create(aUser(name), noCheck)));
  assert.equal(results.filter(result => result.status === 'fulfilled').length, 1);
  assert.equal(database.users.list({ limit: 10, cursor: null }).items.length, 1);
});

test('users: a new name frees the old one, and a name of somebody else is refused', async t => {
  const { database } = await openStore(t);
  const user = aUser('old');
  await database.users.create(user, noCheck);
  await database.users.create(aUser('other'), noCheck);
  await database.users.update(user.id, before => ({ ...before, username: 'new' }));
  assert.equal(database.users.findByUsername('old'), undefined);
  assert.equal(database.users.findByUsername('new')?.id, user.id);
  await assert.rejects(
    database.users.update(user.id, before => ({ ...before, username: 'Other' })),
    failsWith('CONFLICT'),
  );
});

test('users: a refusing check leaves everything as it was', async t => {
  const { database } = await openStore(t);
  const user = aUser('stays');
  await database.users.create(user, noCheck);
  const refuse = () => {
    throw new FerriteError('CONFLICT', 'no');
  };
  await assert.rejects(database.users.remove(user.id, refuse), failsWith('CONFLICT'));
  await assert.rejects(database.users.update(user.id, refuse), failsWith('CONFLICT'));
  await assert.rejects(database.users.create(aUser('another'), refuse), failsWith('CONFLICT'));
  assert.deepEqual(database.users.list({ limit: 10, cursor: null }).items, [user]);
  await assert.rejects(database.users.remove(newUserId(), noCheck), failsWith('USER_NOT_FOUND'));
});

test('users: pages follow each other by name, and a foreign cursor is refused', async t => {
  const { database } = await openStore(t);
  for (const name of ['c', 'A', 'e', 'b', 'D']) await database.users.create(aUser(name), noCheck);
  const names: string[] = [];
  let cursor: string | null = null;
  do {
    const page = database.users.list({ limit: 2, cursor });
    names.push(...page.items.map(user => user.username));
    cursor = page.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(names, ['A', 'b', 'c', 'D', 'e']);
  for (const bad of ['', 'x', Buffer.from('["other","a"]').toString('base64url'), Buffer.from('{}').toString('base64url')]) {
    assert.throws(() => database.users.list({ limit: 2, cursor: bad }), failsWith('INVALID_REQUEST'));
  }
});

test('users: an external identity makes one user, however often it comes, and leaves with them', async t => {
  const { database } = await openStore(t);
  const identity = { issuer: 'https://id.example', subject: 'Abc' };
  const [first, second] = await Promise.all(['one', 'two'].map(name => database.users.createForIdentity(identity, aUser(name))));
  assert.equal(first?.id, second?.id);
  assert.equal(database.users.findByIdentity({ ...identity, subject: 'abc' }), undefined);
  assert.ok(first);
  await database.users.remove(first.id, noCheck);
  assert.equal(database.users.findByIdentity(identity), undefined);
});

test('media: titles sort without case and accents and by the value of their numbers, through every page', async t => {
  const { database } = await openStore(t);
  const libraryId = newLibraryId();
  for (const title of ['Part 10', 'part 2', 'Écho', 'echo 3', 'Zed', '😀 film', `${'x'.repeat(3000)} long`]) {
    await database.media.put(aMedia(title, { libraryId }));
  }
  await database.media.put(aMedia('Elsewhere'));
  const titles: string[] = [];
  let cursor: string | null = null;
  do {
    const page = database.media.list({ libraryId, sort: 'title', matches: () => true, limit: 2, cursor });
    titles.push(...page.items.map(media => media.title.slice(0, 10)));
    cursor = page.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(titles, ['Écho', 'echo 3', 'part 2', 'Part 10', 'xxxxxxxxxx', 'Zed', '😀 film']);
  assert.equal(database.media.list({ libraryId: null, sort: 'title', matches: () => true, limit: 50, cursor: null }).items.length, 8);
});

test('media: a changed title moves, newest come first by date, and filters keep pages full', async t => {
  const { database } = await openStore(t);
  const libraryId = newLibraryId();
  const films = ['a', 'b', 'c', 'd'].map((title, index) => aMedia(title, { libraryId, addedAtMs: 100 + index }));
  for (const film of films) await database.media.put(film);
  const [first] = films;
  assert.ok(first);
  await database.media.put({ ...first, title: 'z' });
  const list = (sort: 'title' | 'added', matches = (_: { title: string }) => true) =>
    database.media.list({ libraryId, sort, matches, limit: 2, cursor: null });
  assert.deepEqual(
    list('title').items.map(media => media.title),
    ['b', 'c'],
  );
  assert.deepEqual(
    list('added').items.map(media => media.title),
    ['d', 'c'],
  );
  assert.deepEqual(
    list('title', media => media.title > 'b').items.map(media => media.title),
    ['c', 'd'],
  );
  assert.equal(database.media.count(), 4);
});

test('media: removing a library removes its titles only', async t => {
  const { database } = await openStore(t);
  const libraryId = newLibraryId();
  const gone = aMedia('gone', { libraryId });
  const kept = aMedia('kept');
  await database.media.put(gone);
  await database.media.put(kept);
  assert.deepEqual(await database.media.removeLibrary(libraryId), [gone.id]);
  assert.equal(database.media.get(gone.id), undefined);
  assert.deepEqual(
    [...database.media.all()].map(media => media.id),
    [kept.id],
  );
  assert.deepEqual(database.media.list({ libraryId: null, sort: 'added', matches: () => true, limit: 9, cursor: null }).items, [kept]);
});

test('libraries: are listed oldest first and can be removed', async t => {
  const { database } = await openStore(t);
  const libraries = [3, 1, 2].map(createdAtMs => ({
    id: newLibraryId(),
    name: `${createdAtMs}`,
    kind: 'movies' as const,
    paths: ['/films'],
    createdAtMs,
  }));
  for (const library of libraries) await database.libraries.put(library);
  assert.deepEqual(
    database.libraries.list().map(library => library.name),
    ['1', '2', '3'],
  );
  const [first] = libraries;
  assert.ok(first);
  await database.libraries.remove(first.id);
  assert.equal(database.libraries.get(first.id), undefined);
});

test('progress: an older report never overwrites a newer one, in whatever order they arrive at once', async t => {
  const { database } = await openStore(t);
  const userId = newUserId();
  const { id } = aMedia('film');
  const reports = [5, 9, 1, 7, 9, 3].map(updatedAtMs => ({ positionMs: updatedAtMs * 10, durationMs: 100, watched: false, updatedAtMs }));
  const standing = await Promise.all(reports.map(report => database.progress.put(userId, id, report)));
  assert.equal(database.progress.get(userId, id)?.updatedAtMs, 9);
  assert.equal(standing.at(-1)?.updatedAtMs, 9);
  assert.equal(database.progress.list(userId, { limit: 10, cursor: null }, () => true).items.length, 1);
});

test('progress: is listed newest first, for one user, page by page', async t => {
  const { database } = await openStore(t);
  const [one, two] = [newUserId(), newUserId()];
  const films = ['a', 'b', 'c', 'd', 'e'].map(title => aMedia(title));
  for (const [index, film] of films.entries()) {
    await database.progress.put(one, film.id, { positionMs: 1, durationMs: 2, watched: index === 2, updatedAtMs: 1000 + index });
    await database.progress.put(two, film.id, { positionMs: 5, durationMs: 9, watched: false, updatedAtMs: 5 });
  }
  const first = database.progress.list(one, { limit: 2, cursor: null }, ({ progress }) => !progress.watched);
  assert.deepEqual(
    first.items.map(item => item.progress.updatedAtMs),
    [1004, 1003],
  );
  const rest = database.progress.list(one, { limit: 2, cursor: first.nextCursor }, ({ progress }) => !progress.watched);
  assert.deepEqual(
    rest.items.map(item => item.progress.updatedAtMs),
    [1001, 1000],
  );
  assert.equal(rest.nextCursor, null);
  assert.throws(() => database.progress.list(two, { limit: 2, cursor: first.nextCursor }, () => true), failsWith('INVALID_REQUEST'));
  await database.progress.removeUser(one);
  assert.equal(database.progress.list(one, { limit: 2, cursor: null }, () => true).items.length, 0);
  assert.equal(database.progress.list(two, { limit: 9, cursor: null }, () => true).items.length, 5);
});

test('progress: a removed one is gone from the list', async t => {
  const { database } = await openStore(t);
  const userId = newUserId();
  const { id } = aMedia('film');
  await database.progress.put(userId, id, { positionMs: 1, durationMs: 2, watched: false, updatedAtMs: 3 });
  await database.progress.remove(userId, id);
  await database.progress.remove(userId, id);
  assert.equal(database.progress.get(userId, id), undefined);
  assert.equal(database.progress.list(userId, { limit: 2, cursor: null }, () => true).items.length, 0);
});

test('sessions: a record comes back as it was put', async t => {
  const { database } = await openStore(t);
  const record: SessionRecord = {
    id: newSessionId(),
    userId: newUserId(),
    mediaId: aMedia('film').id,
    mediaVersion: 'v1',
    offer: { delivery: 'direct', reasons: [], targetMs: 2000, video: [], audio: [], subtitles: [], subtitleTrack: null },
    seekMode: 'keyframe',
    priority: 'interactive',
    profile: 'generic',
    startPositionMs: 0,
    splitIndex: null,
    createdAtMs: 1,
    expiresAtMs: 2,
  };
  await database.sessions.put(record);
  assert.deepEqual(database.sessions.list(), [record]);
  await database.sessions.remove(record.id);
  assert.equal(database.sessions.get(record.id), undefined);
});

test('segment index: a rendition is a range, in order, and a removed segment is not touched back to life', async t => {
  const { database } = await openStore(t);
  const copy = { kind: 'audio-copy', track: 0, streamIndex: 1, channels: 2, bandwidthBps: 1, codecs: 'mp4a.40.2' } as const;
  const [one, two] = [renditionKey('a', 2000, copy), renditionKey('b', 2000, copy)];
  for (const name of [10, 'init', 2, 0] as const)
    await database.segmentIndex.put({ rendition: one, name }, { byteLength: 7, lastUsedAtMs: 1 });
  await database.segmentIndex.put({ rendition: two, name: 0 }, { byteLength: 9, lastUsedAtMs: 1 });
  assert.deepEqual(
    [...database.segmentIndex.ofRendition(one)].map(segment => segment.name),
    [0, 2, 10, 'init'],
  );
  await database.segmentIndex.remove([{ rendition: one, name: 2 }]);
  await database.segmentIndex.touch([
    { rendition: one, name: 2, lastUsedAtMs: 40 },
    { rendition: one, name: 10, lastUsedAtMs: 50 },
  ]);
  assert.equal(database.segmentIndex.get({ rendition: one, name: 2 }), undefined);
  assert.equal(database.segmentIndex.get({ rendition: one, name: 10 })?.lastUsedAtMs, 50);
  assert.equal([...database.segmentIndex.all()].length, 4);
});
