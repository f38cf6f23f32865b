// Which rendition of a session's offer a track is, and what metrics call it.
import { FerriteError } from '#domain/errors.ts';
import type { Track } from '#domain/protocol.ts';
import type { Rendition } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import { iframesOf } from '#domain/trick-play/iframes.ts';

/** @throws SEGMENT_NOT_FOUND */
export function renditionOf(offer: Offer, track: Track): Rendition {
  const found = find(offer, track);
  if (!found) throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such rung or track');
  return found;
}

function find(offer: Offer, track: Track): Rendition | undefined {
  switch (track.kind) {
    case 'video':
      return offer.video.find(({ rungId }) => rungId === track.rungId);
    case 'iframes': {
      const copy = offer.video.find(({ rungId }) => rungId === track.rungId);
      return copy?.kind === 'video-copy' ? iframesOf(copy) : undefined;
    }
    case 'audio':
      return offer.audio.find(audio => audio.track === track.track && audio.form === track.form);
    case 'subtitles':
      return offer.subtitles.find(subtitles => subtitles.track === track.track);
  }
}

/** The rendition's label in metrics. */
export const rungLabel = (rendition: Rendition): string =>
  'rungId' in rendition ? rendition.rungId : rendition.kind === 'subtitle' ? 'subtitles' : 'audio';
