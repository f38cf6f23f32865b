// The interface as an app uses it: control connection, leases, whose sessions are seen by whom, the queue, and what operators read.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { base, Client, type Started } from '../support/client.ts';
import { ControlSocket } from '../support/control-socket.ts';
import { until } from '../support/processes.ts';
import { makeFilm } from '../support/run-tool.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { readSegment } from '../support/track-check.ts';

const VIEWER = { username: 'grace', password: 'nanoseconds of wire' };
/** That it takes a second at the most is held by revocation.test.ts. */
const REVOCATION_DEADLINE_MS = 30_000;
/** Long beside what any request takes on a busy machine. */
const QUEUE_MS = 3_000;
const TIMER_SLACK_MS = 10;

type SessionView = {
  readonly sessionId: string;
  readonly userId: string;
  readonly state: string;
  readonly positionMs: number;
  readonly rung: string | null;
};

test('the interface', { timeout: 600_000 }, async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await makeFilm(join(library, 'unmistakable-title.mp4'), { seconds: 30 });
  // Of a film as short as this nobody would go on in the middle.
  const server = await startServer(t, { library, env: { TMPDIR: scratch, FERRITE_RESUME_FROM_MS: '10000' } });
  const admin = await Client.signIn(server.url);
  await admin.call('POST', '/api/v1/users', { ...VIEWER, role: 'viewer' });
  const grace = await Client.signIn(server.url, VIEWER);
  const [film] = await admin.media();
  assert.ok(film);
  const progress = async (client: Client): Promise<number> =>
    (await client.call<{ positionMs: number }>('GET', `/api/v1/media/${film.id}/progress`)).positionMs;
  const codeAt = async (client: Client, path: string): Promise<string> => (await client.problem('GET', path)).code;

  await t.test('a control connection answers each message, under its id', async () => {
    const session = await grace.start(film.id, { delivery: 'transcode' });
    const control = await ControlSocket.open(server.url, session);
    const ladder = await control.message('the ladder, unasked', ({ type }) => type === 'ladder');
    assert.deepEqual(ladder.rungs, session.ladder);
    assert.deepEqual([ladder.maxRung, ladder.reason], [null, null], 'nothing keeps it from any of them');

    assert.deepEqual(await control.ask({ type: 'ping', id: 'p' }), { type: 'pong', id: 'p' });
    const beat = await control.ask({ type: 'heartbeat', id: 1, positionMs: 12_345, state: 'playing', playbackRate: 1 });
    assert.equal(beat.type, 'progress');
    assert.equal(beat.positionMs, 12_345);
    assert.ok(Number(beat.expiresAtMs) > Date.now());
    assert.equal(await progress(grace), 12_345, 'acknowledged means saved');
    const playing = await control.message('the state', ({ type, state }) => type === 'state' && state === 'playing');
    assert.ok(Array.isArray(playing.encodes));

    const seek = await control.ask({ type: 'seek', id: 2, positionMs: 20_000 });
    assert.equal(seek.type, 'segment');
    assert.ok(Number(seek.positionMs) <= 20_000, 'a keyframe seek lands at or before what was asked for');
    readSegment(await grace.segment(session, `video/${session.ladder[0]?.rung}`, Number(seek.segment)));
    assert.equal((await control.ask({ type: 'seek', id: 3, positionMs: 20_001, mode: 'precise' })).positionMs, 20_001);
    assert.equal(
      (await control.ask({ type: 'selectRung', id: 4, rung: session.ladder.at(-1)?.rung })).selected,
      session.ladder.at(-1)?.rung,
    );

    for (const [message, id] of [
      [{ type: 'seek', id: 'a' }, 'a'],
      [{ type: 'seek', id: 'b', positionMs: -1 }, 'b'],
      [{ type: 'heartbeat', id: 'c', positionMs: 1, state: 'asleep' }, 'c'],
      [{ type: 'fly', id: 'd' }, 'd'],
      [{ type: 'ping', id: 'e', extra: 1 }, 'e'],
    ] as const) {
      const answer = await control.ask({ ...message });
      assert.deepEqual({ type: answer.type, code: answer.code, id: answer.id }, { type: 'error', code: 'INVALID_REQUEST', id });
    }
    assert.equal((await control.ask({ type: 'selectRung', id: 'f', rung: '8k' })).code, 'SEGMENT_NOT_FOUND');
    for (const text of ['{"type":', '[]', 'null', '"ping"']) {
      const before = control.received.length;
      control.send(text);
      await until('an error', () =>
        control.received.slice(before).some(({ type, code }) => type === 'error' && code === 'INVALID_REQUEST'),
      );
    }
    assert.equal((await control.ask({ type: 'ping', id: 'still there' })).type, 'pong');

    control.send({ type: 'stop' });
    await control.assertClosed();
    assert.equal(await codeAt(grace, `/api/v1/sessions/${session.sessionId}`), 'SESSION_NOT_FOUND');
    assert.equal(await codeAt(grace, session.streamUrl), 'TOKEN_REVOKED');
  });

  await t.test('signing out everywhere ends stream URLs and control connections within a second', async () => {
    const elsewhere = await Client.signIn(server.url, VIEWER);
    const session = await elsewhere.start(film.id, { delivery: 'remux' });
    const mine = await admin.start(film.id, { delivery: 'remux' });
    const control = await ControlSocket.open(server.url, session);
    readSegment(await elsewhere.segment(session, 'video/original', 0));
    await grace.call('POST', '/api/v1/auth/logout', { everywhere: true });
    const addresses = [session.streamUrl, `${base(session)}video/original/0.m4s`, `${base(session)}audio/0/index.m3u8`];
    await until(
      'every address is refused',
      async () => (await Promise.all(addresses.map(address => elsewhere.fetch(address)))).every(({ status }) => status === 401),
      REVOCATION_DEADLINE_MS,
    );
    await control.message('revoked', ({ type }) => type === 'revoked');
    await control.assertClosed();
    assert.equal((await elsewhere.request('GET', '/api/v1/me')).status, 401);
    readSegment(await admin.segment(mine, 'video/original', 0));
    await admin.stop(mine.sessionId);
    grace.accessToken = (await Client.signIn(server.url, VIEWER)).accessToken;
  });

  await t.test('sessions of others are invisible; administrators see all', async () => {
    const [hers, his] = await Promise.all([grace.start(film.id, { delivery: 'remux' }), admin.start(film.id, { delivery: 'remux' })]);
    const idsOf = async (client: Client): Promise<string[]> =>
      (await client.call<{ items: SessionView[] }>('GET', '/api/v1/sessions')).items.map(({ sessionId }) => sessionId).sort();
    assert.deepEqual(await idsOf(grace), [hers.sessionId]);
    assert.deepEqual(await idsOf(admin), [hers.sessionId, his.sessionId].sort());
    assert.equal((await admin.call<SessionView>('GET', `/api/v1/sessions/${hers.sessionId}`)).sessionId, hers.sessionId);
    const path = `/api/v1/sessions/${his.sessionId}`;
    for (const [method, at, body] of [
      ['GET', path],
      ['POST', `${path}/heartbeat`, { positionMs: 1, state: 'playing' }],
      ['POST', `${path}/seek`, { positionMs: 1 }],
    ] as const) {
      const problem = await grace.problem(method, at, body);
      assert.deepEqual([problem.status, problem.code], [404, 'SESSION_NOT_FOUND'], `${method} ${at}`);
    }
    // The same answers as for one that never was.
    await grace.stop(his.sessionId);
    await grace.call('POST', `${path}/stop`);
    assert.deepEqual(await idsOf(admin), [hers.sessionId, his.sessionId].sort());
    await Promise.all([admin.stop(hers.sessionId), admin.stop(his.sessionId)]);
  });

  await t.test('stopping: by DELETE, by beacon, and again', async () => {
    const first = await grace.start(film.id, { delivery: 'remux' });
    await grace.stop(first.sessionId);
    await grace.stop(first.sessionId);
    const second = await grace.start(film.id, { delivery: 'remux' });
    const token = new URL(second.controlUrl, server.url).searchParams.get('token');
    const beacon = (): Promise<Response> =>
      grace.fetch(`/api/v1/sessions/${second.sessionId}/stop?token=${token}`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain;charset=UTF-8' },
        body: JSON.stringify({ positionMs: 23_456 }),
      });
    assert.equal((await beacon()).status, 204);
    assert.equal(await progress(grace), 23_456, 'where the page was when it went away');
    assert.equal((await beacon()).status, 204);
    assert.equal(await codeAt(grace, `/api/v1/sessions/${second.sessionId}`), 'SESSION_NOT_FOUND');
    const third = await grace.start(film.id, { delivery: 'remux', seekMode: 'precise' });
    assert.equal(third.startPositionMs, 23_456, 'the next session goes on there');
    const fourth = await grace.start(film.id, { delivery: 'remux' });
    assert.ok(fourth.startPositionMs > 13_000 && fourth.startPositionMs <= 23_456, 'or where a segment starts before it');
    await grace.stop(fourth.sessionId);
    const foreign = await grace.fetch(`/api/v1/sessions/${third.sessionId}/stop?token=${token}`, { method: 'POST' });
    assert.equal(foreign.status, 401);
    assert.equal((await grace.fetch(`/api/v1/sessions/${third.sessionId}/stop`, { method: 'POST' })).status, 401);
    await grace.stop(third.sessionId);
  });

  await t.test('a heartbeat renews the lease and saves the position of its own user alone', async () => {
    const adminBefore = await progress(admin);
    const session = await grace.start(film.id, { delivery: 'remux' });
    const at = `/api/v1/sessions/${session.sessionId}`;
    const { expiresAtMs } = await grace.call<{ expiresAtMs: number }>('POST', `${at}/heartbeat`, { positionMs: 3_000, state: 'paused' });
    const leaseMs = expiresAtMs - Date.now();
    assert.ok(leaseMs > 30_000 && leaseMs <= 60_000, `${leaseMs} ms`);
    assert.equal(await progress(grace), 3_000);
    assert.equal(await progress(admin), adminBefore);
    const paused = await until('paused', async () => {
      const view = await grace.call<SessionView>('GET', at);
      return view.state === 'paused' && view;
    });
    assert.equal(paused.positionMs, 3_000);
    await grace.stop(session.sessionId);
  });

  await t.test('what players measured is in the metrics, without a user or a title', async () => {
    const session = await grace.start(film.id, { delivery: 'transcode', priority: 'interactive' });
    readSegment(await grace.segment(session, `video/${session.ladder[0]?.rung}`, 0));
    await grace.bytes(session.streamUrl);
    const stats = { ttffMs: 321, seekLatencyMs: 45, rebufferCount: 2, rebufferMs: 1_500 };
    await grace.call('POST', `/api/v1/sessions/${session.sessionId}/heartbeat`, { positionMs: 1, state: 'playing', stats });
    await grace.call('POST', `/api/v1/sessions/${session.sessionId}/heartbeat`, { positionMs: 2, state: 'playing', stats });
    const text = await grace.metrics();
    const sum = (name: string): number =>
      text
        .split('\n')
        .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
        .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
    assert.equal(sum('playback_ttff_ms_sum'), 321);
    assert.equal(sum('playback_ttff_ms_count'), 1, 'told twice, counted once');
    assert.equal(sum('seek_latency_ms_sum'), 45);
    assert.equal(sum('rebuffer_count'), 2);
    assert.equal(sum('rebuffer_ms'), 1_500);
    for (const name of ['auth_hotpath_ms', 'transcode_queue_wait_ms', 'hls_segment_wait_ms']) assert.ok(sum(`${name}_count`) > 0, name);
    for (const secret of ['nmistakable', film.id, VIEWER.username, 'admin', session.sessionId, scratch])
      assert.ok(!text.includes(secret), `a label tells ${secret}`);
    await grace.stop(session.sessionId);
  });

  await t.test('/openapi.json is an OpenAPI 3.1 document', async () => {
    const document = await admin.call<OpenApi>('GET', '/openapi.json');
    assert.match(document.openapi, /^3\.1\.\d+$/);
    assert.ok(document.info.title && document.info.version);
    const operationIds = new Set<string>();
    for (const [path, operations] of Object.entries(document.paths)) {
      assert.match(path, /^\//);
      const wanted = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name).sort();
      for (const [method, operation] of Object.entries(operations)) {
        const at = `${method} ${path}`;
        assert.match(method, /^(get|put|post|delete|options|head|patch|trace)$/, at);
        assert.ok(!operationIds.has(operation.operationId), `${at}: its id is its own`);
        operationIds.add(operation.operationId);
        const parameters = operation.parameters ?? [];
        const named = parameters.filter(({ in: place }) => place === 'path').map(({ name }) => name);
        assert.deepEqual(named.sort(), wanted, `${at}: its path parameters are described`);
        for (const parameter of parameters)
          assert.ok(parameter.schema && (parameter.in !== 'path' || parameter.required), `${at} ${parameter.name}`);
        assert.ok(Object.keys(operation.responses).length > 0, at);
        for (const [status, response] of Object.entries(operation.responses)) {
          assert.match(status, /^([1-5]\d\d|default)$/, at);
          assert.ok(response.description, `${at} ${status}: a response needs a description`);
        }
      }
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, reference]) => reference ?? '');
    for (const reference of new Set(references)) {
      const target = reference.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
      assert.ok(target, `#/${reference} leads somewhere`);
    }
    for (const path of ['/api/v1/sessions', '/api/v1/media/{mediaId}', '/api/v1/auth/login', '/healthz'])
      assert.ok(document.paths[path], path);
  });
});

