// Frames of silence, for where a track of sound has none. Of AAC-LC: raw data blocks (ISO/IEC 14496-3, 4.4.2.1) without a spectrum.
import { readFileSync } from 'node:fs';
import { type AudioEncode, EAC3, isDolby } from '#domain/rendition.ts';

const GAIN = '0'.repeat(8);
/** One long window, in which no band is coded. */
const INFO = '0 00 0 000000 0';
const NO_TOOLS = '000'; // pulses, noise shaping, gain control
const SINGLE = `${GAIN} ${INFO} ${NO_TOOLS}`;
const PAIR = `1 ${INFO} 00 ${GAIN} ${NO_TOOLS} ${GAIN} ${NO_TOOLS}`;
const element = (type: string, tag: string, channels: string): string => `${type} ${tag} ${channels}`;
const FRONT = element('000', '0000', SINGLE);
const SIDES = (tag: string): string => element('001', tag, PAIR);
const LOW = element('011', '0000', SINGLE);
const END = '111';

/** By channels, in the elements of the channel configuration of that number. */
const SILENCE: Readonly<Record<number, Buffer>> = {
  1: packed(FRONT, END),
  2: packed(SIDES('0000'), END),
  6: packed(FRONT, SIDES('0000'), SIDES('0001'), LOW, END),
};

// One frame of 5.1 each, of the rate that surround is encoded at: `ffmpeg -f lavfi -i anullsrc=cl=5.1:r=48000 -c:a eac3 -b:a 384k -frames:a 1`.
const AC3_SILENCE = readFileSync(new URL('silence.ac3', import.meta.url));
const EAC3_SILENCE = readFileSync(new URL('silence.eac3', import.meta.url));

/** @throws RangeError for a number of channels that no encode has */
export function silentFrame(rendition: AudioEncode): Buffer {
  if (isDolby(rendition)) return rendition.codecs === EAC3 ? EAC3_SILENCE : AC3_SILENCE;
  const { channels } = rendition;
  const frame = SILENCE[channels];
  if (frame === undefined) throw new RangeError(`no silence of ${channels} channels`);
  return frame;
}

function packed(...elements: readonly string[]): Buffer {
  const bits = elements.join('').replaceAll(' ', '');
  return Buffer.from((bits.match(/.{1,8}/g) ?? []).map(byte => Number.parseInt(byte.padEnd(8, '0'), 2)));
}
