// The rungs that a media can be encoded at: pure, from the source's size, rate and bitrate.
import { rungNameOf } from '../addresses.ts';
import type { AudioStream, VideoStream } from '../media.ts';
import { AC3, type AudioEncode, EAC3, type RungId, type VideoEncode } from '../rendition.ts';
import { shownCrop } from './cropping.ts';
import { type BitDemand, boundBps, heldAverageBps } from './film-rates.ts';

type Target = { readonly height: number; readonly width: number; readonly maxBitrateBps: number };

/** Ceilings for 24–30 frames a second; a higher rate gets half as much again. Boxes are 16:9: other shapes fit inside. */
const TARGETS: readonly Target[] = [
  { height: 2160, width: 3840, maxBitrateBps: 16_000_000 },
  { height: 1440, width: 2560, maxBitrateBps: 9_000_000 },
  { height: 1080, width: 1920, maxBitrateBps: 5_000_000 },
  { height: 720, width: 1280, maxBitrateBps: 2_800_000 },
  { height: 480, width: 854, maxBitrateBps: 1_400_000 },
  { height: 360, width: 640, maxBitrateBps: 800_000 },
  { height: 240, width: 426, maxBitrateBps: 400_000 },
];

const STEREO_BITRATE_BPS = 160_000;
/** 5.1: the most that AAC's channel configurations name the same in every player. */
export const SURROUND_CHANNELS = 6;
/** What clients with loudspeakers decode, or hand on to the receiver that does, the best first. */
const SURROUND = [
  { codec: 'eac3', codecs: EAC3, bitrateBps: 384_000 },
  { codec: 'ac3', codecs: AC3, bitrateBps: 448_000 },
  { codec: 'aac', codecs: 'mp4a.40.2', bitrateBps: 384_000 },
] as const;
const HIGH_FRAME_RATE = 40;

/** Up to this segment length an encode is made for a quick start, above it for few bytes. */
export const LATENCY_TARGET_MS = 2_000;

/** Seconds of rate-control buffer (`-bufsize` over `-maxrate`): a segment can carry that much more than its share. */
/** A picture of a quarter of the pixels needs more than a quarter of the bits: detail does not shrink with it. */
const BITS_BY_PIXELS = 0.75;
/** Of a rung's own ceiling: what keyframes of any picture need, however seldom the source has them. */
const LEAST_SHARE = 0.1;

/** How far a rung of a film that needs it may pass the ceiling that is right for most. */
const HIGHER = 1.5;
const STEP = 0.95;

/** What the source spends, in bits per second. 0: it is not known. */
export type SourceRate = {
  readonly averageBps: number;
  readonly peakBps: number;
  /** What the film is predicted to take; absent: it is not known, and every rung may spend what any film might need. */
  readonly demand?: BitDemand | null;
};

export const RATE_BUFFER_S = { superfast: 1, veryfast: 2 } as const satisfies Record<VideoEncode['preset'], number>;

const peakBps = (maxBitrateBps: number, bufferS: number, targetMs: number): number =>
  Math.ceil(maxBitrateBps * (1 + (bufferS * 1000) / targetMs) * 1.05);

/**
 * H.264 High rungs from the source's own size down; the top one is named after the smallest box that holds the source. None spends more
 * than the source does, nor has a higher peak: bits that the source has not got buy nothing.
 */
export function buildLadder(
  video: VideoStream,
  targetMs: number,
  source: SourceRate = { averageBps: video.bitrateBps, peakBps: 0 },
): VideoEncode[] {
  const shown = displaySize(video);
  const fits = TARGETS.map(target => fit(target, shown));
  return TARGETS.flatMap((target, index) => {
    const holdsSource = (fits[index] ?? 0) >= 1;
    const smallerHoldsIt = (fits[index + 1] ?? 0) >= 1;
    if (holdsSource && smallerHoldsIt) return [];
    return [rungFor(video, target, { scale: Math.min(fits[index] ?? 1, 1), targetMs, source })];
  });
}

/** How much the picture may grow to fill the box, the box turned as the picture is. */
function fit(target: Target, { width, height }: { width: number; height: number }): number {
  return Math.min(target.width / Math.max(width, height), target.height / Math.min(width, height));
}

type Wish = { readonly scale: number; readonly targetMs: number; readonly source: SourceRate };

