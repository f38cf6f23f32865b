// When episodes are listened to and compared: once a version, with their neighbours, and again where those have changed. Real store and index; what is heard is made up.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { newLibraryId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { CatalogueIndex } from '#library/items/catalogue-index.ts';
import { MarkerQueue } from '#library/markers/marker-queue.ts';
import { neighboursOf, Seasons } from '#library/markers/seasons.ts';
import { aMedia, openStore } from '../../storage/support.ts';

const libraryId = newLibraryId();

function anEpisode(number: number, file = `${number}`, changes: Partial<Media> = {}): Media {
  const episode = { season: 1, episodes: [number], absolute: [], airDate: null, title: null };
  const audio = {
    index: 1,
    codec: 'aac',
    language: null,
    title: null,
    isDefault: true,
    codecString: null,
    channels: 2,
    sampleRate: 48_000,
    bitrateBps: 1,
  };
  const streams = { video: [], audio: [audio], subtitles: [] };
  const media = aMedia(`e${file}`, { libraryId, streams, durationMs: 1_200_000, ...changes });
  return { ...media, title: 'Show', episode };
}

/** A queue whose listening fails as told, and what it has done so far. */
async function makeQueue(t: TestContext, films: readonly Media[], failure: (path: string) => FerriteError | null = () => null) {
  const { database } = await openStore(t);
  for (const film of films) await database.media.put(film);
  const index = new CatalogueIndex({ media: database.media, corrections: database.corrections, descriptions: { get: () => undefined } });
  const heard: string[] = [];
  const compared: number[] = [];
  const queue = new MarkerQueue({
    ...{ media: database.media, keyframes: database.keyframeMaps, records: database.markers, seasons: new Seasons(index) },
    listen: async ({ path, windows }) => {
      heard.push(path.slice(path.lastIndexOf('/') + 1, -4));
      const error = failure(path);
      if (error !== null) throw error;
      return { heard: windows.map(() => 'AAAAAA=='), cpuSeconds: 1 };
    },
    compare: async ({ others }) => {
      compared.push(others.length);
      return { markers: [{ kind: 'intro', startMs: 1, endMs: 2, source: 'fingerprint', confidence: 0.5 }] };
    },
    log: { info: () => undefined, warn: () => undefined },
  });
  t.after(() => queue.stop());
  const come = async (film: Media): Promise<void> => {
    await database.media.put(film);
    index.put(film);
    queue.add(film.id);
    await queue.whenIdle();
  };
  const take = () => ({ heard: heard.splice(0).sort(), compared: compared.splice(0) });
  return { queue, database, come, take };
}

test('marker queue: a season is listened to once, and compared when the last of it was heard; a new episode costs one listening', async t => {
  const { queue, database, come, take } = await makeQueue(t, [anEpisode(1), anEpisode(2), anEpisode(3)]);
  queue.resume();
  await queue.whenIdle();
  assert.deepEqual(take(), { heard: ['e1', 'e2', 'e3'], compared: [2, 2, 2] });
  assert.equal(database.markers.get(anEpisode(2).id)?.markers[0]?.kind, 'intro');
  queue.resume();
  await queue.whenIdle();
  assert.deepEqual(take(), { heard: [], compared: [] }, 'nothing is left');
  await come(anEpisode(4));
  assert.deepEqual(take(), { heard: ['e4'], compared: [3, 3, 3, 3] });
  await come(anEpisode(2, '2', { version: 'v2' }));
  assert.deepEqual(take(), { heard: ['e2'], compared: [3, 3, 3, 3] }, 'a file that was replaced is another sound to all');
  assert.equal(database.markers.get(anEpisode(2).id)?.version, 'v2');
});

test('marker queue: one episode alone is left in peace, and so are films, and versions of one episode', async t => {
  const { queue, take, come } = await makeQueue(t, [anEpisode(1), anEpisode(1, '1b'), aMedia('film', { libraryId })]);
  queue.resume();
  await queue.whenIdle();
  assert.deepEqual(take(), { heard: [], compared: [] });
  await come(anEpisode(2));
  assert.deepEqual(take(), { heard: ['e1', 'e1b', 'e2'], compared: [1, 1, 1] }, 'no version is compared with another of the same');
});

test('marker queue: what can not be heard is not tried again; what could not be for now holds up no season, and is tried after a restart', async t => {
  let error: FerriteError | null = new FerriteError('MEDIA_UNREADABLE', 'noise');
  const { queue, take } = await makeQueue(t, [anEpisode(1), anEpisode(2), anEpisode(3)], path => (path.includes('e3') ? error : null));
  queue.resume();
  await queue.whenIdle();
  assert.deepEqual(take(), { heard: ['e1', 'e2', 'e3'], compared: [1, 1] });
  queue.resume();
  await queue.whenIdle();
  assert.deepEqual(take(), { heard: [], compared: [] });

  error = new FerriteError('INSPECTION_DEFERRED', 'busy');
  const busy = await makeQueue(t, [anEpisode(1), anEpisode(2), anEpisode(3)], path => (path.includes('e3') ? error : null));
  busy.queue.resume();
  await busy.queue.whenIdle();
  assert.deepEqual(busy.take(), { heard: ['e1', 'e2', 'e3', 'e3'], compared: [1, 1] });
});

test('marker queue: what is in the catalogue no longer is forgotten at the next start', async t => {
  const { queue, database } = await makeQueue(t, [anEpisode(1), anEpisode(2)]);
  queue.resume();
  await queue.whenIdle();
  const { id } = anEpisode(2);
  await database.media.remove(id);
  await database.markers.prune(one => database.media.get(one) !== undefined);
  assert.deepEqual([database.markers.get(id), database.markers.sound(id), database.markers.windows(id)], [undefined, undefined, undefined]);
  assert.ok(database.markers.get(anEpisode(1).id));
});

test('seasons: an episode is compared with the nearest on both sides', () => {
  const season = ['a', 'b', 'c', 'd', 'd2', 'e', 'f', 'g'].map(id => ({ id, item: id.slice(0, 1) }) as never as { id: never; item: never });
  const names = (at: number, most: number) => neighboursOf(season, at, most).map(({ id }) => id);
  assert.deepEqual(names(3, 3), ['c', 'b', 'e'], 'no other version of itself');
  assert.deepEqual(names(0, 3), ['b', 'c', 'd']);
  assert.deepEqual(names(7, 20), ['f', 'e', 'd2', 'c', 'b', 'a']);
});
