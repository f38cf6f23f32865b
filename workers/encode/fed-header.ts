// The header of what an encoder is fed: that of the remuxed track, on a finer clock and with the plan's boundaries as chapters.
import { FerriteError } from '#domain/errors.ts';
import { type BoxSpan, box, findBox, fullBox, u32, u64 } from '#workers/bmff/boxes.ts';

/** Nero's chapter list counts in one byte. */
export const MAX_CHAPTERS = 255;

/** Ticks per second of a header made by `initSegment`. */
export function timescaleOf(header: Buffer): number {
  return header.readUInt32BE(timescaleAt(header));
}

/** `boundariesS`: seconds on the fed timeline, at most MAX_CHAPTERS. */
export function fedHeader(header: Buffer, timescale: number, boundariesS: readonly number[]): Buffer {
  const movie = movieOf(header);
  const chapters = boundariesS.map(seconds => Buffer.concat([u64(Math.round(seconds * 1e7)), Buffer.of(0)]));
  const list = box('udta', fullBox('chpl', 1, 0, u32(0), Buffer.of(boundariesS.length), ...chapters));
  const fed = Buffer.concat([header.subarray(0, movie.end), list, header.subarray(movie.end)]);
  fed.writeUInt32BE(movie.end - movie.headerStart + list.byteLength, movie.headerStart);
  fed.writeUInt32BE(timescale, timescaleAt(header));
  return fed;
}

function timescaleAt(header: Buffer): number {
  const mediaHeader = findBox(header, ['moov', 'trak', 'mdia', 'mdhd']);
  if (!mediaHeader) throw damaged();
  return mediaHeader.start + 12;
}

function movieOf(header: Buffer): BoxSpan {
  const movie = findBox(header, ['moov']);
  if (!movie) throw damaged();
  return movie;
}

const damaged = (): FerriteError => new FerriteError('INTERNAL', 'a remuxed header has no track');