function rungFor(video: VideoStream, target: Target, { scale, targetMs, source }: Wish): VideoEncode {
  const shown = displaySize(video);
  const crop = shownCrop(video);
  const size = { width: even(shown.width * scale), height: even(shown.height * scale) };
  const fps = video.frameRate.num / video.frameRate.den;
  const ceilingBps = fps > HIGH_FRAME_RATE ? target.maxBitrateBps * 1.5 : target.maxBitrateBps;
  const preset = targetMs <= LATENCY_TARGET_MS ? 'superfast' : 'veryfast';
  const peakShare = peakBps(1_000_000, RATE_BUFFER_S[preset], targetMs) / 1_000_000;
  const sourceBps = Math.min(known(source.averageBps), known(source.peakBps - 1) / peakShare) * scale ** (2 * BITS_BY_PIXELS);
  const rungId = rungNameOf(target.height, 'h264');
  const maxBitrateBps = Math.floor(
    titleBps(rungId, ceilingBps, { scale, targetMs, source }) ?? Math.min(ceilingBps, Math.max(sourceBps, ceilingBps * LEAST_SHARE)),
  );
  return {
    kind: 'video-encode',
    rungId,
    streamIndex: video.index,
    ...size,
    frameRate: video.frameRate,
    ...(video.isInterlaced && { fieldSize: { width: video.width, height: video.height } }),
    ...(video.rotation !== 0 && { isTurned: true as const }),
    ...(crop && { crop }),
    maxBitrateBps,
    preset,
    bandwidthBps: peakBps(maxBitrateBps, RATE_BUFFER_S[preset], targetMs),
    codecs: `avc1.6400${h264Level(size.width, size.height, fps).toString(16).padStart(2, '0')}`,
  };
}

/**
 * The bound for this film: what its busiest segments are predicted to want, up to the ceiling, which a source of many bits may pass. On
 * average no more than the source spends. Null: nothing is predicted.
 */
function titleBps(rungId: RungId, ceilingBps: number, { scale, targetMs, source }: Wish): number | null {
  const { demand } = source;
  const averageBps = demand?.rungs.find(rung => rung.rungId === rungId)?.averageBps;
  if (!demand || averageBps === undefined) return null;
  const sourceBps = known(source.averageBps) * scale ** (2 * BITS_BY_PIXELS);
  const wantedBps = boundBps(demand, averageBps, targetMs / 1000);
  let bps = Math.min(wantedBps, ceilingBps * (sourceBps > ceilingBps ? HIGHER : 1));
  while (heldAverageBps(demand, averageBps, bps) > sourceBps && bps > sourceBps) bps *= STEP;
  return Math.max(bps, ceilingBps * LEAST_SHARE * LEAST_SHARE);
}

/** The picture as a viewer sees it, in square pixels, none of its own lost: turned, so that a phone's portrait film is portrait. */
export function displaySize({ crop, pixelAspect, rotation, ...whole }: VideoStream): { width: number; height: number } {
  const { width, height } = crop ?? whole;
  const aspect = pixelAspect.num / pixelAspect.den;
  const wide = Math.round(width * Math.max(aspect, 1));
  const high = Math.round(height / Math.min(aspect, 1));
  return rotation % 180 === 0 ? { width: wide, height: high } : { width: high, height: wide };
}

export function stereoAac(track: number, audio: AudioStream): AudioEncode {
  const channels = Math.min(audio.channels, 2);
  const bitrateBps = channels === 1 ? STEREO_BITRATE_BPS / 2 : STEREO_BITRATE_BPS;
  return {
    kind: 'audio-encode',
    track,
    streamIndex: audio.index,
    channels,
    bitrateBps,
    bandwidthBps: Math.ceil(bitrateBps * 1.15),
    codecs: 'mp4a.40.2',
  };
}

/** For a client that has the loudspeakers, of sound that it can not take as it is. Null: it decodes nothing that surround is encoded as. */
export function surroundOf(track: number, audio: AudioStream, audioCodecs: readonly string[]): AudioEncode | null {
  const surround = SURROUND.find(({ codec }) => audioCodecs.includes(codec));
  if (surround === undefined) return null;
  const { bitrateBps, codecs } = surround;
  // AC-3 and E-AC-3 have a constant rate.
  const bandwidthBps = codecs === 'mp4a.40.2' ? Math.ceil(bitrateBps * 1.15) : bitrateBps;
  return { ...stereoAac(track, audio), form: 'full', channels: SURROUND_CHANNELS, bitrateBps, bandwidthBps, codecs };
}

/** Smallest level whose macroblock rate and frame size (ITU-T H.264, table A-1) hold the picture. */
export function h264Level(width: number, height: number, fps: number): number {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const LEVELS: readonly (readonly [level: number, maxRate: number, maxFrame: number])[] = [
    [30, 40_500, 1_620],
    [31, 108_000, 3_600],
    [32, 216_000, 5_120],
    [40, 245_760, 8_192],
    [42, 522_240, 8_704],
    [50, 589_824, 22_080],
    [51, 983_040, 36_864],
    [52, 2_073_600, 36_864],
  ];
  return LEVELS.find(([, maxRate, maxFrame]) => macroblocks * fps <= maxRate && macroblocks <= maxFrame)?.[0] ?? 62;
}

const known = (bps: number): number => (bps > 0 ? bps : Number.POSITIVE_INFINITY);

// 4:2:0 needs even sizes.
const even = (pixels: number): number => Math.max(2, 2 * Math.round(pixels / 2));
