// Who may call what: every route of the server, asked by everybody. A route that stands in no row fails, and so does a row without a route.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Client, type Started } from '../support/client.ts';
import { ffmpeg, SAMPLE_480P } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

/** Statuses for: nobody signed in, a viewer, another viewer who has no library, one whose account was disabled, an administrator. */
type Statuses = readonly [anonymous: number, viewer: number, other: number, disabled: number, admin: number];

/** What the requests are about: all of it is the viewer's. */
type World = {
  readonly filmId: string;
  readonly started: Started;
  readonly libraryId: string;
  readonly userId: string;
  readonly groupId: string;
};

type Row = {
  readonly statuses: Statuses;
  /** Path parameters and query; absent: the path as it is. */
  readonly at?: (world: World) => string;
  readonly body?: (world: World) => unknown;
};

const everybody = (status: number): Statuses => [status, status, status, status, status];
const users = (status: number, other = status): Statuses => [401, status, other, 401, status];
const admins = (status: number): Statuses => [401, 403, 403, 401, status];
/** The other viewer is told that there is no such thing. */
const hidden = (status: number): Statuses => users(status, 404);

const NOBODY = 'no-such-id-1';
const film = (rest: string) => (world: World) => `/api/v1/media/${world.filmId}${rest}`;
const session = (rest: string) => (world: World) => `/api/v1/sessions/${world.started.sessionId}${rest}`;
const stream = (name: string) => (world: World) => `${world.started.streamUrl.replace(/[^/]+$/, '')}${name}`;

