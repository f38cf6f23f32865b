// When a player is told to stay below a rung: what it asks for and how long it waits, on a clock of the test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import { type LadderLimit, LadderLimits, type LimitedViewer } from '#src/playback/segments/ladder-limits.ts';
import { aRung } from '../../support/titles.ts';

const SEGMENT_MS = 2_000;
const CALM_MS = 30_000;
const GRID = { timescale: 1_000, boundaries: Array.from({ length: 101 }, (_, index) => index * SEGMENT_MS) };

const trackOf = (rungId: string, bandwidthBps: number): TrackLayout =>
  ({ rendition: aRung(rungId, { bandwidthBps }), grid: GRID, key: rungId, segmentCount: 100, isEncoded: true }) as unknown as TrackLayout;
const [LOW, MIDDLE, HIGH] = [trackOf('240p', 500_000), trackOf('480p', 1_500_000), trackOf('720p', 3_000_000)];

function start() {
  const told: string[] = [];
  let limit: LadderLimit = null;
  let nowMs = 0;
  let index = -1;
  const viewer: LimitedViewer = {
    layout: { tracks: new Map([HIGH, LOW, MIDDLE].map(track => [String(track.key), track])) } as unknown as SessionLayout,
    get ladderLimit() {
      return limit;
    },
    limitLadder: now => {
      limit = now;
      told.push(now === null ? 'none' : `${now.rung} ${now.reason}`);
    },
  };
  const limits = new LadderLimits();
  return {
    limits,
    told,
    full: () => limits.full(nowMs),
    /** So many segments, each after so long a wait, and then played. */
    plays: (track: TrackLayout, count: number, waitMs: number) => {
      for (const _ of Array(count).keys()) {
        index++;
        limits.asked(viewer, track, index, nowMs);
        limits.waited(viewer, track, { index, waitMs, nowMs: nowMs + waitMs });
        nowMs += Math.max(waitMs, SEGMENT_MS);
      }
    },
    seeks: () => {
      index += 20;
    },
  };
}

test('ladder limits: two segments in a row that took as long as they play limit the ladder to the rung below', () => {
  const { plays, told } = start();
  plays(HIGH, 1, SEGMENT_MS);
  plays(HIGH, 1, 100);
  plays(HIGH, 1, SEGMENT_MS);
  assert.deepEqual(told, []);
  plays(HIGH, 1, SEGMENT_MS + 1);
  assert.deepEqual(told, ['480p encode-behind']);
  plays(MIDDLE, 2, SEGMENT_MS * 3);
  plays(LOW, 4, SEGMENT_MS * 3);
  assert.deepEqual(told, ['480p encode-behind', '240p encode-behind'], 'there is none below the lowest');
});

test('ladder limits: the start of an encode, after a seek or on another rung, is no sign', () => {
  const { plays, seeks, told } = start();
  for (const track of [HIGH, MIDDLE, HIGH, LOW]) {
    plays(track, 1, SEGMENT_MS * 2);
    seeks();
    plays(track, 1, SEGMENT_MS * 2);
  }
  assert.deepEqual(told, []);
});

test('ladder limits: half a minute of calm lifts it, a rung at a time', () => {
  const { plays, told } = start();
  plays(MIDDLE, 2, SEGMENT_MS);
  assert.deepEqual(told, ['240p encode-behind']);
  plays(LOW, CALM_MS / SEGMENT_MS - 2, 100);
  assert.equal(told.length, 1);
  plays(LOW, 3, 100);
  assert.deepEqual(told.slice(1), ['480p encode-behind']);
  plays(LOW, CALM_MS / SEGMENT_MS + 1, 100);
  assert.deepEqual(told.slice(2), ['none']);
});

test('ladder limits: while sessions wait for capacity nobody is to go above what they watch', () => {
  const { plays, full, told } = start();
  plays(MIDDLE, 3, 100);
  full();
  plays(MIDDLE, 1, 100);
  assert.deepEqual(told, ['480p machine-full']);
  for (const _ of Array(4).keys()) {
    full();
    plays(LOW, 8, 100);
  }
  assert.equal(told.length, 1, 'as long as they wait');
  plays(LOW, CALM_MS / SEGMENT_MS, 100);
  assert.deepEqual(told.slice(1), ['none']);
});
