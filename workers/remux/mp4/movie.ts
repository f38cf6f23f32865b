// What `moov` says of its tracks, apart from where their samples lie.
import { type BoxSpan, boxes, findBox } from '#workers/bmff/boxes.ts';
import { corrupt } from './boxes.ts';
import { cleanAudioEntry, cleanVideoEntry, pictureSize, sampleRate } from './sample-entry.ts';

/** `mediaTime` −1 is an empty edit; `duration` is in the movie's timescale. */
export type Edit = { readonly duration: number; readonly mediaTime: number };

export type Mp4Track = {
  /** ffmpeg's stream index. */
  readonly index: number;
  /** What `tref`, `trex` and `tfhd` call it. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly mediaDuration: number;
  readonly language: string;
  readonly edits: readonly Edit[];
  /** Four characters of each sample entry in `stsd`. */
  readonly formats: readonly string[];
  /** The first of them, ready to write; null when there is none or it can't be read. */
  readonly sampleEntry: Buffer | null;
  /** Samples per second of sound as its entry says; 0 when it does not. */
  readonly sampleRate: number;
  readonly width: number;
  readonly height: number;
  readonly matrix: Buffer;
  /** Tracks this one points at as its chapters. */
  readonly chapterIds: readonly number[];
  /** The sample table inside `moov`. */
  readonly samples: BoxSpan;
};

/** Defaults of a track's fragments (`trex`). */
export type FragmentDefaults = {
  /** From 1: which of the track's sample entries. */
  readonly descriptionIndex: number;
  readonly duration: number;
  readonly byteLength: number;
  readonly flags: number;
};

export type Mp4Movie = {
  readonly timescale: number;
  readonly tracks: readonly Mp4Track[];
  /** By track id; null when the movie is not fragmented. */
  readonly fragmentDefaults: ReadonlyMap<number, FragmentDefaults> | null;
};

const MAX_TRACKS = 256;

export function parseMovie(moov: Buffer): Mp4Movie {
  const header = findBox(moov, ['mvhd']);
  if (!header) throw corrupt('its index (moov) has no header');
  const timescale = moov.readUInt32BE(header.start + (isLong(moov, header) ? 20 : 12));
  const tracks: Mp4Track[] = [];
  let index = 0;
  for (const child of boxes(moov)) {
    // ffmpeg numbers a cover picture as a stream too, where it meets it.
    if (child.type === 'udta' || child.type === 'meta') index += coverCount(moov, child);
    if (child.type !== 'trak') continue;
    if (index >= MAX_TRACKS) throw corrupt('it has too many tracks');
    const track = parseTrack(moov, child, index++);
    if (track) tracks.push(track);
  }
  return { timescale, tracks, fragmentDefaults: parseDefaults(moov) };
}

function parseTrack(moov: Buffer, trak: BoxSpan, index: number): Mp4Track | null {
  const inside = (...path: string[]) => findBox(moov, path, trak.start, trak.end);
  const handler = inside('mdia', 'hdlr');
  const kind =
    handler && { vide: 'video' as const, soun: 'audio' as const }[moov.toString('latin1', handler.start + 8, handler.start + 12)];
  const trackHeader = inside('tkhd');
  const mediaHeader = inside('mdia', 'mdhd');
  const samples = inside('mdia', 'minf', 'stbl');
  if (!kind || !trackHeader || !mediaHeader || !samples) return null;
  const timing = parseMediaHeader(moov, mediaHeader);
  if (timing.timescale === 0) throw corrupt('a track has no timescale');
  const matrixStart = trackHeader.start + (isLong(moov, trackHeader) ? 52 : 40);
  return {
    index,
    id: moov.readUInt32BE(trackHeader.start + (isLong(moov, trackHeader) ? 20 : 12)),
    kind,
    ...timing,
    edits: parseEdits(moov, inside('edts', 'elst')),
    ...parseDescriptions(moov, samples, kind),
    matrix: Buffer.from(moov.subarray(matrixStart, matrixStart + 36)),
    chapterIds: wordsOf(moov, inside('tref', 'chap')),
    samples,
  };
}

