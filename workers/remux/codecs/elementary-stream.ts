// The MPEG-4 elementary stream descriptor of an `esds` box (ISO/IEC 14496-1, 7.2.6): which codec a `mp4a` or `mp4v` track holds.
import { descriptor, fullBox } from '#workers/bmff/boxes.ts';

/** Object type indication of AAC. */
export const MPEG4_AUDIO = 0x40;

const ES_DESCRIPTOR = 0x03;
const DECODER_CONFIG = 0x04;
const DECODER_SPECIFIC_INFO = 0x05;

export type ElementaryStream = {
  readonly objectTypeIndication: number;
  /** From the AudioSpecificConfig: 2 is AAC-LC, 5 HE-AAC; null when there is none. */
  readonly audioObjectType: number | null;
  /** Such as an AudioSpecificConfig. */
  readonly specific: Buffer | null;
};

/** `bytes`: the payload of `esds` after version and flags. Null when it is damaged. */
export function readElementaryStream(bytes: Buffer): ElementaryStream | null {
  const stream = readDescriptor(bytes, ES_DESCRIPTOR);
  if (!stream || stream.byteLength < 3) return null;
  const flags = stream.readUInt8(2);
  const dependsOn = flags & 0x80 ? 2 : 0;
  const urlLength = flags & 0x40 ? 1 + (stream[3 + dependsOn] ?? 0) : 0;
  const clockReference = flags & 0x20 ? 2 : 0;
  const config = readDescriptor(stream.subarray(3 + dependsOn + urlLength + clockReference), DECODER_CONFIG);
  if (!config || config.byteLength < 13) return null;
  const specific = readDescriptor(config.subarray(13), DECODER_SPECIFIC_INFO);
  return { objectTypeIndication: config.readUInt8(0), audioObjectType: specific && objectTypeOf(specific), specific };
}

function readDescriptor(bytes: Buffer, tag: number): Buffer | null {
  if (bytes[0] !== tag) return null;
  let byteLength = 0;
  for (let at = 1; at <= 4; at++) {
    const byte = bytes[at];
    if (byte === undefined) return null;
    byteLength = (byteLength << 7) | (byte & 0x7f);
    if ((byte & 0x80) === 0) return bytes.subarray(at + 1, at + 1 + byteLength);
  }
  return null;
}

/** Five bits, or the escape 31 and six bits more (ISO/IEC 14496-3, 1.6.2.1). */
function objectTypeOf(config: Buffer): number | null {
  const [first, second] = config;
  if (first === undefined) return null;
  const short = first >> 3;
  if (short !== 31) return short;
  return second === undefined ? null : 32 + (((first & 0x07) << 3) | (second >> 5));
}

/** `esds` without bit rates: nothing reads them. */
export function elementaryStream(objectType: number, specific: Buffer | null): Buffer {
  const parts = specific ? [descriptor(DECODER_SPECIFIC_INFO, specific)] : [];
  const decoderConfig = descriptor(DECODER_CONFIG, Buffer.from([objectType, 0x15]), Buffer.alloc(11), ...parts); // 0x15: an audio stream
  return fullBox('esds', 0, 0, descriptor(ES_DESCRIPTOR, Buffer.from([0, 0, 0]), decoderConfig, descriptor(0x06, Buffer.from([2]))));
}
