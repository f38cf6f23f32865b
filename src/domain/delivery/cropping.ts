// Which part of a picture is shown, where its container leaves some of it out. Pure.
import type { Crop, VideoStream } from '../media.ts';

type Size = { readonly width: number; readonly height: number };

/** Less is a number that somebody mistyped. */
const LEAST_PIXELS = 2;

/** In whole pixels, within the picture; null where nothing is left out, or nothing would be left. */
export function cropOf({ x, y, width, height }: Crop, picture: Size): Crop | null {
  const [left, top] = [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))];
  const right = Math.min(picture.width, Math.round(x + width));
  const bottom = Math.min(picture.height, Math.round(y + height));
  const crop = { x: left, y: top, width: right - left, height: bottom - top };
  if (!(crop.width >= LEAST_PIXELS && crop.height >= LEAST_PIXELS)) return null;
  return crop.width === picture.width && crop.height === picture.height ? null : crop;
}

/** Where it lies in the picture once that is turned upright; null: the whole is shown. */
export function shownCrop({ crop, width, height, rotation }: Pick<VideoStream, 'crop' | 'width' | 'height' | 'rotation'>): Crop | null {
  if (crop === null) return null;
  const [right, below] = [width - crop.x - crop.width, height - crop.y - crop.height];
  const turned = { width: crop.height, height: crop.width };
  switch (rotation) {
    case 90:
      return { x: below, y: crop.x, ...turned };
    case 180:
      return { ...crop, x: right, y: below };
    case 270:
      return { x: crop.y, y: right, ...turned };
    default:
      return crop;
  }
}

/** ffmpeg's filter. A picture that ffmpeg has cropped by itself, as later versions do, stays as it is: there is no other place for the same size. */
export const cropFilter = ({ x, y, width, height }: Crop): string => `crop=${width}:${height}:${x}:${y}:exact=1`;
