// Direct, remux or transcode: the delivery of a session, decided from the media and the client's profile. Pure.
import { ORIGINAL } from '../addresses.ts';
import { isDolbyVisionOnly } from '../colour/colour.ts';
import { encodeColourOf } from '../colour/encode-colour.ts';
import { FerriteError } from '../errors.ts';
import type { AudioStream, KeyframeMap, Media, VideoStream } from '../media.ts';
import type { Plan } from '../plan.ts';
import type { AudioCopy, AudioRendition, VideoCopy, VideoEncode } from '../rendition.ts';
import type { DeliveryReason, Offer } from '../session.ts';
import { burnedTrack, offerSubtitles } from '../subtitles/offer.ts';
import type { ReadableText } from '../subtitles/tracks.ts';
import { audioObstacles, playsContainer, videoObstacles } from './client-profile.ts';
import { withRates } from './declared-rates.ts';
import { byEncoders, type ChosenEncoders } from './encoder-choice.ts';
import { ratesAreOf } from './film-rates.ts';
import { buildLadder, displaySize, SURROUND_CHANNELS, stereoAac, surroundOf } from './ladder.ts';
import type { Capabilities } from './profiles.ts';
import { thinned } from './thinned-ladder.ts';

export type DeliveryRequest = {
  readonly delivery: 'auto' | 'direct' | 'remux' | 'transcode';
  readonly audioTrack: number;
  /** Absent or null: none is shown from the start. */
  readonly subtitleTrack?: number | null;
  /** The chosen subtitles are to be part of the picture. */
  readonly burnSubtitles?: boolean;
  readonly capabilities: Capabilities;
  /** Absent: none but what every ffmpeg reads. */
  readonly readable?: ReadableText;
  /** Absent: this machine's ffmpeg brings high dynamic range and wide gamut down to what a plain screen shows. */
  readonly canConvertColours?: boolean;
  /** What makes the rungs; absent: x264. */
  readonly encoders?: ChosenEncoders;
};

/** Codecs that HLS players take in fragmented MP4. MP3 and VP8 have a packaging, but browsers refuse them there. */
const COPYABLE_VIDEO = ['h264', 'hevc', 'vp9', 'av1'];
const COPYABLE_AUDIO = ['aac', 'ac3', 'eac3', 'opus', 'flac'];

/** Of these, what transport streams carry the same for every player. */
const TRANSPORTED = ['h264', 'aac'];

const copyable = (codecs: readonly string[], { segments }: Capabilities): readonly string[] =>
  segments === 'mpegts' ? codecs.filter(codec => TRANSPORTED.includes(codec)) : codecs;

const PLAYS_THE_FILE: readonly DeliveryRequest['delivery'][] = ['auto', 'direct'];

/** @throws MEDIA_UNSUPPORTED when the wanted delivery is impossible; INVALID_REQUEST for a track that is not there. */
export function chooseDelivery(media: Media, map: KeyframeMap, plan: Plan, request: DeliveryRequest): Offer {
  return withRates(offerOf(media, map, plan, request), plan, media);
}

