// What is delivered of each track, and why not in a cheaper way: a session's offer, told for people and programs. Pure.
import { directoryOf } from '../addresses.ts';
import type { KeyframeMap, Media } from '../media.ts';
import type { Plan } from '../plan.ts';
import type { AudioRendition, Rendition, VideoRendition } from '../rendition.ts';
import type { DeliveryReason, Offer } from '../session.ts';
import { audioCopyObstacles, chooseDelivery, type DeliveryRequest, videoCopyObstacles } from './delivery.ts';

export type TrackDecision = {
  readonly kind: 'video' | 'audio';
  /** Position among the media's tracks of that kind. */
  readonly track: number;
  readonly isSelected: boolean;
  readonly codec: string;
  /** `direct`: within the file as it is; `copy`: its bytes in other packages; `encode`: anew. */
  readonly action: 'direct' | 'copy' | 'encode';
  /** Why nothing cheaper: empty for what is direct or copied, unless the client asked for it. */
  readonly reasons: readonly DeliveryReason[];
  readonly renditions: readonly RenditionFacts[];
};

export type RenditionFacts = {
  readonly path: string;
  readonly action: 'copy' | 'encode';
  readonly codecs: string;
  readonly bandwidthBps: number;
  readonly width?: number;
  readonly height?: number;
  readonly channels?: number;
};

export type Decision = { readonly offer: Offer; readonly tracks: readonly TrackDecision[] };

/** @throws as chooseDelivery does */
export function decide(media: Media, map: KeyframeMap, plan: Plan, request: DeliveryRequest): Decision {
  const offer = chooseDelivery(media, map, plan, request);
  const { capabilities } = request;
  const isDirect = offer.delivery === 'direct';
  const [video] = media.streams.video;
  const pictures: TrackDecision[] = video
    ? [
        {
          kind: 'video',
          track: 0,
          isSelected: true,
          codec: video.codec,
          action: isDirect ? 'direct' : actionOf(offer.video[0]),
          reasons: offer.delivery === 'transcode' ? orAsked(videoCopyObstacles(media, plan, capabilities, video)) : [],
          renditions: offer.video.map(factsOf),
        },
      ]
    : [];
  const sounds = media.streams.audio.map((audio, track): TrackDecision => {
    const renditions = offer.audio.filter(rendition => rendition.track === track);
    const isPlayedInFile = isDirect && track === request.audioTrack;
    const action = isPlayedInFile ? 'direct' : actionOf(renditions[0]);
    return {
      kind: 'audio',
      track,
      isSelected: track === request.audioTrack,
      codec: audio.codec,
      action,
      reasons: action === 'encode' ? audioCopyObstacles(plan, capabilities, audio, track) : [],
      renditions: renditions.map(factsOf),
    };
  });
  return { offer, tracks: [...pictures, ...sounds] };
}

const actionOf = (rendition: Rendition | undefined): 'copy' | 'encode' =>
  rendition?.kind === 'video-copy' || rendition?.kind === 'audio-copy' ? 'copy' : 'encode';

const orAsked = (reasons: readonly DeliveryReason[]): readonly DeliveryReason[] => (reasons.length > 0 ? reasons : ['requested-by-client']);

function factsOf(rendition: VideoRendition | AudioRendition): RenditionFacts {
  const { codecs, bandwidthBps } = rendition;
  const facts = { action: actionOf(rendition), codecs, bandwidthBps };
  if ('rungId' in rendition) {
    const { rungId, width, height } = rendition;
    return { path: directoryOf({ kind: 'video', rungId }), ...facts, width, height };
  }
  return { path: directoryOf({ ...rendition, kind: 'audio' }), ...facts, channels: rendition.channels };
}
