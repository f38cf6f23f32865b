// Changes a file the way damage and malice do: its counts, sizes, nesting, types and versions, what is there and how often, and plain bytes.
import type { Random } from './random.ts';
import { type Format, type Part, splice } from './trees.ts';

type Mutation = (bytes: Buffer, format: Format, random: Random) => Buffer;

const ODD_WORDS = [
  0, 1, 2, 3, 7, 8, 0x7f, 0xff, 0x7fff, 0xffff, 0x10_0000, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
];
const MAX_COPIES = 300;
const MAX_MUTATIONS = 4;
const MAX_FILE_BYTES = 2 * 1024 * 1024;

/** Of every type alike: there are thousands of blocks for each list of tracks, which says far more. */
function somePart(bytes: Buffer, format: Format, random: Random): Part {
  const parts = format.parts(bytes);
  const type = random.of([...new Set(parts.map(part => part.type))]);
  return random.of(parts.filter(part => part.type === type));
}

const oddWord = (random: Random): number => (random.below(3) === 0 ? random.below(2 ** 32) : random.of(ODD_WORDS));

const changeWord: Mutation = (bytes, format, random) => {
  const { start, end } = somePart(bytes, format, random);
  const words = Math.min(Math.floor((end - start) / 4), random.below(4) === 0 ? 1000 : 8);
  if (words > 0) bytes.writeUInt32BE(oddWord(random), start + 4 * random.below(words));
  return bytes;
};

const nudgeByte: Mutation = (bytes, format, random) => {
  const { start, end } = somePart(bytes, format, random);
  const at = start + random.below(Math.max(1, Math.min(end - start, 64)));
  if (at < end) bytes.writeUInt8(((bytes[at] ?? 0) + random.of([1, 255, 128, 64])) & 0xff, at);
  return bytes;
};

const changeSize: Mutation = (bytes, format, random) => {
  const part = somePart(bytes, format, random);
  const payload = part.end - part.start;
  format.writeSize(bytes, part, random.of([0, 1, payload - 1, payload + 1, payload * 2, payload + 1000, oddWord(random)]));
  return bytes;
};

/** 0, 1 and all bits set have meanings of their own in both formats. */
const changeSizeBytes: Mutation = (bytes, format, random) => {
  const part = somePart(bytes, format, random);
  const size = random.of([
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([0, 0, 0, 1]),
    Buffer.from([0xff]),
    Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ]);
  size.copy(bytes, part.sizeStart);
  return bytes;
};

const changeType: Mutation = (bytes, format, random) => {
  const [part, other] = [somePart(bytes, format, random), somePart(bytes, format, random)];
  // Of a box the type stands behind the size, of an element in front of it.
  const [at, from] =
    part.sizeStart === part.headerStart ? [part.headerStart + 4, other.headerStart + 4] : [part.headerStart, other.headerStart];
  const length = part.sizeStart === part.headerStart ? 4 : Math.min(part.sizeStart - at, other.sizeStart - from);
  bytes.copy(bytes, at, from, from + length);
  return bytes;
};

const remove: Mutation = (bytes, format, random) => {
  const { headerStart, end, parent } = somePart(bytes, format, random);
  return splice(format, bytes, { from: headerStart, to: end, parent }, Buffer.alloc(0));
};

const repeat: Mutation = (bytes, format, random) => {
  const { headerStart, end, parent } = somePart(bytes, format, random);
  const part = bytes.subarray(headerStart, end);
  const room = Math.max(1, Math.floor((MAX_FILE_BYTES - bytes.byteLength) / Math.max(1, part.byteLength)));
  const copies = Math.min(room, random.below(4) === 0 ? random.below(MAX_COPIES) + 1 : 1);
  return splice(format, bytes, { from: end, to: end, parent }, Buffer.alloc(part.byteLength * copies, part));
};

/** Into or in front of any other. */
const move: Mutation = (bytes, format, random) => {
  const [part, target] = [somePart(bytes, format, random), somePart(bytes, format, random)];
  const copy = Buffer.from(bytes.subarray(part.headerStart, part.end));
  if (bytes.byteLength + copy.byteLength > MAX_FILE_BYTES) return bytes;
  const isInside = random.below(2) === 0;
  const at = isInside ? target.start : target.headerStart;
  return splice(format, bytes, { from: at, to: at, parent: isInside ? target : target.parent }, copy);
};

const swapRows: Mutation = (bytes, format, random) => {
  const { start, end } = somePart(bytes, format, random);
  const words = Math.floor((end - start) / 4);
  if (words < 2) return bytes;
  const [a, b] = [start + 4 * random.below(words), start + 4 * random.below(words)];
  const word = bytes.readUInt32BE(a);
  bytes.copy(bytes, a, b, b + 4);
  bytes.writeUInt32BE(word, b);
  return bytes;
};

const cutOff: Mutation = (bytes, _, random) => bytes.subarray(0, 16 + random.below(bytes.byteLength));

const plainBytes: Mutation = (bytes, _, random) => {
  for (let hits = random.below(8) + 1; hits > 0; hits--) bytes.writeUInt8(random.below(256), random.below(bytes.byteLength));
  return bytes;
};

const MUTATIONS = [
  changeWord,
  changeWord,
  changeWord,
  nudgeByte,
  nudgeByte,
  changeSize,
  changeSizeBytes,
  changeType,
  remove,
  repeat,
  move,
  swapRows,
  cutOff,
  plainBytes,
];

/** A changed copy. */
export function mutate(film: Buffer, format: Format, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(film);
  for (let count = random.below(MAX_MUTATIONS) + 1; count > 0; count--) {
    // A change may leave nothing that looks like a part.
    if (bytes.byteLength < 64 || !hasParts(bytes, format)) return bytes;
    bytes = Buffer.from(random.of(MUTATIONS)(bytes, format, random));
  }
  return bytes;
}

function hasParts(bytes: Buffer, format: Format): boolean {
  try {
    return format.parts(bytes).length > 0;
  } catch {
    return false;
  }
}
