// How times, lengths, rates and languages are written for a person.

/** @param {number} ms `65000` → `1:05` */
export function formatTime(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

/** @param {number} ms `5520000` → `1 h 32 min` */
export function formatLength(ms) {
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {number} ms for screen readers: `65000` → `1 minute 5 seconds` */
export function speakTime(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(total / 3600), 'hour'],
    [Math.floor((total % 3600) / 60), 'minute'],
    [total % 60, 'second'],
  ];
  const spoken = parts.filter(([count], at) => Number(count) > 0 || (at === 2 && total < 60));
  return spoken.map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`).join(' ');
}

/** @param {number} bps */
export function formatBitrate(bps) {
  if (!Number.isFinite(bps) || bps <= 0) return '–';
  return bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(bps >= 10_000_000 ? 0 : 1)} Mbit/s` : `${Math.round(bps / 1000)} kbit/s`;
}

/** @param {number} ms */
export const formatSeconds = ms => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;

/** @type {Record<string, string>} */
const CODEC_NAMES = {
  h264: 'H.264',
  hevc: 'HEVC',
  vp8: 'VP8',
  vp9: 'VP9',
  av1: 'AV1',
  mpeg2video: 'MPEG-2',
  mpeg4: 'MPEG-4',
  aac: 'AAC',
  ac3: 'Dolby Digital',
  eac3: 'Dolby Digital Plus',
  truehd: 'Dolby TrueHD',
  dts: 'DTS',
  opus: 'Opus',
  vorbis: 'Vorbis',
  flac: 'FLAC',
  mp3: 'MP3',
};

/** @param {string} codec */
export const formatCodec = codec => CODEC_NAMES[codec] ?? codec.toUpperCase();

/** @param {number} channels */
export function formatChannels(channels) {
  if (channels === 1) return 'mono';
  if (channels === 2) return 'stereo';
  return channels === 6 ? '5.1' : channels === 8 ? '7.1' : `${channels} channels`;
}

/** @param {string | null | undefined} language a BCP 47 or ISO 639 code, or nothing */
export function formatLanguage(language) {
  if (!language || language === 'und') return null;
  try {
    return new Intl.DisplayNames(navigator.languages.slice(), { type: 'language' }).of(language) ?? language;
  } catch {
    // Files carry codes that are no language tags at all: shown as they are.
    return language;
  }
}

/**
 * A wide film has fewer lines than the box that it was made for: people call 1920 × 800 1080p.
 * @param {number} width
 * @param {number} height
 */
export function formatResolution(width, height) {
  const lines = Math.max(height, Math.round((width * 9) / 16));
  if (lines >= 2000) return '4K';
  return `${[1440, 1080, 720].find(named => lines >= named * 0.97) ?? height}p`;
}

/** @param {string} rung `original`, or the box it fits in: `720p` */
export function formatRung(rung) {
  if (rung === 'original') return 'Original';
  return rung === '2160p' ? '4K' : rung;
}
