// Titles, keyframe maps and jobs made of nothing but numbers: for tests of what is computed from them.
import type { EncodeJob } from '#actors/effects.ts';
import { type Colour, UNTOLD_COLOUR } from '#domain/colour/colour.ts';
import { type MediaId, newLibraryId, newSessionId, newUserId, parseMediaId } from '#domain/ids.ts';
import type { AudioStream, AudioTimeline, KeyframeMap, Media, VideoStream } from '#domain/media.ts';
import { type AudioEncode, type AudioRendition, renditionKey, type VideoEncode, type VideoRendition } from '#domain/rendition.ts';
import type { Offer, SessionRecord } from '#domain/session.ts';

export const MEDIA_ID: MediaId = parseMediaId('film-1');

const USUAL_PROFILES: Readonly<Record<string, string>> = { h264: 'High', hevc: 'Main', vp9: 'Profile 0', av1: 'Main' };

/** As a film of that kind has it: Dolby Vision over HDR10. */
export const aColour = (hdr: VideoStream['hdr'], changes: Partial<Colour> = {}): Colour => ({
  ...UNTOLD_COLOUR,
  ...(hdr === null
    ? {}
    : { primaries: 'bt2020', matrix: 'bt2020nc', isFullRange: false, transfer: hdr === 'hlg' ? 'arib-std-b67' : 'smpte2084' }),
  dolbyVision: hdr === 'dolby-vision' ? { profile: 8, level: 6, hasEnhancementLayer: false, compatibility: 1 } : null,
  ...changes,
});

export const aVideoStream = (changes: Partial<VideoStream> = {}): VideoStream => ({
  index: 0,
  codec: 'h264',
  codecString: 'avc1.640028',
  language: null,
  title: null,
  isDefault: true,
  profile: USUAL_PROFILES[changes.codec ?? 'h264'] ?? null,
  width: 1920,
  height: 1080,
  crop: null,
  pixelAspect: { num: 1, den: 1 },
  sourceFrameRate: { num: 24, den: 1 },
  frameRate: { num: 24, den: 1 },
  isVariableFrameRate: false,
  bitDepth: 8,
  isInterlaced: false,
  colour: aColour(changes.hdr ?? null),
  hdr: null,
  hasCaptions: false,
  reorderFrames: 2,
  bitrateBps: 4_000_000,
  rotation: 0,
  ...changes,
});

export const anAudioStream = (changes: Partial<AudioStream> = {}): AudioStream => ({
  index: 1,
  codec: 'aac',
  codecString: 'mp4a.40.2',
  language: 'eng',
  title: null,
  isDefault: true,
  channels: 2,
  sampleRate: 48_000,
  bitrateBps: 128_000,
  ...changes,
});

export const aTitle = (changes: Partial<Media> = {}): Media => ({
  id: MEDIA_ID,
  libraryId: newLibraryId(),
  path: '/films/one.mp4',
  name: 'one.mp4',
  fingerprint: 'f1',
  title: 'One',
  year: null,
  edition: null,
  part: null,
  extra: null,
  episode: null,
  ids: {},
  container: 'mp4',
  version: 'v1',
  byteLength: 1000,
  mtimeMs: 1,
  durationMs: 60_000,
  bitrateBps: 4_200_000,
  streams: { video: [aVideoStream()], audio: [anAudioStream()], subtitles: [] },
  sidecars: [],
  chapters: [],
  keyframes: null,
  hasPoster: false,
  addedAtMs: 1,
  ...changes,
});

export const anAudioTimeline = (changes: Partial<AudioTimeline> = {}): AudioTimeline => ({
  index: 1,
  timescale: 48_000,
  firstPts: 0,
  frameDuration: 1024,
  endPts: 48_000 * 60,
  ...changes,
});

/** Keyframes at these seconds of a 90 kHz track; times of the audio in its own samples. */
export function aMap(
  keyframesS: readonly number[],
  endS: number,
  { originPts = 0, audio = [], ...changes }: Partial<KeyframeMap> & { originPts?: number } = {},
): KeyframeMap {
  const pts = (seconds: number): number => Math.round(seconds * 90_000) + originPts;
  return {
    version: 'v1',
    copyMethod: 'mp4',
    startTimeUs: 0,
    video: {
      timescale: 90_000,
      originPts: pts(keyframesS[0] ?? 0),
      keyframes: keyframesS.map(pts),
      firstShownPts: pts(keyframesS[0] ?? 0),
      endPts: pts(endS),
      hasLeadingPictures: false,
      peakBitrateBps: 6_000_000,
    },
    audio,
    ...changes,
  };
}

/** `count` keyframes, one every `everyS` seconds. */
export const everyS = (seconds: number, count: number): number[] => Array.from({ length: count }, (_, at) => at * seconds);

export const aRung = (rungId = '720p', changes: Partial<VideoEncode> = {}): VideoEncode => ({
  kind: 'video-encode',
  rungId,
  streamIndex: 0,
  width: 1280,
  height: 720,
  frameRate: { num: 24, den: 1 },
  maxBitrateBps: 2_800_000,
  preset: 'superfast',
  bandwidthBps: 4_000_000,
  codecs: 'avc1.64001f',
  ...changes,
});

export const aSound = (): AudioEncode => ({
  kind: 'audio-encode',
  track: 0,
  streamIndex: 1,
  channels: 2,
  bitrateBps: 160_000,
  bandwidthBps: 184_000,
  codecs: 'mp4a.40.2',
});

export const anOffer = (video: readonly VideoRendition[], audio: readonly AudioRendition[] = []): Offer => ({
  delivery: 'transcode',
  reasons: [],
  targetMs: 2_000,
  video,
  audio,
  subtitles: [],
  subtitleTrack: null,
});

export const aRecord = (offer: Offer, changes: Partial<SessionRecord> = {}): SessionRecord => ({
  id: newSessionId(),
  userId: newUserId(),
  mediaId: MEDIA_ID,
  mediaVersion: 'v1',
  offer,
  profile: 'web-chrome',
  seekMode: 'keyframe',
  priority: 'interactive',
  startPositionMs: 0,
  splitIndex: null,
  createdAtMs: 1,
  expiresAtMs: 1_000_000,
  ...changes,
});

/** A job on a grid of 2 s segments; nothing in it exists. */
export function aJob(firstIndex: number, lastIndex: number, rendition: EncodeJob['rendition'] = aRung()): EncodeJob {
  return {
    key: renditionKey('v1', 2_000, rendition),
    rendition,
    media: { path: '/films/one.mp4', byteLength: 1000, mtimeMs: 1 },
    keyframes: aMap([0], 2 * (lastIndex + 1)),
    grid: { timescale: 24_000, boundaries: everyS(48_000, lastIndex + 2) },
    firstIndex,
    lastIndex,
  };
}

/** The same numbers every time, from 0 up to but not including 1. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}
