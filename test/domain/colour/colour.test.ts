// Which screens show a picture right, what its playlist says of it, and what becomes of its colours in an encode.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Colour, type DolbyVision, dynamicRangeOf, hdrOf, shownBy, supplementalCodecs, UNTOLD_COLOUR } from '#domain/colour/colour.ts';
import { codingOf, encodeColourOf } from '#domain/colour/encode-colour.ts';
import { aColour } from '../../support/titles.ts';

const dolby = (profile: number, compatibility: number, hasEnhancementLayer = false): DolbyVision => ({
  profile,
  level: 6,
  compatibility,
  hasEnhancementLayer,
});
const of = (changes: Partial<Colour>): Colour => ({ ...UNTOLD_COLOUR, ...changes });
const HLG = { transfer: 'arib-std-b67', primaries: 'bt2020', matrix: 'bt2020nc' };
const PQ = { ...HLG, transfer: 'smpte2084' };

const KINDS: readonly (readonly [
  what: string,
  colour: Colour,
  hdr: string | null,
  range: string,
  shown: readonly string[],
  codecs: string | null,
])[] = [
  ['nothing told', UNTOLD_COLOUR, null, 'SDR', [], null],
  ['ten bits of BT.709', of({ transfer: 'bt709' }), null, 'SDR', [], null],
  ['HDR10', of(PQ), 'hdr10', 'PQ', ['hdr10'], null],
  ['HDR10+', of({ ...PQ, hasHdr10Plus: true }), 'hdr10', 'PQ', ['hdr10'], null],
  ['HLG', of(HLG), 'hlg', 'HLG', ['hlg'], null],
  ['profile 5', of({ dolbyVision: dolby(5, 0) }), 'dolby-vision', 'PQ', ['dolby-vision'], null],
  ['profile 7', of({ ...PQ, dolbyVision: dolby(7, 6, true) }), 'dolby-vision', 'PQ', ['hdr10', 'dolby-vision'], null],
  ['profile 8.1', of({ ...PQ, dolbyVision: dolby(8, 1) }), 'dolby-vision', 'PQ', ['hdr10', 'dolby-vision'], 'dvh1.08.06/db1p'],
  [
    'profile 8.1 that names no transfer',
    of({ dolbyVision: dolby(8, 1) }),
    'dolby-vision',
    'PQ',
    ['hdr10', 'dolby-vision'],
    'dvh1.08.06/db1p',
  ],
  ['profile 8.2', of({ transfer: 'bt709', dolbyVision: dolby(8, 2) }), 'dolby-vision', 'SDR', [], 'dvh1.08.06/db2g'],
  ['profile 8.4', of({ ...HLG, dolbyVision: dolby(8, 4) }), 'dolby-vision', 'HLG', ['hlg', 'dolby-vision'], 'dvh1.08.06/db4h'],
  ['profile 10.1', of({ ...PQ, dolbyVision: dolby(10, 1) }), 'dolby-vision', 'PQ', ['hdr10', 'dolby-vision'], 'dav1.10.06/db1p'],
];
for (const [what, colour, hdr, range, shown, codecs] of KINDS) {
  test(`colour: ${what} is ${range}, shown right by ${shown.join(' or ') || 'any screen'}`, () => {
    assert.equal(hdrOf(colour), hdr);
    assert.equal(dynamicRangeOf(colour), range);
    assert.deepEqual(shownBy(colour), shown);
    assert.equal(supplementalCodecs(colour), codecs);
  });
}

const SMALL = { width: 720, height: 576 };
const LARGE = { width: 1280, height: 536 };
const codings: readonly (readonly [what: string, colour: Colour, size: typeof SMALL, matrix: string, primaries: string])[] = [
  ['a small picture without a name', UNTOLD_COLOUR, SMALL, 'smpte170m', 'smpte170m'],
  ['a large one', UNTOLD_COLOUR, LARGE, 'bt709', 'bt709'],
  ['a phone, held upright', UNTOLD_COLOUR, { width: 720, height: 1280 }, 'bt709', 'bt709'],
  ['a small one that has a name', of({ matrix: 'bt709' }), SMALL, 'bt709', 'bt709'],
  ['a large one with a name of old', of({ matrix: 'bt470bg' }), LARGE, 'bt470bg', 'smpte170m'],
  ['HLG that names nothing else', of({ transfer: 'arib-std-b67' }), LARGE, 'bt2020nc', 'bt2020'],
];
for (const [what, colour, size, matrix, primaries] of codings) {
  test(`colour: ${what} is taken for ${matrix}`, () => {
    const coding = codingOf({ colour, ...size });
    assert.deepEqual([coding.matrix, coding.primaries], [matrix, primaries]);
  });
}

test('colour: an encode is of BT.709 where the film has more, and keeps the numbers of a plain film under their name', () => {
  const matrixOf = (colour: Colour, canConvert = true) => {
    const made = encodeColourOf({ colour, ...LARGE }, canConvert);
    return made && [made.from.matrix, made.to.matrix, made.peakNits ?? null];
  };
  assert.deepEqual(matrixOf(UNTOLD_COLOUR), ['bt709', 'bt709', null]);
  assert.deepEqual(matrixOf(of({ matrix: 'smpte170m' })), ['smpte170m', 'smpte170m', null]);
  assert.deepEqual(matrixOf(of({ matrix: 'gbr' })), ['gbr', 'bt709', null]);
  assert.deepEqual(matrixOf(of({ matrix: 'bt2020nc', transfer: 'bt2020-10' })), ['bt2020nc', 'bt709', null]);
  assert.deepEqual(matrixOf(of({ matrix: 'bt2020nc' }), false), ['bt2020nc', 'bt2020nc', null]);
  assert.deepEqual(matrixOf(of(HLG)), ['bt2020nc', 'bt709', 1_000]);
  assert.deepEqual(matrixOf(of(PQ)), ['bt2020nc', 'bt709', 1_000]);
  assert.equal(matrixOf(of(PQ), false), null);
  assert.equal(matrixOf(of({ dolbyVision: dolby(5, 0) })), null);
  assert.deepEqual(matrixOf(of({ transfer: 'bt709', dolbyVision: dolby(8, 2) })), ['bt709', 'bt709', null]);
});

test('colour: the range is pressed together from the light that the film says it has, as far as that can be true', () => {
  const mastering = { red: [0, 0], green: [0, 0], blue: [0, 0], white: [0, 0], maxNits: 4_000, minNits: 0 } as const;
  const peak = (changes: Partial<Colour>): number | undefined =>
    encodeColourOf({ colour: aColour('hdr10', changes), ...LARGE }, true)?.peakNits;
  assert.equal(peak({}), 1_000);
  assert.equal(peak({ mastering }), 4_000);
  assert.equal(peak({ mastering, contentLight: { maxNits: 600, averageNits: 100 } }), 600);
  assert.equal(peak({ mastering, contentLight: { maxNits: 3, averageNits: 0 } }), 4_000, 'no film is that dark');
  assert.equal(peak({ contentLight: { maxNits: 60_000, averageNits: 0 } }), 10_000);
});
