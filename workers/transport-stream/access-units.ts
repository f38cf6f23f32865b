// Frames as a transport stream carries them: H.264 with start codes and its parameter sets in band, AAC with a header in each frame.
import { FerriteError } from '#domain/errors.ts';
import { findBox } from '#workers/bmff/boxes.ts';
import { avcSets } from '#workers/bmff/decoder-records.ts';
import { readElementaryStream } from '#workers/remux/codecs/elementary-stream.ts';

/** What of a frame goes into its packet: of a keyframe, whatever a decoder needs that has seen nothing before. */
export type AccessUnits = {
  /** ISO/IEC 13818-1, table 2-34. */
  readonly streamType: number;
  readonly streamId: number;
  readonly unitOf: (frame: { readonly bytes: Buffer; readonly isSync: boolean }) => Buffer[];
};

/** The stream id of the first picture (ISO/IEC 13818-1, table 2-22). */
export const PICTURES = 0xe0;

const H264 = { streamType: 0x1b, streamId: PICTURES };
const AAC_ADTS = { streamType: 0x0f, streamId: 0xc0 };

/** Bytes of a sample entry before the boxes in it (ISO/IEC 14496-12, 12.1.3 and 12.2.3). */
const PICTURE_ENTRY_BYTES = 86;
const SOUND_ENTRY_BYTES = 36;

/** @throws INTERNAL for any codec but H.264 and AAC, which no offer of transport streams has */
export function accessUnits(sampleEntry: Buffer): AccessUnits {
  const format = sampleEntry.toString('latin1', 4, 8);
  if (format === 'avc1' || format === 'avc3') return h264Units(boxWithin(sampleEntry, 'avcC', PICTURE_ENTRY_BYTES));
  if (format === 'mp4a') return aacUnits(boxWithin(sampleEntry, 'esds', SOUND_ENTRY_BYTES).subarray(4));
  throw new FerriteError('INTERNAL', `a transport stream of ${format} was asked for`);
}

function boxWithin(entry: Buffer, type: string, from: number): Buffer {
  const found = findBox(entry, [type], from);
  if (found === undefined) throw new FerriteError('INTERNAL', `the sample entry has no ${type}`);
  return entry.subarray(found.start, found.end);
}

const START_CODE = Buffer.from([0, 0, 0, 1]);
/** An access unit delimiter for pictures of any kind (ITU-T H.264, 7.3.2.4): Apple's players want one before each. */
const DELIMITER = Buffer.from([0, 0, 0, 1, 9, 0xf0]);
const DELIMITER_TYPE = 9;

/** `configuration`: the payload of `avcC` (ISO/IEC 14496-15, 5.3.3.1). */
function h264Units(configuration: Buffer): AccessUnits {
  const lengthBytes = (configuration.readUInt8(4) & 0x3) + 1;
  const parameterSets = avcSets(configuration).flatMap(set => [START_CODE, set]);
  return {
    ...H264,
    unitOf({ bytes, isSync }) {
      const parts = [DELIMITER, ...(isSync ? parameterSets : [])];
      for (let from = 0; from + lengthBytes < bytes.byteLength; ) {
        const start = from + lengthBytes;
        from = start + bytes.readUIntBE(from, lengthBytes);
        const unit = bytes.subarray(start, from);
        if (((unit[0] ?? 0) & 0x1f) !== DELIMITER_TYPE) parts.push(START_CODE, unit);
      }
      return parts;
    },
  };
}

const ADTS_BYTES = 7;
/** An object type that the two bits of a header can name; HE-AAC is announced as the AAC-LC that it is built on. */
const AAC_LC = 2;
const MAX_NAMED_TYPE = 4;

/** `descriptor`: the payload of `esds`. Its AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) says what each frame's header repeats. */
function aacUnits(descriptor: Buffer): AccessUnits {
  const config = readElementaryStream(descriptor)?.specific;
  if (!config || config.byteLength < 2) throw new FerriteError('INTERNAL', 'the sound tells no configuration');
  const bits = config.readUInt16BE(0);
  const objectType = bits >> 11;
  const profile = (objectType <= MAX_NAMED_TYPE ? objectType : AAC_LC) - 1;
  const rateIndex = (bits >> 7) & 0xf;
  const channels = (bits >> 3) & 0xf;
  return {
    ...AAC_ADTS,
    unitOf({ bytes }) {
      const length = bytes.byteLength + ADTS_BYTES;
      // Sync word, MPEG-4, no CRC (1.A.2.2).
      const header = Buffer.from([
        0xff,
        0xf1,
        (profile << 6) | (rateIndex << 2) | (channels >> 2),
        ((channels & 3) << 6) | (length >> 11),
        (length >> 3) & 0xff,
        ((length & 7) << 5) | 0x1f,
        0xfc,
      ]);
      return [header, bytes];
    },
  };
}
