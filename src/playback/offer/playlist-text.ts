// The multivariant and media playlists of one offer (RFC 8216): complete VOD playlists from the first answer, every URI relative.
import HLS from 'hls-parser';
import {
  CHAPTERS,
  chunkFile,
  directoryOf,
  mediaPlaylistOf,
  segmentFile,
  textFile,
  transportFile,
  videoDirectory,
} from '#domain/addresses.ts';
import { keepsCaptions } from '#domain/encoders.ts';
import type { Media } from '#domain/media.ts';
import { gridOf, type Plan, segmentCount, segmentDurationS, targetDurationS } from '#domain/plan.ts';
import type { AudioRendition, ChunkNumber, Rendition, SubtitleRendition, VideoIframes, VideoRendition } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import { languageName, languageTag } from '#domain/subtitles/language.ts';
import { iframePlaylist, trickPlayStreams } from './trick-play.ts';
import { audioGroups, averageBps, playableTogether, supplementalCodecsOf, videoRangeOf } from './variants.ts';

/** The chapters of a film as Apple's players read them. */
const CHAPTERS_DATA_ID = 'com.apple.hls.chapters';

const SUBTITLE_GROUP = 'subtitles';
/** Of tracks that tell sounds and speakers too (RFC 8216bis, 4.4.6.1). */
const SDH = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';
// EXT-X-MAP outside I-frame playlists, and durations that are no whole seconds (RFC 8216, 7).
const VERSION = 6;
const TRANSPORT_VERSION = 3;
// FORCED is of subtitles alone (RFC 8216bis, 4.4.6.1): Chromium's own player refuses a playlist that has it elsewhere.
const NOT_FORCED = undefined as unknown as boolean;
/** Those within the pictures. */
const CAPTION_GROUP = 'captions';
// Most films have no captions within their pictures: a player need not look for any (RFC 8216, 4.3.4.2).
HLS.setOptions({ allowClosedCaptionsNone: true });

export type PlaylistInput = {
  readonly media: Media;
  readonly plan: Plan;
  readonly offer: Offer;
  /** Of the copied pictures. */
  readonly iframes: readonly VideoIframes[];
  readonly hasLeadingPictures: boolean;
};

export function multivariantPlaylist(input: PlaylistInput): string {
  const { media, offer, hasLeadingPictures } = input;
  const names = audioNames(media);
  const subtitles = offer.subtitles.map(rendition => subtitleRendition(rendition, offer.subtitleTrack));
  const closedCaptions = captionRenditions(media);
  const groups = audioGroups(offer.audio).map(({ id, renditions }) => ({
    codecs: [...new Set(renditions.map(({ codecs }) => codecs))],
    peakBps: Math.max(0, ...renditions.map(({ bandwidthBps }) => bandwidthBps)),
    averageBps: Math.max(0, ...renditions.map(rendition => averageBps(rendition, media))),
    audio: renditions.map((rendition, position) =>
      audioRendition(media, rendition, { groupId: id, name: names[rendition.track] ?? '', isFirst: position === 0 }),
    ),
  }));
  const pictures = playableTogether(offer.video);
  const variants = groups.flatMap(({ codecs, peakBps, averageBps: soundBps, audio }) =>
    pictures.map(rendition => {
      const bandwidth = rendition.bandwidthBps + peakBps;
      return new HLS.types.Variant({
        uri: mediaPlaylistOf(videoDirectory(rendition.rungId)),
        bandwidth,
        averageBandwidth: Math.min(bandwidth, averageBps(rendition, media) + soundBps),
        codecs: [rendition.codecs, ...codecs].join(','),
        resolution: { width: rendition.width, height: rendition.height },
        frameRate: frameRateOf(media, rendition),
        videoRange: videoRangeOf(rendition, media),
        audio,
        subtitles,
        closedCaptions: hasCaptions(rendition) ? closedCaptions : [],
        currentRenditions: { audio: 0, video: 0, subtitles: 0, closedCaptions: 0 },
      });
    }),
  );
  const independentSegments = pictures.every(rendition => isIndependent(rendition, hasLeadingPictures));
  const sessionDataList = media.chapters.length === 0 ? [] : [new HLS.types.SessionData({ id: CHAPTERS_DATA_ID, uri: CHAPTERS })];
  const version = offer.segments === 'mpegts' ? TRANSPORT_VERSION : VERSION;
  const text = terminated(HLS.stringify(new HLS.types.MasterPlaylist({ version, independentSegments, sessionDataList, variants })));
  const listed = pictures.reduce(
    (whole, rendition) => withSupplementalCodecs(whole, rendition, supplementalCodecsOf(rendition, media)),
    text,
  );
  return withoutDenials(listed) + trickPlayStreams(input);
}

