// The search with its thread and its file: fed from a catalogue that changes, and mended whatever becomes of them.
import assert from 'node:assert/strict';
import { copyFile, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NO_DESCRIPTION } from '#domain/catalogue/description.ts';
import { parseMediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { openIndexFile } from '#library/search/index-file.ts';
import { LibrarySearch, type LibrarySearchOptions } from '#library/search/library-search.ts';
import { temporaryFolder } from '../../support/run-tool.ts';
import { until } from '../../support/until.ts';
import { anIndex as aCatalogue, aFilm, anEpisode } from '../items/support.ts';
import { EVERYTHING } from './support.ts';

const DEADLINE_MS = 60_000;
const films = (count: number): Media[] => Array.from({ length: count }, (_, at) => aFilm(`winter-${at}`, { title: `Winter ${at}` }));

type World = ReturnType<typeof aCatalogue> & { readonly path: string };

async function aWorld(t: TestContext, titles: readonly Media[]): Promise<World> {
  return { ...aCatalogue(titles), path: join(await temporaryFolder(t), 'search.sqlite') };
}

function start(t: TestContext, { index, path }: World, options: Partial<LibrarySearchOptions> = {}) {
  const rebuilds: string[] = [];
  const by: string[] = [];
  const search = new LibrarySearch({
    path,
    index,
    tagsOf: () => undefined,
    log: { info: () => undefined, warn: () => undefined },
    onRebuild: reason => rebuilds.push(reason),
    onQuery: way => by.push(way),
    ...options,
  });
  t.after(() => search.close());
  const find = async (text: string): Promise<string[] | null> => {
    const page = await search.findIds({ ...EVERYTHING, text, after: null, limit: 50 });
    return page?.ids.map(({ kind, id }) => `${kind} ${id.replace(/-file$/, '')}`) ?? null;
  };
  return { search, find, rebuilds, by, ready: () => until(() => search.state === 'ready', 'the index is complete', DEADLINE_MS) };
}

test('library search: titles, people and collections are fed, and follow every change of the catalogue', async t => {
  const world = await aWorld(t, [aFilm('jaws', { title: 'Jaws' })]);
  const { search, find, ready, by } = start(t, world);
  assert.equal(await find('jaws'), null, 'before it is complete there is no answer');
  await ready();
  assert.deepEqual(await find('jaws'), ['movie jaws']);
  assert.deepEqual(by, ['walk', 'index']);

  const dune = aFilm('dune', { title: 'Dune' });
  world.descriptions.set(dune.id, {
    ...NO_DESCRIPTION,
    people: [{ name: 'Zendaya', job: 'actor', role: null }],
    collection: 'Dune Collection',
    overview: 'Sand and spice.',
  });
  world.index.put(dune);
  world.index.put(anEpisode('Lost', { season: 1, episodes: [2], title: 'Tabula Rasa' }, { id: parseMediaId('lost2-file') }));
  await search.settled();
  assert.deepEqual(
    (await find('dune'))?.map(hit => hit.split(' ')[0]),
    ['movie', 'collection'],
  );
  assert.deepEqual(
    (await find('zendaya'))?.map(hit => hit.split(' ')[0]),
    ['person', 'movie'],
  );
  assert.deepEqual(await find('spice'), ['movie dune']);
  assert.deepEqual(
    (await find('lost'))?.map(hit => hit.split(' ')[0]),
    ['show', 'episode'],
  );
  assert.deepEqual(await find('tabula'), ['episode lost2']);
  assert.deepEqual(await find('lost s01e02'), ['episode lost2']);

  world.correct(dune, { title: 'Arrakis' });
  world.index.remove(parseMediaId('jaws-file'));
  world.index.remove(parseMediaId('lost2-file'));
  await search.settled();
  assert.deepEqual(await find('arrakis'), ['movie dune']);
  for (const gone of ['jaws', 'lost', 'tabula']) assert.deepEqual(await find(gone), [], gone);
  world.descriptions.delete(dune.id);
  world.index.put(dune);
  await search.settled();
  assert.deepEqual(await find('zendaya'), []);
});

test('library search: after a start the index answers at once; what changed meanwhile is fed, and nothing else is written', async t => {
  const world = await aWorld(t, films(300));
  const first = start(t, world);
  await first.ready();
  const before = await first.search.status();
  assert.equal(before?.documents, 300);
  await first.search.close();

  const again = start(t, world);
  await again.search.settled();
  assert.deepEqual([again.search.state, again.rebuilds], ['ready', []]);
  assert.equal((await again.search.status())?.generation, before?.generation, 'written without a change');
  await again.search.close();

  world.index.remove(parseMediaId('winter-7-file'));
  world.index.put(aFilm('summer', { title: 'Summer' }));
  const last = start(t, world);
  await last.search.settled();
  assert.deepEqual(await last.find('summer'), ['movie summer']);
  assert.deepEqual(await last.find('winter 7').then(found => found?.includes('movie winter-7')), false);
});

test('library search: a file that is damaged, of another format, cut off or no database is made anew', async t => {
  const world = await aWorld(t, films(200));
  const first = start(t, world);
  await first.ready();
  await first.search.close();
  const whole = `${world.path}.whole`;
  await copyFile(world.path, whole);
  const { size } = await stat(whole);
  const damages: Record<string, () => Promise<void>> = {
    'no database': () => writeFile(world.path, 'not a database at all'),
    empty: () => writeFile(world.path, ''),
    'cut off': async () => writeFile(world.path, (await readFile(whole)).subarray(0, Math.floor(size / 2))),
    overwritten: async () => {
      await copyFile(whole, world.path);
      const file = await open(world.path, 'r+');
      for (let at = 8_192; at < size; at += 4_096) await file.write(Buffer.alloc(2_000, 0xa5), 0, 2_000, at);
      await file.close();
    },
    'another format': async () => {
      await copyFile(whole, world.path);
      const { database } = openIndexFile(world.path);
      database.exec('PRAGMA user_version = 99');
      database.close();
    },
    'a table is missing': async () => {
      await copyFile(whole, world.path);
      const { database } = openIndexFile(world.path);
      database.exec('DROP TABLE texts');
      database.close();
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    await damage();
    const mended = start(t, world);
    await mended.ready();
    await mended.search.settled();
    assert.equal(mended.rebuilds.length > 0, true, name);
    assert.deepEqual(await mended.find('winter 199'), ['movie winter-199'], name);
    await mended.search.close();
  }
});

test('library search: damage that shows while it is used ends in a new index, and the catalogue answers meanwhile', async t => {
  const world = await aWorld(t, films(400));
  const { search, find, ready, rebuilds } = start(t, world);
  await ready();
  await search.settled();
  // Under its feet, as another program would: what is read next is nonsense.
  const { database } = openIndexFile(world.path);
  database.exec("UPDATE names_data SET block = x'a5a5a5a5a5a5a5a5' WHERE id > 10");
  database.close();
  let asked = 0;
  const shown = async (): Promise<boolean> => {
    await find(`winter ${++asked}`);
    world.index.put(aFilm(`more-${asked}`, { title: 'More' }));
    return rebuilds.includes('lost');
  };
  await until(shown, 'the damage shows', DEADLINE_MS);
  await ready();
  await search.settled();
  assert.deepEqual(await find('winter 399'), ['movie winter-399']);
});

test('library search: a server that ends while the index is built leaves what it has, and the rest is fed after the start', async t => {
  const world = await aWorld(t, films(2_000));
  const first = start(t, world);
  await until(async () => ((await first.search.status())?.documents ?? 0) > 200, 'some are fed', DEADLINE_MS);
  await first.search.close();
  const again = start(t, world);
  await until(async () => (await again.search.status()) !== null, 'the index is open', DEADLINE_MS);
  assert.deepEqual(again.rebuilds, [], 'made anew');
  await again.ready();
  assert.equal((await again.search.status())?.documents, 2_000);
  assert.deepEqual(await again.find('winter 1999'), ['movie winter-1999']);
});

test('library search: where no file can be made the catalogue answers, and the server goes on', async t => {
  const world = await aWorld(t, films(3));
  const { search, find } = start(t, { ...world, path: join(world.path, 'in', 'no', 'folder.sqlite') });
  await until(() => search.state === 'unavailable', 'there is no index', DEADLINE_MS);
  assert.equal(await find('winter'), null);
});
