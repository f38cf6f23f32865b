// What has to be added to the times of each track of a mended film, by where in the file they stand; and how such a time is written.
import type { MendedTrack } from '#domain/media.ts';
import { CLOCK_PERIOD } from './jumping-clock.ts';

/** Bytes of a PTS or a DTS in the header of a PES packet (ISO/IEC 13818-1, 2.4.3.7). */
export const TIMESTAMP_BYTES = 5;

/** For one reader, which goes forward. */
export class TrackOffsets {
  readonly #tracks: ReadonlyMap<number, { readonly changes: MendedTrack['changes']; next: number }>;

  constructor(tracks: readonly MendedTrack[]) {
    this.#tracks = new Map(tracks.map(({ id, changes }) => [id, { changes, next: 0 }]));
  }

  has(id: number): boolean {
    return this.#tracks.has(id);
  }

  /** `position`: of the packet's first byte in the file. */
  at(id: number, position: number): number {
    const track = this.#tracks.get(id);
    if (!track) return 0;
    while ((track.changes[track.next]?.position ?? Number.POSITIVE_INFINITY) <= position) track.next++;
    return track.changes[track.next - 1]?.offset ?? 0;
  }
}

/** Adds to the PTS that begins at `at`, on the clock of 33 bits. */
export function addToTimestamp(bytes: Buffer, at: number, offset: number): void {
  const time = readTimestamp(bytes, at) + offset;
  const ticks = ((time % CLOCK_PERIOD) + CLOCK_PERIOD) % CLOCK_PERIOD;
  const high = Math.floor(ticks / 2 ** 30);
  const middle = Math.floor(ticks / 2 ** 15) % 2 ** 15;
  const low = ticks % 2 ** 15;
  bytes[at] = ((bytes[at] ?? 0) & 0xf0) | (high << 1) | 1;
  bytes.writeUInt16BE((middle << 1) | 1, at + 1);
  bytes.writeUInt16BE((low << 1) | 1, at + 3);
}

export function readTimestamp(bytes: Buffer, at: number): number {
  const high = ((bytes[at] ?? 0) >> 1) & 7;
  return high * 2 ** 30 + (bytes.readUInt16BE(at + 1) >> 1) * 2 ** 15 + (bytes.readUInt16BE(at + 3) >> 1);
}
