// When the rung above the watched one is made: a table of what a player asks for, on a clock of the test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VideoRendition } from '#domain/rendition.ts';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import { type Climber, RungAbove, rungAbove } from '#src/playback/segments/rung-above.ts';
import { anOffer, aRecord, aRung } from '../../support/titles.ts';

const SEGMENT_MS = 2_000;
const GRID = {
  timescale: 1_000,
  boundaries: Array.from({ length: 101 }, (_, index) => index * SEGMENT_MS),
} as unknown as TrackLayout['grid'];

const trackOf = (rendition: VideoRendition, grid = GRID): TrackLayout =>
  ({ rendition, grid, key: rendition.rungId, segmentCount: 100, isEncoded: rendition.kind === 'video-encode' }) as unknown as TrackLayout;

const LOW = trackOf(aRung('240p', { bandwidthBps: 500_000 }));
const MIDDLE = trackOf(aRung('480p', { bandwidthBps: 1_500_000 }));
const HIGH = trackOf(aRung('720p', { bandwidthBps: 3_000_000 }));
const layoutOf = (...tracks: TrackLayout[]): SessionLayout =>
  ({ tracks: new Map(tracks.map(track => [String(track.key), track])) }) as unknown as SessionLayout;

/** Everything of the watched rung is kept; nothing of the others is, but for what was made ahead. */
function start({ hasRoom = true, layout = layoutOf(HIGH, LOW, MIDDLE) } = {}) {
  const made: string[] = [];
  const ended: string[] = [];
  const kept = new Set<string>();
  const shorts: (() => void)[] = [];
  let nowMs = 0;
  const viewer: Climber = { record: aRecord(anOffer([aRung()])), layout };
  const above = new RungAbove({
    prefetchAhead: (_, { layout: track, name }) => {
      if (!hasRoom) return false;
      made.push(`${track.key} ${name}`);
      kept.add(`${track.key} ${name}`);
      return true;
    },
    endAhead: ({ id }) => ended.push(id),
    isKept: ({ layout: track, name }) => kept.has(`${track.key} ${name}`),
    whenShort: listener => shorts.push(listener),
  });
  return {
    viewer,
    made,
    ended,
    kept,
    short: () => {
      for (const tell of shorts) tell();
    },
    /** From one segment up to before another, each so long after the one before. */
    asks: (track: TrackLayout, from: number, until: number, { everyMs = SEGMENT_MS, isReady = true } = {}) => {
      for (let index = from; index < until; index++) {
        nowMs += everyMs;
        if (isReady) for (const next of [index, index + 1, index + 2]) kept.add(`${track.key} ${next}`);
        above.follow(viewer, track, index, nowMs);
      }
    },
  };
}

test('rung above: it is made ahead of a viewer who plays along, segment by segment', () => {
  const { asks, made } = start();
  asks(LOW, 0, 3);
  assert.deepEqual(made, [], 'the player has just come to this rung');
  asks(LOW, 3, 6);
  assert.deepEqual(made, ['480p 4', '480p 5', '480p 6']);
});

test('rung above: nothing is made for a player that fills its buffer, nor where the watched rung is not ahead itself', () => {
  const hurried = start();
  hurried.asks(LOW, 0, 20, { everyMs: SEGMENT_MS / 2 - 1 });
  assert.deepEqual(hurried.made, []);
  const behind = start();
  behind.asks(LOW, 0, 20, { isReady: false });
  assert.deepEqual(behind.made, []);
});

test('rung above: a jump, a change of rung and a stretch without room each wait for a few segments of calm, or for room', () => {
  const { asks, made } = start();
  asks(LOW, 0, 4);
  asks(LOW, 50, 53);
  asks(MIDDLE, 53, 56);
  assert.deepEqual(made, ['480p 4']);
  asks(MIDDLE, 56, 57);
  assert.deepEqual(made, ['480p 4', '720p 57']);
  const full = start({ hasRoom: false });
  full.asks(LOW, 0, 20);
  assert.deepEqual(full.made, []);
});

test('rung above: it is given up for a viewer who does not go up, until the rung changes', () => {
  const { asks, made } = start();
  asks(LOW, 0, 80);
  assert.equal(made.length, 30);
  asks(MIDDLE, 80, 84);
  assert.equal(made.length, 31);
});

test('rung above: what is kept already is not made again, and the top rung has none above', () => {
  const { asks, made, kept } = start();
  for (let index = 0; index < 100; index++) kept.add(`480p ${index}`);
  asks(LOW, 0, 10);
  asks(HIGH, 10, 20);
  assert.deepEqual(made, []);
});

test('rung above: when a session has to wait for capacity, every viewer’s is given back, once', () => {
  const { asks, viewer, ended, short } = start();
  short();
  asks(LOW, 0, 5);
  short();
  short();
  assert.deepEqual(ended, [viewer.record.id]);
});

test('rung above: the next in the same codec on the same grid; a copy costs nothing and is not made', () => {
  const copy = trackOf({ ...aRung('original'), kind: 'video-copy', bandwidthBps: 1_000_000 } as unknown as VideoRendition);
  const hevc = trackOf(aRung('480p-hevc', { bandwidthBps: 900_000, codecs: 'hvc1.1.6.L90.B0' }));
  const other = trackOf(aRung('480p', { bandwidthBps: 1_500_000 }), { ...GRID });
  for (const [tracks, expected] of [
    [[HIGH, MIDDLE, LOW], MIDDLE],
    [[LOW, HIGH], HIGH],
    [[LOW], null],
    [[copy, LOW, MIDDLE], null],
    [[hevc, LOW, HIGH], HIGH],
    [[other, LOW], null],
  ] as const)
    assert.equal(rungAbove(layoutOf(...tracks), LOW), expected);
});
