import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DecodeClock, decodeDelay, decodeTimes, FrameNumbering, framePosition, reorderDepth } from '#workers/remux/matroska/clock.ts';

/** A generator of whole numbers below a bound: the same ones in every run. */
function repeatable(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

test('decode clock: at a constant frame rate decoding runs as evenly as the picture', () => {
  const clock = { reorderFrames: 2, leadingFrames: 0, frameTicks: 40 };
  assert.deepEqual(decodeTimes([1000, 1160, 1080, 1040, 1120], 1000, 1200, clock), [920, 960, 1000, 1040, 1080]);
});

test('decode clock: pictures shown before their keyframe are decoded in time', () => {
  const clock = { reorderFrames: 1, leadingFrames: 1, frameTicks: 40 };
  const presentation = [1000, 960, 1080, 1040];
  assert.deepEqual(decodeTimes(presentation, 1000, 1160, clock), [920, 960, 1000, 1040]);
});

test('decode clock: whatever the frame times, decoding ascends, is never late and ends where the next segment starts', () => {
  const random = repeatable(3);
  for (let round = 0; round < 2000; round++) {
    const shown = [5000];
    const count = 2 + random(60);
    for (let frame = 1; frame < count; frame++) shown.push((shown.at(-1) ?? 0) + 12 + random(random(4) === 0 ? 400 : 60));
    const to = (shown.at(-1) ?? 0) + 12 + random(100);
    const presentation = reorder(shown, 1 + random(4));
    // What was measured at the start of a film may be less than what comes later.
    const clock: DecodeClock = { reorderFrames: random(reorderDepth(presentation) + 2), leadingFrames: 0, frameTicks: 20 + random(60) };
    const decode = decodeTimes(presentation, 5000, to, clock);
    assert.equal(decode[0], 5000 - decodeDelay(clock));
    for (const [index, dts] of decode.entries()) {
      assert.ok(dts < (decode[index + 1] ?? to - decodeDelay(clock)), `round ${round}: frame ${index} ascends`);
      const isForced = to - decodeDelay(clock) - dts <= count - index || dts - (5000 - decodeDelay(clock)) <= index;
      assert.ok(dts <= (presentation[index] ?? 0) || isForced, `round ${round}: frame ${index} is in time`);
    }
  }
});

/** Each frame after the first moves behind the last of its group, as references do. */
function reorder(shown: readonly number[], group: number): number[] {
  const decoded = shown.slice(0, 1);
  for (let from = 1; from < shown.length; from += group) {
    const part = shown.slice(from, from + group);
    decoded.push(...part.slice(-1), ...part.slice(0, -1));
  }
  return decoded;
}

test('decode clock: the reorder depth counts frames decoded before and shown after', () => {
  assert.equal(reorderDepth([0, 40, 80]), 0);
  assert.equal(reorderDepth([0, 120, 40, 80]), 1);
  assert.equal(reorderDepth([0, 160, 80, 40, 120]), 2);
});

for (const sampleRate of [44_100, 48_000]) {
  test(`frame numbering: at ${sampleRate} Hz rounded times give every frame its own number, from wherever it starts`, () => {
    const frameMs = 1_024_000 / sampleRate;
    for (let phase = 0; phase < 1; phase += 0.01) {
      const grid = { sampleRate, frameDuration: 1024, firstTicks: 0, ticksPerSecond: 1000 };
      // As after a cut in the source: the times no longer lie on the grid of the first frame.
      const positions = Array.from({ length: 600 }, (_, frame) => framePosition(grid, Math.round((frame + phase) * frameMs)));
      const [whole, late] = [new FrameNumbering(), new FrameNumbering()];
      const numbers = positions.map(position => whole.next(position));
      const lateNumbers = positions.slice(100).map(position => late.next(position));
      const settled = numbers.slice(150);
      assert.deepEqual(lateNumbers.slice(50), settled, `phase ${phase}`);
      assert.ok(
        settled.every((number, index) => number === (settled[0] ?? 0) + index),
        `phase ${phase}: no hole and no overlap`,
      );
    }
  });
}

test('frame numbering: a hole stays open and a frame that overlaps is left out', () => {
  const numbering = new FrameNumbering();
  const numbers = [0, 1.01, 1.98, 5.02, 6, 6.1, 7].map(position => numbering.next(position));
  assert.deepEqual(numbers, [0, 1, 2, 5, 6, null, 7]);
});
