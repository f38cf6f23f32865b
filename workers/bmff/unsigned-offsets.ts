// A segment for players that read a picture shown before it is decoded as a delay of all pictures: the same frames, shown at the same times, decoded sooner.
import { type BoxSpan, boxes, findBox } from './boxes.ts';
import { decodeTimesOf } from './decode-times.ts';

const HAS_DATA_OFFSET = 0x1;
const HAS_FIRST_FLAGS = 0x4;
const HAS_DURATIONS = 0x100;
const HAS_SIZES = 0x200;
const HAS_FLAGS = 0x400;
const HAS_OFFSETS = 0x800;
/** The burst at the beginning takes so much of the time of as many even pictures. */
const BURST_SHARE = 64;

/** The segment itself where no offset is negative; else a copy of equal length: only times in `moof` are others. */
export function withUnsignedOffsets(segment: Buffer): Buffer {
  let written = segment;
  for (const moof of boxes(segment)) {
    if (moof.type !== 'moof') continue;
    const run = findRun(segment, moof);
    if (run === null || !run.rows.some(({ offset }) => offset < 0)) continue;
    if (written === segment) written = Buffer.from(segment);
    rewrite(written, run);
  }
  return written;
}

type Row = { readonly durationAt: number; readonly offsetAt: number; readonly duration: number; readonly offset: number };
type Run = { readonly decodeTimeAt: number; readonly decodeTime: number; readonly rows: readonly Row[] };

/** Null for a fragment that is not written as the server writes them (`FragmentHeadWriter`): what has no offsets of its own has no negative ones. */
function findRun(bytes: Buffer, moof: BoxSpan): Run | null {
  const traf = findBox(bytes, ['traf'], moof.start, moof.end);
  const tfdt = traf && findBox(bytes, ['tfdt'], traf.start, traf.end);
  const trun = traf && findBox(bytes, ['trun'], traf.start, traf.end);
  if (!tfdt || !trun || bytes[tfdt.start] !== 1) return null;
  const flags = bytes.readUInt32BE(trun.start) & 0xff_ffff;
  if (!(flags & HAS_DURATIONS) || !(flags & HAS_OFFSETS)) return null;
  const offsetIn = 4 + (flags & HAS_SIZES ? 4 : 0) + (flags & HAS_FLAGS ? 4 : 0);
  const rowBytes = offsetIn + 4;
  const count = bytes.readUInt32BE(trun.start + 4);
  const from = trun.start + 8 + (flags & HAS_DATA_OFFSET ? 4 : 0) + (flags & HAS_FIRST_FLAGS ? 4 : 0);
  if (from + count * rowBytes > trun.end) return null;
  const rows = Array.from({ length: count }, (_, at) => {
    const durationAt = from + at * rowBytes;
    const offsetAt = durationAt + offsetIn;
    return { durationAt, offsetAt, duration: bytes.readUInt32BE(durationAt), offset: bytes.readInt32BE(offsetAt) };
  });
  const decodeTimeAt = tfdt.start + 4;
  return { decodeTimeAt, decodeTime: Number(bytes.readBigUInt64BE(decodeTimeAt)), rows };
}

function rewrite(bytes: Buffer, { decodeTimeAt, decodeTime, rows }: Run): void {
  let end = decodeTime;
  const even = rows.map(({ duration }) => {
    end += duration;
    return end - duration;
  });
  const shown = rows.map(({ offset }, at) => (even[at] ?? 0) + offset);
  const leastStep = Math.max(1, Math.floor((end - decodeTime) / rows.length / BURST_SHARE));
  // Of pictures that lie closer than that, several are decoded at once.
  const first = shown.reduce((least, time) => Math.min(least, time), decodeTime);
  const times = decodeTimesOf(shown, even, leastStep).map(time => Math.max(first, time));
  times[0] = first;
  bytes.writeBigUInt64BE(BigInt(first), decodeTimeAt);
  for (const [at, { durationAt, offsetAt }] of rows.entries()) {
    const time = times[at] ?? 0;
    bytes.writeUInt32BE((times[at + 1] ?? end) - time, durationAt);
    bytes.writeInt32BE((shown[at] ?? 0) - time, offsetAt);
  }
}
