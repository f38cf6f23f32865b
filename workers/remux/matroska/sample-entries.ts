// `stsd` entries (ISO/IEC 14496-12, 8.5.2) built from what Matroska keeps about a track: its codec id, its private data and its first frames.
import { box, fullBox, u16, u32 } from '#workers/bmff/boxes.ts';
import { withNamedChannels } from '#workers/remux/codecs/aac-channels.ts';
import {
  type Eac3Substream,
  opusPacketDuration,
  readAacConfig,
  readAc3Frame,
  readEac3Packet,
  readFlacStreamInfo,
  readMp3Frame,
} from '#workers/remux/codecs/audio-frames.ts';
import { cleanApertureBox } from '#workers/remux/codecs/clean-aperture.ts';
import { readDolbyVision } from '#workers/remux/codecs/codec-strings.ts';
import { elementaryStream, MPEG4_AUDIO } from '#workers/remux/codecs/elementary-stream.ts';
import { readVp9Keyframe, vp9Level } from '#workers/remux/codecs/vp9-frame.ts';
import type { MatroskaTrack, Picture } from './tracks.ts';

/** `sampleEntry` is null when the codec has no fMP4 packaging we know; `frameDuration` when frames differ or it can't be told. */
export type AudioPackaging = { readonly sampleRate: number; readonly frameDuration: number | null; readonly sampleEntry: Buffer | null };

const MPEG1_LAYER3 = 0x6b;
const MPEG2_LAYER3 = 0x69;
const OPUS_RATE = 48_000;
const EAC3_SAMPLES = 1536; // a sample in fMP4 holds six blocks (ETSI TS 102 366, F.6.1)

/** `keyframe`: the start of the first one. */
export function packageVideo(track: MatroskaTrack, keyframe: Buffer, framesPerSecond: number): Buffer | null {
  const { codecPrivate } = track;
  const picture = { ...track.picture, dolbyVision: track.dolbyVision };
  const isRecord = codecPrivate[0] === 1;
  switch (track.codecId) {
    case 'V_MPEG4/ISO/AVC':
      return isRecord && codecPrivate.byteLength >= 7 ? visualEntry('avc1', picture, box('avcC', codecPrivate)) : null;
    case 'V_MPEGH/ISO/HEVC':
      return isRecord && codecPrivate.byteLength >= 23 ? hevcEntry(picture, withCompleteArrays(codecPrivate)) : null;
    case 'V_VP9':
      return vp9Entry(picture, keyframe, framesPerSecond);
    case 'V_AV1':
      return codecPrivate[0] === 0x81 && codecPrivate.byteLength >= 4 ? visualEntry('av01', picture, box('av1C', codecPrivate)) : null;
    default:
      return null;
  }
}

/** `frames`: the first packets of the track. */
export function packageAudio(track: MatroskaTrack, frames: readonly Buffer[]): AudioPackaging {
  const { codecId } = track;
  if (codecId.startsWith('A_AAC')) return packageAac(track);
  switch (codecId) {
    case 'A_MPEG/L3':
      return packageMp3(track, frames);
    case 'A_AC3':
      return packageAc3(track, frames);
    case 'A_EAC3':
      return packageEac3(track, frames);
    case 'A_OPUS':
      return packageOpus(track, frames);
    case 'A_FLAC':
      return packageFlac(track);
    default:
      return notPackaged(track);
  }
}

type Described = Picture & Pick<MatroskaTrack, 'dolbyVision'>;

/** `dvh1` is for what only Dolby Vision shows right. */
function hevcEntry(picture: Described, record: Buffer): Buffer {
  const isOnlyThat = picture.dolbyVision.some(({ record }) => readDolbyVision(record)?.compatibility === 0);
  return visualEntry(isOnlyThat ? 'dvh1' : 'hvc1', picture, box('hvcC', record));
}

function visualEntry(format: string, picture: Described, ...configuration: readonly Buffer[]): Buffer {
  const { width, height, crop, pixelAspect } = picture;
  const { num, den } = pixelAspect;
  const aspect = num === den ? [] : [box('pasp', u32(num, den))];
  const aperture = crop ? [cleanApertureBox(crop, picture)] : [];
  const resolution = u32(0x0048_0000, 0x0048_0000); // 72 dpi
  const compressorName = Buffer.alloc(32);
  const entry = [sampleEntryStart(), Buffer.alloc(16), u16(width, height), resolution, u32(0), u16(1), compressorName, u16(0x0018, 0xffff)];
  return box(format, ...entry, ...configuration, ...aspect, ...aperture, ...colourBoxes(picture));
}

const UNSPECIFIED = 2;
const LUMINANCE_UNITS = 10_000;

