// Libraries, titles, posters and progress through a real front door, over a real store and real films.
import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseLibraryId, parseMediaId } from '#domain/ids.ts';
import { within } from '../../library/support.ts';
import { aMedia } from '../../storage/support.ts';
import { makeFilm, temporaryFolder } from '../../support/run-tool.ts';
import { type Answer, type Json, put, serve } from './support.ts';

const cleanups: (() => Promise<void>)[] = [];
let film = '';
before(async () => {
  film = join(await temporaryFolder({ after: async clean => void cleanups.push(clean) }), 'film.mp4');
  await makeFilm(film);
});
after(async () => {
  for (const clean of cleanups) await clean();
});

test('libraries: an administrator adds one, it is scanned, and its titles appear without a path of the host', async t => {
  const { world, call } = await serve(t);
  const folder = join(world.root, 'more');
  await mkdir(folder);
  await copyFile(film, join(folder, 'Heat (1995).mp4'));
  await writeFile(join(folder, 'broken.mkv'), 'text');
  const added = await call('POST', '/api/v1/libraries', { as: 'admin', body: { name: 'More', kind: 'movies', paths: [folder] } });
  assert.equal(added.status, 201);
  assert.deepEqual([added.body.name, added.body.kind, added.body.paths, typeof added.body.scanId], ['More', 'movies', [folder], 'string']);
  await within(20_000, world.scanner.whenDone(parseLibraryId(added.body.id)));
  const scan = await call('GET', `/api/v1/libraries/${added.body.id}/scan`, { as: 'admin' });
  const { state, found, probed, failed, total, errors } = scan.body;
  assert.deepEqual([state, found, probed, failed, total, errors.length], ['done', 2, 1, 1, 2, 1]);
  const list = await call('GET', `/api/v1/media?libraryId=${added.body.id}`);
  assert.equal(list.status, 200);
  const [item] = list.body.items;
  assert.deepEqual(
    [item.title, item.year, item.durationMs, item.container, item.width, item.height, item.videoCodec, item.audioCodecs, item.progress],
    ['Heat', 1995, 3000, 'mp4', 128, 72, 'h264', ['aac'], null],
  );
  const details = await call('GET', `/api/v1/media/${item.id}`);
  assert.deepEqual(details.body.keyframes, { count: 3, longestGapMs: 1000, copyMethod: 'ffmpeg' });
  assert.equal(details.body.streams.video[0].codec, 'h264');
  for (const { text } of [list, details, scan]) assert.ok(!text.includes(world.root));
});

test('libraries: viewers see names but no folders, and may change nothing', async t => {
  const { world, call } = await serve(t);
  assert.deepEqual(
    (await call('GET', '/api/v1/libraries')).body.items.map((library: Json) => [library.name, library.paths]),
    [['Films', []]],
  );
  assert.deepEqual((await call('GET', '/api/v1/libraries', { as: 'admin' })).body.items[0].paths, [world.root]);
  const path = `/api/v1/libraries/${world.library.id}`;
  assert.equal((await call('GET', '/api/v1/libraries', { as: '' })).status, 401);
  const body = { name: 'Mine', kind: 'movies', paths: [world.root] };
  for (const [method, at] of [
    ['POST', '/api/v1/libraries'],
    ['DELETE', path],
    ['POST', `${path}/scan`],
    ['GET', `${path}/scan`],
  ] as const) {
    assert.equal((await call(method, at, method === 'POST' && at.endsWith('libraries') ? { body } : {})).status, 403, `${method} ${at}`);
  }
});

test('libraries: every bad folder is named by its place, never by its path', async t => {
  const { world, call } = await serve(t);
  await writeFile(join(world.root, 'file'), '');
  const paths = ['relative', join(world.root, 'missing'), join(world.root, 'file'), world.root];
  const refused = await call('POST', '/api/v1/libraries', { as: 'admin', body: { name: 'X', kind: 'movies', paths } });
  assert.equal(refused.status, 400);
  assert.deepEqual(
    refused.body.errors.map(({ path }: Json) => path),
    ['/paths/0', '/paths/1', '/paths/2'],
  );
  assert.ok(!refused.text.includes(world.root));
  const body = { name: 'twice', kind: 'movies', paths: [world.root] };
  const both = await Promise.all([1, 2].map(() => call('POST', '/api/v1/libraries', { as: 'admin', body })));
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409]);
});

