// A transport stream with subtitles as teletext (EN 300 472, EN 300 706), which ffmpeg reads and does not write.
import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { ffmpeg } from './media.ts';

export type TeletextPage = { readonly atMs: number; readonly lines: readonly string[] };

const PACKET = 188;
/** A page is sent so soon before it is shown; where it is more than 140 ms, ffmpeg takes its time for a mistake. */
const AHEAD = 4_500;
const PMT_PID = 0x1000;
const TELETEXT_PID = 0x110;
const PAGE = { magazine: 8, tens: 8, units: 8 };
const HAMMING = [0x15, 0x02, 0x49, 0x5e, 0x64, 0x73, 0x38, 0x2f, 0xd0, 0xc7, 0x8c, 0x9b, 0xa1, 0xb6, 0xfd, 0xea];

/** Whether this machine's ffmpeg reads it. */
export const hasTeletext = (): boolean => execFileSync('ffmpeg', ['-v', 'error', '-decoders']).includes(' libzvbi_teletextdec ');

type Subtitles = { readonly language: string; readonly pages: readonly TeletextPage[] };

/** Page 888, in one language; a page without lines takes off what is shown. Times are those of the film, in order. */
export async function writeTeletextFilm(path: string, seconds: number, { language, pages }: Subtitles): Promise<void> {
  const plain = `${path}.plain`;
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=320x180:d=${seconds}:r=25`, '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25'];
  // Its clock begins at 0, which is where ffmpeg takes the first page for the beginning of all.
  await ffmpeg(...picture, '-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts', plain);
  const bytes = await readFile(plain);
  const waiting = [...pages];
  const out: Buffer[] = [];
  const firstPts = Array.from({ length: bytes.byteLength / PACKET }, (_, at) => ptsIn(packetAt(bytes, at))).find(pts => pts !== null) ?? 0;
  let counter = 0;
  const writeUntil = (clock: number): void => {
    for (; waiting[0] !== undefined && firstPts + waiting[0].atMs * 90 <= clock; waiting.shift()) {
      const packets = transportPackets(pes(packetOf(waiting[0]), firstPts + waiting[0].atMs * 90), counter);
      counter += packets.length;
      out.push(...packets);
    }
  };
  for (let at = 0; at * PACKET < bytes.byteLength; at++) {
    const packet = packetAt(bytes, at);
    const clock = clockIn(packet);
    if (clock !== null) writeUntil(clock + AHEAD);
    out.push((packet.readUInt16BE(1) & 0x1fff) === PMT_PID ? withTeletext(packet, language) : packet);
  }
  writeUntil(Number.POSITIVE_INFINITY);
  await rm(plain);
  await writeFile(path, Buffer.concat(out));
}

const packetAt = (bytes: Buffer, at: number): Buffer => bytes.subarray(at * PACKET, (at + 1) * PACKET);

/** The program's clock, where the packet tells it. */
const clockIn = (packet: Buffer): number | null =>
  ((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) > 6 && ((packet[5] ?? 0) & 0x10) !== 0
    ? packet.readUInt32BE(6) * 2 + ((packet[10] ?? 0) >> 7)
    : null;

const ptsIn = (packet: Buffer): number | null => {
  const start = (packet[3] ?? 0) & 0x20 ? 5 + (packet[4] ?? 0) : 4;
  if (((packet[1] ?? 0) & 0x40) === 0 || packet.readUIntBE(start, 3) !== 1 || ((packet[start + 7] ?? 0) & 0x80) === 0) return null;
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = packet.subarray(start + 9, start + 14);
  return ((a >> 1) & 7) * 2 ** 30 + (b << 22) + ((c >> 1) << 15) + (d << 7) + (e >> 1);
};

/** The table of the program with one stream more. */
function withTeletext(packet: Buffer, language: string): Buffer {
  const start = 5;
  const end = start + 3 + (packet.readUInt16BE(start + 1) & 0xfff) - 4;
  const descriptor = Buffer.concat([
    Buffer.from([0x56, 5]),
    Buffer.from(language),
    Buffer.from([(2 << 3) | (PAGE.magazine & 7), (PAGE.tens << 4) | PAGE.units]),
  ]);
  const stream = Buffer.from([6, 0xe0 | (TELETEXT_PID >> 8), TELETEXT_PID & 0xff, 0xf0, descriptor.byteLength]);
  const section = Buffer.concat([packet.subarray(start, end), stream, descriptor]);
  section.writeUInt16BE(0xb000 | (section.byteLength - 3 + 4), 1);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(section));
  const whole = Buffer.concat([packet.subarray(0, start), section, crc]);
  return Buffer.concat([whole, Buffer.alloc(PACKET - whole.byteLength, 0xff)]);
}

/** Its header and its rows, and the header of a page that is none, by which the first is known to be whole. */
function packetOf({ lines }: TeletextPage): Buffer {
  const rows = lines.map((line, at) => ({ row: 20 + 2 * at, data: [0x0d, 0x0b, 0x0b, ...Buffer.from(line), 0x0a, 0x0a].map(odd) }));
  const all = [{ row: 0, data: header(PAGE.tens, PAGE.units) }, ...rows, { row: 0, data: header(15, 15) }];
  return Buffer.concat([Buffer.from([0x10]), ...all.map(({ row, data }, at) => unit(row, data, 7 + at))]);
}

/** C4: what was shown is erased; C6 and C7: subtitles, without the header itself. */
const header = (tens: number, units: number): number[] => [
  ...[units, tens, 0, 8, 0, 8, 1, 0].map(nibble => HAMMING[nibble] ?? 0),
  ...Array(32).fill(odd(0x20)),
];

function unit(row: number, data: readonly number[], line: number): Buffer {
  const address = (PAGE.magazine & 7) | ((row & 1) << 3);
  const body = [HAMMING[address] ?? 0, HAMMING[row >> 1] ?? 0, ...data, ...Array(40).fill(odd(0x20))].slice(0, 42);
  return Buffer.from([3, 0x2c, 0xe0 | line, 0xe4, ...body.map(reversed)]);
}

function pes(payload: Buffer, pts: number): Buffer {
  const header = Buffer.alloc(45, 0xff);
  const times = [
    0x21 | (Math.floor(pts / 2 ** 30) << 1),
    (pts >> 22) & 0xff,
    ((pts >> 14) & 0xfe) | 1,
    (pts >> 7) & 0xff,
    ((pts << 1) & 0xfe) | 1,
  ];
  Buffer.from([0, 0, 1, 0xbd, 0, 0, 0x84, 0x80, 0x24, ...times]).copy(header);
  // As many units as fill whole transport packets.
  const wanted = 184 * Math.ceil((45 + payload.byteLength) / 184) - 45;
  const stuffing = Buffer.alloc(46, 0xff);
  stuffing.set([0xff, 0x2c]);
  const parts = [payload];
  for (let length = payload.byteLength; length < wanted; length += 46) parts.push(stuffing);
  const whole = Buffer.concat([header, ...parts]);
  whole.writeUInt16BE(whole.byteLength - 6, 4);
  return whole;
}

function transportPackets(bytes: Buffer, counter: number): Buffer[] {
  return Array.from({ length: bytes.byteLength / 184 }, (_, at) => {
    const start = (at === 0 ? 0x40 : 0) | (TELETEXT_PID >> 8);
    return Buffer.concat([
      Buffer.from([0x47, start, TELETEXT_PID & 0xff, 0x10 | ((counter + at) & 15)]),
      bytes.subarray(at * 184, (at + 1) * 184),
    ]);
  });
}

const reversed = (byte: number): number => Number.parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2);
const odd = (byte: number): number => (byte.toString(2).replaceAll('0', '').length % 2 === 0 ? byte | 0x80 : byte);

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}