/** An attribute that the writer does not know (RFC 8216bis, 4.4.6.2): set behind CODECS of each variant of the rendition. */
function withSupplementalCodecs(playlist: string, { rungId }: VideoRendition, codecs: string | null): string {
  if (codecs === null) return playlist;
  const lines = playlist.split('\n');
  const uri = mediaPlaylistOf(videoDirectory(rungId));
  return lines
    .map((line, at) => (lines[at + 1] === uri ? line.replace(/,CODECS="[^"]*"/, told => `${told},SUPPLEMENTAL-CODECS="${codecs}"`) : line))
    .join('\n');
}

/** Where a player begins that is told nothing but this address (RFC 8216, 4.3.5.2): cut into the finished text, which viewers share. */
export const withStart = (playlist: string, startS: number): string =>
  playlist.replace(/^#EXTM3U\n(#EXT-X-VERSION:.*\n)?/, head => `${head}#EXT-X-START:TIME-OFFSET=${microseconds(startS)},PRECISE=YES\n`);

export function mediaPlaylist({ plan, offer, hasLeadingPictures }: PlaylistInput, rendition: Rendition): string {
  const grid = gridOf(plan, rendition);
  if (rendition.kind === 'video-iframes') return iframePlaylist(grid);
  const isText = rendition.kind === 'subtitle';
  const isTransport = offer.segments === 'mpegts';
  const fileOf = isText ? textFile : isTransport ? transportFile : segmentFile;
  const map = isText || isTransport ? null : new HLS.types.MediaInitializationSection({ uri: segmentFile('init') });
  const segments = Array.from(
    { length: segmentCount(grid) },
    (_, index) =>
      new HLS.types.Segment({
        uri: fileOf(index),
        duration: microseconds(segmentDurationS(grid, index)),
        mediaSequenceNumber: index,
        discontinuitySequence: 0,
        ...(map && { map }),
      }),
  );
  return terminated(
    HLS.stringify(
      new HLS.types.MediaPlaylist({
        version: isTransport ? TRANSPORT_VERSION : VERSION,
        targetDuration: targetDurationS(plan, [...offer.video, ...offer.audio, ...offer.subtitles]),
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

const hasCaptions = (rendition: VideoRendition): boolean => rendition.kind !== 'video-encode' || keepsCaptions(rendition);

/** Where some variants have captions, none may deny them (RFC 8216, 4.3.4.2): those that may have lost them say nothing. */
const withoutDenials = (playlist: string): string =>
  playlist.includes(`CLOSED-CAPTIONS="${CAPTION_GROUP}"`) ? playlist.replaceAll(',CLOSED-CAPTIONS=NONE', '') : playlist;

/** The first channel, which is what broadcasts and discs use; what else there is a player finds. */
function captionRenditions({ streams }: Media) {
  if (streams.video[0]?.hasCaptions !== true) return [];
  const facts = { type: 'CLOSED-CAPTIONS', groupId: CAPTION_GROUP, name: 'Closed captions', instreamId: 'CC1' } as const;
  return [new HLS.types.Rendition({ ...facts, isDefault: false, autoselect: true, forced: NOT_FORCED })];
}

type SoundFacts = { readonly groupId: string; readonly name: string; readonly isFirst: boolean };

function audioRendition(media: Media, rendition: AudioRendition, { groupId, name, isFirst }: SoundFacts) {
  const { language: written = null, title = null } = media.streams.audio[rendition.track] ?? {};
  const language = languageTag(written);
  return new HLS.types.Rendition({
    type: 'AUDIO',
    uri: mediaPlaylistOf(directoryOf({ ...rendition, kind: 'audio' })),
    groupId,
    name,
    ...(language === null ? {} : { language }),
    isDefault: isFirst,
    autoselect: true,
    channels: String(rendition.channels),
    ...(describesVideo(title) ? { characteristics: 'public.accessibility.describes-video' } : {}),
    forced: NOT_FORCED,
  });
}

/** No container of ours marks such a track in a way that ffprobe tells; its title does. */
const describesVideo = (title: string | null): boolean =>
  /\baudio[ -]?descri(bed|ption)\b|\bdescriptive\b|\bvisually impaired\b/i.test(title ?? '');

function subtitleRendition({ track, name, language, isForced, isHearingImpaired }: SubtitleRendition, chosen: number | null) {
  return new HLS.types.Rendition({
    type: 'SUBTITLES',
    uri: mediaPlaylistOf(directoryOf({ kind: 'subtitles', track })),
    groupId: SUBTITLE_GROUP,
    name: attributeText(name),
    ...(language === null ? {} : { language }),
    isDefault: track === chosen,
    // The player may choose it by the viewer's languages; forced ones are for whoever chose none.
    autoselect: true,
    forced: isForced,
    ...(isHearingImpaired ? { characteristics: SDH } : {}),
  });
}

/** Names must differ within a group (RFC 8216, 4.3.4.1.1). */
function audioNames(media: Media): string[] {
  const names: string[] = [];
  const plain = media.streams.audio.map(({ title, language }, at) => attributeText(title) || languageWord(language) || `Audio ${at + 1}`);
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

/** `eng` is English; what is no known language stays as the file has it. */
function languageWord(text: string | null): string {
  const tag = languageTag(text);
  return (tag === null ? null : languageName(tag)) ?? attributeText(text);
}

function isIndependent(rendition: VideoRendition | Rendition, hasLeadingPictures: boolean): boolean {
  return rendition.kind !== 'video-copy' || !hasLeadingPictures;
}

function frameRateOf(media: Media, rendition: VideoRendition): number {
  const rate = rendition.kind === 'video-encode' ? rendition.frameRate : media.streams.video[0]?.sourceFrameRate;
  return rate ? Number((rate.num / rate.den).toFixed(3)) : 0;
}

const microseconds = (seconds: number): number => Math.round(seconds * 1e6) / 1e6;

const terminated = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);