/** What MP4 says of a picture's colours and light in boxes of their own (ISO/IEC 14496-12, 12.1.5 to 12.1.7; Dolby Vision streams within ISO BMFF). */
function colourBoxes({ colour, mastering, contentLight, dolbyVision }: Described): Buffer[] {
  const { primaries, transfer, matrix, isFullRange } = colour;
  const isTold = [primaries, transfer, matrix].some(code => code !== UNSPECIFIED);
  const told =
    isTold || isFullRange === true
      ? [box('colr', Buffer.from('nclx', 'latin1'), u16(primaries, transfer, matrix), Buffer.of(isFullRange === true ? 0x80 : 0))]
      : [];
  const light = mastering
    ? [
        box(
          'mdcv',
          u16(...mastering.green, ...mastering.blue, ...mastering.red, ...mastering.white),
          u32(Math.round(mastering.maxNits * LUMINANCE_UNITS), Math.round(mastering.minNits * LUMINANCE_UNITS)),
        ),
      ]
    : [];
  const content = contentLight ? [box('clli', u16(contentLight.maxNits, contentLight.averageNits))] : [];
  // Of two layers only the first is sent, which is a film by itself.
  const records = dolbyVision.filter(({ record }) => readDolbyVision(record)?.hasEnhancementLayer === false);
  return [...told, ...light, ...content, ...records.map(({ name, record }) => box(name, record))];
}

function audioEntry(format: string, channels: number, sampleRate: number, configuration: Buffer, sampleSize = 16): Buffer {
  let rate = sampleRate;
  while (rate > 0xffff) rate /= 2; // the field has 16 bits; the timescale and the configuration say the true rate
  return box(format, sampleEntryStart(), Buffer.alloc(8), u16(channels, sampleSize, 0, 0), u32(Math.floor(rate) * 0x10000), configuration);
}

/** Reserved bytes, then the data reference index. */
const sampleEntryStart = (): Buffer => u16(0, 0, 0, 1);

/** `hvc1` promises that parameter sets come only from here (ISO/IEC 14496-15, 8.4.1); muxers often leave the flag of each array unset. */
function withCompleteArrays(record: Buffer): Buffer {
  const complete = Buffer.from(record);
  const arrays = complete[22] ?? 0;
  let at = 23;
  for (let array = 0; array < arrays && at + 3 <= complete.byteLength; array++) {
    const type = complete.readUInt8(at) & 0x3f;
    const isParameterSet = type >= 32 && type <= 34;
    if (isParameterSet) complete.writeUInt8(0x80 | type, at);
    const units = complete.readUInt16BE(at + 1);
    at += 3;
    for (let unit = 0; unit < units && at + 2 <= complete.byteLength; unit++) at += 2 + complete.readUInt16BE(at);
  }
  return complete;
}

function vp9Entry(picture: Described, keyframe: Buffer, framesPerSecond: number): Buffer | null {
  const frame = readVp9Keyframe(keyframe);
  if (!frame) return null;
  const { colour } = picture;
  const chosen = (told: number, found: number): number => (told === 2 ? found : told);
  const isFullRange = colour.isFullRange ?? frame.isFullRange;
  const formats = (frame.bitDepth << 4) | (frame.chromaSubsampling << 1) | (isFullRange ? 1 : 0);
  const codePoints = [
    chosen(colour.primaries, frame.primaries),
    chosen(colour.transfer, frame.transfer),
    chosen(colour.matrix, frame.matrix),
  ];
  const level = vp9Level(picture.width, picture.height, framesPerSecond);
  return visualEntry('vp09', picture, fullBox('vpcC', 1, 0, Buffer.from([frame.profile, level, formats, ...codePoints]), u16(0)));
}

const notPackaged = ({ sound }: MatroskaTrack): AudioPackaging => ({
  sampleRate: sound.outputSampleRate,
  frameDuration: null,
  sampleEntry: null,
});

function packageAac(track: MatroskaTrack): AudioPackaging {
  const config = readAacConfig(track.codecPrivate);
  const named = config && withNamedChannels(track.codecPrivate);
  if (!named) return notPackaged(track);
  const sampleEntry = audioEntry('mp4a', track.sound.channels, config.sampleRate, elementaryStream(MPEG4_AUDIO, named));
  return { ...config, sampleEntry };
}

function packageMp3(track: MatroskaTrack, [first]: readonly Buffer[]): AudioPackaging {
  const frame = first && readMp3Frame(first);
  if (!frame) return notPackaged(track);
  const { sampleRate, frameDuration, isMpeg1 } = frame;
  const configuration = elementaryStream(isMpeg1 ? MPEG1_LAYER3 : MPEG2_LAYER3, null);
  return { sampleRate, frameDuration, sampleEntry: audioEntry('mp4a', track.sound.channels, sampleRate, configuration) };
}

