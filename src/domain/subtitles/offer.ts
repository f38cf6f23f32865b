// The subtitle tracks of a session: every one that can be delivered as text, and none that can not.
import { FerriteError } from '../errors.ts';
import type { Media } from '../media.ts';
import type { SubtitleRendition } from '../rendition.ts';
import { subtitleTracks } from './tracks.ts';

/** @throws INVALID_REQUEST for a track that is not offered */
export function offerSubtitles(media: Media, wanted: number | null): { subtitles: SubtitleRendition[]; subtitleTrack: number | null } {
  const streams = media.streams.subtitles;
  const subtitles = subtitleTracks(media)
    .filter(({ isDeliverable }) => isDeliverable)
    .map(({ track, codec, name, language, isDefault, isForced, isHearingImpaired }): SubtitleRendition => {
      const sidecar = media.sidecars[track - streams.length];
      return {
        ...{ kind: 'subtitle', track, codec, name, language, isDefault, isForced, isHearingImpaired },
        streamIndex: streams[track]?.index ?? null,
        sidecar: sidecar === undefined ? null : { path: sidecar.path, byteLength: sidecar.byteLength, mtimeMs: sidecar.mtimeMs },
      };
    });
  if (wanted !== null && !subtitles.some(({ track }) => track === wanted)) {
    const offered = subtitles.map(({ track }) => track).join(', ');
    const message = offered === '' ? 'the media has no subtitles that can be delivered' : `offered are ${offered}`;
    throw new FerriteError('INVALID_REQUEST', `subtitleTrack ${wanted} is not offered`, { fields: [{ path: '/subtitleTrack', message }] });
  }
  return { subtitles, subtitleTrack: wanted };
}
