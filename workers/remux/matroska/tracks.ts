// What a Matroska file says about its tracks (RFC 9559, 5.1.4).
import type { ContentLight, MasteringDisplay } from '#domain/colour/colour.ts';
import { cropOf } from '#domain/delivery/cropping.ts';
import type { Crop } from '#domain/media.ts';
import { greatestDivisor } from '#domain/plan.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { elements, readFloat, readText, readUnsigned, unreadable, type WholeElement } from './ebml.ts';

export type MatroskaTrack = {
  readonly number: number;
  /** ffmpeg's stream index: it numbers the tracks it knows in file order, attachments after them. */
  readonly streamIndex: number;
  readonly kind: 'video' | 'audio' | 'other';
  readonly codecId: string;
  readonly codecPrivate: Buffer;
  /** ISO 639-2/B, `eng` when the file does not say (RFC 9559, 5.1.4.1.19). */
  readonly language: string;
  readonly codecDelayNs: number;
  readonly defaultDurationNs: number | null;
  readonly timestampScale: number;
  /** Bytes that every frame starts with and the file leaves out (header stripping); empty for most. */
  readonly strippedHeader: Buffer;
  /** Compressed or encrypted: the frames can not be copied as they lie. */
  readonly isEncoded: boolean;
  readonly isEncrypted: boolean;
  readonly picture: Picture;
  /** The configuration records of Dolby Vision, by their name in MP4. */
  readonly dolbyVision: readonly { readonly name: string; readonly record: Buffer }[];
  readonly sound: Sound;
};

export type Picture = {
  readonly width: number;
  readonly height: number;
  /** The part that is to be shown; null: the whole. */
  readonly crop: Crop | null;
  /** Shape of a pixel, width to height. */
  readonly pixelAspect: { readonly num: number; readonly den: number };
  /** Degrees clockwise by which a player must turn it: 0, 90, 180 or 270. */
  readonly rotation: number;
  /** Code points of ISO/IEC 23091-2; 2 is unspecified. */
  readonly colour: { readonly primaries: number; readonly transfer: number; readonly matrix: number; readonly isFullRange: boolean | null };
  readonly mastering: MasteringDisplay | null;
  readonly contentLight: ContentLight | null;
};

type Sound = { readonly sampleRate: number; readonly outputSampleRate: number; readonly channels: number };

const TRACK_ENTRY = 0xae;
const NO_BYTES = Buffer.alloc(0);
const FLAG_FULL_RANGE = 2;
const UNSPECIFIED = 2;
const DISPLAY_UNIT_UNKNOWN = 4;
const MAX_TRACKS = 256;
const MAX_STRIPPED_BYTES = 256; // muxers strip the few bytes that every frame of a codec begins with
const MAX_NITS = 100_000;
const MAX_RECORD_BYTES = 64; // of Dolby Vision it has 24
const DOLBY_VISION_TYPES = new Map(['dvcC', 'dvvC', 'dvwC'].map(name => [Buffer.from(name, 'latin1').readUInt32BE(0), name]));
const DEFAULT_SAMPLE_RATE = 8000; // RFC 9559, 5.1.4.1.29.1
const MAX_SAMPLE_RATE = 1_000_000;
const MAX_CHANNELS = 255;

type Source = { readonly bytes: Buffer; readonly budget: FileBudget };

/** `payload` is that of `Tracks`. */
export function readTracks(payload: Buffer, budget: FileBudget): MatroskaTrack[] {
  const source = { bytes: payload, budget };
  const tracks: MatroskaTrack[] = [];
  for (const entry of elements(payload, 0, payload.byteLength, budget)) {
    if (entry.id !== TRACK_ENTRY) continue;
    const track = readTrack(source, entry, tracks.length);
    if (track && tracks.length === MAX_TRACKS) throw unreadable('the Matroska file has too many tracks');
    if (track) tracks.push(track);
  }
  return tracks;
}

