// Every name of what a viewer fetches and of what the cache keeps, written and parsed here alone:
// `/stream/<sessionId>/<token>/` + `main.m3u8` | `video/<rung>/` | `audio/<track>/` | `audio/<track>-full/` + `index.m3u8` | `init.mp4` | `<n>.m4s` | `<n>.<chunk>.m4s`, or `<n>.ts`;
// `unsigned/video/<rung>/` the same as `video/<rung>/`, with no picture that is decoded after it is shown;
// `iframes/<rung>/` likewise, of keyframes alone; `images/` + `index.m3u8` | `<n>.jpg`;
// `subtitles/<track>/` + `index.m3u8` | `<n>.vtt` | `all.vtt`, the whole track for who plays the film's own file | `source.<ext>`, as it was authored;
// `fonts/` + `index.json` | `<n>`, those attached to the film.
import type { EncodeCodec } from './encoders.ts';
import type { SessionId } from './ids.ts';
import type { Track } from './protocol.ts';
import type { AudioForm, ChunkNumber, RenditionKey, RungId, SegmentChunk, SegmentName } from './rendition.ts';

/** Below it stand the session, its token and the path. */
export const STREAM_PREFIX = '/stream/';
export const STREAM_ROUTE = '/stream/:sessionId/:token/*';
export const MULTIVARIANT = 'main.m3u8';
/** The same with the first rung alone: for a player that reads every rung it is told of, and never changes from one to another. */
export const ONE_RUNG = 'one.m3u8';
/** The same with the rungs alone that are cut where the first is: for a player that takes a segment's number to mean one time in every rung. */
export const ALIGNED_MULTIVARIANT = 'aligned.m3u8';
/** The same with all rungs, for a player whose pictures come late where one is decoded after it is shown; `ONE_RUNG` names these segments too. */
export const UNSIGNED_MULTIVARIANT = 'unsigned.m3u8';
const UNSIGNED = 'unsigned/';
/** A film's chapters, as its multivariant playlist names them. */
export const CHAPTERS = 'chapters.json';
const INIT = 'init.mp4';
const INDEX = '/index.m3u8';
const SEGMENT = '.m4s';
const TRANSPORT_SEGMENT = '.ts';
const FILE = 'file.';
const SUBTITLES = 'subtitles/';
const TEXT = '.vtt';
const WHOLE_TEXT = 'all.vtt';
const IFRAMES = 'iframes/';
/** A film's small pictures as a rendition of keyframes, of `init.mp4` and `<n>.m4s`: a name that no rung has. */
export const PREVIEW_IFRAMES = `${IFRAMES}preview`;
/** The same pictures as tiles: `index.m3u8` and `<n>.jpg`. */
export const IMAGES = 'images';
const TILE = '.jpg';

export const streamAddress = (sessionId: SessionId, token: string, path: string): string => `${STREAM_PREFIX}${sessionId}/${token}/${path}`;

/** The copied picture: a name that no encode has. */
export const ORIGINAL: RungId = 'original';

/**
 * What an encode is called: the box it fits in, and its codec where that is not the one every player knows. A name is a name: what a
 * rendition is stands in its fields, so that one offer may have `720p` and `720p-av1`, and nobody reads a height or a codec out of either.
 */
export const rungNameOf = (boxHeight: number, codec: EncodeCodec): RungId =>
  codec === 'h264' ? `${boxHeight}p` : `${boxHeight}p-${codec}`;

/** The same rung in another codec. */
export const rungNameIn = (rungId: RungId, codec: Exclude<EncodeCodec, 'h264'>): RungId => `${rungId}-${codec}`;

export const videoDirectory = (rungId: RungId): string => `video/${rungId}`;
export const audioNameOf = ({ track, form }: { readonly track: number; readonly form?: AudioForm }): string =>
  form === undefined ? String(track) : `${track}-${form}`;
const subtitleDirectory = (track: number): string => `${SUBTITLES}${track}`;

