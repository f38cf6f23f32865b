// What `moov` says of its tracks, apart from where their samples lie.
import { cropOf } from '#domain/delivery/cropping.ts';
import type { Crop } from '#domain/media.ts';
import { type BoxSpan, boxes } from '#workers/bmff/boxes.ts';
import { cleanAperture } from '#workers/remux/codecs/clean-aperture.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { BoxChildren, corrupt } from './boxes.ts';
import { cleanAudioEntry, cleanVideoEntry, isStill, pictureSize, sampleRate } from './sample-entry.ts';

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
  /** Of a picture that is none of a film, whatever its format is called. */
  readonly isStill: boolean;
  /** The first of them, ready to write; null when there is none or it can't be read. */
  readonly sampleEntry: Buffer | null;
  /** Samples per second of sound as its entry says; 0 when it does not. */
  readonly sampleRate: number;
  readonly width: number;
  readonly height: number;
  /** The part of the picture that is to be shown; null: the whole. */
  readonly crop: Crop | null;
  readonly matrix: Buffer;
  /** Tracks this one points at as its chapters. */
  readonly chapterIds: readonly number[];
  /** The sample table inside `moov`. */
  readonly samples: BoxChildren;
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
// An entry holds a codec's configuration: some hundred bytes, and the largest colour profiles.
const MAX_ENTRY_BYTES = 1024 * 1024;

/** `moov` without its header, each of whose boxes is walked once. */
export function parseMovie(moov: Buffer, budget: FileBudget): Mp4Movie {
  const children = new BoxChildren(moov, { start: 0, end: moov.byteLength }, budget);
  const header = children.first('mvhd');
  if (!header) throw corrupt('its index (moov) has no header');
  const timescale = moov.readUInt32BE(header.start + (isLong(moov, header) ? 20 : 12));
  const tracks: Mp4Track[] = [];
  let index = 0;
  // ffmpeg numbers a cover picture as a stream too, where it meets it.
  for (const child of inFileOrder(children, ['trak', 'udta', 'meta'])) {
    if (child.type !== 'trak') index += coverCount(moov, child, budget);
    else {
      if (index >= MAX_TRACKS) throw corrupt('it has too many tracks');
      const track = parseTrack(moov, child, index++, budget);
      if (track) tracks.push(track);
    }
  }
  return { timescale, tracks, fragmentDefaults: parseDefaults(moov, children.first('mvex'), new Set(tracks.map(({ id }) => id)), budget) };
}

const inFileOrder = (children: BoxChildren, types: readonly string[]): BoxSpan[] =>
  types.flatMap(type => children.all(type)).sort((a, b) => a.start - b.start);

