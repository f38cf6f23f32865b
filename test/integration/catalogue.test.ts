// A library as people have it, through a server as operators start it: versions, a show, descriptions and artwork beside the films, a database of films, and corrections that stay.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { until } from '../support/until.ts';

const DEADLINE_MS = 120_000;
// biome-ignore lint/suspicious/noExplicitAny: answers are taken apart by the assertions
type Json = any;

test('the catalogue of a library', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  const film = join(library, 'Heat (1995)');
  const season = join(library, 'Harbour Lights', 'Season 1');
  await mkdir(film, { recursive: true });
  await mkdir(season, { recursive: true });
  const made = (size: string) => ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=5:d=70`, '-f', 'lavfi', '-i', 'sine=d=70', '-ac', '2'];
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
  // The sharper one no browser takes as it is.
  await ffmpeg(...made('640x360'), '-c:v', 'mpeg4', '-c:a', 'aac', join(film, 'Heat (1995) - 360p.mkv'));
  await ffmpeg(...made('320x180'), ...h264, '-movflags', '+faststart', join(film, 'Heat (1995) - 180p.mp4'));
  await ffmpeg(...made('320x180'), ...h264, join(season, 'Harbour Lights S01E01.mp4'));
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=600x900', '-frames:v', '1', join(film, 'poster.jpg'));
  await writeFile(
    join(film, 'movie.nfo'),
    '<movie><title>Heat</title><plot>Cops and robbers.</plot><genre>Crime</genre><mpaa>R</mpaa></movie>',
  );
  await writeFile(join(season, 'Harbour Lights S01E01.nfo'), '<episodedetails><title>The Storm</title></episodedetails>');
  const asked: string[] = [];
  const database = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    asked.push(`${pathname} ${searchParams.get('query') ?? ''}`.trim());
    const show = { id: 5, name: 'Harbour Lights', first_air_date: '2014-01-01', overview: 'Boats.', genres: [{ name: 'Drama' }] };
    response.end(JSON.stringify(pathname === '/3/search/tv' ? { results: [show] } : show));
  });
  await new Promise<void>(resolve => database.listen(0, '127.0.0.1', resolve));
  t.after(() => database.close());
  const address = database.address();
  assert.ok(address !== null && typeof address === 'object');
  const server = await startServer(t, {
    library,
    env: { FERRITE_TMDB_KEY: 'secret', FERRITE_TMDB_URL: `http://127.0.0.1:${address.port}` },
  });
  const client = await Client.signIn(server.url);
  const get = (path: string) => client.call<Json>('GET', path);

  await t.test('a film in two files is one, described and pictured by what lies beside it', async () => {
    const one = async (): Promise<Json> => (await get('/api/v1/media?kind=movie')).items[0];
    await until(async () => (await one()).posterUrl?.startsWith('/api/v1/artwork/') === true, 'the poster beside the film', DEADLINE_MS);
    const item = await one();
    assert.deepEqual(
      [item.title, item.year, item.versions.length, item.genres[0].name, item.ageRating.age],
      ['Heat', 1995, 2, 'Crime', 17],
    );
    const picture = await client.fetch(item.posterUrl);
    const bytes = Buffer.from(await picture.arrayBuffer());
    assert.deepEqual([picture.status, picture.headers.get('content-type'), bytes.readUInt16BE(0)], [200, 'image/jpeg', 0xffd8]);
    assert.equal((await get('/api/v1/genres')).items.length > 0, true);
  });

  await t.test(
    'a session at the film plays the version that the client takes most directly, from where the viewer was in another',
    async () => {
      const { id, versions } = (await get('/api/v1/media?kind=movie')).items[0];
      const [sharp, small] = versions.map(({ mediaId }: Json) => mediaId);
      assert.equal(id, sharp);
      await client.call('PUT', `/api/v1/media/${sharp}/progress`, { positionMs: 40_000, durationMs: 70_000 });
      const started = (body: object) =>
        client.call<Json>('POST', '/api/v1/sessions', { client: { profile: 'web-chrome' }, seekMode: 'precise', ...body });
      const session = await started({ mediaId: id });
      assert.deepEqual([session.mediaId, session.delivery, session.startPositionMs], [small, 'direct', 40_000]);
      const exact = await started({ mediaId: id, exact: true, startPositionMs: 0 });
      assert.deepEqual([exact.mediaId, exact.delivery], [sharp, 'transcode']);
      for (const { sessionId } of [session, exact]) await client.call('DELETE', `/api/v1/sessions/${sessionId}`);
    },
  );

  await t.test('a show that nothing describes is asked for where the server has a key, and a film that is described is not', async () => {
    const one = async (): Promise<Json> => (await get('/api/v1/shows')).items[0];
    await until(async () => (await one())?.genres.length > 0, 'the show is described', DEADLINE_MS);
    const show = await get(`/api/v1/shows/${(await one()).id}`);
    assert.deepEqual([show.title, show.overview, show.seasons[0].episodes[0].title], ['Harbour Lights', 'Boats.', 'The Storm']);
    assert.deepEqual(asked, ['/3/search/tv Harbour Lights', '/3/tv/5']);
  });

  await t.test('a correction stays when the library is scanned again', async () => {
    const { id, libraryId } = (await get('/api/v1/media?kind=movie')).items[0];
    await client.call('PATCH', `/api/v1/media/${id}`, { title: 'Heat, corrected' });
    await client.call('POST', `/api/v1/libraries/${libraryId}/scan`);
    await until(async () => (await get(`/api/v1/libraries/${libraryId}/scan`)).state === 'done', 'the scan', DEADLINE_MS);
    const { items } = await get('/api/v1/media?kind=movie');
    assert.deepEqual([items.length, items[0].title, items[0].versions.length], [1, 'Heat, corrected', 2]);
  });
});