export function directoryOf(track: Track): string {
  switch (track.kind) {
    case 'video':
      return videoDirectory(track.rungId);
    case 'iframes':
      return `${IFRAMES}${track.rungId}`;
    case 'audio':
      return `audio/${audioNameOf(track)}`;
    case 'subtitles':
      return subtitleDirectory(track.track);
  }
}

const AUDIO_SLOT = 'audio:';

/** What a session calls the encode of a rendition: `video:720p`, `audio:0`, `audio:0-full`. */
export const slotOf = (track: { readonly rungId: RungId } | { readonly track: number; readonly form?: AudioForm }): string =>
  'rungId' in track ? `video:${track.rungId}` : AUDIO_SLOT + audioNameOf(track);
export const isAudioSlot = (slot: string): boolean => slot.startsWith(AUDIO_SLOT);
export const directoryOfEncode = (slot: string): string => slot.replace(':', '/');

export const isPlaylist = (path: string): boolean => path.endsWith('.m3u8');
export const mediaPlaylistOf = (directory: string): string => directory + INDEX;

/** A multivariant playlist whose pictures are those below `unsigned/`. */
export const withUnsignedPictures = (playlist: string): string => playlist.replace(/^(?=video\/)/gm, UNSIGNED);

/** What lies below `unsigned/` by its usual path; null for any other path. */
export const usualPathOf = (path: string): string | null => (path.startsWith(`${UNSIGNED}video/`) ? path.slice(UNSIGNED.length) : null);

/** Whose media playlist that is; null for any other path. */
export const directoryOfPlaylist = (path: string): string | null => (path.endsWith(INDEX) ? path.slice(0, -INDEX.length) : null);

/** A direct play's file: its extension tells what is in it. */
export const directFileOf = ({ path }: { readonly path: string }): string =>
  FILE + (/\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? 'bin');
export const isDirectFile = (path: string): boolean => path.startsWith(FILE);

export const segmentFile = (name: SegmentName): string => (name === 'init' ? INIT : `${name}${SEGMENT}`);
export const transportFile = (index: number): string => `${index}${TRANSPORT_SEGMENT}`;
export const textFile = (index: number): string => `${index}${TEXT}`;
export const tileFile = (tile: number): string => `${tile}${TILE}`;

/** What of a film's small pictures a path below its session names; null for any other path. */
export function parsePreviewPath(path: string): { readonly of: 'tile' | 'iframe'; readonly name: SegmentName } | null {
  if (path.startsWith(`${IMAGES}/`) && path.endsWith(TILE)) {
    const name = readNumber(path, IMAGES.length + 1, path.length - TILE.length);
    return name === null ? null : { of: 'tile', name };
  }
  if (!path.startsWith(`${PREVIEW_IFRAMES}/`)) return null;
  const segment = parseSegmentPath(path);
  return segment === null || segment.directory !== PREVIEW_IFRAMES || segment.chunk !== null ? null : { of: 'iframe', name: segment.name };
}

/** A whole subtitle track as one WebVTT file. */
export const wholeTextOf = (track: number): string => `${subtitleDirectory(track)}/${WHOLE_TEXT}`;
/** A subtitle track as it was authored. */
export const sourceFileOf = (track: number, extension: string): string => `${subtitleDirectory(track)}/source.${extension}`;
export const FONT_LIST = 'fonts/index.json';
export const fontFileOf = (number: number): string => `fonts/${number}`;

/** What is fetched as a file of its own beside what is played. */
export type ExtraAddress =
  | { readonly kind: 'source'; readonly track: number; readonly extension: string }
  | { readonly kind: 'fonts' }
  | { readonly kind: 'font'; readonly number: number };

