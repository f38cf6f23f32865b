// The subtitle tracks of a session: every one that can be delivered, and none that can not.
import { FerriteError } from '../errors.ts';
import type { Media, Sidecar } from '../media.ts';
import type { BurnedTrack, SubtitleRendition } from '../rendition.ts';
import type { Offer } from '../session.ts';
import { type ReadableText, type SubtitleTrack, subtitleTracks } from './tracks.ts';

/** @throws INVALID_REQUEST for a track that is not offered */
export function offerSubtitles(
  media: Media,
  wanted: number | null,
  readable?: ReadableText,
): Pick<Offer, 'subtitles' | 'drawnSubtitles' | 'subtitleTrack'> {
  const tracks = subtitleTracks(media, readable);
  const of = (form: SubtitleTrack['form']): SubtitleRendition[] =>
    tracks.filter(one => one.form === form).map(one => rendition(media, one));
  const [subtitles, drawnSubtitles] = [of('text'), of('source')];
  const all = [...subtitles, ...drawnSubtitles];
  if (wanted !== null && !all.some(({ track }) => track === wanted)) {
    const offered = all.map(({ track }) => track).join(', ');
    const message = offered === '' ? 'the media has no subtitles that can be delivered' : `offered are ${offered}`;
    throw new FerriteError('INVALID_REQUEST', `subtitleTrack ${wanted} is not offered`, { fields: [{ path: '/subtitleTrack', message }] });
  }
  return { subtitles, drawnSubtitles, subtitleTrack: wanted };
}

function rendition({ streams, sidecars }: Media, one: SubtitleTrack): SubtitleRendition {
  const { track, codec, name, language, isDefault, isForced, isHearingImpaired } = one;
  const sidecar = sidecars[track - streams.subtitles.length];
  return {
    ...{ kind: 'subtitle', track, codec, name, language, isDefault, isForced, isHearingImpaired },
    streamIndex: streams.subtitles[track]?.index ?? null,
    sidecar: sidecar === undefined ? null : placeOf(sidecar),
  };
}

const placeOf = ({ path, byteLength, mtimeMs, part }: Sidecar): SubtitleRendition['sidecar'] => ({
  ...{ path, byteLength, mtimeMs },
  ...(part !== undefined && { part }),
});

/** Those that are delivered as text and those that are drawn, by track. */
export const offeredSubtitles = ({ subtitles, drawnSubtitles = [] }: Pick<Offer, 'subtitles' | 'drawnSubtitles'>): SubtitleRendition[] =>
  [...subtitles, ...drawnSubtitles].toSorted((a, b) => a.track - b.track);

/** The chosen one, as an encode needs it. @throws INVALID_REQUEST where none was chosen */
export function burnedTrack(offer: Pick<Offer, 'subtitles' | 'drawnSubtitles' | 'subtitleTrack'>): BurnedTrack {
  const chosen = offeredSubtitles(offer).find(({ track }) => track === offer.subtitleTrack);
  if (chosen) return { track: chosen.track, codec: chosen.codec, streamIndex: chosen.streamIndex, sidecar: chosen.sidecar };
  const message = 'it needs a subtitleTrack';
  throw new FerriteError('INVALID_REQUEST', 'burnSubtitles names no subtitles', { fields: [{ path: '/burnSubtitles', message }] });
}
