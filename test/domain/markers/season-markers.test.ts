// What episodes have in common, on fingerprints that are made: numbers as music has them, as noise has them, and as silence has them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonStretch, differingBits } from '#domain/markers/common-stretch.ts';
import { packFingerprint, STEP_MS, unpackFingerprint } from '#domain/markers/fingerprint.ts';
import { agreed, type Heard, windowOf } from '#domain/markers/season-markers.ts';
import { type Random, seeded } from '../../../loadtest/world/made-sound.ts';

const BOUNDS = { minMs: 15_000, maxMs: 120_000 };
const count = (seconds: number): number => Math.round((seconds * 1000) / STEP_MS);

/** Numbers of which each differs from the one before in a few bits, and from those of a second ago in half of them. */
function melody(seconds: number, random: Random, bitsAStep = 4): number[] {
  let value = Math.floor(random() * 2 ** 32);
  return Array.from({ length: count(seconds) }, () => {
    for (let bit = 0; bit < bitsAStep; bit++) value ^= 1 << Math.floor(random() * 32);
    return value >>> 0;
  });
}

/** The same as another codec has it. */
const coded = (values: readonly number[], random: Random): number[] =>
  values.map(value => (random() < 0.5 ? value : (value ^ (1 << Math.floor(random() * 32)) ^ (1 << Math.floor(random() * 32))) >>> 0));

const find = (one: readonly number[], other: readonly number[]) => commonStretch(Uint32Array.from(one), Uint32Array.from(other), BOUNDS);

test('common stretch: a theme is found wherever it lies in either, whatever the codec has made of it', () => {
  const theme = melody(40, seeded(1));
  for (const [before, after] of [
    [0, 30],
    [12, 90],
    [100, 0],
  ] as const) {
    const one = [...melody(before, seeded(2)), ...theme, ...melody(80, seeded(3))];
    const other = [...melody(after, seeded(4)), ...coded(theme, seeded(5)), ...melody(30, seeded(6))];
    const found = find(one, other);
    assert.ok(found, `${before} ${after}`);
    const [startS, endS] = [(found.at * STEP_MS) / 1000, ((found.at + found.count) * STEP_MS) / 1000];
    assert.ok(
      Math.abs(startS - before) < 1.5 && Math.abs(endS - before - 40) < 1.5,
      `${startS} to ${endS}, not ${before} to ${before + 40}`,
    );
    assert.ok(Math.abs(found.other - found.at - count(after) + count(before)) <= 1);
    assert.ok(found.difference > 0 && found.difference < 3);
  }
});

test('common stretch: a theme is found behind a longer silence, as far from the end in both', () => {
  const silence = new Array<number>(count(80)).fill(627_964_279);
  const theme = melody(30, seeded(40));
  const found = find([...silence, ...melody(60, seeded(41)), ...theme], [...silence, ...melody(60, seeded(42)), ...theme]);
  assert.ok(found && Math.abs(found.at - count(140)) <= 8, JSON.stringify(found));
});

test('common stretch: what is short, long, silent, held or noise is none', () => {
  const around = (middle: readonly number[], seed: number): number[] => [
    ...melody(50, seeded(seed)),
    ...middle,
    ...melody(40, seeded(seed + 1)),
  ];
  assert.equal(find(melody(200, seeded(10)), melody(200, seeded(11))), null, 'nothing in common');
  const sting = melody(10, seeded(12));
  assert.equal(find(around(sting, 13), around(sting, 15)), null, 'ten seconds');
  const bed = melody(150, seeded(17));
  assert.equal(find(around(bed, 18), around(bed, 20)), null, 'two minutes and a half');
  const silence = new Array<number>(count(40)).fill(627_964_279);
  assert.equal(find(around(silence, 22), around(silence, 24)), null, 'silence');
  const rain = seeded(26);
  // Its bits turn back again and again: it is much the same whenever.
  const noise = Array.from(
    { length: count(40) },
    () => (0x5a5a_1234 ^ (Math.floor(rain() * 2 ** 32) & Math.floor(rain() * 2 ** 32) & 0x3333_7777)) >>> 0,
  );
  assert.equal(find(around(noise, 27), around(noise, 29)), null, 'the same noise');
  assert.equal(find([], melody(60, seeded(1))), null);
});

test('fingerprints: are packed as ffmpeg writes them, wherever in memory they lie', () => {
  const values = Uint32Array.from([1, 0xffff_ffff, 0x2150_4d77]);
  assert.deepEqual(unpackFingerprint(packFingerprint(values)), values);
  assert.deepEqual(unpackFingerprint(Buffer.concat([Buffer.from([9]), packFingerprint(values), Buffer.from([9])]).subarray(1)), values);
  assert.deepEqual([differingBits(0, 0xffff_ffff), differingBits(0b1010, 0b0110), differingBits(7, 7)], [32, 2, 0]);
});

const heard = (startS: number, endS: number, difference = 2): Heard => ({ startMs: startS * 1000, endMs: endS * 1000, difference });
const EPISODE_MS = 1_300_000;

test('season markers: others have to agree, where there are others', () => {
  const found = agreed([heard(60, 105), heard(61, 104), null, heard(200, 260), heard(59.5, 105.5)], 'beginning', EPISODE_MS);
  assert.deepEqual(found, { kind: 'intro', startMs: 60_000, endMs: 105_000, source: 'fingerprint', confidence: 0.82 });
  assert.equal(agreed([heard(60, 105), null, null, heard(200, 260)], 'beginning', EPISODE_MS), null, 'nobody bears the other out');
  assert.ok(agreed([heard(60, 105)], 'beginning', EPISODE_MS), 'of two episodes one is enough');
  assert.equal(agreed([null], 'beginning', EPISODE_MS), null);
  assert.equal(agreed([], 'beginning', EPISODE_MS), null);
  const [two, three] = [2, 3].map(
    voices => agreed(new Array<Heard>(voices).fill(heard(60, 105)), 'beginning', EPISODE_MS)?.confidence ?? 0,
  );
  assert.ok((three ?? 0) > (two ?? 1));
});

test('season markers: credits go on to the end where next to nothing is left, and an intro is in the first half', () => {
  assert.equal(agreed([heard(1_240, 1_295), heard(1_240, 1_296)], 'end', EPISODE_MS)?.endMs, EPISODE_MS);
  assert.equal(agreed([heard(1_200, 1_255), heard(1_200, 1_255)], 'end', EPISODE_MS)?.endMs, 1_255_000, 'a scene follows');
  assert.equal(agreed([heard(70, 95)], 'beginning', 120_000), null);
  assert.equal(agreed([heard(10, 35)], 'end', 120_000), null);
});

test('season markers: a quarter of an episode is looked at on both sides, ten and eight minutes at most', () => {
  const minutes = (end: 'beginning' | 'end', durationMinutes: number) => {
    const { startMs, durationMs } = windowOf(end, durationMinutes * 60_000);
    return [startMs / 60_000, durationMs / 60_000];
  };
  assert.deepEqual(minutes('beginning', 20), [0, 5]);
  assert.deepEqual(minutes('end', 20), [15, 5]);
  assert.deepEqual(minutes('beginning', 120), [0, 10]);
  assert.deepEqual(minutes('end', 120), [112, 8]);
  assert.deepEqual(minutes('end', 2), [0, 2], 'all of a short one');
});
