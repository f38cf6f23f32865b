// Who may encode on a real server: many viewers of one film need one grant, a burst is served in turns, and a pause gives the grant back.
import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { base, Client, type Problem, type Started } from '../support/client.ts';
import { ControlSocket } from '../support/control-socket.ts';
import { ffmpeg } from '../support/media.ts';
import { endWith, startServer, TestServer, temporaryFolder } from '../support/server.ts';
import { until } from '../support/until.ts';

type Queue = { readonly position: number; readonly depth: number; readonly estimatedWaitMs: number | null };
type SessionView = {
  readonly state: string;
  readonly encodes: readonly { readonly rendition: string }[];
  readonly queue: Queue | null;
  readonly streamUrl?: string;
};

const ENCODED = { delivery: 'transcode' };

/** Says nothing, and makes two copies of a file two films. */
const freeBox = (number: number): Buffer => {
  const box = Buffer.from('\0\0\0\x0cfree\0\0\0\0', 'latin1');
  box.writeUInt32BE(number, 8);
  return box;
};

/** A server with silent films so small that encoding costs next to nothing. */
async function start(t: TestContext, options: { films: number; seconds: number; env: Record<string, string>; dataDir?: string }) {
  const { films, seconds, env } = options;
  const dataDir = options.dataDir ?? (await temporaryFolder(t));
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const film = join(scratch, 'film.mp4');
  const source = `testsrc2=s=64x64:r=10:d=${seconds}`;
  await ffmpeg('-f', 'lavfi', '-i', source, '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '20', film);
  for (let at = 0; at < films; at++) {
    const path = join(library, `film-${at}.mp4`);
    await copyFile(film, path);
    await appendFile(path, freeBox(at));
  }
  const server = await startServer(t, { library, dataDir, env: { TMPDIR: scratch, ...env } });
  const admin = await Client.signIn(server.url);
  return { server, admin, library, media: await admin.media() };
}

async function user(server: TestServer, admin: Client, name: string): Promise<Client> {
  const credentials = { username: name, password: 'a password of some length' };
  await admin.call('POST', '/api/v1/users', { ...credentials, role: 'viewer' });
  return Client.signIn(server.url, credentials);
}

async function metric(client: Client, name: string): Promise<number> {
  const text = await client.metrics();
  return Number(new RegExp(`^${name}(?:{[^}]*})? (.+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

const view = (client: Client, { sessionId }: Pick<Started, 'sessionId'>): Promise<SessionView> =>
  client.call('GET', `/api/v1/sessions/${sessionId}`);

const pictureOf = ({ ladder }: Started): string => `video/${ladder[0]?.rung}`;

async function startQueued(
  client: Client,
  mediaId: string,
  options: object = {},
): Promise<{ status: number; applied: string; body: Started & SessionView }> {
  const response = await client.fetch('/api/v1/sessions', {
    method: 'POST',
    headers: { authorization: `Bearer ${client.accessToken}`, 'content-type': 'application/json', prefer: 'respond-async, wait=1' },
    body: JSON.stringify({ mediaId, ...ENCODED, ...options }),
  });
  const body = (await response.json()) as Started & SessionView;
  return { status: response.status, applied: response.headers.get('preference-applied') ?? '', body };
}

test('admission: viewers of one film share one grant', { timeout: 600_000 }, async t => {
  const env = { FERRITE_MAX_TRANSCODES: '1', FERRITE_ADMISSION_TIMEOUT_MS: '3000' };
  const { admin, media } = await start(t, { films: 2, seconds: 120, env });
  const mediaId = media[0]?.id ?? '';
  const viewers = await Promise.all(Array.from({ length: 20 }, () => admin.start(mediaId, ENCODED)));
  const segments = await Promise.all(viewers.map(viewer => admin.segment(viewer, pictureOf(viewer), 0)));
  for (const segment of segments) assert.ok(segment.equals(segments[0] ?? Buffer.alloc(0)));
  assert.equal(await metric(admin, 'transcode_granted'), 1);
  assert.equal(await metric(admin, 'encodes_total'), 1, 'one encode for all of them');
  const other = await admin.request('POST', '/api/v1/sessions', { mediaId: media[1]?.id, ...ENCODED });
  assert.equal(other.status, 503, 'and the machine is full for another film');
  assert.equal(await metric(admin, 'transcode_overloads_total'), 1);

  await t.test('the next one takes over when the viewer whose encode it was leaves', async () => {
    const views = await Promise.all(viewers.map(viewer => view(admin, viewer)));
    const owner = viewers.find((_, at) => (views[at]?.encodes.length ?? 0) > 0);
    assert.ok(owner);
    await admin.stop(owner.sessionId);
    const rest = viewers.filter(viewer => viewer !== owner);
    await Promise.all(rest.map(viewer => admin.segment(viewer, pictureOf(viewer), 30)));
    assert.equal(await metric(admin, 'transcode_granted'), 1);
  });
});

test('admission: a burst of 200 starts is served in turns, without an error', { timeout: 600_000 }, async t => {
  const users = 20;
  const each = 10;
  const perFilm = 4;
  const grants = 4;
  const films = (users * each) / perFilm + grants;
  const env = { FERRITE_MAX_TRANSCODES: String(grants), FERRITE_ADMISSION_TIMEOUT_MS: '500000' };
  const { server, admin, media } = await start(t, { films, seconds: 160, env });
  const clients: Client[] = [];
  for (let at = 0; at < users; at++) clients.push(await user(server, admin, `user-${at}`));
  const mediaOf = (at: number): string => media[at]?.id ?? '';
  const first = await Promise.all(Array.from({ length: grants }, (_, at) => admin.start(mediaOf(films - 1 - at), ENCODED)));
  const granted: number[] = [];
  const begin = async (number: number): Promise<void> => {
    // One user's ten before the next user's, and each where nobody is helped by what was encoded for another.
    const at = Math.floor(number / each);
    const client = clients[at] ?? admin;
    const session = await client.start(mediaOf(number % (films - grants)), {
      ...ENCODED,
      startPositionMs: 40_000 * Math.floor(number / (films - grants)),
    });
    granted.push(at);
    await client.stop(session.sessionId);
  };
  const all = Promise.all(Array.from({ length: users * each }, (_, number) => begin(number)));
  await until(async () => (await metric(admin, 'transcode_queue_depth')) === users * each, 'all of them wait', 300_000);
  for (const { sessionId } of first) await admin.stop(sessionId);
  await all;
  assert.equal(granted.length, users * each);
  const counts = new Map<number, number>();
  for (const at of granted) {
    counts.set(at, (counts.get(at) ?? 0) + 1);
    const each = Array.from({ length: users }, (_, other) => counts.get(other) ?? 0);
    // One for the turn that is not over; answers of one moment may pass each other on their way.
    assert.ok(Math.max(...each) - Math.min(...each) <= 2, `nobody gets ahead: ${each.join(' ')}`);
  }
  await until(async () => (await metric(admin, 'transcode_granted')) === 0, 'every grant is given back');
  assert.equal(await metric(admin, 'transcode_queue_depth'), 0);
});

test('admission: who does not wait for the answer follows its position in the queue', { timeout: 600_000 }, async t => {
  const env = { FERRITE_MAX_TRANSCODES: '1', FERRITE_ADMISSION_TIMEOUT_MS: '8000', FERRITE_MAX_SESSIONS_PER_USER: '3' };
  const { server, admin, media } = await start(t, { films: 3, seconds: 120, env });
  const [one = '', two = '', three = ''] = media.map(({ id }) => id);
  const free = await startQueued(admin, one);
  assert.deepEqual([free.status, free.applied, free.body.state], [201, '', 'ready'], 'where a grant is free there is nothing to wait for');
  const queued = await startQueued(admin, two);
  assert.deepEqual([queued.status, queued.applied, queued.body.state], [202, 'respond-async', 'queued']);
  assert.deepEqual(queued.body.queue, { position: 1, depth: 1, estimatedWaitMs: null });
  assert.equal(queued.body.streamUrl, undefined);
  const behind = await startQueued(admin, three);
  assert.equal(behind.body.queue?.position, 2);
  const control = await ControlSocket.open(server.url, behind.body);
  await control.message('its position', ({ type, position, depth }) => type === 'queue' && position === 2 && depth === 2);
  const { state, queue, streamUrl } = await view(admin, queued.body);
  assert.deepEqual([state, queue?.position, streamUrl], ['queued', 1, undefined]);
  const problem = await admin.problem('POST', '/api/v1/sessions', { mediaId: one, ...ENCODED });
  assert.deepEqual([problem.code, problem.status], ['TOO_MANY_SESSIONS', 429]);

  await admin.stop(free.body.sessionId);
  await until(async () => (await view(admin, queued.body)).streamUrl !== undefined, 'its turn comes');
  const arrived = await view(admin, queued.body);
  assert.deepEqual([arrived.state === 'queued', arrived.queue], [false, null]);
  const stream = { ...queued.body, streamUrl: arrived.streamUrl ?? '' };
  await admin.segment(stream, pictureOf(stream), 0);
  await control.message('that it is next', ({ type, position }) => type === 'queue' && position === 1);
  const error = await control.message('the end of its patience', ({ type }) => type === 'error');
  assert.deepEqual([error.code, error.reason, error.queueDepth], ['OVERLOADED', 'timeout', 0]);
  await control.assertClosed();
  assert.equal((await admin.problem('GET', `/api/v1/sessions/${behind.body.sessionId}`)).code, 'SESSION_NOT_FOUND');

  const third = await startQueued(admin, three);
  const watching = await ControlSocket.open(server.url, third.body);
  await admin.stop(queued.body.sessionId);
  const ready = await watching.message('its stream', message => message.type === 'state' && message.streamUrl !== undefined);
  await admin.segment({ ...third.body, streamUrl: String(ready.streamUrl) }, pictureOf(third.body), 0);
});

test('admission: a paused viewer gives its grant back and comes back without a stall', { timeout: 600_000 }, async t => {
  const env = { FERRITE_MAX_TRANSCODES: '1', FERRITE_ADMISSION_TIMEOUT_MS: '30000' };
  const { admin, media } = await start(t, { films: 2, seconds: 120, env });
  const [one = '', two = ''] = media.map(({ id }) => id);
  const paused = await admin.start(one, ENCODED);
  const picture = pictureOf(paused);
  for (let index = 0; index < 3; index++) await admin.segment(paused, picture, index);
  await admin.call('POST', `/api/v1/sessions/${paused.sessionId}/heartbeat`, { positionMs: 6_000, state: 'paused' });
  // Waits in the queue until the pause has lasted long enough.
  const other = await admin.start(two, ENCODED);
  assert.deepEqual((await view(admin, paused)).encodes, []);
  // It resumes while somebody else holds the only grant: all that a player has not buffered yet and that was encoded ahead is there at once.
  await until(async () => (await view(admin, other)).encodes.length > 0, 'the other one holds the grant');
  const before = await metric(admin, 'encodes_total');
  for (let index = 3; index < 15; index++) await admin.segment(paused, picture, index);
  // What is not there waits for the grant, and then starts an encode.
  assert.equal(await metric(admin, 'encodes_total'), before, 'no wait for what is there');
  await admin.stop(other.sessionId);
  for (let index = 15; index < 24; index++) await admin.segment(paused, picture, index);
  assert.equal(await metric(admin, 'encodes_total'), before + 1, 'one encode makes all that follows');
});

test('admission: sessions that a restart brought back ask for a grant like anyone else', { timeout: 600_000 }, async t => {
  const dataDir = await temporaryFolder(t);
  const env = { FERRITE_MAX_TRANSCODES: '1', FERRITE_ADMISSION_TIMEOUT_MS: '500' };
  const { server, admin, media, library } = await start(t, { films: 2, seconds: 120, env, dataDir });
  const [one = '', two = ''] = media.map(({ id }) => id);
  const restored = await admin.start(one, ENCODED);
  await server.stop();
  const second = new TestServer({ library, dataDir, env });
  endWith(t, second);
  await second.ready();
  const again = await Client.signIn(second.url);
  const busy = await again.start(two, ENCODED);
  const path = `${base(restored)}${pictureOf(restored)}/25.m4s`;
  const refused = await again.fetch(path);
  const problem = (await refused.json()) as Problem;
  assert.deepEqual([refused.status, problem.code], [503, 'OVERLOADED']);
  await again.stop(busy.sessionId);
  await again.bytes(path);
  assert.equal(await metric(again, 'transcode_granted'), 1);
});

test('of thirty starts of a user at once as many sessions are opened as it may have, and a start that failed leaves room', {
  timeout: 600_000,
}, async t => {
  const env = { FERRITE_MAX_TRANSCODES: '2', FERRITE_MAX_SESSIONS_PER_USER: '5' };
  const { server, admin, media } = await start(t, { films: 12, seconds: 20, env });
  const viewer = await user(server, admin, 'eager');
  const nowhere = Array.from({ length: 5 }, () => viewer.request('POST', '/api/v1/sessions', { mediaId: 'no-such-film', ...ENCODED }));
  for (const answer of nowhere) assert.equal((await answer).status, 404);
  const starts = Array.from({ length: 30 }, (_, at) =>
    viewer.request('POST', '/api/v1/sessions', { mediaId: media[at % media.length]?.id, ...ENCODED }),
  );
  const answers = await Promise.all(
    starts.map(async answer => ({ status: (await answer).status, ...((await (await answer).json()) as { code?: string }) })),
  );
  assert.deepEqual(
    answers.filter(({ status }) => status !== 201).map(({ code }) => code),
    Array.from({ length: 25 }, () => 'TOO_MANY_SESSIONS'),
  );
  const { items } = await viewer.call<{ items: readonly { readonly sessionId: string }[] }>('GET', '/api/v1/sessions');
  assert.equal(items.length, 5);
  await viewer.stop(items[0]?.sessionId ?? assert.fail());
  await viewer.start(media[0]?.id ?? assert.fail(), ENCODED);
});
