// The parameter sets in a decoder configuration record: the payload of `avcC` or `hvcC`.

const HEVC_ARRAYS = 22;

/** ISO/IEC 14496-15, 5.3.3.1.2. */
export function avcSets(record: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = record.readUInt8(at++) & mask;
    for (let set = 0; set < count; set++) at = take(record, at, sets);
  }
  return sets;
}

/** ISO/IEC 14496-15, 8.3.3.1.2. */
export function hevcSets(record: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let at = HEVC_ARRAYS;
  const arrays = record.readUInt8(at++);
  for (let array = 0; array < arrays; array++) {
    const type = record.readUInt8(at) & 0x3f;
    const count = record.readUInt16BE(at + 1);
    at += 3;
    // Those of video, sequence and picture; messages stay in the header.
    const kept = type >= 32 && type <= 34 ? sets : [];
    for (let set = 0; set < count; set++) at = take(record, at, kept);
  }
  return sets;
}

function take(record: Buffer, at: number, sets: Buffer[]): number {
  const end = at + 2 + record.readUInt16BE(at);
  sets.push(record.subarray(at + 2, end));
  return end;
}
