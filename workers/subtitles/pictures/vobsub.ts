// The subtitles of DVD (VobSub): what an `.idx` says of colours and places, and the pictures that packets hold.
import type { Bitmap, Canvas, Colour, Picture } from './bitmap.ts';
import { FIRST_INDEX } from './pgs.ts';

/** Of a packet that does not say when it is taken off, and that no other follows. */
const USUAL_MS = 5_000;
const DATE_MS = 1024 / 90;
/** As a date of the end: until the next. */
const NEVER = 0xffff;
const MAX_SIDE = 2_048;
const MAX_COMMANDS = 64;

export type VobSubHeader = Canvas & { readonly palette: readonly Colour[] };

/** `#` begins what players pass over. */
export function readIdxHeader(text: string): VobSubHeader {
  const size = /^size:\s*(\d{1,4})\s*x\s*(\d{1,4})/im.exec(text);
  const colours = /^palette:\s*([0-9a-f, \t]+)/im.exec(text)?.[1]?.match(/[0-9a-f]{6}/gi) ?? [];
  return {
    width: Math.min(MAX_SIDE, Number(size?.[1] ?? 720)),
    height: Math.min(MAX_SIDE, Number(size?.[2] ?? 576)),
    palette: Array.from({ length: 16 }, (_, at) => colourOf(colours[at] ?? (at % 2 === 0 ? '000000' : 'ffffff'))),
  };
}

/** One packet; null where it shows nothing, or is damaged. */
export function readPicture(packet: Buffer, ptsMs: number, { palette }: VobSubHeader): Picture | null {
  if (packet.byteLength < 4) return null;
  const control = readControl(packet);
  if (control === null) return null;
  const { box, offsets, colours, alphas, startDate, endDate } = control;
  const width = box[1] - box[0] + 1;
  const height = box[3] - box[2] + 1;
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) return null;
  const indexes = new Uint8Array(width * height);
  for (const field of [0, 1] as const) readField(packet, offsets[field], { indexes, width, height, field });
  const own: Colour[] = colours.map((colour, at) => {
    const { red, green, blue } = palette[colour] ?? { red: 255, green: 255, blue: 255 };
    return { red, green, blue, alpha: Math.round(((alphas[at] ?? 15) * 255) / 15) };
  });
  const bitmap: Bitmap = { x: box[0], y: box[2], width, height, indexes, palette: own };
  const startMs = ptsMs + startDate * DATE_MS;
  return { startMs, endMs: endDate > startDate && endDate !== NEVER ? ptsMs + endDate * DATE_MS : startMs + USUAL_MS, bitmap };
}

type Control = {
  box: [left: number, right: number, top: number, bottom: number];
  offsets: [even: number, odd: number];
  colours: number[];
  alphas: number[];
  startDate: number;
  endDate: number;
};

const PARAMETERS: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 0, 3: 2, 4: 2, 5: 6, 6: 4 };

function readControl(packet: Buffer): Control | null {
  const found: Control = { box: [0, -1, 0, -1], offsets: [4, 4], colours: [0, 1, 2, 3], alphas: [0, 15, 15, 15], startDate: 0, endDate: 0 };
  let at = packet.readUInt16BE(2);
  let count = 0;
  for (;;) {
    if (at + 4 > packet.byteLength) return null;
    const date = packet.readUInt16BE(at);
    const next = packet.readUInt16BE(at + 2);
    let command = at + 4;
    for (; command < packet.byteLength && packet[command] !== 0xff; ) {
      const kind = packet[command] ?? 0xff;
      const length = PARAMETERS[kind];
      if (length === undefined || command + 1 + length > packet.byteLength || ++count > MAX_COMMANDS) break;
      obey(found, kind, { packet, at: command + 1, date });
      command += 1 + length;
    }
    if (next <= at || ++count > MAX_COMMANDS) return found;
    at = next;
  }
}

function obey(found: Control, kind: number, { packet, at, date }: { packet: Buffer; at: number; date: number }): void {
  const nibbles = (): number[] => {
    const value = packet.readUInt16BE(at);
    return [value & 15, (value >> 4) & 15, (value >> 8) & 15, (value >> 12) & 15];
  };
  const pair = (from: number): [number, number] => {
    const value = packet.readUIntBE(from, 3);
    return [value >> 12, value & 0xfff];
  };
  if (kind === 0 || kind === 1) found.startDate = date;
  else if (kind === 2) found.endDate = date;
  else if (kind === 3) found.colours = nibbles();
  else if (kind === 4) found.alphas = nibbles();
  else if (kind === 5) found.box = [...pair(at), ...pair(at + 3)];
  else if (kind === 6) found.offsets = [packet.readUInt16BE(at), packet.readUInt16BE(at + 2)];
}

type Field = { readonly indexes: Uint8Array; readonly width: number; readonly height: number; readonly field: 0 | 1 };

/** Every other row, in runs of two to sixteen bits. */
function readField(packet: Buffer, offset: number, { indexes, width, height, field }: Field): void {
  let nibble = offset * 2;
  const end = packet.byteLength * 2;
  const take = (): number => {
    const byte = packet[nibble >> 1] ?? 0;
    return nibble++ % 2 === 0 ? byte >> 4 : byte & 15;
  };
  for (let row = field; row < height; row += 2) {
    for (let x = 0; x < width; ) {
      if (nibble >= end) return;
      let code = take();
      if (code < 0x4) code = (code << 4) | take();
      if (code < 0x10) code = (code << 4) | take();
      if (code < 0x40) code = (code << 4) | take();
      const run = code >> 2 === 0 ? width - x : Math.min(code >> 2, width - x);
      indexes.fill((code & 3) + FIRST_INDEX, row * width + x, row * width + x + run);
      x += run;
    }
    if (nibble % 2 === 1) nibble++;
  }
}

const colourOf = (hex: string): Colour => {
  const value = Number.parseInt(hex, 16);
  return { red: value >> 16, green: (value >> 8) & 0xff, blue: value & 0xff, alpha: 255 };
};
