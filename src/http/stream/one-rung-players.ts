// Players that never go from one rung to another, and begin by reading the first segments of every rung that they are told of.

/**
 * ffmpeg and what plays with its demuxer (libavformat/hls.c opens each rendition in turn to learn its streams; mpv 0.35, ffmpeg 5.1 tried). Their
 * user would wait for the encodes of rungs that are thrown away.
 */
const LIBAVFORMAT = /^(Lavf\/|libmpv|mpv)/i;

export const readsEveryRung = (userAgent: string): boolean => LIBAVFORMAT.test(userAgent);
