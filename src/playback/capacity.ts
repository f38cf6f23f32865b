// What the machine can encode at once and what each rung takes of it: pixels a second, or so many encodes whatever their size.
import type { VideoEncode } from '#domain/rendition.ts';

export type Capacity = {
  readonly total: number;
  readonly costOf: (rendition: VideoEncode) => number;
};

export const pixelsPerSecond = ({ width, height, frameRate }: Pick<VideoEncode, 'width' | 'height' | 'frameRate'>): number =>
  Math.round((width * height * frameRate.num) / frameRate.den);

export const countedCapacity = (encodes: number): Capacity => ({ total: encodes, costOf: () => 1 });

export const pixelCapacity = (total: number): Capacity => ({ total: Math.round(total), costOf: pixelsPerSecond });
