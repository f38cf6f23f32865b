// Players that read playlists in a way of their own, not a library's: which multivariant playlist each is given under the one address.
import { ALIGNED_MULTIVARIANT, MULTIVARIANT, ONE_RUNG, UNSIGNED_MULTIVARIANT } from '#domain/addresses.ts';

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
const WEBKIT_ON_LINUX = /^Mozilla\/5\.0 \(X11;[^)]*\bLinux\b[^)]*\) AppleWebKit\/(?!.*Chrom(e|ium)\/)/;

/**
 * Chromium's own HLS (150 tried) goes on with the next number in the rung that it changes to, whatever time that segment is of, and shows it at the
 * time of the one that it would have been: RFC 8216, 4.3.3.2, has numbers of one rung mean nothing in another. What its media element asks for
 * differs from what its pages fetch by the encodings that it takes.
 */
const CHROMIUM = /^Mozilla\/.*Chrom(e|ium)\//;
const MEDIA_ELEMENT = /identity;q=1, \*;q=0$/;

export function multivariantFor(userAgent: string, acceptEncoding: string): string {
  if (MEDIA_ELEMENT.test(acceptEncoding) && CHROMIUM.test(userAgent)) return ALIGNED_MULTIVARIANT;
  if (READS_EVERY_RUNG.test(userAgent)) return ONE_RUNG;
  return GSTREAMER.test(userAgent) || WEBKIT_ON_LINUX.test(userAgent) ? UNSIGNED_MULTIVARIANT : MULTIVARIANT;
}
