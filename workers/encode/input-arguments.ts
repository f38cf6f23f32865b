// The arguments by which every ffprobe and ffmpeg of ours opens a library file.

// Playlists, concat scripts and image sequences can name other files: only demuxers that read one file are let in.
const DEMUXERS = 'mov,matroska,mpegts,mpeg,avi,asf,flv,ogg,mpegvideo,mxf';

/** The `file:` prefix keeps a name from being read as an option or a protocol; nothing but that file may be opened. */
export const inputArguments = (path: string): readonly string[] => [
  '-protocol_whitelist',
  'file',
  '-format_whitelist',
  DEMUXERS,
  '-i',
  `file:${path}`,
];
