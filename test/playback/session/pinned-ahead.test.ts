import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSessionId } from '#domain/ids.ts';
import { renditionKey } from '#domain/rendition.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import type { LiveSession } from '#src/playback/session/live-session.ts';
import { PinnedAhead } from '#src/playback/session/pinned-ahead.ts';
import type { PinnedRange } from '#storage/segments/pins.ts';
import { aJob, aRung } from '../../support/titles.ts';

const KEY = renditionKey('v1', 2_000, aRung());

/** A track of 100 segments of 2 s. */
const video: TrackLayout = {
  track: { kind: 'video', rungId: '720p' },
  rendition: aRung(),
  key: KEY,
  grid: { timescale: 1_000, boundaries: Array.from({ length: 101 }, (_, index) => index * 2_000) },
  work: 1,
  segmentCount: 100,
  isLocated: false,
  isEncoded: true,
  rung: '720p',
};

function world(delivery = 'transcode') {
  const pins: (readonly PinnedRange[])[] = [];
  const pinnedAhead = new PinnedAhead({ pin: (_id, ranges) => pins.push(ranges) });
  // As much of a session as is looked at.
  const session = {
    record: { id: newSessionId(), offer: { delivery } },
    positionMs: 0,
    video: null,
    audio: null,
    lastSent: { video: null, audio: null },
  } as unknown as LiveSession;
  return { pins, pinnedAhead, session };
}

test('pinned ahead: what lies within 20 s of the viewer, and of what its player asked for last', () => {
  const { pins, pinnedAhead, session } = world();
  session.video = video;
  session.positionMs = 41_000;
  pinnedAhead.follow(session);
  session.lastSent.video = 34;
  pinnedAhead.follow(session);
  const atPosition = { key: KEY, from: 20, to: 31 };
  assert.deepEqual(pins, [[atPosition], [atPosition, { key: KEY, from: 35, to: 46 }]]);
});

test('pinned ahead: nothing is done while a session stays where it is, nor for one that reads the file itself', () => {
  const { pins, pinnedAhead, session } = world();
  session.video = video;
  for (let looks = 0; looks < 3; looks++) pinnedAhead.follow(session);
  assert.equal(pins.length, 1);
  const direct = world('direct');
  direct.session.video = video;
  direct.pinnedAhead.follow(direct.session);
  assert.deepEqual(direct.pins, []);
});

test('pinned ahead: it ends with the film, and with the session', () => {
  const { pins, pinnedAhead, session } = world();
  session.video = video;
  session.positionMs = 195_000;
  session.lastSent.video = 99;
  pinnedAhead.follow(session);
  pinnedAhead.drop(session);
  assert.deepEqual(pins, [[{ key: KEY, from: 97, to: 100 }], []]);
});

test('pinned ahead: a stretch of very short segments pins a bounded number', () => {
  const { pins, pinnedAhead, session } = world();
  const { grid } = aJob(0, 9);
  session.video = { ...video, grid: { ...grid, boundaries: Array.from({ length: 1_000 }, (_, index) => index) }, segmentCount: 999 };
  pinnedAhead.follow(session);
  assert.deepEqual(pins, [[{ key: KEY, from: 0, to: 32 }]]);
});
