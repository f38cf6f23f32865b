// How a film's poster and small pictures come by their colours and their shape: for any screen, whatever the film was made for.
import { BT709, codingOf, encodeColourOf } from '#domain/colour/encode-colour.ts';
import { shownCrop } from '#domain/delivery/cropping.ts';
import type { StillPicture } from '#domain/inspector-protocol.ts';
import type { VideoStream } from '#domain/media.ts';

export function stillPicture(video: VideoStream | undefined, canConvert: boolean): StillPicture {
  const crop = video && shownCrop(video);
  const picture = colouredPicture(video, canConvert);
  if (!video || !crop) return picture;
  const { num, den } = video.pixelAspect;
  return { ...picture, part: { crop, pixelAspect: video.rotation % 180 === 0 ? { num, den } : { num: den, den: num } } };
}

/** A film whose colours can not be converted has pictures of its light alone: a wrong colour would be taken for the film's. */
function colouredPicture(video: VideoStream | undefined, canConvert: boolean): StillPicture {
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
