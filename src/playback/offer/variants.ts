// Which renditions of an offer are listed together, and what a variant says of them. Pure.
import { type DynamicRange, dynamicRangeOf, supplementalCodecs } from '#domain/colour/colour.ts';
import type { Media, VideoStream } from '#domain/media.ts';
import type { AudioRendition, MediaRendition, VideoRendition } from '#domain/rendition.ts';

/** `audio`: AAC stereo throughout. */
export type AudioGroupId = 'audio' | 'audio-full';
export type AudioGroup = { readonly id: AudioGroupId; readonly renditions: readonly AudioRendition[] };

/**
 * Every group has every track (RFC 8216, 4.3.4.1.1), in its fullest form or in stereo; the fullest comes first. A player leaves out a variant of whose
 * codecs it does not know one, so each variant is listed with both. One group without tracks for a film without sound.
 */
export function audioGroups(sounds: readonly AudioRendition[]): readonly AudioGroup[] {
  const stereo = sounds.filter(({ form }) => form === undefined);
  const full = sounds.filter(({ form }) => form === 'full');
  if (full.length === 0) return [{ id: 'audio', renditions: stereo }];
  const fullest = stereo.map(sound => full.find(({ track }) => track === sound.track) ?? sound);
  return [
    { id: 'audio-full', renditions: fullest },
    { id: 'audio', renditions: stereo },
  ];
}

/**
 * What is listed beside the start rung. A VP9 copy stands alone: Shaka Player keeps one codec, and buffers for ever where the variants of a film have
 * VP9 in fragmented MP4 and H.264. The other rungs can still be asked for by a session of their own.
 */
export function playableTogether(pictures: readonly VideoRendition[]): readonly VideoRendition[] {
  const [first] = pictures;
  return first?.kind === 'video-copy' && /^vp0?[89]/.test(first.codecs)
    ? pictures.filter(({ codecs }) => /^vp0?[89]/.test(codecs))
    : pictures;
}

/** Bits per second over the whole film. Until the film was measured: what the file says of what is copied, the most that the rate control lets through of what is encoded. */
export function averageBps(rendition: MediaRendition, { streams }: Media): number {
  if (rendition.averageBps !== undefined) return rendition.averageBps;
  switch (rendition.kind) {
    case 'video-encode':
      return Math.round(rendition.maxBitrateBps);
    case 'audio-encode':
      return rendition.bitrateBps;
    case 'video-copy':
    case 'audio-copy': {
      const source = [...streams.video, ...streams.audio].find(({ index }) => index === rendition.streamIndex);
      return Math.min(rendition.bandwidthBps, source?.bitrateBps || rendition.bandwidthBps);
    }
  }
}

/** What its pictures are; an encode's are for a plain screen. */
export function videoRangeOf(rendition: VideoRendition, media: Media): DynamicRange {
  const source = copiedFrom(rendition, media);
  return source === undefined ? 'SDR' : dynamicRangeOf(source.colour);
}

/** What decoders of Dolby Vision find in a copy beside the codec that it is listed by; null: nothing. */
export function supplementalCodecsOf(rendition: VideoRendition, media: Media): string | null {
  const source = copiedFrom(rendition, media);
  return source === undefined ? null : supplementalCodecs(source.colour);
}

const copiedFrom = (rendition: VideoRendition, { streams }: Media): VideoStream | undefined =>
  rendition.kind === 'video-copy' ? streams.video.find(({ index }) => index === rendition.streamIndex) : undefined;
