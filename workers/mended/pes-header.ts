// The times in the header of a PES packet of MPEG-1 or MPEG-2 (ISO/IEC 11172-1, 2.4.3.3; ISO/IEC 13818-1, 2.4.3.6).
import { addToTimestamp, TIMESTAMP_BYTES } from './track-offsets.ts';

/** Of start code, stream and length. */
const FIXED_BYTES = 6;
const MAX_STUFFING = 16;

export type PesTimes = {
  /** Where each time begins, in bytes from the packet's start. */
  readonly times: readonly number[];
  readonly payloadStart: number;
};

/** Null where the packet is no such packet, or its header is not whole. */
export function pesTimes(bytes: Buffer): PesTimes | null {
  if (bytes.byteLength < FIXED_BYTES + 3 || bytes.readUIntBE(0, 3) !== 1) return null;
  const flags = bytes[FIXED_BYTES] ?? 0;
  if (flags >> 6 !== 2) return mpeg1Times(bytes);
  const payloadStart = FIXED_BYTES + 3 + (bytes[FIXED_BYTES + 2] ?? 0);
  return withTimes(bytes, (bytes[FIXED_BYTES + 1] ?? 0) >> 6, FIXED_BYTES + 3, payloadStart);
}

function mpeg1Times(bytes: Buffer): PesTimes | null {
  let at = FIXED_BYTES;
  while (bytes[at] === 0xff && at < FIXED_BYTES + MAX_STUFFING) at++;
  if ((bytes[at] ?? 0) >> 6 === 1) at += 2;
  const marker = (bytes[at] ?? 0) >> 4;
  if (marker !== 2 && marker !== 3) return { times: [], payloadStart: at + 1 };
  return withTimes(bytes, marker, at, at + (marker - 1) * TIMESTAMP_BYTES);
}

/** `marker`: 2 for a PTS, 3 for a PTS and a DTS. */
function withTimes(bytes: Buffer, marker: number, at: number, payloadStart: number): PesTimes | null {
  const times = [2, 3].includes(marker) ? [at, ...(marker === 3 ? [at + TIMESTAMP_BYTES] : [])] : [];
  return (times.at(-1) ?? 0) + TIMESTAMP_BYTES <= bytes.byteLength ? { times, payloadStart } : null;
}

export function movePes(packet: Buffer, { times }: PesTimes, offset: number): void {
  for (const at of times) addToTimestamp(packet, at, offset);
}
