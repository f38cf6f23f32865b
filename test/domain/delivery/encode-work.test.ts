import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Colour, UNTOLD_COLOUR } from '#domain/colour/colour.ts';
import { encodeColourOf } from '#domain/colour/encode-colour.ts';
import { encodeWork, frameWork } from '#domain/delivery/encode-work.ts';
import { aColour } from '../../support/titles.ts';

const film = (width: number, height: number, num = 24, den = 1) => ({ width, height, frameRate: { num, den } });

test('encode work: a small rung of a large film takes most of what a large one does, of a small film little', () => {
  const large = encodeWork(film(1920, 1080), film(1920, 1080));
  const ofLarge = encodeWork(film(426, 240), film(1920, 1080));
  const ofSmall = encodeWork(film(426, 240), film(854, 480));
  assert.ok(ofLarge > 0.35 * large && ofLarge < large);
  assert.ok(ofSmall < 0.3 * ofLarge);
});

test('encode work: it grows with the frames a second, and is that of a frame so many times', () => {
  assert.equal(encodeWork(film(640, 360, 60), film(640, 360, 60)), 2 * encodeWork(film(640, 360, 30), film(640, 360, 30)));
  assert.equal(encodeWork(film(640, 360, 24), film(1280, 720, 24)), Math.round(24 * frameWork(film(640, 360), film(1280, 720))));
  assert.equal(encodeWork(film(640, 360, 30_000, 1_001), film(640, 360, 30_000, 1_001)), Math.round((30_000 / 1_001) * 1.6 * 640 * 360));
});

test('encode work: what colours cost is counted by the pixels that are made, and nothing where they stay', () => {
  const [made, source] = [film(1280, 720), film(3840, 2160)];
  const work = (colour: Colour) =>
    encodeWork({ ...made, colour: encodeColourOf({ colour, width: 3840, height: 2160 }, true) ?? assert.fail() }, source);
  const plain = work(UNTOLD_COLOUR);
  assert.equal(plain, encodeWork(made, source));
  assert.equal(work(aColour('hdr10')) - plain, Math.round(2.8 * 1280 * 720 * 24));
  assert.ok(work({ ...UNTOLD_COLOUR, matrix: 'bt2020nc' }) > plain);
});