/** Nothing here changes what another row asks for: what would is asked with a body or an id that is refused once the caller may ask at all. */
const TABLE: Readonly<Record<string, Row>> = {
  'GET /healthz': { statuses: everybody(200) },
  'GET /readyz': { statuses: everybody(200) },
  'GET /metrics': { statuses: everybody(200) },
  'GET /openapi.json': { statuses: everybody(200) },
  'GET /.well-known/jwks.json': { statuses: everybody(200) },
  'GET /': { statuses: everybody(200) },

  'GET /api/v1/setup': { statuses: everybody(200) },
  'POST /api/v1/setup': { statuses: everybody(409), body: () => ({ username: 'second', password: 'a long enough password' }) },
  'POST /api/v1/auth/login': { statuses: everybody(401), body: () => ({ username: 'nobody', password: 'nothing' }) },
  'POST /api/v1/auth/refresh': { statuses: everybody(401), body: () => ({ refreshToken: 'none' }) },
  'POST /api/v1/auth/logout': { statuses: users(400), body: () => ({ everywhere: 'perhaps' }) },
  'GET /api/v1/me': { statuses: users(200) },
  'POST /api/v1/me/password': { statuses: users(400), body: () => ({ currentPassword: 'x' }) },
  'PUT /api/v1/me/password': { statuses: users(400), body: () => ({ currentPassword: 'x' }) },

  // The server is called by an address here, by which there are no passkeys: who may ask at all is told so.
  'POST /api/v1/auth/passkeys/register/options': { statuses: users(400) },
  'POST /api/v1/auth/passkeys/register/verify': { statuses: users(400), body: () => ({}) },
  'POST /api/v1/auth/passkeys/login/options': { statuses: everybody(400) },
  'POST /api/v1/auth/passkeys/login/verify': { statuses: everybody(400), body: () => ({}) },
  'GET /api/v1/me/passkeys': { statuses: users(200) },
  'DELETE /api/v1/me/passkeys/:passkeyId': { statuses: users(404), at: () => `/api/v1/me/passkeys/${NOBODY}` },

  'GET /api/v1/auth/providers': { statuses: everybody(200) },
  'GET /api/v1/auth/oidc/:provider/start': { statuses: everybody(404), at: () => '/api/v1/auth/oidc/none/start' },
  'GET /api/v1/auth/oidc/:provider/callback': { statuses: everybody(404), at: () => '/api/v1/auth/oidc/none/callback?state=x' },
  'POST /api/v1/auth/oidc/exchange': { statuses: everybody(403), body: () => ({ code: 'none' }) },

  'GET /api/v1/users': { statuses: admins(200) },
  'POST /api/v1/users': { statuses: admins(400), body: () => ({ username: 'no name' }) },
  'GET /api/v1/users/:userId': { statuses: admins(200), at: ({ userId }) => `/api/v1/users/${userId}` },
  'PATCH /api/v1/users/:userId': { statuses: admins(200), at: ({ userId }) => `/api/v1/users/${userId}`, body: () => ({}) },
  'DELETE /api/v1/users/:userId': { statuses: admins(404), at: () => `/api/v1/users/${NOBODY}` },
  'GET /api/v1/groups': { statuses: admins(200) },
  'POST /api/v1/groups': { statuses: admins(400), body: () => ({}) },
  'GET /api/v1/groups/:groupId': { statuses: admins(200), at: ({ groupId }) => `/api/v1/groups/${groupId}` },
  'PATCH /api/v1/groups/:groupId': { statuses: admins(200), at: ({ groupId }) => `/api/v1/groups/${groupId}`, body: () => ({}) },
  'DELETE /api/v1/groups/:groupId': { statuses: admins(404), at: () => `/api/v1/groups/${NOBODY}` },
  'GET /api/v1/audit': { statuses: admins(200) },

  'GET /api/v1/libraries': { statuses: users(200) },
  'POST /api/v1/libraries': { statuses: admins(400), body: () => ({}) },
  'DELETE /api/v1/libraries/:libraryId': { statuses: admins(404), at: () => `/api/v1/libraries/${NOBODY}` },
  'POST /api/v1/libraries/:libraryId/scan': { statuses: admins(404), at: () => `/api/v1/libraries/${NOBODY}/scan` },
  'GET /api/v1/libraries/:libraryId/scan': { statuses: admins(200), at: ({ libraryId }) => `/api/v1/libraries/${libraryId}/scan` },
  'DELETE /api/v1/libraries/:libraryId/scan': { statuses: admins(404), at: () => `/api/v1/libraries/${NOBODY}/scan` },
  'GET /api/v1/folders': { statuses: admins(200) },

  'GET /api/v1/media': { statuses: users(200) },
  'GET /api/v1/media/:mediaId': { statuses: hidden(200), at: film('') },
  'PATCH /api/v1/media/:mediaId': { statuses: admins(200), at: film(''), body: () => ({}) },
  'POST /api/v1/media/:mediaId/merge': { statuses: admins(400), at: film('/merge'), body: () => ({}) },
  'POST /api/v1/media/:mediaId/split': { statuses: admins(409), at: film('/split'), body: () => ({}) },
  'GET /api/v1/media/:mediaId/decision': { statuses: hidden(200), at: film('/decision') },
  'GET /api/v1/media/:mediaId/segments': { statuses: hidden(200), at: film('/segments') },
  'GET /api/v1/media/:mediaId/poster': { statuses: everybody(404), at: film('/poster?v=x&sig=x') },
  'GET /api/v1/artwork/:version': { statuses: everybody(404), at: () => '/api/v1/artwork/0123456789abcdef?sig=x' },
  'GET /api/v1/media/:mediaId/progress': { statuses: hidden(200), at: film('/progress') },
  'PUT /api/v1/media/:mediaId/progress': { statuses: hidden(200), at: film('/progress'), body: () => ({ positionMs: 1 }) },
  'DELETE /api/v1/media/:mediaId/progress': { statuses: users(204), at: film('/progress') },
  'GET /api/v1/me/progress': { statuses: users(200) },
  // One's own, whatever one may watch now.
  'DELETE /api/v1/me/continue/:mediaId': { statuses: users(204), at: ({ filmId }) => `/api/v1/me/continue/${filmId}` },
  'GET /api/v1/me/up-next': { statuses: users(200) },
  'GET /api/v1/me/history': { statuses: users(200) },
  'DELETE /api/v1/me/history': { statuses: users(204) },
  'GET /api/v1/me/export': { statuses: users(200) },
  'POST /api/v1/me/import': { statuses: users(400), body: () => ({ is: 'no export' }) },
  'GET /api/v1/shows': { statuses: users(200) },
  'GET /api/v1/search': { statuses: users(200), at: () => '/api/v1/search?query=winter' },
  'GET /api/v1/shows/:showId': { statuses: users(404), at: () => `/api/v1/shows/${NOBODY}` },
  'PUT /api/v1/shows/:showId/watched': {
    statuses: users(404),
    at: () => `/api/v1/shows/${NOBODY}/watched`,
    body: () => ({ watched: true }),
  },
  'PUT /api/v1/shows/:showId/seasons/:season/watched': {
    statuses: users(404),
    at: () => `/api/v1/shows/${NOBODY}/seasons/1/watched`,
    body: () => ({ watched: true }),
  },
  'PATCH /api/v1/shows/:showId': { statuses: admins(404), at: () => `/api/v1/shows/${NOBODY}`, body: () => ({}) },
  ...Object.fromEntries(
    ['collections', 'genres', 'people'].flatMap(kind => [
      [`GET /api/v1/${kind}`, { statuses: users(200) }],
      [`GET /api/v1/${kind}/:id`, { statuses: users(404), at: () => `/api/v1/${kind}/${NOBODY}` }],
    ]),
  ),

  'POST /api/v1/sessions': {
    statuses: hidden(422),
    body: ({ filmId }) => ({ mediaId: filmId, client: { capabilities: { hls: 'none', containers: [] } } }),
  },
  'GET /api/v1/sessions': { statuses: users(200) },
  'GET /api/v1/sessions/:sessionId': { statuses: hidden(200), at: session('') },
  'POST /api/v1/sessions/:sessionId/heartbeat': {
    statuses: hidden(200),
    at: session('/heartbeat'),
    body: () => ({ positionMs: 0, state: 'playing' }),
  },
  'POST /api/v1/sessions/:sessionId/seek': { statuses: hidden(200), at: session('/seek'), body: () => ({ positionMs: 0 }) },
  // Stopping what is not there, or not theirs, is no error, and stops nothing: the rows below still find the session.
  'DELETE /api/v1/sessions/:sessionId': { statuses: users(204), at: () => '/api/v1/sessions/00000000-0000-4000-8000-000000000000' },
  'POST /api/v1/sessions/:sessionId/stop': {
    statuses: [401, 204, 204, 401, 204],
    at: () => '/api/v1/sessions/00000000-0000-4000-8000-000000000000/stop',
  },

  // The token in the path is the right to it, whoever sends it.
  'GET /stream/:sessionId/:token/*': { statuses: everybody(200), at: stream('main.m3u8') },
};

