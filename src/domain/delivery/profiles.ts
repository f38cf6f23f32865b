// What named clients play, as data: one row a client, each with the pages that say so. What a request says of itself overrides a row field by field.

export type Capabilities = {
  readonly containers: readonly string[];
  readonly videoCodecs: readonly string[];
  readonly audioCodecs: readonly string[];
  /** Pixels; 0 means no limit. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** 0 means no limit. */
  readonly maxBandwidthBps: number;
  /** Channels that can be heard apart; 0: unknown, and whatever there are more of the client mixes down itself. */
  readonly maxAudioChannels: number;
  readonly hdr: readonly string[];
  /** Shows of a picture the part that its container says is to be shown (`clap`), and not the whole. */
  readonly crops: boolean;
  readonly hls: 'native' | 'mse' | 'none';
  /** What its HLS segments are: MPEG-TS for a player that is older than fragmented MP4 in HLS. */
  readonly segments: 'fmp4' | 'mpegts';
};

type Profile = Capabilities & {
  /** What a segment is called: Apple's players know the fragments of a film by a type of their own. */
  readonly segmentType: 'mp4' | 'iso.segment';
  /** Its player is given an address and nothing else: where it begins has to stand in the playlist. */
  readonly isToldByPlaylist: boolean;
  /** Pages that the row was written after. */
  readonly sources: readonly string[];
};

const BASE = {
  maxWidth: 0,
  maxHeight: 0,
  maxBandwidthBps: 0,
  maxAudioChannels: 0,
  hdr: [],
  crops: false,
  segments: 'fmp4',
  segmentType: 'mp4',
  isToldByPlaylist: false,
} as const;

const APPLE_AUTHORING = 'https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices';
const CLEAN_APERTURE = 'https://developer.apple.com/documentation/quicktime-file-format/clean_aperture_atom';
const MDN_VIDEO = 'https://developer.mozilla.org/docs/Web/Media/Guides/Formats/Video_codecs';
const MDN_AUDIO = 'https://developer.mozilla.org/docs/Web/Media/Guides/Formats/Audio_codecs';

const BROWSER = {
  ...BASE,
  containers: ['mp4', 'webm'],
  videoCodecs: ['h264', 'vp8', 'vp9', 'av1'],
  audioCodecs: ['aac', 'mp3', 'opus', 'flac', 'vorbis'],
  hls: 'mse',
  sources: ['https://www.chromium.org/audio-video/', MDN_VIDEO, MDN_AUDIO],
} as const satisfies Profile;

const APPLE = {
  ...BASE,
  containers: ['mp4'],
  videoCodecs: ['h264', 'hevc'],
  audioCodecs: ['aac', 'ac3', 'eac3', 'mp3', 'flac'],
  hdr: ['hdr10', 'hlg', 'dolby-vision'],
  crops: true,
  hls: 'native',
  segmentType: 'iso.segment',
  isToldByPlaylist: true,
  sources: [APPLE_AUTHORING, CLEAN_APERTURE],
} as const satisfies Profile;

/** What the platform must decode, whichever maker built the device (the compatibility definition asks for no more). */
const ANDROID = {
  ...BASE,
  containers: ['mp4', 'matroska', 'webm'],
  videoCodecs: ['h264', 'hevc', 'vp8', 'vp9'],
  audioCodecs: ['aac', 'mp3', 'opus', 'flac', 'vorbis'],
  hls: 'native',
  isToldByPlaylist: true,
  sources: ['https://developer.android.com/media/platform/supported-formats', 'https://developer.android.com/media/media3/exoplayer/hls'],
} as const satisfies Profile;

export const PROFILES = {
  'web-chrome': BROWSER,
  'web-firefox': { ...BROWSER, sources: [MDN_VIDEO, MDN_AUDIO] },
  // Safari with a page that feeds it: what its own player takes, and WebM.
  'web-safari': { ...APPLE, crops: false, hls: 'mse', isToldByPlaylist: false, sources: [APPLE_AUTHORING, MDN_VIDEO] },
  'safari-macos': APPLE,
  'safari-ios': APPLE,
  tvos: { ...APPLE, maxAudioChannels: 8 },
  android: ANDROID,
  // A page within an app: its Chromium without what only Chrome brings.
  'android-webview': { ...BROWSER, sources: ['https://developer.android.com/reference/android/webkit/WebView', ...BROWSER.sources] },
  roku: {
    ...BASE,
    containers: ['mp4', 'matroska'],
    videoCodecs: ['h264', 'hevc', 'vp9'],
    audioCodecs: ['aac', 'ac3', 'eac3', 'mp3', 'flac'],
    hls: 'native',
    isToldByPlaylist: true,
    sources: ['https://developer.roku.com/docs/specs/media/streaming-specifications.md'],
  },
  // The least of them (first to third generation) but for VP9: newer ones say more of themselves.
  chromecast: {
    ...BASE,
    containers: ['mp4', 'webm'],
    videoCodecs: ['h264', 'vp8'],
    audioCodecs: ['aac', 'mp3', 'opus', 'flac', 'vorbis'],
    maxWidth: 1920,
    maxHeight: 1080,
    hls: 'mse',
    isToldByPlaylist: true,
    sources: ['https://developers.google.com/cast/docs/media'],
  },
  webos: {
    ...BASE,
    containers: ['mp4', 'matroska'],
    videoCodecs: ['h264', 'hevc', 'vp9'],
    audioCodecs: ['aac', 'ac3', 'eac3', 'mp3'],
    maxAudioChannels: 6,
    hdr: ['hdr10', 'hlg'],
    hls: 'native',
    isToldByPlaylist: true,
    sources: ['https://webostv.developer.lge.com/develop/specifications/video-audio-50'],
  },
  tizen: {
    ...BASE,
    containers: ['mp4', 'matroska', 'webm'],
    videoCodecs: ['h264', 'hevc', 'vp9'],
    audioCodecs: ['aac', 'ac3', 'eac3', 'mp3', 'vorbis', 'opus'],
    maxAudioChannels: 6,
    hdr: ['hdr10', 'hlg'],
    hls: 'native',
    isToldByPlaylist: true,
    sources: ['https://developer.samsung.com/smarttv/develop/specifications/media-specifications.html'],
  },
  // What every player plays (RFC 8216 names no codec; H.264 and AAC are Apple's 1.1 and 2.1).
  generic: {
    ...BASE,
    containers: ['mp4'],
    videoCodecs: ['h264'],
    audioCodecs: ['aac', 'mp3'],
    hls: 'native',
    isToldByPlaylist: true,
    sources: [APPLE_AUTHORING],
  },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];

/** The row, as wide as its type: each is narrower than that. */
export const profileOf = (name: ProfileName): Profile => PROFILES[name];