/** Null for everything else. */
export function parseExtraPath(path: string): ExtraAddress | null {
  if (path === FONT_LIST) return { kind: 'fonts' };
  const font = /^fonts\/(0|[1-9]\d{0,2})$/.exec(path)?.[1];
  if (font !== undefined) return { kind: 'font', number: Number(font) };
  const [, track, extension] = /^subtitles\/(0|[1-9]\d{0,3})\/source\.([a-z]{2,4})$/.exec(path) ?? [];
  return track === undefined || extension === undefined ? null : { kind: 'source', track: Number(track), extension };
}

export const chunkFile = ({ index, chunk }: SegmentChunk): string => `${index}.${chunk}${SEGMENT}`;

/** What a segment's path names, below its session. */
export type SegmentAddress = { readonly directory: string; readonly name: SegmentName; readonly chunk: ChunkNumber | null };

/** One spelling for each, so that no cache holds two of it; null for everything else. */
export function parseSegmentPath(path: string): SegmentAddress | null {
  const slash = path.lastIndexOf('/');
  const from = slash + 1;
  const directory = path.slice(0, slash);
  if (path.endsWith(TEXT)) return parseTextPath(path, from, directory);
  if (directory.startsWith(SUBTITLES)) return null;
  if (!path.endsWith(SEGMENT)) {
    return path.length === from + INIT.length && path.endsWith(INIT) ? { directory, name: 'init', chunk: null } : null;
  }
  const end = path.length - SEGMENT.length;
  const chunk = chunkBefore(path, end);
  const name = readNumber(path, from, chunk === null ? end : end - 2);
  return name === null ? null : { directory, name, chunk };
}

/** The same in a session whose segments are transport streams, which need no init segment. */
export function parseTransportPath(path: string): SegmentAddress | null {
  const slash = path.lastIndexOf('/');
  const directory = path.slice(0, slash);
  if (path.endsWith(TEXT)) return parseTextPath(path, slash + 1, directory);
  if (directory.startsWith(SUBTITLES) || !path.endsWith(TRANSPORT_SEGMENT)) return null;
  const name = readNumber(path, slash + 1, path.length - TRANSPORT_SEGMENT.length);
  return name === null ? null : { directory, name, chunk: null };
}

/** The name of a segment over all media, by which it is waited for and remembered. */
export const segmentAddress = (key: RenditionKey, name: SegmentName): string => `${key}/${name}`;

function parseTextPath(path: string, from: number, directory: string): SegmentAddress | null {
  if (!directory.startsWith(SUBTITLES)) return null;
  if (path.length === from + WHOLE_TEXT.length && path.endsWith(WHOLE_TEXT)) return { directory, name: 'init', chunk: null };
  const name = readNumber(path, from, path.length - TEXT.length);
  return name === null ? null : { directory, name, chunk: null };
}

/** Where the cache keeps the segments of a rendition, below its own folder. */
export const keptFolder = (key: RenditionKey): string => `${key.slice(0, 2)}/${key}`;
export const isKeptFile = (path: string): boolean => /^[0-9a-f]{2}\/[0-9a-f]{32}\/(init\.mp4|\d+\.m4s)$/.test(path);

const ZERO = 48;
const ONE = 49;
const NINE = 57;
const DOT = 46;
/** More digits than any film has segments: what is longer need not be counted. */
const MAX_DIGITS = 9;

/** Of `….0` and `….1` that ends at `end`. */
function chunkBefore(path: string, end: number): ChunkNumber | null {
  if (path.charCodeAt(end - 2) !== DOT) return null;
  const digit = path.charCodeAt(end - 1);
  return digit === ZERO ? 0 : digit === ONE ? 1 : null;
}

/** Digit by digit: on the way of every segment request. */
function readNumber(text: string, from: number, end: number): number | null {
  if (end <= from || end - from > MAX_DIGITS || (text.charCodeAt(from) === ZERO && end > from + 1)) return null;
  let number = 0;
  for (let at = from; at < end; at++) {
    const digit = text.charCodeAt(at);
    if (digit < ZERO || digit > NINE) return null;
    number = number * 10 + digit - ZERO;
  }
  return number;
}
