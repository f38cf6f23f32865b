// How a keyframe map lies on disk: a format byte, the facts as JSON, then the keyframes as varint deltas (about 2 bytes each).
import type { KeyframeMap } from '#domain/media.ts';

const FORMAT = 1;

type Facts = Omit<KeyframeMap, 'video'> & { readonly video: Omit<KeyframeMap['video'], 'keyframes'> };

export function packKeyframeMap(map: KeyframeMap): Buffer {
  const { keyframes, ...video } = map.video;
  const facts: Facts = { ...map, video };
  const json = Buffer.from(JSON.stringify(facts));
  const numbers: number[] = [];
  writeVarint(numbers, json.length);
  const head = Buffer.from([FORMAT, ...numbers]);
  return Buffer.concat([head, json, packKeyframes(keyframes)]);
}

/** Undefined when the bytes have another format or are damaged: the map is then made again from the file. */
export function unpackKeyframeMap(bytes: Uint8Array): KeyframeMap | undefined {
  if (bytes[0] !== FORMAT) return undefined;
  const reader = new VarintReader(bytes, 1);
  const length = reader.next();
  if (length === undefined) return undefined;
  const end = reader.offset + length;
  const facts = parseFacts(Buffer.from(bytes.subarray(reader.offset, end)).toString('utf8'));
  const keyframes = unpackKeyframes(new VarintReader(bytes, end));
  return facts === undefined || keyframes === undefined ? undefined : { ...facts, video: { ...facts.video, keyframes } };
}

function packKeyframes(keyframes: readonly number[]): Buffer {
  const numbers: number[] = [];
  writeVarint(numbers, keyframes.length);
  let previous = 0;
  for (const pts of keyframes) {
    const delta = pts - previous;
    // Zigzag: the first may be negative, and then a small number must stay small.
    writeVarint(numbers, delta >= 0 ? delta * 2 : -delta * 2 - 1);
    previous = pts;
  }
  return Buffer.from(numbers);
}

function unpackKeyframes(reader: VarintReader): number[] | undefined {
  const count = reader.next();
  if (count === undefined) return undefined;
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

/** Seven bits a byte, lowest first. Arithmetic, not shifts: PTS of fine timescales pass 32 bits. */
function writeVarint(numbers: number[], value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError('a keyframe map holds safe integers only');
  let rest = value;
  while (rest >= 0x80) {
    numbers.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  numbers.push(rest);
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
