// A pair of `.idx` and `.sub` as it lies beside a film: the index names where each picture begins, in a program stream of MPEG.
import { partsOfIndex } from '#domain/subtitles/vobsub-index.ts';
import { supOfPackets } from './dvd-pictures.ts';
import { readIdxHeader } from './vobsub.ts';

const MAX_PICTURES = 20_000;
const PACK = 0x1ba;
const PRIVATE_STREAM = 0x1bd;
/** Sub-streams of subtitles begin here, a byte in front of their payload. */
const FIRST_SUBSTREAM = 0x20;

/** The pictures of a language, as a file of presentation graphics. `position`: of its part of the index; null: the first that has any. */
export function supOfVobSub(idx: string, sub: Buffer, position: number | null, signal: AbortSignal): Promise<Buffer> {
  return supOfPackets(packetsIn(sub, placesIn(idx, position)), readIdxHeader(idx), signal);
}

/** One at a time: several places may name the same bytes. */
function* packetsIn(sub: Buffer, places: ReturnType<typeof placesIn>): Generator<{ startMs: number; bytes: Buffer }> {
  for (const { ms, filePosition } of places.toSorted((a, b) => a.ms - b.ms)) {
    const bytes = packetAt(sub, filePosition);
    if (bytes !== null) yield { startMs: ms, bytes };
  }
}

function placesIn(idx: string, wanted: number | null): { ms: number; filePosition: number }[] {
  const part = partsOfIndex(idx).find(({ position }) => wanted === null || position === wanted);
  const lines = part?.text.matchAll(/^timestamp:\s*(-?)(\d{1,3}):(\d\d):(\d\d):(\d{1,3}),\s*filepos:\s*([0-9a-f]{1,12})/gim) ?? [];
  return [...lines].slice(0, MAX_PICTURES).map(([, sign, hours, minutes, seconds, ms, filePosition = '']) => ({
    ms: (sign === '-' ? -1 : 1) * (((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(ms)),
    filePosition: Number.parseInt(filePosition, 16),
  }));
}

/** The packet that begins at a pack: it may go on in the packs behind it, between those of other languages. Null where there is none. */
function packetAt(sub: Buffer, position: number): Buffer | null {
  const parts: Buffer[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  let length = 0;
  let substream: number | null = null;
  for (let at = position; at + 6 <= sub.byteLength && length < wanted; ) {
    if (sub.readUIntBE(at, 3) !== 1) return null;
    const code = 0x100 | (sub[at + 3] ?? 0);
    if (code === PACK) {
      at += 14 + ((sub[at + 13] ?? 0) & 7);
      continue;
    }
    const end = at + 6 + sub.readUInt16BE(at + 4);
    const start = at + 9 + (sub[at + 8] ?? 0);
    const number = sub[start] ?? 0;
    if (code === PRIVATE_STREAM && number >= FIRST_SUBSTREAM && (substream === null || number === substream)) {
      substream = number;
      const part = sub.subarray(start + 1, Math.min(end, sub.byteLength));
      if (parts.length === 0 && part.byteLength >= 2) wanted = part.readUInt16BE(0);
      parts.push(part);
      length += part.byteLength;
    }
    at = end;
  }
  return length < 4 ? null : Buffer.concat(parts);
}
