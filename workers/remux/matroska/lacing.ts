// Several frames in one Matroska block (RFC 9559, 10.3): where each lies.
import { readVint, unreadable } from './ebml.ts';

/** `bytes[start, end)` is what follows the flags of a block; `flags` are those of its header. */
export function splitLaces(bytes: Buffer, start: number, end: number, flags: number): Buffer[] {
  const lacing = flags & 0x06;
  if (lacing === 0) return [bytes.subarray(start, end)];
  const last = bytes[start];
  if (last === undefined || start >= end) throw damaged();
  const sized = { bytes, at: start + 1, end, count: last };
  switch (lacing) {
    case 0x02:
      return cut(sized, xiphSizes(sized));
    case 0x06:
      return cut(sized, ebmlSizes(sized));
    default:
      return cut(sized, fixedSizes(sized));
  }
}

/** `count` frames have a size; the one after them takes the rest. `at` moves over the sizes. */
type Laces = { readonly bytes: Buffer; at: number; readonly end: number; readonly count: number };

function cut(laces: Laces, sizes: readonly number[]): Buffer[] {
  const frames: Buffer[] = [];
  for (const size of sizes) {
    if (size < 0 || laces.at + size > laces.end) throw damaged();
    frames.push(laces.bytes.subarray(laces.at, laces.at + size));
    laces.at += size;
  }
  frames.push(laces.bytes.subarray(laces.at, laces.end));
  return frames;
}

function xiphSizes(laces: Laces): number[] {
  const sizes: number[] = [];
  for (let frame = 0; frame < laces.count; frame++) {
    let size = 0;
    let byte = 255;
    while (byte === 255) {
      if (laces.at >= laces.end) throw damaged();
      byte = laces.bytes.readUInt8(laces.at++);
      size += byte;
    }
    sizes.push(size);
  }
  return sizes;
}

/** The first size as it is, each other one as its difference from the one before. */
function ebmlSizes(laces: Laces): number[] {
  const sizes: number[] = [];
  for (let frame = 0; frame < laces.count; frame++) {
    const read = readVint(laces.bytes, laces.at, laces.end);
    if (!read) throw damaged();
    laces.at += read.length;
    const before = sizes.at(-1);
    sizes.push(before === undefined ? read.value : before + read.value - (2 ** (7 * read.length - 1) - 1));
  }
  return sizes;
}

function fixedSizes(laces: Laces): number[] {
  const size = (laces.end - laces.at) / (laces.count + 1);
  if (!Number.isInteger(size)) throw damaged();
  return new Array<number>(laces.count).fill(size);
}

const damaged = () => unreadable('a Matroska block is damaged');