/** Null for what ffmpeg gives no stream index: unknown types, and codecs that contradict their track's type. */
function readTrack(source: Source, entry: WholeElement, streamIndex: number): MatroskaTrack | null {
  const { bytes } = source;
  const fields = fieldsOf(source, entry);
  const type = unsigned(bytes, fields.get(0x83), 0);
  const codecId = text(bytes, fields.get(0x86), '');
  const prefixes = CODEC_PREFIXES[type];
  if (!prefixes?.some(prefix => codecId.startsWith(prefix))) return null;
  const codecPrivate = fields.get(0x63a2);
  const defaultDurationNs = unsigned(bytes, fields.get(0x23e383), 0);
  return {
    number: unsigned(bytes, fields.get(0xd7), 0),
    streamIndex,
    kind: type === 1 ? 'video' : type === 2 ? 'audio' : 'other',
    codecId,
    // Copied, so that the small record does not keep the whole element in memory.
    codecPrivate: codecPrivate ? Buffer.from(bytes.subarray(codecPrivate.start, codecPrivate.end)) : NO_BYTES,
    language: text(bytes, fields.get(0x22b59c), 'eng'),
    codecDelayNs: unsigned(bytes, fields.get(0x56aa), 0),
    defaultDurationNs: defaultDurationNs === 0 ? null : defaultDurationNs,
    timestampScale: float(bytes, fields.get(0x23314f), 1),
    ...readEncodings(source, fields.get(0x6d80)),
    picture: readPicture(source, fields.get(0xe0)),
    dolbyVision: readDolbyVisionRecords(source, entry),
    sound: readSound(source, fields.get(0xe1)),
  };
}

const CODEC_PREFIXES: Readonly<Record<number, readonly string[]>> = { 1: ['V'], 2: ['A'], 17: ['S', 'D'], 33: ['S', 'D'] };

type Encodings = Pick<MatroskaTrack, 'strippedHeader' | 'isEncoded' | 'isEncrypted'>;

function readEncodings(source: Source, list: WholeElement | undefined): Encodings {
  const { bytes, budget } = source;
  const encodings = list ? [...elements(bytes, list.start, list.end, budget)].filter(({ id }) => id === 0x6240) : [];
  const [encoding] = encodings;
  const plain = { strippedHeader: NO_BYTES, isEncoded: false, isEncrypted: false };
  if (!encoding) return plain;
  const isEncrypted = encodings.some(one => unsigned(bytes, fieldsOf(source, one).get(0x5033), 0) === 1);
  const fields = fieldsOf(source, encoding);
  const compression = fields.get(0x5034);
  const settings = compression && fieldsOf(source, compression);
  const scope = unsigned(bytes, fields.get(0x5032), 1);
  const isStripping = unsigned(bytes, fields.get(0x5033), 0) === 0 && unsigned(bytes, settings?.get(0x4254), 0) === 3;
  if (encodings.length > 1 || scope !== 1 || !isStripping) return { ...plain, isEncoded: true, isEncrypted };
  const header = settings?.get(0x4255);
  // Every frame is made longer by it.
  if (header && header.end - header.start > MAX_STRIPPED_BYTES) return { ...plain, isEncoded: true, isEncrypted };
  return header ? { ...plain, strippedHeader: Buffer.from(bytes.subarray(header.start, header.end)) } : plain;
}

function readPicture(source: Source, video: WholeElement | undefined): Picture {
  const { bytes } = source;
  const fields = fieldsOf(source, video);
  const width = unsigned(bytes, fields.get(0xb0), 0);
  const height = unsigned(bytes, fields.get(0xba), 0);
  const hasDisplaySize = unsigned(bytes, fields.get(0x54b2), 0) < DISPLAY_UNIT_UNKNOWN;
  const edge = (id: number): number => unsigned(bytes, fields.get(id), 0);
  const [left, top] = [edge(0x54cc), edge(0x54bb)];
  const cut = { x: left, y: top, width: width - left - edge(0x54dd), height: height - top - edge(0x54aa) };
  const crop = cropOf(cut, { width, height });
  // The size on a screen is that of the part (RFC 9559, 5.1.4.1.28.14).
  const shown = crop ?? { width, height };
  const displayWidth = hasDisplaySize ? unsigned(bytes, fields.get(0x54b0), shown.width) : shown.width;
  const displayHeight = hasDisplaySize ? unsigned(bytes, fields.get(0x54ba), shown.height) : shown.height;
  const colour = fieldsOf(source, fields.get(0x55b0));
  const range = unsigned(bytes, colour.get(0x55b9), 0);
  const codePoint = (id: number): number => {
    const told = unsigned(bytes, colour.get(id), UNSPECIFIED);
    return told <= 0xff ? told : UNSPECIFIED;
  };
  return {
    width,
    height,
    crop,
    pixelAspect: reduce(displayWidth * shown.height, displayHeight * shown.width),
    rotation: rotationOf(bytes, fieldsOf(source, fields.get(0x7670))),
    colour: {
      primaries: codePoint(0x55bb),
      transfer: codePoint(0x55ba),
      matrix: codePoint(0x55b1),
      isFullRange: range === 0 ? null : range === FLAG_FULL_RANGE,
    },
    mastering: readMastering(source, colour.get(0x55d0)),
    contentLight: readContentLight(bytes, colour),
  };
}

const CHROMATICITY_UNITS = 50_000;

