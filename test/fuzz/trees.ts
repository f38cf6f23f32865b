// The boxes or elements of a whole file as a tree whose parts can be cut out, put in and given other sizes.
import { boxes } from '#workers/bmff/boxes.ts';
import { readElement } from '#workers/remux/matroska/ebml.ts';

export type Part = {
  readonly type: string;
  readonly headerStart: number;
  /** Of its size field. */
  readonly sizeStart: number;
  /** Of its payload. */
  readonly start: number;
  readonly end: number;
  readonly parent: Part | null;
};

export type Format = {
  /** In file order, parents before their children. */
  readonly parts: (bytes: Buffer) => Part[];
  /** Makes the size field say that the payload has so many bytes, as far as it can. */
  readonly writeSize: (bytes: Buffer, part: Part, payloadByteLength: number) => void;
};

const BOX_PARENTS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'mvex', 'moof', 'traf', 'udta', 'dinf', 'tref']);

function boxParts(bytes: Buffer, start = 0, end = bytes.byteLength, parent: Part | null = null): Part[] {
  return [...boxes(bytes, start, end)].flatMap(box => {
    const part: Part = { type: box.type, headerStart: box.headerStart, sizeStart: box.headerStart, start: box.start, end: box.end, parent };
    return [part, ...(BOX_PARENTS.has(box.type) ? boxParts(bytes, box.start, box.end, part) : [])];
  });
}

export const BOXES: Format = {
  parts: bytes => boxParts(bytes),
  writeSize: (bytes, { headerStart, start }, payloadByteLength) => {
    bytes.writeUInt32BE((payloadByteLength + start - headerStart) >>> 0, headerStart);
  },
};

const ELEMENT_PARENTS = new Set([
  0x1a45dfa3, 0x18538067, 0x114d9b74, 0x4dbb, 0x1549a966, 0x1654ae6b, 0xae, 0xe0, 0xe1, 0x6d80, 0x6240, 0x5034, 0x1c53bb6b, 0xbb, 0xb7,
  0x1f43b675, 0xa0,
]);

function elementParts(bytes: Buffer, start = 0, end = bytes.byteLength, parent: Part | null = null): Part[] {
  const parts: Part[] = [];
  for (let at = start; at < end; ) {
    const element = readElement(bytes, at);
    if (!element) break;
    const part: Part = {
      type: element.id.toString(16),
      headerStart: at,
      sizeStart: at + idLength(element.id),
      start: element.start,
      end: Math.min(element.end ?? end, end),
      parent,
    };
    parts.push(part, ...(ELEMENT_PARENTS.has(element.id) ? elementParts(bytes, part.start, part.end, part) : []));
    at = part.end;
  }
  return parts;
}

const idLength = (id: number): number => (id > 0xff_ffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);

export const ELEMENTS: Format = {
  parts: bytes => elementParts(bytes),
  writeSize: (bytes, { sizeStart, start }, payloadByteLength) => {
    const length = start - sizeStart;
    const most = 2 ** (7 * length) - 2;
    let rest = Math.max(0, Math.min(payloadByteLength, most)) + 2 ** (7 * length);
    for (let at = start - 1; at >= sizeStart; at--) {
      bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  },
};

/** Puts `insert` in place of [from, to), which lies in `parent`: everything around it grows or shrinks with it. */
export function splice(format: Format, bytes: Buffer, place: { from: number; to: number; parent: Part | null }, insert: Buffer): Buffer {
  const { from, to, parent } = place;
  const changed = Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(to)]);
  const growth = insert.byteLength - (to - from);
  for (let around = parent; around; around = around.parent) format.writeSize(changed, around, around.end - around.start + growth);
  return changed;
}
