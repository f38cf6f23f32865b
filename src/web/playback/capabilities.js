// What this browser can play, measured by asking it, in the words of the session request.

const VIDEO = {
  h264: ['video/mp4; codecs="avc1.640028"'],
  hevc: ['video/mp4; codecs="hvc1.1.6.L120.B0"'],
  vp8: ['video/webm; codecs="vp8"'],
  vp9: ['video/mp4; codecs="vp09.00.40.08"', 'video/webm; codecs="vp9"'],
  av1: ['video/mp4; codecs="av01.0.08M.08"', 'video/webm; codecs="av01.0.08M.08"'],
};

const AUDIO = {
  aac: ['audio/mp4; codecs="mp4a.40.2"'],
  ac3: ['audio/mp4; codecs="ac-3"'],
  eac3: ['audio/mp4; codecs="ec-3"'],
  opus: ['audio/mp4; codecs="opus"', 'audio/webm; codecs="opus"'],
  vorbis: ['audio/webm; codecs="vorbis"'],
  flac: ['audio/mp4; codecs="flac"'],
  mp3: ['audio/mp4; codecs="mp3"', 'audio/mpeg'],
};

const CONTAINERS = { mp4: ['video/mp4'], webm: ['video/webm'], matroska: ['video/x-matroska', 'video/matroska'] };

/** @typedef {{ containers: string[], videoCodecs: string[], audioCodecs: string[], hls: 'native' | 'mse' | 'none', hdr?: string[], maxAudioChannels?: number }} Capabilities */

/** High dynamic range as MediaCapabilities is asked for it. */
const HDR = { hdr10: 'pq', hlg: 'hlg' };
/** In any of these: which of them the browser takes at all is told apart from it. */
const TEN_BITS = ['hvc1.2.4.L120.B0', 'vp09.02.41.10', 'av01.0.09M.10'];
/** Profile 5 has no other picture: who takes it takes all that we list by that name. */
const DOLBY_VISION = 'dvh1.05.06';

/** Asked once, early: the answers come later than a person would wait. @type {string[] | null} */
let decodedHdr = null;
void measureHdr().then(kinds => {
  decodedHdr = kinds;
});

async function measureHdr() {
  const kinds = Object.entries(HDR).map(async ([kind, transferFunction]) => {
    const answers = await Promise.all(TEN_BITS.map(codec => canDecode(codec, transferFunction)));
    // A browser without such a question: its screen alone decides.
    return answers.some(answer => answer ?? true) ? [kind] : [];
  });
  const dolbyVision = canDecode(DOLBY_VISION, 'pq').then(answer => (answer ? ['dolby-vision'] : []));
  return (await Promise.all([...kinds, dolbyVision])).flat();
}

/**
 * Null: it can not be asked.
 * @param {string} codec
 * @param {string} transferFunction
 */
async function canDecode(codec, transferFunction) {
  const video = { contentType: `video/mp4; codecs="${codec}"`, width: 1920, height: 1080, bitrate: 8_000_000, framerate: 24 };
  const asked = { type: 'media-source', video: { ...video, colorGamut: 'rec2020', transferFunction } };
  try {
    const { supported } = await navigator.mediaCapabilities.decodingInfo(/** @type {MediaDecodingConfiguration} */ (asked));
    return supported;
  } catch {
    return null;
  }
}

/**
 * Widths and bit rates are left out on purpose: a small screen is no reason to send less than a person asks for.
 * @returns {Capabilities}
 */
export function measureCapabilities() {
  const video = document.createElement('video');
  const mediaSource = findMediaSource();
  /** @param {string} type */
  const isPlayable = type => video.canPlayType(type) !== '' || (mediaSource?.isTypeSupported(type) ?? false);
  /** @param {Record<string, string[]>} table */
  const supported = table => Object.keys(table).filter(name => table[name]?.some(isPlayable));
  const isHdrScreen = matchMedia('(dynamic-range: high)').matches;
  return {
    containers: supported(CONTAINERS),
    videoCodecs: supported(VIDEO),
    audioCodecs: supported(AUDIO),
    hls: hlsSupport(video, mediaSource !== null),
    hdr: isHdrScreen ? (decodedHdr ?? Object.keys(HDR)) : [],
    ...surroundChannels(),
  };
}

const SURROUND_CHANNELS = 6;

/** Of the loudspeakers. Fewer than surround are not told: a browser mixes down by itself what it plays. @returns {{ maxAudioChannels?: number }} */
function surroundChannels() {
  try {
    const context = new AudioContext();
    const { maxChannelCount } = context.destination;
    void context.close();
    return maxChannelCount >= SURROUND_CHANNELS ? { maxAudioChannels: Math.min(maxChannelCount, 64) } : {};
  } catch {
    // No sound at all here, or nothing that tells of it.
    return {};
  }
}

/** @returns {{ isTypeSupported(type: string): boolean } | null} */
function findMediaSource() {
  return Reflect.get(window, 'ManagedMediaSource') ?? Reflect.get(window, 'MediaSource') ?? null;
}

/**
 * @param {HTMLVideoElement} video
 * @param {boolean} hasMediaSource
 * @returns {'native' | 'mse' | 'none'}
 */
function hlsSupport(video, hasMediaSource) {
  if (hasMediaSource) return 'mse';
  return video.canPlayType('application/vnd.apple.mpegurl') === '' ? 'none' : 'native';
}