function offerOf(media: Media, map: KeyframeMap, plan: Plan, request: DeliveryRequest): Offer {
  const [video] = media.streams.video;
  if (!video) throw new FerriteError('MEDIA_UNSUPPORTED', 'the media has no video');
  if (media.streams.audio.length > 0 && media.streams.audio[request.audioTrack] === undefined) {
    throw new FerriteError('INVALID_REQUEST', `audioTrack ${request.audioTrack} does not exist`, {
      fields: [{ path: '/audioTrack', message: `the media has ${media.streams.audio.length} audio tracks` }],
    });
  }
  const copyObstacles = videoCopyObstacles(media, plan, request.capabilities, video);
  const directObstacles = whyNotDirect(media, request, video);

  // Without HLS there is nothing but the file itself.
  if (request.capabilities.hls === 'none' && (directObstacles.length > 0 || !PLAYS_THE_FILE.includes(request.delivery))) {
    throw unsupported('delivered without HLS', directObstacles);
  }
  const canCopy = copyObstacles.length === 0;
  const base = {
    targetMs: plan.targetMs,
    ...(request.capabilities.segments === 'mpegts' ? { segments: 'mpegts' as const } : {}),
    audio: audioRenditions(media, plan, request),
    ...offerSubtitles(media, request.subtitleTrack ?? null, request.readable),
  };
  const colour = encodeColourOf(video, request.canConvertColours ?? true);
  const ladder =
    colour === null
      ? []
      : byEncoders(
          ladderFor(media, video, { map, targetMs: plan.targetMs, capabilities: request.capabilities }).map(rung => ({ ...rung, colour })),
          request.encoders ?? {},
          request.capabilities,
        );
  const canEncode = ladder.length > 0;
  const encodeObstacles: DeliveryReason[] = [...new Set([...copyObstacles, ...directObstacles, colourObstacle(video)])];
  if (request.burnSubtitles === true) {
    if (!canEncode) throw unsupported('encoded', encodeObstacles);
    return burningOffer(base, ladder, request.delivery);
  }
  const copy = canCopy ? [videoCopy(video, map)] : [];
  switch (request.delivery) {
    case 'direct':
      if (directObstacles.length > 0) throw unsupported('played directly', directObstacles);
      return { ...base, delivery: 'direct', reasons: [], video: [...copy, ...ladder] };
    case 'remux':
      if (!canCopy) throw unsupported('remuxed', copyObstacles);
      return { ...base, delivery: 'remux', reasons: ['requested-by-client'], video: [...copy, ...ladder] };
    case 'transcode':
      if (!canEncode) throw unsupported('transcoded', [colourObstacle(video)]);
      return { ...base, delivery: 'transcode', reasons: ['requested-by-client'], video: startingAt(ladder) };
    case 'auto':
      if (directObstacles.length === 0) return { ...base, delivery: 'direct', reasons: [], video: [...copy, ...ladder] };
      if (canCopy) return { ...base, delivery: 'remux', reasons: directObstacles, video: [...copy, ...ladder] };
      if (!canEncode) throw unsupported('delivered', encodeObstacles);
      return { ...base, delivery: 'transcode', reasons: [...new Set([...copyObstacles, ...directObstacles])], video: startingAt(ladder) };
  }
}

/** Only an encode has them in its picture: the file itself and its copies do not. */
function burningOffer(
  base: Omit<Offer, 'delivery' | 'reasons' | 'video'>,
  ladder: readonly VideoEncode[],
  wanted: DeliveryRequest['delivery'],
): Offer {
  const burned = burnedTrack(base);
  if (wanted === 'direct' || wanted === 'remux')
    throw unsupported(wanted === 'direct' ? 'played directly' : 'remuxed', ['subtitles-burned-in']);
  const video = startingAt(ladder.map(rung => ({ ...rung, burned })));
  // Shown once: no player is told to show them by itself too.
  return { ...base, subtitleTrack: null, delivery: 'transcode', reasons: ['subtitles-burned-in'], video };
}

/** Each track is sent by itself: a heavy track of sound is no reason to encode the picture. */
export function videoCopyObstacles(media: Media, plan: Plan, capabilities: Capabilities, video: VideoStream): DeliveryReason[] {
  const obstacles: DeliveryReason[] = [...videoObstacles(capabilities, video, { bitrateBps: video.bitrateBps || media.bitrateBps })];
  if (plan.videoCopy === null) obstacles.push('keyframes-too-far-apart');
  const isPlayed = capabilities.videoCodecs.includes(video.codec);
  if (video.codecString === null || (isPlayed && !copyable(COPYABLE_VIDEO, capabilities).includes(video.codec)))
    obstacles.push('video-not-copyable');
  return obstacles;
}

export function audioCopyObstacles(plan: Plan, capabilities: Capabilities, audio: AudioStream, track: number): DeliveryReason[] {
  const obstacles: DeliveryReason[] = [...audioObstacles(capabilities, audio)];
  const isCut = plan.audioCopy[track] != null && audio.codecString !== null;
  if (!isCut || (obstacles.length === 0 && !copyable(COPYABLE_AUDIO, capabilities).includes(audio.codec)))
    obstacles.push('audio-not-copyable');
  return obstacles;
}