function packageAc3(track: MatroskaTrack, [first]: readonly Buffer[]): AudioPackaging {
  const frame = first && readAc3Frame(first);
  if (!frame) return notPackaged(track);
  const { sampleRate, fscod, bsid, bsmod, acmod, lfeon, bitRateCode } = frame;
  const packed = (fscod << 22) | (bsid << 17) | (bsmod << 14) | (acmod << 11) | (lfeon << 10) | (bitRateCode << 5);
  return {
    sampleRate,
    frameDuration: 1536,
    sampleEntry: audioEntry('ac-3', track.sound.channels, sampleRate, box('dac3', u32(packed).subarray(1))),
  };
}

function packageEac3(track: MatroskaTrack, frames: readonly Buffer[]): AudioPackaging {
  const packets = frames.map(readEac3Packet);
  const [substreams] = packets;
  const main = substreams?.[0];
  if (!substreams || !main || main.isDependent) return notPackaged(track);
  const isWholeSample = (packet: readonly Eac3Substream[] | null): boolean =>
    packet !== null &&
    sum(packet.filter(({ isDependent, id }) => !isDependent && id === main.id).map(({ samples }) => samples)) === EAC3_SAMPLES;
  if (!packets.every(isWholeSample)) return { ...notPackaged(track), sampleRate: main.sampleRate };
  const byteRate = (sum(frames.map(frame => frame.byteLength)) / frames.length / EAC3_SAMPLES) * main.sampleRate;
  const configuration = box('dec3', eac3Record(substreams, Math.round((byteRate * 8) / 1000)));
  return {
    sampleRate: main.sampleRate,
    frameDuration: EAC3_SAMPLES,
    sampleEntry: audioEntry('ec-3', track.sound.channels, main.sampleRate, configuration),
  };
}

/** ETSI TS 102 366, F.6. */
function eac3Record(substreams: readonly Eac3Substream[], kilobits: number): Buffer {
  const ids = [...new Set(substreams.filter(({ isDependent }) => !isDependent).map(({ id }) => id))];
  const parts = [u16((Math.min(kilobits, 0x1fff) << 3) | (ids.length - 1))];
  for (const id of ids) {
    const at = substreams.findIndex(substream => !substream.isDependent && substream.id === id);
    const nextIndependent = substreams.findIndex((substream, index) => index > at && !substream.isDependent && substream.id !== id);
    const own = substreams.slice(at, nextIndependent === -1 ? undefined : nextIndependent);
    const dependent = own.filter(({ isDependent }) => isDependent);
    const { fscod = 0, bsid = 16, acmod = 0, lfeon = 0 } = own[0] ?? {};
    const dependentCount = new Set(dependent.map(substream => substream.id)).size;
    const location = dependent.reduce((all, { channelLocation }) => all | channelLocation, 0);
    const packed =
      (fscod << 22) | (bsid << 17) | (acmod << 9) | (lfeon << 8) | (dependentCount << 1) | (dependentCount === 0 ? 0 : location >> 8);
    parts.push(u32(packed).subarray(1));
    if (dependentCount > 0) parts.push(Buffer.from([location & 0xff]));
  }
  return Buffer.concat(parts);
}

/** `dOps` holds the OpusHead of RFC 7845 in big-endian order (Encapsulation of Opus in ISOBMFF, 4.3.2). */
function packageOpus(track: MatroskaTrack, frames: readonly Buffer[]): AudioPackaging {
  const head = track.codecPrivate;
  const durations = new Set(frames.map(opusPacketDuration));
  const [duration = null] = durations;
  const isKnown = head.toString('latin1', 0, 8) === 'OpusHead' && head.byteLength >= 19;
  if (!isKnown) return { ...notPackaged(track), sampleRate: OPUS_RATE };
  const channels = head.readUInt8(9);
  const fixed = [Buffer.from([0, channels]), u16(head.readUInt16LE(10)), u32(head.readUInt32LE(12)), u16(head.readUInt16LE(16))];
  const sampleEntry = audioEntry('Opus', channels, OPUS_RATE, box('dOps', ...fixed, head.subarray(18)));
  return { sampleRate: OPUS_RATE, frameDuration: durations.size === 1 ? duration : null, sampleEntry };
}

function packageFlac(track: MatroskaTrack): AudioPackaging {
  const header = readFlacStreamInfo(track.codecPrivate);
  if (!header) return notPackaged(track);
  const { sampleRate, channels, bitsPerSample, frameDuration } = header.info;
  const streamInfo = Buffer.concat([Buffer.from([0x80, 0, 0, header.block.byteLength]), header.block]); // 0x80: the last metadata block
  return {
    sampleRate,
    frameDuration,
    sampleEntry: audioEntry('fLaC', channels, sampleRate, fullBox('dfLa', 0, 0, streamInfo), bitsPerSample),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
