// AAC whose channels are listed one by one (a program config element) instead of named by a number: ffmpeg writes 5.1 with side
// loudspeakers so, and players take only the number.
import { BitReader } from './bit-reader.ts';

const AAC_LC = 2;
const LISTED = 0;
const RATE_IN_FULL = 15;

/**
 * Channel configurations (ISO/IEC 14496-3, table 1.19) by the elements in front, at the sides, behind, and for low frequencies: S is one
 * channel, C two. Two beside are the same as two behind: players of those configurations put them there.
 */
const CONFIGURATIONS: Readonly<Record<string, number>> = {
  'S|||0': 1,
  'C|||0': 2,
  'SC|||0': 3,
  'SC||S|0': 4,
  'SC||C|0': 5,
  'SC|C||0': 5,
  'SC||C|1': 6,
  'SC|C||1': 6,
};

/**
 * An AudioSpecificConfig (1.6.2.1) that says the same by number; the same one where it does so already. Null where no number stands for
 * its channels, or it is not AAC-LC.
 */
export function withNamedChannels(config: Buffer): Buffer | null {
  const bits = new BitReader(config);
  const objectType = bits.read(5);
  const rateIndex = bits.read(4);
  const rate = rateIndex === RATE_IN_FULL ? bits.read(24) : null;
  if (bits.read(4) !== LISTED) return config;
  const flags = bits.read(3);
  if (objectType !== AAC_LC || flags !== 0) return null;
  const configuration = CONFIGURATIONS[readLayout(bits)];
  if (configuration === undefined || bits.isPastEnd) return null;
  return packBits([objectType, 5], [rateIndex, 4], ...(rate === null ? [] : [[rate, 24] as const]), [configuration, 4], [0, 3]);
}

/** 4.5.2.1: reads the program config element as far as its channels go. */
function readLayout(bits: BitReader): string {
  bits.skip(4 + 2 + 4); // tag, object type, rate
  const [front, side, back] = [bits.read(4), bits.read(4), bits.read(4)];
  const low = bits.read(2);
  bits.skip(3 + 4); // associated data, coupling channels
  for (const mixdownBits of [4, 4, 3]) if (bits.flag()) bits.skip(mixdownBits);
  const group = (count: number): string => {
    let elements = '';
    for (let element = 0; element < count; element++) {
      elements += bits.flag() ? 'C' : 'S';
      bits.skip(4);
    }
    return elements;
  };
  return `${group(front)}|${group(side)}|${group(back)}|${low}`;
}

function packBits(...fields: readonly (readonly [value: number, width: number])[]): Buffer {
  const text = fields.map(([value, width]) => value.toString(2).padStart(width, '0')).join('');
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8, '0');
  return Buffer.from((padded.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)));
}
