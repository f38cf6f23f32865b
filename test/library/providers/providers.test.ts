// The databases of films, as their public documents describe them, played by a server on loopback: what is asked, what is made of the answers, and patience.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { ShowId } from '#domain/ids.ts';
import { PoliteClient } from '#library/providers/polite-client.ts';
import type { Sought } from '#library/providers/provider.ts';
import { ProviderQueue } from '#library/providers/provider-queue.ts';
import { providersOf } from '#library/providers/providers.ts';
import { Tmdb } from '#library/providers/tmdb.ts';
import { Tvdb } from '#library/providers/tvdb.ts';
import { aFilm, anEpisode } from '../items/support.ts';
import { makeWorld } from '../support.ts';

type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly json?: unknown; readonly text?: string };

/** `respond` is asked for each request, by its path and query. */
async function serve(t: TestContext, respond: (path: string, query: URLSearchParams, request: IncomingMessage) => Answer) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    asked.push(url.pathname);
    const { status = 200, headers = {}, json, text } = respond(url.pathname, url.searchParams, request);
    response.writeHead(status, headers).end(text ?? JSON.stringify(json ?? {}));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

const clientOf = (url: string): PoliteClient => new PoliteClient({ baseUrl: url, intervalMs: 0, firstWaitMs: 1, deadlineMs: 60_000 });
const NEVER = new AbortController().signal;
const sought = (changes: Partial<Sought> = {}): Sought => ({ kind: 'movie', title: 'Heat', year: 1995, ids: {}, ...changes });

const HEAT = {
  id: 949,
  imdb_id: 'tt0113277',
  title: 'Heat',
  original_title: 'Heat',
  overview: 'Obsessive master thief Neil McCauley…',
  tagline: 'A Los Angeles crime saga.',
  release_date: '1995-12-15',
  vote_average: 7.912,
  genres: [{ id: 80, name: 'Crime' }],
  production_companies: [{ id: 508, name: 'Regency' }],
  belongs_to_collection: { id: 1, name: 'Heat Collection' },
  credits: {
    cast: [
      { name: 'Robert De Niro', character: 'Neil McCauley', order: 1 },
      { name: 'Al Pacino', character: 'Lt. Vincent Hanna', order: 0 },
    ],
    crew: [
      { name: 'Michael Mann', job: 'Director' },
      { name: 'Somebody', job: 'Key Grip' },
    ],
  },
  release_dates: {
    results: [
      { iso_3166_1: 'DE', release_dates: [{ certification: '16' }] },
      { iso_3166_1: 'US', release_dates: [{ certification: 'R' }] },
    ],
  },
};

const tmdb = (path: string, query: URLSearchParams): Answer => {
  if (query.get('api_key') !== 'secret') return { status: 401, json: { status_code: 7 } };
  if (path === '/3/search/movie')
    return {
      json: {
        results: [
          { id: 1, title: 'Heat', release_date: '1986-11-14' },
          { id: 2, title: 'The Heat', release_date: '1995-01-01' },
          { id: 949, title: 'Heat', release_date: '1995-12-15' },
        ],
      },
    };
  if (path === '/3/find/tt0113277') return { json: { movie_results: [{ id: 949 }], tv_results: [] } };
  return path === '/3/movie/949' ? { json: HEAT } : { status: 404 };
};

test('tmdb: a film is found by its title and year, or by an id, and described', async t => {
  const { url, asked } = await serve(t, tmdb);
  const provider = new Tmdb(clientOf(url), 'secret', 'en-US');
  const found = await provider.find(sought(), NEVER);
  assert.deepEqual(asked, ['/3/search/movie', '/3/movie/949']);
  assert.deepEqual(
    [found?.title, found?.year, found?.rating, found?.ageRating, found?.collection, found?.studios, found?.ids],
    ['Heat', 1995, 7.9, { label: 'R', age: 17 }, 'Heat Collection', ['Regency'], { tmdb: '949', imdb: 'tt0113277' }],
  );
  assert.deepEqual(
    found?.people.map(({ name, job, role }) => `${name} ${job} ${role}`),
    ['Al Pacino actor Lt. Vincent Hanna', 'Robert De Niro actor Neil McCauley', 'Michael Mann director null'],
  );
  assert.equal((await provider.find(sought({ title: 'x', ids: { imdb: 'tt0113277' } }), NEVER))?.title, 'Heat');
  assert.equal((await provider.find(sought({ title: 'x', ids: { tmdb: '949' } }), NEVER))?.title, 'Heat');
  assert.equal(await provider.find(sought({ title: 'Hea', year: 1995 }), NEVER), null, 'none rather than a wrong one');
  assert.equal(await provider.find(sought({ year: 2001 }), NEVER), null);
  await assert.rejects(new Tmdb(clientOf(url), 'wrong', 'en-US').find(sought(), NEVER), { code: 'UNAUTHENTICATED' });
});