type OpenApi = {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly operationId: string;
        readonly parameters?: { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: object }[];
        readonly responses: Record<string, { readonly description: string }>;
      }
    >
  >;
};

test('the queue for transcoders', { timeout: 600_000 }, async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  // Long enough that no encode ends by itself meanwhile; one for each start, for what is encoded already, or being so, is no reason to wait.
  for (let film = 0; film < 10; film++) await makeFilm(join(library, `film-${film}.mp4`), { seconds: 60 });
  const env = { TMPDIR: scratch, FERRITE_MAX_TRANSCODES: '1', FERRITE_ADMISSION_TIMEOUT_MS: String(QUEUE_MS) };
  const server = await startServer(t, { library, env });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const film = films[0];
  assert.ok(film);
  let starts = 0;
  const nextStart = () => ({ mediaId: films[starts % films.length]?.id ?? '', startPositionMs: 2_000 * (starts++ % 20) });
  const transcode = (): Promise<Started & { queueWaitMs: number }> => {
    const { mediaId, ...start } = nextStart();
    return client.start(mediaId, { delivery: 'transcode', ...start }) as Promise<Started & { queueWaitMs: number }>;
  };

  const waits = (count: number): Promise<true> =>
    until(`${count} in the queue`, async () =>
      new RegExp(`^transcode_queue_depth ${count}$`, 'm').test((await client.bytes('/metrics')).toString()),
    );

  await t.test('a start that gets no grant in time is told when to come back', async () => {
    const first = await transcode();
    const startedMs = performance.now();
    const response = await client.request('POST', '/api/v1/sessions', { ...nextStart(), delivery: 'transcode' });
    const problem = (await response.json()) as Record<string, unknown>;
    assert.ok(performance.now() - startedMs >= QUEUE_MS - TIMER_SLACK_MS, 'only after the time of the queue');
    assert.equal(response.status, 503);
    assert.equal(problem.code, 'OVERLOADED');
    assert.ok(Number(response.headers.get('retry-after')) >= 1);
    assert.ok(Number(problem.retryAfterMs) > 0);
    assert.equal(problem.queueDepth, 0, 'nobody else waits');
    assert.ok(Number(problem.queueWaitMs) >= QUEUE_MS - TIMER_SLACK_MS);
    const others = await Promise.all([client.start(film.id, { delivery: 'remux' }), client.start(film.id, { delivery: 'direct' })]);
    for (const { sessionId } of [first, ...others]) await client.stop(sessionId);
  });

  await t.test('a grant that becomes free goes to the start that waits', async () => {
    const first = await transcode();
    const waiting = transcode();
    await waits(1);
    await client.stop(first.sessionId);
    const second = await waiting;
    readSegment(await client.segment(second, `video/${second.ladder[0]?.rung}`, 0));
    await client.stop(second.sessionId);
    const third = await transcode();
    assert.ok(third.queueWaitMs < 400, 'and is free again after that');
    await client.stop(third.sessionId);
  });

  await t.test('a client that goes away while it waits takes no grant', async () => {
    const first = await transcode();
    const gone = new AbortController();
    const waiting = client.fetch('/api/v1/sessions', {
      method: 'POST',
      signal: gone.signal,
      headers: { authorization: `Bearer ${client.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...nextStart(), delivery: 'transcode' }),
    });
    await waits(1);
    gone.abort();
    await assert.rejects(waiting);
    await waits(0);
    await client.stop(first.sessionId);
    const next = await transcode();
    await client.stop(next.sessionId);
    assert.deepEqual((await client.call<{ items: SessionView[] }>('GET', '/api/v1/sessions')).items, []);
  });
});
