// The constant rate of an encode, from the rates ffprobe tells.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseFrameRate, fasterRate, parseRate } from '#workers/inspect/frame-rate.ts';

const CASES: readonly (readonly [nominal: string, average: string, isInterlaced: boolean, expected: string, isVariable: boolean])[] = [
  ['24000/1001', '24000/1001', false, '24000/1001', false],
  ['24000/1001', '23976/1000', false, '24000/1001', false],
  ['50/2', '25/1', false, '25/1', false],
  ['120/1', '120/1', false, '120/1', false],
  ['240/1', '240/1', false, '60/1', false],
  ['144/1', '144/1', false, '36/1', false],
  ['90000/1', '2997/100', false, '30000/1001', true],
  ['30/1', '215/10', false, '30/1', true],
  ['30/1', '2417/100', false, '30/1', true],
  ['60000/1001', '24000/1001', false, '24000/1001', true],
  ['60/1', '2000/100', false, '60/1', true],
  ['50/1', '25/1', true, '25/1', false],
  ['50/1', '25/1', false, '25/1', true],
  ['10/1', '20/1', false, '10/1', false],
  ['0/0', '25/1', false, '25/1', false],
  ['25/1', '0/0', false, '25/1', false],
  ['0/0', '0/0', false, '25/1', true],
  ['1000/1', '1/10', false, '1/1', true],
];

for (const [nominal, average, isInterlaced, expected, isVariable] of CASES) {
  test(`frame rate: nominal ${nominal}, average ${average}${isInterlaced ? ', interlaced' : ''} is ${expected}`, () => {
    const chosen = chooseFrameRate(parseRate(nominal), parseRate(average), isInterlaced);
    assert.deepEqual([`${chosen.frameRate.num}/${chosen.frameRate.den}`, chosen.isVariable], [expected, isVariable]);
  });
}

test('frame rate: an odd average becomes a fraction with a small denominator that is near it', () => {
  const { frameRate } = chooseFrameRate({ num: 90_000, den: 1 }, { num: 4_477_612, den: 313_433 }, false);
  assert.ok(frameRate.den <= 1001);
  assert.ok(Math.abs(frameRate.num / frameRate.den - 4_477_612 / 313_433) < 1e-5);
});

test('frame rate: a film of more pictures a second than are worth encoding keeps its own rate for its copies', () => {
  const rate = { num: 240, den: 1 };
  assert.deepEqual(chooseFrameRate(rate, rate, false), { frameRate: { num: 60, den: 1 }, sourceFrameRate: rate, isVariable: false });
});

test('a film told to be of its mean rate has the rate of its closest pictures', () => {
  const mean = { num: 70, den: 3 };
  assert.deepEqual(fasterRate(mean, 30.01), { frameRate: { num: 30, den: 1 }, sourceFrameRate: { num: 30, den: 1 }, isVariable: true });
  assert.equal(fasterRate({ num: 24_000, den: 1001 }, 24.4), null);
  // Shown for two fields and for three.
  assert.deepEqual(fasterRate({ num: 24_000, den: 1001 }, 29.97)?.frameRate, { num: 24_000, den: 1001 });
});
