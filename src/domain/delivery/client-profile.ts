// Which client a request comes from and what it can play, field by field, and what of a media stands in its way.
import { shownBy } from '../colour/colour.ts';
import type { AudioStream, Container, Media, VideoStream } from '../media.ts';
import { isPlayedProfile } from './played-profiles.ts';
import { type Capabilities, type ProfileName, profileOf } from './profiles.ts';

/** What a request says of its client without being asked: empty where a header is missing. */
export type ClientHints = {
  readonly userAgent: string;
  readonly brands: string;
  /** The viewer's, the best first; absent: nothing is said of them. */
  readonly languages?: readonly string[];
};

/** Where what is known of a client comes from, the best first. */
export type CapabilitySource = 'said' | 'profile' | 'client-hints' | 'user-agent' | 'generic' | 'account';

export type Client = {
  readonly profile: ProfileName;
  readonly capabilities: Capabilities;
  readonly sources: Readonly<Record<keyof Capabilities, CapabilitySource>>;
};

/**
 * Field by field: what the request says of its capabilities, else the row of the profile that it names, else of the one that its client hints name
 * (Sec-CH-UA, with whatever its User-Agent pretends to be), else of the one for its User-Agent, else `generic`, whose streams every player plays.
 */
export function resolveClient(named: ProfileName | null, said: Partial<Capabilities>, hints: ClientHints): Client {
  const [profile, source] = profileFor(named, hints);
  const capabilities = resolveCapabilities(profile, said);
  const sources = Object.fromEntries(Object.keys(capabilities).map(field => [field, Object.hasOwn(said, field) ? 'said' : source]));
  return { profile, capabilities, sources: sources as Client['sources'] };
}

/** The client of a viewer who is sent no more than that a second; null: any. */
export function limitedTo(maxBitrateBps: number | null, client: Client): Client {
  const { maxBandwidthBps } = client.capabilities;
  if (maxBitrateBps === null || (maxBandwidthBps > 0 && maxBandwidthBps <= maxBitrateBps)) return client;
  return {
    ...client,
    capabilities: { ...client.capabilities, maxBandwidthBps: maxBitrateBps },
    sources: { ...client.sources, maxBandwidthBps: 'account' },
  };
}

function profileFor(named: ProfileName | null, hints: ClientHints): [ProfileName, CapabilitySource] {
  if (named !== null) return [named, 'profile'];
  const hinted = profileForHints(hints);
  if (hinted !== null) return [hinted, 'client-hints'];
  const profile = profileForUserAgent(hints.userAgent);
  return [profile, profile === 'generic' ? 'generic' : 'user-agent'];
}

/** Brands that build on Chromium; its own is among those of every one of them. */
const CHROMIUM_BRANDS = /"(Chromium|Google Chrome|Microsoft Edge|Opera|Brave|Vivaldi|Samsung Internet)"/i;

/** Only Chromium sends them. Television sets and Cast receivers do as well, and tell what they are in their User-Agent alone. */
function profileForHints({ brands, userAgent }: ClientHints): ProfileName | null {
  if (/"Android WebView"/i.test(brands)) return 'android-webview';
  if (!CHROMIUM_BRANDS.test(brands)) return null;
  const device = deviceOf(userAgent);
  return device ?? 'web-chrome';
}

const DEVICES: readonly (readonly [pattern: RegExp, profile: ProfileName])[] = [
  [/roku/i, 'roku'],
  [/appletv/i, 'tvos'],
  [/\bcrkey\b/i, 'chromecast'],
  [/web0s|webos/i, 'webos'],
  [/tizen/i, 'tizen'],
];

const deviceOf = (userAgent: string): ProfileName | null => DEVICES.find(([pattern]) => pattern.test(userAgent))?.[1] ?? null;

/** `generic`, whose streams every player plays, when the User-Agent is unknown. */
export function profileForUserAgent(userAgent: string): ProfileName {
  const device = deviceOf(userAgent);
  if (device !== null) return device;
  if (/iphone|ipad/i.test(userAgent)) return 'safari-ios';
  if (/firefox\//i.test(userAgent)) return 'web-firefox';
  if (/exoplayer|media3/i.test(userAgent)) return 'android';
  if (/android.*; wv\)/i.test(userAgent)) return 'android-webview';
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
const HDR_ALIASES: Readonly<Record<string, string>> = {
  dovi: 'dolby-vision',
  dolbyvision: 'dolby-vision',
  pq: 'hdr10',
  'hdr10+': 'hdr10',
  hdr10plus: 'hdr10',
};
const CONTAINER_ALIASES: Readonly<Record<string, string>> = { mkv: 'matroska', mov: 'mp4', m4v: 'mp4', ts: 'mpegts' };

/** A profile overridden, field by field, by the capabilities in the request. */
export function resolveCapabilities(profile: ProfileName, said: Partial<Capabilities>): Capabilities {
  const { segmentType, isToldByPlaylist, sources, ...row } = profileOf(profile);
  const merged = { ...row, ...said };
  const rename = (names: readonly string[], aliases: Readonly<Record<string, string>>) =>
    names.map(name => name.toLowerCase()).map(name => (Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name));
  return {
    ...merged,
    containers: rename(merged.containers, CONTAINER_ALIASES),
    videoCodecs: rename(merged.videoCodecs, CODEC_ALIASES),
    audioCodecs: rename(merged.audioCodecs, CODEC_ALIASES),
    hdr: rename(merged.hdr, HDR_ALIASES),
  };
}

export const playsContainer = (capabilities: Capabilities, container: Container): boolean => capabilities.containers.includes(container);
export const playsAudio = (capabilities: Capabilities, audio: AudioStream): boolean => capabilities.audioCodecs.includes(audio.codec);

/** The reasons why a track of sound can not be played as it is; empty when it can. */
export const audioObstacles = (capabilities: Capabilities, audio: AudioStream) => [
  ...(playsAudio(capabilities, audio) ? [] : (['audio-codec-unsupported'] as const)),
  ...(exceeds(audio.channels, capabilities.maxAudioChannels) ? (['audio-channels-unsupported'] as const) : []),
];

/**
 * The reasons why the picture can not be played as it is; empty when it can. `bitrateBps`: of what is sent with it, which is the whole file
 * where that is played, and of the picture alone where each track is sent by itself.
 */
export function videoObstacles(capabilities: Capabilities, video: VideoStream, { bitrateBps }: Pick<Media, 'bitrateBps'>) {
  return [
    ...(capabilities.videoCodecs.includes(video.codec) ? [] : (['video-codec-unsupported'] as const)),
    // No player plays interlaced fields well from fragmented MP4.
    ...(!isPlayedProfile(video) || video.isInterlaced ? (['video-profile-unsupported'] as const) : []),
    ...(exceeds(video.width, capabilities.maxWidth) || exceeds(video.height, capabilities.maxHeight)
      ? (['resolution-too-high'] as const)
      : []),
    ...(exceeds(bitrateBps, capabilities.maxBandwidthBps) ? (['bitrate-too-high'] as const) : []),
    ...(isShown(capabilities, video) ? [] : (['hdr-unsupported'] as const)),
    ...(video.crop === null || capabilities.crops ? [] : (['picture-cropped'] as const)),
  ];
}

/** Any screen shows a plain picture. */
function isShown({ hdr }: Capabilities, { colour }: VideoStream): boolean {
  const kinds = shownBy(colour);
  return kinds.length === 0 || kinds.some(kind => hdr.includes(kind));
}

const exceeds = (value: number, limit: number): boolean => limit > 0 && value > limit;
