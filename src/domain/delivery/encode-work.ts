// The work of an encode, in the unit in which a machine's speed is measured.
import type { Rational } from '../media.ts';

type Picture = { readonly width: number; readonly height: number };

/**
 * The work of decoding and scaling a pixel, as a part of that of encoding one (x264 veryfast). Between 0.4 (60 frames a second of few bits each) and 0.8
 * (24 of many); a 240p rung of a 1080p film is little else.
 */
const DECODE_SHARE = 0.6;

/** The work of one frame: its pixels to encode, plus the source's pixels to decode at their share. */
export const frameWork = (made: Picture, source: Picture): number => made.width * made.height + DECODE_SHARE * source.width * source.height;

/** The same for a second of film, whose pictures are decoded at the rate at which they are encoded. */
export const encodeWork = (made: Picture & { readonly frameRate: Rational }, source: Picture): number =>
  Math.round((frameWork(made, source) * made.frameRate.num) / made.frameRate.den);
