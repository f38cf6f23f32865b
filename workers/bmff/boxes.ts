// ISO base media file format (ISO/IEC 14496-12): the few boxes that a CMAF track needs, read and written as bytes.

/** One sample as `trun` describes it; times in the track's timescale. */
export type Sample = {
  readonly byteLength: number;
  readonly duration: number;
  /** PTS − DTS; may be negative (trun version 1). */
  readonly compositionOffset: number;
  readonly isSync: boolean;
};

export type TrackHeader = {
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  /** The whole `stsd` entry (avc1, hvc1, mp4a, …), box header included. */
  readonly sampleEntry: Buffer;
  /** Pixels; 0 for audio. */
  readonly width: number;
  readonly height: number;
  /** ISO 639-2/T; `und` when unknown. */
  readonly language: string;
  /** The nine words of the source's `tkhd` matrix where it turns the picture; absent when the picture is shown unturned. */
  readonly matrix?: Buffer;
};

const SYNC_SAMPLE = 0x0200_0000; // sample_depends_on = 2: depends on no other
const NON_SYNC_SAMPLE = 0x0101_0000; // sample_depends_on = 1, sample_is_non_sync_sample
const TRACK_ID = 1; // every rendition is a file of one track

const u8 = (...values: number[]): Buffer => Buffer.from(values);

export function u16(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const byteLength = parts.reduce((sum, part) => sum + part.byteLength, 8);
  return Buffer.concat([u32(byteLength), Buffer.from(type, 'latin1'), ...parts], byteLength);
}

