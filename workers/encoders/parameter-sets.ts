// Parameter sets within the pictures: what hardware makes may be gone on with in software, whose sets differ, under the same init segment.
// Then each keyframe brings its own (ISO/IEC 14496-15: sample entry `avc3`).
import { findBox } from '#workers/bmff/boxes.ts';
import { avcSets, hevcSets } from '#workers/bmff/decoder-records.ts';

/** Bytes from the start of a visual sample entry to its child boxes. */
const CHILDREN = 86;

/** Access unit delimiters come first in a picture. */
const DELIMITERS = { avc: 9, hevc: 35 } as const;

export class InBandSets {
  readonly #sets: Buffer;
  readonly #family: 'avc' | 'hevc';

  /** Null where pictures have them anyway, as in AV1. */
  static of(sampleEntry: Buffer): InBandSets | null {
    const avc = findBox(sampleEntry, ['avcC'], CHILDREN);
    if (avc) return new InBandSets(avcSets(sampleEntry.subarray(avc.start, avc.end)), 'avc');
    const hevc = findBox(sampleEntry, ['hvcC'], CHILDREN);
    return hevc ? new InBandSets(hevcSets(sampleEntry.subarray(hevc.start, hevc.end)), 'hevc') : null;
  }

  private constructor(sets: readonly Buffer[], family: 'avc' | 'hevc') {
    this.#sets = Buffer.concat(sets.flatMap(set => [lengthOf(set), set]));
    this.#family = family;
  }

  /** A keyframe, its units each behind four bytes of length, with the sets where they belong. */
  within(picture: Buffer): Buffer {
    const at = this.#endOfDelimiter(picture);
    return Buffer.concat([picture.subarray(0, at), this.#sets, picture.subarray(at)]);
  }

  #endOfDelimiter(picture: Buffer): number {
    if (picture.byteLength < 6) return 0;
    const header = picture.readUInt8(4);
    const type = this.#family === 'avc' ? header & 0x1f : (header >> 1) & 0x3f;
    const end = 4 + picture.readUInt32BE(0);
    return type === DELIMITERS[this.#family] && end <= picture.byteLength ? end : 0;
  }
}

/** Says that pictures bring their own sets. HEVC stays `hvc1`, though it has them too: Apple's players take no other. */
export function namedInBand(sampleEntry: Buffer): Buffer {
  if (sampleEntry.toString('latin1', 4, 8) !== 'avc1') return sampleEntry;
  const renamed = Buffer.from(sampleEntry);
  renamed.write('avc3', 4, 'latin1');
  return renamed;
}

function lengthOf(set: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(set.byteLength);
  return length;
}
