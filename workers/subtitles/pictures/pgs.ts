// Presentation graphics (the subtitles of Blu-ray) as a file: packets with their times in front, and pictures of other kinds written as such.
import type { Bitmap, Canvas, Colour, Picture } from './bitmap.ts';

const SEGMENT = { palette: 0x14, object: 0x15, composition: 0x16, window: 0x17, end: 0x80 } as const;
const CLOCK = 90;
const MAX_SEGMENT = 0xffff;
/** More than any disc has. */
const MAX_SIDE = 4_096;

/** The segments of a packet (RFC-less; as Matroska keeps them: type, length, payload), each with the header that a file has. */
export function supSegments(packet: Buffer, ptsMs: number): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at + 3 <= packet.byteLength; ) {
    const end = at + 3 + packet.readUInt16BE(at + 1);
    if (end > packet.byteLength) break;
    out.push(header(ptsMs), packet.subarray(at, end));
    at = end;
  }
  return out;
}

/** The size of the screen that a file is drawn for; null where it shows nothing. */
export function canvasOf(sup: Buffer): Canvas | null {
  for (let at = 0; at + 13 <= sup.byteLength && sup.toString('latin1', at, at + 2) === 'PG'; ) {
    const length = sup.readUInt16BE(at + 11);
    if (sup[at + 10] === SEGMENT.composition && at + 17 <= sup.byteLength) {
      const [width, height] = [sup.readUInt16BE(at + 13), sup.readUInt16BE(at + 15)];
      return width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE ? { width, height } : null;
    }
    at += 13 + length;
  }
  return null;
}

type Showing = {
  /** Counted from the first picture of the file, 0. */
  readonly number: number;
  /** When the next picture is shown, which takes this one off where it lasts so long; infinite where there is none. */
  readonly nextMs: number;
  readonly canvas: Canvas;
};

/** A picture as its parts of a file. */
export function displaySets({ startMs, endMs, bitmap }: Picture, { number, nextMs, canvas }: Showing): Buffer[] {
  const composition = (number * 2) & 0xffff;
  const shown = displaySet(startMs, composition, canvas, bitmap);
  return nextMs > endMs ? [...shown, ...displaySet(endMs, composition + 1, canvas, null)] : shown;
}

function displaySet(ms: number, number: number, { width, height }: Canvas, bitmap: Bitmap | null): Buffer[] {
  const rate = 0x10;
  const epochStart = 0x80;
  const composition = Buffer.from([
    ...[...two(width), ...two(height), rate, ...two(number & 0xffff), bitmap === null ? 0 : epochStart, 0, 0],
    ...(bitmap === null ? [0] : [1, 0, 0, 0, 0, ...two(bitmap.x), ...two(bitmap.y)]),
  ]);
  if (bitmap === null) return segments(ms, [[SEGMENT.composition, composition], [SEGMENT.window, Buffer.from([0])], [SEGMENT.end]]);
  const window = Buffer.from([1, 0, ...two(bitmap.x), ...two(bitmap.y), ...two(bitmap.width), ...two(bitmap.height)]);
  return segments(ms, [
    [SEGMENT.composition, composition],
    [SEGMENT.window, window],
    [SEGMENT.palette, Buffer.from([0, 0, ...bitmap.palette.flatMap(paletteEntry)])],
    ...objects(bitmap).map(part => [SEGMENT.object, part] as const),
    [SEGMENT.end],
  ]);
}

/** An object may be longer than a segment: it is sent in parts. */
function objects(bitmap: Bitmap): Buffer[] {
  const runs = encodeRuns(bitmap);
  const parts: Buffer[] = [];
  const first = Buffer.from([...three(runs.byteLength + 4), ...two(bitmap.width), ...two(bitmap.height)]);
  const whole = Buffer.concat([first, runs]);
  const room = MAX_SEGMENT - 4;
  for (let at = 0; at < whole.byteLength; at += room) {
    const flags = (at === 0 ? 0x80 : 0) | (at + room >= whole.byteLength ? 0x40 : 0);
    parts.push(Buffer.concat([Buffer.from([0, 0, 0, flags]), whole.subarray(at, at + room)]));
  }
  return parts;
}

function encodeRuns({ width, height, indexes }: Bitmap): Buffer {
  const out: number[] = [];
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < width; ) {
      const index = indexes[row * width + x] ?? 0;
      let run = 1;
      while (x + run < width && run < 0x3fff && indexes[row * width + x + run] === index) run++;
      if (index !== 0 && run < 3) for (let each = 0; each < run; each++) out.push(index);
      else if (index === 0) out.push(0, ...(run < 64 ? [run] : [0x40 | (run >> 8), run & 0xff]));
      else out.push(0, ...(run < 64 ? [0x80 | run] : [0xc0 | (run >> 8), run & 0xff]), index);
      x += run;
    }
    out.push(0, 0);
  }
  return Buffer.from(out);
}

/** Index 0 is what a run of nothing shows: it stays clear, so that colours begin at 1. */
export const FIRST_INDEX = 1;

function paletteEntry({ red, green, blue, alpha }: Colour, at: number): number[] {
  const luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue;
  const cr = 128 + 0.439 * red - 0.368 * green - 0.071 * blue;
  const cb = 128 - 0.148 * red - 0.291 * green + 0.439 * blue;
  return [at + FIRST_INDEX, Math.round(luma), Math.round(cr), Math.round(cb), alpha];
}

function segments(ms: number, list: readonly (readonly [type: number, payload?: Buffer])[]): Buffer[] {
  return list.flatMap(([type, payload = Buffer.alloc(0)]) => [header(ms), Buffer.from([type, ...two(payload.byteLength)]), payload]);
}

function header(ms: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.write('PG', 'latin1');
  bytes.writeUInt32BE(Math.max(0, Math.round(ms * CLOCK)) % 2 ** 32, 2);
  return bytes;
}

const two = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];
const three = (value: number): [number, number, number] => [(value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