function parseMediaHeader(moov: Buffer, { start, ...rest }: BoxSpan): Pick<Mp4Track, 'timescale' | 'mediaDuration' | 'language'> {
  if (isLong(moov, { start, ...rest })) {
    const mediaDuration = Number(moov.readBigUInt64BE(start + 24));
    return { timescale: moov.readUInt32BE(start + 20), mediaDuration, language: unpackLanguage(moov.readUInt16BE(start + 32)) };
  }
  const mediaDuration = moov.readUInt32BE(start + 16);
  return { timescale: moov.readUInt32BE(start + 12), mediaDuration, language: unpackLanguage(moov.readUInt16BE(start + 20)) };
}

type Description = Pick<Mp4Track, 'formats' | 'sampleEntry' | 'sampleRate' | 'width' | 'height'>;

function parseDescriptions(moov: Buffer, samples: BoxSpan, kind: 'video' | 'audio'): Description {
  const descriptions = findBox(moov, ['stsd'], samples.start, samples.end);
  const entries = descriptions ? [...boxes(moov, descriptions.start + 8, descriptions.end)] : [];
  const formats = entries.map(entry => entry.type);
  const [first] = entries;
  const nothing = { formats, sampleEntry: null, sampleRate: 0, width: 0, height: 0 };
  if (!descriptions || !first) return nothing;
  const entry = moov.subarray(first.headerStart, first.end);
  if (kind === 'video') return { ...nothing, sampleEntry: cleanVideoEntry(entry), ...pictureSize(entry) };
  const version = moov.readUInt8(descriptions.start);
  return { ...nothing, sampleEntry: cleanAudioEntry(entry, version), sampleRate: sampleRate(entry, version) };
}

function parseEdits(moov: Buffer, list: BoxSpan | undefined): Edit[] {
  if (!list) return [];
  const isWide = isLong(moov, list);
  const rowBytes = isWide ? 20 : 12;
  const count = Math.min(moov.readUInt32BE(list.start + 4), Math.floor((list.end - list.start - 8) / rowBytes));
  return Array.from({ length: count }, (_, row) => {
    const at = list.start + 8 + row * rowBytes;
    if (!isWide) return { duration: moov.readUInt32BE(at), mediaTime: moov.readInt32BE(at + 4) };
    return { duration: Number(moov.readBigUInt64BE(at)), mediaTime: Number(moov.readBigInt64BE(at + 8)) };
  });
}

function parseDefaults(moov: Buffer): Map<number, FragmentDefaults> | null {
  const extension = findBox(moov, ['mvex']);
  if (!extension) return null;
  const defaults = new Map<number, FragmentDefaults>();
  for (const { type, start } of boxes(moov, extension.start, extension.end)) {
    if (type !== 'trex') continue;
    defaults.set(moov.readUInt32BE(start + 4), {
      descriptionIndex: moov.readUInt32BE(start + 8),
      duration: moov.readUInt32BE(start + 12),
      byteLength: moov.readUInt32BE(start + 16),
      flags: moov.readUInt32BE(start + 20),
    });
  }
  return defaults;
}

const COVER_TYPES = new Set([13, 14, 27]); // JPEG, PNG, BMP

function coverCount(moov: Buffer, parent: BoxSpan): number {
  const meta = parent.type === 'meta' ? parent : findBox(moov, ['meta'], parent.start, parent.end);
  // `meta` has version and flags in MP4, none in QuickTime.
  const cover =
    meta && (findBox(moov, ['ilst', 'covr'], meta.start + 4, meta.end) ?? findBox(moov, ['ilst', 'covr'], meta.start, meta.end));
  if (!cover) return 0;
  const pictures = [...boxes(moov, cover.start, cover.end)];
  return pictures.filter(({ type, start, end }) => type === 'data' && end - start > 8 && COVER_TYPES.has(moov.readUInt32BE(start))).length;
}

function wordsOf(moov: Buffer, span: BoxSpan | undefined): number[] {
  if (!span) return [];
  return Array.from({ length: Math.floor((span.end - span.start) / 4) }, (_, word) => moov.readUInt32BE(span.start + word * 4));
}

const isLong = (moov: Buffer, span: BoxSpan): boolean => moov.readUInt8(span.start) === 1;

/** Three letters of five bits; QuickTime's numbered languages (below 0x400) are not worth a table. */
function unpackLanguage(packed: number): string {
  if (packed < 0x400 || packed === 0x7fff) return 'und';
  return String.fromCharCode(...[packed >> 10, packed >> 5, packed].map(letter => (letter & 0x1f) + 0x60));
}