type Described = { readonly paths: Record<string, Record<string, unknown>> };

const routesOf = ({ paths }: Described): string[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path.replace(/\{rest\}/, '*').replace(/\{([^}]+)\}/g, ':$1')}`),
  );

/** The page's modules and addresses: files for everybody. */
const isPage = (route: string): boolean => /^GET \/(?!api\/|stream\/)./.test(route) && !(route in TABLE);

async function makeWorld(t: TestContext) {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await ffmpeg('-t', '4', '-i', SAMPLE_480P, '-c', 'copy', join(library, 'Film (2008).mp4'));
  const { url } = await startServer(t, { library, dataDir: join(scratch, 'data') });
  const admin = await Client.signIn(url);
  const [media] = await admin.media();
  const [own] = (await admin.call<{ items: { id: string }[] }>('GET', '/api/v1/libraries')).items;
  assert.ok(media && own);
  const make = async (username: string, more: object = {}) => {
    const password = 'a long enough password';
    const { id } = await admin.call<{ id: string }>('POST', '/api/v1/users', { username, password, ...more });
    return { id, client: await Client.signIn(url, { username, password }) };
  };
  const [viewer, other, disabled] = await Promise.all([make('viewer'), make('other', { limits: { libraryIds: [] } }), make('disabled')]);
  const started = await viewer.client.start(media.id, { delivery: 'remux' });
  await admin.call('PATCH', `/api/v1/users/${disabled.id}`, { enabled: false });
  const group = await admin.call<{ id: string }>('POST', '/api/v1/groups', { name: 'Group' });
  const world: World = { filmId: media.id, started, libraryId: own.id, userId: viewer.id, groupId: group.id };
  return { world, callers: [new Client(url), viewer.client, other.client, disabled.client, admin] as const };
}

test('routes: each answers each kind of caller as its row says, and none is without a row', async t => {
  const { world, callers } = await makeWorld(t);
  const [anonymous] = callers;
  const routes = routesOf(await anonymous.call<Described>('GET', '/openapi.json'));
  assert.ok(routes.length > 50, `only ${routes.length} routes are described`);
  assert.deepEqual(routes.filter(route => !(route in TABLE) && !isPage(route)).sort(), [], 'routes without a row');
  assert.deepEqual(
    Object.keys(TABLE).filter(route => !routes.includes(route)),
    [],
    'rows without a route',
  );
  const wrong: string[] = [];
  for (const [route, { statuses, at, body }] of Object.entries(TABLE)) {
    const [method = '', path = ''] = route.split(' ');
    for (const [caller, client] of callers.entries()) {
      const response = await client.request(method, at?.(world) ?? path, body?.(world));
      const text = await response.text();
      if (response.status === statuses[caller]) continue;
      wrong.push(
        `${route} as ${['anonymous', 'viewer', 'other', 'disabled', 'admin'][caller]}: ${response.status}, not ${statuses[caller]}: ${text.slice(0, 160)}`,
      );
    }
  }
  assert.deepEqual(wrong, []);
  const pages = await Promise.all(
    routes
      .filter(isPage)
      .filter(route => !route.endsWith('*'))
      .map(route => anonymous.request('GET', route.split(' ')[1] ?? '')),
  );
  assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]), 'parts of the page are for everybody');
});
