// How a keyframe map lies on disk: a format byte, the facts as JSON, then the keyframes as varint deltas (about 2 bytes each).
import { MAX_KEYFRAMES } from '#domain/keyframes.ts';
import type { KeyframeMap } from '#domain/media.ts';

const FORMAT = 3;

type Facts = Omit<KeyframeMap, 'video'> & { readonly video: Omit<KeyframeMap['video'], 'keyframes'> };

const MAX_VARINT_BYTES = 8;

export function packKeyframeMap(map: KeyframeMap): Buffer {
  const { keyframes, ...video } = map.video;
  const facts: Facts = { ...map, video };
  const json = Buffer.from(JSON.stringify(facts));
  const bytes = new Uint8Array(1 + json.byteLength + MAX_VARINT_BYTES * (2 + keyframes.length));
  bytes[0] = FORMAT;
  let end = writeVarint(bytes, 1, json.byteLength);
  bytes.set(json, end);
  end = writeVarint(bytes, end + json.byteLength, keyframes.length);
  let previous = 0;
  for (const pts of keyframes) {
    const delta = pts - previous;
    // Zigzag: the first may be negative, and then a small number must stay small.
    end = writeVarint(bytes, end, delta >= 0 ? delta * 2 : -delta * 2 - 1);
    previous = pts;
  }
  return Buffer.from(bytes.subarray(0, end));
}

/** Undefined when the bytes have another format, are damaged or hold too many keyframes: the map is then made again from the file. */
export function unpackKeyframeMap(bytes: Uint8Array): KeyframeMap | undefined {
  const head = readHead(bytes);
  const keyframes = head && unpackKeyframes(head.reader, head.count);
  return keyframes && { ...head.facts, video: { ...head.facts.video, keyframes } };
}

/** The version of the file that a map belongs to, without unpacking its keyframes. Undefined as for `unpackKeyframeMap`. */
export const packedVersion = (bytes: Uint8Array): string | undefined => readHead(bytes)?.facts.version;

/** The reader stands at the first of `count` keyframes. */
function readHead(bytes: Uint8Array): { readonly facts: Facts; readonly count: number; readonly reader: VarintReader } | undefined {
  if (bytes[0] !== FORMAT) return undefined;
  const reader = new VarintReader(bytes, 1);
  const length = reader.next();
  if (length === undefined) return undefined;
  const end = reader.offset + length;
  const facts = parseFacts(Buffer.from(bytes.subarray(reader.offset, end)).toString('utf8'));
  reader.offset = end;
  const count = reader.next();
  // Each has at least a byte.
  const isWhole = count !== undefined && count <= MAX_KEYFRAMES && reader.offset + count <= bytes.byteLength;
  return facts && isWhole ? { facts, count, reader } : undefined;
}

function unpackKeyframes(reader: VarintReader, count: number): number[] | undefined {
  const keyframes: number[] = [];
  let pts = 0;
  for (let index = 0; index < count; index++) {
    const zigzag = reader.next();
    if (zigzag === undefined) return undefined;
    pts += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    keyframes.push(pts);
  }
  return keyframes;
}

/** Seven bits a byte, lowest first. Arithmetic, not shifts: PTS of fine timescales pass 32 bits. Returns where it ends. */
function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError('a keyframe map holds safe integers only');
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

class VarintReader {
  readonly #bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  /** Undefined past the end. */
  next(): number | undefined {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.offset++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}

function parseFacts(json: string): Facts | undefined {
  try {
    return JSON.parse(json) as Facts;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
