// Sessions as they open and end: how many a user may have, what a store that can not write costs, and what an expired one says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { ColdFiles } from '#http/sources/cold-files.ts';
import { StreamCounts } from '#http/stream/stream-counts.ts';
import { streamRoutes } from '#http/stream/streams.ts';
import { workCapacity } from '#src/playback/admission/capacity.ts';
import { Extras } from '#src/playback/segments/extras.ts';
import { SegmentFinder } from '#src/playback/segments/finder.ts';
import { TransportStreams } from '#src/threads/transport-streams.ts';
import { startForTest } from '../../support/http-server.ts';
import { until } from '../../support/until.ts';
import { startSessions } from './world.ts';

const NEVER = new AbortController().signal;
const codeOf = (error: unknown): string => (error instanceof FerriteError ? error.code : String(error));

test('sessions: starts under way count, and one that fails leaves its room', async t => {
  // Room for one encode: the others wait for theirs, each a start under way.
  const { sessions, owner, request } = await startSessions(t, { maxSessionsPerUser: 5, capacity: 1 });
  const failed = await Promise.allSettled(
    Array.from({ length: 5 }, () => sessions.start(owner, request({ mediaId: 'no-such-film' as never }), NEVER)),
  );
  assert.deepEqual(new Set(failed.map(one => (one.status === 'rejected' ? codeOf(one.reason) : 'open'))), new Set(['MEDIA_NOT_FOUND']));
  const cancelled = await Promise.allSettled(Array.from({ length: 5 }, () => sessions.start(owner, request(), AbortSignal.abort())));
  assert.ok(cancelled.every(({ status }) => status === 'rejected'));

  const starts = Promise.allSettled(Array.from({ length: 30 }, () => sessions.start(owner, request(), NEVER)));
  sessions.setCapacity(workCapacity(1e12));
  const outcomes = await starts;
  const refused = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [codeOf(outcome.reason)] : []));
  assert.equal(sessions.list(() => true).length, 5);
  assert.deepEqual(new Set(refused), new Set(['TOO_MANY_SESSIONS']));
  assert.equal(refused.length, 25);

  const [open] = sessions.list(() => true);
  await sessions.end(open?.record.id ?? assert.fail(), 'stopped');
  await sessions.start(owner, request(), NEVER);
  await assert.rejects(sessions.start(owner, request(), NEVER), { code: 'TOO_MANY_SESSIONS' });
});

test("sessions: an account's own limit counts where it is lower than the server's, also for starts at once", async t => {
  const { sessions, owner, request } = await startSessions(t, { maxSessionsPerUser: 5 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 4 }, () => sessions.start({ ...owner, maxSessions: 2 }, request({ isAnsweredAtOnce: true }), NEVER)),
  );
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  await assert.rejects(sessions.start({ ...owner, maxSessions: 0 }, request(), NEVER), { code: 'TOO_MANY_SESSIONS' });
  await sessions.start({ ...owner, maxSessions: null }, request({ isAnsweredAtOnce: true }), NEVER);
  assert.equal(sessions.list(() => true).length, 3);
});

test('sessions: one whose turn never comes ends, also where the store can not write: nothing else does', async t => {
  const { sessions, database, owner, request, warnings } = await startSessions(t, { capacity: 1, timeoutMs: 1 });
  await sessions.start(owner, request(), NEVER);
  // As a full disk does it. Nobody awaits the end of a session whose turn does not come.
  database.sessions.remove = () => Promise.reject(new FerriteError('STORAGE_FAILED', 'the disk is full'));
  const { session } = await sessions.start(owner, request({ isAnsweredAtOnce: true }), NEVER);
  await until(() => sessions.find(session.record.id) === undefined, 'the session ends');
  await until(() => warnings.length > 0, 'it is logged');
  assert.equal(sessions.list(() => true).length, 1);
});

test('sessions: whoever comes to one that expired is told so, also who was waiting; of one that was stopped the token is refused', async t => {
  const { sessions, segments, hosts, auth, metrics, owner, request } = await startSessions(t);
  const routes = streamRoutes({
    tokens: auth.streamTokens,
    sessions,
    finder: new SegmentFinder({ segments, wanted: sessions.wanted, hosts, files: new ColdFiles() }),
    extras: new Extras(hosts),
    transportStreams: new TransportStreams(),
    metrics,
    counts: new StreamCounts(),
    previews: { want: async () => null },
    sharedCacheMs: 0,
    segmentMode: 'auto',
  });
  const door = await startForTest(t, { routes });
  const get = async (id: string, token: string, path: string) => {
    const response = await fetch(`${door.url}/stream/${id}/${token}/${path}`);
    return [response.status, response.status === 200 ? 'OK' : ((await response.json()) as { code: string }).code];
  };
  for (const [reason, status, code] of [
    ['expired', 410, 'SESSION_EXPIRED'],
    ['stopped', 401, 'TOKEN_REVOKED'],
  ] as const) {
    const { session, token } = await sessions.start(owner, request(), NEVER);
    const { id, offer } = session.record;
    assert.deepEqual(await get(id, token, 'main.m3u8'), [200, 'OK']);
    const before = hosts.asked.length;
    const waiting = get(id, token, `video/${offer.video[0]?.rungId}/9.m4s`);
    await until(() => hosts.asked.length > before, 'the segment is asked for');
    await sessions.end(id, reason);
    assert.deepEqual(await waiting, [status, code]);
    for (const path of ['main.m3u8', 'video/720p/0.m4s', 'audio/0/init.mp4', 'file.mp4'])
      assert.deepEqual(await get(id, token, path), [status, code]);
  }
});

test('sessions: subtitles that are still being read for a burn-in keep no encoder from others', async t => {
  const { sessions, database, hosts, owner, media, request } = await startSessions(t, { capacity: 1 });
  const stream = { index: 2, codec: 'subrip', language: 'en', title: null, isDefault: false, isForced: false, isHearingImpaired: false };
  await database.media.put({ ...media, streams: { ...media.streams, subtitles: [stream] } } as never);
  const leaving = new AbortController();
  for (const isAnsweredAtOnce of [false, true]) {
    const asked = hosts.asked.length;
    const burning = sessions.start(owner, request({ subtitleTrack: 0, burnSubtitles: true, isAnsweredAtOnce }), leaving.signal);
    burning.catch(() => undefined);
    await until(() => hosts.asked.slice(asked).includes('subtitles.source'), 'the subtitles are read');
  }
  const { queueWaitMs } = await sessions.start(owner, request(), NEVER);
  assert.equal(queueWaitMs, 0);
  leaving.abort();
  await until(() => sessions.list(() => true).length === 1, 'what was given up is closed');
});
