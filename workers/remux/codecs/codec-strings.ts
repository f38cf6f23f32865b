// RFC 6381 codec strings, told from the configuration record inside a sample entry.
import { type DolbyVision, dolbyVisionCodec } from '#domain/colour/colour.ts';
import { findBox } from '#workers/bmff/boxes.ts';
import { readElementaryStream } from './elementary-stream.ts';

/** Bytes from the start of a sample entry to its child boxes. Audio: version 0, the only one an fMP4 we write has. */
export const VIDEO_ENTRY_CHILDREN = 86;
export const AUDIO_ENTRY_CHILDREN = 36;

/** `sampleEntry` is a whole `stsd` entry, box header included. Null when its codec has no fMP4 packaging we know, or its record is damaged. */
export function codecStringOf(sampleEntry: Buffer): string | null {
  const format = sampleEntry.toString('latin1', 4, 8);
  switch (format) {
    case 'avc1':
    case 'avc3':
      return withRecord(sampleEntry, VIDEO_ENTRY_CHILDREN, 'avcC', 4, record => `${format}.${record.toString('hex', 1, 4)}`);
    case 'hvc1':
    case 'hev1':
      return withRecord(sampleEntry, VIDEO_ENTRY_CHILDREN, 'hvcC', 13, record => `${format}.${hevcProfile(record)}`);
    case 'dvh1':
      return dolbyVision(sampleEntry);
    case 'vp09':
      return withRecord(sampleEntry, VIDEO_ENTRY_CHILDREN, 'vpcC', 7, vp9);
    case 'av01':
      return withRecord(sampleEntry, VIDEO_ENTRY_CHILDREN, 'av1C', 3, av1);
    case 'mp4a':
      return withRecord(sampleEntry, AUDIO_ENTRY_CHILDREN, 'esds', 4, mpeg4Audio);
    case 'ac-3':
      return withRecord(sampleEntry, AUDIO_ENTRY_CHILDREN, 'dac3', 3, () => 'ac-3');
    case 'ec-3':
      return withRecord(sampleEntry, AUDIO_ENTRY_CHILDREN, 'dec3', 3, () => 'ec-3');
    case 'Opus':
      return withRecord(sampleEntry, AUDIO_ENTRY_CHILDREN, 'dOps', 11, () => 'Opus');
    case 'fLaC':
      return withRecord(sampleEntry, AUDIO_ENTRY_CHILDREN, 'dfLa', 8, () => 'fLaC');
    default:
      return null;
  }
}

function withRecord(
  entry: Buffer,
  children: number,
  type: string,
  leastByteLength: number,
  read: (record: Buffer) => string | null,
): string | null {
  const found = findBox(entry, [type], children);
  if (!found || found.end - found.start < leastByteLength) return null;
  return read(entry.subarray(found.start, found.end));
}

/** ISO/IEC 14496-15, annex E.3: profile, compatibility flags in reverse bit order, tier and level, constraint bytes without trailing zeros. */
function hevcProfile(record: Buffer): string {
  const first = record.readUInt8(1);
  const profileSpace = ['', 'A', 'B', 'C'][first >> 6];
  const tier = first & 0x20 ? 'H' : 'L';
  const flags = record.readUInt32BE(2);
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) if (flags & (1 << bit)) reversed += 2 ** (31 - bit);
  const constraints = [...record.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const parts = [
    `${profileSpace}${first & 0x1f}`,
    reversed.toString(16),
    `${tier}${record.readUInt8(12)}`,
    ...constraints.map(byte => byte.toString(16).toUpperCase()),
  ];
  return parts.join('.');
}

/** Dolby Vision that is listed by itself (RFC 6381 names of Dolby's streams within ISO BMFF, 4): what no other decoder shows right. */
function dolbyVision(entry: Buffer): string | null {
  const found = dolbyVisionRecord(entry);
  return found && dolbyVisionCodec('dvh1', found.profile, found.level);
}

/** The record of Dolby Vision in a video's sample entry, whichever of its three names it has; null: there is none. */
export function dolbyVisionRecord(entry: Buffer): DolbyVision | null {
  const found = ['dvcC', 'dvvC', 'dvwC'].map(type => findBox(entry, [type], VIDEO_ENTRY_CHILDREN)).find(box => box !== undefined);
  return found === undefined ? null : readDolbyVision(entry.subarray(found.start, found.end));
}

/** Dolby Vision streams within ISO BMFF, 3.2: two bytes of version, then bits. */
export function readDolbyVision(record: Buffer): DolbyVision | null {
  if (record.byteLength < 5) return null;
  const bits = record.readUInt16BE(2);
  return {
    profile: bits >> 9,
    level: (bits >> 3) & 0x3f,
    hasEnhancementLayer: (bits & 0b10) !== 0,
    compatibility: record.readUInt8(4) >> 4,
  };
}

function vp9(record: Buffer): string | null {
  const level = record.readUInt8(5);
  if (level === 0) return null; // undefined, and refused by browsers
  return ['vp09', twoDigits(record.readUInt8(4)), twoDigits(level), twoDigits(record.readUInt8(6) >> 4)].join('.');
}

function av1(record: Buffer): string {
  const profile = record.readUInt8(1) >> 5;
  const level = record.readUInt8(1) & 0x1f;
  const flags = record.readUInt8(2);
  const isHighDepth = (flags & 0x40) !== 0;
  const isTwelveBit = profile === 2 && (flags & 0x20) !== 0;
  const bitDepth = isHighDepth ? (isTwelveBit ? 12 : 10) : 8;
  return `av01.${profile}.${twoDigits(level)}${flags & 0x80 ? 'H' : 'M'}.${twoDigits(bitDepth)}`;
}

function mpeg4Audio(record: Buffer): string | null {
  const object = readElementaryStream(record.subarray(4)); // after the full box's version and flags
  if (!object) return null;
  switch (object.objectTypeIndication) {
    case 0x40: // MPEG-4 audio
      return object.audioObjectType === null ? null : `mp4a.40.${object.audioObjectType}`;
    case 0x66: // MPEG-2 AAC
    case 0x67:
    case 0x68:
    case 0x69: // MP3
    case 0x6b:
      return `mp4a.${object.objectTypeIndication.toString(16).toUpperCase()}`;
    default:
      return null;
  }
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');
