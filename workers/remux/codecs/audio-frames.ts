// What the first frames of an audio track, or its configuration, tell about all of them: samples per frame, and what sample entries repeat.
import { BitReader } from './bit-reader.ts';

export type AacConfig = { readonly sampleRate: number; readonly frameDuration: number | null };

const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const AAC_LC = 2;
const SBR = 5;
const PARAMETRIC_STEREO = 29;
/** Up to here a stream may hold SBR without saying so in its configuration (ISO/IEC 14496-3, 1.6.5.1). */
const MAX_IMPLICIT_SBR_RATE = 24_000;

/** AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). Null for object types other than AAC-LC and HE-AAC. */
export function readAacConfig(config: Buffer): AacConfig | null {
  const bits = new BitReader(config);
  const objectType = bits.read(5);
  const coreRate = readAacRate(bits);
  const channelConfiguration = bits.read(4);
  const isExplicitSbr = objectType === SBR || objectType === PARAMETRIC_STEREO;
  const outputRate = isExplicitSbr ? readAacRate(bits) : coreRate;
  const coreType = isExplicitSbr ? bits.read(5) : objectType;
  const hasShortFrames = bits.flag(); // 960 samples
  if (coreType !== AAC_LC || hasShortFrames || coreRate === null || outputRate === null || bits.isPastEnd) return null;
  if (isExplicitSbr) return { sampleRate: outputRate, frameDuration: (1024 * outputRate) / coreRate };
  const dependsOnCoreCoder = bits.flag();
  const isExtended = bits.flag();
  // Nothing variable lies between here and a sync extension in the common case.
  const extension = dependsOnCoreCoder || isExtended || channelConfiguration === 0 ? null : readSyncExtension(bits);
  if (extension?.hasSbr) return { sampleRate: extension.rate, frameDuration: (1024 * extension.rate) / coreRate };
  const isSurelyPlain = extension !== null || coreRate > MAX_IMPLICIT_SBR_RATE;
  return { sampleRate: coreRate, frameDuration: isSurelyPlain ? 1024 : null };
}

function readAacRate(bits: BitReader): number | null {
  const index = bits.read(4);
  return index === 15 ? bits.read(24) : (AAC_RATES[index] ?? null);
}

function readSyncExtension(bits: BitReader): { hasSbr: false } | { hasSbr: true; rate: number } | null {
  if (bits.read(11) !== 0x2b7 || bits.read(5) !== SBR || bits.isPastEnd) return null;
  if (!bits.flag()) return { hasSbr: false };
  const rate = readAacRate(bits);
  return rate === null || bits.isPastEnd ? null : { hasSbr: true, rate };
}

export type Ac3Frame = {
  readonly sampleRate: number;
  readonly fscod: number;
  readonly bsid: number;
  readonly bsmod: number;
  readonly acmod: number;
  readonly lfeon: number;
  readonly bitRateCode: number;
};

const AC3_RATES = [48000, 44100, 32000];

/** AC-3 sync frame (ETSI TS 102 366, 4.3). Null for anything else, such as the half-rate variants. */
export function readAc3Frame(frame: Buffer): Ac3Frame | null {
  const bits = new BitReader(frame);
  if (bits.read(16) !== 0x0b77) return null;
  bits.skip(16);
  const fscod = bits.read(2);
  const bitRateCode = bits.read(6) >> 1;
  const bsid = bits.read(5);
  const bsmod = bits.read(3);
  const acmod = bits.read(3);
  if ((acmod & 1) !== 0 && acmod !== 1) bits.skip(2); // centre mix level
  if ((acmod & 4) !== 0) bits.skip(2); // surround mix level
  if (acmod === 2) bits.skip(2); // Dolby Surround mode
  const lfeon = bits.read(1);
  const sampleRate = AC3_RATES[fscod];
  return sampleRate === undefined || bsid > 8 || bits.isPastEnd ? null : { sampleRate, fscod, bsid, bsmod, acmod, lfeon, bitRateCode };
}

export type Eac3Substream = {
  readonly isDependent: boolean;
  readonly id: number;
  readonly sampleRate: number;
  readonly samples: number;
  readonly fscod: number;
  readonly bsid: number;
  readonly acmod: number;
  readonly lfeon: number;
  /** Channels of a dependent substream as `dec3` numbers them, Lc/Rc in the highest of nine bits. */
  readonly channelLocation: number;
};

/** Six of one block each, of eight programs with eight dependent ones. */
const MAX_SUBSTREAMS = 6 * 8 * 9;