/** Why a picture has no encode that would be right. */
const colourObstacle = ({ colour }: VideoStream): DeliveryReason =>
  isDolbyVisionOnly(colour) ? 'dolby-vision-only' : 'tone-mapping-unavailable';

function unsupported(how: string, reasons: readonly DeliveryReason[]): FerriteError {
  return new FerriteError('MEDIA_UNSUPPORTED', `the media can not be ${how} on this client: ${reasons.join(', ')}`);
}

/** Direct play needs every track of the file to be playable, and plays the track that the file puts first. */
function whyNotDirect(media: Media, { capabilities, audioTrack }: DeliveryRequest, video: VideoStream): DeliveryReason[] {
  const audio = media.streams.audio[audioTrack];
  return [
    ...(playsContainer(capabilities, media.container) ? [] : (['container-unsupported'] as const)),
    ...videoObstacles(capabilities, video, media),
    ...(audio === undefined ? [] : audioObstacles(capabilities, audio)),
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

/** Every track, the selected one first. A player leaves out what it can not decode, so each has its stereo AAC beside what may be better. */
function audioRenditions({ streams }: Media, plan: Plan, { capabilities, audioTrack }: DeliveryRequest): AudioRendition[] {
  const tracks = streams.audio.map((audio, track) => ({ audio, track }));
  return tracks
    .toSorted((a, b) => Number(b.track === audioTrack) - Number(a.track === audioTrack))
    .flatMap(({ audio, track }) => formsOf(audio, track, { plan, capabilities }));
}

function formsOf(audio: AudioStream, track: number, { plan, capabilities }: { plan: Plan; capabilities: Capabilities }): AudioRendition[] {
  const stereo = stereoAac(track, audio);
  if (audioCopyObstacles(plan, capabilities, audio, track).length === 0) {
    const copy = audioCopy(audio, track);
    return audio.codec === 'aac' && audio.channels <= 2 ? [copy] : [{ ...copy, form: 'full' }, stereo];
  }
  const isWorthMore = audio.channels >= SURROUND_CHANNELS && capabilities.maxAudioChannels >= SURROUND_CHANNELS;
  const surround = isWorthMore ? surroundOf(track, audio, copyable(capabilities.audioCodecs, capabilities)) : null;
  return surround === null ? [stereo] : [surround, stereo];
}

const audioCopy = (audio: AudioStream, track: number): AudioCopy => ({
  kind: 'audio-copy',
  track,
  streamIndex: audio.index,
  channels: audio.channels,
  bandwidthBps: Math.ceil(audio.bitrateBps * 1.15),
  codecs: audio.codecString ?? '',
});

/** Rungs the client can show and carry; never none: the smallest is better than a refusal. */
function ladderFor(
  { rates }: Media,
  video: VideoStream,
  { map, targetMs, capabilities }: { map: KeyframeMap; targetMs: number; capabilities: Capabilities },
): VideoEncode[] {
  const { maxWidth, maxHeight, maxBandwidthBps } = capabilities;
  const known = ratesAreOf(rates, targetMs) ? rates : null;
  const averageBps = known?.videoCopy?.averageBps ?? video.bitrateBps;
  const peakBps = Math.max(map.video.peakBitrateBps, averageBps);
  const ladder = buildLadder(video, targetMs, { averageBps, peakBps, demand: known?.demand ?? null });
  const allowed = ladder.filter(
    rung =>
      (maxWidth === 0 || rung.width <= maxWidth) &&
      (maxHeight === 0 || rung.height <= maxHeight) &&
      (maxBandwidthBps === 0 || rung.maxBitrateBps <= maxBandwidthBps),
  );
  return allowed.length > 0 ? thinned(allowed, known?.demand, startOf(allowed)) : ladder.slice(-1);
}

const START_HEIGHT = 720;

const startOf = (ladder: readonly VideoEncode[]): VideoEncode | undefined =>
  ladder.find(rung => Math.min(rung.height, rung.width) <= START_HEIGHT) ?? ladder[0];

/** Players take the first variant listed as the one to start with: 720p, or the best below it, starts soon and looks well. */
function startingAt(ladder: readonly VideoEncode[]): VideoEncode[] {
  const start = startOf(ladder);
  return start === undefined ? [] : [start, ...ladder.filter(rung => rung !== start)];
}