/** RFC 9559, 5.1.4.1.28.30 and following. */
function readMastering(source: Source, metadata: WholeElement | undefined): MasteringDisplay | null {
  const fields = fieldsOf(source, metadata);
  const value = (id: number): number => float(source.bytes, fields.get(id), 0);
  const point = (x: number, y: number): readonly [number, number] => [
    within(value(x) * CHROMATICITY_UNITS),
    within(value(y) * CHROMATICITY_UNITS),
  ];
  const maxNits = value(0x55d9);
  if (!(maxNits > 0 && maxNits <= MAX_NITS)) return null;
  return {
    red: point(0x55d1, 0x55d2),
    green: point(0x55d3, 0x55d4),
    blue: point(0x55d5, 0x55d6),
    white: point(0x55d7, 0x55d8),
    maxNits,
    minNits: Math.min(maxNits, Math.max(0, value(0x55da) || 0)),
  };
}

function readContentLight(bytes: Buffer, colour: ReadonlyMap<number, WholeElement>): ContentLight | null {
  const maxNits = within(unsigned(bytes, colour.get(0x55bc), 0));
  const averageNits = within(unsigned(bytes, colour.get(0x55bd), 0));
  return maxNits === 0 && averageNits === 0 ? null : { maxNits, averageNits };
}

/** As a field of 16 bits has it; 0 for what is no number. */
const within = (value: number): number => Math.min(0xffff, Math.max(0, Math.round(value) || 0));

/** Additions to a track's blocks that MP4 has as a box of the sample entry (RFC 9559, 5.1.4.1.17): their type is the box's name. */
function readDolbyVisionRecords(source: Source, entry: WholeElement): MatroskaTrack['dolbyVision'] {
  const { bytes, budget } = source;
  const found: { name: string; record: Buffer }[] = [];
  for (const child of elements(bytes, entry.start, entry.end, budget)) {
    if (child.id !== 0x41e4) continue;
    const fields = fieldsOf(source, child);
    const name = DOLBY_VISION_TYPES.get(unsigned(bytes, fields.get(0x41e7), 0));
    const record = fields.get(0x41ed);
    if (name === undefined || record === undefined || record.end - record.start > MAX_RECORD_BYTES) continue;
    if (!found.some(other => other.name === name)) found.push({ name, record: Buffer.from(bytes.subarray(record.start, record.end)) });
  }
  return found;
}

/** A flat picture that is rolled, counter-clockwise (RFC 9559, 5.1.4.1.28.46): what muxers make of a phone's upright film. */
function rotationOf(bytes: Buffer, projection: ReadonlyMap<number, WholeElement>): number {
  const isFlat = unsigned(bytes, projection.get(0x7671), 0) === 0;
  const roll = float(bytes, projection.get(0x7675), 0);
  return isFlat && Math.abs(roll) <= 180 ? (360 - Math.round(roll / 90) * 90) % 360 : 0;
}

function readSound(source: Source, audio: WholeElement | undefined): Sound {
  const { bytes } = source;
  const fields = fieldsOf(source, audio);
  const rate = (field: WholeElement | undefined, absent: number) => plausibleRate(float(bytes, field, absent), absent);
  const sampleRate = rate(fields.get(0xb5), DEFAULT_SAMPLE_RATE);
  return {
    sampleRate,
    outputSampleRate: rate(fields.get(0x78b5), sampleRate),
    channels: Math.min(unsigned(bytes, fields.get(0x9f), 1), MAX_CHANNELS),
  };
}

/** A float may as well be endless, negative or no number. */
function plausibleRate(rate: number, otherwise: number): number {
  const rounded = Math.round(rate);
  return rounded >= 1 && rounded <= MAX_SAMPLE_RATE ? rounded : otherwise;
}

/** The children by id; of those that repeat, the last. */
function fieldsOf({ bytes, budget }: Source, parent: WholeElement | undefined): Map<number, WholeElement> {
  const fields = new Map<number, WholeElement>();
  if (parent) for (const child of elements(bytes, parent.start, parent.end, budget)) fields.set(child.id, child);
  return fields;
}

const unsigned = (bytes: Buffer, field: WholeElement | undefined, absent: number): number => (field ? readUnsigned(bytes, field) : absent);
const float = (bytes: Buffer, field: WholeElement | undefined, absent: number): number => (field ? readFloat(bytes, field) : absent);
const text = (bytes: Buffer, field: WholeElement | undefined, absent: string): string => (field ? readText(bytes, field) : absent);

function reduce(num: number, den: number): { num: number; den: number } {
  if (num === 0 || den === 0) return { num: 1, den: 1 };
  const divisor = greatestDivisor(num, den);
  return { num: num / divisor, den: den / divisor };
}
