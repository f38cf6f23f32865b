// Several frames in one Matroska block (RFC 9559, 10.3): where each lies.
import { readVint, unreadable } from './ebml.ts';

/** `count` is known at once; where the frames lie is told when they are looked at, for most never are. */
export class Laces implements Iterable<Buffer> {
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #lacing: number;

  /** `bytes[start, end)` is what follows the flags of a block; `flags` are those of its header. */
  constructor(bytes: Buffer, start: number, end: number, flags: number) {
    this.#bytes = bytes;
    this.#lacing = flags & 0x06;
    this.#start = start;
    this.#end = end;
    const last = this.#lacing === 0 ? 0 : bytes[start];
    if (last === undefined || (this.#lacing !== 0 && start >= end)) throw damaged();
    this.count = last + 1;
  }

  /** Throws MEDIA_UNREADABLE when the frames do not fit into the block. */
  *[Symbol.iterator](): Generator<Buffer> {
    if (this.#lacing === 0) {
      yield this.#bytes.subarray(this.#start, this.#end);
      return;
    }
    const sized = { bytes: this.#bytes, at: this.#start + 1, end: this.#end, count: this.count - 1 };
    const sizes = sizesOf(sized, this.#lacing);
    for (const size of sizes) {
      if (size < 0 || sized.at + size > sized.end) throw damaged();
      yield this.#bytes.subarray(sized.at, sized.at + size);
      sized.at += size;
    }
    yield this.#bytes.subarray(sized.at, sized.end);
  }
}

/** `count` frames have a size; the one after them takes the rest. `at` moves over the sizes. */
type Sized = { readonly bytes: Buffer; at: number; readonly end: number; readonly count: number };

function sizesOf(sized: Sized, lacing: number): number[] {
  switch (lacing) {
    case 0x02:
      return xiphSizes(sized);
    case 0x06:
      return ebmlSizes(sized);
    default:
      return fixedSizes(sized);
  }
}

function xiphSizes(sized: Sized): number[] {
  const sizes: number[] = [];
  for (let frame = 0; frame < sized.count; frame++) {
    let size = 0;
    let byte = 255;
    while (byte === 255) {
      if (sized.at >= sized.end) throw damaged();
      byte = sized.bytes.readUInt8(sized.at++);
      size += byte;
    }
    sizes.push(size);
  }
  return sizes;
}

/** The first size as it is, each other one as its difference from the one before. */
function ebmlSizes(sized: Sized): number[] {
  const sizes: number[] = [];
  for (let frame = 0; frame < sized.count; frame++) {
    const read = readVint(sized.bytes, sized.at, sized.end);
    if (!read) throw damaged();
    sized.at += read.length;
    const before = sizes.at(-1);
    sizes.push(before === undefined ? read.value : before + read.value - (2 ** (7 * read.length - 1) - 1));
  }
  return sizes;
}

function fixedSizes(sized: Sized): number[] {
  const size = (sized.end - sized.at) / (sized.count + 1);
  if (!Number.isInteger(size)) throw damaged();
  return new Array<number>(sized.count).fill(size);
}

const damaged = () => unreadable('a Matroska block is damaged');