test('libraries: removing one takes its titles along, and the rest stays', async t => {
  const { world, call } = await serve(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  await put(world, aMedia('Other'));
  assert.equal((await call('GET', '/api/v1/media')).body.items.length, 2);
  const path = `/api/v1/libraries/${world.library.id}`;
  assert.equal((await call('DELETE', path, { as: 'admin' })).status, 204);
  assert.deepEqual(
    (await call('GET', '/api/v1/media')).body.items.map(({ title }: Json) => title),
    ['Other'],
  );
  assert.equal((await call('DELETE', path, { as: 'admin' })).body.code, 'LIBRARY_NOT_FOUND');
  assert.equal((await call('POST', `${path}/scan`, { as: 'admin' })).status, 404);
});

test('scan: starting it again names the running one', async t => {
  const { world, call } = await serve(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  const path = `/api/v1/libraries/${world.library.id}/scan`;
  assert.equal((await call('GET', path, { as: 'admin' })).body.state, 'idle');
  const started = await Promise.all([1, 2].map(() => call('POST', path, { as: 'admin' })));
  assert.deepEqual(
    started.map(({ status }) => status),
    [202, 202],
  );
  assert.equal(started[0]?.body.scanId, started[1]?.body.scanId);
});

test('media: pages are bounded and follow one another, and a foreign cursor is refused', async t => {
  const { world, call } = await serve(t);
  for (let number = 1; number <= 7; number++)
    await put(world, aMedia(`Film ${number}`, { libraryId: world.library.id, addedAtMs: number }));
  const titles: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Answer = await call('GET', `/api/v1/media?limit=3&sort=-addedAt${cursor === '' ? '' : `&cursor=${cursor}`}`);
    assert.ok(page.body.items.length <= 3);
    titles.push(...page.body.items.map(({ title }: Json) => title));
    cursor = page.body.nextCursor;
  }
  assert.deepEqual(titles, ['Film 7', 'Film 6', 'Film 5', 'Film 4', 'Film 3', 'Film 2', 'Film 1']);
  const { nextCursor } = (await call('GET', '/api/v1/media?limit=3&sort=title')).body;
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=x',
    'sort=size',
    'kind=songs',
    'cursor=nonsense',
    `sort=year&cursor=${nextCursor}`,
    'libraryId=%2e%2e%2f',
  ]) {
    const { status, body } = await call('GET', `/api/v1/media?${query}`);
    assert.deepEqual([status, body.code], [400, 'INVALID_REQUEST'], query);
  }
});

test('media: a query ranks, and kind and library narrow it', async t => {
  const { world, call } = await serve(t);
  const titles = async (query: string) => (await call('GET', `/api/v1/media?${query}`)).body.items.map(({ title }: Json) => title);
  const libraryId = world.library.id;
  for (const title of ['With Élan', 'Elan', 'Unrelated', 'Relan']) await put(world, aMedia(title, { libraryId }));
  await put(world, aMedia('Elan elsewhere'));
  assert.deepEqual(await titles('query=%C3%A9lan'), ['Elan', 'Elan elsewhere', 'With Élan', 'Relan']);
  assert.deepEqual(await titles(`query=elan&libraryId=${libraryId}`), ['Elan', 'With Élan', 'Relan']);
  assert.deepEqual(await titles('query=elan&kind=movies&sort=-addedAt'), ['Elan', 'Relan', 'With Élan']);
  assert.deepEqual(await titles('kind=shows'), []);
});

test('media: what is not there, or is no id, is answered as such', async t => {
  const { call } = await serve(t);
  assert.equal((await call('GET', '/api/v1/media/abcdefghij')).body.code, 'MEDIA_NOT_FOUND');
  assert.equal((await call('GET', '/api/v1/media/..%2f..%2fetc')).body.code, 'INVALID_REQUEST');
});

test('poster: loads without a token at the address given, for ever, and at no other', async t => {
  const { world, call, url } = await serve(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await copyFile(film, join(world.root, 'b.mp4'));
  await world.scan();
  const [a, b] = (await call('GET', '/api/v1/media')).body.items;
  const response = await fetch(url + a.posterUrl, { signal: AbortSignal.timeout(5000) });
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.deepEqual([response.status, response.headers.get('content-type'), bytes.readUInt16BE(0)], [200, 'image/jpeg', 0xffd8]);
  assert.match(response.headers.get('cache-control') ?? '', /immutable/);
  const forged = [
    a.posterUrl.replace(/sig=.{4}/, 'sig=AAAA'),
    a.posterUrl.replace(a.id, b.id),
    a.posterUrl.replace(/v=.{4}/, 'v=0000'),
    a.posterUrl.replace(/sig=.*/, 'sig='),
    a.posterUrl.replace(a.id, 'abcdefghij'),
  ];
  for (const path of forged) assert.equal((await call('GET', path, { as: '' })).status, 404, path);
  const media = world.database.media.get(parseMediaId(a.id));
  assert.ok(media);
  await world.posters.remove(media);
  assert.equal((await call('GET', a.posterUrl, { as: '' })).status, 404);
});
