import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeWork } from '#domain/delivery/encode-work.ts';
import { byEncoders, type ChoiceInput, type ChosenEncoders, chooseEncoders } from '#domain/delivery/encoder-choice.ts';
import { profileOf } from '#domain/delivery/profiles.ts';
import { type EncoderName, type EncoderTrial, encoderFacts, inSoftware } from '#domain/encoders.ts';
import type { VideoEncode } from '#domain/rendition.ts';

const trial = (name: EncoderName, { device = null as string | null, isProven = true } = {}): EncoderTrial => ({
  ...encoderFacts(name),
  ...{ does: 'encode', name, device, isProven, pixelsPerSecond: isProven ? 1e9 : null, reason: '' },
});
const SOFTWARE = ['libx264', 'libx265', 'libsvtav1', 'libaom-av1'] as const;
const ALL = [
  ...SOFTWARE.map(name => trial(name)),
  trial('h264_vaapi', { device: 'a' }),
  trial('hevc_vaapi', { device: 'a' }),
  trial('h264_nvenc'),
];
const DEFAULT: ChoiceInput = { trials: ALL, hardware: ['vaapi', 'nvenc'], codecs: 'auto', isUsable: () => true, isIdle: false };

const CASES: readonly (readonly [what: string, input: Partial<ChoiceInput>, chosen: ChosenEncoders])[] = [
  ['nothing was tried yet', { trials: [] }, {}],
  ['hardware makes what it can', {}, { h264: { encoder: 'h264_vaapi', device: 'a' }, hevc: { encoder: 'hevc_vaapi', device: 'a' } }],
  [
    'hardware in whose place no software could go on',
    { trials: [trial('libx264'), trial('hevc_vaapi'), trial('h264_nvenc')] },
    { h264: { encoder: 'h264_nvenc' } },
  ],
  ['hardware is off', { hardware: [] }, {}],
  ['one kind is allowed', { hardware: ['nvenc'] }, { h264: { encoder: 'h264_nvenc' } }],
  ['what failed its trial', { trials: [trial('h264_nvenc', { isProven: false })] }, {}],
  ['a device rests', { isUsable: key => !key.endsWith(' a') }, { h264: { encoder: 'h264_nvenc' } }],
  ['cores are idle', { hardware: [], isIdle: true }, { hevc: { encoder: 'libx265' }, av1: { encoder: 'libsvtav1' } }],
  ['cores are idle, for an encoder that saves nothing', { trials: [trial('libaom-av1')], isIdle: true }, {}],
  ['a codec is named', { trials: [trial('libaom-av1'), trial('libx265')], codecs: ['av1'] }, { av1: { encoder: 'libaom-av1' } }],
  ['no other codec is allowed', { codecs: [], isIdle: true }, { h264: { encoder: 'h264_vaapi', device: 'a' } }],
];

for (const [what, input, chosen] of CASES) {
  test(`encoder choice: ${what}`, () => assert.deepEqual(chooseEncoders({ ...DEFAULT, ...input }), chosen));
}

const RUNG: VideoEncode = {
  ...{ kind: 'video-encode', rungId: '720p', streamIndex: 0, width: 1280, height: 720, preset: 'superfast' },
  ...{ frameRate: { num: 24, den: 1 }, maxBitrateBps: 1_000_000, bandwidthBps: 2_000_000, codecs: 'avc1.64001f' },
};
const told = (rungs: readonly VideoEncode[]) => rungs.map(({ rungId, codecs, encoder }) => [rungId, codecs, encoder]);
const EVERY: ChosenEncoders = { h264: { encoder: 'h264_vaapi', device: 'a' }, hevc: { encoder: 'libx265' }, av1: { encoder: 'av1_nvenc' } };

test('rungs by encoders: x264 alone leaves a rung, and so its key, as it is', () => {
  assert.deepEqual(byEncoders([RUNG], {}, profileOf('web-chrome')), [RUNG]);
});

test('rungs by encoders: each codec that the client takes has the whole ladder, H.264 first, for fewer bits', () => {
  const capabilities = { ...profileOf('web-chrome'), videoCodecs: ['h264', 'hevc', 'av1'] };
  const rungs = byEncoders([RUNG, { ...RUNG, rungId: '240p', width: 426, height: 240 }], EVERY, capabilities);
  assert.deepEqual(told(rungs), [
    ['720p', 'avc3.64001f', 'h264_vaapi'],
    ['240p', 'avc3.64001f', 'h264_vaapi'],
    ['720p-av1', 'av01.0.05M.08', 'av1_nvenc'],
    ['240p-av1', 'av01.0.00M.08', 'av1_nvenc'],
    ['720p-hevc', 'hvc1.1.6.L93.90', 'libx265'],
    ['240p-hevc', 'hvc1.1.6.L90.90', 'libx265'],
  ]);
  assert.ok(rungs.slice(2).every(({ maxBitrateBps, bandwidthBps }) => maxBitrateBps < 1_000_000 && bandwidthBps < 2_000_000));
  assert.deepEqual(
    told(byEncoders([RUNG], EVERY, profileOf('generic'))).map(([rungId]) => rungId),
    ['720p'],
  );
});

test('rungs by encoders: transport streams are made by x264', () => {
  assert.deepEqual(byEncoders([RUNG], EVERY, { ...profileOf('web-chrome'), segments: 'mpegts' }), [RUNG]);
});

test('in software: what hardware makes is made by the codec’s own library, without a device', () => {
  const [byHardware] = byEncoders([RUNG], EVERY, profileOf('generic'));
  assert.ok(byHardware);
  const made = inSoftware(byHardware);
  assert.deepEqual([made.encoder, made.device, made.codecs], ['libx264', undefined, 'avc3.64001f']);
  assert.equal(inSoftware(RUNG), RUNG);
});

test('the work of an encode: other codecs cost more, hardware what is scarcer of its device and the cores that decode for it', () => {
  const source = { width: 1920, height: 1080 };
  const plain = encodeWork(RUNG, source);
  assert.equal(encodeWork({ ...RUNG, encoder: 'libx265' }, source) - plain, 1280 * 720 * 24);
  const decoding = encodeWork({ ...RUNG, width: 0, height: 0 }, source);
  assert.equal(encodeWork({ ...RUNG, encoder: 'h264_nvenc' }, source, 0.1), decoding);
  assert.equal(encodeWork({ ...RUNG, encoder: 'h264_nvenc' }, { width: 640, height: 360 }, 0.5), (1280 * 720 * 24) / 2);
});
