// The work of an encode, in the unit in which a machine's speed is measured.
import { type EncodeColour, isConverted } from '../colour/encode-colour.ts';
import { type EncoderName, encoderFacts } from '../encoders.ts';
import type { Rational } from '../media.ts';

type Picture = { readonly width: number; readonly height: number };

/**
 * The work of decoding and scaling a pixel, as a part of that of encoding one (x264 veryfast). Between 0.4 (60 frames a second of few bits each) and 0.8
 * (24 of many); a 240p rung of a 1080p film is little else.
 */
const DECODE_SHARE = 0.6;

/** The work of a pixel that is brought from high dynamic range to a plain screen's (zscale and tonemap, ffmpeg 5.1), and from a wider gamut alone. */
const TONE_MAP_SHARE = 2.8;
const GAMUT_SHARE = 0.5;

/** The work of one frame: its pixels to encode, plus the source's pixels to decode at their share. */
export const frameWork = (made: Picture, source: Picture): number => made.width * made.height + DECODE_SHARE * source.width * source.height;

/** What a pixel costs in software, beside x264 veryfast. */
const WEIGHTS: Partial<Record<EncoderName, number>> = { libx265: 2, libsvtav1: 2, 'libaom-av1': 2 };

type Made = Picture & { readonly frameRate: Rational; readonly encoder?: EncoderName; readonly colour?: EncodeColour };

/**
 * The same for a second of film, whose pictures are decoded at the rate at which they are encoded, with what their colours cost: done once they are
 * scaled. `deviceShare`: of hardware, what of the machine's own work its pixels take of the device's time. One that is made by hardware takes up
 * whichever is scarcer, the device or the cores that decode for it.
 */
export function encodeWork(made: Made, source: Picture, deviceShare = 1): number {
  const { encoder = 'libx264', width, height, frameRate } = made;
  const pixels = width * height;
  const colours = pixels * colourShare(made.colour);
  const none = { width: 0, height: 0 };
  const work =
    encoderFacts(encoder).kind === 'software'
      ? frameWork(made, source) + colours + pixels * ((WEIGHTS[encoder] ?? 1) - 1)
      : Math.max(frameWork(none, source) + colours, pixels * deviceShare);
  return Math.round((work * frameRate.num) / frameRate.den);
}

function colourShare(colour: EncodeColour | undefined): number {
  if (colour === undefined || !isConverted(colour)) return 0;
  return colour.peakNits === undefined ? GAMUT_SHARE : TONE_MAP_SHARE;
}
