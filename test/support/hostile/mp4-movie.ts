// A small MP4 written box by box, of which every part can be replaced by a lie.
import { box, fullBox, u16, u32, u64 } from '#workers/bmff/boxes.ts';

export type TrackParts = {
  readonly id?: number;
  readonly handler?: 'vide' | 'soun';
  readonly timescale?: number;
  readonly edits?: Buffer;
  readonly sampleEntry?: Buffer;
  readonly times?: Buffer;
  readonly offsets?: Buffer;
  readonly sizes?: Buffer;
  readonly chunks?: Buffer;
  readonly places?: Buffer;
  readonly sync?: Buffer;
  /** Boxes behind the others in `stbl`. */
  readonly more?: readonly Buffer[];
};

export type MovieParts = {
  readonly timescale?: number;
  readonly tracks: readonly TrackParts[];
  /** Boxes behind the tracks in `moov`. */
  readonly more?: readonly Buffer[];
  /** What follows `moov` in the file. */
  readonly media?: readonly Buffer[];
};

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
const FILE_TYPE = box('ftyp', Buffer.from('isom\0\0\0\0isommp41', 'latin1'));
export const VIDEO_ENTRY = box(
  'avc1',
  Buffer.alloc(6),
  u16(1),
  Buffer.alloc(16),
  u16(320, 180),
  Buffer.alloc(50),
  box('avcC', Buffer.from([1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0])),
);
export const SOUND_ENTRY = box(
  'ac-3',
  Buffer.alloc(6),
  u16(1),
  Buffer.alloc(8),
  u16(2, 16, 0, 0),
  u32(48_000 * 0x10000),
  box('dac3', Buffer.from([0x10, 0x3d, 0xe0])),
);

/** A table of `stbl`: how many rows it claims, and the words it has. */
export const table = (type: string, count: number, ...rows: readonly (number | Buffer)[]): Buffer =>
  fullBox(type, 0, 0, u32(count), ...rows.map(row => (typeof row === 'number' ? u32(row) : row)));
export const constantSizes = (size: number, count: number): Buffer => fullBox('stsz', 0, 0, u32(size, count));
/** `count` words, each told by its number. */
export function filled(count: number, word: (index: number) => number): Buffer {
  const bytes = Buffer.alloc(count * 4);
  for (let index = 0; index < count; index++) bytes.writeUInt32BE(word(index), index * 4);
  return bytes;
}
export const repeated = (count: number, part: Buffer): Buffer => Buffer.alloc(count * part.byteLength, part);

/** A film of `count` pictures of one byte each, all in one chunk behind `moov`. */
export const plainTables = (count: number): TrackParts => ({
  times: table('stts', 1, count, 40),
  sizes: constantSizes(1, count),
  chunks: table('stsc', 1, 1, count, 1),
  places: table('stco', 1, 0),
});

export function movieFile({ timescale = 1000, tracks, more = [], media = [] }: MovieParts): Buffer {
  const header = fullBox('mvhd', 0, 0, u32(0, 0, timescale, 0, 0x10000), Buffer.alloc(12), MATRIX, Buffer.alloc(28));
  const moov = box('moov', header, ...tracks.map((track, index) => trackBox({ id: index + 1, ...track })), ...more);
  return Buffer.concat([FILE_TYPE, moov, ...media]);
}

function trackBox(track: TrackParts): Buffer {
  const { id = 1, handler = 'vide', timescale = 1000, edits } = track;
  const parts = { ...plainTables(10), ...track };
  const isVideo = handler === 'vide';
  const samples = box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), track.sampleEntry ?? (isVideo ? VIDEO_ENTRY : SOUND_ENTRY)),
    ...[parts.times, parts.offsets, parts.sizes, parts.chunks, parts.places, parts.sync].filter(part => part !== undefined),
    ...(track.more ?? []),
  );
  return box(
    'trak',
    fullBox('tkhd', 0, 3, u32(0, 0, id, 0, 0, 0, 0), u16(0, 0, 0, 0), MATRIX, u32(320 * 0x10000, 180 * 0x10000)),
    ...(edits ? [box('edts', edits)] : []),
    box(
      'mdia',
      fullBox('mdhd', 0, 0, u32(0, 0, timescale, 0), u16(0x55c4, 0)),
      fullBox('hdlr', 0, 0, u32(0), Buffer.from(handler, 'latin1'), Buffer.alloc(13)),
      box('minf', samples),
    ),
  );
}

export const trackDefaults = (id: number, duration = 40, byteLength = 1): Buffer =>
  fullBox('trex', 0, 0, u32(id, 1, duration, byteLength, 0));

/** A fragment of one track whose run claims `count` samples and gives `rows` of them; `flags` say which fields a row has. */
export function fragment(trackId: number, count: number, { flags = 0, rows = Buffer.alloc(0) as Buffer, decodeTime = 0 } = {}): Buffer {
  const track = box(
    'traf',
    fullBox('tfhd', 0, 0x020000, u32(trackId)),
    fullBox('tfdt', 1, 0, u64(decodeTime)),
    fullBox('trun', 0, flags, u32(count), rows),
  );
  return box('moof', fullBox('mfhd', 0, 0, u32(1)), track);
}
