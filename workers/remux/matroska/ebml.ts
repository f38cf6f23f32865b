// EBML (RFC 8794) as bytes: elements of a size and an id, read in place.
import { FerriteError } from '#domain/errors.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';

/** Positions count from the start of the bytes the element was read from. `end` is null when the element's size is unknown (live muxing). */
export type Element = { readonly id: number; readonly start: number; readonly end: number | null };

/** An element that lies whole in a buffer. */
export type WholeElement = { readonly id: number; readonly start: number; readonly end: number };

/** Longest id and longest size. */
export const MAX_HEADER_BYTES = 12;

const UNKNOWN_SIZES = [0, 0x7f, 0x3fff, 0x1f_ffff, 0xfff_ffff];

export const unreadable = (message: string): FerriteError => new FerriteError('MEDIA_UNREADABLE', message);

/** The header at `at`, or null when `bytes` ends inside it. Throws when no header can start like this. */
export function readElement(bytes: Buffer, at: number): Element | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const idLength = Math.clz32(first) - 23;
  if (idLength > 4) throw unreadable('the Matroska structure is damaged');
  const sizeAt = at + idLength;
  const sizeFirst = bytes[sizeAt];
  if (sizeFirst === undefined) return null;
  const sizeLength = Math.clz32(sizeFirst) - 23;
  if (sizeLength > 8) throw unreadable('the Matroska structure is damaged');
  const start = sizeAt + sizeLength;
  if (start > bytes.byteLength) return null;
  const size = readSize(bytes, sizeAt, sizeLength);
  return { id: bytes.readUIntBE(at, idLength), start, end: size === null ? null : start + size };
}

/** A variable-size integer of at most 4 bytes, as block headers and EBML lacing hold them; null when `bytes` ends inside it. */
export function readVint(bytes: Buffer, at: number, end: number): { readonly value: number; readonly length: number } | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const length = Math.clz32(first) - 23;
  if (length > 4 || at + length > end) return null;
  return { value: bytes.readUIntBE(at, length) - 2 ** (7 * length), length };
}

/** The elements side by side in `bytes[start, end)`, of a file that has `budget`; all of them have to lie inside. */
export function* elements(bytes: Buffer, start: number, end: number, budget: FileBudget | null): Generator<WholeElement> {
  let at = start;
  while (at < end) {
    const element = readElement(bytes, at);
    budget?.take('descriptions');
    if (!element || element.end === null || element.end > end) throw unreadable('the Matroska structure is damaged');
    yield { id: element.id, start: element.start, end: element.end };
    at = element.end;
  }
}

export function readUnsigned(bytes: Buffer, { start, end }: WholeElement): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 256 + bytes.readUInt8(at);
  if (!Number.isSafeInteger(value)) throw unreadable('a number in the Matroska structure is out of range');
  return value;
}

export function readFloat(bytes: Buffer, { start, end }: WholeElement): number {
  switch (end - start) {
    case 0:
      return 0;
    case 4:
      return bytes.readFloatBE(start);
    case 8:
      return bytes.readDoubleBE(start);
    default:
      throw unreadable('a number in the Matroska structure is damaged');
  }
}

/** Strings may be padded with zero bytes (RFC 8794, 7.4). */
export function readText(bytes: Buffer, { start, end }: WholeElement): string {
  const text = bytes.toString('utf8', start, end);
  const padding = text.indexOf('\0');
  return padding === -1 ? text : text.slice(0, padding);
}

function readSize(bytes: Buffer, at: number, length: number): number | null {
  if (length <= 4) {
    const raw = bytes.readUIntBE(at, length);
    const size = raw - 2 ** (7 * length);
    return size === UNKNOWN_SIZES[length] ? null : size;
  }
  const high = bytes.readUIntBE(at, length - 4) - 2 ** (7 * length - 32);
  const low = bytes.readUInt32BE(at + length - 4);
  const isUnknown = low === 0xffff_ffff && high === 2 ** (7 * length - 32) - 1;
  return isUnknown ? null : high * 2 ** 32 + low;
}
