// Direct, remux or transcode: the delivery of a session, decided from the media and the client's profile. Pure.
import { ORIGINAL } from '../addresses.ts';
import { FerriteError } from '../errors.ts';
import type { KeyframeMap, Media, VideoStream } from '../media.ts';
import type { Plan } from '../plan.ts';
import type { AudioRendition, VideoCopy, VideoEncode } from '../rendition.ts';
import type { DeliveryReason, Offer } from '../session.ts';
import { type Capabilities, playsAudio, playsContainer, videoObstacles } from './client-profile.ts';
import { buildLadder, displaySize, stereoAac } from './ladder.ts';

export type DeliveryRequest = {
  readonly delivery: 'auto' | 'direct' | 'remux' | 'transcode';
  readonly audioTrack: number;
  readonly capabilities: Capabilities;
};

/** Codecs that HLS players take in fragmented MP4. MP3 has a packaging, but browsers refuse it there. */
const COPYABLE_AUDIO = ['aac', 'ac3', 'eac3', 'opus', 'flac'];

const PLAYS_THE_FILE: readonly DeliveryRequest['delivery'][] = ['auto', 'direct'];

/** @throws MEDIA_UNSUPPORTED when the wanted delivery is impossible; INVALID_REQUEST for a track that is not there. */
export function chooseDelivery(media: Media, map: KeyframeMap, plan: Plan, request: DeliveryRequest): Offer {
  const [video] = media.streams.video;
  if (!video) throw new FerriteError('MEDIA_UNSUPPORTED', 'the media has no video');
  if (media.streams.audio.length > 0 && media.streams.audio[request.audioTrack] === undefined) {
    throw new FerriteError('INVALID_REQUEST', `audioTrack ${request.audioTrack} does not exist`, {
      fields: [{ path: '/audioTrack', message: `the media has ${media.streams.audio.length} audio tracks` }],
    });
  }
  const copyObstacles: DeliveryReason[] = [...videoObstacles(request.capabilities, video, media)];
  if (plan.videoCopy === null) copyObstacles.push('keyframes-too-far-apart');
  if (video.codecString === null) copyObstacles.push('video-not-copyable');
  const directObstacles = whyNotDirect(media, request, video);

  // Without HLS there is nothing but the file itself.
  if (request.capabilities.hls === 'none' && (directObstacles.length > 0 || !PLAYS_THE_FILE.includes(request.delivery))) {
    throw unsupported('delivered without HLS', directObstacles);
  }
  const canCopy = copyObstacles.length === 0;
  const base = { targetMs: plan.targetMs, audio: audioRenditions(media, plan, request) };
  const ladder = ladderFor(video, plan.targetMs, request.capabilities);
  const copy = canCopy ? [videoCopy(video, map)] : [];
  switch (request.delivery) {
    case 'direct':
      if (directObstacles.length > 0) throw unsupported('played directly', directObstacles);
      return { ...base, delivery: 'direct', reasons: [], video: [...copy, ...ladder] };
    case 'remux':
      if (!canCopy) throw unsupported('remuxed', copyObstacles);
      return { ...base, delivery: 'remux', reasons: ['requested-by-client'], video: [...copy, ...ladder] };
    case 'transcode':
      return { ...base, delivery: 'transcode', reasons: ['requested-by-client'], video: startingAt(ladder) };
    case 'auto':
      if (directObstacles.length === 0) return { ...base, delivery: 'direct', reasons: [], video: [...copy, ...ladder] };
      if (canCopy) return { ...base, delivery: 'remux', reasons: directObstacles, video: [...copy, ...ladder] };
      return { ...base, delivery: 'transcode', reasons: [...new Set([...copyObstacles, ...directObstacles])], video: startingAt(ladder) };
  }
}

function unsupported(how: string, reasons: readonly DeliveryReason[]): FerriteError {
  return new FerriteError('MEDIA_UNSUPPORTED', `the media can not be ${how} on this client: ${reasons.join(', ')}`);
}

/** Direct play needs every track of the file to be playable, and plays the track that the file puts first. */
function whyNotDirect(media: Media, { capabilities, audioTrack }: DeliveryRequest, video: VideoStream): DeliveryReason[] {
  const audio = media.streams.audio[audioTrack];
  return [
    ...(playsContainer(capabilities, media.container) ? [] : (['container-unsupported'] as const)),
    ...videoObstacles(capabilities, video, media),
    ...(audio === undefined || playsAudio(capabilities, audio) ? [] : (['audio-codec-unsupported'] as const)),
    ...(audioTrack === 0 ? [] : (['audio-track-selected'] as const)),
  ];
}

function videoCopy(video: VideoStream, map: KeyframeMap): VideoCopy {
  return {
    kind: 'video-copy',
    rungId: ORIGINAL,
    streamIndex: video.index,
    ...displaySize(video),
    bandwidthBps: Math.max(map.video.peakBitrateBps, video.bitrateBps),
    codecs: video.codecString ?? '',
  };
}

function audioRenditions(media: Media, plan: Plan, request: DeliveryRequest): AudioRendition[] {
  const renditions = media.streams.audio.map((audio, track): AudioRendition => {
    const canCopy =
      plan.audioCopy[track] != null &&
      audio.codecString !== null &&
      COPYABLE_AUDIO.includes(audio.codec) &&
      playsAudio(request.capabilities, audio);
    if (!canCopy) return stereoAac(track, audio);
    return {
      kind: 'audio-copy',
      track,
      streamIndex: audio.index,
      channels: audio.channels,
      bandwidthBps: Math.ceil(audio.bitrateBps * 1.15),
      codecs: audio.codecString,
    };
  });
  return renditions.toSorted((a, b) => Number(b.track === request.audioTrack) - Number(a.track === request.audioTrack));
}

/** Rungs the client can show and carry; never none: the smallest is better than a refusal. */
function ladderFor(video: VideoStream, targetMs: number, { maxWidth, maxHeight, maxBandwidthBps }: Capabilities): VideoEncode[] {
  const ladder = buildLadder(video, targetMs);
  const allowed = ladder.filter(
    rung =>
      (maxWidth === 0 || rung.width <= maxWidth) &&
      (maxHeight === 0 || rung.height <= maxHeight) &&
      (maxBandwidthBps === 0 || rung.maxBitrateBps <= maxBandwidthBps),
  );
  return allowed.length > 0 ? allowed : ladder.slice(-1);
}

const START_HEIGHT = 720;

/** Players take the first variant listed as the one to start with: 720p, or the best below it, starts soon and looks well. */
function startingAt(ladder: readonly VideoEncode[]): VideoEncode[] {
  const start = ladder.find(rung => Math.min(rung.height, rung.width) <= START_HEIGHT) ?? ladder[0];
  return start === undefined ? [] : [start, ...ladder.filter(rung => rung !== start)];
}