test('tvdb: a show is found and described, signed in once', async t => {
  const { url, asked } = await serve(t, (path, _, request) => {
    if (path === '/v4/login') return { json: { data: { token: 'token' } } };
    if (request.headers.authorization !== 'Bearer token') return { status: 401 };
    if (path === '/v4/search') return { json: { data: [{ tvdb_id: '79501', name: 'Heroes', year: '2006', aliases: [] }] } };
    if (path !== '/v4/series/79501/extended') return { status: 404 };
    const data = {
      id: 79501,
      name: 'Heroes',
      overview: 'Ordinary people…',
      year: '2006',
      firstAired: '2006-09-25',
      genres: [{ id: 1, name: 'Drama' }],
      originalNetwork: { name: 'NBC' },
      contentRatings: [{ country: 'usa', name: 'TV-14' }],
      remoteIds: [{ id: 'tt0813715', sourceName: 'IMDB' }],
      characters: [{ personName: 'Masi Oka', name: 'Hiro Nakamura', peopleType: 'Actor', sort: 1 }],
    };
    return { json: { data } };
  });
  const provider = new Tvdb(clientOf(url), 'secret');
  const found = await provider.find(sought({ kind: 'show', title: 'Heroes', year: null }), NEVER);
  assert.deepEqual(
    [found?.title, found?.year, found?.genres, found?.studios, found?.ageRating?.age, found?.ids, found?.people[0]?.role],
    ['Heroes', 2006, ['Drama'], ['NBC'], 14, { tvdb: '79501', imdb: 'tt0813715' }, 'Hiro Nakamura'],
  );
  await provider.find(sought({ kind: 'show', title: 'Heroes', year: 2006 }), NEVER);
  assert.equal(asked.filter(path => path === '/v4/login').length, 1);
});

test('providers: a busy server is asked again when it says so, a bad one is given up, and nothing waits without end', async t => {
  let [busy, total] = [2, 0];
  const { url } = await serve(t, path => {
    total++;
    if (path === '/busy') return busy-- > 0 ? { status: 429, headers: { 'Retry-After': '0' } } : { json: { ok: true } };
    if (path === '/long') return { status: 503, headers: { 'Retry-After': '86400' } };
    if (path === '/text') return { text: '<html>' };
    if (path === '/huge') return { text: ' '.repeat(5 * 1024 ** 2) };
    return { status: 500 };
  });
  assert.deepEqual(await clientOf(url).json({ path: '/busy' }, NEVER), { ok: true });
  assert.equal(total, 3);
  for (const path of ['/broken', '/text', '/huge'])
    await assert.rejects(clientOf(url).json({ path }, NEVER), { code: 'METADATA_UNAVAILABLE' }, path);
  await assert.rejects(clientOf(url).json({ path: '/long' }, NEVER), { code: 'METADATA_UNAVAILABLE', retryAfterMs: 86_400_000 });
  await assert.rejects(clientOf('http://127.0.0.1:1').json({ path: '/' }, NEVER), { code: 'METADATA_UNAVAILABLE' });
  const slow = new PoliteClient({ baseUrl: url, intervalMs: 3_600_000 });
  busy = 0;
  await slow.json({ path: '/busy' }, NEVER);
  const before = total;
  const left = new AbortController();
  const second = slow.json({ path: '/busy' }, left.signal);
  left.abort();
  await assert.rejects(second, { name: 'AbortError' });
  assert.equal(total, before, 'no faster than it likes');
});

test('providers: films and shows are asked for once, what a person says goes before, and without a key nobody is asked', async t => {
  const world = await makeWorld(t);
  const { media, descriptions, corrections } = world.database;
  const { url, asked } = await serve(t, (path, query) => (path.includes('/tv') ? { json: { results: [] } } : tmdb(path, query)));
  let nowMs = 1_000;
  const queueOf = (key: string): ProviderQueue => {
    const providers = key === '' ? [] : [new Tmdb(clientOf(url), key, 'en-US')];
    const queue = new ProviderQueue({
      providers,
      media,
      index: world.index,
      descriptions,
      corrections,
      whenRead: async () => undefined,
      now: () => nowMs,
      log: { warn: () => undefined },
    });
    t.after(() => queue.stop());
    return queue;
  };
  const put = async (film: ReturnType<typeof aFilm>): Promise<void> => {
    await media.put(film);
    world.index.put(film);
  };
  const heat = aFilm('heat', { title: 'Heat', year: 1995 });
  const lost = anEpisode('Lost', { season: 1, episodes: [1] });
  await put(heat);
  await put(lost);
  const silent = queueOf('');
  silent.add(heat.id);
  await silent.whenIdle();
  assert.deepEqual([asked, providersOf({ tmdb: { key: '', url }, tvdb: { key: '', url }, language: 'en' })], [[], []]);

  const queue = queueOf('secret');
  const ask = async (): Promise<number> => {
    const before = asked.length;
    queue.add(heat.id);
    queue.add(lost.id);
    await queue.whenIdle();
    return asked.length - before;
  };
  assert.equal(await ask(), 3);
  assert.deepEqual([world.index.facets.list('collection').size, descriptions.get(heat.id)?.provider?.name], [1, 'tmdb']);
  const showId = world.index.itemOf(lost.id)?.showId as ShowId;
  assert.equal(descriptions.get(showId)?.provider?.description, null);
  assert.equal(await ask(), 0, 'both are known, one as unknown');
  nowMs += 15 * 24 * 3_600_000;
  assert.equal(await ask(), 1, 'what nobody knew is asked for again');
  await corrections.putAll(new Map([[heat.id, { ids: { tmdb: '7' } }]]));
  assert.equal(await ask(), 1);
  assert.equal(descriptions.get(heat.id)?.provider?.description, null, 'there is no film of that id');
  await corrections.putAll(new Map([[heat.id, { ids: { tmdb: '949' } }]]));
  assert.equal(await ask(), 1, 'said otherwise, it is asked for again');
  assert.deepEqual([await ask(), world.index.itemOf(heat.id)?.title], [0, 'Heat']);

  const refused = queueOf('wrong');
  await descriptions.remove(heat.id);
  const before = asked.length;
  for (let time = 0; time < 2; time++) {
    refused.add(heat.id);
    await refused.whenIdle();
  }
  assert.equal(asked.length - before, 1, 'a key that is not taken is not tried again');
});
