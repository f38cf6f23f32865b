// The bytes of a program stream, from a packet of it on, with its times on the mended clock (ISO/IEC 13818-1, 2.5.3).
import type { MendedTrack } from '#domain/media.ts';
import type { BytesMender } from './bytes-mender.ts';
import { movePes, pesTimes } from './pes-header.ts';
import { TrackOffsets } from './track-offsets.ts';

const PACK = 0xba;
const END = 0xb9;
const SYSTEM_HEADER = 0xbb;
const PRIVATE_STREAM_1 = 0xbd;
/** Whose header is that of sound or picture. */
const isTimed = (stream: number): boolean => stream === PRIVATE_STREAM_1 || (stream >= 0xc0 && stream <= 0xef) || stream === 0xfd;
/** The longest header, and the byte after it. */
const MAX_HEADER = 6 + 3 + 255 + 1;
const START_CODE = Buffer.from([0, 0, 1]);

export class ProgramStreamMender implements BytesMender {
  readonly #offsets: TrackOffsets;
  #rest: Buffer = Buffer.alloc(0);
  #position: number;

  constructor(tracks: readonly MendedTrack[], { position }: { position: number }) {
    this.#offsets = new TrackOffsets(tracks);
    this.#position = position;
  }

  push(bytes: Buffer): Buffer {
    return this.#mendUpTo(Buffer.concat([this.#rest, bytes]), MAX_HEADER);
  }

  end(): Buffer {
    return this.#mendUpTo(this.#rest, 6);
  }

  /** Packets of which at least `needed` bytes are there. What is left waits for more. */
  #mendUpTo(all: Buffer, needed: number): Buffer {
    let at = 0;
    while (all.byteLength - at >= needed) {
      if (all.indexOf(START_CODE, at) !== at) {
        const next = all.indexOf(START_CODE, at);
        at = next === -1 ? all.byteLength - 2 : next;
        continue;
      }
      const length = this.#mendPacket(all.subarray(at), this.#position + at);
      // A packet goes on only as a whole: the next begins where it ends.
      if (at + length > all.byteLength) break;
      at += length;
    }
    const end = Math.min(at, all.byteLength);
    this.#rest = all.subarray(end);
    this.#position += end;
    return all.subarray(0, end);
  }

  /** Returns its length. */
  #mendPacket(packet: Buffer, position: number): number {
    const stream = packet[3] ?? 0;
    if (stream === PACK) return packLength(packet);
    if (stream === END || stream < SYSTEM_HEADER) return 4;
    const length = 6 + packet.readUInt16BE(4);
    // It will be seen again when the rest of it has come.
    if (length > packet.byteLength || !isTimed(stream)) return length;
    const times = pesTimes(packet.subarray(0, length));
    if (times) movePes(packet, times, this.#offsets.at(this.#idOf(stream, packet[times.payloadStart] ?? 0), position));
    return length;
  }

  /** As ffmpeg numbers the streams: a substream of private stream 1 by its own number. */
  #idOf(stream: number, substream: number): number {
    return stream === PRIVATE_STREAM_1 && this.#offsets.has(substream) ? substream : 0x100 + stream;
  }
}

function packLength(pack: Buffer): number {
  const isMpeg2 = (pack[4] ?? 0) >> 6 === 1;
  return isMpeg2 ? 14 + ((pack[13] ?? 0) & 7) : 12;
}
