// The codecs and containers that a player can play: named profiles for players that do not list theirs, and the fields with which a request overrides a profile.
import type { AudioStream, Container, Media, VideoStream } from '../media.ts';
import { isPlayedProfile } from './played-profiles.ts';

export type ProfileName = 'web-chrome' | 'web-firefox' | 'safari-macos' | 'safari-ios' | 'android' | 'tvos' | 'roku' | 'generic';

export type Capabilities = {
  readonly containers: readonly string[];
  readonly videoCodecs: readonly string[];
  readonly audioCodecs: readonly string[];
  /** Pixels; 0 means no limit. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** 0 means no limit. */
  readonly maxBandwidthBps: number;
  readonly hdr: readonly string[];
  readonly hls: 'native' | 'mse' | 'none';
};

const NO_LIMITS = { maxWidth: 0, maxHeight: 0, maxBandwidthBps: 0, hdr: [] } as const;

const BROWSER: Capabilities = {
  ...NO_LIMITS,
  containers: ['mp4', 'webm'],
  videoCodecs: ['h264', 'vp9', 'av1'],
  audioCodecs: ['aac', 'mp3', 'opus', 'flac'],
  hls: 'mse',
};
const APPLE: Capabilities = {
  ...NO_LIMITS,
  containers: ['mp4'],
  videoCodecs: ['h264', 'hevc'],
  audioCodecs: ['aac', 'ac3', 'eac3', 'mp3', 'flac'],
  hdr: ['hdr10', 'hlg', 'dolby-vision'],
  hls: 'native',
};
const DEVICE: Capabilities = { ...APPLE, containers: ['mp4', 'matroska'], videoCodecs: ['h264', 'hevc', 'vp9'], hdr: [] };

export const PROFILES: Readonly<Record<ProfileName, Capabilities>> = {
  'web-chrome': BROWSER,
  'web-firefox': BROWSER,
  'safari-macos': APPLE,
  'safari-ios': APPLE,
  tvos: APPLE,
  android: { ...DEVICE, containers: ['mp4', 'matroska', 'webm'], audioCodecs: ['aac', 'mp3', 'opus', 'flac'] },
  roku: DEVICE,
  generic: { ...NO_LIMITS, containers: ['mp4'], videoCodecs: ['h264'], audioCodecs: ['aac', 'mp3'], hls: 'native' },
};

/** The profile of a request that names none, taken from its User-Agent; `generic`, whose streams every player plays, when the User-Agent is unknown. */
export function profileForUserAgent(userAgent: string): ProfileName {
  if (/roku/i.test(userAgent)) return 'roku';
  if (/appletv/i.test(userAgent)) return 'tvos';
  if (/iphone|ipad/i.test(userAgent)) return 'safari-ios';
  if (/firefox\//i.test(userAgent)) return 'web-firefox';
  if (/exoplayer|media3/i.test(userAgent)) return 'android';
  if (/(chrome|chromium|edg)\//i.test(userAgent)) return 'web-chrome';
  if (/macintosh.*safari\//i.test(userAgent)) return 'safari-macos';
  return 'generic';
}

/** Names that clients use for the same thing. */
const CODEC_ALIASES: Readonly<Record<string, string>> = {
  avc: 'h264',
  avc1: 'h264',
  h265: 'hevc',
  hvc1: 'hevc',
  hev1: 'hevc',
  av01: 'av1',
  vp09: 'vp9',
  'ac-3': 'ac3',
  'ec-3': 'eac3',
  mp4a: 'aac',
};
const CONTAINER_ALIASES: Readonly<Record<string, string>> = { mkv: 'matroska', mov: 'mp4', m4v: 'mp4', ts: 'mpegts' };

/** A profile overridden, field by field, by the capabilities in the request. */
export function resolveCapabilities(profile: ProfileName, said: Partial<Capabilities>): Capabilities {
  const merged = { ...PROFILES[profile], ...said };
  const rename = (names: readonly string[], aliases: Readonly<Record<string, string>>) =>
    names.map(name => name.toLowerCase()).map(name => (Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name));
  return {
    ...merged,
    containers: rename(merged.containers, CONTAINER_ALIASES),
    videoCodecs: rename(merged.videoCodecs, CODEC_ALIASES),
    audioCodecs: rename(merged.audioCodecs, CODEC_ALIASES),
  };
}

export const playsContainer = (capabilities: Capabilities, container: Container): boolean => capabilities.containers.includes(container);
export const playsAudio = (capabilities: Capabilities, audio: AudioStream): boolean => capabilities.audioCodecs.includes(audio.codec);

/** The reasons why the video can not be copied; empty when it can. */
export function videoObstacles(capabilities: Capabilities, video: VideoStream, media: Pick<Media, 'bitrateBps'>) {
  return [
    ...(capabilities.videoCodecs.includes(video.codec) ? [] : (['video-codec-unsupported'] as const)),
    // No player plays interlaced fields well from fragmented MP4.
    ...(!isPlayedProfile(video) || video.isInterlaced ? (['video-profile-unsupported'] as const) : []),
    ...(exceeds(video.width, capabilities.maxWidth) || exceeds(video.height, capabilities.maxHeight)
      ? (['resolution-too-high'] as const)
      : []),
    ...(exceeds(media.bitrateBps, capabilities.maxBandwidthBps) ? (['bitrate-too-high'] as const) : []),
    ...(video.hdr !== null && !capabilities.hdr.includes(video.hdr) ? (['hdr-unsupported'] as const) : []),
  ];
}

const exceeds = (value: number, limit: number): boolean => limit > 0 && value > limit;
