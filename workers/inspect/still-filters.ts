// The filters that make small pictures of a film for any screen: posters and what a seek bar shows.
import { BT709 } from '#domain/colour/encode-colour.ts';
import { cropFilter } from '#domain/delivery/cropping.ts';
import type { StillPicture } from '#domain/inspector-protocol.ts';
import { colourFilters, scaleFilter, scalerMatrix } from '#workers/encoders/colour-filters.ts';

export const PLAIN_STILL: StillPicture = { coding: { from: BT709, to: BT709 }, isGrey: false };

/** In square pixels, of eight bits. The cheapest way to a small size that takes every pixel into account. */
export const stillFilters = (width: number | string, height: number | string, { coding, isGrey, part }: StillPicture): string[] => [
  ...(part ? [cropFilter(part.crop), `setsar=${part.pixelAspect.num}/${part.pixelAspect.den}`] : []),
  scaleFilter({ width, height }, 'area', coding),
  ...(isGrey ? ['format=yuv420p10le', 'lutyuv=u=512:v=512'] : []),
  ...colourFilters(coding),
  'setsar=1',
];

/** A JPEG has the full range and the matrix of BT.601, and names neither (JFIF). */
export const jpegFilters = ({ coding }: StillPicture): string[] => [
  `scale=in_color_matrix=${scalerMatrix(coding.to.matrix)}:out_color_matrix=bt601:in_range=tv:out_range=pc`,
  'format=yuvj420p',
];
