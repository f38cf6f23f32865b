// Players that are no browsers and read playlists in a way of their own: which multivariant playlist each is given under the one address.
import { MULTIVARIANT, ONE_RUNG, UNSIGNED_MULTIVARIANT } from '#domain/addresses.ts';

/**
 * ffmpeg and what plays with its demuxer (libavformat/hls.c opens each rendition in turn to learn its streams; mpv 0.35, ffmpeg 5.1 tried). Such
 * players never go from one rung to another, and their user would wait for the encodes of rungs that are thrown away.
 */
const READS_EVERY_RUNG = /^(Lavf\/|libmpv|mpv)/i;

/**
 * Readers of fragments that add the largest offset of a picture which is shown before it is decoded to the time of every picture: ffmpeg 5.1
 * (mov.c, dts_shift) and GStreamer 1.22.
 */
const GSTREAMER = /souphttpsrc|^GStreamer/i;
/** WebKitGTK and WPE, which play with GStreamer: a WebKit on Linux that is not Chromium's. */
const WEBKIT_ON_LINUX = /^Mozilla\/5\.0 \(X11;[^)]*\bLinux\b[^)]*\) AppleWebKit\/(?!.*\bChrom(e|ium)\/)/;

export function multivariantFor(userAgent: string): string {
  if (READS_EVERY_RUNG.test(userAgent)) return ONE_RUNG;
  return GSTREAMER.test(userAgent) || WEBKIT_ON_LINUX.test(userAgent) ? UNSIGNED_MULTIVARIANT : MULTIVARIANT;
}