export function fullBox(type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Buffer {
  return box(type, u32(((version << 24) | flags) >>> 0), ...parts);
}

const zeros = (length: number): Buffer => Buffer.alloc(length);
const IDENTITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

const ONE = 0x10000;
const MINUS_ONE = 0xffff0000;
const TURNS: Readonly<Record<number, readonly [a: number, b: number, c: number, d: number]>> = {
  90: [0, ONE, MINUS_ONE, 0],
  180: [MINUS_ONE, 0, 0, MINUS_ONE],
  270: [0, MINUS_ONE, ONE, 0],
};

/** For a picture of that size that is turned clockwise, and stands at 0 again; undefined where it stands upright. */
export function turnMatrix(degrees: number, width: number, height: number): Buffer | undefined {
  const turn = TURNS[degrees];
  if (!turn) return undefined;
  const [a, b, c, d] = turn;
  const x = a === MINUS_ONE ? width : c === MINUS_ONE ? height : 0;
  const y = b === MINUS_ONE ? width : d === MINUS_ONE ? height : 0;
  return u32(a, b, 0, c, d, 0, x * ONE, y * ONE, 0x40000000);
}

/** `ftyp` + `moov` of a fragmented track. No dates and no edit list: equal input gives equal bytes. */
export function initSegment(track: TrackHeader): Buffer {
  const isVideo = track.kind === 'video';
  const mediaHeader = fullBox('mdhd', 0, 0, u32(0, 0, track.timescale, 0), u16(packLanguage(track.language), 0));
  const handler = fullBox(
    'hdlr',
    0,
    0,
    u32(0),
    Buffer.from(isVideo ? 'vide' : 'soun', 'latin1'),
    zeros(12),
    Buffer.from('Ferrite\0', 'latin1'),
  );
  const mediaInformation = box(
    'minf',
    isVideo ? fullBox('vmhd', 0, 1, zeros(8)) : fullBox('smhd', 0, 0, zeros(4)),
    box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
    box(
      'stbl',
      fullBox('stsd', 0, 0, u32(1), track.sampleEntry),
      fullBox('stts', 0, 0, u32(0)),
      fullBox('stsc', 0, 0, u32(0)),
      fullBox('stsz', 0, 0, u32(0, 0)),
      fullBox('stco', 0, 0, u32(0)),
    ),
  );
  const trackHeader = fullBox(
    'tkhd',
    0,
    3, // enabled, in movie
    u32(0, 0, TRACK_ID, 0, 0, 0, 0),
    u16(0, 0, isVideo ? 0 : 0x0100, 0),
    track.matrix ?? IDENTITY_MATRIX,
    u32(track.width * 0x10000, track.height * 0x10000),
  );
  const movieHeader = fullBox(
    'mvhd',
    0,
    0,
    u32(0, 0, 1000, 0, 0x10000),
    u16(0x0100),
    zeros(10),
    IDENTITY_MATRIX,
    zeros(24),
    u32(TRACK_ID + 1),
  );
  return Buffer.concat([
    box('ftyp', Buffer.from('iso6', 'latin1'), u32(0), Buffer.from('iso6cmfcmp41', 'latin1')),
    box(
      'moov',
      movieHeader,
      box('trak', trackHeader, box('mdia', mediaHeader, handler, mediaInformation)),
      box('mvex', fullBox('trex', 0, 0, u32(TRACK_ID, 1, 0, 0, 0))),
    ),
  ]);
}

const SAMPLE_ROW_BYTES = 16;
const FRAGMENT_BYTES_WITHOUT_ROWS = 96; // every box header and field of `moof`, and the header of `mdat`

/** Bytes of `moof` and of the header of `mdat`: where the samples' own bytes start. */
export const fragmentHeadByteLength = (sampleCount: number): number => FRAGMENT_BYTES_WITHOUT_ROWS + sampleCount * SAMPLE_ROW_BYTES;

export type FragmentFacts = {
  /** Grows from one fragment to the next (mfhd, ISO/IEC 14496-12, 8.8.5). */
  readonly sequenceNumber: number;
  /** The DTS of the first sample (baseMediaDecodeTime). */
  readonly decodeTime: number;
  readonly sampleCount: number;
  readonly dataByteLength: number;
};

/** Writes `moof` and the header of `mdat` to the start of a buffer. Numbers only, for segments that are built by the hundred. */
export class FragmentHeadWriter {
  readonly #target: Buffer;
  #at: number;

  constructor(target: Buffer, { sequenceNumber, decodeTime, sampleCount, dataByteLength }: FragmentFacts) {
    this.#target = target;
    const dataStart = fragmentHeadByteLength(sampleCount);
    const moofLength = dataStart - 8;
    const head = [
      [moofLength, 'moof'],
      [16, 'mfhd', 0, sequenceNumber],
      [moofLength - 24, 'traf'],
      [16, 'tfhd', 0x020000, TRACK_ID], // default-base-is-moof (CMAF, 7.5.17)
      [20, 'tfdt', 0x01000000, Math.floor(decodeTime / 2 ** 32), decodeTime % 2 ** 32],
      // data offset, then duration, size, flags and composition offset of each sample
      [moofLength - 68, 'trun', 0x01000f01, sampleCount, dataStart],
    ];
    this.#at = writeWords(target, 0, head.flat());
    writeWords(target, moofLength, [dataByteLength + 8, 'mdat']);
  }

  /** Of the next sample. */
  add(byteLength: number, duration: number, compositionOffset: number, isSync: boolean): void {
    const target = this.#target;
    target.writeUInt32BE(duration, this.#at);
    target.writeUInt32BE(byteLength, this.#at + 4);
    target.writeUInt32BE(isSync ? SYNC_SAMPLE : NON_SYNC_SAMPLE, this.#at + 8);
    target.writeInt32BE(compositionOffset, this.#at + 12);
    this.#at += SAMPLE_ROW_BYTES;
  }
}

/**
 * `moof` and `mdat` of one segment with the room for its samples left open: the caller writes their bytes, in order, from
 * `dataStart`. The buffer owns its whole ArrayBuffer, so that it can be transferred to another thread.
 * `sequenceNumber` grows from one to the next, `decodeTime` is the DTS of the first sample (baseMediaDecodeTime).
 */
export function writeMovieFragment(
  sequenceNumber: number,
  decodeTime: number,
  samples: readonly Sample[],
): { bytes: Buffer; dataStart: number } {
  const dataByteLength = samples.reduce((sum, sample) => sum + sample.byteLength, 0);
  const dataStart = fragmentHeadByteLength(samples.length);
  const bytes = Buffer.allocUnsafeSlow(dataStart + dataByteLength);
  const head = new FragmentHeadWriter(bytes, { sequenceNumber, decodeTime, sampleCount: samples.length, dataByteLength });
  for (const { byteLength, duration, compositionOffset, isSync } of samples) head.add(byteLength, duration, compositionOffset, isSync);
  return { bytes, dataStart };
}

/** The fragment of one picture that needs no other. */
export function movieFragmentOf(
  sample: Buffer,
  { sequenceNumber, decodeTime, duration }: { sequenceNumber: number; decodeTime: number; duration: number },
): Buffer {
  const row = { byteLength: sample.byteLength, duration, compositionOffset: 0, isSync: true };
  const { bytes, dataStart } = writeMovieFragment(sequenceNumber, decodeTime, [row]);
  sample.copy(bytes, dataStart);
  return bytes;
}

function writeWords(target: Buffer, start: number, words: readonly (number | string)[]): number {
  let at = start;
  for (const word of words) at = typeof word === 'string' ? at + target.write(word, at, 'latin1') : target.writeUInt32BE(word, at);
  return at;
}

/** A box inside a buffer: payload from `start` (after its header) to `end`. */
export type BoxSpan = { readonly type: string; readonly start: number; readonly end: number; readonly headerStart: number };

/** The boxes that lie side by side in `bytes[start, end)`. A box that claims more than there is ends the walk. */
export function* boxes(bytes: Buffer, start = 0, end = bytes.byteLength): Generator<BoxSpan> {
  let at = start;
  while (at + 8 <= end) {
    let size = bytes.readUInt32BE(at);
    let header = 8;
    if (size === 1 && at + 16 <= end) {
      size = Number(bytes.readBigUInt64BE(at + 8));
      header = 16;
    } else if (size === 0) size = end - at;
    if (size < header || at + size > end) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at + header, end: at + size, headerStart: at };
    at += size;
  }
}

/** The first box at `path` ('moov', 'trak', …), or undefined. */
export function findBox(bytes: Buffer, path: readonly string[], start = 0, end = bytes.byteLength): BoxSpan | undefined {
  const [type, ...rest] = path;
  for (const child of boxes(bytes, start, end)) {
    if (child.type !== type) continue;
    if (rest.length === 0) return child;
    const found = findBox(bytes, rest, child.start, child.end);
    if (found) return found;
  }
  return undefined;
}

function packLanguage(language: string): number {
  const code = /^[a-z]{3}$/.test(language) ? language : 'und';
  return [...code].reduce((packed, letter) => (packed << 5) | (letter.charCodeAt(0) - 0x60), 0);
}

export const descriptor = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  // MPEG-4 expandable length (ISO/IEC 14496-1, 8.3.3), always in four bytes as common muxers write it.
  const length = body.byteLength;
  return Buffer.concat([
    u8(tag, 0x80 | ((length >> 21) & 0x7f), 0x80 | ((length >> 14) & 0x7f), 0x80 | ((length >> 7) & 0x7f), length & 0x7f),
    body,
  ]);
};
