// When a film counts as watched, where a viewer goes on, and which of two positions is the later one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBegun, isLater, isWatchedAt, MAX_CLOCK_SKEW_MS, resumeMs, timeOf, USUAL_RULES } from '#domain/catalogue/progress-rules.ts';

const HOUR = 3_600_000;
const at = (positionMs: number, watched = isWatchedAt(USUAL_RULES, positionMs, HOUR)) => ({
  positionMs,
  durationMs: HOUR,
  watched,
  updatedAtMs: 1,
});

test('progress: a film is watched from 90 % on, and gone on with between 30 s and 95 %', () => {
  for (const [positionMs, isWatched, fromMs, isListed] of [
    [0, false, 0, false],
    [29_999, false, 0, false],
    [30_000, false, 30_000, true],
    [HOUR / 2, false, HOUR / 2, true],
    [HOUR * 0.9 - 1, false, HOUR * 0.9 - 1, true],
    [HOUR * 0.9, true, HOUR * 0.9, false],
    [HOUR * 0.95, true, HOUR * 0.95, false],
    [HOUR * 0.95 + 1, true, 0, false],
    [HOUR, true, 0, false],
  ] as const) {
    const progress = at(positionMs);
    assert.deepEqual(
      [progress.watched, resumeMs(USUAL_RULES, progress), isBegun(USUAL_RULES, progress)],
      [isWatched, fromMs, isListed],
      `${positionMs}`,
    );
  }
});

test('progress: what a person has marked as watched begins anew, what they have marked as not watched goes on', () => {
  assert.equal(resumeMs(USUAL_RULES, at(HOUR / 2, true)), 0);
  assert.equal(isBegun(USUAL_RULES, at(HOUR / 2, true)), false);
  assert.equal(resumeMs(USUAL_RULES, at(HOUR * 0.92, false)), HOUR * 0.92);
  assert.equal(isWatchedAt(USUAL_RULES, 0, 0), false, 'nothing is known of its length');
});

test('progress: the bounds are settings', () => {
  const rules = { watchedPercent: 50, resumeFromMs: 0, resumeUntilPercent: 60 };
  assert.deepEqual([isWatchedAt(rules, 50, 100), isWatchedAt(rules, 49, 100)], [true, false]);
  assert.deepEqual(
    [resumeMs(rules, { ...at(60, false), durationMs: 100 }), resumeMs(rules, { ...at(61, false), durationMs: 100 })],
    [60, 0],
  );
});

test('progress: a clock that runs ahead is set back, one that is told to be wrong is corrected, and one that is behind is believed', () => {
  const now = 1_000_000;
  assert.equal(timeOf({}, now), now);
  assert.equal(timeOf({ updatedAtMs: now - 10 }, now), now - 10);
  assert.equal(timeOf({ updatedAtMs: now + 10 }, now), now);
  assert.equal(timeOf({ updatedAtMs: Number.MAX_SAFE_INTEGER }, now), now);
  assert.equal(timeOf({ updatedAtMs: 500, sentAtMs: 700 }, now), now - 200, 'an hour behind or a year: it is the distance that counts');
  assert.equal(timeOf({ updatedAtMs: now * 2 - 5, sentAtMs: now * 2 }, now), now - 5);
  assert.equal(timeOf({ updatedAtMs: 700, sentAtMs: 500 }, now), now, 'nobody tells what is to come');
  assert.equal(timeOf({ updatedAtMs: 0, sentAtMs: Number.MAX_SAFE_INTEGER }, now), 0);
});

test('progress: the later time stands, of equals the one that came later, and a stored time from beyond the skew is no time', () => {
  const now = 1_000_000;
  assert.equal(isLater(20, 10, now), true);
  assert.equal(isLater(10, 20, now), false);
  assert.equal(isLater(10, 10, now), false);
  assert.equal(isLater(now + MAX_CLOCK_SKEW_MS, now, now), true);
  assert.equal(isLater(now + MAX_CLOCK_SKEW_MS + 1, now, now), false, 'written before the server’s clock was set right');
});
