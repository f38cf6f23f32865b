// Which pictures no other picture needs: where only later ones are wanted, such a picture need not be decoded.

const SLICE_TYPES = { first: 1, last: 5 };
const PARAMETER_SET_TYPES = { first: 7, last: 8 };

/** Tells it from the slices of one sample, with NAL units that have a length of `lengthBytes` before them. */
export type IsUnreferenced = (sample: Buffer) => boolean;

/** Null where it can't be told of this codec. `sampleEntry`: the whole `stsd` entry. */
export function unreferencedPictures(sampleEntry: Buffer): IsUnreferenced | null {
  const format = sampleEntry.toString('latin1', 4, 8);
  if (format !== 'avc1' && format !== 'avc3') return null;
  const configuration = sampleEntry.indexOf('avcC', 86, 'latin1');
  const sizes = configuration === -1 ? undefined : sampleEntry[configuration + 8];
  if (sizes === undefined) return null;
  const lengthBytes = (sizes & 0x3) + 1;
  return sample => isUnreferencedAvc(sample, lengthBytes);
}

/** Every slice has nal_ref_idc 0 (ITU-T H.264, 7.4.1), and nothing in the sample is for others. */
function isUnreferencedAvc(sample: Buffer, lengthBytes: number): boolean {
  let hasSlice = false;
  for (let at = 0; at + lengthBytes < sample.byteLength; ) {
    const head = sample[at + lengthBytes] ?? 0;
    const type = head & 0x1f;
    if (type >= PARAMETER_SET_TYPES.first && type <= PARAMETER_SET_TYPES.last) return false;
    if (type >= SLICE_TYPES.first && type <= SLICE_TYPES.last) {
      if ((head & 0x60) !== 0) return false;
      hasSlice = true;
    }
    at += lengthBytes + sample.readUIntBE(at, lengthBytes);
  }
  return hasSlice;
}