/** The sync frames inside one packet (ETSI TS 102 366, E.1.2): an independent substream, more of its blocks, and its dependent ones. Null when damaged. */
export function readEac3Packet(packet: Buffer): readonly Eac3Substream[] | null {
  const substreams: Eac3Substream[] = [];
  let at = 0;
  while (at < packet.byteLength) {
    const bits = new BitReader(packet.subarray(at));
    if (bits.read(16) !== 0x0b77 || substreams.length === MAX_SUBSTREAMS) return null;
    const streamType = bits.read(2);
    const id = bits.read(3);
    const byteLength = (bits.read(11) + 1) * 2;
    const substream = readEac3Substream(bits, streamType, id);
    if (!substream) return null;
    substreams.push(substream);
    at += byteLength;
  }
  return substreams;
}

function readEac3Substream(bits: BitReader, streamType: number, id: number): Eac3Substream | null {
  const isDependent = streamType === 1;
  const fscod = bits.read(2);
  const blocks = [1, 2, 3, 6][bits.read(2)];
  const acmod = bits.read(3);
  const lfeon = bits.read(1);
  const bsid = bits.read(5);
  const sampleRate = AC3_RATES[fscod];
  if (streamType > 1 || sampleRate === undefined || blocks === undefined || bsid <= 10 || bsid > 16) return null;
  const programs = acmod === 0 ? 2 : 1;
  for (let program = 0; program < programs; program++) {
    bits.skip(5); // dialogue level
    if (bits.flag()) bits.skip(8); // compression gain
  }
  const channelMap = isDependent && bits.flag() ? bits.read(16) : 0;
  // Bits 5 to 12 of the map, then bit 14 (second LFE), counted from its highest.
  const channelLocation = ((channelMap & 0x7f8) >> 2) | ((channelMap & 0x2) >> 1);
  return { isDependent, id, sampleRate, samples: blocks * 256, fscod, bsid, acmod, lfeon, channelLocation };
}

export type Mp3Frame = { readonly sampleRate: number; readonly frameDuration: number; readonly isMpeg1: boolean };

/** MPEG audio layer 3 header (ISO/IEC 11172-3, 2.4.1.3; MPEG-2 and 2.5 have half frames). */
export function readMp3Frame(frame: Buffer): Mp3Frame | null {
  const bits = new BitReader(frame);
  const isSynced = bits.read(11) === 0x7ff;
  const version = bits.read(2);
  const isLayer3 = bits.read(2) === 1;
  bits.skip(5);
  const rate = [44100, 48000, 32000][bits.read(2)];
  const divisor = [4, null, 2, 1][version];
  if (!isSynced || !isLayer3 || rate === undefined || divisor === null || divisor === undefined || bits.isPastEnd) return null;
  return { sampleRate: rate / divisor, frameDuration: divisor === 1 ? 1152 : 576, isMpeg1: divisor === 1 };
}

const OPUS_SILK_MS = [10, 20, 40, 60];
const OPUS_HYBRID_MS = [10, 20];
const OPUS_CELT_MS = [2.5, 5, 10, 20];

/** Samples at 48 kHz of an Opus packet (RFC 6716, 3.1); null for a broken one. */
export function opusPacketDuration(packet: Buffer): number | null {
  const toc = packet[0];
  if (toc === undefined) return null;
  const config = toc >> 3;
  const frameMs = config < 12 ? OPUS_SILK_MS[config & 3] : config < 16 ? OPUS_HYBRID_MS[config & 1] : OPUS_CELT_MS[config & 3];
  const frames = [1, 2, 2, (packet[1] ?? 0) & 0x3f][toc & 3];
  return frameMs === undefined || !frames ? null : frameMs * 48 * frames;
}

export type FlacStreamInfo = {
  readonly sampleRate: number;
  readonly channels: number;
  readonly bitsPerSample: number;
  readonly frameDuration: number | null;
};

const FLAC_STREAM_INFO_BYTES = 34;

/** The STREAMINFO block of a `fLaC` header (RFC 9639, 8.2), and what it says. */
export function readFlacStreamInfo(header: Buffer): { readonly block: Buffer; readonly info: FlacStreamInfo } | null {
  const block = header.subarray(8, 8 + FLAC_STREAM_INFO_BYTES);
  const isFlac = header.toString('latin1', 0, 4) === 'fLaC' && ((header[4] ?? 0) & 0x7f) === 0;
  if (!isFlac || block.byteLength < FLAC_STREAM_INFO_BYTES) return null;
  const bits = new BitReader(block);
  const smallest = bits.read(16);
  const largest = bits.read(16);
  bits.skip(48);
  const sampleRate = bits.read(20);
  const channels = bits.read(3) + 1;
  const bitsPerSample = bits.read(5) + 1;
  return { block, info: { sampleRate, channels, bitsPerSample, frameDuration: smallest === largest && smallest > 0 ? smallest : null } };
}
