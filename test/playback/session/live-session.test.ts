// How long a session is kept without a sign of life.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaId, SessionId, UserId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { StreamLayout } from '#src/playback/offer/layout.ts';
import { HEARTBEAT_INTERVAL_MS, LEASE_MS, LiveSession } from '#src/playback/session/live-session.ts';
import { aMap } from '../../support/titles.ts';

const STARTED_AT_MS = 1_000_000;

function start(): LiveSession {
  const record: SessionRecord = {
    id: 'session' as SessionId,
    userId: 'user' as UserId,
    mediaId: 'media' as MediaId,
    mediaVersion: 'v1',
    offer: { delivery: 'direct', reasons: [], targetMs: 2_000, video: [], audio: [], subtitles: [], subtitleTrack: null },
    profile: 'generic',
    seekMode: 'keyframe',
    priority: 'interactive',
    startPositionMs: 5_000,
    splitIndex: null,
    createdAtMs: STARTED_AT_MS,
    expiresAtMs: STARTED_AT_MS + LEASE_MS,
  };
  // Neither is looked at here.
  return new LiveSession(record, {
    media: {} as Media,
    keyframes: aMap([0], 60),
    layout: {} as StreamLayout,
    tokenExpiresAtMs: 86_400_000,
    monotonicMs: STARTED_AT_MS,
  });
}

test('a player that sends heartbeats is given up when three of them are missing', () => {
  const session = start();
  session.heard({ positionMs: 7_000, state: 'playing' }, STARTED_AT_MS + 10_000);
  assert.equal(session.leaseEndsAtMs, STARTED_AT_MS + 10_000 + LEASE_MS);
  assert.ok(LEASE_MS > 3 * HEARTBEAT_INTERVAL_MS);
  assert.deepEqual({ positionMs: session.positionMs, state: session.state }, { positionMs: 7_000, state: 'playing' });
});

test('any request renews the lease, and none shortens it', () => {
  const session = start();
  session.heard({ positionMs: 0, state: 'paused' }, STARTED_AT_MS);
  session.seen(STARTED_AT_MS + 20_000);
  assert.equal(session.leaseEndsAtMs, STARTED_AT_MS + 20_000 + LEASE_MS);
});

test('a session that nobody asks anything of is given up like one that falls silent', () => {
  assert.equal(start().leaseEndsAtMs, STARTED_AT_MS + LEASE_MS);
});

test('a plain player that never sends a heartbeat is given much longer: it asks for nothing while it is paused', () => {
  const session = start();
  session.seen(STARTED_AT_MS + 60_000);
  assert.ok(session.leaseEndsAtMs - STARTED_AT_MS >= 60_000 + 10 * LEASE_MS);
});

test('a time of day that jumps ends no lease, and is what the end of the lease is told in', t => {
  const session = start();
  const atMs = performance.now();
  session.seen(atMs);
  const jumpedMs = Date.now() + 600_000;
  t.mock.method(Date, 'now', () => jumpedMs);
  const leftMs = session.leaseEndsAtMs - performance.now();
  assert.ok(leftMs > 10 * LEASE_MS - 60_000);
  assert.ok(Math.abs(session.expiresAtMs - (jumpedMs + leftMs)) < 1_000);
});
