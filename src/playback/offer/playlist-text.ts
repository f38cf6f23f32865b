// The multivariant and media playlists of one offer (RFC 8216): complete VOD playlists from the first answer, every URI relative.
import HLS from 'hls-parser';
import { chunkFile, directoryOf, mediaPlaylistOf, segmentFile, videoDirectory } from '#domain/addresses.ts';
import type { Media } from '#domain/media.ts';
import { type Grid, gridOf, longestSegmentS, type Plan, segmentCount, segmentDurationS } from '#domain/plan.ts';
import type { AudioRendition, ChunkNumber, Rendition, VideoRendition } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';

const AUDIO_GROUP = 'audio';
// EXT-X-MAP outside I-frame playlists (RFC 8216, 7).
const VERSION = 6;

export type PlaylistInput = { readonly media: Media; readonly plan: Plan; readonly offer: Offer; readonly hasLeadingPictures: boolean };

export function multivariantPlaylist({ media, offer, hasLeadingPictures }: PlaylistInput): string {
  const audioBps = Math.max(0, ...offer.audio.map(({ bandwidthBps }) => bandwidthBps));
  const audioCodecs = [...new Set(offer.audio.map(({ codecs }) => codecs))];
  const names = audioNames(media);
  const audio = offer.audio.map((rendition, position) =>
    audioRendition(media, rendition, { name: names[rendition.track] ?? '', isFirst: position === 0 }),
  );
  const variants = offer.video.map(
    rendition =>
      new HLS.types.Variant({
        uri: mediaPlaylistOf(videoDirectory(rendition.rungId)),
        bandwidth: rendition.bandwidthBps + audioBps,
        codecs: [rendition.codecs, ...audioCodecs].join(','),
        resolution: { width: rendition.width, height: rendition.height },
        frameRate: frameRateOf(media, rendition),
        audio,
        currentRenditions: { audio: 0, video: 0, subtitles: 0, closedCaptions: 0 },
      }),
  );
  const independentSegments = offer.video.every(rendition => isIndependent(rendition, hasLeadingPictures));
  return terminated(HLS.stringify(new HLS.types.MasterPlaylist({ version: VERSION, independentSegments, variants })));
}

export function mediaPlaylist({ plan, offer, hasLeadingPictures }: PlaylistInput, rendition: Rendition): string {
  const grid = gridOf(plan, rendition);
  const map = new HLS.types.MediaInitializationSection({ uri: segmentFile('init') });
  const segments = Array.from(
    { length: segmentCount(grid) },
    (_, index) =>
      new HLS.types.Segment({
        uri: segmentFile(index),
        duration: microseconds(segmentDurationS(grid, index)),
        mediaSequenceNumber: index,
        discontinuitySequence: 0,
        map,
      }),
  );
  return terminated(
    HLS.stringify(
      new HLS.types.MediaPlaylist({
        version: VERSION,
        targetDuration: targetDurationS(plan, offer),
        playlistType: 'VOD',
        endlist: true,
        independentSegments: isIndependent(rendition, hasLeadingPictures),
        mediaSequenceBase: 0,
        segments,
      }),
    ),
  );
}

/**
 * The same media playlist with one segment offered as its two chunks, `<n>.0.m4s` and `<n>.1.m4s`, of these durations. Cut into the
 * finished text: writing a film's playlist takes milliseconds, and nearly every start has a segment of its own to split.
 */
export function withSplitSegment(playlist: string, index: number, durationsS: readonly [number, number]): string {
  const entry = new RegExp(`#EXTINF:[^\\n]*\\n${segmentFile(index).replace('.', '\\.')}\\n`);
  if (!entry.test(playlist)) throw new RangeError(`the playlist has no segment ${index}`);
  return playlist.replace(
    entry,
    durationsS
      .map((seconds, chunk) => `#EXTINF:${microseconds(seconds)},\n${chunkFile({ index, chunk: chunk as ChunkNumber })}\n`)
      .join(''),
  );
}

/** Every media playlist of a variant must have the same target duration (RFC 8216, 6.2.4), at least each rounded EXTINF (4.3.3.1). */
function targetDurationS(plan: Plan, offer: Offer): number {
  const grids: Grid[] = [...offer.video, ...offer.audio].map(rendition => gridOf(plan, rendition));
  return Math.max(...grids.map(grid => Math.round(longestSegmentS(grid))), 1);
}

function audioRendition(media: Media, rendition: AudioRendition, { name, isFirst }: { name: string; isFirst: boolean }) {
  const language = media.streams.audio[rendition.track]?.language ?? null;
  return new HLS.types.Rendition({
    type: 'AUDIO',
    uri: mediaPlaylistOf(directoryOf({ kind: 'audio', track: rendition.track })),
    groupId: AUDIO_GROUP,
    name,
    ...(isLanguageTag(language) ? { language } : {}),
    isDefault: isFirst,
    autoselect: true,
    channels: String(rendition.channels),
    // FORCED is of subtitles alone (RFC 8216bis, 4.4.6.1): Chromium's own player refuses a playlist that has it elsewhere.
    forced: undefined as unknown as boolean,
  });
}

/** Names must differ within a group (RFC 8216, 4.3.4.1.1). */
function audioNames(media: Media): string[] {
  const names: string[] = [];
  const plain = media.streams.audio.map(({ title, language }, at) => attributeText(title) || attributeText(language) || `Audio ${at + 1}`);
  for (const [at, name] of plain.entries()) {
    const isTaken = (wanted: string): boolean => names.includes(wanted) || plain.some((other, where) => where !== at && other === wanted);
    let unique = name;
    for (let number = at + 1; isTaken(unique); number++) unique = `${name} (${number})`;
    names.push(unique);
  }
  return names;
}

/** A quoted-string has no quotes, line ends or other control characters (RFC 8216, 4.1 and 4.2), even when the file's text has. */
const attributeText = (text: string | null): string => (text ?? '').replace(/["\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/** Text that is no language tag (BCP 47) is left out: a player would not know it either. */
const isLanguageTag = (text: string | null): text is string => text !== null && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(text);

function isIndependent(rendition: VideoRendition | Rendition, hasLeadingPictures: boolean): boolean {
  return rendition.kind !== 'video-copy' || !hasLeadingPictures;
}

function frameRateOf(media: Media, rendition: VideoRendition): number {
  const rate = rendition.kind === 'video-encode' ? rendition.frameRate : media.streams.video[0]?.sourceFrameRate;
  return rate ? Number((rate.num / rate.den).toFixed(3)) : 0;
}

const microseconds = (seconds: number): number => Math.round(seconds * 1e6) / 1e6;

const terminated = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);
