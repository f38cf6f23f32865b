// The header of an AV1 encode: ffmpeg writes its own before the encoder has told it anything, and leaves the configuration (`av1C`) empty. What
// belongs there stands in the first picture.
import { FerriteError } from '#domain/errors.ts';
import { box, findBox } from '#workers/bmff/boxes.ts';

/** Bytes from the start of a visual sample entry to its child boxes. */
const CHILDREN = 86;
const SEQUENCE_HEADER = 1;

/** Whether the first picture has to be seen before the entry is whole. */
export function isIncomplete(sampleEntry: Buffer): boolean {
  if (sampleEntry.toString('latin1', 4, 8) !== 'av01') return false;
  const found = findBox(sampleEntry, ['av1C'], CHILDREN);
  return found !== undefined && found.end - found.start < 4;
}

/** @throws ENCODE_FAILED where the picture does not begin a sequence */
export function completed(sampleEntry: Buffer, picture: Buffer): Buffer {
  const found = findBox(sampleEntry, ['av1C'], CHILDREN);
  if (!found) return sampleEntry;
  const configuration = box('av1C', configurationOf(sequenceHeaderIn(picture)));
  const whole = Buffer.concat([sampleEntry.subarray(0, found.headerStart), configuration, sampleEntry.subarray(found.end)]);
  whole.writeUInt32BE(whole.byteLength, 0);
  return whole;
}

/** After the delay of the first display (1 bit), the number of operating points (5) and the layers of the first of them (12). */
const LEVEL_BIT = 6 + 1 + 5 + 12;

/** AV1 in ISOBMFF, 2.3: of 8 bits, 4:2:0, as all our encodes are. */
function configurationOf(sequence: Buffer): Buffer {
  // Behind its header of one byte and its length of one.
  const body = sequence.subarray(2);
  const profile = readBits(body, 0, 3);
  // A still picture, its short form, timing: with one of them other things follow than are read here (AV1 bitstream specification, 5.5.1).
  if (readBits(body, 3, 3) !== 0) throw new FerriteError('ENCODE_FAILED', 'the encoder wrote a sequence header of another kind');
  const level = readBits(body, LEVEL_BIT, 5);
  const tier = level > 7 ? readBits(body, LEVEL_BIT + 5, 1) : 0;
  return Buffer.concat([Buffer.from([0x81, (profile << 5) | level, (tier << 7) | 0x0c, 0]), sequence]);
}

function readBits(bytes: Buffer, at: number, count: number): number {
  let value = 0;
  for (let bit = at; bit < at + count; bit++) value = value * 2 + (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
  return value;
}

/** Its open bitstream unit, header and length with it. */
function sequenceHeaderIn(picture: Buffer): Buffer {
  for (let at = 0; at < picture.byteLength; ) {
    const header = picture.readUInt8(at);
    const extension = (header >> 2) & 1;
    let lengthBytes = 0;
    let length = 0;
    // Little endian, seven bits a byte.
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = picture[at + 1 + extension + lengthBytes++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) break;
    }
    const end = at + 1 + extension + lengthBytes + length;
    if (((header >> 3) & 0x0f) === SEQUENCE_HEADER && extension === 0 && lengthBytes === 1) return picture.subarray(at, end);
    at = end;
  }
  throw new FerriteError('ENCODE_FAILED', 'the encoder began without a sequence header');
}
