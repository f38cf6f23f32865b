// The bytes of a transport stream, from anywhere in it, with its times on the mended clock (ISO/IEC 13818-1, 2.4.3.2).
import type { MendedTrack } from '#domain/media.ts';
import type { BytesMender } from './bytes-mender.ts';
import { movePes, pesTimes } from './pes-header.ts';
import { TrackOffsets } from './track-offsets.ts';

const SYNC = 0x47;
const PACKET = 188;
/** Plain; with a time in front of each packet (M2TS); with parity behind it. */
const STRIDES = [188, 192, 204];
const CHECKED_PACKETS = 5;
const CHECKED_BYTES = CHECKED_PACKETS * Math.max(...STRIDES);
const PAT_PID = 0;

export class TransportStreamMender implements BytesMender {
  readonly #offsets: TrackOffsets;
  /** Before this byte nothing is let through but the tables that say what the streams are. */
  readonly #start: number;
  readonly #tables = new Set([PAT_PID]);
  #stride = 0;
  #rest: Buffer = Buffer.alloc(0);
  #position: number;

  /** `position`: of the first byte that is pushed. */
  constructor(tracks: readonly MendedTrack[], { position, start }: { position: number; start: number }) {
    this.#offsets = new TrackOffsets(tracks);
    this.#position = position;
    this.#start = start;
  }

  push(bytes: Buffer): Buffer {
    const all = Buffer.concat([this.#rest, bytes]);
    const packets: Buffer[] = [];
    let at = 0;
    while (all.byteLength - at >= CHECKED_BYTES) {
      if (all[at] !== SYNC || all[at + this.#stride] !== SYNC) this.#stride = 0;
      if (this.#stride === 0) {
        const found = findSync(all, at);
        // What is no packet is left out.
        at = found?.at ?? all.byteLength - CHECKED_BYTES + 1;
        if (found === null) break;
        this.#stride = found.stride;
      }
      const packet = all.subarray(at, at + PACKET);
      if (this.#mend(packet, this.#position + at)) packets.push(packet);
      at += this.#stride;
    }
    this.#rest = all.subarray(at);
    this.#position += at;
    return Buffer.concat(packets);
  }

  end(): Buffer {
    const packets: Buffer[] = [];
    const stride = this.#stride || PACKET;
    for (let at = 0; this.#rest.byteLength - at >= PACKET && this.#rest[at] === SYNC; at += stride) {
      const packet = this.#rest.subarray(at, at + PACKET);
      if (this.#mend(packet, this.#position + at)) packets.push(packet);
    }
    return Buffer.concat(packets);
  }

  /** False: the packet is left out. */
  #mend(packet: Buffer, position: number): boolean {
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const begins = ((packet[1] ?? 0) & 0x40) !== 0;
    const control = ((packet[3] ?? 0) >> 4) & 3;
    const payloadStart = control & 2 ? 5 + (packet[4] ?? 0) : 4;
    const hasPayload = (control & 1) === 1 && payloadStart < PACKET;
    if (pid === PAT_PID && begins && hasPayload) this.#readPrograms(packet.subarray(payloadStart));
    if (position < this.#start) return this.#tables.has(pid);
    if (!begins || !hasPayload || !this.#offsets.has(pid)) return true;
    const pes = packet.subarray(payloadStart);
    const times = pesTimes(pes);
    if (times) movePes(pes, times, this.#offsets.at(pid, position));
    return true;
  }

  /** The programme association section: from each programme's number to the PID of its own table. */
  #readPrograms(payload: Buffer): void {
    const section = payload.subarray(1 + (payload[0] ?? 0));
    if (section.byteLength < 8 || section[0] !== 0) return;
    const end = Math.min(3 + (section.readUInt16BE(1) & 0xfff) - 4, section.byteLength);
    for (let at = 8; at + 4 <= end; at += 4) this.#tables.add(section.readUInt16BE(at + 2) & 0x1fff);
  }
}

/** Where packets begin that follow each other at an equal distance; null: not in these bytes. */
function findSync(bytes: Buffer, from: number): { at: number; stride: number } | null {
  for (let at = from; at + CHECKED_BYTES <= bytes.byteLength; at++) {
    if (bytes[at] !== SYNC) continue;
    const stride = STRIDES.find(length => isEvery(bytes, at, length));
    if (stride !== undefined) return { at, stride };
  }
  return null;
}

function isEvery(bytes: Buffer, at: number, stride: number): boolean {
  for (let packet = 1; packet < CHECKED_PACKETS; packet++) if (bytes[at + packet * stride] !== SYNC) return false;
  return true;
}
