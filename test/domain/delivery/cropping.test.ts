// Which part of a picture is shown, however it is turned.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cropOf, shownCrop } from '#domain/delivery/cropping.ts';
import { cleanAperture, cleanApertureBox } from '#workers/remux/codecs/clean-aperture.ts';

const PICTURE = { width: 320, height: 180 };
const PART = { x: 60, y: 4, width: 240, height: 160 };

test('cropping: nothing is cut off where the whole is shown, nothing would be left, or the numbers are none', () => {
  assert.equal(cropOf({ x: 0, y: 0, ...PICTURE }, PICTURE), null);
  assert.equal(cropOf({ x: -10, y: -10, width: 400, height: 400 }, PICTURE), null);
  assert.equal(cropOf({ x: 400, y: 0, width: 10, height: 10 }, PICTURE), null);
  assert.equal(cropOf({ x: 0, y: 0, width: 1, height: 180 }, PICTURE), null);
  assert.equal(cropOf({ x: Number.NaN, y: 0, width: Number.NaN, height: 180 }, PICTURE), null);
  assert.deepEqual(cropOf({ x: 300, y: 0, width: 100, height: 180 }, PICTURE), { x: 300, y: 0, width: 20, height: 180 });
});

test('cropping: the part keeps its place in a picture that is turned', () => {
  const shown = (rotation: number) => shownCrop({ ...PICTURE, crop: PART, rotation });
  assert.deepEqual(shown(0), PART);
  assert.deepEqual(shown(90), { x: 16, y: 60, width: 160, height: 240 });
  assert.deepEqual(shown(180), { x: 20, y: 16, width: 240, height: 160 });
  assert.deepEqual(shown(270), { x: 4, y: 20, width: 160, height: 240 });
  assert.equal(shownCrop({ ...PICTURE, crop: null, rotation: 90 }), null);
});

test('cropping: a clean aperture is read as it is written, and one without a denominator is none', () => {
  const entry = (clap: Buffer): Buffer => Buffer.concat([Buffer.alloc(86), clap]);
  assert.deepEqual(cleanAperture(entry(cleanApertureBox(PART, PICTURE)), PICTURE), PART);
  assert.equal(cleanAperture(entry(Buffer.alloc(0)), PICTURE), null);
  const broken = cleanApertureBox(PART, PICTURE);
  broken.writeUInt32BE(0, 12);
  assert.equal(cropOf(cleanAperture(entry(broken), PICTURE) ?? assert.fail(), PICTURE), null);
});
