// What the matrix of players reads off pictures and sound: the time that was put there, and nothing where there is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLUMNS, LOWEST_HZ, lagS, numberOf, PATTERN, PERIOD_S, PILOT_HZ, RISE_HZ_PER_S, SAMPLE_RATE, toneOf } from './clock.ts';
import { judge } from './judge.ts';

const WINDOW = 4_096;

/** The sound of the films around a moment. */
function soundAt(middleS: number, { pilot = 0, noise = 0 } = {}): Float32Array {
  return Float32Array.from({ length: WINDOW }, (_, at) => {
    const t = (((middleS + (at - WINDOW / 2) / SAMPLE_RATE) % PERIOD_S) + PERIOD_S) % PERIOD_S;
    const tone = 0.3 * Math.sin(2 * Math.PI * (LOWEST_HZ * t + (RISE_HZ_PER_S / 2) * t * t));
    return tone + pilot * Math.sin(2 * Math.PI * PILOT_HZ * t) + noise * Math.sin(at * at);
  });
}

const squaresOfNumber = (number: number): number[] =>
  Array.from({ length: COLUMNS }, (_, column) => ((column < 12 ? (number >> column) & 1 : PATTERN[column - 12]) ? 235 : 16));

test('a stretch of sound tells its time to a few milliseconds, whatever else is heard', () => {
  for (const [middleS, options] of [
    [0.5, {}],
    [13.37, { noise: 0.05 }],
    [42.001, { pilot: 0.15 }],
    [59.7, { pilot: 0.15, noise: 0.05 }],
    [73.21, {}],
  ] as const) {
    const tone = toneOf(soundAt(middleS, options));
    assert.ok(tone, `${middleS}: a tone`);
    assert.ok(Math.abs(lagS(tone, middleS)) < 0.006, `${middleS}: ${lagS(tone, middleS)} s off`);
    assert.equal(tone.hasPilot, 'pilot' in options);
  }
  assert.equal(toneOf(new Float32Array(WINDOW)), null);
});

test('a picture tells its number, and one of something else tells none', () => {
  for (const number of [0, 1, 1_439, 4_095]) assert.equal(numberOf(squaresOfNumber(number)), number);
  assert.equal(numberOf(Array(COLUMNS).fill(0)), null);
  assert.equal(numberOf(Array(COLUMNS).fill(255)), null);
});

test('two frames beside the clock are wrong, one is not; silence and strange pictures are', () => {
  const look = (pictureS: number, soundS: number) => ({
    pictures: [{ clockS: 10.02, number: Math.round(pictureS * 24) }],
    sounds: [{ clockS: 10, samples: soundAt(soundS) }],
  });
  const wrong = (one: Parameters<typeof judge>[0]) => [judge(one).pictures.wrong, judge(one).sounds.wrong];
  assert.deepEqual(wrong(look(10, 10)), [0, 0]);
  assert.deepEqual(wrong(look(10 + 1 / 24, 10.04)), [0, 0]);
  assert.deepEqual(wrong(look(10 - 2.9 / 24, 10 - 0.083)), [1, 1]);
  assert.deepEqual(
    wrong({ pictures: [{ clockS: 10, number: null }], sounds: [{ clockS: 10, samples: new Float32Array(WINDOW) }] }),
    [1, 1],
  );
});
