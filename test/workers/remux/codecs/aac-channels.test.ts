// AAC configurations whose channels are listed are rewritten to name them, or refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withNamedChannels } from '#workers/remux/codecs/aac-channels.ts';
import { readAacConfig } from '#workers/remux/codecs/audio-frames.ts';

const bytes = (bits: string): Buffer => {
  const plain = bits.replaceAll(' ', '');
  return Buffer.from((plain.padEnd(Math.ceil(plain.length / 8) * 8, '0').match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)));
};
/** AAC-LC, 48 kHz, channel configuration 0; then the list: tag, type and rate, counts, no mixdown. */
const listed = (counts: string, elements: string): Buffer => bytes(`00010 0011 0000 000 0000 01 0011 ${counts} 000 0000 0 0 0 ${elements}`);

test('aac channels: a list of the loudspeakers of 5.1 becomes the number of 5.1', () => {
  for (const counts of ['0010 0001 0000 01', '0010 0000 0001 01']) {
    const named = withNamedChannels(listed(counts, '0 0000 1 0000 1 0001 0000'));
    assert.deepEqual(named, bytes('00010 0011 0110 000'));
    assert.equal(named && readAacConfig(named)?.sampleRate, 48_000);
  }
});

test('aac channels: a configuration that names them stays the same', () => {
  const config = bytes('00010 0011 0010 000');
  assert.equal(withNamedChannels(config), config);
});

test('aac channels: what no number stands for can not be written: the list of ffmpeg, whose low frequencies are a channel like others', () => {
  assert.equal(withNamedChannels(Buffer.from('12000508440020 00c40d'.replace(' ', ''), 'hex')), null);
  assert.equal(withNamedChannels(listed('0010 0001 0000 01', '0 0000').subarray(0, 5)), null);
});
