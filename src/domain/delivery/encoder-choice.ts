// Which encoders make a session's rungs, of those that were proven on this machine; and the rungs that there are for it. Pure.
import { rungNameIn } from '../addresses.ts';
import {
  type ChosenEncoder,
  type EncodeCodec,
  type EncoderTrial,
  type EncodeTrial,
  encoderKey,
  FALLBACK,
  type HardwareKind,
} from '../encoders.ts';
import type { VideoEncode } from '../rendition.ts';
import type { Capabilities } from './profiles.ts';

/** Beside H.264, the best first. */
const OTHER_CODECS = ['av1', 'hevc'] as const;
export type OtherCodec = (typeof OTHER_CODECS)[number];

/** By codec. Without one for H.264, x264 makes it; without one for another codec, that is not offered. */
export type ChosenEncoders = { readonly [codec in EncodeCodec]?: ChosenEncoder };

export type ChoiceInput = {
  readonly trials: readonly EncoderTrial[];
  /** What the settings allow. */
  readonly hardware: readonly HardwareKind[];
  readonly codecs: 'auto' | readonly OtherCodec[];
  /** By `encoderKey`: false while it rests after a failure. */
  readonly isUsable: (key: string) => boolean;
  /** Many cores are idle: an encode in software may cost more than x264 does. */
  readonly isIdle: boolean;
};

/** In software, at the speed of x264 `veryfast` or half of it, AV1 of libaom takes as many bytes as that; of the others a fifth less and more. */
const WORTH_IN_SOFTWARE = ['libx265', 'libsvtav1'];

export function chooseEncoders({ trials, hardware, codecs, isUsable, isIdle }: ChoiceInput): ChosenEncoders {
  const working = trials.filter((trial): trial is EncodeTrial => trial.does === 'encode' && trial.isProven);
  const byHardware = (codec: EncodeCodec): ChosenEncoder | undefined =>
    working
      .filter(trial => trial.codec === codec && trial.kind !== 'software' && hardware.includes(trial.kind))
      .map(chosen)
      .find(each => isUsable(encoderKey(each)));
  const inSoftware = (codec: OtherCodec): ChosenEncoder | undefined =>
    working
      .filter(trial => trial.codec === codec && trial.kind === 'software')
      .filter(({ name }) => codecs !== 'auto' || (isIdle && WORTH_IN_SOFTWARE.includes(name)))
      .map(chosen)[0];
  const h264 = byHardware('h264');
  const others = OTHER_CODECS.filter(codec => codecs === 'auto' || codecs.includes(codec)).flatMap(codec => {
    // Without software that goes on where hardware breaks off, its viewers would be left with nothing.
    const mayFail = working.some(({ name }) => name === FALLBACK[codec]);
    const found = (mayFail ? byHardware(codec) : undefined) ?? inSoftware(codec);
    return found ? [[codec, found] as const] : [];
  });
  return { ...(h264 && { h264 }), ...Object.fromEntries(others) };
}

const chosen = ({ name, device }: EncodeTrial): ChosenEncoder => ({ encoder: name, ...(device === null ? {} : { device }) });

/** Of what x264 spends on the same picture. */
const RATE_SHARE = { hevc: 0.8, av1: 0.7 } as const;

/**
 * The same ladder by these encoders, then again in each other codec that the client takes. Players that can not change the codec while they play
 * stay in one of them (hls.js, Shaka Player), so each has all rungs; H.264 comes first, for every player takes it, and a start shows it soonest.
 */
export function byEncoders(ladder: readonly VideoEncode[], encoders: ChosenEncoders, capabilities: Capabilities): VideoEncode[] {
  // Transport streams are for players of before the other codecs, and parameter sets that change are nothing for them.
  if (capabilities.segments === 'mpegts') return [...ladder];
  const h264 = encoders.h264 ? ladder.map(rung => ({ ...rung, ...encoders.h264, codecs: rung.codecs.replace(/^avc1/, 'avc3') })) : ladder;
  const others = OTHER_CODECS.filter(codec => capabilities.videoCodecs.includes(codec)).flatMap(codec => {
    const made = encoders[codec];
    return made ? ladder.map(rung => inCodec(rung, codec, made)) : [];
  });
  return [...h264, ...others];
}

function inCodec(rung: VideoEncode, codec: OtherCodec, made: ChosenEncoder): VideoEncode {
  const { width, height, frameRate } = rung;
  const picture = { pixels: width * height, rate: (width * height * frameRate.num) / frameRate.den };
  return {
    ...rung,
    ...made,
    rungId: rungNameIn(rung.rungId, codec),
    maxBitrateBps: Math.floor(rung.maxBitrateBps * RATE_SHARE[codec]),
    bandwidthBps: Math.ceil(rung.bandwidthBps * RATE_SHARE[codec]),
    codecs:
      codec === 'hevc'
        ? `hvc1.1.6.L${levelFor(picture, HEVC_LEVELS)}.90`
        : `av01.0.${String(levelFor(picture, AV1_LEVELS)).padStart(2, '0')}M.08`,
  };
}

type Level = readonly [level: number, maxPixels: number, maxRate: number];

/** ITU-T H.265, tables A.8 and A.9, from 3 on: thirty times the level. */
const HEVC_LEVELS: readonly Level[] = [
  [90, 552_960, 16_588_800],
  [93, 983_040, 33_177_600],
  [120, 2_228_224, 66_846_720],
  [123, 2_228_224, 133_693_440],
  [150, 8_912_896, 267_386_880],
  [153, 8_912_896, 534_773_760],
  [156, 8_912_896, 1_069_547_520],
];

/** AV1 bitstream specification, annex A.3: `seq_level_idx`. */
const AV1_LEVELS: readonly Level[] = [
  [0, 147_456, 4_423_680],
  [1, 278_784, 8_363_520],
  [4, 665_856, 19_975_680],
  [5, 1_065_024, 31_950_720],
  [8, 2_359_296, 70_778_880],
  [9, 2_359_296, 141_557_760],
  [12, 8_912_896, 267_386_880],
  [13, 8_912_896, 534_773_760],
  [14, 8_912_896, 1_069_547_520],
];

const levelFor = ({ pixels, rate }: { pixels: number; rate: number }, levels: readonly Level[]): number =>
  (levels.find(([, maxPixels, maxRate]) => pixels <= maxPixels && rate <= maxRate) ?? levels.at(-1) ?? [0])[0];