function parseTrack(moov: Buffer, trak: BoxSpan, index: number, budget: FileBudget): Mp4Track | null {
  const inside = (parent: BoxSpan | undefined): BoxChildren | undefined => parent && new BoxChildren(moov, parent, budget);
  const track = new BoxChildren(moov, trak, budget);
  const media = inside(track.first('mdia'));
  const handler = media?.first('hdlr');
  const kind =
    handler && { vide: 'video' as const, soun: 'audio' as const }[moov.toString('latin1', handler.start + 8, handler.start + 12)];
  const trackHeader = track.first('tkhd');
  const mediaHeader = media?.first('mdhd');
  const samples = kind && inside(inside(media?.first('minf'))?.first('stbl'));
  if (!kind || !trackHeader || !mediaHeader || !samples) return null;
  const timing = parseMediaHeader(moov, mediaHeader);
  if (timing.timescale === 0) throw corrupt('a track has no timescale');
  const matrixStart = trackHeader.start + (isLong(moov, trackHeader) ? 52 : 40);
  return {
    index,
    id: moov.readUInt32BE(trackHeader.start + (isLong(moov, trackHeader) ? 20 : 12)),
    kind,
    ...timing,
    edits: parseEdits(moov, inside(track.first('edts'))?.first('elst'), budget),
    ...parseDescriptions(moov, samples.first('stsd'), kind, budget),
    matrix: Buffer.from(moov.subarray(matrixStart, matrixStart + 36)),
    chapterIds: wordsOf(moov, inside(track.first('tref'))?.first('chap'), budget),
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

type Description = Pick<Mp4Track, 'formats' | 'isStill' | 'sampleEntry' | 'sampleRate' | 'width' | 'height' | 'crop'>;

function parseDescriptions(moov: Buffer, descriptions: BoxSpan | undefined, kind: 'video' | 'audio', budget: FileBudget): Description {
  const nothing = { formats: [], isStill: false, sampleEntry: null, sampleRate: 0, width: 0, height: 0, crop: null };
  if (!descriptions) return nothing;
  const entries: BoxSpan[] = [];
  for (const entry of boxes(moov, descriptions.start + 8, descriptions.end)) {
    budget.take('descriptions');
    entries.push(entry);
  }
  const formats = entries.map(({ type }) => type);
  const [first] = entries;
  if (!first || first.end - first.headerStart > MAX_ENTRY_BYTES) return { ...nothing, formats };
  // As many boxes as it has room for: they are walked more than once.
  budget.take('descriptions', Math.ceil((first.end - first.start) / 64));
  const entry = moov.subarray(first.headerStart, first.end);
  if (kind === 'video') {
    const size = pictureSize(entry);
    const aperture = cleanAperture(entry, size);
    return {
      ...nothing,
      formats,
      isStill: isStill(entry),
      sampleEntry: cleanVideoEntry(entry),
      ...size,
      crop: aperture && cropOf(aperture, size),
    };
  }
  const version = moov.readUInt8(descriptions.start);
  return { ...nothing, formats, sampleEntry: cleanAudioEntry(entry, version), sampleRate: sampleRate(entry, version) };
}

function parseEdits(moov: Buffer, list: BoxSpan | undefined, budget: FileBudget): Edit[] {
  if (!list) return [];
  const isWide = isLong(moov, list);
  const rowBytes = isWide ? 20 : 12;
  const count = Math.min(moov.readUInt32BE(list.start + 4), Math.max(0, Math.floor((list.end - list.start - 8) / rowBytes)));
  budget.take('descriptions', count);
  return Array.from({ length: count }, (_, row) => {
    const at = list.start + 8 + row * rowBytes;
    if (!isWide) return { duration: moov.readUInt32BE(at), mediaTime: moov.readInt32BE(at + 4) };
    return { duration: Number(moov.readBigUInt64BE(at)), mediaTime: Number(moov.readBigInt64BE(at + 8)) };
  });
}

/** Of the tracks that `wanted` names. */
function parseDefaults(
  moov: Buffer,
  extension: BoxSpan | undefined,
  wanted: ReadonlySet<number>,
  budget: FileBudget,
): Map<number, FragmentDefaults> | null {
  if (!extension) return null;
  const defaults = new Map<number, FragmentDefaults>();
  for (const { start } of new BoxChildren(moov, extension, budget).all('trex')) {
    const id = moov.readUInt32BE(start + 4);
    if (!wanted.has(id)) continue;
    defaults.set(id, {
      descriptionIndex: moov.readUInt32BE(start + 8),
      duration: moov.readUInt32BE(start + 12),
      byteLength: moov.readUInt32BE(start + 16),
      flags: moov.readUInt32BE(start + 20),
    });
  }
  return defaults;
}

const COVER_TYPES = new Set([13, 14, 27]); // JPEG, PNG, BMP

function coverCount(moov: Buffer, parent: BoxSpan, budget: FileBudget): number {
  const meta = parent.type === 'meta' ? parent : new BoxChildren(moov, parent, budget).first('meta');
  if (!meta) return 0;
  // `meta` has version and flags in MP4, none in QuickTime.
  const cover = coverIn(moov, { start: meta.start + 4, end: meta.end }, budget) ?? coverIn(moov, meta, budget);
  if (!cover) return 0;
  const pictures = new BoxChildren(moov, cover, budget).all('data');
  return pictures.filter(({ start, end }) => end - start > 8 && COVER_TYPES.has(moov.readUInt32BE(start))).length;
}

function coverIn(moov: Buffer, meta: Pick<BoxSpan, 'start' | 'end'>, budget: FileBudget): BoxSpan | undefined {
  const list = new BoxChildren(moov, meta, budget).first('ilst');
  return list && new BoxChildren(moov, list, budget).first('covr');
}

function wordsOf(moov: Buffer, span: BoxSpan | undefined, budget: FileBudget): number[] {
  if (!span) return [];
  const count = Math.floor((span.end - span.start) / 4);
  budget.take('descriptions', count);
  return Array.from({ length: count }, (_, word) => moov.readUInt32BE(span.start + word * 4));
}

const isLong = (moov: Buffer, span: BoxSpan): boolean => moov.readUInt8(span.start) === 1;

/** Three letters of five bits; QuickTime's numbered languages (below 0x400) are not worth a table. */
function unpackLanguage(packed: number): string {
  if (packed < 0x400 || packed === 0x7fff) return 'und';
  return String.fromCharCode(...[packed >> 10, packed >> 5, packed].map(letter => (letter & 0x1f) + 0x60));
}
