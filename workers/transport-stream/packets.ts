// The packets of a transport stream with one elementary stream (ISO/IEC 13818-1, 2.4.3), such that any segment may follow any other.

const PACKET_BYTES = 188;
const HEADER_BYTES = 4;
const ROOM = PACKET_BYTES - HEADER_BYTES;
const CLOCK_FIELD_BYTES = 8;
/** Packets of a stream are counted modulo this. */
const COUNTS = 16;
const TABLE_ID = { programs: 0, streams: 2 };
const PIDS = { programs: 0, streams: 0x1000, media: 0x100 };
const PROGRAM = 1;

/** Of 90 kHz. */
export type PesTimes = { readonly pts: number; readonly dts: number };

/** One packetized elementary stream packet: some frames with the time of the first. */
export type Pes = PesTimes & { readonly bytes: Buffer; readonly isSync: boolean };

/** The frame's parts behind a header with its times (2.4.3.6); DTS only where it differs. */
export function pes(streamId: number, { pts, dts, isSync }: PesTimes & { isSync: boolean }, parts: readonly Buffer[]): Pes {
  const times = dts === pts ? [timestamp(2, pts)] : [timestamp(3, pts), timestamp(1, dts)];
  const timeBytes = 5 * times.length;
  const payload = parts.reduce((sum, part) => sum + part.byteLength, 3 + timeBytes);
  // A picture may be longer than the field can say: 0 is "until the next begins".
  const length = payload > 0xffff ? 0 : payload;
  const head = Buffer.from([0, 0, 1, streamId, length >> 8, length & 0xff, 0x84, dts === pts ? 0x80 : 0xc0, timeBytes]);
  return { pts, dts, isSync, bytes: Buffer.concat([head, ...times, ...parts]) };
}

function timestamp(mark: number, ticks: number): Buffer {
  const high = Math.floor(ticks / 2 ** 30) & 0x7;
  const low = ticks % 2 ** 30;
  const middle = low >> 15;
  const last = low & 0x7fff;
  return Buffer.from([(mark << 4) | (high << 1) | 1, middle >> 7, ((middle & 0x7f) << 1) | 1, last >> 7, ((last & 0x7f) << 1) | 1]);
}

/**
 * A whole segment: its tables, then the frames. Tables are counted by the segment's number, frames in a multiple of sixteen packets: each
 * segment goes on counting where the one before it ended, whoever made either.
 */
export function packets(streamType: number, index: number, all: readonly Pes[]): Buffer {
  const counts = all.map(packetsOf);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const longest = all.reduce((best, { bytes }, at) => (bytes.byteLength > (all[best]?.bytes.byteLength ?? 0) ? at : best), 0);
  const extra = (COUNTS - (total % COUNTS)) % COUNTS;
  const out = Buffer.alloc((2 + total + extra) * PACKET_BYTES, 0xff);
  writeTable(out, 0, { pid: PIDS.programs, count: index % COUNTS, section: programs() });
  writeTable(out, PACKET_BYTES, { pid: PIDS.streams, count: index % COUNTS, section: streams(streamType) });
  let packet = 0;
  for (const [at, frame] of all.entries()) {
    const count = (counts[at] ?? 0) + (at === longest ? extra : 0);
    writePes(out.subarray((2 + packet) * PACKET_BYTES), frame, { first: packet, count });
    packet += count;
  }
  return out;
}

const packetsOf = ({ bytes }: Pes): number => 1 + Math.ceil(Math.max(0, bytes.byteLength - (ROOM - CLOCK_FIELD_BYTES)) / ROOM);

/** Over `count` packets, at least as many as it needs: the clock in the first, a byte at least in each. */
function writePes(out: Buffer, { bytes, dts, isSync }: Pes, { first, count }: { first: number; count: number }): void {
  let from = 0;
  for (let packet = 0; packet < count; packet++) {
    const at = packet * PACKET_BYTES;
    const isFirst = packet === 0;
    const room = isFirst ? ROOM - CLOCK_FIELD_BYTES : ROOM;
    const size = Math.min(room, bytes.byteLength - from - (count - packet - 1));
    const field = ROOM - size;
    out[at] = 0x47;
    out.writeUInt16BE((isFirst ? 0x4000 : 0) | PIDS.media, at + 1);
    out[at + 3] = (field > 0 ? 0x30 : 0x10) | ((first + packet) % COUNTS);
    if (field > 0) out[at + 4] = field - 1;
    if (field > 1) out[at + 5] = isFirst ? (isSync ? 0x50 : 0x10) : 0;
    if (isFirst) writeClock(out, at + 6, dts);
    bytes.copy(out, at + HEADER_BYTES + field, from, from + size);
    from += size;
  }
}

/** The programme clock (2.4.3.5): what is decoded at `ticks` has been sent by then. */
function writeClock(out: Buffer, at: number, ticks: number): void {
  out.writeUInt32BE(Math.floor(ticks / 2) % 2 ** 32, at);
  out.writeUInt16BE((ticks % 2 === 1 ? 0x8000 : 0) | 0x7e00, at + 4);
}

function writeTable(out: Buffer, at: number, { pid, count, section }: { pid: number; count: number; section: Buffer }): void {
  out[at] = 0x47;
  out.writeUInt16BE(0x4000 | pid, at + 1);
  out[at + 3] = 0x10 | count;
  out[at + 4] = 0;
  section.copy(out, at + 5);
}

/** 2.4.4.3: one programme, and where its streams are told. */
const programs = (): Buffer => table(TABLE_ID.programs, [0, PROGRAM, 0xe0 | (PIDS.streams >> 8), PIDS.streams & 0xff]);

/** 2.4.4.8: one stream, which has the clock. */
const streams = (streamType: number): Buffer => {
  const pid = [0xe0 | (PIDS.media >> 8), PIDS.media & 0xff];
  return table(TABLE_ID.streams, [...pid, 0xf0, 0, streamType, ...pid, 0xf0, 0]);
};

function table(id: number, content: readonly number[]): Buffer {
  const length = 5 + content.length + 4;
  const section = Buffer.from([id, 0xb0 | (length >> 8), length & 0xff, 0, PROGRAM, 0xc1, 0, 0, ...content]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc(section));
  return Buffer.concat([section, sum]);
}

/** Annex A: nothing is reflected or inverted, as zlib's is. */
function crc(bytes: Buffer): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000_0000 ? (sum << 1) ^ 0x04c1_1db7 : sum << 1;
  }
  return sum >>> 0;
}
