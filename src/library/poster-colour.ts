// How a film's poster comes by its colours: for any screen, whatever the film was made for.
import { BT709, codingOf, encodeColourOf } from '#domain/colour/encode-colour.ts';
import type { PosterColour } from '#domain/inspector-protocol.ts';
import type { VideoStream } from '#domain/media.ts';

/** A film whose colours can not be converted has a poster of its light alone: a wrong colour would be taken for the film's. */
export function posterColour(video: VideoStream | undefined, canConvert: boolean): PosterColour {
  if (video === undefined) return { coding: { from: BT709, to: BT709 }, isGrey: false };
  const coding = encodeColourOf(video, canConvert);
  if (coding !== null) return { coding, isGrey: false };
  const from = codingOf(video);
  return {
    coding: canConvert
      ? { from: { ...from, primaries: 'bt2020', matrix: 'bt2020nc' }, to: BT709, peakNits: 1_000 }
      : { from: BT709, to: BT709 },
    isGrey: true,
  };
}
