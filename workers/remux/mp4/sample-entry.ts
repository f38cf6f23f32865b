// Sample entries as CMAF wants them: QuickTime's extra fields and wrappings taken off, only the boxes that describe the codec kept.
import { box, boxes, findBox, u16, u32 } from '#workers/bmff/boxes.ts';
import { withNamedChannels } from '#workers/remux/codecs/aac-channels.ts';
import { AUDIO_ENTRY_CHILDREN, dolbyVisionRecord, VIDEO_ENTRY_CHILDREN } from '#workers/remux/codecs/codec-strings.ts';
import { elementaryStream, MPEG4_AUDIO, readElementaryStream } from '#workers/remux/codecs/elementary-stream.ts';

const VIDEO_BOXES = new Set([
  'avcC',
  'hvcC',
  'vpcC',
  'av1C',
  'pasp',
  'colr',
  'clap',
  'btrt',
  'mdcv',
  'clli',
  'SmDm',
  'CoLL',
  'dvcC',
  'dvvC',
  'dvwC',
]);
/** Of two layers only the first is sent, which is a film by itself: its record would promise the other. */
const DOLBY_VISION_BOXES = new Set(['dvcC', 'dvvC', 'dvwC']);
const AUDIO_BOXES = new Set(['esds', 'dac3', 'dec3', 'dOps', 'dfLa', 'btrt', 'srat', 'chnl']);

/** Child boxes start this many bytes later in QuickTime's sound description of version 1 and 2. */
const QUICKTIME_EXTRA_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 16, 2: 36 };

/** The entry to write; null when it is not one we know how to read. `entry` includes its box header. */
export function cleanVideoEntry(entry: Buffer): Buffer | null {
  if (entry.byteLength < VIDEO_ENTRY_CHILDREN) return null;
  const isTwoLayered = dolbyVisionRecord(entry)?.hasEnhancementLayer ?? false;
  const children = [...boxes(entry, VIDEO_ENTRY_CHILDREN)]
    .filter(child => VIDEO_BOXES.has(child.type) && !(isTwoLayered && DOLBY_VISION_BOXES.has(child.type)))
    .map(child => modernColour(entry.subarray(child.headerStart, child.end)));
  return box(videoFormat(entry), entry.subarray(8, VIDEO_ENTRY_CHILDREN), ...children);
}

export const pictureSize = (entry: Buffer): { width: number; height: number } =>
  entry.byteLength < VIDEO_ENTRY_CHILDREN ? { width: 0, height: 0 } : { width: entry.readUInt16BE(32), height: entry.readUInt16BE(34) };

/** Apple's players take HEVC only as `hvc1`, and Dolby Vision as `dvh1`: both promise that the parameter sets are in the record. */
function videoFormat(entry: Buffer): string {
  const given = entry.toString('latin1', 4, 8);
  const isDolbyVision = given === 'dvh1' || given === 'dvhe';
  if (given !== 'hev1' && !isDolbyVision) return given;
  const record = findBox(entry, ['hvcC'], VIDEO_ENTRY_CHILDREN);
  const arrayCount = record && record.end - record.start > 22 ? entry.readUInt8(record.start + 22) : 0;
  const hasParameterSets = arrayCount > 0;
  const isPlainHevc = !isDolbyVision || dolbyVisionRecord(entry)?.compatibility !== 0;
  if (isPlainHevc) return hasParameterSets || given === 'dvh1' ? 'hvc1' : 'hev1';
  return hasParameterSets ? 'dvh1' : given;
}

/** QuickTime's `nclc` says what `nclx` says without the last byte, the full range flag. */
function modernColour(child: Buffer): Buffer {
  if (child.toString('latin1', 4, 12) !== 'colrnclc' || child.byteLength !== 18) return child;
  return box('colr', Buffer.from('nclx', 'latin1'), child.subarray(12, 18), Buffer.of(0));
}

/** `descriptionVersion` is that of `stsd`: an ISO entry of version 1 has no fields of QuickTime's. */
export function cleanAudioEntry(entry: Buffer, descriptionVersion: number): Buffer | null {
  if (entry.byteLength < AUDIO_ENTRY_CHILDREN) return null;
  const version = entry.readUInt16BE(16);
  const extraBytes = descriptionVersion === 0 ? QUICKTIME_EXTRA_BYTES[version] : 0;
  if (extraBytes === undefined) return null;
  const childrenStart = AUDIO_ENTRY_CHILDREN + extraBytes;
  const wave = findBox(entry, ['wave'], childrenStart);
  const nested = wave ? [...boxes(entry, wave.start, wave.end)] : [];
  const children = [...boxes(entry, childrenStart), ...nested]
    .filter(child => AUDIO_BOXES.has(child.type))
    .map(child => withPlayedChannels(entry.subarray(child.headerStart, child.end)));
  if (!children.every(child => child !== null)) return null;
  const channels = version === 2 && extraBytes > 0 ? entry.readUInt32BE(48) : entry.readUInt16BE(24);
  const rate = sampleRate(entry, descriptionVersion);
  return box(
    entry.toString('latin1', 4, 8),
    entry.subarray(8, 16), // reserved, data reference
    u32(0, 0), // version 0, no revision, no vendor
    u16(channels, 16, 0, 0), // sample size, predefined, reserved
    u32(rate > 0xffff ? 0 : rate * 0x10000),
    ...children,
  );
}

/** Null where players do not take the way in which AAC names its channels. */
function withPlayedChannels(child: Buffer): Buffer | null {
  if (child.toString('latin1', 4, 8) !== 'esds') return child;
  const stream = readElementaryStream(child.subarray(12));
  if (stream?.objectTypeIndication !== MPEG4_AUDIO || !stream.specific) return child;
  const named = withNamedChannels(stream.specific);
  return named === null || named === stream.specific ? named && child : elementaryStream(MPEG4_AUDIO, named);
}

/** What ffmpeg calls a picture is `mp4v` to MP4, as a film is. */
const STILL_OBJECT_TYPES = new Set([0x6c, 0x6d, 0x6e]); // JPEG, PNG, JPEG 2000

export function isStill(entry: Buffer): boolean {
  const found = entry.toString('latin1', 4, 8) === 'mp4v' ? findBox(entry, ['esds'], VIDEO_ENTRY_CHILDREN) : undefined;
  const stream = found && readElementaryStream(entry.subarray(found.start + 4, found.end));
  return stream !== undefined && stream !== null && STILL_OBJECT_TYPES.has(stream.objectTypeIndication);
}

/** Samples per second as the entry says; 0 when it does not, as for rates that don't fit into 16 bits. */
export function sampleRate(entry: Buffer, descriptionVersion: number): number {
  if (entry.byteLength < AUDIO_ENTRY_CHILDREN) return 0;
  const isQuickTime2 = descriptionVersion === 0 && entry.readUInt16BE(16) === 2;
  if (isQuickTime2) return entry.byteLength < 48 ? 0 : Math.round(entry.readDoubleBE(40));
  return entry.readUInt16BE(32);
}
